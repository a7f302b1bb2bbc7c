"""The JSON forms of values with nothing inside, and of small objects of other rooms."""

from __future__ import annotations

import base64
import enum
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

import numpy as np

from keras_glove.errors import RegistrationError, SerializationError
from keras_glove.symbolic import registry
from keras_glove.symbolic.node import MISSING
from keras_glove.symbolic.path import Key, format_path
from keras_glove.symbolic.targets import target_of

__all__ = ["LEAF_READERS", "at", "leaf_to_json", "register_value_kind", "shown", "text_of"]

V = TypeVar("V")
_WRITERS: dict[type, tuple[str, Callable[[Any], Any]]] = {}
_READERS: dict[str, Callable[[Any], Any]] = {}


def register_value_kind(
    cls: type[V], write: Callable[[V], Any], read: Callable[[Any], V], *, name: str | None = None
) -> None:
    """Says how instances of a class are saved where they stand in programs and origins.

    Args:
      cls: the class.
      write: a function of an instance that returns JSON-able data.
      read: a function of such data that returns an instance, and raises `SerializationError`,
        `ValueError`, `TypeError` or `KeyError` for any other data.
      name: what the kind is called in documents, by default the name of the class.

    Raises:
      RegistrationError: the name belongs to another class.
    """
    name = name or cls.__name__
    known = next((kind for kind, (taken, _) in _WRITERS.items() if taken == name), cls)
    if registry.default_name(known) != registry.default_name(cls):
        raise RegistrationError(
            f"Expected a name that is free, received {name!r} for {registry.default_name(cls)}: it "
            f"is taken by {registry.default_name(known)}. Pass another `name`."
        )
    _WRITERS[cls] = name, write
    _READERS[name] = read


def leaf_to_json(value: Any, path: Sequence[Key]) -> Any:
    """The JSON form of a value with nothing inside."""
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return value
    if kind is float:
        return value if math.isfinite(value) else {"$float": repr(value)}
    if kind is complex:
        parts = [leaf_to_json(part, path) for part in (value.real, value.imag)]
        return {"$complex": parts}
    if kind is bytes:
        return {"$bytes": base64.b64encode(value).decode()}
    if value is MISSING:
        return {"$missing": None}
    if kind in _WRITERS:
        name, write = _WRITERS[kind]
        return {"$value": write(value), "kind": name}
    if isinstance(value, np.ndarray | np.generic):
        return _write_numpy(value, path)
    if isinstance(value, enum.Enum) and registry.is_registered(kind):
        return {"$member": value.name, "enum": registry.name_of(kind)}
    target = target_of(value)
    if callable(target) and registry.is_registered(target):
        return {"$callable": registry.name_of(target)}
    return _no_form(value, path)


def _no_form(value: Any, path: Sequence[Key]) -> NoReturn:
    hint = (
        "Decorate the class or function with `@kg.symbolize`, so that it has a name."
        if callable(value) or isinstance(value, enum.Enum)
        else "Describe it by a program (`kg.program`), or keep it out of what is saved."
    )
    raise SerializationError(
        f"{at(path)}: expected a value with a JSON form, received {shown(value)} of type "
        f"{type(value).__qualname__}. {hint}"
    )


def _write_numpy(value: Any, path: Sequence[Key]) -> Any:
    if isinstance(value, np.generic) and value.dtype.kind in "biufU":
        return leaf_to_json(value.item(), path)
    if value.dtype.kind not in "biufc":
        _no_form(value, path)
    little = np.asarray(value, dtype=value.dtype.newbyteorder("<"), order="C")
    return {
        "$array": base64.b64encode(little.tobytes()).decode(),
        "dtype": little.dtype.str,
        "shape": list(value.shape),
    }


def _read_float(data: Mapping[str, Any]) -> float:
    if data["$float"] not in ("nan", "inf", "-inf"):
        raise ValueError("expected 'nan', 'inf' or '-inf'")
    return float(data["$float"])


def _read_complex(data: Mapping[str, Any]) -> complex:
    real, imaginary = data["$complex"]
    return complex(*[_read_float(p) if isinstance(p, dict) else p for p in (real, imaginary)])


def _read_array(data: Mapping[str, Any]) -> np.ndarray[Any, Any]:
    dtype = np.dtype(text_of(data["dtype"]))
    if dtype.kind not in "biufc":
        raise ValueError("expected a dtype of numbers")
    content = base64.b64decode(data["$array"], validate=True)
    array: np.ndarray[Any, Any] = np.frombuffer(content, dtype=dtype)
    shaped: np.ndarray[Any, Any] = array.reshape([int(n) for n in data["shape"]]).copy()
    return shaped


def _read_value(data: Mapping[str, Any]) -> Any:
    reader = _READERS.get(text_of(data["kind"]))
    if reader is None:
        raise ValueError(f"expected a kind among {sorted(_READERS)}")
    return reader(data["$value"])


def _read_member(data: Mapping[str, Any]) -> enum.Enum:
    members = registry.resolve(text_of(data["enum"]))
    if not (isinstance(members, type) and issubclass(members, enum.Enum)):
        raise TypeError("expected the name of an enum")
    return members[text_of(data["$member"])]


LEAF_READERS: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "$float": _read_float,
    "$complex": _read_complex,
    "$bytes": lambda data: base64.b64decode(data["$bytes"], validate=True),
    "$array": _read_array,
    "$missing": lambda data: MISSING,
    "$value": _read_value,
    "$member": _read_member,
    "$callable": lambda data: registry.resolve(text_of(data["$callable"])),
}
"""How objects that have nothing inside are read, by the key that tells what they are."""


def text_of(value: Any) -> str:
    """The value, which must be a text."""
    if type(value) is not str:
        raise TypeError(f"expected a text, received {shown(value)}")
    return value


def shown(value: Any) -> str:
    """A value in a message."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def at(path: Sequence[Key]) -> str:
    """The place of a value in a message."""
    return f"at `{format_path(path) or 'the root'}`"

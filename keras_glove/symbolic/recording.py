"""Live objects and the programs that describe them, kept beside each other.

Nothing is put on the live object: saving walks the attributes of a Keras object, and
would find it. The table holds live objects weakly.
"""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from keras_glove.errors import DescriptionError
from keras_glove.symbolic.equality import equal
from keras_glove.symbolic.node import Node
from keras_glove.symbolic.path import Path, format_path
from keras_glove.symbolic.program import Program
from keras_glove.symbolic.signature import Signature, signature_of
from keras_glove.symbolic.targets import target_of
from keras_glove.symbolic.traversal import SCALARS, children, with_children

__all__ = ["add_describer", "describe", "forget", "normalize", "recall", "remember"]

Describer = Callable[[Any, Program | None], Program | None]

_RECORDS: dict[int, tuple[weakref.ref[Any], Program]] = {}
_DESCRIBERS: dict[type, Describer] = {}
_SNAPSHOTS: dict[type, Callable[[Any, Program], Program]] = {}


def remember(live: Any, program: Program) -> None:
    """Notes which program made a live object; objects without weak references are passed over."""
    key = id(live)

    def go(_: Any, records: dict[int, Any] = _RECORDS) -> None:
        records.pop(key, None)  # of a default: when Python ends, globals go before objects do

    try:
        reference = weakref.ref(live, go)
    except TypeError:
        return
    _RECORDS[key] = (reference, program)


def recall(live: Any) -> Program | None:
    """The program that a live object was made by, if that is known."""
    record = _RECORDS.get(id(live))
    return record[1] if record is not None and record[0]() is live else None


def forget(live: Any) -> None:
    """Drops what is known of a live object."""
    _RECORDS.pop(id(live), None)


def add_describer(
    kind: type,
    describer: Describer,
    *,
    snapshot: Callable[[Any, Program], Program] | None = None,
) -> None:
    """Says how instances of `kind` are described.

    Args:
      kind: a class; its subclasses are described likewise, unless they have their own.
      describer: a function of the instance and of the program that made it, None where
        that is not known. It returns the instance's program; the same one while that
        holds. None leaves the instance as it is; `DescriptionError` refuses it.
      snapshot: a function of the instance and its program. It returns a program that
        also carries what the instance has become since it was made (its weights). Asked
        when the instance is put into a program.
    """
    _DESCRIBERS[kind] = describer
    if snapshot is not None:
        _SNAPSHOTS[kind] = snapshot


def _of_kind(table: dict[type, Any], kind: type) -> Any:
    return next((table[owner] for owner in kind.__mro__ if owner in table), None)


def _describer_of_fields(kind: type) -> Describer | None:
    """A describer for symbolic dataclasses, whose fields are their arguments at any time."""
    if not dataclasses.is_dataclass(kind) or not hasattr(kind.__new__, "__records__"):
        return None
    fields = [field.name for field in dataclasses.fields(kind) if field.init]
    signature = signature_of(kind)
    if sorted(fields) != sorted(signature.names):
        return None  # some arguments are not kept, or the class has its own `__init__`

    def describer(live: Any, known: Program | None) -> Program | None:
        given = known.__arguments__ if known is not None else {}
        arguments = {}
        for name in fields:
            value = normalize(getattr(live, name), (name,), with_state=False)
            if name in given or not _is_default(signature, name, value):
                arguments[name] = value
        now = Program(kind, signature.ordered(arguments))
        return known if known == now else now

    return describer


def _is_default(signature: Signature, name: str, value: Any) -> bool:
    try:
        return equal(value, signature.default(name))
    except KeyError:
        return False


def describe(live: Any) -> Any:
    """The program of a live object, or the object itself where it has none.

    The same object gives the same program, so one that stands in two places of a
    space is one node there.
    """
    if isinstance(live, Node):
        return live
    known = recall(live)
    describer = _of_kind(_DESCRIBERS, type(live)) or _describer_of_fields(type(live))
    program = describer(live, known) if describer is not None else known
    if program is None:
        return live
    if program is not known:
        remember(live, program)
    return program


def _snapshot(live: Any, path: Path, with_state: bool) -> Any:
    try:
        program = describe(live)
    except DescriptionError as error:
        raise DescriptionError(f"at `{format_path(path) or 'the root'}`: {error}") from error
    taker = _of_kind(_SNAPSHOTS, type(live)) if with_state else None
    return program if taker is None or program is live else taker(live, program)


def normalize(value: Any, path: Path = (), *, with_state: bool = True) -> Any:
    """An argument as programs hold it: own containers, live objects as their programs.

    `with_state` says whether these carry what the objects have become, such as their weights.
    Raises `DescriptionError`, with the path, for an object that cannot be described.
    """
    if type(value) in SCALARS or isinstance(value, Node):
        return value
    below = children(value)
    if below is None:
        if isinstance(value, np.generic):
            return value.item()  # Keras takes no NumPy numbers, and documents know none
        target = target_of(value)
        return target if target is not value else _snapshot(value, path, with_state)
    inside = [normalize(child, (*path, key), with_state=with_state) for key, child in below]
    return with_children(value, inside)

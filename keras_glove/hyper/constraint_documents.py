"""Constraints as JSON: {"kind": "forbid", "when": [[name, values], ...]} and the like.

Values are a list of literals, or {"between": [low, high]}. A function stands by the name that it
is registered by; nothing is imported, and nothing is called while reading.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras_glove.errors import HyperValueError, NotRegisteredError, SerializationError
from keras_glove.hyper.constraints import Constraint, Forbid, Require, Satisfies, satisfies
from keras_glove.hyper.selecting import Between, Selection, between, selection
from keras_glove.symbolic import name_of, resolve

__all__ = ["constraints_from_json", "constraints_to_json"]


def constraints_to_json(constraints: Sequence[Constraint]) -> list[dict[str, Any]]:
    """The constraints as JSON; raises `SerializationError` for one that has no such form."""
    return [_write(constraint) for constraint in constraints]


def _write(constraint: Constraint) -> dict[str, Any]:
    if isinstance(constraint, Forbid):
        return {"kind": "forbid", "when": _pairs(constraint.when)}
    if isinstance(constraint, Require):
        return {"kind": "require", "when": _pairs(constraint.when), "then": _pairs(constraint.then)}
    if isinstance(constraint, Satisfies):
        try:
            name = name_of(constraint.function)
        except NotRegisteredError as error:
            raise NotRegisteredError(f"at the constraint {constraint!r}: {error}") from None
        form = {"function": name, "names": list(constraint.names), "of": constraint.of}
        return {"kind": "satisfies", **form}
    raise SerializationError(
        f"Expected constraints made by `forbid`, `require` or `satisfies`, received {constraint!r}."
    )


def _pairs(chosen: Selection) -> list[list[Any]]:
    return [
        [name, {"between": [v.low, v.high]} if isinstance(v, Between) else list(v)]
        for name, v in chosen
    ]


def constraints_from_json(data: Any) -> tuple[Constraint, ...]:
    """Reads what `constraints_to_json` wrote; raises `SerializationError` for anything else."""
    try:
        if not isinstance(data, list):
            raise TypeError(f"expected a list, received {data!r}")
        return tuple([_read(item) for item in data])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, SerializationError) and not isinstance(error, HyperValueError):
            raise
        raise SerializationError(
            "Expected constraints as `SearchSpace.to_json` writes them, received something else "
            f"({type(error).__name__}: {error})."
        ) from error


def _read(data: Any) -> Constraint:
    kind = data["kind"]
    if kind == "forbid":
        return Forbid(_selection("forbid", data["when"]))
    if kind == "require":
        when, then = _selection("require", data["when"]), _selection("require", data["then"])
        return Require(when, then)
    if kind == "satisfies":
        function = resolve(_text(data["function"]))
        return satisfies(function, *map(_text, data["names"]), of=data["of"])
    raise ValueError(f"expected a kind of constraint, received {kind!r}")


def _selection(form: str, pairs: Any) -> Selection:
    given: dict[str, Any] = {}
    for name, values in pairs:
        if isinstance(values, dict):
            low, high = values["between"]
            values = between(low, high)
        elif not isinstance(values, list):
            raise TypeError(f"expected a list of values, received {values!r}")
        if name in given:
            raise ValueError(f"the name {name!r} twice")
        given[name] = values
    return selection(form, given, {})


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected a text, received {value!r}")
    return value

"""Checks of what hyper-values are defined with, and the plain Python form of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, cast, get_args

import numpy as np

from keras_glove.errors import HyperValueError
from keras_glove.hyper.points import Scale
from keras_glove.symbolic import equal, format_program
from keras_glove.symbolic.equality import structural_hash
from keras_glove.symbolic.recording import normalize
from keras_glove.symbolic.traversal import SCALARS, children, with_children

__all__ = [
    "Share",
    "check_distinct",
    "checked_candidates",
    "checked_count",
    "checked_flag",
    "checked_float_range",
    "checked_hints",
    "checked_int_range",
    "checked_name",
    "checked_share",
]

Share = Literal["slice", "none", "transform"]
SHARES = get_args(Share)

_SCALES = get_args(Scale)
_EXACT = 2**53
"""Integers beyond this are not exact in the vector form of a DNA (float64)."""

_INSTEAD = {
    str: "Put the texts into a list: [{0!r}].",
    dict: "Put the dict into a list, or give `list(d.values())`.",
    set: "Give a sorted list of it, so that the order is the same in every process.",
    frozenset: "Give a sorted list of it, so that the order is the same in every process.",
    np.ndarray: "Give `array.tolist()`.",
    range: "Give `list(...)` of it, or use `intv`.",
}


def checked_candidates(form: str, candidates: Any, *, raw: bool) -> tuple[Any, ...]:
    """The candidates as they are kept; with `raw`, live objects are not turned into programs."""
    if not isinstance(candidates, (list, tuple)):
        advice = _INSTEAD.get(type(candidates), "Give `list(...)` of it.").format(candidates)
        raise HyperValueError(
            f"{form}: expected a list or tuple of candidates, received {_shown(candidates)} "
            f"({type(candidates).__name__}). {advice}"
        )
    if not candidates:
        raise HyperValueError(
            f"{form}: expected at least one candidate, received none. Give the values to choose "
            "from, or the value itself where there is nothing to choose."
        )
    kept = tuple([c if type(c) in SCALARS else _plain(c) for c in candidates])
    if not raw:
        kept = tuple([c if type(c) in SCALARS else normalize(c) for c in kept])
    return kept


def _plain(value: Any) -> Any:
    """The same with NumPy numbers turned into Python ones, inside containers too."""
    if isinstance(value, np.generic):
        return value.item()
    if type(value) in (list, tuple, dict) and _any_numpy(value):
        return with_children(value, [_plain(child) for _, child in children(value) or ()])
    return value


def _any_numpy(value: Any) -> bool:
    if type(value) in (list, tuple, dict):
        return any(_any_numpy(child) for _, child in children(value) or ())
    return isinstance(value, np.generic)


def check_distinct(form: str, candidates: Sequence[Any]) -> None:
    """Raises `HyperValueError` for candidates of which two are equal."""
    seen: dict[Any, list[int]] = {}
    for index, candidate in enumerate(candidates):
        kind = type(candidate)
        key = (kind, candidate) if kind in SCALARS else structural_hash(candidate)
        for other in seen.setdefault(key, []):
            if equal(candidates[other], candidate):
                raise HyperValueError(
                    f"{form}: expected candidates that differ, received {_shown(candidate)} at "
                    f"index {other} and again at index {index}. Remove one of them: they describe "
                    "the same, so a choice of one could not be told from a choice of the other."
                )
        seen[key].append(index)


def checked_count(form: str, k: Any, available: int, distinct: bool) -> int:
    """The number of slots of a `manyof`."""
    k = k.item() if isinstance(k, np.integer) else k
    if type(k) is not int or k < 1:
        raise HyperValueError(f"{form}: expected a number k of at least 1 (int), received {k!r}.")
    if distinct and k > available:
        raise HyperValueError(
            f"{form}: expected k of at most {available}, the number of candidates, received {k}. "
            "Give more candidates, or `distinct=False` so that one can be chosen repeatedly."
        )
    return k


def checked_flag(form: str, key: str, value: Any) -> bool:
    """An option that is True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise HyperValueError(f"{form}: expected True or False for `{key}`, received {value!r}.")
    return bool(value)


def checked_name(form: str, name: Any) -> str | None:
    """The name of a decision."""
    if name is None or (isinstance(name, str) and name.strip()):
        return name
    raise HyperValueError(
        f"{form}: expected a name that is a non-empty text, received {name!r}. Leave `name` out to "
        "name the decision after its place in the program."
    )


def checked_share(form: str, share: Any) -> Share | None:
    """How weights are shared."""
    if share is None or (isinstance(share, str) and share in SHARES):
        return cast("Share | None", share)
    raise HyperValueError(
        f"{form}: expected 'slice', 'none' or 'transform' as `share`, or None, which is 'slice', "
        f"received {_shown(share)}."
    )


def checked_hints(form: str, hints: Any) -> Any:
    """A copy of the hints."""
    try:
        return None if hints is None else _json_copy(hints)
    except TypeError as error:
        raise HyperValueError(
            f"{form}: expected hints made of None, bool, int, finite float, str, list and dict "
            f"with str keys, received {_shown(hints)} (in it {error})."
        ) from None


def _json_copy(value: Any) -> Any:
    kind = type(value)
    if value is None or kind in (bool, int, str) or (kind is float and math.isfinite(value)):
        return value
    if kind is list:
        return [_json_copy(child) for child in value]
    if kind is dict and all(type(key) is str for key in value):
        return {key: _json_copy(child) for key, child in value.items()}
    raise TypeError(_shown(value))


def checked_int_range(low: Any, high: Any, step: Any, scale: Any) -> dict[str, Any]:
    """The fields of an `intv`."""
    low, high, step = _integer("low", low), _integer("high", high), _integer("step", step)
    _check_order("intv", low, high)
    if max(abs(low), abs(high)) > _EXACT:
        raise HyperValueError(
            f"intv: expected bounds from -2**53 to 2**53, received {low} and {high}. The vector "
            "form of a DNA holds no larger integers exactly. Use a larger unit, or `floatv`."
        )
    if step < 1:
        raise HyperValueError(f"intv: expected a step of at least 1, received {step}.")
    if (high - low) % step:
        nearest = high - (high - low) % step
        raise HyperValueError(
            f"intv: expected a step that divides high - low = {high - low}, received {step}. Give "
            f"high={nearest} or high={nearest + step}, so that the last value is a bound."
        )
    _check_scale("intv", low, scale)
    return {"low": low, "high": high, "step": step, "scale": scale}


def _integer(key: str, value: Any) -> int:
    plain = value.item() if isinstance(value, np.generic) else value
    if type(plain) is not int:
        raise HyperValueError(
            f"intv: expected an int for `{key}`, received {value!r} ({type(value).__name__}). "
            "For a range of real numbers use `floatv`."
        )
    return plain


def checked_float_range(low: Any, high: Any, scale: Any) -> dict[str, Any]:
    """The fields of a `floatv`."""
    low, high = _real("low", low), _real("high", high)
    _check_order("floatv", low, high)
    if not math.isfinite(high - low) or not math.isfinite(high + low):
        raise HyperValueError(
            f"floatv: expected bounds whose sum and difference are finite, received {low!r} and "
            f"{high!r}."
        )
    _check_scale("floatv", low, scale)
    return {"low": low, "high": high, "scale": scale}


def _real(key: str, value: Any) -> float:
    plain = value.item() if isinstance(value, np.generic) else value
    try:
        if type(plain) in (int, float) and math.isfinite(plain):
            return float(plain)
    except OverflowError:  # an int beyond all floats
        pass
    raise HyperValueError(
        f"floatv: expected a finite number for `{key}`, received {value!r} "
        f"({type(value).__name__})."
    )


def _check_order(form: str, low: Any, high: Any) -> None:
    if low == high:
        raise HyperValueError(
            f"{form}: expected low below high, received {low!r} for both. A single value is no "
            "decision: give the value itself."
        )
    if low > high:
        raise HyperValueError(
            f"{form}: expected low below high, received low={low!r} and high={high!r}. Swap them."
        )


def _check_scale(form: str, low: Any, scale: Any) -> None:
    if scale not in _SCALES:
        raise HyperValueError(
            f"{form}: expected a scale among {', '.join(map(repr, _SCALES))}, received {scale!r}."
        )
    if scale != "linear" and low <= 0:
        raise HyperValueError(
            f"{form}: expected low above 0 for the scale {scale!r}, received {low!r}. Give a small "
            'positive low, or scale="linear".'
        )


def _shown(value: Any) -> str:
    text = format_program(value, width=10**9)
    return text if len(text) <= 80 else f"{text[:77]}..."

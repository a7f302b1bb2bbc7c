"""Decisions and their values, told by readable names."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from keras_glove.errors import HyperValueError, SpaceError
from keras_glove.hyper.points import DecisionPoint, Literals

__all__ = ["Between", "Choice", "Selection", "between", "choices", "indices", "selection"]


@dataclass(frozen=True)
class Between:
    """All numbers from `low` to `high`; see `between`."""

    low: int | float
    high: int | float


def between(low: float, high: float) -> Between:
    """The numbers from `low` to `high`, both included, as the values of a decision.

    Raises:
      HyperValueError: bounds that are no numbers, or in the wrong order.

    >>> between(16, 64)
    Between(low=16, high=64)
    """
    for bound in (low, high):
        if isinstance(bound, bool) or not isinstance(bound, (int, float)) or bound != bound:
            raise HyperValueError(f"between: expected numbers as bounds, received {bound!r}.")
    if low > high:
        raise HyperValueError(
            f"between: expected low at most high, received {low!r} and {high!r}. Swap them."
        )
    return Between(low, high)


Selection = tuple[tuple[str, tuple[Literals, ...] | Between], ...]
"""(name or pattern of decisions, their values): the hashable form of what users write."""


def selection(form: str, given: Mapping[str, Any], named: Mapping[str, Any]) -> Selection:
    """What a user wrote as a dict, as keywords, or both.

    Raises `HyperValueError` for nothing at all, and for values that cannot be meant.
    """
    together = {**given, **named}
    if len(together) < len(given) + len(named) or not together:
        raise HyperValueError(
            f"{form}: expected decisions by name, each once, such as {form}(op='pool', "
            f"width=[64, 128]) or {form}({{'blocks[0].op': 'pool'}}), received {together!r}."
        )
    return tuple([(name, _values(form, name, value)) for name, value in together.items()])


def _values(form: str, name: Any, value: Any) -> tuple[Literals, ...] | Between:
    if not isinstance(name, str):
        raise HyperValueError(f"{form}: expected names of decisions, received {name!r}.")
    if isinstance(value, Between):
        return value
    listed = list(value) if isinstance(value, (list, tuple, set, frozenset, range)) else [value]
    plain = [getattr(v, "__name__", v) if callable(v) else v for v in listed]
    if not plain or any(not isinstance(v, (type(None), bool, int, float, str)) for v in plain):
        raise HyperValueError(
            f"{form}: expected for {name!r} a value as `space.decisions` shows it, a list of such "
            f"or `between(low, high)`, received {value!r}."
        )
    return tuple(plain)


class Choice(NamedTuple):
    """A decision point and some of its values: listed, or between two bounds for a float."""

    point: int
    values: frozenset[Any]
    low: float = 0.0
    high: float = -1.0

    def has(self, value: Any) -> bool:
        """Whether a value of the point, not None, is among them."""
        return value in self.values or (self.low <= self.high and self.low <= value <= self.high)


def choices(
    points: Sequence[DecisionPoint], name: str, wanted: Any, *, strict: bool = True
) -> list[Choice]:
    """The points that a name tells, each with those of its values that are wanted.

    Raises `SpaceError` where `strict`, for a name of no decision, and for a value that none of
    them has. In a space that was restricted since, such is simply never the case.
    """
    if not strict:
        return [_choice(points[index], wanted) for index in _named(points, name)]
    found = [points[index] for index in indices(points, name)]
    made = [_choice(point, wanted) for point in found]
    listed = () if isinstance(wanted, Between) else wanted
    for value in listed:
        if not any(_choice(point, (value,)).values for point in found):
            raise _no_value(found[0], name, value)
    if not any(choice.values or choice.low <= choice.high for choice in made):
        raise _no_value(found[0], name, wanted)
    return made


def indices(points: Sequence[DecisionPoint], name: str) -> list[int]:
    """The decisions of a name: of one, of the slots of a `manyof`, or of a pattern with `*`.

    Raises `SpaceError` where there is none.
    """
    found = _named(points, name)
    if found:
        return found
    names = [point.name for point in points]
    close = difflib.get_close_matches(name, names, n=3)
    hint = f"Did you mean {' or '.join(map(repr, close))}?" if close else f"There are {names[:20]}."
    raise SpaceError(f"Expected the name of a decision, received {name!r}. {hint}")


def _named(points: Sequence[DecisionPoint], name: str) -> list[int]:
    exact = [point.index for point in points if point.name == name]
    if exact:
        return exact
    slots = [p.index for p in points if p.group is not None and p.name.rpartition("[")[0] == name]
    if slots or "*" not in name:
        return slots
    pattern = re.compile(".*".join(map(re.escape, name.split("*"))))
    return [point.index for point in points if pattern.fullmatch(point.name)]


def _choice(point: DecisionPoint, wanted: tuple[Literals, ...] | Between) -> Choice:
    if point.kind == "categorical":
        return Choice(point.index, frozenset(_candidates(point, wanted)))
    if point.kind == "custom":
        return Choice(point.index, frozenset())  # `satisfies` can speak of such, values cannot
    assert point.low is not None
    assert point.high is not None
    if not isinstance(wanted, Between):
        kept = [v for v in wanted if _on_grid(point, v)]
        whole = float if point.kind == "float" else int
        return Choice(point.index, frozenset(whole(v) for v in kept))  # type: ignore[arg-type]
    low, high = max(point.low, wanted.low), min(point.high, wanted.high)
    if point.kind == "float":
        return Choice(point.index, frozenset(), float(low), float(high))
    step = point.step or 1
    first = int(point.low) + -(-(int(-(-low // 1)) - int(point.low)) // step) * step
    return Choice(point.index, frozenset(range(first, int(high // 1) + 1, step)))


def _on_grid(point: DecisionPoint, value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    assert point.low is not None
    assert point.high is not None
    inside = point.low <= value <= point.high
    return inside and (point.kind == "float" or (value - point.low) % (point.step or 1) == 0)


def _candidates(point: DecisionPoint, wanted: tuple[Literals, ...] | Between) -> Iterable[int]:
    if isinstance(wanted, Between):
        for index, own in enumerate(point.literals):
            number = isinstance(own, (int, float)) and not isinstance(own, bool)
            if number and wanted.low <= own <= wanted.high:  # type: ignore[operator]
                yield index
        return
    for value in wanted:
        yield from _of_value(point, value)


def _of_value(point: DecisionPoint, value: Literals) -> list[int]:
    """The candidates that read like a value: of its type if there are such, else equal to it."""
    equal = [i for i, own in enumerate(point.literals) if own == value]
    alike = [i for i in equal if type(point.literals[i]) is type(value)]
    if equal or not isinstance(value, str):
        return alike or equal
    return [i for i, text in enumerate(point.candidates) if text.partition("(")[0] == value]


def _no_value(point: DecisionPoint, name: str, value: Any) -> SpaceError:
    has = list(point.literals) if point.kind == "categorical" else f"{point.low} to {point.high}"
    step = f" in steps of {point.step}" if (point.step or 1) != 1 else ""
    return SpaceError(
        f"at `{point.path or 'the root'}`: expected for {name!r} one of its values ({has}{step}), "
        f"received {value!r}."
    )

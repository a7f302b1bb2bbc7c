"""Checks of settings and rewards that all algorithms share."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable
from typing import Any

from keras_glove.errors import AlgorithmError, RewardError, SpaceError
from keras_glove.hyper import SearchSpace


def integer(name: str, value: Any, *, low: int) -> None:
    """Raises AlgorithmError unless `value` is an integer of at least `low`."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < low:
        raise AlgorithmError(f"expected {name} to be an integer of at least {low}, got {value!r}.")


def count(name: str, value: Any, *, low: int = 0) -> int:
    """A number from a saved state; raises ValueError unless it is an int of at least `low`."""
    if type(value) is not int or value < low:
        raise ValueError(f"expected for {name} an int of at least {low}, received {value!r}")
    number: int = value
    return number


def positive(name: str, value: Any) -> None:
    """Raises AlgorithmError unless `value` is a finite number above zero."""
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value <= 0:
        raise AlgorithmError(f"expected {name} to be a finite number above 0, got {value!r}.")


def probability(name: str, value: Any) -> None:
    """Raises AlgorithmError unless `value` is a number above 0 and at most 1."""
    positive(name, value)
    if value > 1:
        raise AlgorithmError(f"expected {name} to be a probability, got {value!r}.")


def instance(name: str, value: Any, kind: type) -> None:
    """Raises AlgorithmError unless `value` is an instance of `kind`."""
    if not isinstance(value, kind):
        made = isinstance(value, type) and issubclass(value, kind)
        hint = f"; write {value.__name__}(...)" if made else ""
        raise AlgorithmError(f"expected {name} to be a {kind.__name__}, got {value!r}{hint}.")


def reward(value: Any) -> float:
    """`value` as a finite Python float.

    Takes what `number` takes.

    Raises:
        RewardError: also for NaN and infinities.
    """
    found = value if type(value) is float else number("reward", value)
    if not math.isfinite(found):
        raise RewardError(
            f"expected the reward to be finite, received {found}; look for a diverging loss, or "
            "map impossible outcomes to a poor finite reward."
        )
    return found


def rewards(value: Any, count: int) -> tuple[float, ...]:
    """`value` as `count` finite Python floats; one of them may stand by itself.

    Raises:
        RewardError: if one is not a finite number, or there are more or fewer.
    """
    if count == 1:
        # A sequence of one is no number: who has one objective has numbers.
        return (reward(value),)
    if not isinstance(value, Iterable) or isinstance(value, str | bytes | dict):
        raise RewardError(
            f"expected a sequence of {count} rewards, one for each objective, received {value!r}."
        )
    found = tuple(map(reward, value))
    if len(found) != count:
        raise RewardError(
            f"expected {count} rewards, one for each objective, received {len(found)}: {value!r}."
        )
    return found


def violation(value: Any) -> float:
    """`value` as a finite float of at least 0.

    Raises:
        RewardError: for anything else.
    """
    found = value if type(value) is float else number("violation", value)
    if not math.isfinite(found) or found < 0:
        raise RewardError(
            f"expected the violation to be finite and at least 0 (0 where constraints are kept), "
            f"received {found}."
        )
    return found


def number(name: str, value: Any) -> float:
    """`value` as a Python float, be it a number, a NumPy scalar or a scalar tensor.

    Raises:
        RewardError: for None, text, booleans and anything with more than one element.
    """
    if not isinstance(value, bool | str | bytes) and not len(getattr(value, "shape", ())):
        try:
            return float(value)
        except (TypeError, ValueError):
            pass
    text = repr(value)
    fix = "return one number, for example the validation accuracy of the last epoch"
    if value is None:
        fix = f"is a `return` missing in the objective? {fix}"
    raise RewardError(
        f"expected the {name} to be a number, received {type(value).__name__} "
        f"{text if len(text) <= 60 else text[:57] + '...'}; {fix}."
    )


def no_custom_decisions(who: str, space: SearchSpace) -> None:
    """Raises SpaceError if a decision point is of a kind of the user's own."""
    for point in space.points:
        if point.kind == "custom":
            raise SpaceError(
                f"at `{point.path or 'the root'}`: {who} expected candidates and numbers, received "
                f"{point.name!r}, a decision point of its own kind, which it cannot compare or "
                "list; use `Random()` or `RegularizedEvolution()`."
            )

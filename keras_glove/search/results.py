"""What an objective may return, as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from keras_glove.algorithms import checks
from keras_glove.errors import RewardError

Metric = Any  # a number, text, bool or None, or lists and dicts of them.

#: A reward with the objective's own sign; with several objectives one number for each.
Value = float | tuple[float, ...]

REWARD = "reward"
CONSTRAINTS = "constraints"


class Result(NamedTuple):
    """What came of one evaluation.

    Attributes:
        value: the reward, or the rewards in the order of the study's directions.
        metrics: what else is worth keeping; None for nothing.
        constraints: numbers by name that are above 0 where the child broke a constraint, by
            how much it did; None for no constraints.
    """

    value: Value
    metrics: dict[str, Metric] | None = None
    constraints: dict[str, float] | None = None


def parse_result(result: Any, names: Sequence[str] = (REWARD,)) -> Result:
    """The rewards, the metrics and the constraints in what an objective returned.

    Args:
        result: a number, or a mapping that holds each of `names`. Its key "constraints" may
            hold numbers, or a mapping of numbers by name: those above 0 are broken.
        names: of the rewards.

    Raises:
        RewardError: if a reward is missing or not a finite number, or a metric cannot be
            kept as plain data.

    >>> parse_result(0.5)
    Result(value=0.5, metrics=None, constraints=None)
    >>> parse_result({"reward": 0.5, "parameters": 120})
    Result(value=0.5, metrics={'parameters': 120}, constraints=None)
    >>> parse_result({"error": 0.1, "ms": 7, "constraints": {"MB": -2}}, ["error", "ms"])
    Result(value=(0.1, 7.0), metrics=None, constraints={'MB': -2.0})
    """
    if type(result) is not float and isinstance(result, Mapping):
        return _parse_mapping(result, names)
    if len(names) > 1:
        raise RewardError(
            f"expected a mapping with the rewards {list(names)}, received "
            f"{type(result).__name__} {result!r}."
        )
    return Result(checks.reward(result))


def _parse_mapping(result: Mapping[Any, Any], names: Sequence[str]) -> Result:
    missing = [name for name in names if name not in result]
    if missing:
        raise RewardError(
            f"expected {'a number, or ' if len(names) == 1 else ''}a mapping with the key "
            f"{missing[0]!r}; received a mapping with the keys {sorted(map(str, result))}."
        )
    values = tuple(checks.reward(result[name]) for name in names)
    rest = {str(key): value for key, value in result.items() if key not in names}
    constraints = _constraints(rest.pop(CONSTRAINTS, None))
    metrics = {name: plain(value, name) for name, value in rest.items()}
    return Result(values[0] if len(names) == 1 else values, metrics or None, constraints or None)


def _constraints(given: Any) -> dict[str, float]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        given = dict(enumerate(given if isinstance(given, list | tuple) else [given]))
    found = {str(name): checks.number(f"constraint {name!r}", v) for name, v in given.items()}
    for name, value in found.items():
        if value != value:
            raise RewardError(f"expected the constraint {name!r} to be a number, received NaN.")
    return found


def plain(value: Any, name: str) -> Metric:
    """`value` as JSON-able Python: numbers lose their NumPy or tensor type.

    Raises:
        RewardError: if it is anything else, so that a metric never keeps a model alive.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(child, f"{name}.{key}") for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [plain(child, f"{name}[{index}]") for index, child in enumerate(value)]
    if hasattr(value, "tolist"):  # NumPy scalars and arrays.
        return value.tolist()
    try:
        return float(value)
    except (TypeError, ValueError):
        raise RewardError(
            f"expected the metric {name!r} to be a number, text, or lists and dicts of them, "
            f"received {type(value).__name__}; write larger things to a file and return its name."
        ) from None

"""What an objective may return, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keras_glove.algorithms.checks import reward as checked_reward
from keras_glove.errors import RewardError

Metric = Any  # a number, text, bool or None, or lists and dicts of them.


def parse_result(result: Any) -> tuple[float, dict[str, Metric]]:
    """The reward and the metrics in what an objective returned.

    >>> parse_result(0.5)
    (0.5, {})
    >>> parse_result({"reward": 0.5, "parameters": 120})
    (0.5, {'parameters': 120})

    Raises:
        RewardError: if the reward is missing or not a finite number, or a metric cannot
            be kept as plain data.
    """
    if not isinstance(result, Mapping):
        return checked_reward(result), {}
    if "reward" not in result:
        raise RewardError(
            "expected a number, or a mapping with the key 'reward'; received a mapping with the "
            f"keys {sorted(map(str, result))}."
        )
    metrics = {str(key): plain(value, str(key)) for key, value in result.items()}
    del metrics["reward"]
    return checked_reward(result["reward"]), metrics


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

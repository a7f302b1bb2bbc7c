"""Means over an epoch of what the steps of a search give, kept in the graph."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
from keras import ops

from keras_glove.errors import TrainingError
from keras_glove.weight_sharing.search_step import Search

__all__ = ["MeanSearch"]

CAPACITY = 32
"""So many numbers a step can give beside the metrics of the model."""

FEW = 10
"""Of fewer rewards nobody can say that they do not vary."""

CHANGE = "squared change of the reward"
"""From one step to the next: zero, to the last bit, where rewards are all the same."""


class MeanSearch:
    """A search, to the training loop, that shows means since the last `reset`.

    Metrics of the model are shown as they are: they are means already.

    Args:
        search: what goes on.
        target: of the cost, which is then shown beside it as a ratio; None for none.
    """

    def __init__(self, search: Search, target: float | None) -> None:
        self.search, self._target = search, target
        self._names: list[str] = []
        self._sums = keras.Variable(
            ops.zeros((CAPACITY,)), trainable=False, name="sums", aggregation="mean"
        )
        self._count = keras.Variable(
            0.0, trainable=False, name="count", aggregation="only_first_replica"
        )
        self._last = keras.Variable(0.0, trainable=False, name="last", aggregation="mean")

    @property
    def variables(self) -> list[keras.Variable]:
        """All that its steps change beside the model."""
        return [
            *self.search.policy.variables,
            self.search.number,
            self._sums,
            self._count,
            self._last,
        ]

    @property
    def number(self) -> keras.Variable:
        """How many steps it has taken."""
        return self.search.number

    @property
    def batches(self) -> Iterator[Any]:
        """What the policy learns from."""
        return self.search.batches

    def train_step(self, data: Any, search_data: Any) -> dict[str, Any]:
        """One step of weights and policy, in replica context."""
        logs = self.search.train_step(data, search_data)
        own = set(self.search.model.get_metrics_result())  # as the model knows its metrics
        values = {name: ops.cast(v, "float32") for name, v in logs.items() if name not in own}
        if "reward" in values:
            values[CHANGE] = self._change(values["reward"])
        if "cost" in values and self._target:
            values["cost_ratio"] = values["cost"] / self._target
        if not values:
            return logs
        means = self._added(values)
        kept = {name: value for name, value in logs.items() if name in own}
        return {**kept, **{name: means[name] for name in values if name != CHANGE}}

    def _change(self, reward: Any) -> Any:
        """The square of what a reward differs by from that of the step before."""
        change = ops.where(self._count.value > 0, reward - self._last.value, 0.0)
        self._last.assign(reward)
        return change**2

    def _added(self, values: dict[str, Any]) -> dict[str, Any]:
        """The means, these values included."""
        self._names = list(values)
        if len(values) > CAPACITY:
            raise TrainingError(
                f"Expected a policy whose step gives at most {CAPACITY} numbers, received "
                f"{len(values)}: {self._names}."
            )
        row = ops.pad(ops.stack(list(values.values())), [(0, CAPACITY - len(values))])
        self._sums.assign_add(row)
        self._count.assign_add(1.0)
        means = self._sums.value / self._count.value
        return {name: means[place] for place, name in enumerate(self._names)}

    def reset(self) -> None:
        """Begins an epoch."""
        self._sums.assign(ops.zeros((CAPACITY,)))
        self._count.assign(0.0)

    def means(self) -> dict[str, float]:
        """Those of the epoch so far; empty before its first step."""
        return {name: value for name, value in self._all().items() if name != CHANGE}

    def _all(self) -> dict[str, float]:
        count = float(ops.convert_to_numpy(self._count))
        if not count:
            return {}
        sums = ops.convert_to_numpy(self._sums)
        return {name: float(sums[place]) / count for place, name in enumerate(self._names)}

    def change(self) -> float | None:
        """By how much rewards of the epoch changed from step to step, as a root mean square.

        None where there are too few.
        """
        means = self._all()
        if CHANGE not in means or float(ops.convert_to_numpy(self._count)) < FEW:
            return None
        return float(means[CHANGE] ** 0.5)

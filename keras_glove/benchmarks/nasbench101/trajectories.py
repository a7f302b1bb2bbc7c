"""What a search had found after so many simulated seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_glove.errors import OutOfDomainError

__all__ = ["Trajectory", "mean_curve", "time_grid"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Trajectory:
    """The queries of one search, in their order; each array of shape `(queries,)`.

    The incumbent is the cell that looked best so far, by the validation accuracy that its query
    gave. What it is worth is told by means over repeats, which the search did not see.

    Attributes:
        seconds: of training that all queries so far stand for.
        validation: the validation accuracy of each query.
        test: the mean test accuracy of each cell.
        best_test: the highest mean test accuracy of the table.
        num_invalid: proposals that were no valid cell, which cost nothing.

    >>> run = Trajectory(
    ...     seconds=np.array([10.0, 20.0, 30.0]),
    ...     validation=np.array([0.8, 0.7, 0.9]),
    ...     test=np.array([0.75, 0.8, 0.85]),
    ...     best_test=0.95,
    ... )
    >>> run.at([5.0, 25.0, 30.0], run.incumbent_test).tolist()
    [nan, 0.75, 0.85]
    >>> run.regret.round(2).tolist()
    [0.2, 0.2, 0.1]
    """

    seconds: Array
    validation: Array
    test: Array
    best_test: float
    num_invalid: int = 0

    def __len__(self) -> int:
        return len(self.seconds)

    @property
    def incumbents(self) -> Array:
        """After each query the index of the query with the best validation accuracy so far."""
        best = np.maximum.accumulate(self.validation)
        new = np.r_[True, best[1:] > best[:-1]] if len(best) else np.zeros(0, dtype=bool)
        return np.maximum.accumulate(np.where(new, np.arange(len(best)), 0))

    @property
    def incumbent_validation(self) -> Array:
        """After each query the best validation accuracy so far."""
        return np.maximum.accumulate(self.validation)

    @property
    def incumbent_test(self) -> Array:
        """After each query the mean test accuracy of the incumbent."""
        return self.test[self.incumbents]

    @property
    def regret(self) -> Array:
        """After each query how much less the incumbent reaches than the best cell, in test."""
        return self.best_test - self.incumbent_test

    def at(self, seconds: Sequence[float] | Array, values: Array) -> Array:
        """What one of these was after so many seconds; nan before the first query has ended.

        Args:
            seconds: shape `(times,)`.
            values: shape `(queries,)`, such as `regret`.
        """
        places = np.searchsorted(self.seconds, seconds, side="right") - 1
        known: Array = np.r_[values, np.nan][places]  # -1, before all queries, is the last
        return known


def time_grid(runs: Sequence[Trajectory], points: int = 200) -> Array:
    """Times, evenly spaced on a log scale, from the first query to the shortest run's end.

    Raises:
        OutOfDomainError: if a run has no queries.
    """
    if not runs or not all(len(run) for run in runs):
        raise OutOfDomainError("expected runs with queries, received one without.")
    first = max(float(run.seconds[0]) for run in runs)
    last = max(min(float(run.seconds[-1]) for run in runs), first)
    return np.geomspace(first, last, points)


def mean_curve(
    runs: Sequence[Trajectory], seconds: Array, name: str = "incumbent_test"
) -> tuple[Array, Array]:
    """The mean over runs of a property at some times, and its standard error (0 of one run).

    Args:
        runs: at least one.
        seconds: shape `(times,)`.
        name: "incumbent_test", "incumbent_validation" or "regret".
    """
    values = np.stack([run.at(seconds, getattr(run, name)) for run in runs])
    count = len(runs)
    spread = values.std(axis=0, ddof=1) if count > 1 else np.zeros(len(seconds))
    return values.mean(axis=0), spread / np.sqrt(count)

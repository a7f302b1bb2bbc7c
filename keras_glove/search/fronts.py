"""The best trials of a study, kept up as trials end."""

from __future__ import annotations

import math
from collections.abc import Sequence

from keras_glove.algorithms.objectives import dominates
from keras_glove.search.results import Value
from keras_glove.search.trial import Trial


class Front:
    """The trials that no other dominates; with one objective that is the best one.

    Only complete trials that broke no constraint count, and of equals only the earliest.

    Args:
        signs: for each objective 1.0 if more of it is better, -1.0 if less is.
    """

    def __init__(self, signs: Sequence[float]) -> None:
        self._signs = tuple(signs)
        self._members: list[tuple[tuple[float, ...], Trial]] = []
        self._best: Trial | None = None
        self._best_score = -math.inf

    def turned(self, value: Value) -> float | tuple[float, ...]:
        """Rewards in the sense that more is better."""
        if isinstance(value, tuple):
            return tuple([s * v for s, v in zip(self._signs, value, strict=True)])
        return self._signs[0] * value

    def score(self, trial: Trial) -> float:
        """Of a single objective, more is better; minus infinity for what does not count."""
        value = trial.value
        if value is None or isinstance(value, tuple) or trial.violation:
            return -math.inf
        return self._signs[0] * value

    def better(self, value: float, score: float) -> bool:
        """Whether a reward of a single objective is above a score."""
        return self._signs[0] * value > score

    def add(self, trial: Trial) -> None:
        """Hears of a trial that ended."""
        value = trial.value
        if value is None or trial.violation:
            return
        if isinstance(value, tuple):
            self._add(self.turned(value), trial)  # type: ignore[arg-type]  # of a tuple.
            return
        score = self._signs[0] * value
        best = self._best
        if best is None or score > self._best_score:
            self._best, self._best_score = trial, score
        elif score == self._best_score and trial.number < best.number:
            self._best = trial

    def takes(self, value: tuple[float, ...]) -> bool:
        """Whether a trial with these rewards would be on the front now."""
        point = self.turned(value)
        assert isinstance(point, tuple)
        return not any(dominates(other, point) for other, _ in self._members)

    @property
    def best(self) -> Trial | None:
        """The best trial where there is one objective."""
        return self._best

    @property
    def trials(self) -> list[Trial]:
        """The front, the best of the first objective first."""
        if self._best is not None:
            return [self._best]
        return [trial for _, trial in sorted(self._members, key=lambda member: _order(*member))]

    @property
    def points(self) -> list[tuple[float, ...]]:
        """Rewards of the front in the sense that more is better."""
        if self._best is not None:
            return [(self._best_score,)]
        return [point for point, _ in self._members]

    def _add(self, point: tuple[float, ...], trial: Trial) -> None:
        kept = []
        for other, member in self._members:
            if dominates(other, point) or (other == point and member.number < trial.number):
                return
            if other != point and not dominates(point, other):
                kept.append((other, member))
        self._members = [*kept, (point, trial)]


def _order(point: tuple[float, ...], trial: Trial) -> tuple[list[float], int]:
    return [-value for value in point], trial.number

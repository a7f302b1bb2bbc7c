"""Rules that end unpromising trials early."""

from __future__ import annotations

import abc
import math
import statistics
from typing import TYPE_CHECKING

from keras_glove.algorithms import checks

if TYPE_CHECKING:
    from keras_glove.search.study import Study
    from keras_glove.search.trial import Trial


class Pruner(abc.ABC):
    """Decides from the values that trials report whether one should go on."""

    @abc.abstractmethod
    def should_prune(self, study: Study, trial: Trial) -> bool:
        """Whether to end `trial`, a running trial of `study`, at its last reported step."""


class MedianPruner(Pruner):
    """Ends a trial whose best value so far is below the median of what others had by then.

    The median stopping rule of Golovin et al. 2017 (Google Vizier, section 3.2.2): at
    step s, the best value of the trial is compared to the median, over the complete
    trials, of their average up to s. A value that is not finite ends a trial at once.

    Args:
        startup_trials: no pruning before this many trials are complete.
        warmup_steps: no pruning at steps below this one (for training: epochs).

    Raises:
        AlgorithmError: for negative settings.

    >>> from keras_glove.search import MedianPruner
    >>> MedianPruner(warmup_steps=2)
    MedianPruner(startup_trials=5, warmup_steps=2)
    """

    def __init__(self, startup_trials: int = 5, warmup_steps: int = 0) -> None:
        checks.integer("startup_trials", startup_trials, low=0)
        checks.integer("warmup_steps", warmup_steps, low=0)
        self._startup_trials = startup_trials
        self._warmup_steps = warmup_steps

    def should_prune(self, study: Study, trial: Trial) -> bool:
        """Whether the last value is not finite, or the best so far below the median."""
        if not trial.intermediate:
            return False
        step = max(trial.intermediate)
        if not math.isfinite(trial.intermediate[step]):
            return True
        others = [
            statistics.fmean(values)
            for other in study.store
            if other.state == "complete" and (values := _until(step, other, study.sign))
        ]
        if step < self._warmup_steps or len(others) < max(1, self._startup_trials):
            return False
        return max(_until(step, trial, study.sign)) < statistics.median(others)

    def __repr__(self) -> str:
        settings = f"startup_trials={self._startup_trials}, warmup_steps={self._warmup_steps}"
        return f"MedianPruner({settings})"


class SuccessiveHalvingPruner(Pruner):
    """Lets the best part of the trials go on at each of some steps, which lie ever further apart.

    Asynchronous successive halving (Li et al. 2020, arXiv:1810.05934, algorithm 2), in the
    form that stops: rung k is reached after `min_steps * reduction**k` steps. There a trial
    goes on if it is among the best 1/`reduction` of those that have reached the rung so far,
    of which the best always is; it is ended there else, where the paper would pause it and
    perhaps promote it later. No trial waits for others, so any number may run at once. A
    value that is not finite ends a trial at once.

    Args:
        min_steps: after so many steps (for training: epochs) a trial is first looked at.
        reduction: one of so many trials goes on.

    Raises:
        AlgorithmError: for `min_steps` below 1, or a reduction below 2.

    >>> from keras_glove.search import SuccessiveHalvingPruner
    >>> SuccessiveHalvingPruner(min_steps=2)
    SuccessiveHalvingPruner(min_steps=2, reduction=3)
    """

    def __init__(self, min_steps: int = 1, reduction: int = 3) -> None:
        checks.integer("min_steps", min_steps, low=1)
        checks.integer("reduction", reduction, low=2)
        self._min_steps = min_steps
        self._reduction = reduction

    def should_prune(self, study: Study, trial: Trial) -> bool:
        """Whether the last report reached a rung, and is not among the best there."""
        return _halved(study, trial, list(study.store), self._min_steps, self._reduction)

    def __repr__(self) -> str:
        return f"SuccessiveHalvingPruner(min_steps={self._min_steps}, reduction={self._reduction})"


class HyperbandPruner(Pruner):
    """Successive halving with several first steps, since none is right for every problem.

    Hyperband (Li et al. 2018, arXiv:1603.06560, algorithm 1) over asynchronous successive
    halving (Li et al. 2020, arXiv:1810.05934): trials are dealt out to brackets in the order
    and in the numbers of the first paper. The first bracket looks at its trials after
    `min_steps`, the second after `reduction` times that, and so on; the last lets all its
    trials run to `max_steps`. Trials are compared to those of their own bracket.

    Args:
        max_steps: how many steps (for training: epochs) a whole trial has.
        min_steps: as for `SuccessiveHalvingPruner`.
        reduction: likewise.

    Raises:
        AlgorithmError: for `max_steps` below `min_steps`, or as for the other.

    >>> from keras_glove.search import HyperbandPruner
    >>> HyperbandPruner(max_steps=27).brackets
    (27, 12, 6, 4)
    """

    def __init__(self, max_steps: int, min_steps: int = 1, reduction: int = 3) -> None:
        checks.integer("min_steps", min_steps, low=1)
        checks.integer("max_steps", max_steps, low=min_steps)
        checks.integer("reduction", reduction, low=2)
        self._max_steps = max_steps
        self._min_steps = min_steps
        self._reduction = reduction
        last = 0
        while min_steps * reduction ** (last + 1) <= max_steps:
            last += 1
        self._sizes = [math.ceil((last + 1) / (s + 1) * reduction**s) for s in range(last, -1, -1)]

    @property
    def brackets(self) -> tuple[int, ...]:
        """How many trials each bracket gets, in their order, before the first gets more."""
        return tuple(self._sizes)

    def bracket(self, number: int) -> int:
        """The bracket, counted from 0, of the trial with this number."""
        place = number % sum(self._sizes)
        for bracket, size in enumerate(self._sizes):
            if place < size:
                return bracket
            place -= size
        raise AssertionError  # the sizes add up.

    def should_prune(self, study: Study, trial: Trial) -> bool:
        """Whether successive halving within its bracket ends the trial here."""
        bracket = self.bracket(trial.number)
        others = [other for other in study.store if self.bracket(other.number) == bracket]
        first = self._min_steps * self._reduction**bracket
        return _halved(study, trial, others, first, self._reduction)

    def __repr__(self) -> str:
        return (
            f"HyperbandPruner(max_steps={self._max_steps}, min_steps={self._min_steps}, "
            f"reduction={self._reduction})"
        )


def _halved(
    study: Study, trial: Trial, others: list[Trial], min_steps: int, reduction: int
) -> bool:
    """Whether successive halving among `others` ends a trial at its last report."""
    steps = sorted(trial.intermediate)
    if not steps:
        return False
    if not math.isfinite(trial.intermediate[steps[-1]]):
        return True
    before = steps[-2] + 1 if len(steps) > 1 else 0
    rung = min_steps
    while rung * reduction <= steps[-1] + 1:
        rung *= reduction
    if not before < rung <= steps[-1] + 1:
        return False  # no rung was reached by this report.
    reached = [value for other in others if (value := _at(rung, other, study.sign)) is not None]
    own = study.sign * trial.intermediate[steps[-1]]
    better = sum(value > own for value in reached)
    return better >= max(1, len(reached) // reduction)


def _at(rung: int, trial: Trial, sign: float) -> float | None:
    """The value with which a trial reached a rung, more is better; None if it did not."""
    step = min((step for step in trial.intermediate if step + 1 >= rung), default=None)
    if step is None:
        return None
    value = sign * trial.intermediate[step]
    return value if math.isfinite(value) else -math.inf


def _until(step: int, trial: Trial, sign: float) -> list[float]:
    """The finite values reported up to `step`, turned so that more is better."""
    values = trial.intermediate.items()
    return [sign * value for at, value in values if at <= step and math.isfinite(value)]

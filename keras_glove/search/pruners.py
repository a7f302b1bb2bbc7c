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


def _until(step: int, trial: Trial, sign: float) -> list[float]:
    """The finite values reported up to `step`, turned so that more is better."""
    values = trial.intermediate.items()
    return [sign * value for at, value in values if at <= step and math.isfinite(value)]

"""One evaluation of one DNA: its record, and the handle that objectives get."""

from __future__ import annotations

import math
import numbers
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, get_args

from keras_glove.algorithms import checks
from keras_glove.errors import SearchError, SerializationError
from keras_glove.hyper import DNA
from keras_glove.search.results import Metric

if TYPE_CHECKING:
    from keras_glove.search.study import Study

State = Literal["running", "complete", "failed", "pruned"]
_STATES = get_args(State)
_NOTHING: Mapping[Any, Any] = MappingProxyType({})


class Trial:
    """The record of one trial; while it runs also the objective's handle to the search.

    Attributes:
        number: 0 for the first trial of a study.
        dna: the decisions.
        state: "running", "complete", "failed" (it raised, or its reward was not a finite
            number) or "pruned" (ended early, by the objective or `Feedback.skip`).
        reward: the objective's value with its own sign; None unless complete.
        error: the error's type and text, or the reason for pruning; None if complete.
        traceback: where it failed; None otherwise.
        duration_s: seconds from the proposal to its end; None while it runs.

    Slots, and readable forms computed on demand, keep a trial well under 1 KB.
    """

    __slots__ = (
        "_intermediate",
        "_metrics",
        "_started",
        "_study",
        "dna",
        "duration_s",
        "error",
        "number",
        "reward",
        "state",
        "traceback",
    )

    def __init__(self, study: Study, number: int, dna: DNA) -> None:
        self._study = study
        self._started = time.perf_counter()
        self._metrics: dict[str, Metric] | None = None
        self._intermediate: dict[int, float] | None = None
        self.number = number
        self.dna = dna
        self.state: State = "running"
        self.reward: float | None = None
        self.error: str | None = None
        self.traceback: str | None = None
        self.duration_s: float | None = None

    @property
    def decisions(self) -> dict[str, Any]:
        """The active decisions by readable name."""
        space = self._study.space
        if space is None:  # cannot happen for trials of a search; a study alone has none.
            raise SearchError(f"trial {self.number} belongs to a study without a space.")
        return space.decisions(self.dna)

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """What the objective returned besides the reward."""
        return self._metrics if self._metrics is not None else _NOTHING

    @property
    def intermediate(self) -> Mapping[int, float]:
        """The reported values by step (for training: by epoch, 0 for the first)."""
        return self._intermediate if self._intermediate is not None else _NOTHING

    @property
    def seed(self) -> int:
        """A seed of 31 bits, fixed by the study's seed and the trial's number."""
        return self._study.trial_seed(self.number)

    @property
    def direction(self) -> Literal["maximize", "minimize"]:
        """Which rewards the study takes for better."""
        return self._study.direction

    def report(self, step: int, value: float) -> None:
        """Records an intermediate value; a second one for a step replaces the first.

        Args:
            step: at least 0 and in the objective's own unit, for training the epoch.
            value: has the sign of the reward. NaN is kept, and any pruner acts on it.

        Raises:
            SearchError: if the step is not an integer of at least 0, or the trial ended.
            RewardError: if the value is not a number.
        """
        if isinstance(step, bool) or not isinstance(step, numbers.Integral) or step < 0:
            raise SearchError(f"expected a step of at least 0, received {step!r}.")
        if self.state != "running":
            raise SearchError(f"trial {self.number} is {self.state}; report only while it runs.")
        if self._intermediate is None:
            self._intermediate = {}
        self._intermediate[int(step)] = checks.number(f"value of step {step}", value)
        self._study.store.save(self)

    def should_prune(self) -> bool:
        """Whether the study's pruner gives this trial up; then raise `TrialPruned`.

        Always false in a study without a pruner.
        """
        pruner = self._study.pruner
        return pruner is not None and pruner.should_prune(self._study, self)

    def end(
        self,
        state: State,
        *,
        reward: float | None = None,
        metrics: dict[str, Metric] | None = None,
        error: str | None = None,
        traceback: str | None = None,
    ) -> None:
        """Writes down how the trial ended; loops call it through the study."""
        self.state = state
        self.reward = reward
        self._metrics = metrics
        self.error = error
        self.traceback = traceback
        self.duration_s = time.perf_counter() - self._started

    def to_dict(self) -> dict[str, Any]:
        """The trial as JSON-able data; inactive decisions are left out."""
        steps = self.intermediate.items()
        return {
            "number": self.number,
            "state": self.state,
            "reward": self.reward,
            "dna": str(self.dna),
            "decisions": self.decisions,
            "seed": self.seed,
            "duration_s": self.duration_s,
            "metrics": dict(self.metrics),
            "intermediate": {str(k): v if math.isfinite(v) else None for k, v in steps},
            "error": self.error,
            "traceback": self.traceback,
        }

    def __repr__(self) -> str:
        what = f"reward={self.reward!r}" if self.state == "complete" else f"state={self.state!r}"
        return f"Trial({self.number}, {what}, dna={str(self.dna)!r})"

    @classmethod
    def from_dict(cls, study: Study, row: Mapping[str, Any]) -> Trial:
        """The trial that `to_dict` wrote, as a trial of `study`.

        Raises:
            SerializationError: if the state is unknown or the reward does not fit it.
            DNAError: if the DNA does not belong to the study's space.
        """
        trial = cls(study, row["number"], DNA.from_string(row["dna"]))
        state, reward = row["state"], row["reward"]
        if state not in _STATES or (state == "complete") != isinstance(reward, float):
            raise SerializationError(f"trial {row['number']} is {state!r} with reward {reward!r}.")
        if study.space is not None:
            study.space.validate(trial.dna)
        steps = row["intermediate"].items()
        trial.state, trial.reward = state, reward
        trial.error, trial.traceback = row["error"], row["traceback"]
        trial.duration_s = row["duration_s"]
        trial._metrics = dict(row["metrics"]) or None
        trial._intermediate = {int(k): math.nan if v is None else v for k, v in steps} or None
        return trial

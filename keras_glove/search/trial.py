"""One evaluation of one DNA: its record, and the handle that objectives get."""

from __future__ import annotations

import math
import numbers
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, get_args

from keras_glove.algorithms import checks
from keras_glove.errors import SearchError, SerializationError
from keras_glove.hyper import DNA, DecisionPoint
from keras_glove.search.results import Metric, Result, Value

if TYPE_CHECKING:
    from keras_glove.search.claims import Owner
    from keras_glove.search.evaluation import Outcome
    from keras_glove.search.ledger import Ledger

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
        error: the error's type and text, or the reason for pruning; None if complete.
        traceback: where it failed; None otherwise.
        duration_s: seconds from the proposal to its end; None while it runs.
        attempt: 1, and one more for each time that the process which ran it died.
        how: how its algorithm came to propose it: "random", "mutation", "crossover",
            "seeded" and others, see `keras_glove.algorithms.Lineage`; None if none did.
        parents: the numbers of the trials that it was made of, such as the one mutated; of
            several trials with the same decisions the last that the algorithm was told of.

    Slots, and readable forms computed on demand, keep a trial well under 1 KB.
    """

    __slots__ = (
        "_constraints",
        "_intermediate",
        "_metrics",
        "_started",
        "_study",
        "_value",
        "attempt",
        "course",
        "dna",
        "duration_s",
        "environment",
        "error",
        "how",
        "number",
        "owner",
        "parents",
        "state",
        "told",
        "traceback",
    )

    def __init__(self, study: Ledger, number: int, dna: DNA) -> None:
        self._study = study
        self._started = time.perf_counter()
        self._value: Value | None = None
        self._metrics: dict[str, Metric] | None = None
        self._constraints: dict[str, float] | None = None
        self._intermediate: dict[int, float] | None = None
        self.number = number
        self.dna = dna
        self.state: State = "running"
        self.error: str | None = None
        self.traceback: str | None = None
        self.duration_s: float | None = None
        self.attempt = 1
        self.how: str | None = None
        self.parents: tuple[int, ...] = ()
        # What resuming needs: who runs it, whose proposal it was, what that algorithm had
        # been told since its last one (None: of the trial before), and the versions.
        self.owner: Owner | None = None
        self.course: int | None = None
        self.told: tuple[int, ...] | None = ()
        self.environment = 0

    # --- what it is ----------------------------------------------------------------

    @property
    def decisions(self) -> dict[str, Any]:
        """The active decisions by readable name."""
        space = self._study.space
        if space is None:  # cannot happen for trials of a search; a study alone has none.
            raise SearchError(f"trial {self.number} belongs to a study without a space.")
        return space.decisions(self.dna)

    def text(self, point: DecisionPoint) -> Any:
        """The value of a decision point of the user's own kind, if it was asked for here too."""
        space = self._study.space
        for own in () if space is None else space.points:
            if own.name == point.name and own.custom == point.custom:
                return self.dna[own.index]
        return None

    @property
    def seed(self) -> int:
        """A seed of 31 bits, fixed by the study's seed and the trial's number."""
        return self._study.trial_seed(self.number)

    @property
    def lineage(self) -> dict[str, Any]:
        """Where it comes from: the algorithm, `how` it came to it, and of which trials.

        That is the `parents` it was made of, and under "told" the trials that the algorithm
        had been told of since its last proposal.

        For a trial that `Study.adapt` took over: the study and the number it had there.
        """
        return self._study.lineage(self)

    @property
    def versions(self) -> Mapping[str, str]:
        """The versions of Python and of the libraries that it ran with."""
        return self._study.environment(self.environment)

    @property
    def direction(self) -> Literal["maximize", "minimize"]:
        """Which rewards the study takes for better; reported values have the same sign."""
        return self._study.directions[0]

    @property
    def template(self) -> Any:
        """What the trial's program is made from: the compiled form of the search's program."""
        return self._study.template

    # --- what came of it -----------------------------------------------------------

    @property
    def reward(self) -> float | None:
        """The objective's value with its own sign; None unless complete.

        Raises:
            SearchError: if the study has several objectives.
        """
        if isinstance(self._value, tuple):
            raise SearchError(
                f"expected one objective, but there are {self._study.names}; read "
                "`trial.rewards`, which has them by name."
            )
        return self._value

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the rewards: "reward" if the study did not name them."""
        return self._study.names

    @property
    def rewards(self) -> Mapping[str, float]:
        """The rewards by name, with their own signs; empty unless complete."""
        if self._value is None:
            return _NOTHING
        values = self._value if isinstance(self._value, tuple) else (self._value,)
        return dict(zip(self._study.names, values, strict=True))

    @property
    def value(self) -> Value | None:
        """The reward, or with several objectives all in the order of the study's directions."""
        return self._value

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """What the objective returned besides the reward."""
        return self._metrics if self._metrics is not None else _NOTHING

    @property
    def cost(self) -> float | None:
        """The metric "cost", in the objective's own unit; None if it gave none."""
        cost = self.metrics.get("cost")
        return None if cost is None else float(cost)

    @property
    def constraints(self) -> Mapping[str, float]:
        """The constraints that the objective returned: those above 0 are broken."""
        return self._constraints if self._constraints is not None else _NOTHING

    @property
    def violation(self) -> float:
        """By how much constraints were broken, summed; 0.0 if they were kept."""
        if self._constraints is None:
            return 0.0
        return sum(max(0.0, value) for value in self._constraints.values())

    @property
    def intermediate(self) -> Mapping[int, float]:
        """The reported values by step (for training: by epoch, 0 for the first)."""
        return self._intermediate if self._intermediate is not None else _NOTHING

    @property
    def files(self) -> list[Path]:
        """The files that are kept of it, its child among them; see `Study`."""
        return self._study.files.of(self.number)

    # --- for the objective ---------------------------------------------------------

    @property
    def folder(self) -> Path:
        """A folder for files of this trial, made now; see `Study` for how long they are kept.

        Raises:
            SearchError: if the study keeps no files.
        """
        return self._study.files.folder(self.number)

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
        found = checks.number(f"value of step {step}", value)
        if self._intermediate is None:
            self._intermediate = {}
        self._intermediate[int(step)] = found
        self._study.store.report(self, int(step), found)

    def should_prune(self) -> bool:
        """Whether the study's pruner gives this trial up; then raise `TrialPruned`.

        Always false in a study without a pruner.
        """
        return self._study.should_prune(self)

    # --- for the study -------------------------------------------------------------

    def end(
        self,
        state: State,
        result: Result | None = None,
        *,
        error: str | None = None,
        traceback: str | None = None,
    ) -> None:
        """Writes down how the trial ended; loops call it through the study."""
        self.state = state
        if result is not None:
            self._value, self._metrics, self._constraints = result
        self.error = error
        self.traceback = traceback
        self.duration_s = time.perf_counter() - self._started

    def end_as(self, outcome: Outcome) -> None:
        """Writes down an outcome; for trials of workers, whose record is the driver's."""
        state: State = "failed"
        if outcome.result is not None:
            state = "complete"
        elif outcome.pruned is not None:
            state = "pruned"
        error = outcome.error if outcome.pruned is None else outcome.pruned
        self.end(state, outcome.result, error=error, traceback=outcome.traceback)

    def begin_again(self, attempt: int) -> None:
        """Forgets what an attempt that was broken off had reported."""
        self.attempt = attempt
        self._started = time.perf_counter()
        self._intermediate = None

    def see(self, intermediate: dict[int, float]) -> None:
        """Takes what another process reported so far."""
        self._intermediate = intermediate or None

    def take(self, other: Trial) -> None:
        """Becomes what another record of the same trial says."""
        for name in self.__slots__:
            setattr(self, name, getattr(other, name))

    def to_dict(self) -> dict[str, Any]:
        """The trial as JSON-able data; inactive decisions are left out."""
        steps = self.intermediate.items()
        return {
            "number": self.number,
            "state": self.state,
            "rewards": dict(self.rewards),
            "dna": str(self.dna),
            "decisions": self.decisions,
            "seed": self.seed,
            "duration_s": self.duration_s,
            "metrics": dict(self.metrics),
            "constraints": dict(self.constraints),
            "intermediate": {str(k): v if math.isfinite(v) else None for k, v in steps},
            "error": self.error,
            "traceback": self.traceback,
            "attempt": self.attempt,
            "how": self.how,
            "parents": list(self.parents),
            "course": self.course,
            "told": None if self.told is None else list(self.told),
            "environment": self.environment,
        }

    def __repr__(self) -> str:
        what = f"state={self.state!r}"
        if self.state == "complete":
            several = isinstance(self._value, tuple)
            what = f"rewards={self.rewards!r}" if several else f"reward={self._value!r}"
        return f"Trial({self.number}, {what}, dna={str(self.dna)!r})"

    @classmethod
    def from_dict(cls, study: Ledger, row: Mapping[str, Any]) -> Trial:
        """The trial that `to_dict` wrote, as a trial of `study`.

        Raises:
            SerializationError: if the state is unknown or the rewards do not fit it.
            DNAError: if the DNA does not belong to the study's space.
        """
        trial = cls(study, row["number"], DNA.from_string(row["dna"]))
        state, rewards = row["state"], row["rewards"]
        values = tuple([float(rewards[name]) for name in study.names]) if rewards else None
        if state not in _STATES or (state == "complete") != (values is not None):
            raise SerializationError(f"trial {row['number']} is {state!r} with {rewards!r}.")
        if study.space is not None:
            study.space.validate(trial.dna)
        steps = row["intermediate"].items()
        trial.state = state
        trial._value = values[0] if values is not None and len(values) == 1 else values
        trial.error, trial.traceback = row["error"], row["traceback"]
        trial.duration_s = row["duration_s"]
        trial._metrics = dict(row["metrics"]) or None
        trial._constraints = dict(row["constraints"]) or None
        trial._intermediate = {int(k): math.nan if v is None else v for k, v in steps} or None
        trial.attempt, trial.course = row["attempt"], row["course"]
        trial.how, trial.parents = row["how"], tuple(row["parents"])
        trial.told = None if row["told"] is None else tuple(row["told"])
        trial.environment = row["environment"]
        return trial

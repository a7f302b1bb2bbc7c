"""The record of a search."""

from __future__ import annotations

import heapq
import math
import secrets
import traceback
from collections import Counter
from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, Protocol
from weakref import WeakKeyDictionary

import numpy as np

from keras_glove.algorithms import Algorithm, checks
from keras_glove.errors import FeedbackError, SearchError, SerializationError, SpaceError
from keras_glove.hyper import DNA, SearchSpace
from keras_glove.search.pruners import Pruner
from keras_glove.search.results import Metric
from keras_glove.search.store import InMemoryStore, TrialStore
from keras_glove.search.trial import State, Trial

if TYPE_CHECKING:
    from rich.table import Table

Direction = Literal["maximize", "minimize"]
_SIGNS: dict[str, float] = {"maximize": 1.0, "minimize": -1.0}


class SpaceAndPrograms(Protocol):
    """What a study needs of a template: its space, and the program of a DNA."""

    @property
    def space(self) -> SearchSpace:
        """The decision points."""

    def materialize(self, dna: DNA) -> Any:
        """The concrete program of a DNA."""


class Study:
    """The record of a search: its trials, and the best of them.

    A study outlives the loops that fill it: given to `search` or `sample` again it goes
    on, with numbers that count on and with an algorithm that knows what was found.

    Args:
        name: for people; None is fine.
        direction: whether the best reward is the largest ("maximize") or the smallest.
        seed: a non-negative integer that fixes the seeds of all trials and of algorithms
            made without one. None draws one, which `seed` then tells.
        pruner: ends unpromising trials early; None never does.
        store: keeps the trials; None keeps them in memory.

    Raises:
        SearchError: for an unknown direction.
        AlgorithmError: for a seed that is not a non-negative integer.

    >>> from keras_glove.search import Study
    >>> study = Study("widths", direction="minimize", seed=0)
    >>> study
    Study('widths', direction='minimize', trials=0)
    """

    def __init__(
        self,
        name: str | None = None,
        *,
        direction: Direction = "maximize",
        seed: int | None = None,
        pruner: Pruner | None = None,
        store: TrialStore | None = None,
    ) -> None:
        if direction not in _SIGNS:
            raise SearchError(
                f"expected direction to be 'maximize' or 'minimize', received {direction!r}."
            )
        if seed is not None:
            checks.integer("seed", seed, low=0)
        if pruner is not None:
            checks.instance("pruner", pruner, Pruner)
        self.name = name
        self.direction: Direction = direction
        self.seed = seed if seed is not None else secrets.randbits(31)
        self.pruner = pruner
        self.store = store if store is not None else InMemoryStore()
        self.space: SearchSpace | None = None
        self.algorithm: Algorithm | None = None
        # How many of the first trials an algorithm knows that is no longer the current one.
        self._known: WeakKeyDictionary[Algorithm, int] = WeakKeyDictionary()
        self._template: SpaceAndPrograms | None = None
        self._finished = 0
        self._best: Trial | None = None
        self._best_score = -math.inf
        for trial in self.store:
            self._count(trial)

    # --- what was found ------------------------------------------------------------

    @property
    def sign(self) -> float:
        """1.0 if rewards are maximised, -1.0 if they are minimised."""
        return _SIGNS[self.direction]

    @property
    def trials(self) -> list[Trial]:
        """All trials in the order of their numbers."""
        return list(self.store)

    @property
    def num_finished(self) -> int:
        """How many trials ended, whatever came of them."""
        return self._finished

    @property
    def best_or_none(self) -> Trial | None:
        """As `best_trial`, or None if no trial is complete."""
        return self._best

    @property
    def best_trial(self) -> Trial:
        """The complete trial with the best reward, the earliest of equals.

        Raises:
            SearchError: if no trial is complete.
        """
        if self._best is None:
            raise SearchError(f"expected a complete trial, but there is none: {self._errors()}.")
        return self._best

    @property
    def best_dna(self) -> DNA:
        """The decisions of the best trial."""
        return self.best_trial.dna

    @property
    def best_value(self) -> float:
        """The reward of the best trial, with the objective's own sign."""
        return self.sign * self._score(self.best_trial)

    @property
    def best_program(self) -> Any:
        """The concrete program of the best trial, made anew each time.

        Raises:
            SearchError: if no trial is complete, or no search has used the study yet.
        """
        return self.program(self.best_trial)

    def program(self, trial: Trial) -> Any:
        """The concrete program of a trial, made anew each time.

        Raises:
            SearchError: if the study was loaded and no search has used it since.
        """
        if self._template is None:
            raise SearchError(
                "this study knows the decisions but not the program; call "
                "`Template(program).materialize(trial.dna)` or go on searching with the study."
            )
        return self._template.materialize(trial.dna)

    def top(self, k: int) -> list[Trial]:
        """The `k` best complete trials, the best first, the earliest of equals."""
        scored = ((self._score(trial), -trial.number, trial) for trial in self.store)
        complete = (entry for entry in scored if entry[0] > -math.inf)
        return [trial for _, _, trial in heapq.nlargest(k, complete)]

    def rows(self) -> list[dict[str, Any]]:
        """One JSON-able dict per trial; see `Trial.to_dict`."""
        return [trial.to_dict() for trial in self.store]

    def table(self, top: int | None = None) -> Table:
        """A table to print by rich: of all trials in order, or of the `top` best."""
        from keras_glove.search.tables import study_table

        return study_table(self, self.trials if top is None else self.top(top))

    def __repr__(self) -> str:
        counts = Counter(trial.state for trial in self.store)
        parts = [] if self.name is None else [repr(self.name)]
        parts += [f"direction={self.direction!r}", f"trials={len(self.store)}"]
        parts += [f"{state}={count}" for state, count in sorted(counts.items())]
        if self._best is not None:
            parts.append(f"best_value={self.best_value!r}")
        return f"Study({', '.join(parts)})"

    def to_dict(self) -> dict[str, Any]:
        """The study as JSON-able data, its space included; not its program or pruner."""
        return {
            "name": self.name,
            "direction": self.direction,
            "seed": self.seed,
            "space": None if self.space is None else self.space.to_json(),
            "trials": self.rows(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], *, pruner: Pruner | None = None) -> Study:
        """The study that `to_dict` wrote; it goes on when given to `search`.

        Raises:
            SerializationError: if `data` is not such a study.
        """
        try:
            name, direction, seed = data["name"], data["direction"], data["seed"]
            study = cls(name, direction=direction, seed=seed, pruner=pruner)
            if data["space"] is not None:
                study.space = SearchSpace.from_json(data["space"])
            for row in data["trials"]:
                study._restore(row)
        except (KeyError, TypeError, ValueError, AttributeError, SearchError) as error:
            raise SerializationError(
                f"expected the data of Study.to_dict(): {type(error).__name__}: {error}"
            ) from error
        return study

    # --- what loops call -----------------------------------------------------------

    def bind(self, template: SpaceAndPrograms) -> None:
        """Says which programs the trials are of.

        Raises:
            SpaceError: if the trials so far answer another space.
        """
        if self.space is not None and self.space != template.space:
            difference = _difference(self.space, template.space)
            raise SpaceError(
                f"the study holds trials of another space: {difference}; "
                "use a new Study, or the program that this one began with."
            )
        self.space = template.space
        self._template = template

    def join(self, algorithm: Algorithm) -> list[Trial]:
        """Makes `algorithm` the current one, and gives the trials that it has not seen."""
        if algorithm is self.algorithm:
            return []
        if self.algorithm is not None:
            self._known[self.algorithm] = len(self.store)
        self.algorithm = algorithm
        return list(islice(self.store, self._known.get(algorithm, 0), None))

    def start(self, dna: DNA) -> Trial:
        """Adds a running trial."""
        trial = Trial(self, len(self.store), dna)
        self.store.add(trial)
        return trial

    def complete(self, trial: Trial, reward: float, metrics: dict[str, Metric]) -> None:
        """Ends a trial with a finite reward."""
        self._end(trial, "complete", reward=reward, metrics=metrics or None)

    def fail(self, trial: Trial, error: BaseException) -> None:
        """Ends a trial by the error that stopped it, and frees what the error holds."""
        lines = "".join(traceback.format_exception(error))
        # The frames hold the child, which may be what filled the memory.
        traceback.clear_frames(error.__traceback__)
        notes = getattr(error, "__notes__", ())  # where in the program it happened.
        text = "\n".join([f"{type(error).__name__}: {error}", *map(str, notes)])
        self._end(trial, "failed", error=text, traceback=lines)

    def prune(self, trial: Trial, reason: str) -> None:
        """Ends a trial early, without a reward."""
        self._end(trial, "pruned", error=reason)

    def trial_seed(self, number: int) -> int:
        """The seed, of 31 bits, of the trial with this number."""
        return _derive(self.seed, 1, number)

    def algorithm_seed(self) -> int:
        """The seed for an algorithm that joins now and has none of its own."""
        return _derive(self.seed, 0, self._finished)

    def _end(self, trial: Trial, state: State, **fields: Any) -> None:
        if trial.state != "running":
            raise FeedbackError(f"trial {trial.number} already ended: it is {trial.state}.")
        trial.end(state, **fields)
        self.store.save(trial)
        self._count(trial)

    def _restore(self, row: Mapping[str, Any]) -> None:
        trial = Trial.from_dict(self, row)
        self.store.add(trial)
        if trial.number != row["number"]:
            raise SerializationError(f"trial {trial.number} has the number {row['number']!r}.")
        self._count(trial)

    def _count(self, trial: Trial) -> None:
        self._finished += trial.state != "running"
        score = self._score(trial)
        if score > self._best_score:
            self._best, self._best_score = trial, score

    def _score(self, trial: Trial) -> float:
        """More is better; minus infinity for trials that are not complete."""
        return -math.inf if trial.reward is None else self.sign * trial.reward

    def _errors(self) -> str:
        failed = [trial for trial in self.store if trial.state == "failed"]
        if not failed:
            return f"the study has {len(self.store)} trials"
        return f"{len(failed)} of {len(self.store)} trials failed, the last with {failed[-1].error}"


def new_or_given(
    study: Study | None,
    seed: int | None,
    direction: Direction | None = None,
    pruner: Pruner | None = None,
) -> Study:
    """The study given, or a new one made of the other arguments.

    Raises:
        SearchError: if the study given has been made with other settings.
    """
    if study is None:
        return Study(direction=direction or "maximize", seed=seed, pruner=pruner)
    checks.instance("study", study, Study)
    asked = {"seed": seed, "direction": direction, "pruner": pruner}
    for name, value in asked.items():
        if value is not None and value != getattr(study, name):
            raise SearchError(
                f"expected no {name} beside a study, which has {name}={getattr(study, name)!r}; "
                f"received {value!r}. Say it when making the Study."
            )
    return study


def _derive(seed: int, *key: int) -> int:
    return int(np.random.SeedSequence(seed, spawn_key=key).generate_state(1)[0] >> 1)


def _difference(old: SearchSpace, new: SearchSpace) -> str:
    """The first thing in which two spaces differ."""
    for before, after in zip(old.points, new.points, strict=False):
        if before != after:
            return f"decision {before.index} was {before}, now {after}"
    return f"there were {len(old)} decisions, now {len(new)}"

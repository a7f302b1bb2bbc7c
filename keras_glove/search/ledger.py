"""The books of a study: what loops write into it, in one order for all of them."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast
from weakref import WeakKeyDictionary

import numpy as np

from keras_glove.algorithms import Algorithm, checks
from keras_glove.errors import (
    FeedbackError,
    SearchError,
    SerializationError,
    SpaceError,
    StopSearch,
)
from keras_glove.hyper import DNA, SearchSpace
from keras_glove.search.claims import Claim, is_here
from keras_glove.search.course import Course, Proposal, told_before
from keras_glove.search.differences import describe_difference
from keras_glove.search.failures import describe_error
from keras_glove.search.files import Files
from keras_glove.search.fronts import Front
from keras_glove.search.pruners import Pruner
from keras_glove.search.results import REWARD, Result
from keras_glove.search.store import TrialStore
from keras_glove.search.trial import State, Trial
from keras_glove.search.versions import versions

if TYPE_CHECKING:
    from keras_glove.search.study import Study

Direction = Literal["maximize", "minimize"]
Directions = Direction | Mapping[str, Direction]
_SIGNS: dict[str, float] = {"maximize": 1.0, "minimize": -1.0}
_logger = logging.getLogger("keras_glove")

#: A trial that was begun so often, and whose process died each time, has failed.
MAX_ATTEMPTS = 3


class SpaceAndPrograms(Protocol):
    """What a study needs of a template: its space, and the program of a DNA."""

    @property
    def space(self) -> SearchSpace:
        """The decision points."""

    def materialize(self, dna: DNA) -> Any:
        """The concrete program of a DNA."""


class Ledger:
    """What loops read and write of a study; see `Study`, which is one with views for people.

    Args:
        store: empty, or what was kept before.
        direction: of a study that is new, or the same as it was.
        seed: likewise.
        pruner: may change from one opening to the next.
        files: the folders of trials.
    """

    def __init__(
        self,
        store: TrialStore,
        direction: Directions | None,
        seed: int | None,
        pruner: Pruner | None,
        files: Files,
    ) -> None:
        self.store = store
        self.files = files
        self.space: SearchSpace | None = None
        self.algorithm: Algorithm | None = None
        self.courses: list[dict[str, Any]] = []
        self.environments: list[dict[str, str]] = []
        self.origin: dict[str, Any] | None = None
        self._environment: int | None = None
        self._template: SpaceAndPrograms | None = None
        self._joined: WeakKeyDictionary[Algorithm, Course] = WeakKeyDictionary()
        self._running: dict[int, Trial] = {}
        self.given_up: list[Trial] = []  # here, since processes died of them.
        self._finished = 0
        with store.lock():
            header = store.load_header()
            self._begin(header, direction, seed)
            self.pruner = _checked_pruner(pruner, self.names)
            if header is None:
                store.save_header(self.header)
        self.front = Front(self.signs)
        for trial in store.load(self):
            self._notice(trial)

    def _begin(
        self, header: Mapping[str, Any] | None, direction: Directions | None, seed: int | None
    ) -> None:
        if seed is not None:
            checks.integer("seed", seed, low=0)
        self.direction: Directions = _checked(direction if direction is not None else "maximize")
        self.seed = seed if seed is not None else secrets.randbits(31)
        if header is not None:
            self._take(header)
            asked = {"direction": direction, "seed": seed}
            for name, value in asked.items():
                if value is not None and value != getattr(self, name):
                    raise SearchError(
                        f"expected no {name}, or that of the study that is kept there, "
                        f"{getattr(self, name)!r}; received {value!r}. Give the new study "
                        "another name."
                    )
        named = self.direction if isinstance(self.direction, Mapping) else {REWARD: self.direction}
        self.names = tuple(named)
        self.directions = tuple(named.values())
        self.signs = tuple(_SIGNS[direction] for direction in self.directions)

    def header(self) -> dict[str, Any]:
        """The facts of the study as JSON-able data, its trials not included."""
        return {**self.facts(), "space": None if self.space is None else self.space.to_json()}

    def facts(self) -> dict[str, Any]:
        """The same without the space, which may have no JSON form."""
        return {
            "direction": self.direction,
            "seed": self.seed,
            "courses": self.courses,
            "environments": self.environments,
            "origin": self.origin,
        }

    def restore(self, header: Mapping[str, Any]) -> None:
        """Takes over the facts of another record."""
        self._begin(header, None, None)

    def _take(self, header: Mapping[str, Any]) -> None:
        self.direction = header["direction"]
        self.seed = header["seed"]
        space = header.get("space")
        if space is not None and self.space is None:
            self.space = SearchSpace.from_json(space)
        self.courses = header["courses"]
        self.environments = header["environments"]
        self.origin = header["origin"]

    # --- programs and algorithms ---------------------------------------------------

    def bind(self, template: SpaceAndPrograms) -> None:
        """Says which programs the trials are of.

        Raises:
            SpaceError: if the trials so far answer another space.
        """
        with self.store.lock():
            self._read_header()
            if self.space is None:
                self.space = template.space
                self.store.save_header(self.header)
        if self.space != template.space:
            raise SpaceError(
                "the study holds trials of another space: "
                f"{describe_difference(self.space, template.space)}; use the program that this one "
                "began with, a new study of another name, or `study.adapt(program, name=...)`, "
                "which takes over the trials that still fit."
            )
        if self._template is None:
            self.files.sweep(self._running)
        self._template = template

    @property
    def template(self) -> SpaceAndPrograms | None:
        """The programs that the trials are of; None if no search has used the study here yet."""
        return self._template

    def join(self, algorithm: Algorithm, *, default_for: int | None = None) -> Course:
        """The course of an algorithm through this study, begun or gone on with.

        An algorithm that was not used yet goes on where one with the same settings left
        off, in another process too. Any other begins a new course, on which it is told of
        all that was found.

        Args:
            algorithm: set up here, with a seed of the study unless it has its own.
            default_for: the number of trials that it was fitted to, if the user gave none.
        """
        course = self._joined.get(algorithm)
        if course is None:
            with self.store.lock():
                self._read_header()
                index = self._find_course(algorithm)
                new = index == len(self.courses)
                seed = _derive(self.seed, 0, index) if new else self.courses[index]["seed"]
                fresh = algorithm.space is None
                self._set_up(algorithm, seed)
                course = self._joined[algorithm] = Course(self, algorithm, index)
                if new:
                    entry = {"algorithm": repr(algorithm), "seed": seed, "fresh": fresh}
                    self.courses.append({**entry, "default_for": default_for})
                    self.store.save_header(self.header)
        self.algorithm = algorithm
        return course

    def _find_course(self, algorithm: Algorithm) -> int:
        if algorithm.space is None:
            for index in reversed(range(len(self.courses))):
                entry = self.courses[index]
                if entry["fresh"] and entry["algorithm"] == repr(algorithm):
                    return index
        return len(self.courses)

    def _set_up(self, algorithm: Algorithm, seed: int) -> None:
        assert self._template is not None
        assert self.space is not None
        encode = getattr(self._template, "encode", None)
        algorithm.setup(self.space, seed=seed, objectives=len(self.names), encode=encode)

    def _read_header(self) -> None:
        header = self.store.load_header()
        if header is not None:
            self._take(header)

    # --- what loops call -----------------------------------------------------------

    def ask(self, course: Course, limit: int | None) -> Claim | None:
        """The next trial to run: one that was broken off, or a new one.

        None when the study has `limit` trials, or the algorithm has no more to propose. Then
        some may still run elsewhere, and be broken off; see `runs_elsewhere`.
        """
        with self.store.lock():
            self.refresh()
            claim = self._take_over()
            if claim is not None:
                return claim
            if limit is not None and len(self.store) >= limit:
                if not self.store.shared:  # elsewhere the order has to be that of proposals.
                    course.tell()
                return None
            try:
                return self._propose(course)
            except StopSearch:
                return None

    def _propose(self, course: Course) -> Claim:
        proposal = course.propose()
        try:
            claim = self._add(proposal, course.index)
        except BaseException:
            # The algorithm is ahead of the books: it cannot go on as if nothing was.
            self._joined.pop(course.algorithm, None)
            raise
        course.proposed(claim.trial)
        return claim

    def start(self, dna: DNA) -> Claim:
        """Adds a running trial that no algorithm proposed."""
        with self.store.lock():
            self.refresh()
            return self._add(Proposal(dna), None)

    def _add(self, proposal: Proposal, course: int | None) -> Claim:
        trial = Trial(self, len(self.store), proposal.dna)
        trial.course = course
        # None saves the memory where trials run one after the other.
        trial.told = None if proposal.told == (trial.number - 1,) else proposal.told
        trial.how, trial.parents = proposal.how, proposal.parents
        trial.environment = self._current_environment()
        claim = Claim(trial)
        trial.owner = claim.owner
        self.store.add(trial)
        self._running[trial.number] = trial
        return claim

    def _take_over(self) -> Claim | None:
        """A trial that nobody runs any more, for this process to run."""
        for trial in list(self._running.values()):
            if not self.store.is_lost(trial):
                continue
            if trial.owner is not None and not is_here(trial.owner):
                trial.attempt += 1  # its process died. Here, its loop was left.
            fails = trial.attempt > MAX_ATTEMPTS
            trial.begin_again(min(trial.attempt, MAX_ATTEMPTS))
            claim = Claim(trial)
            trial.owner = claim.owner
            self.store.claim(trial)
            if not fails:
                self.files.discard([trial.number])
                return claim
            self.given_up.append(trial)
            text = f"SearchError: the process died in each of {MAX_ATTEMPTS} attempts"
            self._end(trial, "failed", error=text)
        return None

    def died(self, trial: Trial) -> None:
        """Leaves a running trial, whose worker died, to be run again."""
        trial.attempt += 1
        self.release(trial)

    def runs_elsewhere(self) -> bool:
        """Whether other processes have running trials, which they may leave unfinished."""
        return any(t.owner is not None and not is_here(t.owner) for t in self._running.values())

    def refresh(self) -> None:
        """Reads what other processes did since, if there can be any."""
        if self.store.shared:
            with self.store.lock():
                for trial in self.store.refresh():
                    self._notice(trial)

    def complete(self, trial: Trial, result: Result) -> None:
        """Ends a trial with finite rewards."""
        self._end(trial, "complete", result)

    def fail(self, trial: Trial, error: BaseException) -> None:
        """Ends a trial by the error that stopped it, and frees what the error holds."""
        self.fail_with(trial, *describe_error(error))

    def fail_with(self, trial: Trial, error: str, lines: str | None = None) -> None:
        """Ends a trial by an error that happened elsewhere: its text, and its traceback."""
        self._end(trial, "failed", error=error, traceback=lines)

    def prune(self, trial: Trial, reason: str) -> None:
        """Ends a trial early, without a reward."""
        self._end(trial, "pruned", error=reason)

    def keep(self, trial: Trial) -> None:
        """Adds an ended trial of another record.

        Raises:
            SerializationError: if its number is not the next.
        """
        with self.store.lock():
            if trial.number != len(self.store):
                raise SerializationError(
                    f"expected trial {len(self.store)} to come next, received {trial.number!r}."
                )
            self.store.add(trial)
        self._notice(trial)

    def come_from(self, other: Ledger, trials: Sequence[Trial]) -> None:
        """Notes that this study, still empty, begins with trials of another one."""
        name = getattr(other, "name", None)
        self.origin = {"study": name, "trials": [other.first_number(t.number) for t in trials]}
        self.environments = [dict(environment) for environment in other.environments]
        self.store.save_header(self.header)

    def release(self, trial: Trial) -> None:
        """Leaves a running trial to be run again."""
        with self.store.lock():
            trial.owner = None
            self.store.claim(trial)

    def should_prune(self, trial: Trial) -> bool:
        """Whether the pruner gives a running trial up."""
        if self.pruner is None:
            return False
        self.refresh()
        return self.pruner.should_prune(cast("Study", self), trial)

    def _end(self, trial: Trial, state: State, result: Result | None = None, **why: Any) -> None:
        if trial.state != "running":
            raise FeedbackError(f"trial {trial.number} already ended: it is {trial.state}.")
        with self.store.lock():
            trial.end(state, result, **why)
            if self.store.end(trial):
                trial.owner = None
                self._notice(trial)
                return
            self.refresh()
        _logger.warning(
            "trial %d was given to another process, since this one was taken for dead; "
            "what came of it here (%s) is not recorded",
            trial.number,
            state,
        )

    def _notice(self, trial: Trial) -> None:
        """Takes note of a trial as it is now."""
        if trial.state == "running":
            self._running[trial.number] = trial
            return
        self._running.pop(trial.number, None)
        self._finished += 1
        self.front.add(trial)
        out = self.files.note(self.front, trial)
        if out and self._template is not None:  # who only reads removes nothing.
            self.files.discard(out)
        for course in self._joined.values():
            course.ended(trial)

    # --- what trials and algorithms ask --------------------------------------------

    @property
    def sign(self) -> float:
        """1.0 if the reward is maximised, -1.0 if it is minimised."""
        return self.signs[0]

    @property
    def num_finished(self) -> int:
        """How many trials ended, whatever came of them."""
        return self._finished

    def turned(self, trial: Trial) -> float | tuple[float, ...]:
        """The rewards of a complete trial in the sense that more is better."""
        assert trial.value is not None
        return self.front.turned(trial.value)

    def trial_seed(self, number: int) -> int:
        """The seed, of 31 bits, of the trial with this number."""
        return _derive(self.seed, 1, self.first_number(number))

    def first_number(self, number: int) -> int:
        """The number that a trial had in the study that it was run in."""
        taken = [] if self.origin is None else self.origin["trials"]
        found: int = taken[number] if number < len(taken) else number
        return found

    def lineage(self, trial: Trial) -> dict[str, Any]:
        """Where a trial comes from; see `Trial.lineage`."""
        if self.origin is not None and trial.number < len(self.origin["trials"]):
            return {"study": self.origin["study"], "number": self.first_number(trial.number)}
        if trial.course is None:
            return {}
        algorithm = self.courses[trial.course]["algorithm"]
        return {
            "algorithm": algorithm,
            "how": trial.how,
            "parents": list(trial.parents),
            "told": list(told_before(trial)),
        }

    def environment(self, index: int) -> Mapping[str, str]:
        """The versions that trials ran with; see `Trial.versions`."""
        return self.environments[index]

    def _current_environment(self) -> int:
        if self._environment is None:
            current = versions()
            self._read_header()
            if current not in self.environments:
                self.environments.append(current)
                self.store.save_header(self.header)
            self._environment = self.environments.index(current)
        return self._environment


def _checked(direction: Any) -> Directions:
    given = direction if isinstance(direction, Mapping) else {REWARD: direction}
    if not given or any(value not in _SIGNS for value in given.values()):
        raise SearchError(
            "expected direction to be 'maximize' or 'minimize', or for several rewards a mapping "
            f"such as {{'accuracy': 'maximize', 'parameters': 'minimize'}}; received {direction!r}."
        )
    return dict(direction) if isinstance(direction, Mapping) else direction


def _checked_pruner(pruner: Pruner | None, names: tuple[str, ...]) -> Pruner | None:
    if pruner is not None:
        checks.instance("pruner", pruner, Pruner)
        if len(names) > 1:
            raise SearchError(
                f"expected no pruner beside the {len(names)} rewards {list(names)}: pruners "
                "compare the values of one."
            )
    return pruner


def _derive(seed: int, *key: int) -> int:
    return int(np.random.SeedSequence(seed, spawn_key=key).generate_state(1)[0] >> 1)

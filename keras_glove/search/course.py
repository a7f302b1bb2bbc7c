"""What an algorithm was told and what it proposed, in order, so that it can be repeated."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from keras_glove.algorithms import Algorithm
from keras_glove.errors import SearchError, StopSearch
from keras_glove.hyper import DNA
from keras_glove.search.trial import Trial

if TYPE_CHECKING:
    from keras_glove.search.ledger import Ledger

#: A state is kept when this many seconds of an algorithm's work would have to be repeated.
STATE_AFTER_S = 1.0
#: Nor is it kept before the work took so many times longer than keeping it.
_STATE_FACTOR = 20.0


class Proposal(NamedTuple):
    """What an algorithm proposed, and where it had it from.

    Attributes:
        dna: the decisions.
        told: the numbers of the trials of whose end the algorithm was told just before.
        how: see `Lineage`.
        parents: the numbers of the trials that it was made of; of several with the same
            decisions the one that the algorithm was told of last.
    """

    dna: DNA
    told: tuple[int, ...] = ()
    how: str | None = None
    parents: tuple[int, ...] = ()


class Course:
    """The course of an algorithm through a study.

    An algorithm is told of trials only just before it proposes, of those that ended since
    its last proposal in the order of their numbers; their numbers are kept with the trial
    that it proposes then. So the trials of a study tell all that the algorithm lived
    through, in one order for all processes that share the study. Each of them, and one that
    resumes, brings its own copy of the algorithm to the same point by repeating that; or
    from the last state that was kept, where repeating all would take long.

    Args:
        study: bound to a space.
        algorithm: set up for it, not used before.
        index: of this course among those of the study.
    """

    def __init__(self, study: Ledger, algorithm: Algorithm, index: int) -> None:
        self.study = study
        self.algorithm = algorithm
        self.index = index
        self._untold: dict[int, Trial] = {}
        self._told: list[int] = []  # since the last proposal.
        self._numbers: dict[DNA, int] = {}  # of the complete trials it was told of.
        self._next = 0  # the first trial whose proposal was not looked at.
        self._work_s = 0.0  # since the last state.
        self._state_s = 0.0
        for trial in study.store:
            self.ended(trial)

    def ended(self, trial: Trial) -> None:
        """Hears of a trial that ended, if it did."""
        if trial.state != "running":
            self._untold[trial.number] = trial

    def propose(self) -> Proposal:
        """The next decisions, and where they come from.

        Call it under the lock of the study.

        Raises:
            StopSearch: if there is nothing left to propose.
            SearchError: if the algorithm proposes something else than it did before.
        """
        self.tell()
        start = time.perf_counter()
        dna = self.algorithm.propose()
        self._work_s += time.perf_counter() - start
        told, self._told = tuple(self._told), []
        how, ancestors = self.algorithm.lineage
        numbers = self._numbers
        return Proposal(dna, told, how, tuple([numbers[a] for a in ancestors if a in numbers]))

    def proposed(self, trial: Trial) -> None:
        """Hears that its last proposal is kept; keeps its state too, if that is worth it."""
        self._next = trial.number + 1
        if self._work_s < max(STATE_AFTER_S, _STATE_FACTOR * self._state_s):
            return
        start = time.perf_counter()
        self.study.store.save_state(self.index, trial.number, self.algorithm.get_state())
        self._state_s = time.perf_counter() - start
        self._work_s = 0.0

    def tell(self) -> None:
        """Tells the algorithm of all trials that ended since."""
        self.catch_up()
        if self._untold:
            self._tell(sorted(self._untold))

    def catch_up(self) -> None:
        """Repeats what other processes, or an earlier one, asked of the same algorithm."""
        store = self.study.store
        if self._next >= len(store):
            return
        if self._next == 0:
            self._restore()
        for number in range(self._next, len(store)):
            trial = store[number]
            if trial.course == self.index:
                self._repeat(trial)
        self._next = len(store)

    def _restore(self) -> None:
        kept = self.study.store.load_state(self.index)
        if kept is None:
            return
        number, state = kept
        self.algorithm.set_state(state)
        for trial in self.study.store:
            if trial.course == self.index and trial.number <= number:
                for number_told in told_before(trial):
                    told = self._untold.pop(number_told, None)
                    if told is not None and told.state == "complete":
                        self._numbers[told.dna] = told.number
        self._next = number + 1

    def _repeat(self, trial: Trial) -> None:
        # What was told without a proposal after it comes first in the list of the next.
        self._tell(number for number in told_before(trial) if number in self._untold)
        start = time.perf_counter()
        try:
            dna = self.algorithm.propose()
        except StopSearch:
            dna = None
        self._work_s += time.perf_counter() - start
        self._told = []
        if dna != trial.dna:
            raise SearchError(
                f"expected {self.algorithm!r} to propose {trial.dna} for trial {trial.number}, as "
                f"it did before, but it proposed {dna}: it is another version, or was given other "
                "known points. Give it another seed, and it goes on as a new algorithm that is "
                "told of all trials."
            )

    def _tell(self, numbers: Iterable[int]) -> None:
        start = time.perf_counter()
        for number in list(numbers):
            self._tell_of(self._untold.pop(number))
            self._told.append(number)
        self._work_s += time.perf_counter() - start

    def _tell_of(self, trial: Trial) -> None:
        own = trial.course == self.index
        if trial.state == "complete":
            self._numbers[trial.dna] = trial.number
            tell = self.algorithm.feedback if own else self.algorithm.observe
            tell(trial.dna, self.study.turned(trial), violation=trial.violation)
        elif own:
            self.algorithm.fail(trial.dna)


def told_before(trial: Trial) -> tuple[int, ...]:
    """The numbers of the trials that the algorithm was told of just before it proposed one."""
    return (trial.number - 1,) if trial.told is None else trial.told

"""Ask, build, tell: what `sample` and `search` share."""

from __future__ import annotations

import logging
import time
from typing import Any

from keras_glove.algorithms import Algorithm, checks
from keras_glove.errors import SearchError
from keras_glove.search.claims import Claim
from keras_glove.search.evaluation import Outcome
from keras_glove.search.ledger import SpaceAndPrograms
from keras_glove.search.programs import as_template, is_plain, may_draw
from keras_glove.search.results import Result
from keras_glove.search.seeding import seeded
from keras_glove.search.study import Study
from keras_glove.search.trial import Trial
from keras_glove.symbolic import build, is_open

_logger = logging.getLogger("keras_glove")

#: A loop gives up when so many trials failed and no other has ended.
MAX_FIRST_FAILURES = 5
#: Seconds between two looks at what other processes do, the first and the longest.
_FIRST_LOOK_S, _LAST_LOOK_S = 0.05, 1.0


class Loop:
    """Connects a program, an algorithm and a study for one run.

    Args:
        program: see `as_template`.
        algorithm: set up here, with a seed of the study unless it has its own.
        study: the trials are added to it.
        num_trials: how many trials the study has at the end, those it had before and
            those that failed included; None for as many as the algorithm proposes.
        default_for: the number of trials that the algorithm was fitted to, if nobody chose it.

    Raises:
        SpaceError: if the program has no hyper-values, or another space than the study.
        SearchError: if `num_trials` is not an integer of at least 1.
    """

    def __init__(
        self,
        program: Any,
        algorithm: Algorithm,
        study: Study,
        num_trials: int | None,
        *,
        default_for: int | None = None,
    ) -> None:
        if num_trials is not None and (
            isinstance(num_trials, bool) or not isinstance(num_trials, int) or num_trials < 1
        ):
            raise SearchError(
                f"expected the number of trials to be an integer of at least 1, received "
                f"{num_trials!r}; it counts all trials of the study."
            )
        checks.instance("algorithm", algorithm, Algorithm)
        self.template = as_template(program)
        self.study = study
        self.algorithm = algorithm
        self._plain = is_plain(self.template)
        self._may_draw = may_draw(self.template)
        self._num_trials = num_trials
        self._failures: list[str] | None = []
        study.bind(self.template)
        self._course = study.join(algorithm, default_for=default_for)

    def ask(self) -> Claim | None:
        """The next trial to run; None if there is none now, see `ask_or_wait`.

        Raises:
            SearchError: as for `fail`, where processes died of their trials.
        """
        claim = self.study.ask(self._course, self._num_trials)
        while self.study.given_up:
            self._failed(self.study.given_up.pop())
        return claim

    def ask_or_wait(self) -> Claim | None:
        """The next trial to run; None when there are enough, or the algorithm has no more.

        While trials run in other processes it waits: one of those may die, and leave its
        trial to this one.
        """
        look_s = _FIRST_LOOK_S
        while True:
            claim = self.ask()
            if claim is not None or not self.study.runs_elsewhere():
                return claim
            time.sleep(look_s)
            look_s = min(2 * look_s, _LAST_LOOK_S)

    def program(self, trial: Trial) -> Any:
        """The concrete program of a trial, made anew each time."""
        return self.template.materialize(trial.dna)

    def child(self, trial: Trial) -> Any:
        """The live object of a trial, always a fresh one, built by the trial's seed."""
        return make_child(self.template, trial, plain=self._plain, may_draw=self._may_draw)

    def save(self, trial: Trial, child: Any, result: Result) -> None:
        """Writes the child of a trial that is about to end, if it is one of the best."""
        if self.study.files.wants(self.study.front, result):
            self.study.files.save(trial, child, self.program(trial))

    def settle(self, trial: Trial, outcome: Outcome) -> None:
        """Ends a trial as it ended where it was run.

        Raises:
            SearchError: as for `fail`.
        """
        if outcome.result is not None:
            self.complete(trial, outcome.result)
        elif outcome.pruned is not None:
            self.prune(trial, outcome.pruned)
        else:
            self.study.fail_with(trial, outcome.error or "", outcome.traceback)
            self._failed(trial)

    def complete(self, trial: Trial, result: Result) -> None:
        """Ends a trial with finite rewards."""
        self.study.complete(trial, result)
        self._failures = None

    def prune(self, trial: Trial, reason: str) -> None:
        """Ends a trial early, without a reward."""
        self.study.prune(trial, reason)
        self._failures = None

    def fail(self, trial: Trial, error: BaseException) -> None:
        """Ends a trial by its error, and says so in the log.

        Raises:
            SearchError: if it is the fifth of a run in which nothing else happened.
        """
        self.study.fail(trial, error)
        self._failed(trial)

    def _failed(self, trial: Trial) -> None:
        _logger.warning("trial %d failed: %s", trial.number, trial.error)
        if self._failures is None:
            return
        self._failures.append(f"trial {trial.number}: {trial.error}")
        if len(self._failures) >= MAX_FIRST_FAILURES:
            errors = "\n".join(self._failures)
            raise SearchError(
                f"each of the first {MAX_FIRST_FAILURES} trials failed, so the program or the "
                f"objective is likely at fault:\n{errors}\nThe last traceback:\n{trial.traceback}"
            )


def make_child(
    template: SpaceAndPrograms, trial: Trial, *, plain: bool = False, may_draw: bool = True
) -> Any:
    """The live object of a trial, always a fresh one, built by the trial's seed.

    Where a part is left open it is the program, for another loop to search.

    Args:
        template: of the program.
        trial: for its DNA.
        plain: whether there is nothing to build, which saves the time of seeding; see
            `is_plain`.
        may_draw: False saves it as well; see `keras_glove.search.programs.may_draw`.
    """
    if plain:
        return template.materialize(trial.dna)
    if not may_draw:
        return _built(template, trial)
    with seeded(trial.seed):
        return _built(template, trial)


def _built(template: SpaceAndPrograms, trial: Trial) -> Any:
    program = template.materialize(trial.dna)
    if getattr(template, "leaves_open", True) and is_open(program):
        return program
    return build(program)

"""Ask, build, tell: what `sample` and `search` share."""

from __future__ import annotations

import logging
from typing import Any

from keras_glove.algorithms import Algorithm, checks
from keras_glove.errors import SearchError, StopSearch
from keras_glove.search.programs import as_template
from keras_glove.search.results import Metric
from keras_glove.search.seeding import seeded
from keras_glove.search.study import Study
from keras_glove.search.trial import Trial
from keras_glove.symbolic import build

_logger = logging.getLogger("keras_glove")

#: A loop gives up when so many trials failed and no other has ended.
MAX_FIRST_FAILURES = 5


class Loop:
    """Connects a program, an algorithm and a study for one run.

    Keeps the two records in step: each trial that ends in the study is told to the
    algorithm, rewards turned so that more is better. An algorithm that comes to a study
    with trials that it has not seen is told of them first.

    Args:
        program: see `as_template`.
        algorithm: set up here, with a seed of the study unless it has its own.
        study: the trials are added to it.
        num_trials: how many trials the study has at the end, those it had before and
            those that failed included; None for as many as the algorithm proposes.

    Raises:
        SpaceError: if the program has no hyper-values, or another space than the study.
        SearchError: if `num_trials` is not an integer of at least 1.
    """

    def __init__(
        self, program: Any, algorithm: Algorithm, study: Study, num_trials: int | None
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
        self._num_trials = num_trials
        self._failures: list[str] | None = []
        study.bind(self.template)
        algorithm.setup(self.template.space, seed=study.algorithm_seed())
        for trial in study.join(algorithm):
            if trial.reward is not None:
                algorithm.observe(trial.dna, study.sign * trial.reward)

    def ask(self) -> Trial | None:
        """The next trial; None when there are enough, or the algorithm has no more."""
        if self._num_trials is not None and self.study.num_finished >= self._num_trials:
            return None
        try:
            dna = self.algorithm.propose()
        except StopSearch:
            return None
        return self.study.start(dna)

    def program(self, trial: Trial) -> Any:
        """The concrete program of a trial."""
        return self.template.materialize(trial.dna)

    def child(self, trial: Trial, program: Any) -> Any:
        """The live object of a concrete program, always a fresh one, built by the trial's seed."""
        with seeded(trial.seed):
            return build(program)

    def complete(self, trial: Trial, reward: float, metrics: dict[str, Metric]) -> None:
        """Ends a trial with a finite reward."""
        self.study.complete(trial, reward, metrics)
        self.algorithm.feedback(trial.dna, self.study.sign * reward)
        self._failures = None

    def prune(self, trial: Trial, reason: str) -> None:
        """Ends a trial early, without a reward."""
        self.study.prune(trial, reason)
        self.algorithm.fail(trial.dna)
        self._failures = None

    def fail(self, trial: Trial, error: BaseException) -> None:
        """Ends a trial by its error, and says so in the log.

        Raises:
            SearchError: if it is the fifth of a run in which nothing else happened.
        """
        self.study.fail(trial, error)
        self.algorithm.fail(trial.dna)
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

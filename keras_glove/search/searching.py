"""`search`: the search as one call."""

from __future__ import annotations

from typing import Any

from keras_glove.algorithms import Algorithm, RegularizedEvolution
from keras_glove.errors import SearchError
from keras_glove.search.evaluation import Evaluator, Objective
from keras_glove.search.executors import Executor, as_executor
from keras_glove.search.ledger import Directions
from keras_glove.search.loop import Loop
from keras_glove.search.progress import progress_display
from keras_glove.search.pruners import Pruner
from keras_glove.search.study import Study, new_or_given


def search(
    program: Any,
    objective: Objective,
    algorithm: Algorithm | None = None,
    num_trials: int | None = None,
    *,
    direction: Directions | None = None,
    progress: bool = True,
    study: Study | None = None,
    seed: int | None = None,
    pruner: Pruner | None = None,
    executor: str | Executor = "serial",
) -> Study:
    """Searches a program for the child with the best objective.

    A child that raises, in building or in the objective, or runs out of memory, and a
    reward that is not a finite number, make a failed trial: its error is recorded and
    logged, and the search goes on. Nothing of a child is kept once its trial ends.
    While a child is built, Python's and NumPy's generators are seeded with the seed of its
    trial, so its first weights depend on that alone.
    A study that was passed in keeps all trials, whatever ends the search (Ctrl-C, or its
    process if the study has a storage): called again the search goes on, with the trial
    that was running first. Other processes may search the same study meanwhile; the search
    ends when they have ended their trials too.

    Args:
        program: as for `sample`.
        objective: `objective(child)` gives the reward, a number, or a mapping of
            "reward" and metrics; with several directions, a mapping of all their names
            and metrics. If it has a parameter named `trial` it also gets the
            `Trial`: its seed, `trial.report(step, value)`, `trial.should_prune()`; it
            may raise `TrialPruned`. If it has a method `after_trial`, that is called
            with each trial that has ended, when its child is out of use.
        algorithm: proposes the children. None goes on with that of the study, or else
            takes `default_algorithm(num_trials)`.
        num_trials: the number of trials in the study at the end: those it had before
            and those that fail count, so that running a search again after a crash
            does what is left. None: until the algorithm ends, if it does.
        direction: "maximize" (the default) or "minimize", or a mapping of names to these
            for several rewards.
        progress: shows a bar with the best so far and the time left on a terminal, and
            elsewhere a line from time to time, both on standard error.
        study: to go on with; None begins a new one.
        seed: of the new study; fixes all proposals and the seeds of all trials.
        pruner: of the new study.
        executor: "serial" runs one trial after the other in this process, "processes" as
            many at once as there are cores, each in its own process. Or an `Executor`, such
            as `executors.Processes(4)` or `executors.Ray()`.

    Returns:
        The study.

    Raises:
        SpaceError: if the program has no hyper-values, or another space than the study.
        SearchError: if an argument does not fit, or each of the first 5 trials failed.

    >>> from keras_glove.hyper import floatv
    >>> from keras_glove.search import search
    >>> study = search(
    ...     {"x": floatv(-1.0, 1.0)}, lambda child: child["x"] ** 2, num_trials=50,
    ...     direction="minimize", progress=False, seed=0,
    ... )
    >>> study.best_value < 0.01
    True
    """
    record = new_or_given(study, seed, direction, pruner)
    Evaluator(objective, record.names)  # checks it, before anything is done.
    runner = as_executor(executor)
    chosen, default_for = _algorithm(algorithm, record, num_trials)
    loop = Loop(program, chosen, record, num_trials, default_for=default_for)
    with progress_display(record, num_trials, show=progress) as display:
        runner.run(loop, objective, display.update)
    return record


def _algorithm(
    given: Algorithm | None, study: Study, num_trials: int | None
) -> tuple[Algorithm, int | None]:
    """The algorithm of a search, and the number of trials it was fitted to, if by default."""
    if given is not None:
        return given, None
    if study.algorithm is not None:
        return study.algorithm, None
    if not study.courses:
        return default_algorithm(num_trials), num_trials
    last = study.courses[-1]
    if last["default_for"] is None:
        raise SearchError(
            f"expected the algorithm of the study, {last['algorithm']}, or another one, received "
            "None: algorithms are not kept, only what they did."
        )
    return default_algorithm(last["default_for"]), last["default_for"]


def default_algorithm(num_trials: int | None) -> Algorithm:
    """Regularized evolution, its population fitted to the length of the search.

    A fifth of the trials, from 5 to 100, are random and make the first population; a
    tournament is a quarter of a population, as in Real et al. 2019 (arXiv:1802.01548).

    Raises:
        SearchError: if there is no number to fit to.
    """
    if num_trials is None:
        raise SearchError(
            "expected num_trials, received None with no algorithm; give the number of trials, or "
            "an algorithm that ends by itself, such as `Sweep()`."
        )
    population = min(max(num_trials // 5, 5), 100)
    return RegularizedEvolution(population, tournament_size=max(population // 4, 2))

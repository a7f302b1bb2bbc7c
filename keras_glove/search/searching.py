"""`search`: the search as one call."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from keras_glove.algorithms import Algorithm, RegularizedEvolution
from keras_glove.errors import SearchError, TrialPruned
from keras_glove.search.loop import Loop
from keras_glove.search.progress import progress_display
from keras_glove.search.pruners import Pruner
from keras_glove.search.results import Metric, parse_result
from keras_glove.search.study import Direction, Study, new_or_given
from keras_glove.search.trial import Trial

Objective = Callable[..., Any]


def search(
    program: Any,
    objective: Objective,
    algorithm: Algorithm | None = None,
    num_trials: int | None = None,
    *,
    direction: Direction | None = None,
    progress: bool = True,
    study: Study | None = None,
    seed: int | None = None,
    pruner: Pruner | None = None,
) -> Study:
    """Searches a program for the child with the best objective.

    A child that raises, in building or in the objective, or runs out of memory, and a
    reward that is not a finite number, make a failed trial: its error is recorded and
    logged, and the search goes on. Nothing of a child is kept once its trial ends.
    While a child is built, Python's and NumPy's generators are seeded with the seed of its
    trial, so its first weights depend on that alone.
    An interrupt (Ctrl-C) is recorded in the running trial and raised again; a study
    that was passed in keeps all trials and can be gone on with.

    Args:
        program: as for `sample`.
        objective: `objective(child)` gives the reward, a number, or a mapping of
            "reward" and metrics. If it has a parameter named `trial` it also gets the
            `Trial`: its seed, `trial.report(step, value)`, `trial.should_prune()`; it
            may raise `TrialPruned`. If it has a method `after_trial`, that is called
            with each trial that has ended, when its child is out of use.
        algorithm: proposes the children. None goes on with that of the study, or else
            takes `default_algorithm(num_trials)`.
        num_trials: the number of trials in the study at the end: those it had before
            and those that fail count, so that running a search again after a crash
            does what is left. None: until the algorithm ends, if it does.
        direction: "maximize" (the default) or "minimize".
        progress: shows a bar with the best so far and the time left on a terminal, and
            elsewhere a line from time to time, both on standard error.
        study: to go on with; None begins a new one.
        seed: of the new study; fixes all proposals and the seeds of all trials.
        pruner: of the new study.

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
    if not callable(objective):
        raise SearchError(f"expected the objective to be callable, received {objective!r}.")
    record = new_or_given(study, seed, direction, pruner)
    chosen = algorithm or record.algorithm or default_algorithm(num_trials)
    loop = Loop(program, chosen, record, num_trials)
    wants_trial = _wants_trial(objective)
    after_trial = getattr(objective, "after_trial", None)
    with progress_display(record, num_trials, show=progress) as display:
        while (trial := loop.ask()) is not None:
            _run(loop, trial, objective, wants_trial)
            if after_trial is not None:
                after_trial(trial)
            display.update()
    return record


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


def _run(loop: Loop, trial: Trial, objective: Objective, wants_trial: bool) -> None:
    try:
        reward, metrics = _evaluate(loop, trial, objective, wants_trial)
    except TrialPruned as pruned:
        loop.prune(trial, str(pruned) or "pruned by the objective")
    except Exception as error:
        loop.fail(trial, error)
    except BaseException as interrupt:
        loop.fail(trial, interrupt)
        raise
    else:
        loop.complete(trial, reward, metrics)


def _evaluate(
    loop: Loop, trial: Trial, objective: Objective, wants_trial: bool
) -> tuple[float, dict[str, Metric]]:
    # The only frame that holds the child, and it ends before the trial does.
    child = loop.child(trial, loop.program(trial))
    result = objective(child, trial=trial) if wants_trial else objective(child)
    return parse_result(result)


def _wants_trial(objective: Objective) -> bool:
    try:
        return "trial" in inspect.signature(objective).parameters
    except (TypeError, ValueError):  # a builtin without a signature.
        return False

"""Running one trial: the child is built, judged, and gone."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from keras_glove.errors import SearchError, TrialPruned
from keras_glove.search.failures import describe_error
from keras_glove.search.results import Result, parse_result
from keras_glove.search.trial import Trial

Objective = Callable[..., Any]


class Outcome(NamedTuple):
    """How a trial ended: exactly one of the first three is not None.

    Attributes:
        result: what the objective returned.
        pruned: why it was ended early.
        error: what was raised, as text.
        traceback: where.
    """

    result: Result | None = None
    pruned: str | None = None
    error: str | None = None
    traceback: str | None = None


class Evaluator:
    """Evaluates trials by an objective; see `search` for what that may be.

    Args:
        objective: called with each child, and with the trial if it has a parameter `trial`.
        names: of the rewards.

    Raises:
        SearchError: if the objective is not callable.
    """

    def __init__(self, objective: Objective, names: Sequence[str]) -> None:
        if not callable(objective):
            raise SearchError(f"expected the objective to be callable, received {objective!r}.")
        self._objective = objective
        self._names = names
        self._wants_trial = _wants_trial(objective)
        self._after_trial = getattr(objective, "after_trial", None)

    def evaluate(
        self,
        trial: Trial,
        make: Callable[[Trial], Any],
        save: Callable[[Trial, Any, Result], None],
    ) -> Outcome:
        """Evaluates a trial; whatever is raised is its outcome, but for interrupts.

        Args:
            trial: a running one.
            make: makes its child.
            save: called with the child and its result.
        """
        try:
            return Outcome(self._judge(trial, make, save))
        except TrialPruned as pruned:
            return Outcome(pruned=str(pruned) or "pruned by the objective")
        except Exception as error:
            text, lines = describe_error(error)
            return Outcome(error=text, traceback=lines)

    def after(self, trial: Trial) -> None:
        """Tells the objective that a trial has ended and its child is out of use."""
        if self._after_trial is not None:
            self._after_trial(trial)

    def _judge(
        self,
        trial: Trial,
        make: Callable[[Trial], Any],
        save: Callable[[Trial, Any, Result], None],
    ) -> Result:
        # The only frame that holds the child, and it ends before the trial does.
        child = make(trial)
        judged = (
            self._objective(child, trial=trial) if self._wants_trial else self._objective(child)
        )
        result = parse_result(judged, self._names)
        save(trial, child, result)
        return result


def _wants_trial(objective: Objective) -> bool:
    try:
        return "trial" in inspect.signature(objective).parameters
    except (TypeError, ValueError):  # a builtin without a signature.
        return False

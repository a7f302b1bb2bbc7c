"""`sample`: the search as a loop in the user's hands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from keras_glove.algorithms import Algorithm
from keras_glove.errors import FeedbackError, RewardError
from keras_glove.hyper import DNA
from keras_glove.search.claims import Claim
from keras_glove.search.loop import Loop
from keras_glove.search.results import parse_result
from keras_glove.search.study import Study, new_or_given
from keras_glove.search.trial import Trial
from keras_glove.search.where import Where, part_of


class Feedback:
    """Takes the reward of one child; call it once, before the next child is asked for.

    Attributes:
        trial: the record of this child.
    """

    __slots__ = ("_claim", "_loop", "trial")

    def __init__(self, loop: Loop, claim: Claim) -> None:
        self._loop = loop
        self._claim = claim  # which keeps others from running the trial again.
        self.trial = claim.trial

    @property
    def program(self) -> Any:
        """The concrete program of this child, made anew each time."""
        return self._loop.program(self.trial)

    @property
    def dna(self) -> DNA:
        """The decisions of this child."""
        return self.trial.dna

    def __call__(self, result: Any) -> None:
        """Ends the trial with a reward.

        Args:
            result: the reward in the direction of the study, or a mapping of "reward"
                and any metrics to keep beside it. In a study of several rewards a mapping
                of their names, and any metrics. Numbers under the key "constraints" that
                are above 0 say that the child broke a constraint.

        Raises:
            RewardError: if the reward is not a finite number; the trial is recorded as
                failed.
            FeedbackError: if the trial already ended.
        """
        self._check()
        try:
            parsed = parse_result(result, self._loop.study.names)
        except RewardError as error:
            self._loop.fail(self.trial, error)
            raise
        self._loop.complete(self.trial, parsed)

    def skip(self, reason: str = "skipped") -> None:
        """Ends the trial without a reward, as pruned; the algorithm learns nothing from it.

        Raises:
            FeedbackError: if the trial already ended.
        """
        self._check()
        self._loop.prune(self.trial, reason)

    def _check(self) -> None:
        if self.trial.state != "running":
            raise FeedbackError(
                f"feedback for trial {self.trial.number} was given before (it is "
                f"{self.trial.state}); give it once for each child."
            )

    def __repr__(self) -> str:
        return f"Feedback({self.trial!r})"


class Samples(Iterator[tuple[Any, Feedback]]):
    """The children of a search, one after the other; what `sample` returns.

    Attributes:
        study: the record of the search, which grows as feedback is given.
    """

    def __init__(self, loop: Loop) -> None:
        self.study = loop.study
        self._loop = loop
        self._last: Trial | None = None

    def __next__(self) -> tuple[Any, Feedback]:
        if self._last is not None and self._last.state == "running":
            raise FeedbackError(
                f"expected feedback for trial {self._last.number} ({self._last.decisions}) before "
                "the next child; call `feedback(reward)` or `feedback.skip(reason)`."
            )
        while (claim := self._loop.ask_or_wait()) is not None:
            try:
                child = self._loop.child(claim.trial)
            except Exception as error:
                self._loop.fail(claim.trial, error)
                continue
            self._last = claim.trial
            return child, Feedback(self._loop, claim)
        raise StopIteration


def sample(
    program: Any,
    algorithm: Algorithm,
    num_examples: int | None = None,
    *,
    where: Where | None = None,
    study: Study | None = None,
    seed: int | None = None,
) -> Samples:
    """Draws children of a program for a loop that rewards them.

    Each child is built anew, so no two share state. One that cannot be built is recorded
    as a failed trial (and logged), and the next is drawn.

    Args:
        program: a program or container with hyper-values, a `Template`, a `trace`, or a
            function of no arguments that calls `oneof` and the like, traced here.
        algorithm: proposes the DNA.
        num_examples: the number of trials in the study at the end; those that it had
            before and those that fail count. None: until the algorithm ends, if it does.
        where: which hyper-values are decided: a pattern for their names ("hardware.*", where
            the star stands for anything), a kind of them (`FloatV`), a function of a
            hyper-value (`flows.hinted("op")`), or a list of these, one of which has to hold.
            Where hyper-values are left, the child is the program that holds them, to be
            searched by a loop inside this one. None decides all.
        study: to go on with, or to set a name or direction; None begins a new one,
            which maximises.
        seed: of the new study; see `Study`.

    Returns:
        An iterator of (child, feedback), with the study as its attribute `study`.

    Raises:
        SpaceError: if the program has no hyper-values, or none that fits `where`, or another
            space than the study.
        SearchError: if `num_examples` is below 1, if both `study` and `seed` are given,
            or, while iterating, if the first 5 children cannot be built.
        FeedbackError: while iterating, if the last child got no feedback.

    >>> from keras_glove.algorithms import Sweep
    >>> from keras_glove.hyper import oneof
    >>> from keras_glove.search import sample
    >>> samples = sample({"width": oneof([1, 2, 3])}, Sweep())
    >>> for child, feedback in samples:
    ...     feedback(-abs(child["width"] - 2))
    >>> samples.study.best_program
    {'width': 2}

    Architectures within hardware:

    >>> space = {"tile": oneof([8, 16], name="tile"), "width": oneof([8, 24], name="width")}
    >>> for half_open, outer in sample(space, Sweep(), where="tile"):
    ...     inner = sample(half_open, Sweep())
    ...     for child, feedback in inner:
    ...         feedback(-(child["width"] % child["tile"]))
    ...     outer(inner.study.best_value)
    ...     print(outer.trial.decisions, inner.study.best_program)
    {'tile': 8} {'tile': 8, 'width': 8}
    {'tile': 16} {'tile': 16, 'width': 8}
    """
    part = program if where is None else part_of(program, where)
    return Samples(Loop(part, algorithm, new_or_given(study, seed), num_examples))

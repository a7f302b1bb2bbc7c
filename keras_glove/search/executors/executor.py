"""What an executor is, the one that needs no other process, and how several are driven."""

from __future__ import annotations

import abc
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from keras_glove.errors import SearchError
from keras_glove.search.claims import Claim
from keras_glove.search.evaluation import Evaluator, Objective, Outcome
from keras_glove.search.loop import Loop
from keras_glove.search.trial import Trial

#: Seconds for which a driver waits before it looks at other processes again.
_LOOK_S = 0.5


class Executor(abc.ABC):
    """Runs the trials of a search.

    One that runs a trial at a time gives the same study as any other, for the same seed.
    """

    @abc.abstractmethod
    def run(self, loop: Loop, objective: Objective, after_each: Callable[[], object]) -> None:
        """Runs trials until there are no more.

        Args:
            loop: gives them, and hears how they end.
            objective: judges their children.
            after_each: called when a trial has ended.
        """


class Serial(Executor):
    """Runs one trial after the other, in this process.

    >>> from keras_glove.search.executors import Serial
    >>> Serial()
    Serial()
    """

    def run(self, loop: Loop, objective: Objective, after_each: Callable[[], object]) -> None:
        evaluator = Evaluator(objective, loop.study.names)
        while (claim := loop.ask_or_wait()) is not None:
            trial = claim.trial
            try:
                outcome = evaluator.evaluate(trial, loop.child, loop.save)
            except BaseException:  # an interrupt.
                loop.study.release(trial)
                raise
            loop.settle(trial, outcome)
            evaluator.after(trial)
            after_each()

    def __repr__(self) -> str:
        return "Serial()"


class Event(NamedTuple):
    """What a worker tells, or asks.

    Attributes:
        number: of the trial.
        kind: "report" of a step and a value; "prune" and "wants" ask, the second with a
            result; "done" with an outcome; "lost" if the worker died.
        content: what comes with it.
        answer: takes the answer to what was asked.
    """

    number: int
    kind: str
    content: Any = None
    answer: Callable[[bool], object] | None = None


class Pool(abc.ABC):
    """Workers, each of which runs one trial at a time."""

    @abc.abstractmethod
    def has_room(self) -> bool:
        """Whether a worker has nothing to do; not while all of them have yet to start."""

    @abc.abstractmethod
    def submit(self, trial: Trial) -> None:
        """Gives a trial to such a worker."""

    @abc.abstractmethod
    def wait(self, timeout_s: float) -> Iterable[Event]:
        """What the workers told, once there is something or the time is over."""

    @abc.abstractmethod
    def close(self) -> None:
        """Ends the workers, whatever they do."""


def drive(loop: Loop, pool: Pool, after_each: Callable[[], object]) -> None:
    """Keeps the workers of a pool busy until there are no more trials, and closes it."""
    running: dict[int, Claim] = {}
    try:
        while True:
            while pool.has_room() and (claim := loop.ask()) is not None:
                running[claim.trial.number] = claim
                pool.submit(claim.trial)
            if not running and pool.has_room():  # there is nothing left to give out.
                if not loop.study.runs_elsewhere():
                    return
                time.sleep(_LOOK_S)
                continue
            for event in pool.wait(_LOOK_S):
                if _handle(loop, running, event):
                    after_each()
    finally:
        pool.close()
        for claim in running.values():
            if claim.trial.state == "running":
                loop.study.release(claim.trial)


def _handle(loop: Loop, running: dict[int, Claim], event: Event) -> bool:
    """Deals with an event, and returns whether a trial ended."""
    trial = running[event.number].trial
    if event.kind == "report":
        trial.report(*event.content)
    elif event.kind == "prune":
        _answer(event, trial.should_prune())
    elif event.kind == "wants":
        _answer(event, loop.study.files.wants(loop.study.front, event.content))
    elif event.kind == "lost":
        del running[event.number]
        loop.study.died(trial)  # `ask` gives it to another worker, or lets it fail.
    else:
        outcome: Outcome = event.content
        del running[event.number]
        loop.settle(trial, outcome)
        return True
    return False


def _answer(event: Event, answer: bool) -> None:
    assert event.answer is not None
    event.answer(answer)


def as_executor(executor: Any) -> Executor:
    """The executor of a name, "serial" or "processes"; or the executor given.

    Raises:
        SearchError: if it is neither.
    """
    from keras_glove.search.executors.processes import Processes

    named: dict[Any, Callable[[], Executor]] = {"serial": Serial, "processes": Processes}
    if isinstance(executor, Executor):
        return executor
    if not isinstance(executor, str) or executor not in named:
        raise SearchError(
            f"expected executor to be one of {list(named)}, or an Executor such as "
            f"`executors.Processes(4)`, received {executor!r}."
        )
    return named[executor]()

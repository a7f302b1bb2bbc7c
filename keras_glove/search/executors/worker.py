"""What runs in a worker, be it a process or an actor of Ray."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from keras_glove.hyper import DNA
from keras_glove.search.evaluation import Evaluator, Objective, Outcome
from keras_glove.search.files import Files
from keras_glove.search.ledger import Ledger
from keras_glove.search.loop import Loop, make_child
from keras_glove.search.pruners import Pruner
from keras_glove.search.results import Result
from keras_glove.search.store import InMemoryStore
from keras_glove.search.trial import Trial

if TYPE_CHECKING:
    from keras_glove.search.study import Study

#: What libraries read the number of their threads from, when they are imported.
_THREADS = (
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
)


class Channel(Protocol):
    """How a worker speaks with the driver."""

    def tell(self, number: int, kind: str, content: Any) -> None:
        """Tells an event."""

    def ask(self, number: int, kind: str, content: Any) -> bool:
        """Asks, and waits for the answer."""


class Setup(NamedTuple):
    """What a worker needs for all trials.

    Attributes:
        template: of the program.
        objective: judges the children.
        facts: of the study, but for its space, which the template has.
        prunes: whether the study has a pruner.
        files: the folder for files, if the study keeps any.
    """

    template: Any
    objective: Objective
    facts: dict[str, Any]
    prunes: bool
    files: Path | None

    @classmethod
    def of(cls, loop: Loop, objective: Objective) -> Setup:
        """For the trials of a loop."""
        Evaluator(objective, loop.study.names)  # checks it, here.
        study = loop.study
        prunes = study.pruner is not None
        return cls(loop.template, objective, study.facts(), prunes, study.files.root)


class Job(NamedTuple):
    """One trial for a worker."""

    number: int
    dna: tuple[Any, ...]
    attempt: int

    @classmethod
    def of(cls, trial: Trial) -> Job:
        """For a running trial."""
        return cls(trial.number, trial.dna.values, trial.attempt)


class Worker:
    """Runs trials that it is given, one at a time.

    Objectives get a `Trial` whose reports go to the driver, which alone writes into the
    study, and whose pruner asks there.

    Args:
        setup: for all trials.
        channel: to the driver.
    """

    def __init__(self, setup: Setup, channel: Channel) -> None:
        self._channel = channel
        pruner = _RemotePruner(channel) if setup.prunes else None
        self._ledger = Ledger(_RemoteStore(channel), None, None, None, Files(setup.files, None))
        self._ledger.restore(setup.facts)
        self._ledger.pruner = pruner
        self._ledger.bind(setup.template)
        self._template = setup.template
        self._evaluator = Evaluator(setup.objective, self._ledger.names)

    def run(self, job: Job) -> Outcome:
        """Runs one trial."""
        trial = Trial(self._ledger, job.number, DNA(job.dna))
        trial.attempt = job.attempt
        outcome = self._evaluator.evaluate(trial, self._make, self._save)
        trial.end_as(outcome)
        self._evaluator.after(trial)
        return outcome

    def _make(self, trial: Trial) -> Any:
        return make_child(self._template, trial)

    def _save(self, trial: Trial, child: Any, result: Result) -> None:
        root = self._ledger.files.root
        if root is not None and self._channel.ask(trial.number, "wants", result):
            self._ledger.files.save(trial, child, self._template.materialize(trial.dna))


class _RemoteStore(InMemoryStore):
    def __init__(self, channel: Channel) -> None:
        super().__init__()
        self._channel = channel

    def report(self, trial: Trial, step: int, value: float) -> None:
        self._channel.tell(trial.number, "report", (step, value))


class _RemotePruner(Pruner):
    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def should_prune(self, study: Study, trial: Trial) -> bool:
        return self._channel.ask(trial.number, "prune", None)


def thread_settings(threads: int) -> dict[str, str]:
    """Environment variables that keep a worker to so many threads."""
    return dict.fromkeys(_THREADS, str(threads))


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

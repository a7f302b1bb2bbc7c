"""Workers on a Ray cluster."""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from keras_glove.algorithms import checks
from keras_glove.errors import SearchError
from keras_glove.search.evaluation import Objective, Outcome
from keras_glove.search.executors.executor import Event, Executor, Pool, drive
from keras_glove.search.executors.worker import Job, Setup, Worker, thread_settings
from keras_glove.search.loop import Loop
from keras_glove.search.trial import Trial

#: Seconds between two looks at what workers ask.
_LOOK_S = 0.02


class Ray(Executor):
    """Runs trials on a Ray cluster, `pip install keras_glove[ray]`.

    Each worker is an actor with a TensorFlow of its own. This process alone proposes and
    writes into the study; if it dies and is started again it goes on, as any study does. A
    worker that dies, or whose node does, is replaced by Ray on what nodes there are, and its
    trial is run again, three times at most. Files of trials are written by the workers: for
    a cluster give the study a folder that all nodes share.

    Args:
        address: of the cluster, such as "auto" or "ray://head:10001"; None takes the one
            that is connected, or else starts one on this machine.
        n: how many workers; None for as many as the cluster has CPUs for.
        resources: that each worker takes, as `ray.remote` names them: "num_cpus" (1 unless
            given), "num_gpus", "memory", "resources".

    Raises:
        AlgorithmError: if `n` is below 1.

    >>> from keras_glove.search.executors import Ray
    >>> Ray(n=2, resources={"num_gpus": 0.5})
    Ray(address=None, n=2, resources={'num_gpus': 0.5})
    """

    def __init__(
        self,
        address: str | None = None,
        n: int | None = None,
        *,
        resources: Mapping[str, Any] | None = None,
    ) -> None:
        if n is not None:
            checks.integer("n", n, low=1)
        self._address = address
        self._n = n
        self._resources = dict(resources or {})

    def run(self, loop: Loop, objective: Objective, after_each: Callable[[], object]) -> None:
        """Runs trials until there are no more.

        Raises:
            SearchError: if Ray is not installed, or the cluster cannot be reached.
        """
        ray = _import_ray()
        if not ray.is_initialized():
            try:
                ray.init(address=self._address, log_to_driver=False, include_dashboard=False)
            except (ConnectionError, RuntimeError, ValueError) as error:
                raise SearchError(f"the Ray cluster cannot be reached: {error}") from error
        options = {"num_cpus": 1, **self._resources}
        count = self._n or self._fitting(ray, options["num_cpus"])
        drive(loop, _Actors(ray, Setup.of(loop, objective), count, options), after_each)

    def _fitting(self, ray: Any, cpus: float) -> int:
        return max(1, int(ray.cluster_resources().get("CPU", 1) // max(cpus, 1)))

    def __repr__(self) -> str:
        return f"Ray(address={self._address!r}, n={self._n}, resources={self._resources!r})"


def _import_ray() -> Any:
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise SearchError(
            "expected Ray to be installed for executor Ray(); install it with "
            "`pip install keras_glove[ray]`, or use executor='processes'."
        ) from error


class _Actors(Pool):
    def __init__(self, ray: Any, setup: Setup, count: int, options: Mapping[str, Any]) -> None:
        self._ray = ray
        self._setup = ray.put(setup)
        threads = max(1, int(options["num_cpus"]))
        self._make = ray.remote(_Actor).options(
            **options, runtime_env={"env_vars": thread_settings(threads)}
        )
        self._mailbox = ray.remote(_Mailbox).options(num_cpus=0).remote()
        self._idle = [self._new() for _ in range(count)]
        self._busy: dict[Any, tuple[int, Any]] = {}  # what will be there: trial and actor.

    def _new(self) -> Any:
        return self._make.remote(self._setup, self._mailbox)

    def has_room(self) -> bool:
        return bool(self._idle)

    def submit(self, trial: Trial) -> None:
        actor = self._idle.pop()
        self._busy[actor.run.remote(Job.of(trial))] = (trial.number, actor)

    def wait(self, timeout_s: float) -> Iterator[Event]:
        end = time.monotonic() + timeout_s
        while True:
            done, _ = self._ray.wait(list(self._busy), timeout=_LOOK_S)
            events = list(self._questions())  # before the end of the trial they belong to.
            events += [event for future in done for event in self._ended(future)]
            if events or time.monotonic() >= end:
                yield from events
                return

    def _questions(self) -> Iterator[Event]:
        running = {number for number, _ in self._busy.values()}
        for number, kind, content in self._ray.get(self._mailbox.take.remote()):
            if number in running:  # a worker may have died after it asked.
                yield Event(number, kind, content, partial(self._mailbox.answer.remote, number))

    def _ended(self, future: Any) -> Iterator[Event]:
        number, actor = self._busy.pop(future)
        try:
            outcome = self._ray.get(future)
        except self._ray.exceptions.RayActorError:
            self._idle.append(self._new())
            yield Event(number, "lost")
            return
        self._idle.append(actor)
        yield Event(number, "done", outcome)

    def close(self) -> None:
        for actor in [*self._idle, *(actor for _, actor in self._busy.values()), self._mailbox]:
            self._ray.kill(actor)


class _Actor:
    """A worker, as an actor."""

    def __init__(self, setup: Setup, mailbox: Any) -> None:
        self._worker = Worker(setup, _Post(mailbox))

    def run(self, job: Job) -> Outcome:
        return self._worker.run(job)


class _Post:
    """The channel of a worker on Ray."""

    def __init__(self, mailbox: Any) -> None:
        self._mailbox = mailbox
        self._get = importlib.import_module("ray").get

    def tell(self, number: int, kind: str, content: Any) -> None:
        self._get(self._mailbox.tell.remote(number, kind, content))

    def ask(self, number: int, kind: str, content: Any) -> bool:
        return bool(self._get(self._mailbox.ask.remote(number, kind, content)))


class _Mailbox:
    """Where workers leave what they tell and ask; the driver looks into it."""

    def __init__(self) -> None:
        self._messages: list[tuple[int, str, Any]] = []
        self._answers: dict[int, asyncio.Future[bool]] = {}

    async def tell(self, number: int, kind: str, content: Any) -> None:
        self._messages.append((number, kind, content))

    async def ask(self, number: int, kind: str, content: Any) -> bool:
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        self._messages.append((number, kind, content))
        return await answer

    async def answer(self, number: int, value: bool) -> None:
        self._answers.pop(number).set_result(value)

    async def take(self) -> list[tuple[int, str, Any]]:
        taken, self._messages = self._messages, []
        return taken

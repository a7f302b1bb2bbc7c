"""Workers on a Ray cluster."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from keras_glove.algorithms import checks
from keras_glove.errors import SearchError
from keras_glove.search.evaluation import Objective, Outcome
from keras_glove.search.executors.executor import Event, Executor, Pool, drive
from keras_glove.search.executors.worker import Job, Setup, Worker, cores, thread_settings
from keras_glove.search.loop import Loop
from keras_glove.search.trial import Trial

#: Seconds between two looks at what workers ask.
_LOOK_S = 0.02
#: So many workers in a row may die before one is ready.
MAX_FAILED_STARTS = 3


class Ray(Executor):
    """Runs trials on a Ray cluster, `pip install keras_glove[ray]`.

    Each worker is an actor with a TensorFlow of its own. This process alone proposes and
    writes into the study; if it dies and is started again it goes on, as any study does. A
    worker that dies, or whose node does, is replaced by Ray on what nodes there are, and its
    trial is run again, three times at most. Files of trials are written by the workers: for
    a cluster give the study a folder that all nodes share.

    A cluster that this started, or connected to, is left at the end of the search; one that
    was connected before stays so.

    Args:
        address: of the cluster, such as "auto" or "ray://head:10001"; None takes the one
            that is connected, or that RAY_ADDRESS names, or else starts one on this machine.
        n: how many workers; None for as many as the cluster has CPUs for. Those for which
            there is no room wait until there is.
        resources: that each worker takes, as `ray.remote` names them: "num_cpus" (1 unless
            given), "num_gpus", "memory", "resources".
        patience_s: the search is given up when for so many seconds no worker is ready.

    Raises:
        AlgorithmError: if `n` is below 1, or `patience_s` not above 0.

    >>> from keras_glove.search.executors import Ray
    >>> Ray(n=2, resources={"num_gpus": 0.5})
    Ray(address=None, n=2, resources={'num_gpus': 0.5}, patience_s=300.0)
    """

    def __init__(
        self,
        address: str | None = None,
        n: int | None = None,
        *,
        resources: Mapping[str, Any] | None = None,
        patience_s: float = 300.0,
    ) -> None:
        if n is not None:
            checks.integer("n", n, low=1)
        checks.positive("patience_s", patience_s)
        self._address = address
        self._n = n
        self._resources = dict(resources or {})
        self._patience_s = float(patience_s)

    def run(self, loop: Loop, objective: Objective, after_each: Callable[[], object]) -> None:
        """Runs trials until there are no more.

        Raises:
            SearchError: if Ray is not installed, the cluster cannot be reached, or its
                workers do not start.
        """
        ray = _import_ray()
        options = {"num_cpus": 1, **self._resources}
        with _connected(ray, self._address):
            count = self._n or _fitting(ray, options["num_cpus"])
            setup = Setup.of(loop, objective)
            drive(loop, _Actors(ray, setup, count, options, self._patience_s), after_each)

    def __repr__(self) -> str:
        return (
            f"Ray(address={self._address!r}, n={self._n}, resources={self._resources!r}, "
            f"patience_s={self._patience_s})"
        )


def _import_ray() -> Any:
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise SearchError(
            "expected Ray to be installed for executor Ray(); install it with "
            "`pip install keras_glove[ray]`, or use executor='processes'."
        ) from error


@contextlib.contextmanager
def _connected(ray: Any, address: str | None) -> Iterator[None]:
    """Is connected to a cluster; leaves it if it was not connected before."""
    if ray.is_initialized():
        yield
        return
    where = address or os.environ.get("RAY_ADDRESS") or "local"
    # Of a cluster that exists, the CPUs are not for us to say.
    cpus = {"num_cpus": cores()} if where == "local" else {}
    try:
        try:
            ray.init(address=where, log_to_driver=False, include_dashboard=False, **cpus)
        except Exception as error:  # Ray itself raises no narrower class.
            raise SearchError(_why_not(where, error)) from error
        yield
    finally:
        ray.shutdown()


def _why_not(where: str, error: Exception) -> str:
    what = f"{type(error).__name__}: {error}"
    if where != "local":
        return f"the Ray cluster at {where!r} cannot be reached: {what}"
    return (
        f"Ray could not be started on this machine: {what}. It says more in "
        "/tmp/ray/session_latest/logs; a busy machine may need a second try, and "
        "executor='processes' needs no Ray."
    )


def _fitting(ray: Any, cpus: float) -> int:
    return max(1, int(ray.cluster_resources().get("CPU", 1) // max(cpus, 1)))


class _Actors(Pool):
    """Actors, each of which gets trials once it is ready."""

    def __init__(
        self, ray: Any, setup: Setup, count: int, options: Mapping[str, Any], patience_s: float
    ) -> None:
        self._ray = ray
        self._setup = ray.put(setup)
        self._options = dict(options)
        self._patience_s = patience_s
        threads = max(1, int(options["num_cpus"]))
        self._make = ray.remote(_Actor).options(
            **options, runtime_env={"env_vars": thread_settings(threads)}
        )
        self._mailbox = ray.remote(_Mailbox).options(num_cpus=0).remote()
        self._starting: dict[Any, Any] = {}  # what will be there when an actor is ready: it.
        self._idle: list[Any] = []
        self._busy: dict[Any, tuple[int, Any]] = {}  # what will be there: trial and actor.
        self._failed_starts = 0
        self._ready_at = time.monotonic()  # when an actor was ready, last.
        for _ in range(count):
            self._start()

    def _start(self) -> None:
        actor = self._make.remote(self._setup, self._mailbox)
        self._starting[actor.is_ready.remote()] = actor

    def has_room(self) -> bool:
        return bool(self._idle)

    def submit(self, trial: Trial) -> None:
        actor = self._idle.pop()
        self._busy[actor.run.remote(Job.of(trial))] = (trial.number, actor)

    def wait(self, timeout_s: float) -> Iterator[Event]:
        end = time.monotonic() + timeout_s
        while True:
            done, _ = self._ray.wait([*self._busy, *self._starting], timeout=_LOOK_S)
            events = list(self._questions())  # before the end of the trial they belong to.
            for future in done:
                if future in self._starting:
                    self._started(future)
                else:
                    events.append(self._ended(future))
            if done or events or time.monotonic() >= end:
                self._check()
                yield from events
                return

    def _questions(self) -> Iterator[Event]:
        running = {number for number, _ in self._busy.values()}
        if not running:
            return
        for number, kind, content in self._get(self._mailbox.take.remote()):
            if number in running:  # a worker may have died after it asked.
                yield Event(number, kind, content, partial(self._mailbox.answer.remote, number))

    def _get(self, future: Any) -> Any:
        """What the mailbox gives."""
        try:
            return self._ray.get(future, timeout=self._patience_s)
        except self._ray.exceptions.RayError as error:
            raise SearchError(
                f"the Ray cluster was lost: {error}. Start the search again to go on with it."
            ) from error

    def _started(self, future: Any) -> None:
        actor = self._starting.pop(future)
        try:
            self._ray.get(future)
        except self._ray.exceptions.RayError as error:
            self._failed_starts += 1
            in_our_code = getattr(error, "actor_init_failed", False)  # it would fail again.
            if in_our_code or self._failed_starts >= MAX_FAILED_STARTS:
                raise SearchError(f"a worker could not be started by Ray: {error}") from error
            self._start()
            return
        self._failed_starts = 0
        self._ready_at = time.monotonic()
        self._idle.append(actor)

    def _ended(self, future: Any) -> Event:
        number, actor = self._busy.pop(future)
        self._ready_at = time.monotonic()
        try:
            outcome = self._ray.get(future)
        except self._ray.exceptions.RayTaskError:  # no worker died: it is an error of ours.
            raise
        except self._ray.exceptions.RayError:
            self._kill(actor)
            self._start()
            return Event(number, "lost")
        self._idle.append(actor)
        return Event(number, "done", outcome)

    def _check(self) -> None:
        """Gives up if there has been no worker for too long."""
        silent_s = time.monotonic() - self._ready_at
        if self._idle or self._busy or silent_s < self._patience_s:
            return
        raise SearchError(
            f"expected Ray to start a worker within {math.ceil(self._patience_s)} seconds, which "
            f"takes {self._options}; the cluster has {self._ray.cluster_resources()}, of which "
            f"{self._ray.available_resources()} are free. Ask for less by `resources`, free some, "
            "or give Ray(patience_s=...) more seconds."
        )

    def _kill(self, actor: Any) -> None:
        with contextlib.suppress(self._ray.exceptions.RayError, ValueError):  # it is gone.
            self._ray.kill(actor)

    def close(self) -> None:
        busy = (actor for _, actor in self._busy.values())
        for actor in [*self._idle, *busy, *self._starting.values(), self._mailbox]:
            self._kill(actor)


class _Actor:
    """A worker, as an actor."""

    def __init__(self, setup: Setup, mailbox: Any) -> None:
        self._worker = Worker(setup, _Post(mailbox))

    def is_ready(self) -> bool:
        return True

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
        asked = self._answers.pop(number, None)  # a worker may have died after it asked.
        if asked is not None:
            asked.set_result(value)

    async def take(self) -> list[tuple[int, str, Any]]:
        taken, self._messages = self._messages, []
        return taken

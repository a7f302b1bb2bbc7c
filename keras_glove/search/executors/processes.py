"""Workers that are processes of this machine."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle  # noqa: TID251  only its error: what multiprocessing raises.
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from multiprocessing.connection import Connection, wait
from typing import Any

from keras_glove.algorithms import checks
from keras_glove.errors import SearchError
from keras_glove.search.evaluation import Objective
from keras_glove.search.executors.executor import Event, Executor, Pool, drive
from keras_glove.search.executors.worker import Job, Setup, Worker, cores, thread_settings
from keras_glove.search.loop import Loop
from keras_glove.search.trial import Trial

_CONTEXT = multiprocessing.get_context("spawn")


class Processes(Executor):
    """Runs trials in processes of this machine, each with a TensorFlow of its own.

    This process alone proposes and writes into the study. A worker that dies, killed for
    its use of memory for example, is replaced and its trial is run again, three times at
    most. Workers end when this process does, however that ends.

    The program and the objective are sent to the workers, so functions and classes in them
    have to stand at the top level of a module, and a script has to begin its work under
    `if __name__ == "__main__":`.

    Args:
        n: how many workers; None for one per core, or per device if those are given.
        threads: how many each worker may use; None shares the cores out evenly.
        devices: numbers of GPUs (CUDA_VISIBLE_DEVICES); worker i gets device i modulo their
            count. None leaves all to each.

    Raises:
        AlgorithmError: for numbers below 1.

    >>> from keras_glove.search.executors import Processes
    >>> Processes(4, threads=1)
    Processes(n=4, threads=1, devices=None)
    """

    def __init__(
        self,
        n: int | None = None,
        *,
        threads: int | None = None,
        devices: Sequence[int | str] | None = None,
    ) -> None:
        for name, value in {"n": n, "threads": threads}.items():
            if value is not None:
                checks.integer(name, value, low=1)
        self._n = n
        self._threads = threads
        self._devices = None if devices is None else list(devices)

    def run(self, loop: Loop, objective: Objective, after_each: Callable[[], object]) -> None:
        """Runs trials until there are no more.

        Raises:
            SearchError: if the objective or the program cannot be sent to other processes,
                or the script cannot be imported by them.
        """
        count = self._n or len(self._devices or ()) or cores()
        settings = thread_settings(self._threads or max(1, cores() // count))
        environments = [dict(settings) for _ in range(count)]
        for index, environment in enumerate(environments):
            if self._devices:
                device = self._devices[index % len(self._devices)]
                environment["CUDA_VISIBLE_DEVICES"] = str(device)
        drive(loop, _Processes(Setup.of(loop, objective), environments), after_each)

    def __repr__(self) -> str:
        return f"Processes(n={self._n}, threads={self._threads}, devices={self._devices})"


class _Process:
    """One worker, as the driver sees it."""

    def __init__(self, setup: Setup, environment: dict[str, str]) -> None:
        self.environment = environment
        self.connection, theirs = _CONTEXT.Pipe()
        self.process = _CONTEXT.Process(target=_main, args=(theirs, setup), daemon=True)
        self.ready = False
        self.number: int | None = None
        try:
            with _environment(environment):
                self.process.start()
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            self.connection.close()
            raise SearchError(
                f"the program or the objective cannot be sent to other processes: {error}. Put "
                "functions and classes at the top level of a module (no lambdas, nothing defined "
                "inside a function), or use executor='serial'."
            ) from error
        finally:
            theirs.close()

    def close(self) -> None:
        self.connection.close()
        self.process.kill()
        self.process.join()
        self.process.close()


class _Processes(Pool):
    def __init__(self, setup: Setup, environments: Sequence[dict[str, str]]) -> None:
        self._setup = setup
        self._workers: list[_Process] = []
        try:
            for environment in environments:
                self._workers.append(_Process(setup, environment))
        except BaseException:
            self.close()
            raise

    def has_room(self) -> bool:
        return any(worker.number is None for worker in self._workers)

    def submit(self, trial: Trial) -> None:
        worker = next(worker for worker in self._workers if worker.number is None)
        worker.number = trial.number
        with contextlib.suppress(BrokenPipeError):  # it died meanwhile; `wait` tells.
            worker.connection.send(Job.of(trial))

    def wait(self, timeout_s: float) -> Iterator[Event]:
        by_connection = {worker.connection: worker for worker in self._workers}
        for connection in wait(list(by_connection), timeout_s):
            worker = by_connection[connection]  # type: ignore[index]  # no sockets are there.
            try:
                message = worker.connection.recv()
            except (EOFError, OSError):
                yield from self._replace(worker)
                continue
            if message is None:
                worker.ready = True
                continue
            number, kind, content = message
            if kind == "done":
                worker.number = None
            yield Event(number, kind, content, worker.connection.send)

    def _replace(self, worker: _Process) -> Iterator[Event]:
        worker.process.join()
        code = worker.process.exitcode
        if not worker.ready:
            raise SearchError(
                f"a worker ended (exit code {code}) before its first trial; its own message stands "
                "above. A script has to begin its work under `if __name__ == '__main__':`, since "
                "workers import it."
            )
        self._workers[self._workers.index(worker)] = _Process(self._setup, worker.environment)
        worker.close()
        if worker.number is not None:
            yield Event(worker.number, "lost")

    def close(self) -> None:
        for worker in self._workers:
            worker.close()


@contextlib.contextmanager
def _environment(settings: dict[str, str]) -> Iterator[None]:
    """Sets environment variables, which a process that is started inherits."""
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


# --- in the worker ------------------------------------------------------------------


class _Pipe:
    """The channel of a worker that is a process."""

    def __init__(self, connection: Connection[Any, Any]) -> None:
        self._connection = connection

    def tell(self, number: int, kind: str, content: Any) -> None:
        self._connection.send((number, kind, content))

    def ask(self, number: int, kind: str, content: Any) -> bool:
        self.tell(number, kind, content)
        return bool(self._connection.recv())


def _main(connection: Connection[Any, Any], setup: Setup) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver has to deal with it, and ends us.
    threading.Thread(target=partial(_end_with, os.getppid()), daemon=True).start()
    channel = _Pipe(connection)
    worker = Worker(setup, channel)
    connection.send(None)
    while True:
        try:
            job = connection.recv()
        except EOFError:
            return
        channel.tell(job.number, "done", worker.run(job))


def _end_with(parent: int) -> None:
    """Ends this process, in the middle of a trial too, once its parent is gone."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)

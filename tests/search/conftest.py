"""Storages to keep studies in."""

from __future__ import annotations

import faulthandler
import itertools
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest

from tests.search import postgres

_DATABASES = itertools.count()
RAY = "KERAS_GLOVE_TEST_RAY"


@pytest.fixture
def time_limit(request: pytest.FixtureRequest) -> Iterator[None]:
    """Ends a test that hangs: after LIMIT_S of its module it fails, and else the run ends.

    The error is raised in the main thread. Where that hears nothing, in code of C, the whole
    run ends after another minute, and tells where every thread stood.
    """
    limit_s: float = request.module.LIMIT_S

    def over(*_: Any) -> None:
        raise TimeoutError(f"the test took longer than {limit_s:.0f} seconds")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    faulthandler.dump_traceback_later(limit_s + 60, exit=True, file=sys.__stderr__)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session")
def ray() -> Iterator[None]:
    """A Ray cluster on this machine; KERAS_GLOVE_TEST_RAY=skip runs the tests without it."""
    if os.environ.get(RAY) == "skip":
        pytest.skip(f"Ray was left out by {RAY}=skip")
    import ray

    try:
        paths = os.pathsep.join(path for path in sys.path if path)
        ray.init(
            address="local",  # whatever else runs on this machine.
            num_cpus=2,
            include_dashboard=False,
            log_to_driver=False,
            runtime_env={"env_vars": {"PYTHONPATH": paths}},
        )
    except Exception as error:
        ray.shutdown()
        pytest.fail(
            f"Ray could not be started: {type(error).__name__}: {error}; its logs are in "
            f"/tmp/ray/session_latest/logs. {RAY}=skip runs the tests without it."
        )
    try:
        yield
    finally:
        ray.shutdown()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server; see `tests/search/postgres.py`."""
    if os.environ.get(postgres.VARIABLE) == "skip":
        pytest.skip(f"PostgreSQL was left out by {postgres.VARIABLE}=skip")
    with postgres.server() as url:
        yield url


@pytest.fixture
def postgresql(postgres_server: str) -> Iterator[str]:
    """The URL of an empty database."""
    import psycopg

    name = f"tests_{os.getpid()}_{next(_DATABASES)}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield postgres_server.rpartition("/")[0] + f"/{name}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(
    params=["sqlite", "journal", pytest.param("postgresql", marks=pytest.mark.slow)],
)
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Every kind of storage that outlives a process, empty."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if request.param == "postgresql":
        url: str = request.getfixturevalue("postgresql")
        return url
    return str(tmp_path / {"sqlite": "x.db", "journal": "x.journal"}[request.param])

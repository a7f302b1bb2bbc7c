"""Storages to keep studies in."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest

from tests.search import postgres

_DATABASES = itertools.count()


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

"""Opening a database: its driver, its tables, and how processes take turns in it."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from optuna.exceptions import OptunaError
from optuna.storages import RDBStorage

from keras_glove.errors import SearchError
from keras_glove.search.storage.locks import FileLock
from keras_glove.search.storage.sql import Locker, SqlBackend

_ADVISORY = {
    "postgresql": (
        "SELECT pg_advisory_lock(hashtextextended(:name, 0))",
        "SELECT pg_advisory_unlock(hashtextextended(:name, 0))",
    ),
    "mysql": ("SELECT GET_LOCK(MD5(:name), -1)", "SELECT RELEASE_LOCK(MD5(:name))"),
}


def connect(url: str, name: str) -> SqlBackend:
    """The study of this name in a database, in which Optuna's tables are made if need be.

    Raises:
        SearchError: if the database cannot be opened, or is of a kind without shared locks.
    """
    with _opening(url):
        parsed = sa.make_url(_with_driver(url))
        engine = sa.create_engine(parsed, pool_pre_ping=parsed.get_backend_name() != "sqlite")
    kind = engine.dialect.name
    if kind == "sqlite":
        engine, locker = _tuned(engine), _file_locker(parsed.database)
    elif kind in _ADVISORY:
        locker = _advisory_lock
    else:
        raise SearchError(
            f"expected a database among {['sqlite', *_ADVISORY]}, received one of {kind}: there "
            "processes could not be kept from proposing at once."
        )
    with _opening(url):
        if _has_tables(engine):
            _check_tables(url)
        else:  # Optuna makes them without a lock.
            with locker(engine, "the tables"):
                _check_tables(url)
    return SqlBackend(name, engine, locker)


def _check_tables(url: str) -> None:
    """Has Optuna make its tables, and look at their version."""
    storage = open_database(url)
    storage.remove_session()
    storage.engine.dispose()


def _has_tables(engine: sa.Engine) -> bool:
    """Whether Optuna's tables are all there: the last that it writes is their version."""
    if not sa.inspect(engine).has_table("alembic_version"):
        return False
    with engine.begin() as connection:
        return connection.execute(sa.text("SELECT 1 FROM alembic_version")).first() is not None


def open_database(url: str) -> RDBStorage:
    """Optuna's view of a database, whose tables it makes if need be.

    Raises:
        SearchError: if it cannot be opened.
    """
    with _opening(url):
        return RDBStorage(_with_driver(url))


@contextmanager
def _opening(url: str) -> Iterator[None]:
    """Tells what libraries raise for a database that cannot be opened as one error of ours."""
    try:
        yield
    except (ImportError, sa.exc.SQLAlchemyError, OptunaError, RuntimeError) as error:
        if isinstance(error, SearchError):
            raise
        raise SearchError(
            f"expected a storage that can be opened, received {url!r}: {type(error).__name__}: "
            f"{error}. A URL looks like 'postgresql://user:password@host/database'; PostgreSQL "
            "needs `pip install psycopg[binary]`."
        ) from error


def _with_driver(url: str) -> str:
    """PostgreSQL by the newer driver, as far as that is installed."""
    if url.startswith("postgresql://") and importlib.util.find_spec("psycopg") is not None:
        return url.replace("postgresql://", "postgresql+psycopg://", 1)
    return url


def _tuned(engine: sa.Engine) -> sa.Engine:
    """SQLite with a log written ahead: readers do not wait for writers, and a commit is cheap.

    What was committed outlives the process, however that ends. If the machine loses power
    the last moments may be lost, and what is there is consistent.
    """

    def prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # so that we say when a transaction begins.
        for setting in ("busy_timeout=60000", "journal_mode=WAL", "synchronous=NORMAL"):
            connection.execute(f"PRAGMA {setting}")

    def begin(connection: sa.Connection) -> None:
        # A transaction that reads first and then writes would be refused, not wait.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    sa.event.listen(engine, "connect", prepare)
    sa.event.listen(engine, "begin", begin)
    return engine


def _file_locker(path: str | None) -> Locker:
    if path is None or path == ":memory:":
        raise SearchError(
            "expected a file for SQLite, such as 'runs/x.db'; a study without storage is in memory."
        )
    lock = FileLock(Path(f"{path}.lock"))
    return lambda engine, name: lock.held()


@contextmanager
def _advisory_lock(engine: sa.Engine, name: str) -> Iterator[None]:
    """A lock of the server, which frees it when the connection ends."""
    take, free = _ADVISORY[engine.dialect.name]
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text(take), {"name": f"keras_glove:{name}"})
        try:
            yield
        finally:
            connection.execute(sa.text(free), {"name": f"keras_glove:{name}"})

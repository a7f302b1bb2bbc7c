"""From what users say about a storage to a store."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_glove.errors import SearchError
from keras_glove.search.files import Files
from keras_glove.search.store import InMemoryStore, TrialStore

if TYPE_CHECKING:
    from typing import TypeAlias

    from optuna.storages import BaseStorage

    from keras_glove.search.storage.backend import Backend

    #: None for memory; a path or a URL; or a storage of Optuna.
    Storage: TypeAlias = str | PathLike[str] | BaseStorage | None
else:
    Storage = Any

_DATABASES = (".db", ".sqlite", ".sqlite3")
_JOURNALS = (".journal", ".log")


def open_store(
    storage: Any, name: str | None, *, patience_s: float = 60.0
) -> tuple[TrialStore, str | None]:
    """The store of a study, and the name of the study.

    Raises:
        SearchError: if the storage cannot be opened, or a name is missing.
    """
    if isinstance(patience_s, bool) or not isinstance(patience_s, int | float) or patience_s <= 0:
        raise SearchError(f"expected patience_s to be seconds above 0, received {patience_s!r}.")
    if storage is None:
        return InMemoryStore(), name
    from keras_glove.search.storage.durable import DurableStore

    name = name if name is not None else _default_name(storage)
    return DurableStore(open_backend(storage, name), patience_s), name


def open_backend(storage: Any, name: str) -> Backend:
    """What reads and writes one study of a storage."""
    from optuna.storages import BaseStorage

    from keras_glove.search.storage.api import ApiBackend
    from keras_glove.search.storage.databases import connect
    from keras_glove.search.storage.journals import JournalBackend

    if isinstance(storage, BaseStorage):
        return ApiBackend(name, storage, _thread_lock())
    if not isinstance(storage, str | PathLike):
        raise SearchError(
            f"expected storage to be a path, a URL or a storage of Optuna, received {storage!r}."
        )
    path = file_of(storage)
    if path is None:
        return connect(fspath(storage), name)
    _make_folder(path)
    if is_journal(path):
        return JournalBackend(name, path)
    return connect(f"sqlite:///{path}", name)


def file_of(storage: Any) -> Path | None:
    """The file that a storage is, or None."""
    if not isinstance(storage, str | PathLike):
        return None
    text = fspath(storage)
    if text.startswith("sqlite:///"):
        return Path(text.removeprefix("sqlite:///"))
    if "://" in text:
        return None
    path = Path(text)
    if path.suffix not in (*_DATABASES, *_JOURNALS):
        raise SearchError(
            f"expected the storage {text!r} to end in one of {[*_DATABASES, *_JOURNALS]}, or to be "
            "a URL such as 'postgresql://user@host/database'."
        )
    return path


def is_journal(path: Path) -> bool:
    """Whether a file is to be a journal, and not a database."""
    return path.suffix in _JOURNALS


def open_files(
    files: str | PathLike[str] | bool | None, storage: Any, name: str | None, keep: int | None
) -> Files:
    """The folders of the trials of a study."""
    path = file_of(storage)
    if files is None and path is not None:
        files = path.with_name(f"{path.name}.files")
    if files is True:
        raise SearchError("expected files to be a folder, None or False, received True.")
    if files is None or files is False:
        return Files(None, keep)
    return Files(Path(files) / _folder_name(name), keep)


def _folder_name(name: str | None) -> str:
    """A name as that of a folder."""
    if name is None:
        return "study"
    return "".join(c if c.isalnum() or c in "-_. " else "_" for c in name).strip(". ") or "study"


def _default_name(storage: Any) -> str:
    path = file_of(storage)
    if path is None:
        raise SearchError(
            "expected a name beside this storage, which may hold many studies: "
            "`Study('name', storage=...)`."
        )
    return path.stem


def _make_folder(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SearchError(
            f"the folder of the storage {str(path)!r} cannot be made: {error}."
        ) from (error)


def _thread_lock() -> Any:
    lock = threading.Lock()

    @contextmanager
    def held() -> Iterator[None]:
        with lock:
            yield

    return held

"""Studies in a journal file of Optuna: a file that only grows."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from keras_glove.search.storage.api import ApiBackend
from keras_glove.search.storage.locks import FileLock


def open_journal(path: Path, name: str) -> ApiBackend:
    """The study of this name in a journal, which is made if there is none."""
    return ApiBackend(name, journal_storage(path), FileLock(Path(f"{path}.turn")).held)


def journal_storage(path: Path) -> JournalStorage:
    """Optuna's view of a journal, which is made if there is none."""
    lock: Any = _WriteLock(Path(f"{path}.lock"))
    return JournalStorage(JournalFileBackend(str(path), lock_obj=lock))


class _WriteLock:
    """Held for one write; what Optuna calls a journal's lock.

    The system frees it when a process is killed. Optuna's own locks are files, which stay
    then, and stop everybody for half a minute.
    """

    def __init__(self, path: Path) -> None:
        self._lock = FileLock(path)
        self._held = threading.local()

    def acquire(self) -> bool:
        self._held.descriptor = self._lock.take()
        return True

    def release(self) -> None:
        os.close(self._held.descriptor)

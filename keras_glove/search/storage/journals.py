"""Studies in a journal file of Optuna: a file that only grows."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from keras_glove.search.results import Metric
from keras_glove.search.storage.api import ApiBackend
from keras_glove.search.storage.locks import FileLock

# Numbers of operations in the format of the file, which has to stay readable.
_SET_STATE_VALUES, _SET_USER_ATTRIBUTE, _SET_SYSTEM_ATTRIBUTE = 6, 8, 9


class JournalBackend(ApiBackend):
    """A study in a journal, in which the end of a trial is one write.

    Args:
        name: of the study.
        path: of the journal, which is made if there is none.
    """

    def __init__(self, name: str, path: Path) -> None:
        self._journal = _journal(path)
        super().__init__(name, JournalStorage(self._journal), FileLock(Path(f"{path}.turn")).held)

    def update(
        self,
        key: int,
        system: Mapping[str, Any],
        *,
        state: str | None = None,
        values: tuple[float, ...] | None = None,
        metrics: Mapping[str, Metric] | None = None,
    ) -> None:
        logs: list[dict[str, Any]] = [
            {"op_code": _SET_USER_ATTRIBUTE, "user_attr": {name: value}}
            for name, value in (metrics or {}).items()
        ]
        logs += [
            {"op_code": _SET_SYSTEM_ATTRIBUTE, "system_attr": {name: value}}
            for name, value in system.items()
        ]
        if state is not None:  # last: a finished trial cannot be changed.
            ended = datetime.now(timezone.utc).isoformat(timespec="microseconds")
            number = int(TrialState[state])
            logs.append(
                {"op_code": _SET_STATE_VALUES, "state": number, "values": values,
                 "datetime_complete": ended}
            )  # fmt: skip
        common = {"worker_id": f"keras_glove-{os.getpid()}", "trial_id": key}
        self._journal.append_logs([{**common, **log} for log in logs])


def journal_storage(path: Path) -> JournalStorage:
    """Optuna's view of a journal, which is made if there is none."""
    return JournalStorage(_journal(path))


def _journal(path: Path) -> JournalFileBackend:
    lock: Any = _WriteLock(Path(f"{path}.lock"))
    return JournalFileBackend(str(path), lock_obj=lock)


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

"""Locks that processes share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keras_glove.errors import SearchError

try:
    import fcntl
except ImportError:  # Windows.
    fcntl = None  # type: ignore[assignment]


class FileLock:
    """A lock of a file that the processes of one machine share.

    The system frees it when a process dies.

    Args:
        path: of a file made for the purpose.

    Raises:
        SearchError: where the system has no such locks.
    """

    def __init__(self, path: Path) -> None:
        if fcntl is None:
            raise SearchError(
                "expected a system with file locks (Linux, macOS); here use a database server, "
                "such as 'postgresql://user@host/database', or a study in memory."
            )
        self._path = path

    @contextmanager
    def held(self) -> Iterator[None]:
        """Waits for the lock, and holds it."""
        descriptor = self.take()
        try:
            yield
        finally:
            os.close(descriptor)

    def take(self) -> int:
        """Waits for the lock; closing the descriptor that is returned frees it."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

"""Signs of life that processes on different machines have of each other."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Collection

#: A process gives so many signs of life in the time after which it is taken for dead.
_BEATS = 6


class Heart:
    """Gives a sign of life, from a thread of its own, while there are running trials.

    Args:
        beat: writes the sign for the given trials, by their keys.
        patience_s: after which a silent process is taken for dead.
    """

    def __init__(self, beat: Callable[[Collection[int], int], None], patience_s: float) -> None:
        self._beat = weakref.WeakMethod(beat)
        self._period_s = patience_s / _BEATS
        self._keys: set[int] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(self, key: int) -> None:
        """A trial began here."""
        with self._changed:
            self._keys.add(key)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()

    def remove(self, key: int) -> None:
        """A trial ended, or was taken by another process."""
        with self._changed:
            self._keys.discard(key)

    def close(self) -> None:
        """Ends the thread; another trial begins another."""
        with self._changed:
            thread, self._thread = self._thread, None
            self._changed.notify()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _is_closed(self) -> bool:
        return self._thread is not threading.current_thread()

    def _run(self) -> None:
        count = 0
        while True:
            with self._changed:
                if self._changed.wait_for(self._is_closed, timeout=self._period_s):
                    return
                keys = sorted(self._keys)
            count += 1
            beat = self._beat()
            if beat is None:
                return
            if keys:
                beat(keys, count)


class Watch:
    """Tells which processes have been silent for too long.

    Only changes of the signs count, and the watcher's own clock, so that clocks of different
    machines need not agree.

    Args:
        patience_s: how long is too long.
    """

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._seen: dict[int, tuple[object, float]] = {}

    def see(self, number: int, sign: object) -> None:
        """Sees the sign of the process that runs a trial."""
        if number not in self._seen or self._seen[number][0] != sign:
            self._seen[number] = (sign, time.monotonic())

    def is_silent(self, number: int) -> bool:
        """Whether the process that runs a trial has given no sign for too long."""
        seen = self._seen.get(number)
        return seen is not None and time.monotonic() - seen[1] > self._patience_s

    def forget(self, number: int) -> None:
        """A trial ended."""
        self._seen.pop(number, None)

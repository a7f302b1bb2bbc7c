"""What a running search shows: a bar on terminals, now and then a line elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from keras_glove.search.study import Study

#: Seconds between two lines where there is no terminal.
LINE_PERIOD = 10.0
#: Seconds between two updates of a bar, so that fast searches do not spend time on it.
_BAR_PERIOD = 0.1


class Display:
    """Tells of a study as it grows; this one tells nothing."""

    def update(self) -> None:
        """A trial ended."""

    def close(self) -> None:
        """The search ended."""


class Lines(Display):
    """Writes a line when the last is some seconds old, and one at the end."""

    def __init__(self, summary: Summary, file: TextIO, period: float = LINE_PERIOD) -> None:
        self._summary = summary
        self._file = file
        self._period = period
        self._written = time.monotonic()

    def update(self) -> None:
        """Writes a line if the last is old enough."""
        if time.monotonic() - self._written >= self._period:
            self.close()

    def close(self) -> None:
        """Writes a line."""
        self._written = time.monotonic()
        print(f"search: {self._summary.text()}", file=self._file, flush=True)


class Bar(Display):
    """A bar of rich, which also keeps what the objective prints above it."""

    def __init__(self, summary: Summary, console: Console) -> None:
        self._summary = summary
        self._shown = 0.0
        self._progress = Progress(
            TextColumn("search"), BarColumn(), TextColumn("{task.fields[text]}"), console=console
        )
        self._task = self._progress.add_task("", total=summary.total, text=summary.text())
        self._progress.start()

    def update(self) -> None:
        """Redraws, but not more than ten times a second."""
        if time.monotonic() - self._shown >= _BAR_PERIOD:
            self._show()

    def close(self) -> None:
        """Redraws and gives the terminal back."""
        self._show()
        self._progress.stop()

    def _show(self) -> None:
        self._shown = time.monotonic()
        done = self._summary.study.num_finished
        self._progress.update(self._task, completed=done, text=self._summary.text())


class Summary:
    """A study in one line: trials, best so far, time since the start, time left."""

    def __init__(self, study: Study, total: int | None) -> None:
        self.study = study
        self.total = total
        self._before = study.num_finished
        self._start = time.monotonic()

    def text(self) -> str:
        """For example `12/50 trials, best 0.9312 (trial 7), 0:31 elapsed, 1:38 left`."""
        done = self.study.num_finished
        elapsed = time.monotonic() - self._start
        count = f"{done} trials" if self.total is None else f"{done}/{self.total} trials"
        parts = [count, self._best(), f"{_clock(elapsed)} elapsed"]
        if self.total is not None and self._before < done < self.total:
            left = elapsed / (done - self._before) * (self.total - done)
            parts.append(f"{_clock(left)} left")
        return ", ".join(parts)

    def _best(self) -> str:
        if len(self.study.names) > 1:
            return f"{len(self.study.front.points)} on the Pareto front"
        best = self.study.front.best
        if best is None:
            return "none complete"
        return f"best {best.reward:.5g} (trial {best.number})"


@contextmanager
def progress_display(study: Study, total: int | None, *, show: bool) -> Iterator[Display]:
    """The display that suits standard error, closed at the end whatever happens."""
    display = Display()
    if show:
        console = Console(stderr=True)
        summary = Summary(study, total)
        display = Bar(summary, console) if console.is_terminal else Lines(summary, sys.stderr)
    try:
        yield display
    finally:
        display.close()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

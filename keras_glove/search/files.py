"""The files of trials: children, logs, and for how long they are kept."""

from __future__ import annotations

import functools
import heapq
import json
import logging
import shutil
from collections.abc import Container, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_glove.algorithms import checks
from keras_glove.errors import SearchError, SerializationError
from keras_glove.search.results import Result
from keras_glove.symbolic import to_json

if TYPE_CHECKING:
    from keras_glove.search.fronts import Front
    from keras_glove.search.trial import Trial

_logger = logging.getLogger("keras_glove")


@functools.singledispatch
def save_child(child: Any, folder: Path) -> None:
    """Writes a child into the folder of its trial; by default nothing.

    `search` calls it for the children of the best trials, in studies that keep files. The
    rooms that know Keras register what they do with a model:

    >>> class Child: ...
    >>> @save_child.register
    ... def _(child: Child, folder: Path) -> None:
    ...     (folder / "child.txt").write_text("a child")
    """


@save_child.register(dict)
def _save_parts(child: dict[str, Any], folder: Path) -> None:
    for part in child.values():
        save_child(part, folder)


class Files:
    """Folders of trials, of which those of the best are kept.

    Args:
        root: where they are; None keeps no files.
        keep: how many of the best trials keep their folder; with several objectives those
            of the Pareto front do, if it is not 0. None keeps all.

    Raises:
        AlgorithmError: if `keep` is negative or no integer.
    """

    def __init__(self, root: Path | None, keep: int | None = 3) -> None:
        if keep is not None:
            checks.integer("keep", keep, low=0)
        self.root = root
        self.keep = keep
        self._best: list[tuple[float, int]] = []  # a heap of (score, -number), the worst first.
        self._front: set[int] = set()

    def folder(self, number: int) -> Path:
        """The folder of a trial, made if there is none.

        Raises:
            SearchError: if no files are kept.
        """
        if self.root is None:
            raise SearchError(
                "expected a study that keeps files; give it a folder: `Study(..., files='runs')`."
            )
        path = self._path(number)
        path.mkdir(parents=True, exist_ok=True)
        return path

    def of(self, number: int) -> list[Path]:
        """The files of a trial."""
        if self.root is None or not self._path(number).is_dir():
            return []
        return sorted(path for path in self._path(number).rglob("*") if path.is_file())

    def wants(self, front: Front, result: Result) -> bool:
        """Whether a trial that ends with this result is among those whose folders are kept."""
        if self.root is None or self.keep == 0:
            return False
        if self.keep is None:
            return True
        if result.constraints is not None and max(result.constraints.values()) > 0:
            return False
        if isinstance(result.value, tuple):
            return front.takes(result.value)
        return len(self._best) < self.keep or front.better(result.value, self._best[0][0])

    def save(self, trial: Trial, child: Any, program: Any) -> None:
        """Writes a child, and its program if that has a JSON form."""
        folder = self.folder(trial.number)
        try:
            text = json.dumps(to_json(program), indent=1)
        except SerializationError:
            text = ""
        if text:
            (folder / "program.json").write_text(text, encoding="utf-8")
        try:
            save_child(child, folder)
        except Exception as error:  # whatever it is, the trial itself is a good one.
            _logger.warning("the child of trial %d could not be saved: %r", trial.number, error)

    def note(self, front: Front, trial: Trial) -> set[int]:
        """Hears of a trial that ended; the numbers whose folders are not to be kept for that."""
        if self.root is None or self.keep is None:
            return set()
        if trial.value is None or trial.violation or self.keep == 0:
            return {trial.number}
        if isinstance(trial.value, tuple):
            before, self._front = self._front, {member.number for member in front.trials}
            return (before | {trial.number}) - self._front
        heapq.heappush(self._best, (front.score(trial), -trial.number))
        return {-heapq.heappop(self._best)[1]} if len(self._best) > self.keep else set()

    def discard(self, numbers: Iterable[int]) -> None:
        """Removes the folders of trials."""
        if self.root is not None:
            for number in numbers:
                shutil.rmtree(self._path(number), ignore_errors=True)

    def sweep(self, running: Container[int]) -> None:
        """Removes what was left when processes died before they could."""
        if self.root is None or self.keep is None:
            return
        kept = self._front | {-number for _, number in self._best}
        for path in self.root.glob("trial-*"):
            digits = path.name.removeprefix("trial-")
            if digits.isdigit() and int(digits) not in kept and int(digits) not in running:
                shutil.rmtree(path, ignore_errors=True)

    def remove(self) -> None:
        """Removes all of them."""
        if self.root is not None:
            shutil.rmtree(self.root, ignore_errors=True)

    def _path(self, number: int) -> Path:
        assert self.root is not None
        return self.root / f"trial-{number:05}"

"""Where the trials of a study are kept."""

from __future__ import annotations

import abc
from collections.abc import Iterator

from keras_glove.search.trial import Trial


class TrialStore(abc.ABC):
    """Keeps trials in the order of their numbers: 0, 1, 2 and so on."""

    @abc.abstractmethod
    def add(self, trial: Trial) -> None:
        """Keeps a new trial, and gives it the next number."""

    @abc.abstractmethod
    def save(self, trial: Trial) -> None:
        """Makes what changed in a trial last."""

    @abc.abstractmethod
    def __len__(self) -> int:
        """How many trials there are, in any state."""

    @abc.abstractmethod
    def __iter__(self) -> Iterator[Trial]:
        """All trials in the order of their numbers."""


class InMemoryStore(TrialStore):
    """A list: it lasts as long as the process."""

    def __init__(self) -> None:
        self._trials: list[Trial] = []

    def add(self, trial: Trial) -> None:
        """Appends the trial."""
        trial.number = len(self._trials)
        self._trials.append(trial)

    def save(self, trial: Trial) -> None:
        """Does nothing: the list holds the trial itself."""

    def __len__(self) -> int:
        return len(self._trials)

    def __iter__(self) -> Iterator[Trial]:
        return iter(self._trials)

"""Where the trials of a study are kept."""

from __future__ import annotations

import abc
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from keras_glove.search.claims import is_gone
from keras_glove.search.trial import Trial

if TYPE_CHECKING:
    from keras_glove.search.ledger import Ledger


class TrialStore(abc.ABC):
    """Keeps trials in the order of their numbers: 0, 1, 2 and so on.

    Attributes:
        shared: whether other processes may add trials.
    """

    shared: bool = False

    def __init__(self) -> None:
        self._trials: list[Trial] = []

    @abc.abstractmethod
    def lock(self) -> AbstractContextManager[object]:
        """Keeps every other loop of the study, in any process, from proposing; re-entrant."""

    def load_header(self) -> dict[str, Any] | None:
        """The facts of the study that `save_header` kept last; None for a new study."""
        return None

    def save_header(self, header: Callable[[], dict[str, Any]]) -> None:  # noqa: B027
        """Makes the facts of the study last; call it under the lock.

        A store that keeps nothing does not ask for them: constraints by functions without a
        registered name have no JSON form.
        """

    def load(self, ledger: Ledger) -> list[Trial]:
        """The trials that were kept before, as trials of `ledger`."""
        return []

    def refresh(self) -> list[Trial]:
        """Reads, under the lock, what other processes wrote; the trials that came or changed."""
        return []

    def add(self, trial: Trial) -> None:
        """Keeps a new trial, in any state."""
        self._trials.append(trial)

    def report(self, trial: Trial, step: int, value: float) -> None:  # noqa: B027
        """Keeps an intermediate value, which the trial itself already has."""

    def claim(self, trial: Trial) -> None:  # noqa: B027
        """Makes last that a running trial has a new owner, or none."""

    def end(self, trial: Trial) -> bool:
        """Makes the end of a trial last; false if another process owns it by now."""
        return True

    def is_lost(self, trial: Trial) -> bool:
        """Whether nobody works on a running trial any more."""
        return trial.owner is None or is_gone(trial.owner) is True

    def save_state(self, course: int, number: int, state: dict[str, Any]) -> None:  # noqa: B027
        """Keeps the state that an algorithm had after proposing the trial of this number."""

    def load_state(self, course: int) -> tuple[int, dict[str, Any]] | None:
        """The last state kept, and the number of the trial proposed before it."""
        return None

    def close(self) -> None:  # noqa: B027
        """Gives up files and connections; what was kept stays."""

    def __len__(self) -> int:
        return len(self._trials)

    def __iter__(self) -> Iterator[Trial]:
        return iter(self._trials)

    def __getitem__(self, number: int) -> Trial:
        return self._trials[number]


class InMemoryStore(TrialStore):
    """A list: it lasts as long as the process, and costs next to nothing."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.RLock()

    def lock(self) -> AbstractContextManager[object]:
        """Keeps the other threads out."""
        return self._lock

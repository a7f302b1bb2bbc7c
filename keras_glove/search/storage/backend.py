"""What a storage has to do for a study."""

from __future__ import annotations

import abc
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from typing import Any

from optuna.study import StudyDirection

from keras_glove.search.results import Metric
from keras_glove.search.storage.columns import Column
from keras_glove.search.storage.records import Record


class Backend(abc.ABC):
    """Reads and writes one study, in the format of Optuna.

    All but `beat` is called under the lock, by one thread at a time.

    Args:
        name: of the study.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    @abc.abstractmethod
    def lock(self) -> AbstractContextManager[object]:
        """Keeps other processes out; not re-entrant."""

    @abc.abstractmethod
    def create(self, directions: Collection[StudyDirection]) -> None:
        """Makes the study."""

    @abc.abstractmethod
    def read_attributes(self) -> dict[str, Any] | None:
        """The system attributes of the study; None if there is no such study."""

    @abc.abstractmethod
    def write_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Sets system attributes of the study."""

    @abc.abstractmethod
    def read(self, after: int | None = None, also: Collection[int] = ()) -> list[Record]:
        """Trials in the order of their keys.

        Args:
            after: only those whose key is greater.
            also: keys of further ones.
        """

    @abc.abstractmethod
    def peek(self, key: int) -> tuple[str, dict[str, Any]]:
        """The state of a trial, and its attribute `BEGUN`."""

    @abc.abstractmethod
    def insert(self, record: Record, columns: Collection[tuple[Column, Any]]) -> int:
        """Adds a trial with its parameters, and returns its key."""

    @abc.abstractmethod
    def update(
        self,
        key: int,
        system: Mapping[str, Any],
        *,
        state: str | None = None,
        values: tuple[float, ...] | None = None,
        metrics: Mapping[str, Metric] | None = None,
    ) -> None:
        """Sets attributes of a running trial, and with a state ends it."""

    @abc.abstractmethod
    def report(self, key: int, step: int, value: float) -> None:
        """Sets an intermediate value of a running trial."""

    @abc.abstractmethod
    def beat(self, keys: Collection[int], count: int) -> None:
        """Writes a sign of life for running trials; from another thread, without the lock."""

    def close(self) -> None:  # noqa: B027  nothing to do for most.
        """Gives up connections."""

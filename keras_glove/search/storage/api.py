"""Studies in any other storage of Optuna, through its public interface."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from keras_glove.search.results import Metric
from keras_glove.search.storage.backend import Backend
from keras_glove.search.storage.columns import Column
from keras_glove.search.storage.records import ALIVE, BEGUN, Record


class ApiBackend(Backend):
    """A study in a storage of Optuna.

    Args:
        name: of the study.
        storage: a journal, a proxy, or another.
        lock: makes a context in which no other process is.
    """

    def __init__(
        self, name: str, storage: BaseStorage, lock: Callable[[], AbstractContextManager[object]]
    ) -> None:
        super().__init__(name)
        self._storage = storage
        self._locker = lock
        self._study: int | None = None
        self._count = 0

    def lock(self) -> AbstractContextManager[object]:
        return self._locker()

    def create(self, directions: Collection[StudyDirection]) -> None:
        self._study = self._storage.create_new_study(list(directions), self.name)

    def read_attributes(self) -> dict[str, Any] | None:
        try:
            self._study = self._storage.get_study_id_from_name(self.name)
        except KeyError:
            return None
        return dict(self._storage.get_study_system_attrs(self._study))

    def write_attributes(self, attributes: Mapping[str, Any]) -> None:
        assert self._study is not None
        for key, value in attributes.items():
            self._storage.set_study_system_attr(self._study, key, value)

    def read(self, after: int | None = None, also: Collection[int] = ()) -> list[Record]:
        assert self._study is not None
        if after is None:
            found = self._storage.get_all_trials(self._study, deepcopy=False)
            self._count = len(found)
            return [_record(trial) for trial in found]
        keys = sorted(also)
        with contextlib.suppress(KeyError):  # there is none of the next number.
            while True:
                number = self._count
                key = self._storage.get_trial_id_from_study_id_trial_number(self._study, number)
                keys.append(key)
                self._count += 1
        return [_record(self._storage.get_trial(key)) for key in keys]

    def peek(self, key: int) -> tuple[str, dict[str, Any]]:
        trial = self._storage.get_trial(key)
        return trial.state.name, trial.system_attrs.get(BEGUN, {})

    def insert(self, record: Record, columns: Collection[tuple[Column, Any]]) -> int:
        assert self._study is not None
        trial = FrozenTrial(
            number=record.number,
            trial_id=-1,  # the storage gives one.
            state=TrialState[record.state],
            value=None,
            values=record.values,
            datetime_start=record.begun,
            datetime_complete=record.ended,
            params={column.name: column.external(value) for column, value in columns},
            distributions={column.name: column.distribution for column, _ in columns},
            user_attrs=record.metrics,
            system_attrs=record.system,
            intermediate_values=record.intermediate,
        )
        self._count = record.number + 1
        return self._storage.create_new_trial(self._study, trial)

    def update(
        self,
        key: int,
        system: Mapping[str, Any],
        *,
        state: str | None = None,
        values: tuple[float, ...] | None = None,
        metrics: Mapping[str, Metric] | None = None,
    ) -> None:
        for name, metric in (metrics or {}).items():
            self._storage.set_trial_user_attr(key, name, metric)
        for name, value in system.items():
            self._storage.set_trial_system_attr(key, name, value)
        if state is not None:  # last: a finished trial cannot be changed.
            self._storage.set_trial_state_values(key, TrialState[state], values)

    def report(self, key: int, step: int, value: float) -> None:
        self._storage.set_trial_intermediate_value(key, step, value)

    def beat(self, keys: Collection[int], count: int) -> None:
        for key in keys:
            with contextlib.suppress(RuntimeError):  # the trial has ended meanwhile.
                self._storage.set_trial_system_attr(key, ALIVE, count)


def _record(trial: FrozenTrial) -> Record:
    complete = trial.state == TrialState.COMPLETE
    return Record(
        trial._trial_id,
        trial.number,
        trial.state.name,
        tuple(trial.values) if complete else None,
        dict(trial.user_attrs),
        dict(trial.system_attrs),
        dict(trial.intermediate_values),
        begun=trial.datetime_start,
        ended=trial.datetime_complete or datetime.now(),
    )

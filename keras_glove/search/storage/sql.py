"""Studies in databases: Optuna's tables, written in one transaction per event.

Through Optuna's own classes each parameter and each attribute of a trial is a transaction
of its own. Here a trial begins in one and ends in one, so that it is also never half
written. Optuna makes the tables and checks their version.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from optuna.study import StudyDirection

from keras_glove.search.results import Metric
from keras_glove.search.storage.backend import Backend
from keras_glove.search.storage.columns import Column
from keras_glove.search.storage.records import ALIVE, BEGUN, Record

_Row = dict[str, Any]

#: Makes a context in which no other process is, for a database and the name of a study.
Locker = Callable[[sa.Engine, str], AbstractContextManager[object]]


class SqlBackend(Backend):
    """A study in Optuna's tables.

    Args:
        name: of the study.
        engine: connects to the database, in which Optuna has made its tables.
        lock: keeps other processes out.
    """

    def __init__(self, name: str, engine: sa.Engine, lock: Locker) -> None:
        super().__init__(name)
        self._engine = engine
        self._locker = lock
        tables = sa.MetaData()
        tables.reflect(engine)
        self._table = tables.tables
        self._study: int | None = None

    def lock(self) -> AbstractContextManager[object]:
        return self._locker(self._engine, self.name)

    def close(self) -> None:
        self._engine.dispose()

    # --- the study -----------------------------------------------------------------

    def create(self, directions: Collection[StudyDirection]) -> None:
        with self._engine.begin() as connection:
            made = connection.execute(
                self._table["studies"].insert(), {"study_name": self.name}
            ).inserted_primary_key
            assert made is not None
            rows = [
                {"study_id": made[0], "objective": number, "direction": direction.name}
                for number, direction in enumerate(directions)
            ]
            connection.execute(self._table["study_directions"].insert(), rows)

    def read_attributes(self) -> dict[str, Any] | None:
        with self._engine.begin() as connection:
            study = self._find(connection)
            if study is None:
                return None
            table = self._table["study_system_attributes"]
            rows = connection.execute(
                sa.select(table.c.key, table.c.value_json).where(table.c.study_id == study)
            )
            return {key: json.loads(text) for key, text in rows}

    def write_attributes(self, attributes: Mapping[str, Any]) -> None:
        with self._engine.begin() as connection:
            study = self._find(connection)
            self._replace(connection, "study_system_attributes", "study_id", study, attributes)

    def _find(self, connection: sa.Connection) -> int | None:
        if self._study is None:
            table = self._table["studies"]
            query = sa.select(table.c.study_id).where(table.c.study_name == self.name)
            self._study = connection.execute(query).scalar()
        return self._study

    # --- reading trials ------------------------------------------------------------

    def read(self, after: int | None = None, also: Collection[int] = ()) -> list[Record]:
        trials = self._table["trials"]
        wanted = trials.c.study_id == self._study
        if after is not None:
            # The range, by the index, leaves few rows for the rest to choose from.
            wanted &= trials.c.trial_id >= min(also, default=after + 1)
            if also:
                wanted &= (trials.c.trial_id > after) | trials.c.trial_id.in_(also)
        columns = ("trial_id", "number", "state", "datetime_start", "datetime_complete")
        query = sa.select(*(trials.c[name] for name in columns)).where(wanted)
        with self._engine.begin() as connection:
            rows = connection.execute(query.order_by(trials.c.trial_id)).all()
            records = {
                key: Record(key, number, _text(state), begun=begun, ended=ended)
                for key, number, state, begun, ended in rows
            }
            if records:
                self._read_parts(connection, wanted, records)
        return list(records.values())

    def _read_parts(
        self, connection: sa.Connection, wanted: Any, records: dict[int, Record]
    ) -> None:
        def select(name: str, *columns: str) -> Iterator[Any]:
            table, trials = self._table[name], self._table["trials"]
            found = [table.c[column] for column in ("trial_id", *columns)]
            joined = table.join(trials, table.c.trial_id == trials.c.trial_id)
            query = sa.select(*found).select_from(joined).where(wanted)
            return iter(connection.execute(query.order_by(found[0], found[1])))

        for key, _, value in select("trial_values", "objective", "value"):
            records[key].values = (*(records[key].values or ()), value)
        for key, name, text in select("trial_user_attributes", "key", "value_json"):
            records[key].metrics[name] = json.loads(text)
        for key, name, text in select("trial_system_attributes", "key", "value_json"):
            records[key].system[name] = json.loads(text)
        steps = ("step", "intermediate_value", "intermediate_value_type")
        for key, step, value, kind in select("trial_intermediate_values", *steps):
            records[key].intermediate[step] = _read_number(value, _text(kind))

    def peek(self, key: int) -> tuple[str, dict[str, Any]]:
        trials, table = self._table["trials"], self._table["trial_system_attributes"]
        joined = trials.join(table, table.c.trial_id == trials.c.trial_id)
        wanted = (trials.c.trial_id == key) & (table.c.key == BEGUN)
        query = sa.select(trials.c.state, table.c.value_json).select_from(joined).where(wanted)
        with self._engine.begin() as connection:
            state, text = connection.execute(query).one()
        return _text(state), json.loads(text)

    # --- writing trials ------------------------------------------------------------

    def insert(self, record: Record, columns: Collection[tuple[Column, Any]]) -> int:
        with self._engine.begin() as connection:
            row = {
                "study_id": self._study,
                "number": record.number,
                "state": record.state,
                "datetime_start": record.begun,
                "datetime_complete": record.ended,
            }
            made = connection.execute(self._table["trials"].insert(), row).inserted_primary_key
            assert made is not None
            key = int(made[0])
            self._add(connection, "trial_params", [
                {"trial_id": key, "param_name": column.name, "param_value": float(value),
                 "distribution_json": column.json}
                for column, value in columns
            ])  # fmt: skip
            self._add(connection, "trial_values", _value_rows(key, record.values))
            self._add(connection, "trial_user_attributes", _attributes(key, record.metrics))
            self._add(connection, "trial_system_attributes", _attributes(key, record.system))
            steps = [_step_row(key, *item) for item in record.intermediate.items()]
            self._add(connection, "trial_intermediate_values", steps)
            return key

    def update(
        self,
        key: int,
        system: Mapping[str, Any],
        *,
        state: str | None = None,
        values: tuple[float, ...] | None = None,
        metrics: Mapping[str, Metric] | None = None,
    ) -> None:
        with self._engine.begin() as connection:
            self._replace(connection, "trial_system_attributes", "trial_id", key, system)
            if metrics:
                self._replace(connection, "trial_user_attributes", "trial_id", key, metrics)
            self._add(connection, "trial_values", _value_rows(key, values))
            if state is not None:
                trials = self._table["trials"]
                ended = {"state": state, "datetime_complete": datetime.now()}
                connection.execute(trials.update().where(trials.c.trial_id == key), ended)

    def report(self, key: int, step: int, value: float) -> None:
        table = self._table["trial_intermediate_values"]
        with self._engine.begin() as connection:
            connection.execute(
                table.delete().where((table.c.trial_id == key) & (table.c.step == step))
            )
            connection.execute(table.insert(), _step_row(key, step, value))

    def beat(self, keys: Collection[int], count: int) -> None:
        with self._engine.begin() as connection:
            for key in keys:
                self._replace(
                    connection, "trial_system_attributes", "trial_id", key, {ALIVE: count}
                )

    def _add(self, connection: sa.Connection, name: str, rows: list[_Row]) -> None:
        if rows:
            connection.execute(self._table[name].insert(), rows)

    def _replace(
        self,
        connection: sa.Connection,
        name: str,
        owner: str,
        key: int | None,
        attributes: Mapping[str, Any],
    ) -> None:
        if not attributes:
            return
        table = self._table[name]
        connection.execute(
            table.delete().where((table.c[owner] == key) & table.c.key.in_(list(attributes)))
        )
        rows = [{owner: key, "key": k, "value_json": json.dumps(v)} for k, v in attributes.items()]
        connection.execute(table.insert(), rows)


def _text(value: Any) -> str:
    """The name of an enumerator, however the driver gives it."""
    return str(getattr(value, "name", value))


def _attributes(key: int, attributes: Mapping[str, Any]) -> list[_Row]:
    return [
        {"trial_id": key, "key": name, "value_json": json.dumps(value)}
        for name, value in attributes.items()
    ]


def _value_rows(key: int, values: Iterable[float] | None) -> list[_Row]:
    return [
        {"trial_id": key, "objective": number, "value": value, "value_type": "FINITE"}
        for number, value in enumerate(values or ())
    ]


def _step_row(key: int, step: int, value: float) -> _Row:
    kind = "FINITE"
    if not math.isfinite(value):
        kind = "NAN" if math.isnan(value) else "INF_POS" if value > 0 else "INF_NEG"
    return {
        "trial_id": key,
        "step": step,
        "intermediate_value": value if kind == "FINITE" else None,
        "intermediate_value_type": kind,
    }


def _read_number(value: float | None, kind: str) -> float:
    if kind == "FINITE":
        assert value is not None
        return value
    return {"NAN": math.nan, "INF_POS": math.inf, "INF_NEG": -math.inf}[kind]

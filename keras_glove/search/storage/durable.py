"""A store that outlives the process."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from optuna.study import StudyDirection

from keras_glove.errors import SearchError
from keras_glove.search.claims import Owner, is_gone
from keras_glove.search.storage.backend import Backend
from keras_glove.search.storage.columns import Column, cells, columns_of, texts_of
from keras_glove.search.storage.heartbeats import Heart, Watch
from keras_glove.search.storage.records import (
    ALIVE,
    BEGUN,
    STATES,
    Record,
    begun_attribute,
    ended_attributes,
    from_record,
    read_owner,
    to_record,
    values_of,
)
from keras_glove.search.store import TrialStore
from keras_glove.search.trial import Trial

if TYPE_CHECKING:
    from keras_glove.search.ledger import Ledger

FORMAT = 2
HEADER = "keras_glove:study"
STATE = "keras_glove:state:"
# Optuna's own: the names of the rewards, for its plots.
METRIC_NAMES = "study:metric_names"


class DurableStore(TrialStore):
    """Trials in one of Optuna's storages, and a copy of them here.

    Args:
        backend: reads and writes the study.
        patience_s: after which a silent process of another machine is taken for dead.
    """

    shared = True

    def __init__(self, backend: Backend, patience_s: float) -> None:
        super().__init__()
        self._backend = backend
        self._thread_lock = threading.RLock()
        self._depth = 0
        self._ledger: weakref.ref[Ledger] | None = None
        self._keys: list[int] = []  # of the trials, in the order of their numbers.
        self._mine: set[int] = set()  # keys of the trials that run through this store,
        self._elsewhere: dict[int, int] = {}  # and key to number of those that run elsewhere.
        self._columns: list[Column] | None = None
        self._watch = Watch(patience_s)
        self._heart = Heart(backend.beat, patience_s)
        weakref.finalize(self, _close, self._heart, backend)

    @contextmanager
    def lock(self) -> Iterator[None]:
        with self._thread_lock:
            if self._depth:
                yield
                return
            with self._backend.lock():
                self._depth = 1
                try:
                    yield
                finally:
                    self._depth = 0

    def close(self) -> None:
        _close(self._heart, self._backend)

    # --- the study -----------------------------------------------------------------

    def load_header(self) -> dict[str, Any] | None:
        attributes = self._backend.read_attributes()
        if attributes is None:
            return None
        header = attributes.get(HEADER)
        if header is None:
            raise SearchError(
                f"expected a study that keras_glove wrote, but {self._backend.name!r} is one of "
                "Optuna's own; use another name."
            )
        if header["format"] != FORMAT:
            raise SearchError(
                f"expected a study of format {FORMAT}, received format {header['format']!r}, which "
                "another version of keras_glove wrote; use that, or another name."
            )
        found: dict[str, Any] = header
        return found

    def save_header(self, header: Callable[[], dict[str, Any]]) -> None:
        facts = header()
        direction = facts["direction"]
        named = isinstance(direction, dict)
        attributes: dict[str, Any] = {HEADER: {"format": FORMAT, **facts}}
        if self._backend.read_attributes() is None:
            given = direction.values() if named else [direction]
            self._backend.create([StudyDirection[name.upper()] for name in given])
            if named:
                attributes[METRIC_NAMES] = list(direction)
        self._backend.write_attributes(attributes)

    def save_state(self, course: int, number: int, state: dict[str, Any]) -> None:
        self._backend.write_attributes({f"{STATE}{course}": {"number": number, "state": state}})

    def load_state(self, course: int) -> tuple[int, dict[str, Any]] | None:
        kept = (self._backend.read_attributes() or {}).get(f"{STATE}{course}")
        return None if kept is None else (kept["number"], kept["state"])

    # --- reading trials ------------------------------------------------------------

    def load(self, ledger: Ledger) -> list[Trial]:
        self._ledger = weakref.ref(ledger)
        with self.lock():
            for record in self._backend.read():
                self._take(ledger, record)
        return list(self)

    def refresh(self) -> list[Trial]:
        ledger = self._ledger() if self._ledger is not None else None
        if ledger is None:
            return []
        after = self._keys[-1] if self._keys else -1
        records = self._backend.read(after, list(self._elsewhere))
        changed = []
        for record in records:
            trial = self._take(ledger, record)
            if trial is not None:
                changed.append(trial)
        return changed

    def _take(self, ledger: Ledger, record: Record) -> Trial | None:
        """Brings a trial up to date; None if nothing changed that others have to notice."""
        assert record.key is not None
        owner = read_owner(record)
        self._watch.see(record.number, (owner, record.system.get(ALIVE)))
        if record.number == len(self._trials):
            self._keys.append(record.key)
            self._trials.append(from_record(ledger, record))
        elif record.state == STATES["running"] and owner == self._trials[record.number].owner:
            self._trials[record.number].see(record.intermediate)
            return None
        else:
            from_record(ledger, record, self._trials[record.number])
            self._mine.discard(record.key)
        trial = self._trials[record.number]
        self._sort(trial)
        return trial

    def _sort(self, trial: Trial) -> None:
        """Notes whom to watch, and for whom to give signs of life."""
        key = self._keys[trial.number]
        running = trial.state == "running"
        if not running:
            self._mine.discard(key)
            self._watch.forget(trial.number)
        if key in self._mine:
            self._heart.add(key)
        else:
            self._heart.remove(key)
        if running and key not in self._mine:
            self._elsewhere[key] = trial.number
        else:
            self._elsewhere.pop(key, None)

    def is_lost(self, trial: Trial) -> bool:
        if trial.owner is None:
            return True
        gone = is_gone(trial.owner)
        return self._watch.is_silent(trial.number) if gone is None else gone

    # --- writing trials ------------------------------------------------------------

    def add(self, trial: Trial) -> None:
        ledger = self._ledger() if self._ledger is not None else None
        if ledger is None or ledger.space is None:
            raise SearchError(
                "expected a study with a program, since it is kept with its decisions; give the "
                "study to `search` or `sample`."
            )
        if self._columns is None:
            self._columns = columns_of(ledger.space)
        record = to_record(trial)
        if len(self._columns) < len(ledger.space):
            record.metrics |= texts_of(ledger.space, trial.dna)
        key = self._backend.insert(record, cells(self._columns, trial.dna))
        self._keys.append(key)
        self._trials.append(trial)
        self._mine.add(key)
        self._sort(trial)

    def claim(self, trial: Trial) -> None:
        key = self._keys[trial.number]
        self._backend.update(key, {BEGUN: begun_attribute(trial)})
        if trial.owner is None:
            self._mine.discard(key)
        else:
            self._mine.add(key)
        self._sort(trial)

    def report(self, trial: Trial, step: int, value: float) -> None:
        with self.lock():
            if self._owns(trial):
                self._backend.report(self._keys[trial.number], step, value)

    def end(self, trial: Trial) -> bool:
        with self.lock():
            if not self._owns(trial):
                return False
            self._backend.update(
                self._keys[trial.number],
                ended_attributes(trial),
                state=STATES[trial.state],
                values=values_of(trial),
                metrics=trial.metrics,
            )
            self._sort(trial)
            return True

    def _owns(self, trial: Trial) -> bool:
        """Whether the trial still runs, and here; if not, it is read anew next time."""
        key = self._keys[trial.number]
        state, begun = self._backend.peek(key)
        owner = begun.get("owner")
        if state == STATES["running"] and owner is not None and Owner(*owner) == trial.owner:
            return True
        self._mine.discard(key)
        self._elsewhere[key] = trial.number
        return False


def _close(heart: Heart, backend: Backend) -> None:
    heart.close()
    backend.close()

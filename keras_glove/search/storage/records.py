"""A trial as Optuna keeps it, and as we do."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from keras_glove.errors import SearchError
from keras_glove.search.claims import Owner
from keras_glove.search.results import Metric
from keras_glove.search.storage.columns import without_texts
from keras_glove.search.trial import State, Trial

if TYPE_CHECKING:
    from keras_glove.search.ledger import Ledger

#: The name of each of our states in Optuna.
STATES: dict[State, str] = {
    "running": "RUNNING",
    "complete": "COMPLETE",
    "failed": "FAIL",
    "pruned": "PRUNED",
}
_OURS = {name: state for state, name in STATES.items()}

# System attributes of a trial. What is written once while it runs stands apart from what is
# written at its end; "constraints" is Optuna's own, whose plots tell feasible trials by it.
BEGUN = "keras_glove:begun"
ENDED = "keras_glove:ended"
ALIVE = "keras_glove:alive"
CONSTRAINTS = "constraints"


@dataclass(slots=True)
class Record:
    """One trial in a storage.

    Attributes:
        key: the storage's own number of it; None before it is kept.
        number: among the trials of its study.
        state: as Optuna calls it.
        values: the rewards; None unless complete.
        metrics: its user attributes.
        system: its system attributes.
        intermediate: reported values by step.
        begun, ended: local times.
    """

    key: int | None
    number: int
    state: str
    values: tuple[float, ...] | None = None
    metrics: dict[str, Metric] = field(default_factory=dict)
    system: dict[str, Any] = field(default_factory=dict)
    intermediate: dict[int, float] = field(default_factory=dict)
    begun: datetime | None = None
    ended: datetime | None = None


def begun_attribute(trial: Trial) -> dict[str, Any]:
    """What is kept of a trial when it begins, and changes when it begins again."""
    return {
        "dna": str(trial.dna),
        "seed": trial.seed,
        "how": trial.how,
        "parents": list(trial.parents),
        "course": trial.course,
        "told": None if trial.told is None else list(trial.told),
        "environment": trial.environment,
        "attempt": trial.attempt,
        "owner": None if trial.owner is None else list(trial.owner),
    }


def ended_attributes(trial: Trial) -> dict[str, Any]:
    """What is kept of a trial when it ends, beside its rewards and metrics."""
    ended = {"duration_s": trial.duration_s, "error": trial.error, "traceback": trial.traceback}
    if not trial.constraints:
        return {ENDED: ended}
    names = list(trial.constraints)
    values = list(trial.constraints.values())
    return {ENDED: {**ended, "constraints": names}, CONSTRAINTS: values}


def values_of(trial: Trial) -> tuple[float, ...] | None:
    """The rewards of a trial as a tuple; None unless it is complete."""
    value = trial.value
    return value if value is None or isinstance(value, tuple) else (value,)


def to_record(trial: Trial) -> Record:
    """All of a trial."""
    system = {BEGUN: begun_attribute(trial)}
    if trial.state != "running":
        system |= ended_attributes(trial)
    return Record(
        None,
        trial.number,
        STATES[trial.state],
        values_of(trial),
        dict(trial.metrics),
        system,
        dict(trial.intermediate),
        begun=datetime.now(),
        ended=None if trial.state == "running" else datetime.now(),
    )


def read_owner(record: Record) -> Owner | None:
    """Who runs the trial of a record."""
    owner = record.system.get(BEGUN, {}).get("owner")
    return None if owner is None else Owner(*owner)


def from_record(ledger: Ledger, record: Record, trial: Trial | None = None) -> Trial:
    """The trial of a record; `trial` itself, brought up to date, if it is given.

    Raises:
        SearchError: if keras_glove did not write it.
    """
    try:
        begun = record.system[BEGUN]
        row = {
            **begun,
            "number": record.number,
            "state": _OURS[record.state],
            "rewards": dict(zip(ledger.names, record.values or (), strict=False)),
            "metrics": without_texts(ledger.space, record.metrics),
            "intermediate": record.intermediate,
            **{"duration_s": None, "error": None, "traceback": None},
            **record.system.get(ENDED, {}),
        }
        numbers = record.system.get(CONSTRAINTS, [])
        names = row.get("constraints", range(len(numbers)))
        row["constraints"] = dict(zip(map(str, names), numbers, strict=False))
    except KeyError as error:
        raise SearchError(
            f"expected trials that keras_glove wrote, but trial {record.number} lacks {error}; "
            "use a study of another name, or another storage."
        ) from error
    read = Trial.from_dict(ledger, row)
    read.owner = read_owner(record)
    if trial is None:
        return read
    trial.take(read)
    return trial

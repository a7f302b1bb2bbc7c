"""The record of a search, its views and its JSON form."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from rich.console import Console

from keras_glove.algorithms import Random, Sweep
from keras_glove.errors import AlgorithmError, FeedbackError, SearchError, SerializationError
from keras_glove.hyper import DNA, constrain, intv, oneof, satisfies
from keras_glove.search import MedianPruner, Study, Trial, search
from keras_glove.search.results import Result

SPACE = {"op": oneof([{"conv": oneof([8, 16], name="filters")}, "skip"], name="op")}


def objective(child: Any, trial: Trial) -> Any:
    trial.report(0, float("nan"))
    trial.report(1, 0.25)
    if child["op"] == {"conv": 16}:
        raise ValueError("[bold]too[/bold] wide")
    return {"reward": 0.5 if child["op"] == "skip" else 0.75, "parameters": 10}


@pytest.fixture
def study() -> Study:
    return search(SPACE, objective, Sweep(), study=Study("ops", seed=4), progress=False)


def test_rows_leave_out_what_is_inactive(study: Study) -> None:
    rows = study.rows()
    assert [row["state"] for row in rows] == ["complete", "failed", "complete"]
    assert [set(row["decisions"]) for row in rows] == [
        {"op", "filters"}, {"op", "filters"}, {"op"},
    ]  # fmt: skip
    assert rows[0]["decisions"]["filters"] == 8
    assert rows[0]["metrics"] == {"parameters": 10}


def test_top_takes_the_earliest_of_equals() -> None:
    study = search(oneof([3, 1, -3, 2]), abs, Sweep(), progress=False)
    assert [trial.number for trial in study.top(3)] == [0, 2, 3]
    assert study.best_trial.number == 0
    assert study.top(0) == []
    assert len(study.top(99)) == 4


def test_table_shows_decisions_metrics_and_errors(study: Study) -> None:
    text = rendered(study.table())
    for word in ("ops", "filters", "16", "parameters", "0.75", "[bold]too[/bold] wide"):
        assert word in text
    assert rendered(study.table(top=1)).count("complete") == 1


def rendered(table: Any) -> str:
    console = Console(file=io.StringIO(), width=160)
    console.print(table)
    return console.file.getvalue()


def test_repr(study: Study) -> None:
    assert repr(study) == (
        "Study('ops', direction='maximize', trials=3, complete=2, failed=1, best_value=0.75)"
    )
    assert repr(study.trials[0]) == "Trial(0, reward=0.75, dna='0,0')"
    assert repr(study.trials[1]) == "Trial(1, state='failed', dna='0,1')"


def test_json_round_trip(study: Study) -> None:
    written = json.loads(json.dumps(study.to_dict(), allow_nan=False))
    loaded = Study.from_dict(written)
    assert loaded.to_dict() == study.to_dict()
    assert loaded.best_trial.number == 0
    assert loaded.space == study.space
    with pytest.raises(SearchError, match="materialize"):
        loaded.best_program  # noqa: B018
    search(SPACE, objective, Random(), 4, study=loaded, progress=False)
    assert loaded.best_program == {"op": {"conv": 8}}
    assert len(loaded.trials) == 4


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data.pop("trials"),
        lambda data: data.update(direction="up"),
        lambda data: data.update(seed=-1),
        lambda data: data.update(space={}),
        lambda data: data["trials"][0].update(dna="9,9"),
        lambda data: data["trials"][0].update(state="happy"),
        lambda data: data["trials"][0].update(rewards={}),
        lambda data: data["trials"][0].update(rewards={"loss": 0.5}),
        lambda data: data["trials"][1].update(rewards={"reward": 0.5}),
        lambda data: data["trials"][0].update(number=1),
        lambda data: data["trials"].append(3),
    ],
)
def test_damaged_json(study: Study, damage: Any) -> None:
    data = study.to_dict()
    damage(data)
    with pytest.raises(SerializationError):
        Study.from_dict(data)


@pytest.mark.parametrize("data", [None, 3, [], {}])
def test_json_of_something_else(data: Any) -> None:
    with pytest.raises(SerializationError):
        Study.from_dict(data)


def test_an_empty_study() -> None:
    study = Study()
    assert study.trials == study.rows() == study.top(3) == []
    assert study.best_or_none is None
    with pytest.raises(SearchError, match="0 trials"):
        study.best_value  # noqa: B018
    assert 0 <= study.seed < 2**31
    assert Study.from_dict(study.to_dict()).seed == study.seed


def test_a_trial_ends_once(study: Study) -> None:
    for end in (lambda t: study.complete(t, Result(9.0)), lambda t: study.prune(t, "late")):
        with pytest.raises(FeedbackError, match="trial 0 already ended"):
            end(study.trials[0])
    assert study.trials[0].reward == 0.75


@pytest.mark.parametrize(
    ("step", "value", "error"),
    [(-1, 0.5, SearchError), (0.5, 0.5, SearchError), (True, 0.5, SearchError)]
    + [(0, value, ValueError) for value in ("0.5", None, [0.5], False)],
)
def test_bad_report(step: Any, value: Any, error: type[Exception]) -> None:
    trial = Study().start(DNA([0])).trial
    with pytest.raises(error):
        trial.report(step, value)
    assert trial.intermediate == {}


def test_report_after_the_end(study: Study) -> None:
    with pytest.raises(SearchError, match="complete"):
        study.trials[0].report(2, 0.5)


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"direction": "max"}, SearchError),
        ({"direction": {}}, SearchError),
        ({"direction": {"accuracy": "up"}}, SearchError),
        ({"seed": -1}, AlgorithmError),
        ({"seed": "x"}, AlgorithmError),
        ({"pruner": MedianPruner}, AlgorithmError),
    ],
    ids=str,
)
def test_bad_settings(settings: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        Study(**settings)


def test_a_failed_trial_keeps_the_notes_of_its_error() -> None:
    error = ValueError("bad")
    error.__notes__ = ["while building `model.blocks[2]`"]  # as add_note does from 3.11 on.
    study = Study()
    trial = study.start(DNA([0])).trial
    study.fail(trial, error)
    assert trial.error == "ValueError: bad\nwhile building `model.blocks[2]`"


def test_a_study_in_memory_takes_constraints_that_have_no_name() -> None:
    space = constrain({"x": intv(0, 9)}, satisfies(lambda decisions: decisions["x"] < 5))
    study = search(space, lambda child: float(child["x"]), Random(), 30, seed=0, progress=False)
    assert study.best_value == 4.0

"""What a study with a storage keeps, and what reads it."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest

from keras_glove.algorithms import NSGA2, HillClimb, Random, RegularizedEvolution, Sweep
from keras_glove.errors import SearchError, SpaceError, TrialPruned
from keras_glove.hyper import evolve, floatv, insert, intv, manyof, oneof
from keras_glove.search import Study, Trial, sample, search

SPACE = {
    "op": oneof([{"conv": oneof([8, 16], name="filters")}, "skip", None], name="op"),
    "rate": floatv(1e-4, 1.0, scale="log", name="rate"),
    "units": intv(2, 8, step=2, name="units"),
    "more": manyof(2, ["a", "b", True, 1], name="more"),
}


def objective(child: Any, trial: Trial) -> Any:
    trial.report(0, math.nan)
    trial.report(1, math.inf)
    trial.report(2, 0.25)
    if trial.number == 1:
        raise ValueError("too wide")
    if trial.number == 2:
        raise TrialPruned("slow")
    return {"reward": child["rate"], "cost": 12.0, "ms": [1, 2.5], "constraints": {"MB": -1.0}}


def filled(storage: Any, count: int = 6) -> Study:
    study = Study("cells", storage, seed=4)
    return search(SPACE, objective, Random(), count, study=study, progress=False)


def test_keeps_all_of_every_trial(storage: str) -> None:
    with_rows = filled(storage)
    rows = with_rows.rows()
    versions, lineage = (
        [getattr(t, name) for t in with_rows.trials] for name in ("versions", "lineage")
    )
    with_rows.close()
    loaded = Study("cells", storage)
    assert repr(loaded.rows()) == repr(rows)  # which NaN equals.
    assert [trial.versions for trial in loaded.trials] == versions
    assert "keras_glove" in versions[0]
    assert [trial.lineage for trial in loaded.trials] == lineage
    assert lineage[0] == {
        "algorithm": "Random(seed=None)", "how": "random", "parents": [], "told": [],
    }  # fmt: skip
    assert lineage[3]["told"] == [2]
    assert [trial.state for trial in loaded.trials] == [
        "complete", "failed", "pruned", "complete", "complete", "complete",
    ]  # fmt: skip
    assert "ValueError: too wide" in loaded.trials[1].traceback
    assert loaded.trials[0].cost == 12.0
    assert loaded.trials[0].constraints == {"MB": -1.0}
    assert (loaded.seed, loaded.direction, loaded.best_value) == (
        4,
        "maximize",
        with_rows.best_value,
    )
    assert loaded.space == with_rows.space
    loaded.close()


def test_optuna_reads_it(storage: str) -> None:
    study = filled(storage)
    mine = study.trials[0]
    with theirs_of(storage, "cells") as theirs:
        trial = theirs.trials[0]
        assert set(trial.params) == set(mine.decisions)
        assert trial.params["rate"] == mine.decisions["rate"]
        assert trial.params["units"] == mine.decisions["units"]
        assert trial.value == mine.reward
        assert trial.user_attrs == {"cost": 12.0, "ms": [1, 2.5]}
        assert trial.intermediate_values[2] == 0.25
        assert [t.state.name for t in theirs.trials[:3]] == ["COMPLETE", "FAIL", "PRUNED"]
        assert theirs.best_trial.number == study.best_trial.number
        assert optuna.importance.get_param_importances(theirs, params=["rate", "units"])
    study.close()


def test_optunas_plots_show_it(tmp_path: Path) -> None:
    filled(tmp_path / "x.db").close()
    with theirs_of(tmp_path / "x.db", "cells") as theirs, warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        from optuna.visualization import matplotlib as plots

        axes = plots.plot_slice(theirs, params=["rate", "units"])
        assert [a.get_xlabel() for a in axes] == ["rate", "units"]
        plots.plot_optimization_history(theirs)
        plots.plot_intermediate_values(theirs)


@contextlib.contextmanager
def theirs_of(storage: Any, name: str) -> Iterator[optuna.Study]:
    """The study as Optuna opens it."""
    if str(storage).endswith(".journal"):
        backend = optuna.storages.journal.JournalFileBackend(str(storage))
        yield optuna.load_study(study_name=name, storage=optuna.storages.JournalStorage(backend))
        return
    url = f"sqlite:///{storage}" if str(storage).endswith(".db") else str(storage)
    database = optuna.storages.RDBStorage(url.replace("postgresql:", "postgresql+psycopg:"))
    yield optuna.load_study(study_name=name, storage=database)
    database.remove_session()
    database.engine.dispose()


def test_several_rewards(storage: str) -> None:
    directions = {"accuracy": "maximize", "ms": "minimize"}
    study = Study("two", storage, direction=directions, seed=0)
    for child, feedback in sample(SPACE, NSGA2(4), 12, study=study):
        feedback(
            {"accuracy": child["rate"], "ms": child["units"], "constraints": [child["units"] - 6]}
        )
    front = [trial.number for trial in study.pareto()]
    study.close()
    loaded = Study("two", storage)
    assert loaded.directions == ("maximize", "minimize")
    assert [trial.number for trial in loaded.pareto()] == front
    assert all(trial.violation == 0 for trial in loaded.pareto())
    with theirs_of(storage, "two") as theirs:
        assert theirs.metric_names == ["accuracy", "ms"]
        best = {tuple(trial.values) for trial in theirs.best_trials}  # equal ones, too.
        assert best == {trial.value for trial in loaded.pareto()}
    loaded.close()


def test_a_storage_of_optuna() -> None:
    storage = optuna.storages.InMemoryStorage()
    filled(storage)
    assert len(Study("cells", storage).trials) == 6


# --- settings -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"direction": "minimize"}, "direction"),
        ({"seed": 5}, "seed"),
        ({"direction": {"a": "minimize"}}, "direction"),
    ],
)
def test_settings_of_another_study(tmp_path: Path, settings: Any, message: str) -> None:
    filled(tmp_path / "x.db").close()
    with pytest.raises(SearchError, match=f"expected no {message}"):
        Study("cells", tmp_path / "x.db", **settings)


def test_a_changed_space_says_what_differs(storage: str) -> None:
    filled(storage).close()
    changed = {
        **SPACE,
        "units": intv(2, 16, step=2, name="units"),
        "new": oneof([1, 2], name="new"),
    }
    del changed["rate"]
    study = Study("cells", storage)
    with pytest.raises(
        SpaceError, match="'rate' is gone; 'new' is new; 'units' had high 8, now 16"
    ):
        sample(changed, Random(), study=study)
    study.close()


@pytest.mark.parametrize(
    ("storage", "message"),
    [
        ("x.txt", "'.db'"),
        (3, "a path, a URL"),
        ("postgresql://nobody@localhost:1/none", "cannot be opened|can be opened"),
        ("sqlite://", "a file for SQLite|a name"),
        ("oracle://x", "can be opened"),
    ],
)
def test_bad_storages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, storage: Any, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SearchError, match=message):
        Study("cells", storage)


def test_a_study_of_optunas_own(tmp_path: Path) -> None:
    optuna.create_study(study_name="theirs", storage=f"sqlite:///{tmp_path / 'x.db'}")
    with pytest.raises(SearchError, match="Optuna's own"):
        Study("theirs", tmp_path / "x.db")


def test_names(tmp_path: Path) -> None:
    with pytest.raises(SearchError, match="a name beside this storage"):
        Study(storage="postgresql://localhost/x")
    study = Study(storage=tmp_path / "runs" / "cells.db")
    assert study.name == "cells"
    study.close()
    with pytest.raises(SearchError, match="a study named 'other'"):
        Study.load("other", tmp_path / "runs" / "cells.db")
    loaded = Study.load(None, tmp_path / "runs" / "cells.db")
    assert loaded.name == "cells"
    loaded.close()
    with pytest.raises(SearchError, match="no file"):
        Study.load(None, tmp_path / "none.db")


def test_a_trial_needs_a_space(tmp_path: Path) -> None:
    from keras_glove.hyper import DNA

    study = Study("cells", tmp_path / "x.db")
    with pytest.raises(SearchError, match="with a program"):
        study.start(DNA([0]))
    study.close()


# --- another program ----------------------------------------------------------------


def test_adapt(storage: str) -> None:
    old = Study("old", storage, seed=3)
    program = {"width": oneof([8, 16, 32]), "bias": oneof([True, False]), "rate": floatv(0.0, 1.0)}
    search(
        program, lambda c: {"reward": c["width"], "ms": 1}, Random(), 30, study=old, progress=False
    )
    new_program = {
        "width": oneof([16, 32, 64]),
        "op": oneof(["conv", "pool"]),
        "rate": floatv(0.2, 2.0),
    }
    new = old.adapt(new_program, "new", storage, added={"op": "conv"}, removed={"bias": True})
    expected = [
        t for t in old.trials
        if t.decisions["width"] != 8 and t.decisions["bias"] is True and t.decisions["rate"] >= 0.2
    ]  # fmt: skip
    assert [t.reward for t in new.trials] == [t.reward for t in expected]
    assert len(expected) > 3
    assert [t.lineage for t in new.trials] == [
        {"study": "old", "number": t.number} for t in expected
    ]
    assert [t.seed for t in new.trials] == [t.seed for t in expected]
    first = {key: value for key, value in expected[0].decisions.items() if key != "bias"}
    assert new.trials[0].decisions == {**first, "op": "conv"}
    algorithm = RegularizedEvolution(4, 2)
    search(new_program, lambda c: 1.0, algorithm, len(expected) + 3, study=new, progress=False)
    told = new.trials[len(expected)].lineage["told"]
    assert told == list(range(len(expected)))
    old.close()
    new.close()


@pytest.mark.parametrize("argument", ["added", "removed"])
def test_adapt_checks_names(argument: str) -> None:
    study = search({"x": oneof([1, 2])}, lambda c: 1.0, Sweep(), progress=False)
    with pytest.raises(SearchError, match=f"`{argument}` .*'x'"):
        study.adapt({"x": oneof([1, 2, 3])}, **{argument: {"x": 1}})


def test_adapt_keeps_what_is_inactive() -> None:
    before = {"op": oneof([{"conv": oneof([1, 2], name="n")}, "skip"], name="op")}
    after = {"op": oneof(["skip", "pool"], name="op")}
    study = search(before, lambda c: 1.0, Sweep(), progress=False)
    assert [t.decisions for t in study.adapt(after).trials] == [{"op": "skip"}]
    # The reading of a candidate is its name: the other candidate with the same is another.
    assert len(study.adapt(before).trials) == 3


def test_decisions_of_the_users_own_kind(storage: str) -> None:
    program = {"rule": evolve([1, 2], [insert([3, 4, 5])], name="rule"), "width": oneof([8, 16])}

    def judge(child: Any) -> Any:
        return {"reward": len(child["rule"]), "decisions.other": 2}

    alone = search(program, judge, HillClimb(5), 20, seed=3, progress=False)
    for trials in (7, 20):
        study = Study("s", storage, seed=3)
        search(program, judge, HillClimb(5), trials, study=study, progress=False)
        study.close()
    study = Study("s", storage)
    assert [t.dna for t in study.trials] == [t.dna for t in alone.trials]
    assert [t.decisions for t in study.trials] == [t.decisions for t in alone.trials]
    assert dict(study.trials[-1].metrics) == {"decisions.other": 2}
    with theirs_of(storage, "s") as theirs:
        for ours, read in zip(study.trials, theirs.trials, strict=True):
            assert read.user_attrs["decisions.rule"] == ours.decisions["rule"]
            assert set(read.params) == {"width"}
    wider = {**program, "width": oneof([8, 16, 32])}
    adapted = study.adapt(wider)
    assert [t.decisions for t in adapted.trials] == [t.decisions for t in study.trials]
    study.close()

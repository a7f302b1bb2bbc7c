"""Which trials a trial was made of."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from keras_glove.algorithms import (
    NSGA2,
    Algorithm,
    Bananas,
    Dedup,
    Evolution,
    HillClimb,
    Individual,
    LocalSearch,
    Mix,
    Newest,
    Operator,
    Random,
    RegularizedEvolution,
    Top,
    Until,
)
from keras_glove.command_line import main
from keras_glove.hyper import DNA, intv, oneof
from keras_glove.search import Study, search
from tests.naming import named

SPACE = [*(oneof(list(range(6)), name=f"x{n}") for n in range(5)), intv(1, 9, name="n")]


def total(child: Any) -> float:
    return float(sum(child))


def run(algorithm: Algorithm, trials: int = 60, **settings: Any) -> Study:
    return search(SPACE, total, algorithm, trials, progress=False, seed=1, **settings)


def differences(a: DNA, b: DNA) -> int:
    return sum(x != y for x, y in zip(a.values, b.values, strict=True))


@pytest.mark.parametrize(
    ("algorithm", "words", "most_parents"),
    [
        (Random(), {"random"}, 0),
        (Random().seed([{"x0": 3}]), {"random", "seeded"}, 0),
        (RegularizedEvolution(10, 3), {"random", "mutation"}, 1),
        (NSGA2(10), {"random", "mutation", "crossover+mutation"}, 2),
        (HillClimb(10), {"random", "mutation"}, 1),
        (LocalSearch(4), {"random", "neighbour"}, 1),
        (Bananas(10, predictor="trees"), {"random", "mutation"}, 1),
        (Evolution(Top(1), Newest(5), 4), {"random", "copy"}, 1),
        (Dedup(RegularizedEvolution(10, 3)), {"random", "mutation"}, 1),
        (Until(RegularizedEvolution(10, 3), trials=60), {"random", "mutation"}, 1),
        (Mix({NSGA2(10): 3, Random(): 1}), {"random", "mutation", "crossover+mutation"}, 2),
    ],
    ids=named,
)
def test_parents_are_trials_that_ended(
    algorithm: Algorithm, words: set[str], most_parents: int
) -> None:
    study = run(algorithm)
    assert {trial.how for trial in study.trials} == words
    assert max(len(trial.parents) for trial in study.trials) == most_parents
    for trial in study.trials:
        assert bool(trial.parents) == (trial.how not in ("random", "seeded"))
        for number in trial.parents:
            parent = study.trials[number]
            assert number < trial.number and parent.state == "complete"
            if trial.how in ("mutation", "neighbour") and not isinstance(algorithm, NSGA2 | Mix):
                assert differences(parent.dna, trial.dna) == 1
            if trial.how == "copy":
                assert parent.dna == trial.dna


def test_a_crossover_takes_each_value_from_a_parent() -> None:
    class Untouched(Operator):
        def _apply(self, population: Any, space: Any, rng: Any) -> list[Individual]:
            return list(population)

    study = run(NSGA2(10, mutator=Untouched()))
    crossed = [trial for trial in study.trials if trial.how == "crossover"]
    assert crossed
    for trial in crossed:
        parents = [study.trials[number].dna.values for number in trial.parents]
        assert all(value in pair for value, *pair in zip(trial.dna.values, *parents, strict=True))


def test_operators_that_do_not_tell_leave_it_open() -> None:
    class Fresh(Operator):
        def _apply(self, population: Any, space: Any, rng: Any) -> list[Individual]:
            return [Individual(space.random(rng))]

    study = run(Evolution(Fresh(), Newest(5), 4), 10)
    assert [(t.how, t.parents) for t in study.trials[4:]] == [("evolution", ())] * 6


@pytest.mark.parametrize(
    "make",
    [
        lambda: NSGA2(6),
        lambda: Bananas(6, predictor="trees"),
        lambda: LocalSearch(4),
        lambda: HillClimb(5),
    ],
)
def test_kept_and_gone_on_with(make: Any, storage: str) -> None:
    whole = run(make(), 40)
    for trials in (3, 17, 40):
        study = Study("s", storage, seed=1)
        search(SPACE, total, make(), trials, study=study, progress=False)
        study.close()
    study = Study("s", storage)
    assert [t.lineage for t in study.trials] == [t.lineage for t in whole.trials]
    assert any(trial.parents for trial in study.trials)
    study.close()


def test_from_a_kept_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from keras_glove.search import course

    whole = run(NSGA2(6), 40)
    monkeypatch.setattr(course, "STATE_AFTER_S", 0.0)
    monkeypatch.setattr(course, "_STATE_FACTOR", 0.0)
    for trials in (10, 17, 40):
        study = Study("s", tmp_path / "x.db", seed=1)
        search(SPACE, total, NSGA2(6), trials, study=study, progress=False)
        study.close()
    study = Study("s", tmp_path / "x.db")
    assert [t.lineage for t in study.trials] == [t.lineage for t in whole.trials]
    study.close()


def test_shown_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "x.db")
    study = Study("s", path, seed=1)
    search(SPACE, total, NSGA2(6), 40, study=study, progress=False)
    child = next(trial for trial in study.trials if len(trial.parents) == 2)
    study.close()
    assert main(["study", "show", path, "--trial", str(child.number), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["lineage"]["parents"] == list(child.parents)
    assert shown["lineage"]["how"] == child.how == "crossover+mutation"
    assert main(["study", "show", path, "--trial", str(child.number)]) == 0
    assert "crossover+mutation" in capsys.readouterr().out
    assert main(["study", "export", path]) == 0
    row = list(csv.DictReader(capsys.readouterr().out.splitlines()))[child.number]
    assert (row["how"], row["parents"]) == (child.how, " ".join(map(str, child.parents)))
    assert main(["study", "export", path, "--json"]) == 0
    read = Study.from_dict(json.loads(capsys.readouterr().out))
    assert read.trials[child.number].lineage == child.lineage


def test_adapted_trials_keep_their_parents() -> None:
    study = run(RegularizedEvolution(5, 2), 30)
    new = study.adapt([*(oneof(list(range(1, 6)), name=f"x{n}") for n in range(5)), SPACE[-1]])
    taken = [trial.lineage["number"] for trial in new.trials]
    assert 0 < len(taken) < 30
    for number, trial in zip(taken, new.trials, strict=True):
        kept = [parent for parent in study.trials[number].parents if parent in taken]
        assert [taken[parent] for parent in trial.parents] == kept

"""The files of trials, and whose are kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from keras_glove.algorithms import NSGA2, Random, Sweep
from keras_glove.errors import AlgorithmError, SearchError
from keras_glove.hyper import intv, oneof
from keras_glove.search import Study, Trial, sample, save_child, search
from keras_glove.symbolic import program, symbolize


@symbolize
class Child:
    def __init__(self, width: int) -> None:
        self.width = width


@save_child.register
def _(child: Child, folder: Path) -> None:
    if child.width == 6:
        raise OSError("disk full")
    (folder / "child.txt").write_text(str(child.width))


SPACE = program(Child, oneof([1, 5, 2, 4, 3]))


def objective(child: Child, trial: Trial) -> float:
    (trial.folder / "log.txt").write_text("begun")
    if child.width == 2:
        raise ValueError("two")
    return float(child.width)


def kept(study: Study) -> dict[int, list[str]]:
    return {t.number: [path.name for path in t.files] for t in study.trials if t.files}


@pytest.mark.parametrize(
    ("keep", "direction", "numbers"),
    [
        (3, "maximize", [1, 3, 4]),
        (2, "minimize", [0, 4]),
        (0, "maximize", []),
        (1, "maximize", [1]),
        (None, "maximize", [0, 1, 2, 3, 4]),
    ],
)
def test_the_best_keep_their_files(tmp_path: Path, keep: Any, direction: Any, numbers: Any) -> None:
    study = Study("s", files=tmp_path, keep=keep, direction=direction)
    search(SPACE, objective, Sweep(), study=study, progress=False)
    complete = ["child.txt", "log.txt", "program.json"]
    assert kept(study) == {n: complete if n != 2 else ["log.txt"] for n in numbers}
    if 1 in numbers:
        folder = tmp_path / "s" / "trial-00001"
        assert (folder / "child.txt").read_text() == "5"
        assert json.loads((folder / "program.json").read_text())["version"] == 1


def test_going_on_keeps_to_the_rule(tmp_path: Path) -> None:
    for total in (2, 4, 5):
        study = Study("s", tmp_path / "x.db", keep=2)
        search(SPACE, objective, Sweep(), total, study=study, progress=False)
        study.close()
    study = Study("s", tmp_path / "x.db")
    assert list(kept(study)) == [1, 3]
    assert study.trials[1].files[0].parent == tmp_path / "x.db.files" / "s" / "trial-00001"
    study.close()


def test_who_only_reads_removes_nothing(tmp_path: Path) -> None:
    study = Study("s", tmp_path / "x.db", keep=None)
    search(SPACE, objective, Sweep(), study=study, progress=False)
    study.close()
    study = Study("s", tmp_path / "x.db")  # keeps three.
    assert len(kept(study)) == 5
    study.close()
    search(SPACE, objective, Sweep(), study=study, progress=False)
    assert len(kept(study)) == 3


def test_the_front_keeps_its_files(tmp_path: Path) -> None:
    directions = {"a": "maximize", "b": "minimize"}
    study = Study("s", files=tmp_path, keep=1, direction=directions, seed=0)

    def judged(child: Child, trial: Trial) -> Any:
        return {"a": child.width, "b": child.width % 3}

    search(SPACE, judged, NSGA2(4), 8, study=study, progress=False)
    assert sorted(kept(study)) == sorted(trial.number for trial in study.pareto())


def test_children_that_broke_a_constraint_are_not_kept(tmp_path: Path) -> None:
    study = Study("s", files=tmp_path, keep=2)

    def judged(child: Child) -> Any:
        return {"reward": child.width, "constraints": [child.width - 3]}

    search(SPACE, judged, Sweep(), study=study, progress=False)
    assert [study.trials[n].decisions for n in kept(study)] == [{"width": 2}, {"width": 3}]
    assert study.best_value == 3.0


def test_a_child_that_cannot_be_saved(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    study = Study("s", files=tmp_path)
    space = program(Child, intv(5, 6))
    search(space, lambda child: child.width, Sweep(), study=study, progress=False)
    assert [trial.state for trial in study.trials] == ["complete"] * 2
    assert "trial 1 could not be saved: OSError('disk full')" in caplog.text


def test_children_of_a_loop_are_the_users_to_save(tmp_path: Path) -> None:
    study = Study("s", files=tmp_path, keep=1)
    for child, feedback in sample(SPACE, Sweep(), study=study):
        (feedback.trial.folder / "mine.txt").write_text(str(child.width))
        feedback(float(child.width))
    assert kept(study) == {1: ["mine.txt"]}


def test_an_attempt_that_was_broken_off_leaves_nothing(tmp_path: Path) -> None:
    study = Study("s", files=tmp_path)
    for _, feedback in sample(SPACE, Sweep(), study=study):
        (feedback.trial.folder / "half.txt").write_text("")
        break
    del feedback
    assert kept(study) == {0: ["half.txt"]}
    next(iter(sample(SPACE, Sweep(), study=study)))
    assert kept(study) == {}


def test_no_files_without_a_folder(tmp_path: Path) -> None:
    study = Study()
    claim = study.start(next(iter(sample(SPACE, Random()).study.space or [])))
    with pytest.raises(SearchError, match="files='runs'"):
        claim.trial.folder  # noqa: B018
    assert claim.trial.files == []
    study = Study("s", tmp_path / "x.db", files=False)
    assert study.files.root is None
    study.close()


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"files": True}, SearchError),
        ({"keep": -1}, AlgorithmError),
        ({"keep": 1.5}, AlgorithmError),
    ],
    ids=str,
)
def test_bad_settings(settings: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        Study(**settings)


def test_names_of_studies_as_folders(tmp_path: Path) -> None:
    root = Study("../a/b: c", files=tmp_path).files.root
    assert root is not None
    assert root.parent == tmp_path
    assert root.name == "_a_b_ c"


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras.
def test_a_keras_child_loads_where_there_is_only_keras(tmp_path: Path) -> None:
    import keras
    import numpy as np

    import keras_glove as kg

    x = np.linspace(-1, 1, 32, dtype="float32")[:, None]
    net = kg.program(network, units=oneof([2, 4]))
    fit = kg.FitObjective(
        (x, x), validation_data=(x, x), monitor="val_loss", compile={"loss": "mse"}
    )
    study = Study("s", tmp_path / "x.db", seed=0)
    search(net, fit, Sweep(), study=study, progress=False)
    best = study.best_trial
    loaded = keras.saving.load_model(best.folder / "child.keras")
    loss = float(np.mean((loaded.predict(x, verbose=0) - x) ** 2))
    assert loss == pytest.approx(-best.reward)
    assert best.versions["keras"] == keras.__version__
    study.close()


@symbolize
def network(units: int) -> Any:
    import keras

    return keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(units, "relu"), keras.layers.Dense(1)]
    )

"""A search that was killed goes on as if it had not been; warnings; reports."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import keras_glove as kg
from keras_glove import SearchCallback, layers
from keras_glove.callbacks import guards
from keras_glove.callbacks.comparing import kendall_tau
from keras_glove.callbacks.costs import Cost
from keras_glove.callbacks.records import SearchFiles
from keras_glove.errors import TrainingError
from keras_glove.weight_sharing.policies import Reinforce, UniformSampling
from tests.callbacks.searching import data, supernet

X, Y = data()


def run(epochs: int, directory: Path | None, policy: Any = None, **arguments: Any) -> Any:
    """A search of a new model by new objects, as a new process would make them."""
    model = supernet(metrics=["mse"])
    search = SearchCallback(
        Reinforce(0.05) if policy is None else policy,
        cost="parameters",
        target=15,
        directory=directory,
        trials=4,
    )
    callbacks = [search, *arguments.pop("callbacks", [])]
    model.fit(X, Y, epochs=epochs, batch_size=16, verbose=0, shuffle=False,
              callbacks=callbacks, **arguments)  # fmt: skip
    return model, search


class Stop(keras.callbacks.Callback):
    """Ends the process in the third epoch, as far as a test can."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if int(self.model.optimizer.iterations) > 2 * 4 + 1:
            raise KeyboardInterrupt


def test_stopped_and_resumed_is_the_same_as_never_stopped(tmp_path: Path) -> None:
    whole_model, whole = run(4, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(4, tmp_path / "stopped", callbacks=[Stop()])
    model, search = run(4, tmp_path / "stopped")
    assert search.history == whole.history
    assert search.probabilities == whole.probabilities
    assert search.best_dna == whole.best_dna
    for mine, theirs in zip(model.variables, whole_model.variables, strict=True):
        np.testing.assert_array_equal(np.asarray(mine), np.asarray(theirs))
    documents = [(tmp_path / name / "search.json").read_text() for name in ("whole", "stopped")]
    assert documents[0] == documents[1]


def test_a_finished_search_is_read_and_not_run_again(tmp_path: Path) -> None:
    _, search = run(2, tmp_path)
    model, again = run(2, tmp_path)
    assert again.best_dna == search.best_dna
    assert again.history == search.history
    assert int(model.optimizer.iterations) == 2 * 4


def test_the_document(tmp_path: Path) -> None:
    _, search = run(2, tmp_path)
    document = json.loads((tmp_path / "search.json").read_text())
    assert (document["format"], document["version"]) == ("keras_glove.search", 1)
    assert document["epochs"] == 2 and document["step"] == 8
    assert document["best"]["dna"] == str(search.best_dna)
    assert set(document["best"]["decisions"]) == {"width", "kind"}
    assert [row["epoch"] for row in document["history"]] == [0, 1]
    assert set(document["probabilities"][0]) == {"width", "kind"}
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"search.json", "state-00002.npz", "tensorboard"}


def test_a_kill_while_writing_leaves_the_epoch_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = SearchFiles(tmp_path)
    files.write({"epochs": 1}, {"a": np.ones(2)})

    def killed(*arguments: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", killed)
    with pytest.raises(KeyboardInterrupt):
        files.write({"epochs": 2}, {"a": np.zeros(2)})
    document = files.read()
    assert document is not None and document["epochs"] == 1
    np.testing.assert_array_equal(files.state(document)["a"], np.ones(2))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "damaged"),
        ("[]", "damaged"),
        ('{"format": "keras_glove.search", "version": 2}', "2"),
    ],
)
def test_other_documents_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "search.json").write_text(text)
    with pytest.raises(TrainingError, match=message):
        SearchFiles(tmp_path).read()


def test_a_damaged_state_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state-00001.npz").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(TrainingError, match="state of the search"):
        SearchFiles(tmp_path).state({"state": "state-00001.npz"})


def test_the_state_of_another_search_is_refused(tmp_path: Path) -> None:
    run(1, tmp_path)
    with pytest.raises(TrainingError, match="of this search"):
        run(2, tmp_path, Reinforce(0.5))
    document = json.loads((tmp_path / "search.json").read_text())
    del document["step"]
    (tmp_path / "search.json").write_text(json.dumps(document))
    with pytest.raises(TrainingError, match=r"to have \['step'\]"):
        run(2, tmp_path)


class TestWarnings:
    def test_a_target_out_of_reach(self) -> None:
        space = kg.SearchSpace([kg.intv(1, 3), kg.intv(1, 3)])
        cost = Cost("sum", lambda decisions: 0.0, space, lambda dna: 10 * sum(dna.values))
        assert cost.range() == (20.0, 60.0)
        for target, shape in ((10, "hard"), (70, "absolute")):
            with pytest.warns(guards.SearchWarning, match=r"out of reach.* 20 to 60"):
                guards.warn_of_target(cost, target, shape)
        with pytest.warns(guards.SearchWarning, match="asks for nothing"):
            guards.warn_of_target(cost, 70, "hard")
        guards.warn_of_target(cost, 40, "absolute")

    def test_rewards_without_variance(self) -> None:
        model = supernet()
        search = SearchCallback(Reinforce(), reward=lambda y, predicted: 0.7)
        with pytest.warns(guards.SearchWarning, match="all the same"):
            model.fit(X, Y, batch_size=4, verbose=0, callbacks=[search])
        guards.warn_of_constant_reward(None, 0)
        guards.warn_of_constant_reward(0.1, 0)

    def test_an_entropy_that_does_not_fall(self) -> None:
        with pytest.warns(guards.SearchWarning, match=r"1\.39 of at most 1\.39"):
            guards.warn_of_entropy({"a": [0.5, 0.5], "b": [0.5, 0.5]}, 500)
        guards.warn_of_entropy({"a": [0.5, 0.5]}, 5)
        guards.warn_of_entropy({"a": [0.9, 0.1]}, 500)

    def test_collapse_to_what_has_no_parameters(self) -> None:
        blocks = [kg.oneof([layers.Dense(3), layers.Identity()]) for _ in range(4)]
        model = kg.Sequential(blocks)
        model(X)
        with pytest.warns(guards.SearchWarning, match="4 of 4 choices"):
            guards.warn_of_collapse(model, kg.DNA((1, 1, 1, 1)))
        guards.warn_of_collapse(model, kg.DNA((1, 0, 1, 0)))

    def test_a_usual_search_says_nothing(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error", guards.SearchWarning)
            run(2, None)


class TestReport:
    def test_what_it_holds_without_training_anything(self) -> None:
        _, search = run(3, None)
        report = search.report()
        assert report.rows() == [] and report.tau is None
        assert "width=" in str(report)
        assert len(report.figure().axes) >= 4

    def test_children_are_trained_where_that_is_asked_for(self) -> None:
        _, search = run(3, None)
        report = search.report(
            random=2, static=_static, ranked=3, inherited=True, seeds=2, epochs=1
        )
        names = [row.name for row in report.rows()]
        assert names == ["found", "found, inherited weights", "static", "median of 2 random",
                         "best of 2 random"]  # fmt: skip
        found, inherited = report.children[:2]
        assert len(found.qualities) == 2 and found.error is not None
        assert inherited.parameters == found.parameters
        assert inherited.mean > found.mean  # of mean squared errors, negative
        assert -1 <= (report.tau or 0) <= 1 and len(report.pairs) == 3
        for name in names:
            assert name.split(",")[0] in str(report)
        assert len(report.figure().axes) >= 4

    def test_it_comes_after_fit(self) -> None:
        with pytest.raises(TrainingError, match="after `fit`"):
            SearchCallback(UniformSampling()).report()


def _static() -> Any:
    return keras.Sequential([keras.layers.Dense(2, activation="relu"), keras.layers.Dense(1)])


def test_tau_is_corrected_for_ties() -> None:
    assert kendall_tau([1, 2, 2, 3], [1, 2, 3, 4]) == pytest.approx(5 / np.sqrt(5 * 6))
    assert np.isnan(kendall_tau([1, 1], [1, 2]))

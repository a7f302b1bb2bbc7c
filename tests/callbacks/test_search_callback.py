"""`SearchCallback` in `fit`, beside everything else that `fit` can do."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_glove as kg
from keras_glove import SearchCallback, layers
from keras_glove.errors import NotShareableError, PolicyError, TrainingError
from keras_glove.weight_sharing.policies import Reinforce, UniformSampling
from tests.callbacks.searching import data, supernet, two_outputs

X, Y = data()


class Halves(keras.utils.PyDataset):
    """Two batches of the examples."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, place: int) -> tuple[Any, Any]:
        return X[32 * place : 32 * place + 32], Y[32 * place : 32 * place + 32]


def dataset(batch: int = 16) -> Any:
    return tf.data.Dataset.from_tensor_slices((X, Y)).batch(batch)


def fitted(model: Any = None, search: Any = None, **arguments: Any) -> tuple[Any, Any, Any]:
    model = supernet() if model is None else model
    search = SearchCallback(Reinforce(0.05)) if search is None else search
    callbacks = [search, *arguments.pop("callbacks", [])]
    given = {"x": X, "y": Y, "epochs": 2, "batch_size": 16, "verbose": 0, **arguments}
    given["shuffle"] = given["y"] is not None  # what Keras takes as a dataset it does not shuffle
    return model, search, model.fit(callbacks=callbacks, **given)


def learnt(search: Any) -> bool:
    """Whether the policy is no longer what it began as."""
    return any(len(set(row)) > 1 for row in search.probabilities[-1].values())


HELD_OUT = data(16)[0] + 0.5, data(16)[1]


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        ({}, None),
        ({"sample_weight": np.ones(64)}, None),
        ({"validation_split": 0.25}, None),
        ({"class_weight": {0: 1.0, 1: 2.0}}, None),
        ({"steps_per_epoch": 2, "x": dataset().repeat(), "y": None, "batch_size": None}, HELD_OUT),
        ({"x": dataset(), "y": None, "batch_size": None}, dataset().map(lambda x, y: (x + 1, y))),
        ({"x": Halves(), "y": None, "batch_size": None}, HELD_OUT),
        ({"x": dataset(), "y": None, "batch_size": None}, Halves()),
        ({"x": dataset(), "y": None, "batch_size": None, "validation_data": HELD_OUT}, None),
        ({"epochs": 4, "initial_epoch": 2}, None),
        ({}, "training"),
        ({}, 0.5),
    ],
)
def test_every_kind_of_data_is_searched_with(arguments: Any, given: Any) -> None:
    _, search, history = fitted(search=SearchCallback(Reinforce(0.05), given), **arguments)
    assert learnt(search)
    assert len(history.history["reward"]) == len(search.history) == 2
    assert search.best_dna is not None
    expected = arguments.get("initial_epoch", 0)
    assert [row["epoch"] for row in search.history] == [expected, expected + 1]


@pytest.mark.parametrize(
    "settings",
    [
        {"steps_per_execution": 3},  # of four steps
        {"optimizer": keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 8))},
        {"optimizer": keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.01))},
        {"run_eagerly": True},
        {"metrics": ["accuracy"], "weighted_metrics": ["mse"]},
    ],
)
def test_every_way_of_compiling_works(settings: Any) -> None:
    model, search, history = fitted(supernet(**settings), batch_size=13)
    assert learnt(search)
    assert search.history[-1]["reward"] == history.history["reward"][-1]
    assert int(model.optimizer.iterations) == 8  # two epochs of four steps


def test_steps_are_counted_where_data_end_inside_an_execution() -> None:
    policy = Counting()
    fitted(supernet(steps_per_execution=3), SearchCallback(policy), batch_size=13)
    assert int(policy.steps) == 8


class Counting(UniformSampling):
    """Uniform sampling that counts traces, steps, and when it would have learnt."""

    def _build(self, choices: Any) -> None:
        self.traces = 0
        self.steps = self.add_weight("steps", ())
        self.learns = self.add_weight("learns", (), dtype="float32")

    def step(self, step: Any) -> Any:
        self.traces += 1
        self.steps.assign_add(1.0)
        self.learns.assign_add(keras.ops.cast(step.learns, "float32"))
        return {**super().step(step), "number": step.number + 0}


def test_a_whole_search_has_one_trace_and_shows_means_of_epochs() -> None:
    policy, traces = Counting(), []
    look = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: traces.append(policy.traces)
    )
    search = SearchCallback(policy, trials=2)
    _, _, history = fitted(search=search, epochs=3, batch_size=13, callbacks=[look])
    assert len(set(traces)) == 1
    assert history.history["number"] == [1.5, 5.5, 9.5]
    assert search.history[1]["number"] == 5.5


@pytest.mark.parametrize(("warm_up", "every", "expected"), [(0, 1, 8), (1, 1, 4), (1, 2, 2)])
def test_the_policy_learns_after_warm_up_at_every_so_many_steps(
    warm_up: int, every: int, expected: int
) -> None:
    policy = Counting()
    search = SearchCallback(policy, trials=2, warm_up=warm_up, every=every)
    fitted(search=search, batch_size=13)
    assert float(policy.learns) == expected


def test_accumulated_gradients_are_refused_where_steps_are_of_different_children() -> None:
    with pytest.raises(NotShareableError, match="gradient_accumulation_steps"):
        fitted(supernet(optimizer=keras.optimizers.Adam(0.01, gradient_accumulation_steps=2)))


def test_mixed_precision() -> None:
    keras.config.set_dtype_policy("mixed_float16")
    try:
        _, search, _ = fitted(supernet(metrics=["mse"]))
    finally:
        keras.config.set_dtype_policy("float32")
    assert learnt(search)


def test_several_inputs_and_outputs() -> None:
    model = two_outputs()
    model.compile("adam", {"total": "mse", "sign": "mse"}, metrics={"sign": ["accuracy"]})
    targets = {"total": Y, "sign": Y}
    reward = {"sign": "accuracy", "total": "mse"}
    _, search, _ = fitted(
        model, SearchCallback(Reinforce(0.05), reward=reward), x=[X, X], y=targets
    )
    assert learnt(search)
    assert search.quality.name == "mean of sign: accuracy, total: mse"


class TestOtherCallbacks:
    def test_early_stopping_restores_weights_and_leaves_the_decision(self) -> None:
        stopping = keras.callbacks.EarlyStopping(
            "reward", mode="max", patience=1, restore_best_weights=True, min_delta=10.0
        )
        model, search, history = fitted(epochs=9, callbacks=[stopping])
        assert len(history.epoch) < 9
        assert model.child(search.best_dna)(X).shape == (64, 1)
        np.testing.assert_allclose(model(X), model.child(search.best_dna)(X), rtol=1e-5, atol=1e-6)

    def test_checkpoints_schedules_and_tensorboard(self, tmp_path: Path) -> None:
        rates = []
        schedule = keras.callbacks.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1))
        look = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: rates.append(logs["learning_rate"])
        )
        checkpoint = keras.callbacks.ModelCheckpoint(
            str(tmp_path / "best.weights.h5"), "reward", mode="max", save_weights_only=True
        )
        board = keras.callbacks.TensorBoard(str(tmp_path / "logs"), write_graph=False)
        fitted(callbacks=[schedule, look, checkpoint, board])
        assert rates == pytest.approx([0.1, 0.05])
        assert (tmp_path / "best.weights.h5").exists()
        tags = set(_tags(tmp_path / "logs" / "search"))
        assert {"search/reward", "search/entropy", "probabilities/width"} <= tags

    def test_validation_is_of_the_most_likely_architecture(self) -> None:
        model = supernet()
        seen = []
        probe = keras.callbacks.LambdaCallback()
        probe.on_test_end = lambda logs=None: seen.append(model._sharing.indices.numpy().tolist())
        _, search, _ = fitted(model, validation_split=0.25, callbacks=[probe])
        assert seen[-1] == list(search.best_dna.values)


def _tags(folder: Path) -> Iterator[str]:
    for file in folder.glob("events*"):
        for event in tf.compat.v1.train.summary_iterator(str(file)):
            yield from (value.tag for value in event.summary.value)


class Failing(keras.callbacks.Callback):
    """Ends a training with an error."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        raise RuntimeError("out of luck")


def test_an_error_in_fit_leaves_the_model_usable() -> None:
    model, search = supernet(), SearchCallback(Reinforce(0.05))
    with pytest.raises(RuntimeError, match="luck"):
        fitted(model, search, callbacks=[Failing()])
    history = model.fit(X, Y, verbose=0)
    assert set(history.history) == {"loss"}
    fitted(model, search)
    assert learnt(search)


def test_afterwards_the_model_is_the_child_that_was_found_and_trains_alone() -> None:
    model, search, _ = fitted()
    np.testing.assert_allclose(model(X), model.child(search.best_dna)(X), rtol=1e-5, atol=1e-6)
    assert set(model.fit(X, Y, verbose=0).history) == {"loss"}


UNKNOWN = dataset().filter(lambda x, y: True)
STATIC = keras.Sequential([keras.layers.Dense(1)])
SYMBOLIC = kg.Sequential([layers.Dense(1)])


@pytest.mark.parametrize(
    ("search", "arguments", "error", "message"),
    [
        ({}, {"model": STATIC}, TrainingError, "open values"),
        ({}, {"model": SYMBOLIC}, TrainingError, "open values"),
        ({"cost": "flops", "target": 3}, {}, TrainingError, "multiply_adds"),
        ({"cost": "parameters"}, {}, PolicyError, "target"),
        ({"cost": "parameters", "target": 9, "shape": "soft"}, {}, PolicyError, "mnas"),
        ({"cost": "parameters", "target": 9, "shape": "mnas"}, {}, TrainingError, "from 0 up"),
        ({"reward": "nothing"}, {}, TrainingError, "metric or loss"),
        ({}, {"callbacks": [SearchCallback(Reinforce())]}, TrainingError, "received two"),
        ({"warm_up": 1}, {"x": UNKNOWN, "y": None, "batch_size": None}, TrainingError, "unknown"),
    ],
)
def test_what_does_not_fit_is_told_before_anything_is_trained(
    search: Any, arguments: Any, error: Any, message: str
) -> None:
    arguments = dict(arguments)
    model = arguments.pop("model", None) or supernet()
    if model in (STATIC, SYMBOLIC):
        model.compile("sgd", "mse")
    given = HELD_OUT if arguments.get("y", 0) is None else None
    with pytest.raises(error, match=message):
        fitted(model, SearchCallback(Reinforce(0.05), given, **search), **arguments)


def test_settings_are_checked() -> None:
    for settings in ({"warm_up": -1}, {"every": 0}, {"algorithm": kg.algorithms.Random()}):
        with pytest.raises(TrainingError):
            SearchCallback(Reinforce(), **settings)
    with pytest.raises(TrainingError, match="policy"):
        SearchCallback("reinforce")


@pytest.mark.parametrize("shape", ["absolute", "hard", "mnas", "mnas_hard"])
def test_a_cost_is_shown_against_its_target(shape: str) -> None:
    settings = {"cost": "parameters", "target": 15, "shape": shape, "reward": "accuracy"}
    history = fitted(search=SearchCallback(Reinforce(0.05), **settings))[2]
    ratio = np.array(history.history["cost_ratio"])
    np.testing.assert_allclose(ratio, np.array(history.history["cost"]) / 15, rtol=1e-5)
    assert 0.5 < ratio[0] < 3


def test_a_strong_cost_decides() -> None:
    for target, width in ((11, 0), (41, 1)):
        search = SearchCallback(Reinforce(0.2), cost="parameters", target=target, beta=-9.0)
        fitted(search=search, epochs=15)
        assert search.best_dna.values[0] == width
        assert search.cost.of(search.best_dna) == target


def test_a_cost_of_ones_own() -> None:
    def rows(decisions: Any) -> Any:
        return 1.0 + keras.ops.cast(decisions.indices[0], "float32")

    _, search, history = fitted(search=SearchCallback(Reinforce(0.05), cost=rows, target=1.5))
    assert 1.0 <= history.history["cost"][0] <= 2.0
    assert search.cost.of(kg.DNA((1, 0))) == 2.0


def test_after_a_policy_that_only_trains_an_algorithm_searches() -> None:
    algorithm = kg.algorithms.Sweep()
    search = SearchCallback(UniformSampling(), algorithm=algorithm, trials=10)
    model, _, _ = fitted(search=search)
    assert search.top(1)[0].dna == search.best_dna
    assert len(search.top(9)) == 4  # the whole space
    rewards = [found.reward for found in search.top(4)]
    assert rewards == sorted(rewards, reverse=True)
    best = search.score(search.best_dna)
    child = model.child(search.best_dna)
    child.compile(loss="mse")
    assert math.isclose(best.reward, rewards[0])


def test_top_holds_the_most_likely_and_is_sorted() -> None:
    _, search, _ = fitted()
    top = search.top(4)
    assert search.best_dna in [found.dna for found in top]
    assert top == sorted(top, key=lambda found: -found.reward)
    with pytest.raises(TrainingError, match="after `fit`"):
        SearchCallback(Reinforce()).top()


def test_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    search = SearchCallback(Reinforce(0.05), cost="parameters", target=15)
    fitted(search=search, verbose=2)
    lines = capsys.readouterr().out.splitlines()
    shown = [line.strip() for line in lines if "width=" in line]
    assert [line.partition(":")[0] for line in shown] == ["most likely", "most likely", "found"]
    assert "of 15)" in shown[0] and "kind=" in shown[0]
    for place, line in enumerate(lines):  # after the line of its epoch, before the next
        if "most likely" in line:
            assert "reward" in lines[place - 1]
    fitted(verbose=0)
    assert capsys.readouterr().out == ""

"""Training one child after another, and judging it."""

from __future__ import annotations

import threading
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_glove.errors import DivergenceError, TrainingError, TrialPruned
from keras_glove.training import FitObjective
from tests.training.samples import DATA, Curve, FakeTrial, Noted, X, Y, net, objective

# --- what it returns ------------------------------------------------------------------

CURVES = {"val_score": [0.5, 0.75, 0.25], "val_error": [3.0, 1.0, 2.0]}


@pytest.mark.parametrize(
    ("monitor", "mode", "reward_from", "reward", "epoch"),
    [
        ("val_score", "auto", "best", 0.75, 1),
        ("val_score", "auto", "last", 0.25, 2),
        ("val_error", "auto", "best", -1.0, 1),
        ("val_error", "auto", "last", -2.0, 2),
        ("val_score", "min", "best", -0.25, 2),
        ("val_error", "max", "best", 3.0, 0),
    ],
)
def test_reward_is_of_the_best_or_last_epoch_and_better_when_higher(
    monitor: str, mode: Any, reward_from: Any, reward: float, epoch: int
) -> None:
    result = objective(
        monitor=monitor, mode=mode, reward_from=reward_from, epochs=3, callbacks=Curve(**CURVES)
    )(net())
    assert result["reward"] == reward
    assert (result["epoch"], result["epochs"]) == (epoch, 3)
    assert {name: result[name] for name in CURVES} == {n: v[epoch] for n, v in CURVES.items()}
    assert result["parameters"] == 4 * 4 + 5


def test_reward_is_what_keras_evaluates() -> None:
    model = net()
    compile = {"optimizer": "sgd", "loss": "mse", "metrics": ["mae"]}
    result = objective(reward_from="last", compile=compile)(model)
    loss, error = model.evaluate(*DATA, verbose=0)
    assert result["reward"] == -result["val_loss"] == pytest.approx(-loss)
    assert result["val_mae"] == pytest.approx(error)


def test_values_per_class_are_kept_but_do_not_judge() -> None:
    rows = np.eye(2, dtype="float32")[np.arange(32) % 2]
    compile = {"loss": "mse", "metrics": [keras.metrics.F1Score()], "run_eagerly": True}
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, activation="softmax")])
    result = objective((X, rows), (X, rows), compile=compile)(model)
    assert np.shape(result["val_f1_score"]) == (2,)
    with pytest.raises(TrainingError, match="one number, received .*average='macro'"):
        objective((X, rows), (X, rows), compile=compile, monitor="val_f1_score")(model)


def test_epochs_without_validation_do_not_count() -> None:
    result = objective(epochs=3, validation_freq=2)(net())
    assert (result["epoch"], result["epochs"]) == (1, 3)
    with pytest.raises(TrainingError, match="validation_freq"):
        objective(epochs=2, validation_freq=3)(net())


def test_training_itself_can_be_monitored() -> None:
    result = objective(validation_data=None, monitor="loss")(net())
    assert result["reward"] == -result["loss"]


# --- one trial like another -----------------------------------------------------------


def dropping() -> keras.Model:
    keras.utils.set_random_seed(7)  # a search seeds the building of a child
    parts = [keras.layers.Dense(8), keras.layers.Dropout(0.5), keras.layers.Dense(1)]
    return keras.Sequential(parts)


def test_same_seed_same_training_whatever_ran_before() -> None:
    train = objective(compile={"optimizer": "adam", "loss": "mse"}, batch_size=8)
    results = []
    for seed in (1, 2, 1):
        np.random.random(seed)
        keras.random.normal((seed,))
        results.append(train(dropping(), trial=FakeTrial(seed)))
    assert results[0] == results[2]
    assert results[0] != results[1]


def test_seed_of_the_objective_counts_outside_of_a_search_only() -> None:
    first, second = (objective(seed=seed, batch_size=8)(dropping()) for seed in (1, 2))
    inside = objective(seed=1, batch_size=8)(dropping(), trial=FakeTrial(2))
    assert first != second == inside


def test_every_child_gets_optimizer_loss_and_metrics_of_its_own() -> None:
    optimizer = keras.optimizers.Adam(0.03, clipnorm=1.0)
    metric = keras.metrics.MeanAbsoluteError(name="distance")
    compile = {
        "optimizer": optimizer,
        "loss": keras.losses.Huber(0.5),
        "metrics": [metric],
        "run_eagerly": True,
    }
    train = objective(compile=compile)
    first, second = net(), net()
    first.set_weights(second.get_weights())
    assert train(first) == train(second)
    assert not optimizer.built
    assert float(metric.result()) == 0.0
    assert first.optimizer is not second.optimizer
    config = first.optimizer.get_config()
    assert config.pop("learning_rate") == pytest.approx(0.03)
    assert config.items() <= optimizer.get_config().items()
    assert int(first.optimizer.iterations) == int(second.optimizer.iterations) == 2
    assert first.loss.get_config() == compile["loss"].get_config()


def test_callbacks_are_copied_for_every_child() -> None:
    class Counting(keras.callbacks.Callback):
        epochs = 0

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.epochs += 1
            logs["counted"] = self.epochs

    counting = Counting()
    train = objective(callbacks=[counting], reward_from="last")
    assert [train(net())["counted"] for _ in range(2)] == [2, 2]
    assert counting.epochs == 0


def test_callbacks_by_a_function_of_the_trial() -> None:
    seen: list[Any] = []
    notes: list[Any] = []

    def make(trial: Any) -> list[keras.callbacks.Callback]:
        seen.append(trial)
        return [Noted(notes)]

    train = objective(callbacks=make)
    trial = FakeTrial()
    train(net(), trial=trial)
    train(net())
    assert seen == [trial, None]
    assert [note if note == "end" else note[0] for note in notes] == [0, 1, "end"] * 2


# --- children -------------------------------------------------------------------------


def test_a_child_may_choose_arguments_of_compile_and_fit() -> None:
    model = net()
    child = {
        "model": model,
        "optimizer": keras.optimizers.Adam(0.25),
        "batch_size": 4,
        "epochs": 1,
    }
    result = objective(batch_size=32)(child)
    assert result["epochs"] == 1
    assert model.optimizer is child["optimizer"]
    assert int(model.optimizer.iterations) == 32 / 4
    assert set(child) == {"model", "optimizer", "batch_size", "epochs"}


def test_an_optimizer_that_trained_another_child_is_refused() -> None:
    optimizer = keras.optimizers.Adam()
    train = objective()
    train({"model": net(), "optimizer": optimizer})
    with pytest.raises(TrainingError, match="at `optimizer`: .*trained another model"):
        train({"model": net(), "optimizer": optimizer})


def test_children_that_come_compiled() -> None:
    model = net()
    model.compile("adagrad", "mae", run_eagerly=True)
    train = objective(compile=None)
    train(model)
    assert model.optimizer.name == "adagrad"
    with pytest.raises(TrainingError, match=r"\['optimizer'\] beside a model that is compiled"):
        train({"model": model, "optimizer": "adam"})
    with pytest.raises(TrainingError, match="expected a compiled child"):
        train(net())


def test_compiling_by_a_function() -> None:
    def compile(model: keras.Model, rate: float = 0.5) -> None:
        model.compile(keras.optimizers.SGD(rate), "mse", run_eagerly=True)

    model = net()
    objective(compile=compile)({"model": model, "rate": 0.125})
    assert float(model.optimizer.learning_rate) == 0.125
    with pytest.raises(TrainingError, match="expected a compiled child"):
        objective(compile=lambda model: None)(net())


class Unregistered(keras.losses.Loss):
    def __init__(self, scale: Any) -> None:
        super().__init__()
        self.scale = scale

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return y_pred - y_true


BAD_CHILDREN = {
    "no model": (3, "expected a child to be a Keras model, .* received int 3"),
    "no key": ({"net": net}, "under the key 'model', received dict"),
    "misspelt": (
        lambda: {"model": net(), "optimiser": "sgd"},
        "received 'optimiser'; did you mean 'optimizer'",
    ),
}


@pytest.mark.parametrize("name", BAD_CHILDREN)
def test_children_that_cannot_be_trained(name: str) -> None:
    child, message = BAD_CHILDREN[name]
    with pytest.raises(TrainingError, match=message):
        objective()(child() if callable(child) else child)


def test_instances_that_cannot_be_made_anew_are_named() -> None:
    train = objective(compile={"loss": {"out": Unregistered(2)}})
    with pytest.raises(TrainingError, match=r"at `compile\['loss'\]\['out'\]`: Unregistered"):
        train(net())


# --- data -----------------------------------------------------------------------------


class Batches(keras.utils.PyDataset):
    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Any:
        rows = slice(8 * index, 8 * index + 8)
        return X[rows], Y[rows]


class Endless(Batches):
    num_batches = None


def dataset() -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices(DATA).batch(8)


DATASETS = {"arrays": lambda: DATA, "tf.data": dataset, "PyDataset": Batches}


@pytest.mark.parametrize("kind", DATASETS)
def test_every_kind_of_data_trains_alike(kind: str) -> None:
    data = DATASETS[kind]()
    batch_size = 8 if kind == "arrays" else None
    train = objective(data, data, shuffle=False, batch_size=batch_size)
    start, results, steps = net(), [], []
    for _ in range(2):  # a second child reads the data from its beginning
        model = keras.models.clone_model(start)
        model.set_weights(start.get_weights())
        results.append(train(model)["reward"])
        steps.append(int(model.optimizer.iterations))
    assert results[0] == results[1]
    expected = keras.models.clone_model(start)
    expected.set_weights(start.get_weights())
    expected.compile("sgd", "mse", run_eagerly=True)
    history = expected.fit(
        X, Y, validation_data=DATA, shuffle=False, batch_size=8, epochs=2, verbose=0
    )
    assert results[0] == pytest.approx(-min(history.history["val_loss"]), rel=1e-5)
    assert steps == [8, 8]


def test_weights_of_examples_and_classes_reach_keras() -> None:
    only_first = np.zeros(32, dtype="float32")
    only_first[0] = 1.0
    train = objective((X, Y, only_first), (X, Y, only_first), monitor="loss", epochs=1)
    assert train(model := net())["val_loss"] == pytest.approx(
        float((model.predict(X[:1], verbose=0) - Y[:1]).item() ** 2) / 32, rel=1e-4
    )

    labels = np.arange(32) % 2
    zero = objective((X, labels), None, monitor="loss", class_weight={0: 0.0, 1: 0.0})
    assert zero(net())["loss"] == 0.0


def test_validation_split() -> None:
    result = objective(validation_data=None, validation_split=0.25)(net())
    assert result["reward"] == -result["val_loss"]


BAD_SETTINGS: dict[str, tuple[dict[str, Any], str]] = {
    "no validation data": ({"validation_data": None}, "'val_loss' needs validation_data.*'loss'"),
    "unknown direction": ({"monitor": "val_thing"}, "mode='max' or mode='min'"),
    "unknown mode": ({"mode": "up"}, "expected mode 'auto', 'max' or 'min', received 'up'"),
    "no monitor": ({"monitor": ""}, "expected monitor to be the name of a metric"),
    "unknown fit argument": ({"class_weights": {}}, "'class_weights'; did you mean 'class_weight'"),
    "data of fit": ({"x": X}, "received 'x'"),
    "unknown compile argument": (
        {"compile": {"optimiser": "sgd"}},
        "`keras.Model.compile`, received 'optimiser'; did you mean 'optimizer'",
    ),
    "no epochs": ({"epochs": 0}, "epochs to be an integer of at least 1, received 0"),
    "half an epoch": ({"epochs": 0.5}, "epochs to be an integer of at least 1, received 0.5"),
    "seed": ({"seed": "one"}, "seed to be an integer of at least 0, received 'one'"),
    "reward_from": ({"reward_from": "first"}, "'best' or 'last', received 'first'"),
    "generator": ({"train": (pair for pair in [DATA])}, "train is the iterator generator"),
    "iterator": ({"validation_data": iter([DATA])}, "validation_data is the iterator"),
    "iterator of tf.data": ({"train": iter(dataset())}, "train is the iterator OwnedIterator"),
    "list": ({"train": [X, Y]}, "expected train to be .*, received a list of 2"),
    "four arrays": ({"train": (X, Y, X, Y)}, "received a tuple of 4"),
    "none": ({"train": None}, "received None"),
    "batch size": (
        {"train": dataset(), "batch_size": 8},
        "expected no batch_size, received 8: .*Dataset, which makes the batches",
    ),
    "endless": ({"train": dataset().repeat()}, "repeats for ever.*`steps_per_epoch`"),
    "endless validation": (
        {"validation_data": dataset().repeat()},
        "validation_data repeats for ever.*`validation_steps`",
    ),
    "endless PyDataset": ({"train": Endless()}, "repeats for ever"),
    "split of tf.data": (
        {"train": dataset(), "validation_data": None, "validation_split": 0.5},
        "validation_split is for arrays",
    ),
    "callbacks": ({"callbacks": [3]}, "Callback instances, .* received int 3"),
    "callback class": ({"callbacks": {"a": 1}}, "Callback instances, .* received dict"),
}


@pytest.mark.parametrize("name", BAD_SETTINGS)
def test_settings_that_do_not_fit_are_refused_before_any_training(name: str) -> None:
    settings, message = BAD_SETTINGS[name]
    with pytest.raises(TrainingError, match=message):
        objective(**settings)


def test_endless_data_with_a_number_of_steps_is_fine() -> None:
    endless = dataset().repeat()
    model = net()
    objective(endless, endless, steps_per_epoch=3, validation_steps=1)(model)
    assert int(model.optimizer.iterations) == 6


def test_batch_size_of_a_child_needs_arrays() -> None:
    with pytest.raises(TrainingError, match="expected no batch_size, received 4"):
        objective(dataset())({"model": net(), "batch_size": 4})


# --- what goes wrong in training ------------------------------------------------------


@pytest.mark.parametrize(
    ("monitor", "metrics", "ok"),
    [
        ("val_mae", ["mae"], True),
        ("val_mae", None, False),
        ("val_mae", [keras.metrics.MeanAbsoluteError("mae")], True),
        ("val_mae", {"dense": ["mae"]}, True),
        ("val_mse", ["mae"], False),
        ("val_absolute_error", [lambda y, p: keras.ops.abs(y - p)], False),
    ],
)
def test_unreported_value_is_noticed_before_the_training(
    monitor: str, metrics: Any, ok: bool
) -> None:
    notes: list[Any] = []

    class Spy(keras.Sequential):
        def fit(self, *args: Any, **kwargs: Any) -> Any:
            notes.append("fit")
            raise KeyboardInterrupt

    train = objective(monitor=monitor, mode="min", compile={"loss": "mse", "metrics": metrics})
    model = Spy([keras.Input((3,)), keras.layers.Dense(1, name="dense")])
    error = KeyboardInterrupt if ok else TrainingError
    with pytest.raises(error) as caught:
        train(model)
    assert notes == (["fit"] if ok else [])
    assert ok or f"the monitored '{monitor}'" in str(caught.value)


def test_unreported_value_is_noticed_after_an_epoch_where_keras_is_not_asked_before() -> None:
    notes: list[Any] = []
    train = objective(monitor="val_score", callbacks=Noted(notes))
    with pytest.raises(TrainingError, match=r"'val_score'; it reports \['loss', 'val_loss'\]"):
        train(net())
    assert len(notes) == 1


def test_a_loss_that_is_not_finite_ends_the_training() -> None:
    notes: list[Any] = []
    compile = {"optimizer": keras.optimizers.SGD(1e20), "loss": "mse", "run_eagerly": True}
    train = objective(epochs=20, compile=compile, callbacks=Noted(notes), batch_size=8)
    trial = FakeTrial()
    with pytest.raises(DivergenceError, match=r"loss is (nan|inf) in epoch 0"):
        train(net(), trial=trial)
    assert [note if note == "end" else note[0] for note in notes] == [0, "end"]
    with pytest.raises(ArithmeticError):  # a failed trial says so, and the next goes well
        train(net())


def test_a_monitored_value_that_is_not_finite_fails() -> None:
    nan = Curve(val_score=[0.5, float("nan"), 1.0])
    with pytest.raises(DivergenceError, match="val_score is nan in epoch 1"):
        objective(epochs=3, monitor="val_score", callbacks=nan)(net())


def test_errors_of_keras_are_passed_on_and_leave_no_compiled_function() -> None:
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1)])
    with pytest.raises(ValueError, match="incompatible|expected"):
        objective(compile={"loss": "mse"})(model)
    assert model.train_function is None


def test_pruning_stops_the_training() -> None:
    notes: list[Any] = []
    train = objective(
        epochs=9, monitor="val_error", callbacks=[Curve(val_error=[4, 3, 2, 1]), Noted(notes)]
    )
    trial = FakeTrial(prune_at=1)
    with pytest.raises(TrialPruned, match="pruned after epoch 1 with val_error=3"):
        train(net(), trial=trial)
    assert trial.reports == [(0, -4.0), (1, -3.0)]
    assert notes[-1] == "end"
    assert len(notes) == 3


def test_early_stopping() -> None:
    curve = Curve(val_score=[0.1, 0.5, 0.4, 0.3, 0.9])
    stopping = keras.callbacks.EarlyStopping(monitor="val_score", mode="max", patience=2)
    result = objective(epochs=5, monitor="val_score", callbacks=[curve, stopping])(net())
    assert (result["epochs"], result["epoch"], result["reward"]) == (4, 1, 0.5)


def test_a_search_that_minimizes_is_refused() -> None:
    with pytest.raises(TrainingError, match="better when higher"):
        objective()(net(), trial=FakeTrial(direction="minimize"))


def test_ended_trainings_leave_no_threads() -> None:
    train = objective(epochs=2, compile={"optimizer": "sgd", "loss": "mse"})
    before = None
    for _ in range(4):
        with pytest.raises(TrialPruned):
            train(net(), trial=FakeTrial(prune_at=0))
        train.after_trial(FakeTrial())
        before = before or threading.active_count()
    assert threading.active_count() <= before


def test_repr_tells_what_is_judged() -> None:
    assert repr(objective()) == "FitObjective('val_loss', 'min', epochs=2, reward_from='best')"
    assert isinstance(objective(), FitObjective)

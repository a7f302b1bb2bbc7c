"""Nothing of a child stays in memory, and what still lives works as before."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import ops

from keras_glove.algorithms import Random
from keras_glove.hyper import intv, oneof
from keras_glove.search import search
from keras_glove.symbolic import program, symbolize
from keras_glove.training import FitObjective, drop_functions, release_gradients, release_memory
from tests.training.samples import DATA, FakeTrial, X, Y, net

Objective = TypeVar("Objective", bound=FitObjective)


def custom_gradients() -> set[str]:
    return {name for name in ops.gradient_registry._registry if name.startswith("CustomGradient-")}


@tf.custom_gradient
def tripled(x: Any) -> Any:
    """The identity, whose gradient is 3 for 1."""
    return tf.identity(x), lambda upstream: 3.0 * upstream


def slope(x: float) -> float:
    """The gradient of a new function, which its graph alone remembers."""
    function = tf.function(tripled)
    value = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(value)
        result = function(value) * value
    return float(tape.gradient(result, value))


def test_gradients_are_forgotten_with_their_graphs() -> None:
    release_memory()
    before = custom_gradients()
    assert slope(2.0) == 8.0
    assert custom_gradients() > before
    release_memory()
    gc.collect()
    assert custom_gradients() == before


def test_gradients_of_living_graphs_stay_right() -> None:
    function = tf.function(tripled)
    inner = function.get_concrete_function(tf.TensorSpec((), tf.float32))
    assert release_gradients() >= 1
    assert release_gradients() == 0  # tied once
    release_memory()
    for value in (2.0, 5.0):  # differentiated for the first time after it was tied
        x = tf.Variable(value)
        with tf.GradientTape() as tape:
            result = inner(x) * x
        assert float(tape.gradient(result, x)) == value + 3.0 * value

    @tf.function
    def outer(x: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            result = function(x) ** 2
        return tape.gradient(result, x)

    assert float(outer(tf.constant(2.0))) == 12.0
    release_memory()
    assert float(outer(tf.constant(3.0))) == 18.0


def test_gradients_loaded_from_a_saved_model_are_left_alone(tmp_path: Path) -> None:
    class Module(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((), tf.float32)])
        def __call__(self, x: Any) -> Any:
            return tripled(x)

    options = tf.saved_model.SaveOptions(experimental_custom_gradients=True)
    tf.saved_model.save(Module(), str(tmp_path), options=options)
    loaded = tf.saved_model.load(str(tmp_path))
    release_memory()
    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        result = loaded(x)
    assert float(tape.gradient(result, x)) == 3.0


def test_dropped_functions_are_made_again() -> None:
    model = net()
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    expected = model.predict(X, verbose=0)
    drop_functions(model)
    assert (model.train_function, model.test_function, model.predict_function) == (None,) * 3
    np.testing.assert_array_equal(model.predict(X, verbose=0), expected)
    model.fit(X, Y, verbose=0)
    assert int(model.optimizer.iterations) == 2


def wide(width: int) -> keras.Model:
    layers = keras.layers
    hidden = [layers.Dense(width, activation="silu"), layers.BatchNormalization()]
    return keras.Sequential([keras.Input((3,)), *hidden, layers.Dropout(0.1), layers.Dense(1)])


def fitting(kind: type[Objective], train: Any = DATA, **settings: Any) -> Objective:
    compile = {"optimizer": "adam", "loss": "mse", "metrics": ["mae"]}
    return kind(train, DATA, monitor="val_loss", compile=compile, **settings)


def test_a_child_is_gone_after_its_trial() -> None:
    objective = fitting(FitObjective)
    child = wide(4)
    references = [weakref.ref(part) for part in (child, *child.layers, *child.weights)]
    objective(child, trial=FakeTrial())
    references += [weakref.ref(child.optimizer)]
    child = None
    objective.after_trial(FakeTrial())
    assert [reference() for reference in references] == [None] * len(references)


def test_outside_of_a_search_a_child_is_gone_when_the_next_is_trained() -> None:
    objective = fitting(FitObjective)
    first = wide(4)
    reference = weakref.ref(first)
    objective(first)
    del first
    objective(wide(4))
    assert reference() is None


def test_a_trained_child_can_be_exported_with_its_gradients(tmp_path: Path) -> None:
    child = wide(4)
    fitting(FitObjective)(child, trial=FakeTrial())
    release_memory()
    exported = tf.Module()
    exported.child = child
    exported.call = tf.function(lambda x: child(x), input_signature=[tf.TensorSpec((None, 3))])
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=True)
    tf.saved_model.save(exported, str(tmp_path), options=options)
    release_memory()
    loaded = tf.saved_model.load(str(tmp_path))
    gradients = []
    for function in (child, loaded.call):
        x = tf.constant(X)
        with tf.GradientTape() as tape:
            tape.watch(x)
            result = tf.reduce_sum(function(x))
        gradients.append(tape.gradient(result, x).numpy())
    np.testing.assert_allclose(*gradients, rtol=1e-5)
    assert np.abs(gradients[0]).max() > 0.0


# --- over many trials -----------------------------------------------------------------

STATUS = Path("/proc/self/status")


def memory_mb() -> float:
    """What the process has written and not given back, be it swapped out."""
    lines = (line.split() for line in STATUS.read_text().splitlines())
    return sum(int(line[1]) for line in lines if line[0] in ("RssAnon:", "VmSwap:")) / 1024


class Watched(FitObjective):
    """Notes the memory in use after each trial."""

    memory: list[float]

    def after_trial(self, trial: Any) -> None:
        super().after_trial(trial)
        vars(self).setdefault("memory", []).append(memory_mb())

    def growth(self, warm_up: int) -> float:
        """MB per trial after the first ones: the median over pairs, whatever jumps in between."""
        memory = self.memory[warm_up:]
        half = len(memory) // 2
        rises = [later - earlier for earlier, later in zip(memory, memory[half:], strict=False)]
        return float(np.median(rises)) / half


@symbolize
def searched(width: int, activation: str, normalized: bool) -> keras.Model:
    layers = keras.layers
    parts = [layers.Dense(width, activation=activation)]
    parts += [layers.BatchNormalization()] if normalized else []
    return keras.Sequential([keras.Input((3,)), *parts, layers.Dense(1)])


ALL_ALIKE = program(searched, 4, oneof(["silu", "swish"]), True)
ALL_KINDS = program(searched, intv(1, 64), oneof(["relu", "silu"]), oneof([True, False]))

# MB per trial. Without what `memory.py` does it is 6. Up to 1,024 kernels of the oneDNN library,
# of other shapes in each architecture, are kept for later use, which then ends.
GROWTHS: dict[str, tuple[Any, float, Callable[[], dict[str, Any]]]] = {
    "tf.data": (
        ALL_ALIKE,
        0.1,
        lambda: {
            "train": tf.data.Dataset.from_tensor_slices(DATA).map(lambda x, y: (2 * x, y)).batch(8)
        },
    ),
    "architectures and callbacks": (
        ALL_KINDS,
        0.3,
        lambda: {
            "callbacks": [
                keras.callbacks.EarlyStopping(restore_best_weights=True),
                keras.callbacks.ReduceLROnPlateau(),
            ]
        },
    ),
}


@pytest.mark.slow
@pytest.mark.skipif(not STATUS.exists(), reason="reads /proc")
# Keras reads its own variables by what NumPy 2 has replaced.
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")
@pytest.mark.parametrize("case", GROWTHS)
def test_memory_does_not_grow_with_trials(case: str) -> None:
    space, limit, settings = GROWTHS[case]
    objective = fitting(Watched, **settings())
    study = search(space, objective, Random(), 28, seed=0, progress=False)
    assert {trial.error for trial in study.trials} == {None}
    assert objective.growth(warm_up=6) < limit

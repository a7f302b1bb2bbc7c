"""`kg.to_keras`: any child as a model that Keras alone loads, and that computes the same."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import keras_glove as kg
from keras_glove import layers
from keras_glove.errors import ConversionError
from tests.live.architectures import KINDS, Residual, X, child_of

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(2, 8, 8, 3)).astype("float32")
TOKENS = np.array([[1, 2, 0, 0], [3, 0, 0, 0]])
SEQUENCE = RNG.normal(size=(2, 4, 6)).astype("float32")


class Nested(kg.Model):
    """Layers in lists, dicts and nested lists; one of them in two places."""

    def __init__(self) -> None:
        super().__init__()
        self.ops = {
            "conv": layers.Conv2D(4, 3, padding="same"),
            "norm": layers.GroupNormalization(2),
        }
        self.rows = [[layers.Conv2D(4, 1), layers.ReLU()], [layers.SpatialDropout2D(0.5)]]
        self.again = self.ops["conv"]
        self.add = layers.Add()
        self.inner = Residual(Residual(layers.Conv2D(4, 1)))
        self.pool = layers.GlobalAveragePooling2D()

    def call(self, x: Any, training: bool | None = None) -> Any:
        x = self.ops["norm"](self.ops["conv"](x))
        for row in self.rows:
            for layer in row:
                x = layer(x)
        x = self.add([x, self.inner(x, training=training)]) + x
        return self.pool(x)


class Shared(layers.Layer):
    def __init__(self) -> None:
        super().__init__()
        self.dense = layers.Dense(6)

    def call(self, x: Any) -> Any:
        return self.dense(self.dense(x))


class DictInput(kg.Model):
    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = layers.Dense(3), layers.Dense(3)

    def call(self, inputs: Any) -> Any:
        y = self.left(inputs["a"]) * self.right(inputs["b"])
        return {"sum": y + 1, "parts": [y, inputs["a"]]}


class Arguments(kg.Model):
    def __init__(self) -> None:
        super().__init__()
        self.attend = layers.MultiHeadAttention(1, 2)

    def call(self, query: Any, value: Any, training: bool | None = None) -> Any:
        return self.attend(query, value)


class Masked(layers.Layer):
    """Makes a mask, passes it through an operation that drops it, and uses it."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = layers.Embedding(9, 4, mask_zero=True)
        self.scale = MaskKeeping()
        self.read = layers.LSTM(3)

    def call(self, tokens: Any) -> Any:
        return self.read(self.scale(self.embed(tokens)))


class MaskKeeping(layers.Layer):
    def __init__(self) -> None:
        super().__init__()
        self.supports_masking = True

    def call(self, x: Any, mask: Any = None) -> Any:
        return x * 2.0 + keras.ops.cast(mask, x.dtype)[..., None]


class FrozenPart(kg.Model):
    """Runs a part in inference mode whatever the phase is."""

    def __init__(self) -> None:
        super().__init__()
        self.part = Nested()
        self.norm = layers.BatchNormalization()

    def call(self, x: Any, training: bool | None = None) -> Any:
        return self.norm(self.part(x, training=False), training=training)


class FunctionalWithOwn(kg.Model):
    """A functional submodel that holds a layer of the user's."""

    def __init__(self) -> None:
        super().__init__()
        a, b = keras.Input((6,), name="a"), keras.Input((6,), name="b")
        y = keras.layers.Concatenate()([Shared()(a), layers.Dense(2)(b)])
        self.graph = keras.Model({"a": a, "b": b}, y)
        self.head = keras.Sequential([Shared(), layers.Lambda(lambda x: x[:, :1] * 2)])

    def call(self, x: Any) -> Any:
        return keras.ops.concatenate([self.graph({"b": x, "a": -x}), self.head(x)], axis=-1)


MODELS: dict[str, tuple[Callable[[], Any], Any]] = {
    **{
        kind: (lambda kind=kind: child_of(kind, "space"), X)
        for kind in KINDS
        if kind != "sequential"
    },
    "nested": (Nested, IMAGES),
    "shared": (lambda: keras.Sequential([Shared(), layers.Dense(2)]), X),
    "dict": (DictInput, {"a": X[:, :3], "b": X}),
    "masked": (lambda: keras.Sequential([Masked(), layers.Dense(2)]), TOKENS),
    "functional with own": (FunctionalWithOwn, X),
}


def flat(value: Any) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in keras.tree.flatten(value)]


def assert_same(expected: Any, received: Any, tolerance: float = 1e-6) -> None:
    keras.tree.assert_same_structure(expected, received)
    for left, right in zip(flat(expected), flat(received), strict=True):
        np.testing.assert_allclose(left, right, rtol=tolerance, atol=tolerance)


def classes_of(model: keras.Model) -> set[str]:
    return {type(layer).__module__.split(".")[0] for layer in model._flatten_layers()}


@pytest.mark.parametrize("name", MODELS)
def test_computes_the_same_with_classes_of_keras_alone(name: str) -> None:
    make, data = MODELS[name]
    model = make()
    expected = model(data)
    plain = kg.to_keras(model)
    assert classes_of(plain) == {"keras"}
    assert_same(expected, plain(data))
    assert plain.count_params() == model.count_params()
    assert not {id(w) for w in plain.weights} & {id(w) for w in model.weights}
    assert not model.losses and all(not part.losses for part in model._flatten_layers())


_LOAD = """
import json, sys
import numpy as np
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("keras_glove", "tests"):
            raise ImportError(name)
sys.meta_path.insert(0, Refuse())
import keras
folder = sys.argv[1]
for name in json.loads(sys.argv[2]):
    data = dict(np.load(f"{folder}/{name}.npz"))
    inputs = data["x"] if "x" in data else {k[3:]: v for k, v in data.items() if k[:3] == "in_"}
    outputs = keras.tree.flatten(keras.models.load_model(f"{folder}/{name}.keras")(inputs))
    expected = [data[f"out_{index}"] for index in range(len(outputs))]
    for left, right in zip(expected, outputs):
        np.testing.assert_allclose(left, np.asarray(right), rtol=1e-6, atol=1e-6)
assert "keras_glove" not in sys.modules
print("same")
"""


@pytest.mark.slow
def test_loads_in_a_process_that_has_only_keras(tmp_path: Path) -> None:
    for name, (make, data) in MODELS.items():
        model = make()
        outputs = {f"out_{i}": y for i, y in enumerate(flat(model(data)))}
        kg.to_keras(model).save(tmp_path / f"{name}.keras")
        inputs = {f"in_{k}": v for k, v in data.items()} if isinstance(data, dict) else {"x": data}
        np.savez(tmp_path / f"{name}.npz", **inputs, **outputs)
    script = [sys.executable, "-c", _LOAD, str(tmp_path), json.dumps(list(MODELS))]
    done = subprocess.run(script, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.endswith("same\n"), done.stderr


def test_several_arguments_of_call() -> None:
    model = Arguments()
    plain = kg.to_keras(model, {"query": (4, 6), "value": (5, 6)})
    data = {"query": SEQUENCE, "value": RNG.normal(size=(2, 5, 6)).astype("float32")}
    assert_same(model(**data), plain(data))
    with pytest.raises(ConversionError, match="takes several arguments"):
        kg.to_keras(model)


def test_model_that_was_not_called_needs_the_shape() -> None:
    with pytest.raises(ConversionError, match=r"input_shape=\(28, 28, 1\)"):
        kg.to_keras(Nested())
    model = Nested()
    plain = kg.to_keras(model, (8, 8, 3), name="child")
    assert plain.name == "child"
    assert_same(model(IMAGES), plain(IMAGES))


def test_layers_are_named_by_their_places() -> None:
    plain = kg.to_keras(Nested(), (8, 8, 3))
    assert {layer.name for layer in plain.layers[1:]} == {
        "ops_conv",
        "ops_norm",
        "rows_0_0",
        "rows_0_1",
        "rows_1_0",
        "inner_inner_inner",
        "inner_inner_dropout",
        "inner_dropout",
        "add",
        "pool",
    }


def test_what_depends_on_the_phase_still_does() -> None:
    model = Nested()
    model(IMAGES)
    plain = kg.to_keras(model)
    assert not np.allclose(plain(IMAGES, training=True), plain(IMAGES, training=False))


def test_phase_that_a_call_fixes_holds_where_none_is_given() -> None:
    model = FrozenPart()
    expected = model(IMAGES)
    with pytest.warns(UserWarning, match="is called with training=False"):
        plain = kg.to_keras(model)
    assert_same(expected, plain(IMAGES))


def test_model_that_is_converted_stays_as_it_is() -> None:
    x = keras.Input((6,))
    model = keras.Model(x, Shared()(x) + 1.0 + x)
    operations = [(operation.name, len(operation._inbound_nodes)) for operation in model.operations]
    kg.to_keras(model)
    assert [(o.name, len(o._inbound_nodes)) for o in model.operations] == operations


def test_batch_size_that_is_fixed_stays() -> None:
    model = keras.Sequential(
        [keras.Input((4, 6), batch_size=2), Shared(), layers.LSTM(3, stateful=True)]
    )
    plain = kg.to_keras(model)
    assert plain.input_shape == (2, 4, 6)
    assert_same(model(SEQUENCE), plain(SEQUENCE))


def test_frozen_layers_stay_frozen() -> None:
    model = Nested()
    model(IMAGES)
    model.ops["norm"].trainable = False
    assert len(kg.to_keras(model).trainable_weights) == len(model.trainable_weights)


def test_mixed_precision() -> None:
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = keras.Sequential([Shared(), layers.Dense(2, dtype="float32")])
        expected = model(X)
        plain = kg.to_keras(model)
    finally:
        keras.config.set_dtype_policy("float32")
    assert plain.get_layer("shared_dense").compute_dtype == "float16"
    assert_same(expected, plain(X), tolerance=1e-3)


class OwnWeights(layers.Layer):
    def build(self, shape: Any) -> None:
        self.gain = self.add_weight(shape=(shape[-1],), name="gain")

    def call(self, x: Any) -> Any:
        return x * self.gain


class AsksForPhase(layers.Layer):
    def call(self, x: Any, training: bool | None = None) -> Any:
        return x * 2 if training else x


class AsksForNumbers(layers.Layer):
    def call(self, x: Any) -> Any:
        return x if keras.ops.max(x) > 0 else -x


class Built(layers.Layer):
    def __init__(self) -> None:
        super().__init__()
        self.dense = layers.Dense(2)

    def build(self, shape: Any) -> None:
        self.dense.build(shape)

    def call(self, x: Any) -> Any:
        return self.dense(x)


class Wrapped(kg.Model):
    def __init__(self) -> None:
        super().__init__()
        self.all = layers.TimeDistributed(Built())

    def call(self, x: Any) -> Any:
        return self.all(x)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: keras.Sequential([OwnWeights()]), r"weights of its own: .*gain"),
        (lambda: keras.Sequential([AsksForPhase()]), "if training"),
        (lambda: keras.Sequential([AsksForNumbers()]), "no Python code on the numbers"),
        (Wrapped, "received a Built in it"),
    ],
)
def test_what_keras_alone_cannot_do_is_refused(
    model: Callable[[], keras.Model], message: str
) -> None:
    with pytest.raises(ConversionError, match=message):
        kg.to_keras(model(), (4, 6))


class AddsLoss(layers.Layer):
    def __init__(self) -> None:
        super().__init__()
        self.dense = layers.Dense(2, activity_regularizer="l2")

    def call(self, x: Any) -> Any:
        y = self.dense(x)
        self.add_loss(keras.ops.mean(y))
        return y


def test_added_losses_are_left_out_with_a_warning() -> None:
    model = keras.Sequential([AddsLoss()])
    expected = model(X)
    with pytest.warns(UserWarning, match="'adds_loss'.* does not go along"):
        plain = kg.to_keras(model)
    assert_same(expected, plain(X))
    assert len(plain.losses) == 1  # that of the layer of Keras
    assert len(model.losses) == 2

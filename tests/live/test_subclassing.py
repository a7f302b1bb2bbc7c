"""Symbolic classes of Keras where their classes stood: as bases, in annotations, in dispatch."""

from __future__ import annotations

import copy
import functools
import inspect
import io
import pickle
import pydoc
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, get_type_hints

import keras
import numpy as np
import pytest

import keras_glove as kg
from keras_glove import layers
from keras_glove.errors import SerializationError
from keras_glove.hyper import Template
from keras_glove.symbolic import Program

X = np.linspace(-1, 1, 12, dtype="float32").reshape(3, 4)


class Scaled(layers.Dense):
    """Adds an argument to a layer of Keras, and no `get_config`."""

    def __init__(self, units: int, scale: float = 2.0, **kwargs: Any) -> None:
        super().__init__(units, **kwargs)
        self.scale = scale

    def call(self, x: Any) -> Any:
        return super().call(x) * self.scale


class Shifted(layers.Dense):
    """Changes what a layer of Keras computes, and not its arguments."""

    def call(self, x: Any) -> Any:
        return super().call(x) + 1.0


class Configured(layers.Layer):
    """Has a `get_config` as Keras's guides write it."""

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.inner = layers.Dense(units)

    def build(self, shape: Any) -> None:
        self.inner.build(shape)

    def call(self, x: Any) -> Any:
        return self.inner(x)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


class Counting:
    """Not of Keras."""

    def count(self) -> int:
        return sum(int(np.prod(w.shape)) for w in self.weights)  # type: ignore[attr-defined]


class Mixed(Counting, layers.Layer):
    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.inner = inner

    def call(self, x: Any) -> Any:
        return self.inner(x)


class Deeper(Mixed):
    """A class below a class of the user's, which takes what that takes, and more."""

    def __init__(self, inner: Any, times: int = 2) -> None:
        super().__init__(inner)
        self.times = times

    def call(self, x: Any) -> Any:
        for _ in range(self.times):
            x = super().call(x)
        return x


class Both(layers.Dense, layers.Layer):
    """Two symbolic bases."""


class Stack(kg.Sequential):
    def __init__(self, width: int) -> None:
        super().__init__([layers.Dense(width, activation="relu"), layers.Dense(2)])


class Graph(kg.Model):
    """Calls `super().__init__` with inputs and outputs: Keras changes the bases of its class."""

    def __init__(self, width: int) -> None:
        x = keras.Input((4,))
        super().__init__(x, layers.Dense(width)(x))

    def twice(self, x: Any) -> Any:
        return 2 * self(x)


class Plain(kg.Model):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.dense = layers.Dense(width)

    def call(self, x: Any) -> Any:
        return self.dense(x)


MADE = {
    "Scaled": (lambda: Scaled(4, scale=3.0), lambda: Scaled(4, scale=kg.oneof([1.0, 3.0]))),
    "Shifted": (lambda: Shifted(4), lambda: Shifted(kg.oneof([4, 5]))),
    "Configured": (lambda: Configured(4), lambda: Configured(kg.oneof([4, 5]))),
    "Mixed": (lambda: Mixed(layers.Dense(4)), lambda: Mixed(layers.Dense(kg.oneof([4, 5])))),
    "Deeper": (lambda: Deeper(layers.Dense(4), 3), lambda: Deeper(layers.ReLU(), kg.intv(1, 2))),
    "Both": (lambda: Both(4), lambda: Both(kg.oneof([4, 5]))),
    "Stack": (lambda: Stack(4), lambda: Stack(kg.oneof([4, 5]))),
    "Graph": (lambda: Graph(4), lambda: Graph(kg.oneof([4, 5]))),
    "Plain": (lambda: Plain(4), lambda: Plain(kg.oneof([4, 5]))),
}

every = pytest.mark.parametrize("name", MADE)


@every
def test_subclass_is_symbolic_and_lives_on(name: str, tmp_path: Path) -> None:
    concrete, open_one = MADE[name]
    live, program = concrete(), kg.program(open_one())  # a model that is open is a supernet
    assert isinstance(program, Program) and program.__target__ is type(live)
    template = Template(program)
    assert type(kg.build(template.materialize(template.space.first()))) is type(live)
    model = live if isinstance(live, keras.Model) else keras.Sequential([live])
    expected = model(X)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded(X), expected, rtol=1e-6)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_allclose(other(X), expected, rtol=1e-6)
    again = type(live).from_config(live.get_config())
    assert type(again) is type(live) and kg.program(again) == kg.program(live)


def test_model_with_inputs_leaves_other_models_alone() -> None:
    assert Graph(3).twice(X).shape == (3, 3)
    assert Plain(3)(X).shape == (3, 3)  # would be a functional model, if they shared a base


def test_config_is_that_of_keras_unless_arguments_would_be_lost() -> None:
    assert "units" in Shifted(4).get_config() and "program" not in Shifted(4).get_config()
    assert "program" in Scaled(4, scale=3.0).get_config()
    assert Configured(4).get_config()["units"] == 4
    assert Configured(4, name="own").get_config()["name"] == "own"


def test_state_that_arguments_do_not_tell_survives_the_config() -> None:
    layer = Mixed(layers.Dense(4, trainable=False))
    layer.trainable = True
    layer.inner.trainable = False
    again = Mixed.from_config(layer.get_config())
    assert again.trainable and not again.inner.trainable
    layer.trainable = False
    assert Mixed.from_config(layer.get_config()).trainable is False


def test_layers_inside_keep_their_precision() -> None:
    keras.config.set_dtype_policy("mixed_float16")
    try:
        layer = Mixed(layers.Dense(4))
    finally:
        keras.config.set_dtype_policy("float32")
    again = Mixed.from_config(layer.get_config())
    assert again.dtype_policy.name == again.inner.dtype_policy.name == "mixed_float16"
    assert keras.config.dtype_policy().name == "float32"


def test_program_of_another_class_is_refused() -> None:
    with pytest.raises(SerializationError, match="program of a Deeper"):
        Deeper.from_config(Mixed(layers.Dense(4)).get_config())


@pytest.mark.parametrize("name", ["Dense", "Layer", "Conv2D"])
def test_stands_for_the_class(name: str) -> None:
    symbolic, cls = getattr(layers, name), getattr(keras.layers, name)
    layer = symbolic(*{"Dense": (2,), "Layer": (), "Conv2D": (2, 3)}[name])
    assert isinstance(layer, symbolic) and type(layer) is cls
    assert issubclass(cls, symbolic) and issubclass(symbolic.__wrapped__, cls)
    assert symbolic == cls and hash(symbolic) == hash(cls)
    assert not isinstance(1, symbolic)


def test_subclasses_are_instances_of_the_symbolic_class() -> None:
    assert issubclass(Scaled, layers.Dense) and issubclass(Scaled, keras.layers.Dense)
    assert isinstance(Scaled(2), layers.Layer)
    assert [cls.__name__ for cls in Scaled.__mro__][:1] == ["Scaled"]
    assert Scaled.__module__ == __name__


def test_signature_help_and_wraps() -> None:
    assert list(inspect.signature(Scaled).parameters) == ["units", "scale", "kwargs"]
    assert next(iter(inspect.signature(layers.Dense).parameters)) == "units"
    text = io.StringIO()
    with redirect_stdout(text):
        pydoc.Helper(output=text).help(Scaled)
    assert "class Scaled" in text.getvalue()
    assert "regular densely-connected" in (pydoc.getdoc(layers.Dense) or "")

    @functools.wraps(layers.Dense)
    def dense(*args: Any, **kwargs: Any) -> Any:
        return layers.Dense(*args, **kwargs)

    assert dense.__name__ == "Dense" and dense(3).units == 3


def test_annotations() -> None:
    def head(inner: layers.Layer | None, width: int | layers.Dense = 1) -> layers.Layer:
        return inner or layers.Dense(width)

    hints = get_type_hints(head, localns={"layers": layers})
    assert hints["inner"] == keras.layers.Layer | None
    assert hints["width"] == int | keras.layers.Dense
    assert isinstance(head(None), keras.layers.Dense)
    assert (layers.Layer | layers.Dense) == keras.layers.Layer | keras.layers.Dense


def test_single_dispatch_by_the_class_of_keras() -> None:
    @functools.singledispatch
    def kind(layer: Any) -> str:
        return "other"

    kind.register(keras.layers.Dense, lambda layer: "dense")
    kind.register(layers.Conv2D.__wrapped__, lambda layer: "conv")
    assert [kind(layers.Dense(2)), kind(layers.Conv2D(2, 3)), kind(Scaled(2)), kind(3)] == [
        "dense",
        "conv",
        "dense",
        "other",
    ]


def test_attributes_and_methods_of_the_class() -> None:
    assert layers.Dense.from_config(keras.layers.Dense(3).get_config()).units == 3
    assert layers.Dense.call is keras.layers.Dense.call
    assert "from_config" in dir(layers.Dense)
    with pytest.raises(AttributeError):
        _ = layers.Dense.no_such_attribute


def test_layer_valued_arguments() -> None:
    outer = layers.TimeDistributed(layers.Bidirectional(layers.LSTM(kg.oneof([2, 3]))))
    assert repr(outer) == ("TimeDistributed(layer=Bidirectional(layer=LSTM(units=oneof([2, 3]))))")
    live = kg.build(kg.materialize(outer, kg.DNA((1,))))
    assert live.layer.forward_layer.units == 3


def test_custom_objects_of_a_space_are_made_for_each_child() -> None:
    initializer = keras.initializers.RandomNormal(seed=3)
    space = layers.Dense(kg.oneof([2]), kernel_initializer=initializer)
    first, second = (kg.build(kg.materialize(space, kg.DNA((0,)))) for _ in range(2))
    assert first.kernel_initializer is not second.kernel_initializer
    assert first.kernel_initializer.seed == 3

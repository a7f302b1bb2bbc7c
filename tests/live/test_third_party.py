"""`kg.symbolize` on classes of other packages and on the user's own, made for plain Keras."""

from __future__ import annotations

import copy
import inspect
import pickle
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import keras_glove as kg
from keras_glove.hyper import Template
from keras_glove.symbolic import Program
from tests.live import thirdparty

X = np.linspace(-1, 1, 12, dtype="float32").reshape(3, 4)

before = {name: dict(vars(cls)) for name, cls in vars(thirdparty).items() if isinstance(cls, type)}
Gate = kg.symbolize(thirdparty.Gate)
Plain = kg.symbolize(thirdparty.Plain)
Named = kg.symbolize(thirdparty.Named)
Backbone = kg.symbolize(thirdparty.Backbone)
Decay = kg.symbolize(thirdparty.Decay)
Focal = kg.symbolize(thirdparty.Focal)


def test_classes_are_not_touched() -> None:
    assert {name: dict(vars(getattr(thirdparty, name))) for name in before} == before


def test_stands_for_the_class() -> None:
    assert inspect.signature(Gate) == inspect.signature(thirdparty.Gate)
    assert Gate.__doc__ == thirdparty.Gate.__doc__ and Gate.__name__ == "Gate"
    layer = Gate(3)
    assert type(layer) is thirdparty.Gate
    assert isinstance(layer, Gate) and isinstance(thirdparty.Gate(3), Gate)
    assert issubclass(thirdparty.Gate, Gate)
    assert Gate.registry is thirdparty.Gate.registry
    assert Gate.of(layer).units == 3
    assert kg.symbolize(Gate) is Gate


@pytest.mark.parametrize(
    "space",
    [
        lambda: Gate(kg.oneof([4, 6])),
        lambda: Plain(kg.oneof([1.0, 2.0])),
        lambda: Named(kg.floatv(1.0, 2.0)),
        lambda: Backbone(kg.oneof([4, 6])),
        lambda: kg.Sequential([thirdparty.Gate(4), kg.layers.Dense(kg.oneof([2, 3]))]),
        lambda: kg.layers.TimeDistributed(Gate(kg.oneof([2, 3]))),
    ],
)
def test_space_of_them_makes_children_that_keras_saves(space: Any, tmp_path: Path) -> None:
    program = kg.program(space())
    assert isinstance(program, Program)
    assert kg.from_json(kg.to_json(program)) == program
    template = Template(program)
    child = kg.build(template.materialize(template.space.first()))
    x = keras.Input((2, 4) if isinstance(child, keras.layers.TimeDistributed) else (4,))
    data = np.ones((3, *x.shape[1:]), "float32")
    model = keras.Model(x, child(x))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(model(data), loaded(data), rtol=1e-6)
    assert type(loaded.layers[-1]) is type(child)
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        np.testing.assert_allclose(model(data), other(data), rtol=1e-6)


def test_pickles_nothing_of_its_own() -> None:
    assert pickle.loads(pickle.dumps(Gate)) == thirdparty.Gate
    assert b"keras_glove" not in pickle.dumps(thirdparty.Gate(2))
    assert b"keras_glove" not in pickle.dumps(Gate(2))


def test_name_that_a_package_has_given_stays() -> None:
    assert keras.saving.get_registered_name(thirdparty.Named) == "thirdparty>Named"
    assert keras.saving.get_registered_name(thirdparty.Gate) == "tests.live.thirdparty>Gate"


def test_layers_made_by_the_package_itself_are_described() -> None:
    assert kg.program(thirdparty.Gate(3, bias=1.0)) == kg.program(Gate, 3, bias=1.0)


def test_schedules_and_losses() -> None:
    space = {
        "optimizer": kg.optimizers.SGD(Decay(kg.oneof([0.1, 0.2]))),
        "loss": Focal(kg.intv(1, 2)),
    }
    template = Template(space)
    assert template.space.size == 4
    made = kg.build(template.materialize(template.space.first()))
    assert float(made["optimizer"].learning_rate) == pytest.approx(0.1)
    assert type(made["loss"]) is thirdparty.Focal and made["loss"].gamma == 1


def test_subclass_is_symbolic_and_saved(tmp_path: Path) -> None:
    class Double(Gate):
        def __init__(self, units: int, times: int = 2) -> None:
            super().__init__(units)
            self.times = times

        def call(self, x: Any) -> Any:
            return super().call(x) * self.times

        def get_config(self) -> dict[str, Any]:
            return {"units": self.units, "times": self.times}

    assert issubclass(Double, thirdparty.Gate)
    assert isinstance(Double(kg.oneof([2, 3])), Program)
    model = keras.Sequential([Double(2, times=3)])
    expected = model(X)
    model.save(tmp_path / "model.keras")
    np.testing.assert_allclose(keras.models.load_model(tmp_path / "model.keras")(X), expected)


# -- the user's own, for plain Keras -------------------------------------------------------


@kg.symbolize
class Block(keras.layers.Layer):
    """A layer-valued argument, and neither `get_config` nor `**kwargs`."""

    def __init__(self, inner: keras.layers.Layer, scale: float = 1.0) -> None:
        super().__init__()
        self.inner, self.scale = inner, scale

    def call(self, x: Any) -> Any:
        return self.inner(x) * self.scale


@kg.symbolize
class Own(keras.Model):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.block = Block(keras.layers.Dense(width), 2.0)

    def call(self, x: Any) -> Any:
        return self.block(x)


@kg.symbolize
class Configured(keras.layers.Layer):
    def __init__(self, width: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.width = width

    def call(self, x: Any) -> Any:
        return x * self.width

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "width": self.width}


@kg.symbolize
class Below(Block):
    """A class below one that is symbolic."""


@pytest.mark.parametrize(
    "layer",
    [
        lambda: Block(keras.layers.Dense(2), scale=3.0),
        lambda: Below(keras.layers.Dense(2), scale=3.0),
        lambda: Own(3),
        lambda: Configured(2),
    ],
)
def test_users_own_class_is_saved_without_get_config(layer: Any, tmp_path: Path) -> None:
    made = layer()
    again = type(made).from_config(made.get_config())
    assert type(again) is type(made) and kg.program(again) == kg.program(made)
    model = keras.Sequential([made])
    expected = model(X)
    model.save(tmp_path / "model.keras")
    np.testing.assert_allclose(
        keras.models.load_model(tmp_path / "model.keras")(X), expected, rtol=1e-6
    )
    twin = keras.models.clone_model(model)
    twin(X)
    twin.set_weights(model.get_weights())
    np.testing.assert_allclose(twin(X), expected, rtol=1e-6)


def test_config_that_the_user_has_written_stays() -> None:
    assert Configured(2).get_config()["width"] == 2
    assert "program" not in Configured(2).get_config()

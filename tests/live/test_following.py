"""Live objects follow their programs: rebind, clone, and what becomes of weights."""

from __future__ import annotations

import logging
from typing import Any

import keras
import numpy as np
import pytest

import keras_glove as kg
from keras_glove import layers
from keras_glove.errors import ArgumentError, BuildError, DescriptionError, PathError
from keras_glove.hyper import Template
from keras_glove.live import clone, rebind
from keras_glove.models import carry_weights, weight_report
from keras_glove.symbolic import Program
from tests.live.architectures import CLASSES, KINDS, Net, Residual, X, child_of

kinds = pytest.mark.parametrize("kind", KINDS)


def assert_same(model: Any, other: Any) -> None:
    np.testing.assert_allclose(model(X), other(X), rtol=1e-6, atol=1e-6)


def trained(model: Any) -> Any:
    """The model with weights that no initializer gives."""
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    return model


# -- clone ---------------------------------------------------------------------------------


@kinds
def test_clone_of_a_model_computes_the_same_and_is_independent(kind: str) -> None:
    model = trained(child_of(kind, "space"))
    copy = clone(model)
    assert type(copy) is type(model) and kg.program(copy) == kg.program(model)
    assert_same(model, copy)
    assert weight_report(copy).complete and len(weight_report(copy).kept) == len(model.weights)
    assert not {id(w) for w in model.weights} & {id(w) for w in copy.weights}
    copy.set_weights([w * 0 for w in copy.get_weights()])
    assert not np.allclose(model(X), copy(X))


@kinds
def test_clone_may_start_anew(kind: str) -> None:
    model = trained(child_of(kind, "space"))
    copy = clone(model, weights="fresh")
    assert not np.allclose(model(X), copy(X))
    assert weight_report(copy) is None


def test_clone_of_what_is_not_built_has_no_weights() -> None:
    layer = layers.Dense(3)
    assert not clone(layer).built and weight_report(clone(layer)) is None


def test_clone_of_other_objects() -> None:
    optimizer = kg.optimizers.Adam(kg.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5))
    copy = clone(optimizer)
    assert copy is not optimizer and type(copy) is keras.optimizers.Adam
    assert kg.program(copy) == kg.program(optimizer)
    with pytest.raises(ArgumentError, match="no 'weights' for a Adam"):
        clone(optimizer, weights="fresh")
    with pytest.raises(ArgumentError, match="no 'weights' for a program"):
        clone(kg.program(optimizer), weights="fresh")
    with pytest.raises(ArgumentError, match="one of"):
        clone(layers.Dense(2), weights="some")


def test_clone_keeps_what_was_frozen_since() -> None:
    net = Net(4)
    net(X)
    net.stem.trainable = False
    net.blocks[1].inner.trainable = False
    copy = clone(net)
    assert len(copy.trainable_weights) == len(net.trainable_weights)
    assert copy.trainable and not copy.stem.trainable


def test_clone_of_programs_is_as_ever() -> None:
    shared = kg.program(layers.Dense, kg.oneof([2, 3]))
    first, second = clone([shared, shared])
    assert first is second and first is not shared and first == shared


# -- rebind --------------------------------------------------------------------------------


def test_rebind_of_a_layer_gives_a_new_one_and_tells(caplog: pytest.LogCaptureFixture) -> None:
    layer = layers.Conv2D(16, 3)
    layer.build((None, 8, 8, 3))
    with caplog.at_level(logging.INFO, "keras_glove"):
        wider = rebind(layer, filters=64)
        sliding = rebind(layer, strides=2)
    assert (wider.filters, layer.filters) == (64, 16)
    assert weight_report(wider).reshaped == {
        "kernel": ((3, 3, 3, 16), (3, 3, 3, 64)),
        "bias": ((16,), (64,)),
    }
    np.testing.assert_array_equal(sliding.get_weights()[0], layer.get_weights()[0])
    warned, told = caplog.records
    assert warned.levelname == "WARNING" and told.levelname == "INFO"
    assert warned.message.splitlines() == [
        f"rebind of {wider.name!r}: kept 0 of 2 weights",
        "  new shape: kernel (3, 3, 3, 16) -> (3, 3, 3, 64)",
        "  new shape: bias (16,) -> (64,)",
    ]


def test_mutated_child_starts_warm() -> None:
    net = trained(child_of("subclassed", "space"))
    deeper = rebind(net, depth=3)
    report = weight_report(deeper)
    assert report.new == ("blocks[2].inner.kernel", "blocks[2].inner.bias")
    assert not report.reshaped and not report.gone and len(report.kept) == len(net.weights)
    np.testing.assert_array_equal(deeper.stem.get_weights()[0], net.stem.get_weights()[0])
    shallower = rebind(deeper, depth=2)
    assert weight_report(shallower).gone == report.new
    assert_same(net, shallower)
    wider = rebind(net, {"width": 5})
    assert "head.dense.bias" in weight_report(wider).kept
    assert len(weight_report(wider).reshaped) == 13


def test_child_of_a_mutated_program_starts_warm() -> None:
    template = Template(KINDS["functional"](kg.oneof([4, 5], name="width")))
    first, second = (kg.build(template.materialize(dna)) for dna in template.space)
    trained(first)
    report = carry_weights(first, second)
    assert weight_report(second) is report
    assert set(report.kept) >= {"inner.dense.kernel", "inner.dense.bias", "dense_2.bias"}
    assert "stem.kernel" in report.reshaped


def test_functional_model_is_changed_by_the_names_of_its_layers() -> None:
    model = trained(child_of("functional", "constructors"))
    changed = rebind(model, {"layers.stem.activation": "tanh"})
    assert changed.get_layer("stem").activation is keras.activations.tanh
    assert weight_report(changed).complete
    assert not np.allclose(model(X), changed(X))
    assert_same(model, rebind(changed, {"layers.stem.activation": "relu"}))


def test_sequential_model_keeps_weights_by_name_and_number() -> None:
    model = trained(child_of("sequential", "constructors"))
    program = kg.program(model)
    more = rebind(model, {"layers": [layers.ReLU(), *program.layers]})
    assert weight_report(more).complete
    assert_same(kg.Sequential([layers.ReLU(), model]), more)


def test_open_value_makes_a_space() -> None:
    net = child_of("subclassed", "space")
    space = rebind(net, depth=kg.oneof([1, 2]))
    assert isinstance(space, Program) and kg.program(net).depth == 2


def test_program_of_a_live_object_is_a_copy() -> None:
    net = Net(4)
    kg.rebind(kg.program(net), width=8)
    assert kg.program(net).width == 4
    assert Net.from_config(net.get_config()).stem.units == 4


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"no_such": 1}, ArgumentError),
        ({"blocks[0].units": 1}, (PathError, ArgumentError)),
        ({"width": "wide"}, (ValueError, TypeError)),
    ],
)
def test_bad_changes_change_nothing(change: Any, error: Any) -> None:
    net = child_of("subclassed", "space")
    before = kg.program(net)
    with pytest.raises(error):
        rebind(net, change)
    assert kg.program(net) == before


def test_argument_that_is_named_as_an_option() -> None:
    @kg.symbolize
    def pretrained(weights: str | None = None) -> str | None:
        return weights

    program = rebind(kg.program(pretrained), weights="imagenet")
    assert program.weights == "imagenet"


def test_what_no_program_describes() -> None:
    class Secret(keras.layers.Layer):
        def __init__(self, function: Any) -> None:
            super().__init__()

    with pytest.raises(DescriptionError):
        rebind(Secret(lambda x: x), name="a")


def test_inputs_that_are_not_known() -> None:
    class Attend(kg.Model):
        def __init__(self, heads: int) -> None:
            super().__init__()
            self.attend = layers.MultiHeadAttention(heads, 2)

        def call(self, query: Any, value: Any) -> Any:
            return self.attend(query, value)

    x = np.ones((1, 2, 3), "float32")
    model = Attend(1)
    model(x, x)
    with pytest.raises(BuildError, match="carry_weights"):
        rebind(model, heads=2)
    with pytest.raises(DescriptionError, match="takes several arguments"):
        kg.oneof([model])
    new = rebind(model, heads=1, weights="fresh")
    new(x, x)
    assert carry_weights(model, new).complete
    np.testing.assert_allclose(model(x, x), new(x, x))
    model(keras.Input((2, 3)), keras.Input((2, 3)))
    assert weight_report(rebind(model, heads=2)).reshaped
    child = kg.build(kg.materialize(kg.oneof([model]), kg.DNA((0,))))
    np.testing.assert_allclose(model(x, x), child(x, x))


# -- in place ------------------------------------------------------------------------------


def test_layer_is_reset_in_place() -> None:
    layer = layers.Dense(4, name="mine")
    layer(X)
    kernel = layer.get_weights()[0]
    assert rebind(layer, use_bias=False, in_place=True) is layer
    assert layer.name == "mine" and len(layer.weights) == 1
    np.testing.assert_array_equal(layer.get_weights()[0], kernel)
    rebind(layer, units=2, weights="fresh", in_place=True)
    assert not layer.built and layer(X).shape == (len(X), 2)
    assert kg.program(layer) == kg.program(layers.Dense, 2, use_bias=False, name="mine")
    assert keras.layers.Dense.from_config(layer.get_config()).units == 2


@pytest.mark.parametrize("kind", ["subclassed", "sequential"])
def test_model_is_reset_in_place(kind: str) -> None:
    model = trained(Net(4) if kind == "subclassed" else KINDS["sequential"](4))  # fmt: skip
    model(X)
    trained(model)
    expected = np.asarray(model(X))
    rebind(model, name="other", in_place=True) if kind == "sequential" else rebind(
        model, depth=2, in_place=True
    )
    assert weight_report(model).complete
    np.testing.assert_allclose(model(X), expected, rtol=1e-6)
    model.compile("sgd", "mse")
    model.fit(X, np.zeros((len(X), CLASSES)), verbose=0)
    assert not np.allclose(model(X), expected)


def test_user_object_is_reset_in_place() -> None:
    @kg.symbolize
    class Encoder:
        def __init__(self, width: int) -> None:
            self.width = width

    encoder = Encoder(3)
    encoder.extra = 1  # type: ignore[attr-defined]
    assert rebind(encoder, width=4, in_place=True) is encoder
    assert vars(encoder) == {"width": 4} and kg.program(encoder).width == 4
    assert rebind(encoder, width=5).width == 5 and encoder.width == 4


def test_failed_reset_changes_nothing() -> None:
    layer = layers.Dense(4)
    layer(X)
    before = layer(X)
    with pytest.raises(ValueError, match="units"):
        rebind(layer, units=-1, in_place=True)
    np.testing.assert_array_equal(layer(X), before)
    assert kg.program(layer).units == 4


def test_what_cannot_be_reset_in_place() -> None:
    model = child_of("functional", "space")
    with pytest.raises(ArgumentError, match="Leave out `in_place`"):
        rebind(model, name="other", in_place=True)
    with pytest.raises(ArgumentError, match="symbolic tensors"):
        rebind(model.layers[1], units=2, in_place=True)
    with pytest.raises(ArgumentError, match="open one"):
        rebind(layers.Dense(2), units=kg.oneof([2, 3]), in_place=True)


# -- weights in spaces ---------------------------------------------------------------------


@kinds
def test_model_in_a_space_brings_its_weights(kind: str) -> None:
    model = trained(child_of(kind, "space"))
    space = kg.Sequential([model, layers.Dense(kg.oneof([2, 3]))])
    template = Template(space)
    (first, second) = (kg.build(template.materialize(dna)) for dna in template.space)
    for child in (first, second):
        assert_same(model, child.layers[0])
        assert child.layers[0] is not model
    again = kg.build(kg.from_json(kg.to_json(template.materialize(template.space.first()))))
    assert_same(model, again.layers[0])


def test_weights_that_do_not_fit_are_refused_unless_told() -> None:
    backbone = trained(child_of("subclassed", "space"))
    space = kg.program(Residual, backbone)
    changed = kg.rebind(kg.clone(space), {"inner.layer.depth": 3})
    with pytest.raises(BuildError, match=r"new: blocks\[2\].inner.kernel"):
        kg.build(changed)
    live = kg.build(kg.rebind(changed, {"inner.strict": False}))
    assert len(live.inner.blocks) == 3
    np.testing.assert_array_equal(live.inner.stem.get_weights()[0], backbone.stem.get_weights()[0])


def test_keeping_weights_can_be_asked_for_in_words() -> None:
    layer = layers.Dense(3)
    layer.build((None, 2))
    copy = clone(layer, weights="keep where shapes agree")
    np.testing.assert_array_equal(copy.kernel, layer.kernel)
    with pytest.raises(ArgumentError, match="keep where shapes agree"):
        clone(layer, weights="keep all")

"""The functional API on open values, and functional models as programs."""

from __future__ import annotations

import gc
import json
import weakref
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

import keras_glove as kg
from keras_glove import layers, ops
from keras_glove.errors import BuildError, DescriptionError, OpenValueError
from keras_glove.hyper import Template
from keras_glove.symbolic import is_open, walk

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4)).astype("float32")
IMAGES = RNG.normal(size=(2, 8, 8, 3)).astype("float32")


def children(model: Any) -> list[keras.Model]:
    """All children of a space, in order."""
    template = Template(kg.program(model))
    return [kg.build(template.materialize(dna)) for dna in template.space]


def names(model: Any) -> list[str]:
    return [point.name for point in Template(kg.program(model)).space.points]


def assert_computes_the_same(model: Any, other: Any, data: Any) -> None:
    other.set_weights(model.get_weights())
    expected, received = model(data, training=False), other(data, training=False)
    for left, right in zip(keras.tree.flatten(expected), keras.tree.flatten(received), strict=True):
        np.testing.assert_allclose(np.asarray(left), np.asarray(right), rtol=1e-5, atol=1e-6)


# -- open values ---------------------------------------------------------------------------


def test_call_with_an_open_value_gives_a_tensor_and_the_model_is_a_space() -> None:
    x = keras.Input((8, 8, 3))
    h = layers.Conv2D(kg.oneof([4, 6]), 3, name="stem")(x)
    assert isinstance(h, keras.KerasTensor) and h.shape == (None, 6, 6, 4)
    h = keras.layers.ReLU()(keras.layers.BatchNormalization()(h)) + 1.0
    y = layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(h))
    model = keras.Model(x, y, name="net")
    assert names(model) == ["layers.stem.filters"]
    small, large = children(model)
    assert [m.get_layer("stem").filters for m in (small, large)] == [4, 6]
    assert small.name == "net" and small(IMAGES).shape == (2, 2)
    assert type(small) is type(model)
    assert all(type(layer).__module__.startswith("keras.") for layer in small.layers)


def test_choice_of_layers_is_called_as_one() -> None:
    x = keras.Input((8, 8, 3))
    op = kg.oneof(
        [layers.Conv2D(kg.oneof([3, 5]), 3, padding="same"), layers.Identity()], name="op"
    )
    model = keras.Model(x, keras.layers.Flatten()(op(x)))
    assert names(model) == ["op", "op=Conv2D.filters"]
    assert [len(child.weights) for child in children(model)] == [2, 2, 0]


def test_program_that_is_called_twice_is_one_layer() -> None:
    x, y = keras.Input((4,)), keras.Input((4,))
    shared = layers.Dense(kg.oneof([2, 3]))
    model = keras.Model([x, y], shared(x) + shared(y))
    for child, units in zip(children(model), [2, 3], strict=True):
        assert [w.shape for w in child.weights] == [(4, units), (units,)]
        assert child([X, X]).shape == (3, units)


def test_layers_of_keras_are_fresh_in_each_child_and_shared_within_it() -> None:
    x = keras.Input((4,))
    shared = keras.layers.Dense(4)
    model = keras.Model(x, shared(layers.Dense(kg.oneof([4]))(shared(x))))
    first, second = children(model)[0], children(model)[0]
    assert len(first.weights) == 4
    assert not {id(w) for w in first.weights} & {id(w) for w in second.weights}


def test_choice_of_tensors_is_conditional() -> None:
    x = keras.Input((4,))
    a = layers.Dense(kg.oneof([4, 5]), name="a")(x)
    b = keras.layers.Dense(6, name="b")(x)
    y = ops.concatenate([x, kg.oneof([a, b, x], name="skip")], axis=1)
    model = keras.Model(x, y)
    space = Template(kg.program(model)).space
    assert space.size == 4
    assert [child.output_shape[-1] for child in children(model)] == [8, 9, 10, 8]
    assert [len(child.weights) for child in children(model)] == [2, 2, 2, 0]


def test_choice_of_tensors_is_a_tensor() -> None:
    x = keras.Input((4,))
    h = keras.layers.Dense(4, name="h")(x)
    skip = kg.oneof([h, x], name="skip")
    assert isinstance(skip, keras.KerasTensor)
    two = kg.manyof(2, [x, skip, skip * 2], name="two")
    model = keras.Model(x, keras.layers.Dense(3)(keras.layers.Add()(two)))
    assert names(model) == ["two[0]", "two[1]", "skip"]
    assert list(kg.program(model).tensors) == ["input", "two", "add", "dense"]
    for child in children(model):
        assert child(X).shape == (3, 3)
    assert kg.oneof([x, None]).candidates[0] is x  # no tensor, if it may be none


def test_what_all_candidates_need_stands_outside_of_the_choice() -> None:
    x = keras.Input((4,))
    h = layers.Dense(kg.oneof([4, 5]), name="stem")(x)
    h = kg.oneof([h, keras.layers.Dropout(0.1)(h)], name="dropout")
    h = kg.manyof(1, [keras.layers.ReLU()(h), h * 2], name="act")[0]
    model = keras.Model(x, keras.layers.Dense(2)(h))
    assert names(model) == ["layers.stem.units", "dropout", "act[0]"]
    assert list(kg.program(model).tensors) == ["input", "stem", "dropout", "act", "dense"]
    assert len(children(model)) == 8


def test_tensor_in_a_choice_and_outside_is_computed_once() -> None:
    x = keras.Input((4,))
    h = layers.Dense(kg.oneof([4]), name="h")(x)
    model = keras.Model(x, ops.add(h, kg.oneof([h, x])))
    assert [len(child.weights) for child in children(model)] == [2, 2]


def test_outputs_may_be_open() -> None:
    x = keras.Input((4,))
    a, b = layers.Dense(kg.oneof([2, 3]))(x), keras.layers.Dense(5)(x)
    model = kg.Model(x, kg.oneof([a, b], name="head"), name="net")
    assert [child.output_shape[-1] for child in children(model)] == [2, 3, 5]


def test_arguments_of_operations_may_be_open() -> None:
    x = keras.Input((4,))
    y = ops.reshape(layers.Dense(6)(x), kg.oneof([(-1, 2, 3), (-1, 3, 2)], name="shape"))
    y = ops.concatenate([y, y], axis=kg.oneof([1, 2], name="axis"))
    model = keras.Model(x, y)
    assert names(model) == ["shape", "axis"]
    shapes = [child.output_shape for child in children(model)]
    assert shapes == [(None, 4, 3), (None, 2, 6), (None, 6, 2), (None, 3, 4)]


def test_users_function_of_tensors() -> None:
    @kg.symbolize
    def block(x: Any, width: int, activation: str = "relu") -> Any:
        return keras.layers.Dense(width, activation=activation)(x) + 1.0

    x = keras.Input((4,))
    y = keras.layers.Dense(2)(block(block(x, 4), kg.oneof([4, 5], name="width")))
    assert [child.count_params() for child in children(keras.Model(x, y))] == [50, 57]


def test_several_inputs_and_outputs_and_parts() -> None:
    a, b = keras.Input((5, 4), name="a"), keras.Input((4,), name="b")
    sequence, hidden, cell = layers.LSTM(
        kg.oneof([3, 4]), return_sequences=True, return_state=True
    )(a)
    y = keras.layers.Concatenate()([hidden, cell, layers.Dense(kg.oneof([2, 3]))(b)])
    model = keras.Model({"a": a, "b": b}, {"sequence": sequence, "y": y})
    sizes = []
    data = {"a": np.ones((2, 5, 4), "float32"), "b": np.ones((2, 4), "float32")}
    for child in children(model):
        result = child(data)
        assert list(result) == ["sequence", "y"]
        sizes.append((result["sequence"].shape, result["y"].shape))
    assert sizes == [((2, 5, n), (2, 2 * n + m)) for n in (3, 4) for m in (2, 3)]


@pytest.mark.parametrize("twice", [False, True])
def test_open_values_below_a_nested_model(twice: bool) -> None:
    inner_in = keras.Input((4,))
    inner = keras.Model(inner_in, layers.Dense(kg.oneof([4]), name="d")(inner_in), name="inner")
    x = keras.Input((4,))
    h = inner(x)
    model = keras.Model(x, keras.layers.Dense(2)(inner(h) if twice else h))
    assert names(model) == ["layers.inner.layers.d.units"]
    (child,) = children(model)
    assert child.get_layer("inner").count_params() == 20
    assert child.count_params() == 30


def test_sequential_around_an_open_functional_model() -> None:
    x = keras.Input((4,))
    inner = keras.Model(x, layers.Dense(kg.oneof([2, 3]))(x))
    model = kg.Sequential([inner, layers.Dense(5)])
    assert [child(X).shape for child in children(model)] == [(3, 5), (3, 5)]


def test_sequential_with_an_input() -> None:
    model = kg.program(kg.Sequential([keras.Input((4,)), layers.Dense(kg.oneof([2, 3]))]))
    assert kg.from_json(kg.to_json(model)) == model
    first, second = children(model)
    assert first.built and first.output_shape == (None, 2) and second.output_shape == (None, 3)
    assert first.inputs[0] is not second.inputs[0]
    static = kg.Sequential([keras.Input((4,), name="x"), layers.Dense(2)])
    program = kg.program(static)
    assert repr(program) == ("Sequential(layers=[Input(shape=(4,), name='x'), Dense(units=2)])")
    assert kg.build(program).built


def test_layers_that_are_added_and_taken_away_are_told() -> None:
    model = kg.Sequential([layers.Dense(2)])
    model.add(layers.Dense(3))
    assert kg.program(model) == kg.program(kg.Sequential, [layers.Dense(2), layers.Dense(3)])
    model.pop()
    assert kg.program(model) == kg.program(kg.Sequential, [layers.Dense(2)])


def test_live_models_are_searched() -> None:
    x = keras.Input((4,))
    model = keras.Model(x, layers.Dense(kg.oneof([2, 3]))(x))
    seen = []
    for child, feedback in kg.sample(model, kg.algorithms.Sweep()):
        live = kg.build(child)
        seen.append(live.output_shape)
        feedback(live.count_params())
    assert seen == [(None, 2), (None, 3)]


def test_children_go_when_nobody_holds_them() -> None:
    backbone = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)])
    x = keras.Input((4,))
    template = Template(kg.program(keras.Model(x, layers.Dense(kg.oneof([2]))(backbone(x) + x))))
    nodes = len(backbone._inbound_nodes), len(x._keras_history.operation._outbound_nodes)
    child = kg.build(template.materialize(kg.DNA((0,))))
    alive = weakref.ref(child)
    del child
    gc.collect()
    assert alive() is None
    assert nodes == (len(backbone._inbound_nodes), len(x._keras_history.operation._outbound_nodes))


def test_masks_arise_anew_in_each_child() -> None:
    tokens = keras.Input((5,), dtype="int32")
    h = layers.Embedding(9, kg.oneof([2, 3]), mask_zero=True)(tokens)
    model = keras.Model(tokens, keras.layers.LSTM(2)(h))
    static = keras.Sequential([keras.layers.Embedding(9, 2, mask_zero=True), keras.layers.LSTM(2)])
    data = np.array([[1, 2, 0, 0, 0]])
    static(data)
    assert_computes_the_same(static, children(model)[0], data)


def test_mask_of_a_model_of_keras_arises_anew() -> None:
    tokens = keras.Input((5,), dtype="int32")
    h = keras.layers.Embedding(9, 2, mask_zero=True)(tokens)
    model = keras.Model(tokens, keras.layers.LSTM(2)(keras.layers.Dense(3)(h)))
    program = kg.program(model)
    assert list(program.layers) == ["embedding", "dense", "lstm"]
    assert_computes_the_same(model, kg.build(program), np.array([[1, 2, 0, 0, 0]]))


def test_keywords_of_calls_are_kept() -> None:
    x = keras.Input((4,))
    h = layers.Dropout(kg.oneof([0.5]))(x, training=True)
    h = keras.layers.Dropout(0.5)(h, training=True)
    q = keras.layers.Reshape((2, 2))(h)
    y = keras.layers.MultiHeadAttention(1, 2)(query=q, value=q, use_causal_mask=True)
    (child,) = children(keras.Model(x, y))
    arguments = [node.arguments.kwargs for layer in child.layers for node in layer._inbound_nodes]
    assert sum(kwargs.get("training") is True for kwargs in arguments) == 2
    assert sum(kwargs.get("use_causal_mask") is True for kwargs in arguments) == 1


def test_open_model_refuses_to_compute() -> None:
    x = keras.Input((4,))
    model = keras.Model(x, layers.Dense(kg.oneof([2, 3]))(x))
    with pytest.raises(OpenValueError, match="kg.sample"):
        model(X)


def test_first_child_that_cannot_be_called_is_refused_where_it_is_written() -> None:
    with pytest.raises(ValueError, match="incompatible with the layer"):
        layers.Conv2D(kg.oneof([4, 6]), 3)(keras.Input((8,)))


def test_class_that_makes_its_own_open_values_is_refused() -> None:
    class Own(kg.Model):
        def __init__(self) -> None:
            x = keras.Input((4,))
            super().__init__(x, layers.Dense(kg.oneof([2, 3]))(x))

    with pytest.raises(DescriptionError, match="as arguments"):
        kg.program(Own())


# -- weights -------------------------------------------------------------------------------


def test_models_and_frozen_layers_keep_their_weights_in_a_space() -> None:
    backbone = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)], name="backbone")
    frozen = keras.layers.Dense(4, trainable=False, name="frozen")
    x = keras.Input((4,))
    h = frozen(backbone(x))
    free = keras.layers.Dense(4, name="free")
    model = keras.Model(x, layers.Dense(kg.oneof([2, 3]))(free(h)))
    for child in children(model):
        for name, original in (("backbone", backbone), ("frozen", frozen)):
            kept = child.get_layer(name)
            np.testing.assert_array_equal(kept.get_weights()[0], original.get_weights()[0])
            assert kept.weights[0] is not original.weights[0]
        assert not np.array_equal(child.get_layer("free").get_weights()[0], free.get_weights()[0])
        assert child.get_layer("frozen").trainable is False


def test_description_of_a_static_model_carries_no_weights() -> None:
    x = keras.Input((4,))
    inner = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)])
    program = kg.program(keras.Model(x, inner(x)))
    assert not any(isinstance(value, np.ndarray) for _, value in walk(program))


# -- static models as programs -------------------------------------------------------------

EXPRESSIONS: dict[str, Callable[[Any], Any]] = {
    "operators": lambda x: (x + 1) * 2 - x / 3 + 2 ** (-abs(x)) @ np.ones((4, 4), "float32"),
    "comparison": lambda x: keras.ops.where(x > 0, x, 0.0),
    "slices": lambda x: x[:, 1:] + x[..., :1],
    "index": lambda x: x[:, 0],
    "reductions": lambda x: keras.ops.mean(x, axis=1, keepdims=True) + keras.ops.max(x),
    "shapes": lambda x: keras.ops.reshape(keras.ops.transpose(x), (-1, 2)),
    "concatenate": lambda x: keras.ops.concatenate([x, x], axis=1),
    "stack": lambda x: keras.ops.stack([x, x * 2], axis=-1),
    "split": lambda x: keras.ops.split(x, 2, axis=1)[1],
    "einsum": lambda x: keras.ops.einsum("bi,bj->bij", x, x),
    "softmax": lambda x: keras.ops.softmax(x, axis=-1),
    "constants": lambda x: x * np.arange(4, dtype="float32") + keras.ops.ones((4,)),
    "cast": lambda x: keras.ops.cast(x, "float64"),
    "pad": lambda x: keras.ops.pad(x, [(0, 0), (1, 1)]),
    "one hot": lambda x: keras.ops.one_hot(keras.ops.cast(x > 0, "int32"), 2),
    "norm": lambda x: keras.ops.norm(x, axis=-1, keepdims=True),
}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_operations_are_read_back(name: str) -> None:
    x = keras.Input((4,))
    model = keras.Model(x, EXPRESSIONS[name](x))
    program = kg.from_json(json.loads(json.dumps(kg.to_json(kg.program(model)))))
    assert_computes_the_same(model, kg.build(program), X)


def test_operations_read_as_the_functions_of_keras() -> None:
    x = keras.Input((4,))
    model = keras.Model(x, keras.ops.mean(keras.ops.softmax(x + 1), axis=1))
    functions = [call.function for call in list(kg.program(model).tensors.values())[1:]]
    assert functions == [keras.ops.add, keras.ops.softmax, keras.ops.mean]


def test_program_of_a_model_is_flat_and_has_names() -> None:
    def model() -> keras.Model:
        x = keras.Input((4,), name="features")
        h = keras.layers.Dense(4)(keras.layers.Dense(4)(x))
        return keras.Model(x, keras.layers.Dense(2, name="head")(h + x))

    program = kg.program(model())
    assert list(program.layers) == ["dense", "dense_1", "head"]
    assert list(program.tensors) == ["features", "dense", "dense_1", "add", "head"]
    assert program == kg.program(model())  # whatever Keras counts up to


def test_static_model_is_opened_at_a_place() -> None:
    x = keras.Input((4,))
    model = keras.Model(x, keras.layers.Dense(2)(keras.layers.Dense(4, name="stem")(x)))
    space = kg.rebind(
        kg.clone(kg.program(model)),
        {"layers.stem.units": kg.oneof([4, 8]), "layers.dense": kg.oneof([layers.Dense(3)])},
    )
    assert is_open(space)
    assert [child.layers[1].units for child in children(space)] == [4, 8]


def test_model_from_the_middle_of_another() -> None:
    x = keras.Input((4,))
    middle = keras.layers.Dense(4, name="first")(x)
    model = keras.Model(middle, keras.layers.Dense(2, name="second")(middle))
    assert list(kg.program(model).layers) == ["second"]
    assert_computes_the_same(model, kg.build(kg.program(model)), X)


def test_layer_without_config_is_refused_with_its_place() -> None:
    class Secret(keras.layers.Layer):
        def __init__(self, function: Any) -> None:
            super().__init__(name="secret")
            self.function = function

        def call(self, x: Any) -> Any:
            return self.function(x)

    x = keras.Input((4,))
    with pytest.raises(DescriptionError, match=r"layers\.secret"):
        kg.program(keras.Model(x, Secret(lambda x: x)(x)))


def test_names_that_are_not_there() -> None:
    from keras_glove.models import apply, functional, tensor

    x = keras.Input((2,))
    with pytest.raises(BuildError, match=r"layer among \['a'\], received 'b'"):
        functional({"a": keras.layers.ReLU()}, {"x": x, "y": apply("b", tensor("x"))}, x, x)
    with pytest.raises(BuildError, match=r"tensor among \['x'\], received 'z'"):
        functional({}, {"x": x}, tensor("x"), tensor("z"))


# -- depth ---------------------------------------------------------------------------------


def deep(depth: int) -> keras.Model:
    x = keras.Input((4,))
    h = x
    for _ in range(depth):
        h = layers.Activation(kg.oneof(["relu", "tanh"]))(keras.layers.Activation("relu")(h))
    return keras.Model(x, h)


@pytest.mark.slow
def test_deep_models_meet_no_limit_of_recursion() -> None:
    program = kg.program(deep(300))  # Keras itself recurses, and gives up soon after
    assert kg.from_json(kg.to_json(program)) == kg.clone(program) == program
    assert hash(program) and not kg.diff(program, kg.clone(program))
    assert len(repr(program).splitlines()) > 1000
    template = Template(program)
    assert len(template.space.points) == 300
    first = template.space.first()
    assert template.encode(template.materialize(first)) == first


@pytest.mark.slow
def test_deep_models_are_built() -> None:
    template = Template(kg.program(deep(200)))
    child = kg.build(template.materialize(template.space.first()))
    assert len(child.layers) == 401


@pytest.mark.slow
def test_backbone_of_keras_applications_keeps_its_weights() -> None:
    backbone = keras.applications.MobileNetV2(
        input_shape=(32, 32, 3), alpha=0.35, include_top=False, weights=None, pooling="avg"
    )
    backbone.trainable = False
    x = keras.Input((32, 32, 3))
    model = keras.Model(x, layers.Dense(kg.oneof([2, 3]))(backbone(x, training=False)))
    images = np.ones((1, 32, 32, 3), "float32")
    child = children(model)[1]
    kept = child.layers[1]
    assert kept.name == backbone.name and not kept.trainable_weights
    np.testing.assert_allclose(kept(images), backbone(images), rtol=1e-5)
    program = kg.program(backbone)
    assert len(program.layers) == len(backbone.layers) - 1
    opened = kg.rebind(kg.clone(program), {"layers.Conv1.filters": kg.oneof([16, 24])})
    assert names(opened) == ["layers.Conv1.filters"]

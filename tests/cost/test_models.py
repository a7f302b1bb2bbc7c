"""Parameters and multiply-adds of whole models, however they are written."""

from __future__ import annotations

import threading
from typing import Any

import keras
import pytest
import tensorflow as tf
from keras import layers, ops

from keras_glove.cost import LayerCall, multiply_adds, parameters, register_rule
from keras_glove.errors import CostError


class Residual(keras.Model):
    """Two calls of one convolution, around them a layer of layers, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = keras.Sequential([layers.Conv2D(4, 3, padding="same"), layers.ReLU()])
        self.shared = layers.Conv2D(4, 3, padding="same")
        self.norm = layers.BatchNormalization()
        self.head = layers.Dense(10)

    def call(self, x: Any, training: bool | None = None) -> Any:
        x = self.stem(x)
        x = x + self.norm(self.shared(self.shared(x)), training=training)
        return self.head(ops.mean(x, axis=(1, 2)))


RESIDUAL = 64 * 9 * 1 * 4 + 2 * 64 * 9 * 4 * 4 + 4 * 10


def functional_residual() -> keras.Model:
    inputs = keras.Input((8, 8, 1))
    shared = layers.Conv2D(4, 3, padding="same")
    stem = layers.ReLU()(layers.Conv2D(4, 3, padding="same")(inputs))
    x = stem + layers.BatchNormalization()(shared(shared(stem)))
    return keras.Model(inputs, layers.Dense(10)(ops.mean(x, axis=(1, 2))))


def test_mobilenet_v2_as_published() -> None:
    model = keras.applications.MobileNetV2(weights=None)
    assert round(multiply_adds(model) / 1e6) in (300, 301)  # "300M" (arXiv:1801.04381, table 4)
    assert multiply_adds(model) == 300_774_272
    assert parameters(model) == 3_504_872
    assert parameters(model, trainable_only=False) == model.count_params() == 3_538_984


def test_subclassed_and_functional_agree() -> None:
    subclassed, functional = Residual(), functional_residual()
    assert multiply_adds(subclassed, (8, 8, 1)) == multiply_adds(functional) == RESIDUAL
    assert parameters(subclassed) == parameters(functional)


def test_model_built_by_data_needs_no_shape() -> None:
    model = Residual()
    model(keras.ops.zeros((2, 8, 8, 1)))
    assert multiply_adds(model) == RESIDUAL


def sequential_parts() -> list[keras.Layer]:
    return [layers.Embedding(7, 4), layers.Conv1D(3, 2), layers.Flatten(), layers.Dense(2)]


SEQUENTIAL = 4 * 2 * 4 * 3 + 12 * 2  # of 5 tokens


def test_sequential_needs_no_shape_once_it_is_built() -> None:
    tokens = keras.Input((5,), dtype="int32")
    assert multiply_adds(keras.Sequential([tokens, *sequential_parts()])) == SEQUENTIAL
    late = keras.Sequential(sequential_parts())
    with pytest.raises(CostError, match="not built"):
        multiply_adds(late)
    late(ops.zeros((2, 5), dtype="int32"))
    assert multiply_adds(late) == multiply_adds(late, (5,)) == SEQUENTIAL


class Block(keras.Model):
    """Residual, with a projection where widths differ."""

    def __init__(self, width: int, project: bool) -> None:
        super().__init__()
        self.conv = keras.Sequential([layers.Conv2D(width, 3, padding="same"), layers.ReLU()])
        self.shortcut = layers.Conv2D(width, 1) if project else layers.Identity()

    def call(self, x: Any, training: bool | None = None) -> Any:
        return self.conv(x, training=training) + self.shortcut(x)


class Blocks(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = [Block(4, True), Block(4, False), Block(6, True)]
        self.head = layers.Dense(10)

    def call(self, x: Any, training: bool | None = None) -> Any:
        for block in self.blocks:
            x = block(x, training=training)
        return self.head(ops.mean(x, axis=(1, 2)))


def test_models_within_a_subclassed_model() -> None:
    model = Blocks()
    model(ops.zeros((2, 8, 8, 1)))
    convolutions = [9 * 4 + 4, 9 * 4 * 4, 9 * 4 * 6 + 4 * 6]
    assert multiply_adds(model) == 64 * sum(convolutions) + 60
    assert parameters(model) == sum(convolutions) + 60 + (4 + 4) + 4 + (6 + 6) + 10


def test_counting_leaves_the_model_as_it_was() -> None:
    model = functional_residual()
    call, before = keras.layers.Layer.__call__, [w.numpy().copy() for w in model.weights]
    multiply_adds(model)
    assert keras.layers.Layer.__call__ is call
    assert all((new == old).all() for new, old in zip(model.get_weights(), before, strict=True))
    assert len(model.layers[1]._inbound_nodes) == 1


def test_several_inputs() -> None:
    def net(inputs: dict[str, Any]) -> Any:
        return layers.Dense(3)(layers.Concatenate()([inputs["a"], inputs["b"]]))

    inputs = {"a": keras.Input((4,), name="a"), "b": keras.Input((5,), name="b")}
    model = keras.Model(inputs, net(inputs))
    assert multiply_adds(model) == multiply_adds(model, {"a": (4,), "b": (5,)}) == 9 * 3


class TwoInputs(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.dense = layers.Dense(3)

    def call(self, left: Any, right: Any) -> Any:
        return self.dense(left) @ ops.transpose(self.dense(right))


def test_two_arguments_and_a_product_outside_of_layers() -> None:
    model = TwoInputs()
    assert multiply_adds(model, {"left": (5,), "right": (5,)}) == 2 * 5 * 3 + 1 * 3 * 1
    with pytest.raises(CostError, match="several arguments"):
        multiply_adds(model)


RAW = {
    "matmul": (lambda x: ops.matmul(x, ops.transpose(x, (0, 2, 1))), 4 * 6 * 4),
    "einsum": (lambda x: ops.einsum("btd,bsd->bts", x, x), 4 * 6 * 4),
    "matmul of tensorflow": (lambda x: tf.matmul(x, x, transpose_a=True), 6 * 4 * 6),
    "vector": (lambda x: ops.dot(x, ops.ones((6,))), 4 * 6),
    "conv": (lambda x: ops.conv(x, ops.ones((3, 6, 5)), padding="valid"), 2 * 3 * 6 * 5),
    "conv 2D": (
        lambda x: ops.conv(x[..., None], ops.ones((3, 3, 1, 5)), dilation_rate=1),
        2 * 4 * 9 * 5,
    ),
    "depthwise": (
        lambda x: ops.depthwise_conv(x[..., None], ops.ones((3, 3, 1, 2))),
        2 * 4 * 9 * 2,
    ),
    "transposed": (
        lambda x: ops.conv_transpose(x[..., None], ops.ones((2, 2, 5, 1)), strides=2),
        4 * 6 * 4 * 5,
    ),
    "element-wise": (lambda x: x * x + ops.sum(x), 0),
}


@pytest.mark.parametrize("name", RAW)
def test_products_outside_of_layers(name: str) -> None:
    function, expected = RAW[name]

    class Raw(keras.Model):
        def call(self, x: Any) -> Any:
            return function(x)

    assert multiply_adds(Raw(), (4, 6)) == expected


def test_operations_in_a_functional_model() -> None:
    inputs = keras.Input((4, 6))
    model = keras.Model(inputs, ops.matmul(inputs, ops.transpose(inputs, (0, 2, 1))))
    assert multiply_adds(model) == 4 * 6 * 4


class Own(keras.layers.Layer):
    """A layer with a weight of its own, used by a matrix product."""

    def build(self, shape: Any) -> None:
        self.kernel = self.add_weight(shape=(shape[-1], 3), name="kernel")

    def call(self, x: Any) -> Any:
        return x @ self.kernel


def test_layer_without_a_rule_is_refused_and_the_message_says_how_to_add_one() -> None:
    class Unknown(Own):
        pass

    model = keras.Sequential([keras.Input((5,)), Unknown(name="mine")])
    with pytest.raises(CostError, match=r"'mine' of class Unknown with .*kernel.*register_rule"):
        multiply_adds(model)
    register_rule(Unknown, lambda call: call.inside)
    assert multiply_adds(model) == 5 * 3
    register_rule(Unknown, lambda call: call.input_shape[-1] * 7)
    assert multiply_adds(model) == 5 * 7


def test_rule_of_a_class_does_not_hold_where_call_is_overridden() -> None:
    class Plain(layers.Dense):
        pass

    class Twice(layers.Dense):
        def call(self, x: Any, training: bool | None = None) -> Any:
            return super().call(x) + super().call(x)

    assert multiply_adds(Plain(3), (5,)) == 15
    with pytest.raises(CostError, match="Twice"):
        multiply_adds(Twice(3), (5,))


def test_products_in_a_loop_are_refused() -> None:
    class Loop(keras.Model):
        def __init__(self, step: Any) -> None:
            super().__init__()
            self.step = step

        def call(self, x: Any) -> Any:
            return tf.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, self.step(x)), [0, x])[1]

    with pytest.raises(CostError, match="While"):
        multiply_adds(Loop(lambda x: x @ x), (4, 4))
    with pytest.raises(CostError, match="While"):
        multiply_adds(Loop(layers.Dense(4)), (4, 4))

    class Hidden(layers.Layer):
        def call(self, x: Any) -> Any:
            return x + 1

    register_rule(Hidden, lambda call: 7)
    with pytest.raises(CostError, match="'hidden' to run a known number of times"):
        multiply_adds(Loop(Hidden(name="hidden")), (4, 4))
    assert multiply_adds(Loop(lambda x: x + 1), (4, 4)) == 0


@pytest.mark.parametrize("result", [-1, 1.5, None, True])
def test_result_of_a_rule_is_checked(result: Any) -> None:
    class Wrong(Own):
        pass

    register_rule(Wrong, lambda call: result)
    with pytest.raises(CostError, match="rule of Wrong to give an int"):
        multiply_adds(Wrong(), (5,))


@pytest.mark.parametrize(("layer_class", "rule"), [(Own(), lambda call: 0), (int, abs), (Own, 3)])
def test_rules_are_checked_when_registered(layer_class: Any, rule: Any) -> None:
    with pytest.raises(TypeError, match="Expected"):
        register_rule(layer_class, rule)


def test_unknown_shapes_are_refused() -> None:
    with pytest.raises(CostError, match="not built"):
        multiply_adds(Residual())
    with pytest.raises(CostError, match="without weights"):
        parameters(Residual())
    anysize = keras.Sequential([keras.Input((None, None, 1)), layers.Conv2D(4, 3)])
    with pytest.raises(CostError, match="without None"):
        multiply_adds(anysize)
    assert multiply_adds(anysize, (5, 5, 1)) == 9 * 9 * 4


def test_error_of_the_model_is_its_own() -> None:
    model = keras.Sequential([layers.Dense(3), layers.Conv2D(4, 3)], name="wrong")
    with pytest.raises(ValueError, match="conv2d|Conv2D") as caught:
        multiply_adds(model, (5,))
    assert "Probe" not in str(caught.value)


def test_fixed_batch_counts_one_example() -> None:
    inputs = keras.Input(batch_shape=(6, 5, 4))
    model = keras.Model(inputs, layers.LSTM(3, stateful=True)(inputs))
    assert multiply_adds(model) == 5 * 4 * 3 * (4 + 3)


def test_other_threads_are_not_recorded() -> None:
    """What another thread computes while a model is traced is no part of the count."""
    seen: list[int] = []

    class Slow(keras.Model):
        def call(self, x: Any) -> Any:
            other = threading.Thread(target=lambda: seen.append(layers.Dense(3)(ops.zeros((1, 4)))))
            other.start()
            other.join()
            return x

    assert multiply_adds(Slow(), (4,)) == 0
    assert seen


def test_call_is_shown_readably() -> None:
    calls: list[LayerCall] = []

    class Noted(Own):
        pass

    register_rule(Noted, lambda call: calls.append(call) or 0)
    multiply_adds(Noted(name="noted"), (5,))
    assert repr(calls[0]) == "LayerCall('noted', (1, 5) -> (1, 3))"

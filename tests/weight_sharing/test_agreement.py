"""A `call` of the user's own that does something else in a supernet than in a child is refused."""

from __future__ import annotations

import math
import random
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

import keras_glove as kg
from keras_glove import DNA, layers
from keras_glove.errors import NotShareableError
from keras_glove.weight_sharing.covering import covering
from keras_glove.weight_sharing.supernet import sharing_of

ROWS = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")


class Calls(kg.Model):
    """Two layers, and a function of the model's own between."""

    def __init__(self, first: Any, part: Any, function: Any) -> None:
        super().__init__()
        self.first, self.part, self.function = layers.Dense(first), part, function
        self.head = layers.Dense(2)
        self.width = first

    def call(self, x: Any, training: Any = None) -> Any:
        return self.head(self.function(self, self.first(x)))


def choice(*others: Any) -> Any:
    return kg.oneof([layers.Dense(4, activation="tanh"), *others])


def without(net: Any, x: Any) -> Any:
    return x if net.part is None else x + net.part(x)


def guarded(net: Any, x: Any) -> Any:
    return x if net.part is None else net.part(x)


def by_type(net: Any, x: Any) -> Any:
    return x * 2 if isinstance(net.part, layers.Identity) else net.part(x)


def unasked(net: Any, x: Any) -> Any:
    return net.part(x)


def by_root(net: Any, x: Any) -> Any:
    return x / math.sqrt(x.shape[-1])


def by_power(net: Any, x: Any) -> Any:
    return x * x.shape[-1] ** -0.5


def by_length(net: Any, x: Any) -> Any:
    return x + 1 if x.shape[-1] > 4 else x


def by_steps(net: Any, x: Any) -> Any:
    for _ in range(x.shape[-1]):
        x = ops.tanh(x)
    return x


def in_tensor(net: Any, x: Any) -> Any:
    return x * ops.sum(ops.arange(x.shape[-1], dtype="float32"))


def in_training(net: Any, x: Any) -> Any:
    return x * x.shape[-1] if net.part is None else x


def losing(net: Any, x: Any) -> Any:
    if net.part is None:
        net.add_loss(ops.mean(x))
        return x
    return net.part(x)


def by_argument(net: Any, x: Any) -> Any:
    return x * net.width**-0.5 + 2 / net.width


def along(net: Any, x: Any) -> Any:
    return x + ops.arange(x.shape[-1], dtype="float32")


def reshaping(net: Any, x: Any) -> Any:
    return ops.reshape(ops.expand_dims(x, 1), (-1, x.shape[-1]))


WIDTHS = kg.oneof([4, 8])


@pytest.mark.parametrize(
    ("first", "part", "function"),
    [
        (4, choice(None), without),
        (4, choice(None), unasked),
        (4, choice(layers.Identity()), by_type),
        (WIDTHS, None, by_root),
        (WIDTHS, None, by_power),
        (WIDTHS, None, by_length),
        (WIDTHS, None, by_steps),
        (WIDTHS, None, in_tensor),
        (WIDTHS, None, in_training),
        (4, choice(None), losing),
    ],
    ids=lambda part: getattr(part, "__name__", ""),
)
def test_what_differs_is_refused_at_the_first_call(first: Any, part: Any, function: Any) -> None:
    model = Calls(first, part, function)
    with pytest.raises(NotShareableError, match="at `.*expected a `call` that does"):
        model(ROWS)


@pytest.mark.parametrize(
    ("first", "part", "function"),
    [
        (4, choice(None), guarded),
        (4, choice(layers.Identity()), unasked),
        (WIDTHS, None, by_argument),
        (WIDTHS, None, along),
        (WIDTHS, None, reshaping),
    ],
    ids=lambda part: getattr(part, "__name__", ""),
)
def test_what_agrees_is_the_child(first: Any, part: Any, function: Any) -> None:
    model = Calls(first, part, function)
    model(ROWS)
    for dna in kg.SearchSpace(model):
        model.decide(dna)
        np.testing.assert_allclose(model(ROWS), model.child(dna)(ROWS), atol=1e-5)


def test_fit_refuses_too() -> None:
    model = Calls(4, choice(None), without)
    model.compile("sgd", "mse")
    with pytest.raises(NotShareableError, match="is None"):
        model.fit(ROWS, np.zeros((4, 2)), verbose=0)


def test_every_child_is_compared_when_it_is_taken() -> None:
    model = Calls(kg.oneof([4, 6, 8]), kg.intv(0, 9), lambda net, x: x)
    model(ROWS)
    model.function = lambda net, x: x * x.shape[-1]
    with pytest.raises(NotShareableError, match="shape"):
        model.child(DNA((0, 3)))


class Untraceable(kg.Model):
    """Computes with what symbolic tensors cannot go through."""

    def __init__(self, part: Any) -> None:
        super().__init__()
        self.first, self.part = layers.Dense(4), part

    def call(self, x: Any) -> Any:
        x = tf.math.abs(self.first(x))
        return x if self.part is None else x + self.part(x)


def test_numbers_are_compared_where_symbols_cannot_be() -> None:
    with pytest.raises(NotShareableError, match="outputs that differ"):
        Untraceable(choice(None))(ROWS)
    Untraceable(choice(layers.Identity()))(ROWS)


class Counts(Calls):
    """Counts its calls."""

    def __init__(self, first: Any, part: Any, function: Any) -> None:
        super().__init__(first, part, function)
        self.seen = self.add_weight(shape=(), initializer="zeros", trainable=False, name="seen")

    def call(self, x: Any, training: Any = None) -> Any:
        self.seen.assign_add(1.0)
        return super().call(x)


def test_comparing_leaves_no_trace() -> None:
    keras.utils.set_random_seed(3)
    model = Counts(4, choice(layers.Identity()), unasked)
    model(ROWS)
    nodes = {id(part): len(part._inbound_nodes) for part in model._flatten_layers()}
    state = random.getstate()
    sharing_of(model)._agrees = False
    model(ROWS)
    assert random.getstate() == state
    assert float(model.seen.numpy()) == 2
    assert {id(part): len(part._inbound_nodes) for part in model._flatten_layers()} == nodes


def test_a_cover_has_every_candidate_nested_ones_too() -> None:
    inner = kg.oneof([1, 2, 3])
    space = kg.SearchSpace(
        [kg.oneof(["a", {"in": inner}, {"other": kg.intv(2, 6)}]), kg.manyof(2, list("abcd"))]
    )
    dnas = list(covering(space))
    for place, point in enumerate(space.points):
        found = {dna.values[place] for dna in dnas} - {None}
        wanted = range(point.num_candidates) if point.num_candidates else (point.low, point.high)
        assert found >= set(wanted)
    assert len(dnas) <= 8

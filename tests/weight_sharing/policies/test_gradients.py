"""What policies learn by is what the papers say: checked against closed forms and autodiff."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

import keras_glove as kg
from keras_glove import layers
from keras_glove.hyper import SearchSpace, manyof, oneof
from keras_glove.testing.policies import Rehearsal
from keras_glove.weight_sharing.policies import DARTS, ENAS, GDAS, Choices, Reinforce
from keras_glove.weight_sharing.policies.unrolled import unrolled_gradients
from keras_glove.weight_sharing.rewards import Reward
from keras_glove.weight_sharing.search_step import Search, SearchStep
from keras_glove.weight_sharing.supernet import sharing_of

SPACE = SearchSpace(
    {
        "op": oneof([{"size": oneof([1, 2, 3])}, "skip"]),
        "pair": manyof(2, list("abc")),
        "rising": manyof(2, list("abc"), sorted=True, distinct=False),
    }
)


# --- DARTS -------------------------------------------------------------------------

DECAY = 0.1
OPTIMIZERS = {
    "plain": {},
    "momentum": {"momentum": 0.9},
    "nesterov": {"momentum": 0.9, "nesterov": True},
    "decay": {"momentum": 0.9, "weight_decay": DECAY},
}


class Mixed(kg.Model):
    def __init__(self, block: Any) -> None:
        super().__init__()
        self.block = block
        self.head = layers.Dense(1, use_bias=False)

    def call(self, x: Any) -> Any:
        return self.head(self.block(x))


def darts(**optimizer: Any) -> tuple[DARTS, SearchStep]:
    """A policy of two candidates on a small model, at a step after some training."""
    rng = np.random.default_rng(0)
    branches = [layers.Dense(3, activation=name, use_bias=False) for name in ("tanh", "linear")]
    model = Mixed(kg.oneof(branches, name="block"))
    model.compile(keras.optimizers.SGD(0.1, **optimizer), "mse")
    batches = rng.normal(size=(2, 8, 4)).astype("float32"), rng.normal(size=(2, 8, 1))
    data, held = ((batches[0][i], batches[1][i].astype("float32")) for i in range(2))
    model(data[0])
    for variable in model.trainable_variables:
        variable.assign(rng.normal(size=variable.shape) / 2)
    policy = DARTS(seed=1)
    policy.setup(sharing_of(model).space)
    policy._own.assign(rng.normal(size=policy._own.shape))
    search = Search(model, policy, Reward(lambda *_: 0.0), iter(()), steps=10)
    model.optimizer.build(model.trainable_variables)
    step = SearchStep(search, data, held)
    step.train(policy._mixture())  # now momentum is not zero
    return policy, step


def loss_of(logits: Any, weights: Any, data: Any) -> Any:
    """Equation 2 of the paper, and the mean squared error, by hand."""
    shares = tf.nn.softmax(logits[0])
    first, second, head = weights
    mixed = shares[0] * tf.tanh(data[0] @ first) + shares[1] * (data[0] @ second)
    return tf.reduce_mean(tf.square(mixed @ head - data[1]))


def ordered(model: Any) -> list[Any]:
    return [model.block.branches[0].kernel, model.block.branches[1].kernel, model.head.kernel]


def test_first_order_is_autodiff_of_the_search_loss() -> None:
    policy, step = darts(momentum=0.9)
    found = step.gradients(lambda: policy._search_loss(step), [policy._own])[1][0]
    logits = tf.constant(policy._own.numpy())
    weights = [tf.constant(v.numpy()) for v in ordered(step.model)]
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = loss_of(logits, weights, step.search_data)
    np.testing.assert_allclose(found, tape.gradient(loss, logits), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_second_order_is_autodiff_of_the_unrolled_step(name: str) -> None:
    settings = OPTIMIZERS[name]
    policy, step = darts(**settings)
    variables = ordered(step.model)
    before = [v.numpy() for v in step.model.variables]
    (value, _), found = unrolled_gradients(
        step, policy._mixture, lambda: policy._search_loss(step), policy._own
    )
    for variable, kept in zip(step.model.variables, before, strict=True):
        np.testing.assert_array_equal(variable, kept)
    optimizer = step.model.optimizer
    slots = [np.zeros(v.shape, "float32") for v in variables]
    if "momentum" in settings:
        places = map(optimizer._get_variable_index, variables)
        slots = [optimizer.momentums[place].numpy() for place in places]
        assert any(np.abs(slot).max() > 0 for slot in slots)
    logits = tf.constant(policy._own.numpy())
    weights = [tf.constant(v.numpy()) for v in variables]
    with tf.GradientTape() as outer:
        outer.watch(logits)
        with tf.GradientTape() as inner:
            inner.watch(weights)
            loss = loss_of(logits, weights, step.data)
        gradients = inner.gradient(loss, weights)
        ahead = []
        for weight, slot, gradient in zip(weights, slots, gradients, strict=True):
            moved = settings.get("momentum", 0.0) * slot - 0.1 * gradient
            if settings.get("nesterov"):
                moved = 0.9 * moved - 0.1 * gradient
            ahead.append(weight * (1 - 0.1 * settings.get("weight_decay", 0.0)) + moved)
        unrolled = loss_of(logits, ahead, step.search_data)
    expected = outer.gradient(unrolled, logits)
    np.testing.assert_allclose(value, unrolled, rtol=1e-5)
    np.testing.assert_allclose(found, expected, rtol=1e-2, atol=1e-4)
    first = step.gradients(lambda: policy._search_loss(step), [policy._own])[1][0]
    assert np.abs(first - expected).max() > 10 * np.abs(found - expected).max()


def test_the_step_that_is_unrolled_is_that_of_keras() -> None:
    for settings in OPTIMIZERS.values():
        policy, step = darts(**settings)
        ahead: list[Any] = []

        def looked(policy: DARTS = policy, step: SearchStep = step, ahead: Any = ahead) -> Any:
            ahead += [v.numpy() for v in step.model.trainable_variables]
            return policy._search_loss(step)

        unrolled_gradients(step, policy._mixture, looked, policy._own)
        step.train(policy._mixture())
        for variable, value in zip(step.model.trainable_variables, ahead, strict=True):
            np.testing.assert_allclose(variable, value, rtol=1e-5, atol=1e-6)


# --- GDAS --------------------------------------------------------------------------


def test_straight_through_is_one_hot_forward_and_softmax_backward() -> None:
    policy, temperature = GDAS(seed=2), 0.7
    policy.setup(SearchSpace([oneof(list("abcd"))]))
    policy._own.assign(np.random.default_rng(0).normal(size=(1, 4)))
    noise = np.random.default_rng(1).random((1, 5), dtype="float32")
    worth = np.array([3.0, -1.0, 2.0, 0.5], "float32")
    with tf.GradientTape() as tape:
        rows = policy.sampled(noise, temperature).weights[0]
        value = tf.reduce_sum(rows * worth)
    scores = policy._own.numpy()[0] - np.log(-np.log(noise[0, :4]))
    p = np.exp(scores / temperature) / np.exp(scores / temperature).sum()
    np.testing.assert_allclose(rows, np.eye(4)[scores.argmax()], atol=1e-6)
    expected = (np.diag(p) - np.outer(p, p)) @ worth / temperature
    found = tape.gradient(value, policy._own.value)[0]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("extreme", [0.0, 1 - 2**-24])
def test_extreme_noise_gives_finite_gradients(extreme: float) -> None:
    policy = GDAS(seed=2)
    policy.setup(SPACE)
    noise = np.full((policy.choices.shape[0], policy.choices.shape[1] + 1), extreme, "float32")
    with tf.GradientTape() as tape:
        rows = policy.sampled(noise, 0.1).weights
        value = sum(tf.reduce_sum(row[:1]) for row in rows.values())
    assert np.isfinite(tape.gradient(value, policy._own.value)).all()


# --- REINFORCE ---------------------------------------------------------------------


def test_gradient_is_the_closed_form_for_one_categorical() -> None:
    policy = Reinforce(0.1, delay=0, growth=1, operation_warm_up=0, width_warm_up=0, seed=5)
    rehearsal = Rehearsal(policy, SearchSpace([oneof(list("abc"))]), seed=5)
    total = weight = square = 0.0
    logits = np.zeros(3)
    for number in range(1, 6):
        played = rehearsal.run(1)[0]
        reward = float(played.logs["reward"])
        # A zero-debiased mean of rewards, this one included.
        total, weight = 0.95 * total + 0.05 * reward, 0.95 * weight + 0.05
        p = np.exp(logits) / np.exp(logits).sum()
        # Of -advantage * log p(chosen): the probabilities, less one at the choice.
        gradient = (reward - total / weight) * (p - np.eye(3)[played.judged[0][0][0]])
        square = 0.999 * square + 0.001 * gradient**2
        rate = 0.1 * np.sqrt(1 - 0.999**number)
        logits = logits - rate * gradient / (np.sqrt(square) + 1e-8)
        np.testing.assert_allclose(policy._own.numpy()[0], logits, rtol=1e-3, atol=1e-5)
    assert np.abs(logits).max() > 0.01


def test_learning_waits_and_grows() -> None:
    policy = Reinforce(0.1, seed=5)
    rehearsal = Rehearsal(policy, SearchSpace([oneof(list("abc"))]), seed=5)
    rates = []
    for number in range(16):  # of 16 steps
        rehearsal.number.assign(number)
        step = SearchStep(rehearsal, None, None)
        rates.append(float(policy._rate(step)))
    np.testing.assert_allclose(rates[:4], 0.0)
    np.testing.assert_allclose(rates[4], 0.1, rtol=1e-5)
    np.testing.assert_allclose(rates[10], 0.1 * 10**0.5, rtol=1e-5)


# --- probabilities -----------------------------------------------------------------


def draws(choices: Choices) -> list[Any]:
    """Every architecture of a space, as a draw."""
    return [
        choices.drawn(cells, ops.stack([choices.mask(p, cells) for p in range(len(cells))]))
        for cells in (choices.codec.arrays(dna)[0] for dna in choices.space)
    ]


def test_log_probabilities_sum_to_one() -> None:
    enas = ENAS(units=4, seed=1)
    enas.setup(SPACE)
    enas._parameters["outputs"].assign(3 * ops.ones_like(enas._parameters["outputs"]))
    rng = np.random.default_rng(0)
    for variable in enas._parameters.values():
        variable.assign(rng.normal(size=variable.shape))
    every = draws(enas.choices)
    assert len(every) == len(set(SPACE)) == 4 * 6 * 6
    of_enas = [float(enas.retrace(draw).log_probability) for draw in every]
    np.testing.assert_allclose(np.exp(of_enas).sum(), 1.0, rtol=1e-4)
    assert np.std(of_enas) > 0.1
    noise = rng.normal(size=enas.choices.shape).astype("float32")
    logits = enas.choices.base + noise
    own = [float(enas.choices.log_probability(logits, draw)) for draw in every]
    np.testing.assert_allclose(np.exp(own).sum(), 1.0, rtol=1e-4)


def test_a_walk_knows_its_own_probability() -> None:
    enas = ENAS(units=4, seed=1)
    enas.setup(SPACE)
    points, columns = enas.choices.shape
    walk = enas.walk(np.random.default_rng(3).random((points, columns + 1), dtype="float32"))
    again = enas.retrace(walk.draw)
    np.testing.assert_allclose(walk.log_probability, again.log_probability, rtol=1e-5)
    np.testing.assert_allclose(walk.entropy, again.entropy, rtol=1e-5)


def test_uniform_logits_draw_every_architecture_alike() -> None:
    choices = Choices(SearchSpace({"a": manyof(2, list("abcd"), sorted=True), "b": oneof([1, 2])}))
    found = [float(choices.log_probability(choices.base, draw)) for draw in draws(choices)]
    np.testing.assert_allclose(np.exp(found), 1 / 12, rtol=1e-4)


@pytest.mark.parametrize("kind", [{}, {"sorted": True}, {"sorted": True, "distinct": False}])
def test_soft_rows_of_a_certain_slot_are_the_exact_masks(kind: dict[str, bool]) -> None:
    choices = Choices(SearchSpace(manyof(2, list("abcd"), **kind)))
    logits = np.array(choices.base)
    logits[0, 1] += 60.0
    soft = ops.convert_to_numpy(choices.soft(logits))
    allowed = ops.convert_to_numpy(choices.mask(1, [1]))
    np.testing.assert_allclose(soft[0], [0, 1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(soft[1], allowed / allowed.sum(), atol=1e-6)

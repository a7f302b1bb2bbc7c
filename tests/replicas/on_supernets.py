"""Supernets: plain and searched by each policy, on several replicas as on one."""

from __future__ import annotations

import inspect
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_glove as kg
from keras_glove.callbacks.search_callback import SearchCallback
from keras_glove.weight_sharing import policies
from keras_glove.weight_sharing.policies import Policy
from keras_glove.weight_sharing.supernet import sharing_of

from .samples import X, Y, accuracy, made, mirrored, supernet, switched, weights

OPTIMIZERS = {
    "sgd": lambda: keras.optimizers.SGD(0.1, momentum=0.9, weight_decay=0.1),
    "adam": lambda: keras.optimizers.AdamW(0.01),
    "ema": lambda: keras.optimizers.RMSprop(0.01, use_ema=True),
}

POLICIES = [
    each
    for each in map(vars(policies).get, policies.__all__)
    if inspect.isclass(each) and issubclass(each, Policy) and not inspect.isabstract(each)
]


@pytest.mark.parametrize(("name", "dna"), [("sgd", (0, 0)), ("ema", (1, 2))])
def test_training_one_child_is_that_of_one_replica(name: str, dna: tuple[int, ...]) -> None:
    found = []
    for strategy in (None, mirrored()):
        model = made(supernet, strategy, optimizer=OPTIMIZERS[name], steps_per_execution=3)
        model.decide(kg.DNA(dna))
        model.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0)
        found.append(weights(model))
    for one, two in zip(*found, strict=True):
        np.testing.assert_allclose(one, two, atol=5e-6)


class Divided(Policy):
    """The first replica trains the first branch, the others the second."""

    trains_only = True

    def step(self, step: Any) -> dict[str, Any]:
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        scores = self.logits() + 5.0 * tf.cast([[replica == 0, replica != 0]], "float32")
        return step.train(self.choices.highest(scores).decisions)


@pytest.mark.two
@pytest.mark.parametrize("over", ["users", "all"])
def test_gradients_are_means_over_those_that_used_a_weight(over: str) -> None:
    model = made(switched, mirrored(), optimizer=lambda: keras.optimizers.SGD(1.0))
    model.averages_over = over
    before = [v.numpy() for v in model.trainable_variables]
    expected = expected_steps(made(switched, None), [X[:4], X[4:8]], [Y[:4], Y[4:8]], over)
    search = SearchCallback(Divided(), (X[8:], Y[8:]), reward=accuracy)
    model.fit(X[:8], Y[:8], batch_size=8, shuffle=False, verbose=0, callbacks=[search])
    for variable, old, change in zip(model.trainable_variables, before, expected, strict=True):
        np.testing.assert_allclose(variable.numpy(), old - change, atol=1e-6, err_msg=variable.path)


def expected_steps(model: Any, xs: Any, ys: Any, over: str) -> list[np.ndarray]:
    """What gradient descent with rate 1 takes off each weight."""
    variables, activity = model.trainable_variables, sharing_of(model).activity()
    total = [np.zeros(v.shape) for v in variables]
    users = [0] * len(total)
    for branch, (x, y) in enumerate(zip(xs, ys, strict=True)):
        model.decide(kg.DNA((branch,)))
        with tf.GradientTape() as tape:
            value = model.compute_loss(y=y, y_pred=model(x, training=True))
        gradients = tape.gradient(value, [v.value for v in variables])
        for place, (variable, gradient) in enumerate(zip(variables, gradients, strict=True)):
            condition = activity.condition(variable)
            if not condition.points or condition.at((branch,)):
                total[place] += gradient.numpy()
                users[place] += 1
    assert 1 in users and 2 in users
    counts = [2 if over == "all" else count for count in users]
    return [change / count for change, count in zip(total, counts, strict=True)]


@pytest.mark.parametrize("policy", POLICIES)
def test_a_search_on_replicas_that_draw_the_same_is_that_of_one(policy: type[Policy]) -> None:
    found = []
    for strategy in (None, mirrored()):
        model = made(supernet, strategy, steps_per_execution=4)
        one = policy(seed=1, per_replica=False)
        search = SearchCallback(one, "training", reward=accuracy, search_batch_size=16)
        history = model.fit(
            X[:32], Y[:32], batch_size=8, epochs=5, shuffle=False, verbose=0, callbacks=[search]
        ).history
        state = list(one.get_state().values())
        found.append((history, weights(model), state, model(X).numpy(), search.best_dna))
    (one_logs, one_weights, one_state, one_logits, dna), (logs, others, state, logits, best) = found
    for key in one_logs:
        near = 0.05 if "accuracy" in key else 1e-5  # of which a rounding can turn an example over
        np.testing.assert_allclose(logs[key], one_logs[key], rtol=1e-4, atol=near, err_msg=key)
    for ours, theirs in zip([*others, *state], [*one_weights, *one_state], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=2e-5)
    np.testing.assert_allclose(logits, one_logits, atol=2e-5)
    assert best == dna


@pytest.mark.parametrize("policy", [policies.Reinforce])
def test_replicas_stay_together_whatever_each_draws(policy: type[Policy]) -> None:
    model = made(supernet, mirrored(), optimizer=OPTIMIZERS["adam"], steps_per_execution=2)
    one = policy(seed=1)
    search = SearchCallback(one, "training", reward=accuracy, search_batch_size=16)
    model.fit(X, Y, batch_size=8, epochs=2, verbose=0, callbacks=[search])
    for variable in (*model.variables, *model.optimizer.variables, *one.variables):
        parts = [part.numpy() for part in getattr(variable.value, "_values", [variable.value])]
        assert np.isfinite(parts[0]).all()
        for part in parts[1:]:
            np.testing.assert_array_equal(part, parts[0], err_msg=variable.path)

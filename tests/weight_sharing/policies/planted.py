"""A supernet one of whose branches can fit the target, and no other, and searches on it."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

import keras_glove as kg
from keras_glove import layers, weight_sharing
from keras_glove.hyper import DNA
from keras_glove.weight_sharing.decisions import Decisions
from keras_glove.weight_sharing.policies import Policy
from keras_glove.weight_sharing.rewards import Reward, quality_of
from keras_glove.weight_sharing.search_step import Search, SearchStep
from keras_glove.weight_sharing.supernet import sharing_of

__all__ = ["BEST", "Bench", "planted"]

BEST = 1
"""The candidate that can fit the target."""


@keras.saving.register_keras_serializable("planted")
class Squares(keras.layers.Layer):
    """Even in the input: of a target that is odd nothing is left."""

    def call(self, x: Any) -> Any:
        return ops.square(x) - 1.0


@keras.saving.register_keras_serializable("planted")
class Magnitudes(keras.layers.Layer):
    """Even in the input, too."""

    def call(self, x: Any) -> Any:
        return 2.0 * ops.abs(x) - 1.0


class Net(kg.Model):
    def __init__(self, block: Any, width: Any) -> None:
        super().__init__()
        self.block = block
        self.hidden = layers.Dense(width)
        self.head = layers.Dense(3)

    def call(self, x: Any) -> Any:
        return self.head(self.hidden(self.block(x)))


def planted() -> Any:
    """Conditional, elastic and switch decisions; widths of 4 and 8 can fit, 2 cannot."""
    dense = layers.Dense(6, activation=kg.oneof(["linear", "tanh"], name="activation"))
    block = kg.oneof([kg.program(Squares), dense, kg.program(Magnitudes)], name="block")
    return Net(block, kg.oneof([2, 4, 8], name="width"))


def data() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(96, 6)).astype("float32")
    y = x @ np.linalg.qr(rng.normal(size=(6, 3)))[0].astype("float32")
    return x, y


def fit(targets: Any, predictions: Any) -> Any:
    """The part of the variance that is explained, at least -1."""
    return ops.maximum(1.0 - ops.mean(ops.square(targets - predictions)), -1.0)


class Bench:
    """Searches by a policy, from many seeds, in one graph."""

    def __init__(self, policy: Policy, steps: int, optimizer: Any = None) -> None:
        self.model = planted()
        x, y = data()
        self.train, self.held = (x[:48], y[:48]), (x[48:], y[48:])
        self.model.compile(optimizer or keras.optimizers.Adam(0.02), "mse")
        self.model(x)
        self.model.optimizer.build(self.model.trainable_variables)
        self.space = sharing_of(self.model).space
        self.formula = weight_sharing.multiply_adds(self.model)
        wanted = next(self._named(block=BEST, width=4))
        self.target = float(self.formula(wanted))
        # A variable, so that one graph serves searches with a cost and without.
        self.beta: Any = keras.Variable(0.0)
        fitting = quality_of(fit)
        reward = Reward(fitting, self.formula.tensor, self.target, beta=self.beta)
        policy.setup(self.space)
        self.policy, self.steps = policy, steps
        self.search = Search(self.model, policy, reward, iter(()), steps=steps)
        self.traces = 0
        self._start = [v.numpy() for v in policy.variables]
        self._run, self._quality = tf.function(self._steps), tf.function(self._judged)

    def run(self, seed: int, steps: int | None = None) -> dict[str, Any]:
        """A search from the beginning; the logs of its last step."""
        self.reset(seed)
        return self.go_on(self.steps if steps is None else steps)

    def reset(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        for variable in self.model.trainable_variables:
            size = variable.shape[0] ** -0.5 if len(variable.shape) > 1 else 0.0
            variable.assign(size * rng.normal(size=variable.shape))
        for variable in self.model.optimizer.variables:
            if "learning_rate" not in variable.path:
                variable.assign(ops.zeros_like(variable))
        for variable, value in zip(self.policy.variables, self._start, strict=True):
            variable.assign(value)
        self.search.number.assign(0)
        self.search.key.assign((seed, 1))

    def go_on(self, steps: int) -> dict[str, Any]:
        logs = self._run(tf.constant(steps))
        return {name: float(value) for name, value in logs.items()}

    def found(self, seed: int, *, costs: bool = False) -> DNA:
        """What a search finds; one that only trains is followed by judging all architectures."""
        self.beta.assign(-0.5 if costs else 0.0)
        self.run(seed)
        if not self.policy.trains_only:
            return self.policy.best()
        qualities = {dna: self.quality(dna) for dna in self.space}
        affordable = [
            dna
            for dna in qualities
            if not costs or abs(self.formula(dna) / self.target - 1) <= 0.05
        ]
        return max(affordable, key=qualities.__getitem__)

    def quality(self, dna: DNA) -> float:
        decisions = self.policy.choices.codec.decisions(dna)
        return float(self._quality(decisions.indices, decisions.numbers))

    def place(self, name: str) -> int:
        return [point.name for point in self.space.points].index(name)

    def _named(self, block: int, width: int) -> Any:
        widths = [2, 4, 8]
        for dna in self.space:
            block_of, width_of = dna.values[self.place("block")], dna.values[self.place("width")]
            if block_of == block and widths[int(width_of or 0)] == width:
                yield dna

    def step(self) -> SearchStep:
        return SearchStep(self.search, self.train, self.held)

    def _steps(self, steps: Any) -> Any:
        self.traces += 1

        def one(_: Any, logs: Any) -> Any:
            logs = self.search.policy.step(self.step())
            self.search.number.assign_add(1)
            return [ops.convert_to_tensor(logs[name]) for name in self.names]

        first = self.search.policy.step(self.step())
        self.search.number.assign_add(1)
        self.names = sorted(first)
        state = [ops.convert_to_tensor(first[name]) for name in self.names]
        logs = tf.while_loop(
            lambda i, *_: i < steps, lambda i, *s: (i + 1, *one(i, s)), (1, *state)
        )[1:]
        return dict(zip(self.names, logs, strict=True))

    def _judged(self, indices: Any, numbers: Any) -> Any:
        predicted = self.step().predict(Decisions(indices, numbers), self.held[0])
        return fit(self.held[1], predicted)

"""ENAS: REINFORCE with an LSTM that makes one decision after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from keras_glove.errors import PolicyError
from keras_glove.hyper import DNA
from keras_glove.training.gradients import mean_over_replicas
from keras_glove.weight_sharing.policies.adam import Adam
from keras_glove.weight_sharing.policies.baseline import Baseline
from keras_glove.weight_sharing.policies.choices import (
    LOWEST,
    Choices,
    Draw,
    gumbel,
    log_softmax,
)
from keras_glove.weight_sharing.policies.policy import Policy

if TYPE_CHECKING:
    from keras_glove.weight_sharing.search_step import SearchStep

Pick = Callable[[int, Any], Any]
"""Gives the column of a decision of its logits."""


@dataclass(frozen=True)
class Walk:
    """Decisions, made one after the other.

    Attributes:
      draw: the architecture.
      logits: of each decision, given those before it; shape `(points, most columns)`.
      log_probability: of its active decisions, a scalar.
      entropy: of their softmaxes, in nats, a scalar.
    """

    draw: Draw
    logits: Any
    log_probability: Any
    entropy: Any


class ENAS(Policy):
    """An LSTM draws decisions, trained by REINFORCE (Pham et al. 2018, section 2.2).

    For each decision a row of its own turns the state into logits, and another embeds the column
    chosen, which is the next input; decisions that are not active are passed over. Settings are
    those of the official search over whole networks ("macro").

    The official code trains weights for an epoch, then the controller for 50 steps of 20
    architectures. Here each step does both, for one architecture. Its pull of skip connections
    towards a share of 0.4 is left out, as it is for those alone.

    Args:
        learning_rate: of Adam with beta_1 = 0 and epsilon = 1e-3.
        units: of the LSTM.
        temperature: by which logits are divided.
        tanh_constant: logits are at most so far from 0; None for no bound.
        baseline_decay: of the mean of rewards that is taken off them.
        entropy_weight: of the entropy, in the reward.
        seed, per_replica: see `Policy`.

    Raises:
        PolicyError: a setting is impossible.

    >>> ENAS(units=32)
    ENAS(units=32)
    """

    def __init__(
        self,
        learning_rate: float = 1e-3,
        units: int = 64,
        temperature: float = 1.0,
        tanh_constant: float | None = 1.5,
        baseline_decay: float = 0.99,
        entropy_weight: float = 1e-4,
        *,
        seed: int | None = None,
        per_replica: bool = True,
    ) -> None:
        super().__init__(seed=seed, per_replica=per_replica)
        if not (learning_rate > 0 and units > 0 and temperature > 0):
            raise PolicyError(
                "Expected learning_rate, units and temperature above 0, received "
                f"{learning_rate}, {units} and {temperature}."
            )
        self._learning_rate, self._units = learning_rate, units
        self._temperature, self._tanh_constant = temperature, tanh_constant
        self._baseline_decay, self._entropy_weight = baseline_decay, entropy_weight

    def _build(self, choices: Choices) -> None:
        points, columns = choices.shape
        shapes = {
            "lstm": (2 * self._units, 4 * self._units),
            "start": (self._units,),
            "embeddings": (points, columns, self._units),
            "outputs": (points, self._units, columns),
        }
        self._parameters = {
            name: self.add_weight(name, shape, self._initializer(number))
            for number, (name, shape) in enumerate(shapes.items())
        }
        self._baseline = Baseline(self, self._baseline_decay, debiased=False)
        self._adam = Adam(self, list(self._parameters.values()), beta_1=0.0, epsilon=1e-3)

    def _initializer(self, number: int) -> Any:
        return keras.initializers.RandomUniform(-0.1, 0.1, seed=4 * (self._seed or 0) + number)

    def logits(self) -> Any:
        """Those along the most likely architecture: each given the decisions before it."""
        return self._walk(_highest).logits

    def sample(self, count: int, seed: int = 0) -> list[DNA]:
        rng = np.random.default_rng(seed)
        points, columns = self.choices.shape
        noise = rng.random((count, points, columns + 1), dtype="float32")
        return [self.choices.dna(self.walk(one).draw.decisions) for one in noise]

    def step(self, step: SearchStep) -> dict[str, Any]:
        noise, variables = step.noise(), list(self._parameters.values())
        walk: list[Walk] = []

        def log_probability() -> Any:
            walk.append(self.walk(noise))
            return walk[0].log_probability

        # The gradient is linear in the advantage, which comes later: one walk does for both.
        gradients = step.own_gradients(log_probability, variables)[1]
        draw, entropy = walk[0].draw, walk[0].entropy
        logs = step.train(draw.decisions)
        judged = step.judge(draw.decisions)
        reward = judged.reward + self._entropy_weight * entropy
        # Updated before it is used, as in the official code.
        baseline = self._baseline.update(mean_over_replicas(reward), step.learns)
        down = mean_over_replicas([(baseline - reward) * gradient for gradient in gradients])
        self._adam.apply(down, self._learning_rate, step.learns)
        return {**logs, **judged.logs(), "entropy": entropy}

    def walk(self, noise: Any) -> Walk:
        """Draws an architecture.

        Args:
          noise: uniform numbers, see `Choices.draw`.
        """
        scores = gumbel(noise[:, :-1])
        return self._walk(lambda place, logits: _highest(place, logits + scores[place]), noise)

    def retrace(self, draw: Draw) -> Walk:
        """The walk that makes the decisions of a draw."""
        return self._walk(lambda place, logits: draw.cells[place])

    def _walk(self, pick: Pick, noise: Any = None) -> Walk:
        state, memory = ops.zeros((1, self._units)), ops.zeros((1, self._units))
        x = self._parameters["start"].value[None]
        cells: list[Any] = []
        active: list[Any] = []
        rows: list[Any] = []
        masks: list[Any] = []
        for place in range(self.choices.shape[0]):
            new_state, new_memory = self._cell(x, state, memory)
            mask = self.choices.mask(place, cells)
            rows.append(ops.where(mask, self._scores(place, new_state), LOWEST))
            masks.append(mask)
            cells.append(ops.cast(pick(place, rows[-1]), "int32"))
            active.append(self.choices.is_active(place, cells, active))
            embedded = ops.take(self._parameters["embeddings"].value[place], cells[-1], axis=0)
            is_on = active[-1] > 0
            state, memory = ops.where(is_on, new_state, state), ops.where(is_on, new_memory, memory)
            x = ops.where(is_on, embedded[None], x)
        places = None if noise is None else noise[:, -1]
        draw = self.choices.drawn(ops.stack(cells), ops.stack(masks), places)
        return self._walked(draw, ops.stack(rows))

    def _walked(self, draw: Draw, logits: Any) -> Walk:
        log_p = log_softmax(logits)
        chosen = ops.one_hot(draw.cells, self.choices.shape[1], dtype="float32")
        entropies = -ops.sum(ops.where(draw.allowed, ops.exp(log_p) * log_p, 0.0), axis=-1)
        return Walk(
            draw,
            logits,
            ops.sum(ops.sum(log_p * chosen, axis=-1) * draw.active),
            ops.sum(entropies * draw.active),
        )

    def _scores(self, place: int, state: Any) -> Any:
        scores = ops.matmul(state, self._parameters["outputs"].value[place])[0] / self._temperature
        if self._tanh_constant is not None:
            scores = self._tanh_constant * ops.tanh(scores)
        return scores + self.choices.base[place]

    def _cell(self, x: Any, state: Any, memory: Any) -> tuple[Any, Any]:
        """One step of an LSTM without bias, as in the official `stack_lstm`."""
        together = ops.matmul(ops.concatenate([x, state], axis=1), self._parameters["lstm"].value)
        entry, forget, out, new = ops.split(together, 4, axis=1)
        memory = ops.sigmoid(entry) * ops.tanh(new) + ops.sigmoid(forget) * memory
        return ops.sigmoid(out) * ops.tanh(memory), memory


def _highest(place: int, logits: Any) -> Any:
    return ops.argmax(logits)

"""REINFORCE over independent decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops

from keras_glove.errors import PolicyError
from keras_glove.training.gradients import mean_over_replicas
from keras_glove.weight_sharing.decisions import Decisions
from keras_glove.weight_sharing.policies.adam import Adam
from keras_glove.weight_sharing.policies.baseline import Baseline
from keras_glove.weight_sharing.policies.choices import Choices, Draw
from keras_glove.weight_sharing.policies.policy import Policy

if TYPE_CHECKING:
    from keras_glove.weight_sharing.search_step import SearchStep


class Reinforce(Policy):
    """REINFORCE with a softmax for each decision (Bender et al. 2020, TuNAS, section 3).

    At each step an architecture is drawn; its weights are trained on the training batch, its reward
    taken on the search batch. The log-probability is that of active decisions alone. Below are the
    settings of the official code; fractions are of the search's steps.

    Warm-up trains what is drawn seldom. With a probability that falls from 1 to 0 each operation
    runs all its candidates, averaged; and each width is the largest. 0 turns it off, and spares
    the graph a branch for each switch.

    Args:
        learning_rate: of Adam with beta_1 = 0 (3e-4 for each 256 examples in a batch of 4096).
        baseline_decay: of the mean of rewards that is taken off them.
        delay: fraction after which it starts to learn.
        growth: by how much the learning rate has grown at the end, exponentially.
        operation_warm_up: fraction over which averages of all candidates become rare.
        width_warm_up: fraction over which largest widths become rare.
        entropy_weight: of the policy's entropy, in the objective.
        temperature: by which logits are divided.
        seed, per_replica: see `Policy`.

    Raises:
        PolicyError: a setting is impossible, or a warm-up outlasts the delay.

    >>> Reinforce(learning_rate=0.05, operation_warm_up=0)
    Reinforce(learning_rate=0.05, operation_warm_up=0)
    """

    def __init__(
        self,
        learning_rate: float = 4.8e-3,
        baseline_decay: float = 0.95,
        *,
        delay: float = 0.25,
        growth: float = 10.0,
        operation_warm_up: float = 0.25,
        width_warm_up: float = 0.25,
        entropy_weight: float = 0.0,
        temperature: float = 1.0,
        seed: int | None = None,
        per_replica: bool = True,
    ) -> None:
        super().__init__(seed=seed, per_replica=per_replica)
        fractions = (delay, operation_warm_up, width_warm_up)
        if not all(0 <= part < 1 for part in fractions) or max(fractions) > delay:
            raise PolicyError(
                "Expected fractions from 0 below 1, and warm-up to end before the policy learns, "
                f"received delay={delay}, operation_warm_up={operation_warm_up} and "
                f"width_warm_up={width_warm_up}."
            )
        if not (learning_rate > 0 and growth > 0 and temperature > 0):
            raise PolicyError(
                "Expected learning_rate, growth and temperature above 0, received "
                f"{learning_rate}, {growth} and {temperature}."
            )
        self._learning_rate, self._baseline_decay = learning_rate, baseline_decay
        self._delay, self._growth = delay, growth
        self._operation_warm_up, self._width_warm_up = operation_warm_up, width_warm_up
        self._entropy_weight, self._temperature = entropy_weight, temperature

    def _build(self, choices: Choices) -> None:
        self._own = self.add_weight("logits", choices.shape)
        self._baseline = Baseline(self, self._baseline_decay, debiased=True)
        self._adam = Adam(self, [self._own], beta_1=0.0)

    def logits(self) -> Any:
        return self._own / self._temperature + self.choices.base

    def step(self, step: SearchStep) -> dict[str, Any]:
        draw, trained, counted = self._drawn(step)
        logs = step.train(trained)
        judged = step.judge(draw.decisions)
        baseline = self._baseline.update(mean_over_replicas(judged.reward), step.learns)
        self._learn(step, draw, counted, judged.reward - baseline)
        entropy = self.choices.entropy(self.logits(), draw)
        return {**logs, **judged.logs(), "entropy": entropy}

    def _learn(self, step: SearchStep, draw: Draw, counted: Any, advantage: Any) -> None:
        def loss() -> Any:
            return -advantage * self.choices.log_probability(self.logits(), draw, counted)

        rate, before = self._rate(step), self._own.value
        gradients = step.own_gradients(loss, [self._own])[1]
        # tpu_optimizer_ops: squares are averaged over replicas, not means squared.
        means, squares = mean_over_replicas([gradients, [ops.square(g) for g in gradients]])
        if self._entropy_weight:
            rise = step.gradients(lambda: self.choices.entropy(self.logits(), draw), [self._own])[
                1
            ][0]
            # As there: the entropy has a plain gradient step, past Adam's moments.
            moved = before + rate * self._entropy_weight * rise
            self._own.assign(ops.where(step.learns, moved, before))
        self._adam.apply(means, rate, step.learns, squares)

    def _rate(self, step: SearchStep) -> Any:
        """The learning rate: 0 until the delay is over, then growing exponentially."""
        if not self._delay and self._growth == 1:
            return self._learning_rate
        over = (step.progress - self._delay) / (1 - self._delay)
        rate = self._learning_rate * ops.power(self._growth, ops.maximum(over, 0.0))
        return ops.where(over < 0, 0.0, rate)

    def _drawn(self, step: SearchStep) -> tuple[Draw, Decisions, Any]:
        """A draw; what is trained of it; and which of its decisions were drawn by the logits.

        The search batch judges the draw itself: while there is warm-up nothing is learnt from it.
        """
        draw = self.choices.draw(self.logits(), step.noise())
        if self._width_warm_up:
            draw, is_largest = self._widened(step, draw)
        else:
            is_largest = ops.zeros((self.choices.shape[0],), dtype="bool")
        if not self._operation_warm_up:
            return draw, draw.decisions, self._count(draw, is_largest)
        mixed = self._replaced(step, self._operation_warm_up, step.roles.places("operation"), 2)
        opened = self.choices.drawn(draw.cells, draw.allowed, step.noise()[:, -1], mixed)
        counted = self._count(opened, ops.logical_or(is_largest, mixed))
        return draw, self._averaged(step, opened.decisions, mixed), counted

    def _count(self, draw: Draw, replaced: Any) -> Any:
        return draw.active * ops.cast(ops.logical_not(replaced), "float32")

    def _replaced(self, step: SearchStep, part: float, places: list[int], stream: int) -> Any:
        """Which of some decisions warm-up replaces, a bool tensor of shape `(points,)`."""
        among = np.zeros(self.choices.shape[0], bool)
        among[places] = True
        chance = ops.maximum(1.0 - step.progress / part, 0.0)
        return ops.logical_and(step.uniform((self.choices.shape[0],), stream) < chance, among)

    def _widened(self, step: SearchStep, draw: Draw) -> tuple[Draw, Any]:
        """The draw with some widths the largest."""
        widths = step.roles.places("width")
        largest = np.zeros(self.choices.shape[0], "int32")
        for place in (place for place in widths if place in step.roles.order):
            largest[place] = step.roles.order[place][-1]
        known = [place for place in widths if place in step.roles.order]
        replaced = self._replaced(step, self._width_warm_up, known, 3)
        cells = ops.where(replaced, largest, draw.cells)
        return self.choices.drawn(cells, draw.allowed, step.noise()[:, -1]), replaced

    def _averaged(self, step: SearchStep, decisions: Decisions, mixed: Any) -> Decisions:
        """Decisions in which some operations are the average of their candidates."""
        weights = {
            place: ops.where(
                mixed[place],
                1.0 / self.choices.sizes[place],
                ops.one_hot(decisions.indices[place], self.choices.sizes[place], dtype="float32"),
            )
            for place in step.roles.places("operation")
        }
        return Decisions(decisions.indices, decisions.numbers, weights, mixing="any")

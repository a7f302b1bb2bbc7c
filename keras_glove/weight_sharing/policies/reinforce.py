"""REINFORCE over independent decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from keras_glove.weight_sharing.policies.choices import Choices
from keras_glove.weight_sharing.policies.policy import Policy

if TYPE_CHECKING:
    from keras_glove.weight_sharing.search_step import SearchStep


class Reinforce(Policy):
    """REINFORCE with a softmax for each decision (Bender et al. 2020, TuNAS).

    Args:
        learning_rate: of Adam with beta_1 = 0.
        baseline_decay: of the mean of rewards that is taken off them.
        seed, per_replica: see `Policy`.
    """

    def __init__(
        self,
        learning_rate: float = 4.8e-3,
        baseline_decay: float = 0.95,
        *,
        seed: int | None = None,
        per_replica: bool = True,
    ) -> None:
        super().__init__(seed=seed, per_replica=per_replica)
        self._learning_rate, self._baseline_decay = learning_rate, baseline_decay

    def _build(self, choices: Choices) -> None:
        self._own = self.add_weight("logits", choices.shape)
        self._baseline = self.add_weight("baseline", (2,))
        adam = keras.optimizers.Adam(self._learning_rate, beta_1=0.0, beta_2=0.999, epsilon=1e-8)
        self._optimizer = self.add_optimizer(adam, [self._own])

    def logits(self) -> Any:
        return self._own + self.choices.base

    def step(self, step: SearchStep) -> dict[str, Any]:
        draw = self.choices.draw(self.logits(), step.noise())
        logs = step.train(draw.decisions)
        judged = step.judge(draw.decisions)
        advantage = judged.reward - self._updated_baseline(judged.reward)

        def loss() -> Any:
            return -advantage * self.choices.log_probability(self.logits(), draw)

        _, gradients = step.gradients(loss, [self._own])
        self._optimizer.apply(gradients, [self._own])
        logs["reward"] = judged.reward
        logs["entropy"] = self.choices.entropy(self.logits(), draw)
        if judged.cost is not None:
            logs["cost"] = judged.cost
        return logs

    def _updated_baseline(self, reward: Any) -> Any:
        """The zero-debiased mean of rewards, this one included."""
        decay = self._baseline_decay
        total = decay * self._baseline[0] + (1 - decay) * reward
        weight = decay * self._baseline[1] + (1 - decay)
        self._baseline.assign(ops.stack([total, weight]))
        return total / weight

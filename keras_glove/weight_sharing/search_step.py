"""What a policy can do with one step of a search: train, judge, and take losses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from keras_glove.errors import PolicyError
from keras_glove.training.gradients import mean_over_replicas, value_and_gradients
from keras_glove.training.randomness import uniform
from keras_glove.weight_sharing.decisions import Decisions
from keras_glove.weight_sharing.policies.policy import Policy
from keras_glove.weight_sharing.rewards import Reward
from keras_glove.weight_sharing.supernet import sharing_of

__all__ = ["Judgement", "Search", "SearchStep"]


@dataclass(frozen=True)
class Judgement:
    """What an architecture is worth on a batch, as float scalars, means over replicas.

    Attributes:
      reward: what a policy makes large.
      quality: the metric alone.
      cost: None where the search has none.
    """

    reward: Any
    quality: Any
    cost: Any = None


class Search:
    """A search that goes on in the train step of a supernet.

    Args:
      model: the supernet; compiled and built.
      policy: set up for its space.
      reward: judges predictions and costs.
      batches: endless, of search data.
      steps: how many steps the search takes in all; None if nobody knows.
      warm_up: for so many steps weights are trained alone.
      seed: of all draws.
    """

    def __init__(
        self,
        model: Any,
        policy: Policy,
        reward: Reward,
        batches: Iterator[Any],
        *,
        steps: int | None = None,
        warm_up: int = 0,
        seed: int = 0,
    ) -> None:
        self.model, self.policy, self.reward = model, policy, reward
        self.batches, self.steps, self.warm_up, self.seed = batches, steps, warm_up, seed
        self.number = keras.Variable(
            0, dtype="int32", trainable=False, name="step", aggregation="only_first_replica"
        )

    def train_step(self, data: Any, search_data: Any) -> dict[str, Any]:
        """One step of weights and policy, in replica context."""
        logs = self.policy.step(SearchStep(self, data, search_data))
        self.number.assign_add(1)
        return logs


class SearchStep:
    """One step: a batch of training data, one of search data, and what can be done with them.

    Attributes:
      model: the supernet.
      data, search_data: the batches, as `fit` gives them to `train_step`.
      number: how many steps came before, an int32 scalar.
      learns: bool scalar, whether the policy is to learn yet (after warm-up).
    """

    def __init__(self, search: Search, data: Any, search_data: Any) -> None:
        self._search = search
        self.model = search.model
        self.data, self.search_data = data, search_data
        self.number = ops.convert_to_tensor(search.number.value)
        self.learns = self.number >= search.warm_up
        self._sharing = sharing_of(search.model)

    @property
    def progress(self) -> Any:
        """The part of the search that is over, a float scalar from 0 below 1.

        Raises:
          PolicyError: nobody knows how many steps there are.
        """
        if self._search.steps is None:
            raise PolicyError(
                f"Expected to know how many steps the search takes, which "
                f"{type(self._search.policy).__name__} needs for its schedule, received data of "
                "unknown length. Give `fit` steps_per_epoch."
            )
        return ops.cast(self.number, "float32") / float(self._search.steps)

    def noise(self, stream: int = 0) -> Any:
        """Uniform numbers for `Choices.draw`; other streams are independent of each other."""
        points, values = self._search.policy.choices.shape
        return self.uniform((points, values + 1), stream)

    def uniform(self, shape: tuple[int, ...], stream: int = 0) -> Any:
        """Numbers in [0, 1) that depend on the seed, the step and, where asked, the replica."""
        policy = self._search.policy
        seed = self._search.seed if policy._seed is None else policy._seed
        return uniform(shape, seed, self.number, stream, per_replica=policy._per_replica)

    def train(self, decisions: Decisions) -> dict[str, Any]:
        """Trains the weights of one architecture on the batch, by the model's `train_step`."""
        with self._sharing.given(decisions):
            logs: dict[str, Any] = self.model.train_step(self.data)
        return logs

    def judge(self, decisions: Decisions) -> Judgement:
        """What an architecture is worth on the search batch."""
        x, y, weights = keras.utils.unpack_x_y_sample_weight(self.search_data)
        predicted = self.predict(decisions, x)
        quality = mean_over_replicas(self._search.reward.quality(y, predicted, weights))
        cost = self._search.reward.cost(decisions)
        cost = None if cost is None else mean_over_replicas(cost)
        return Judgement(self._search.reward.shaped(quality, cost), quality, cost)

    def predict(self, decisions: Decisions, x: Any) -> Any:
        """What the model gives in training mode, its statistics left as they are.

        The official codes of ENAS, DARTS and TuNAS all judge by the statistics of the batch:
        moving averages would be those of a mixture over architectures.
        """
        states = [
            v
            for v in self.model.non_trainable_variables
            if keras.backend.is_float_dtype(v.dtype) and not getattr(v, "is_decision", False)
        ]
        before = [ops.copy(v.value) for v in states]
        with self._sharing.given(decisions):
            result = self.model(x, training=True)
        for variable, value in zip(states, before, strict=True):
            variable.assign(value)
        return result

    def loss(self, decisions: Decisions, data: Any) -> Any:
        """The loss that the model is compiled with, on a batch, in training mode; a scalar."""
        x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
        predicted = self.predict(decisions, x)
        return self.model.compute_loss(
            x=x, y=y, y_pred=predicted, sample_weight=weights, training=True
        )

    def gradients(self, function: Any, variables: Sequence[Any]) -> tuple[Any, list[Any]]:
        """What a function gives, and the gradients of its first leaf, means over replicas."""
        value, gradients = value_and_gradients(function, variables)
        return value, [
            ops.zeros_like(variable) if gradient is None else mean_over_replicas(gradient)
            for variable, gradient in zip(variables, gradients, strict=True)
        ]

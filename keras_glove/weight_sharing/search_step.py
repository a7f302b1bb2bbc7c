"""What a policy can do with one step of a search: train, judge, and take losses."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from keras_glove.errors import PolicyError
from keras_glove.training.gradients import (
    as_written,
    collecting,
    mean_over_replicas,
    repeated,
    value_and_gradients,
)
from keras_glove.training.randomness import key_of, uniform
from keras_glove.training.replicas import replica_count
from keras_glove.weight_sharing.decisions import Decisions, Together
from keras_glove.weight_sharing.policies.policy import Policy
from keras_glove.weight_sharing.rewards import Reward
from keras_glove.weight_sharing.roles import Roles, roles_of
from keras_glove.weight_sharing.supernet import sharing_of

__all__ = ["Judgement", "Search", "SearchStep"]


@dataclass(frozen=True)
class Judgement:
    """What an architecture is worth on a batch, as float scalars.

    On several replicas these are of the replica's own batch where each draws an architecture of
    its own, else means.

    Attributes:
      reward: what a policy makes large.
      quality: the metric alone.
      cost: None where the search has none.
    """

    reward: Any
    quality: Any
    cost: Any = None

    def logs(self) -> dict[str, Any]:
        """The numbers by name, to be shown."""
        named = {"reward": self.reward, "quality": self.quality, "cost": self.cost}
        return {name: value for name, value in named.items() if value is not None}


class Search:
    """A search that goes on in the train step of a supernet.

    Args:
      model: the supernet; compiled and built.
      policy: set up for its space.
      reward: judges predictions and costs.
      batches: endless, of search data.
      steps: how many steps the search takes in all; None if nobody knows.
      warm_up: for so many steps weights are trained alone.
      every: the policy learns at each step whose number this divides.
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
        every: int = 1,
        seed: int = 0,
    ) -> None:
        self.model, self.policy, self.reward = model, policy, reward
        self.every = every
        self.batches, self.steps, self.warm_up, self.seed = batches, steps, warm_up, seed
        self.number = keras.Variable(
            0, dtype="int32", trainable=False, name="step", aggregation="only_first_replica"
        )
        own = seed if policy.seed is None else policy.seed
        self.key = keras.Variable(key_of(own), dtype="int32", trainable=False, name="key")

    @functools.cached_property
    def roles(self) -> Roles:
        """What the decisions are about."""
        return roles_of(self.model)

    @as_written
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
      learns: bool scalar, whether the policy is to learn now.
    """

    def __init__(self, search: Search, data: Any, search_data: Any) -> None:
        self._search = search
        self.model = search.model
        self.data, self.search_data = data, search_data
        self.number = ops.convert_to_tensor(search.number.value)
        self.learns = ops.logical_and(
            self.number >= search.warm_up, self.number % search.every == 0
        )

    # --- where the search stands -----------------------------------------------------

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

    @property
    def roles(self) -> Roles:
        """What the decisions are about: operations, depths, kernels, widths."""
        return self._search.roles

    def noise(self, stream: int = 0) -> Any:
        """Uniform numbers for `Choices.draw`; other streams are independent of each other."""
        points, columns = self._search.policy.choices.shape
        return self.uniform((points, columns + 1), stream)

    def uniform(self, shape: tuple[int, ...], stream: Any = 0) -> Any:
        """Numbers in [0, 1) that depend on the seed, the step and, where asked, the replica."""
        per_replica = self._search.policy.per_replica
        return uniform(shape, self._search.key.value, self.number, stream, per_replica=per_replica)

    # --- weights ---------------------------------------------------------------------

    def train(self, decisions: Decisions) -> dict[str, Any]:
        """Trains the weights of one architecture on the batch, by the model's `train_step`."""
        with sharing_of(self.model).given(decisions):
            logs: dict[str, Any] = self.model.train_step(self.data)
            self.model._agree_on_states()
        return logs

    def train_together(
        self, each: Sequence[Decisions], others: Callable[[Decisions], Any] | None = None
    ) -> dict[str, Any]:
        """Trains several architectures on the batch in one update, of the sum of their gradients.

        Args:
          each: the architectures, none of them relaxed.
          others: gives the loss of all but the first; by default they are trained by the model's
            `train_step`, as the first is.

        Returns:
          What `train_step` gives for the last that it trains.

        Raises:
          PolicyError: a `train_step` of the user's own does not call the optimizer once.
        """
        if len(each) == 1:
            return self.train(each[0])
        logs, pairs = self._collected(each[0])
        variables = [variable for _, variable in pairs]
        used = {place for place, (gradient, _) in enumerate(pairs) if gradient is not None}
        indices = ops.stack([one.indices for one in each[1:]])
        numbers = ops.stack([one.numbers for one in each[1:]])

        def add(i: Any, state: Any) -> Any:
            logs, sums = state
            decisions = Decisions(indices[i], numbers[i])
            if others is None:
                logs, found = self._collected(decisions)
                gradients = [gradient for gradient, _ in found]
            else:
                gradients = self._gradients_of(others, decisions, variables)
            used.update(place for place, g in enumerate(gradients) if g is not None)
            pairs = zip(sums, gradients, strict=True)
            return logs, [total if g is None else total + g for total, g in pairs]

        sums = [ops.zeros_like(variable) if g is None else g for g, variable in pairs]
        logs, sums = repeated(len(each) - 1, add, (logs, sums))
        sums, variables = ([parts[place] for place in sorted(used)] for parts in (sums, variables))
        with sharing_of(self.model).given(Together(tuple(each))):
            self.model.optimizer.apply(sums, variables)
        return logs

    def _collected(self, decisions: Decisions) -> tuple[Any, list[tuple[Any, Any]]]:
        with collecting(self.model.optimizer) as pairs:
            logs = self.train(decisions)
        return logs, pairs

    def _gradients_of(
        self, loss: Callable[[Decisions], Any], decisions: Decisions, variables: Sequence[Any]
    ) -> list[Any]:
        scale = self.model.optimizer.scale_loss

        def scaled() -> Any:  # as Keras scales losses whose gradients replicas sum up
            return scale(loss(decisions)) / replica_count()

        gradients = value_and_gradients(scaled, variables)[1]
        return [None if g is None else ops.convert_to_tensor(g) for g in gradients]

    # --- architectures ---------------------------------------------------------------

    def judge(self, decisions: Decisions) -> Judgement:
        """What an architecture is worth on the search batch."""
        x, y, weights = keras.utils.unpack_x_y_sample_weight(self.search_data)
        quality = self._search.reward.quality(y, self.predict(decisions, x), weights)
        cost = self._search.reward.cost(decisions)
        if not self._search.policy.per_replica:
            quality = mean_over_replicas(quality)
        return Judgement(self._search.reward.shaped(quality, cost), quality, cost)

    def cost(self, decisions: Decisions) -> Any:
        """What an architecture costs; the expectation under relaxed decisions. None for none."""
        return self._search.reward.cost(decisions)

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
        with sharing_of(self.model).given(decisions):
            result = self.model(x, training=True)
        for variable, value in zip(states, before, strict=True):
            variable.assign(value)
        return result

    def loss(self, decisions: Decisions, data: Any) -> Any:
        """The loss that the model is compiled with, on a batch, in training mode; a scalar.

        On several replicas it is the mean over the examples of this one.
        """
        x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
        predicted = self.predict(decisions, x)
        found = self.model.compute_loss(
            x=x, y=y, y_pred=predicted, sample_weight=weights, training=True
        )
        return found * replica_count()  # Keras takes that off, for gradients to be summed

    def search_loss(
        self, decisions: Decisions, costing: Decisions | None = None
    ) -> tuple[Any, Any]:
        """The loss on the search batch, more where an architecture costs more, and that cost.

        What policies make small that follow gradients by decisions.

        Args:
          decisions: the architecture.
          costing: the one whose cost counts, where that is another.
        """
        cost = self._search.reward.cost(decisions if costing is None else costing)
        loss = self.loss(decisions, self.search_data)
        return self._search.reward.penalised(loss, cost), cost

    def gradients(self, function: Any, variables: Sequence[Any]) -> tuple[Any, list[Any]]:
        """What a function gives, and the gradients of its first leaf, means over replicas."""
        value, gradients = self.own_gradients(function, variables)
        return value, mean_over_replicas(gradients)  # in one message

    def own_gradients(self, function: Any, variables: Sequence[Any]) -> tuple[Any, list[Any]]:
        """The same for this replica alone."""
        value, gradients = value_and_gradients(function, variables)
        return value, [
            ops.zeros_like(variable) if gradient is None else gradient
            for variable, gradient in zip(variables, gradients, strict=True)
        ]

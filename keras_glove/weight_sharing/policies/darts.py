"""DARTS: gradients by architecture through a mixture of all candidates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from keras_glove.errors import PolicyError
from keras_glove.hyper import DNA, SearchSpace
from keras_glove.weight_sharing.decisions import Decisions
from keras_glove.weight_sharing.policies.adam import Adam
from keras_glove.weight_sharing.policies.choices import LOWEST, Choices, gumbel, log_softmax
from keras_glove.weight_sharing.policies.policy import Policy
from keras_glove.weight_sharing.policies.unrolled import require_unrollable, unrolled_gradients

if TYPE_CHECKING:
    from keras_glove.weight_sharing.search_step import SearchStep


class Relaxing(Policy):
    """What policies have in common that follow gradients of the loss by logits.

    Args:
        learning_rate: of Adam on the logits.
        weight_decay: of the logits, added to their gradient.
        none: by name of a decision the index of its candidate that stands for no connection: the
            search may weigh it, and the child never takes it. A `*` in a name stands for anything.
        seed, per_replica: see `Policy`.

    Raises:
        PolicyError: a setting is impossible; or, at `setup`, the space has floats, or no decision
            with such a name and candidate.
    """

    relaxes = True

    #: Of the logits at the start; the official codes of DARTS and GDAS take 1e-3.
    INITIAL_DEVIATION = 1e-3

    def __init__(
        self,
        learning_rate: float = 3e-4,
        weight_decay: float = 1e-3,
        none: Mapping[str, int] | None = None,
        *,
        seed: int | None = None,
        per_replica: bool = True,
    ) -> None:
        super().__init__(seed=seed, per_replica=per_replica)
        if not (learning_rate > 0 and weight_decay >= 0):
            raise PolicyError(
                "Expected learning_rate above 0 and weight_decay from 0 up, received "
                f"{learning_rate} and {weight_decay}."
            )
        self._learning_rate, self._weight_decay = learning_rate, weight_decay
        self._none = None if none is None else dict(none)

    def _check(self, space: SearchSpace) -> None:
        super()._check(space)
        for pattern, candidate in (self._none or {}).items():
            named = [p for p in space.points if p.num_candidates and _matches(pattern, p.name)]
            if not named or any(candidate not in range(p.num_candidates or 0) for p in named):
                raise PolicyError(
                    f"Expected `none` by names of choices and indices of their candidates, "
                    f"received {pattern!r}: {candidate!r}. The decisions are "
                    f"{[point.name for point in space.points]}."
                )

    def _build(self, choices: Choices) -> None:
        normal = keras.initializers.RandomNormal(
            stddev=self.INITIAL_DEVIATION, seed=self._seed or 0
        )
        self._own = self.add_weight("logits", choices.shape, normal)
        self._adam = Adam(
            self, [self._own], beta_1=0.5, beta_2=0.999, weight_decay=self._weight_decay
        )
        self._closed = np.zeros(choices.shape, "float32")
        for pattern, candidate in (self._none or {}).items():
            for point in choices.space.points:
                # A choice of that candidate alone has to take it.
                if _matches(pattern, point.name) and (point.num_candidates or 0) > 1:
                    self._closed[point.index, candidate] = LOWEST / 10

    def logits(self) -> Any:
        return self._own + self.choices.base

    def best(self) -> DNA:
        """The most likely architecture, without the candidates named by `none`."""
        return self.choices.dna(self.choices.highest(self.logits() + self._closed).decisions)

    def _entropy(self) -> Any:
        """The sum over all decisions, in nats."""
        log_p = log_softmax(self.logits())
        return -ops.sum(ops.where(log_p > LOWEST / 10, ops.exp(log_p) * log_p, 0.0))


class DARTS(Relaxing):
    """Differentiable architecture search (Liu, Simonyan & Yang 2019).

    All candidates run, mixed by the softmax of each decision (equation 2). Each step moves the
    logits down the loss on the search batch, then the weights down that on the training batch
    (algorithm 1). Defaults are those of the official code: Adam with betas (0.5, 0.999).

    Of a cost, which the paper has not, a penalty by the shape of the reward is added to the loss.
    "sampled" takes that of one architecture per step, with the gradient of its softmaxes (straight
    through), so that what is made small is the expected distance from the target, and the child
    meets it. "expected" takes the expected cost itself, exact where decisions are independent, and
    without chance; but a mixture of cheap and dear values can meet a target that its child misses.

    Order 1 takes the weights as they are. Order 2 takes those after a step of training (equations 6
    to 8): the step is that of the model's SGD, with its momentum (Nesterov's too) and weight decay;
    gradient clipping is left out of it, as in the official code. What is left of a `manyof` to a
    slot is relaxed too, see `Choices.soft`.

    The child takes the most likely value of each decision. The rule of the paper that each node of
    a cell keeps its two strongest edges needs a space that says what edges are: give such edges a
    `manyof`.

    Args:
        learning_rate, weight_decay, none: see `Relaxing`.
        order: 1 or 2.
        cost: "sampled" or "expected".
        seed, per_replica: see `Policy`.

    Raises:
        PolicyError: a setting is impossible; the space has floats; or, before the first step of
            order 2, the optimizer is not SGD or the model has a `train_step` of its own.

    >>> DARTS(order=2)
    DARTS(order=2)
    """

    def __init__(
        self,
        learning_rate: float = 3e-4,
        weight_decay: float = 1e-3,
        none: Mapping[str, int] | None = None,
        order: int = 1,
        cost: str = "sampled",
        *,
        seed: int | None = None,
        per_replica: bool = True,
    ) -> None:
        super().__init__(learning_rate, weight_decay, none, seed=seed, per_replica=per_replica)
        if order not in (1, 2):
            raise PolicyError(f"Expected order 1 or 2, received {order!r}.")
        if cost not in ("sampled", "expected"):
            raise PolicyError(f"Expected cost 'sampled' or 'expected', received {cost!r}.")
        self._order, self._cost = order, cost

    def step(self, step: SearchStep) -> dict[str, Any]:
        if self._order == 2:
            require_unrollable(step.model)
            (loss, cost), gradient = unrolled_gradients(
                step, self._mixture, lambda: self._search_loss(step), self._own
            )
        else:
            (loss, cost), (gradient,) = step.gradients(lambda: self._search_loss(step), [self._own])
        self._adam.apply([gradient], self._learning_rate, step.learns)
        logs = {**step.train(self._mixture()), "search_loss": loss, "entropy": self._entropy()}
        return logs if cost is None else {**logs, "cost": cost}

    def _search_loss(self, step: SearchStep) -> tuple[Any, Any]:
        mixture = self._mixture()
        if self._cost == "expected":
            return step.search_loss(mixture)
        scores = log_softmax(self.logits()) + gumbel(step.noise()[:, :-1])
        draw, rows = self.choices.straight_through(scores)
        indices, numbers = draw.decisions.indices, draw.decisions.numbers
        drawn = Decisions(indices, numbers, self.choices.relaxed(rows))
        return step.search_loss(mixture, costing=drawn)

    def _mixture(self) -> Decisions:
        probabilities = self.choices.soft(self.logits())
        indices = ops.cast(ops.argmax(probabilities, axis=-1), "int32")
        numbers = ops.zeros((self.choices.shape[0],))
        return Decisions(indices, numbers, self.choices.relaxed(probabilities))


def _matches(pattern: str, name: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), name) is not None

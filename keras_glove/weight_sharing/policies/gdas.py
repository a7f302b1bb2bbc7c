"""GDAS: gradients by architecture through one sampled path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from keras_glove.errors import PolicyError
from keras_glove.weight_sharing.decisions import Decisions
from keras_glove.weight_sharing.policies.choices import gumbel, log_softmax
from keras_glove.weight_sharing.policies.darts import Relaxing

if TYPE_CHECKING:
    from keras_glove.weight_sharing.search_step import SearchStep


class GDAS(Relaxing):
    """Search by a differentiable architecture sampler (Dong & Yang 2019).

    Each step draws an architecture by Gumbel numbers and runs that alone. Forward its choices are
    one-hot; backward they are the softmax of the same numbers at a temperature (straight through),
    which falls linearly over the search. As in the official code, only the candidate that ran has a
    gradient, times its own weight. Weights are trained first, then logits with a draw of their
    own. Defaults are those of the official code: Adam with betas (0.5, 0.999).

    The official code draws again where a number is infinite or nan; the uniform numbers here are
    kept off 0 and 1, so none is.

    Args:
        learning_rate, weight_decay, none: see `Relaxing`.
        temperature: at the start and at the end.
        seed, per_replica: see `Policy`.

    Raises:
        PolicyError: a setting is impossible, or the space has floats.

    >>> GDAS(temperature=(10.0, 0.5))
    GDAS(temperature=(10.0, 0.5))
    """

    def __init__(
        self,
        learning_rate: float = 3e-4,
        weight_decay: float = 1e-3,
        none: Mapping[str, int] | None = None,
        temperature: tuple[float, float] = (10.0, 0.1),
        *,
        seed: int | None = None,
        per_replica: bool = True,
    ) -> None:
        super().__init__(learning_rate, weight_decay, none, seed=seed, per_replica=per_replica)
        if len(temperature) != 2 or not min(temperature) > 0:
            raise PolicyError(
                f"Expected temperature as (start, end), both above 0, received {temperature!r}."
            )
        self._temperature = (float(temperature[0]), float(temperature[1]))

    def step(self, step: SearchStep) -> dict[str, Any]:
        drawn = self.choices.draw(self.logits(), step.noise()).decisions
        logs = step.train(drawn)
        noise = step.noise(stream=1)
        first, last = self._temperature
        temperature = first + (last - first) * step.progress
        (loss, cost), gradients = step.gradients(
            lambda: step.search_loss(self.sampled(noise, temperature)), [self._own]
        )
        self._adam.apply(gradients, self._learning_rate, step.learns)
        logs = {**logs, "search_loss": loss, "entropy": self._entropy()}
        return logs if cost is None else {**logs, "cost": cost}

    def sampled(self, noise: Any, temperature: Any) -> Decisions:
        """An architecture, one-hot in value, that has a gradient by the logits.

        Args:
          noise: uniform numbers, see `Choices.draw`.
          temperature: of the softmax behind the gradient.
        """
        scores = log_softmax(self.logits()) + gumbel(noise[:, :-1])
        draw, rows = self.choices.straight_through(scores, temperature)
        indices, numbers = draw.decisions.indices, draw.decisions.numbers
        return Decisions(indices, numbers, self.choices.relaxed(rows), mixing="chosen")

"""Progressive shrinking: a network is trained at all its sizes, the large ones first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import keras
import numpy as np
from keras import ops

from keras_glove.errors import PolicyError
from keras_glove.weight_sharing.decisions import Decisions
from keras_glove.weight_sharing.policies.choices import log_softmax
from keras_glove.weight_sharing.policies.policy import Policy
from keras_glove.weight_sharing.policies.unrolled import has_own_train_step
from keras_glove.weight_sharing.roles import Role

if TYPE_CHECKING:
    from keras_glove.weight_sharing.search_step import SearchStep

# Epochs of the official code: the largest network for 180, then kernels open for 120, depth for 25
# (its two largest values) and 120 (all), widths likewise. As fractions of the 590 in all, when each
# opens, and when all of its values do.
OPENING: Mapping[str, tuple[float, float]] = {
    "kernel": (180 / 590, 180 / 590),
    "depth": (300 / 590, 325 / 590),
    "width": (445 / 590, 470 / 590),
}

CLOSED = -1e6
"""The logit of sizes that are not open yet; `choices.LOWEST` is for what can never be."""


class ProgressiveShrinking(Policy):
    """Trains a network for all its sizes (Cai et al. 2020, Once for All, section 3.3).

    First the largest network alone; then kernel sizes open, then depths, then widths; of depths and
    widths first the two largest values. Each step trains the largest and the smallest architecture
    that are open and some drawn between, with one update (the sandwich rule of Yu et al. 2020,
    BigNAS, section 3.1). It learns nothing of architectures.

    Which decision is about what the model says. Those over operations have no size; each
    architecture draws them for itself.

    Args:
        drawn: architectures between the largest and the smallest.
        opening: for "kernel", "depth" and "width" the fraction of the search at which its two
            largest values are open, and that at which all are; by default those of the official
            code (its 590 epochs).
        distillation: None to train all on the targets. "logits" or "probabilities", whichever the
            model gives, to train all but the largest on what the largest predicts (in-place
            distillation, BigNAS), by cross-entropy.
        seed, per_replica: see `Policy`.

    Raises:
        PolicyError: a setting is impossible; or, before the first step, no decision has sizes, or
            a model with a `train_step` of its own is to be distilled.

    >>> ProgressiveShrinking(drawn=1, distillation="logits")
    ProgressiveShrinking(drawn=1, distillation='logits')
    """

    trains_only = True

    def __init__(
        self,
        drawn: int = 2,
        opening: Mapping[str, tuple[float, float]] | None = None,
        distillation: str | None = None,
        *,
        seed: int | None = None,
        per_replica: bool = True,
    ) -> None:
        super().__init__(seed=seed, per_replica=per_replica)
        unknown = set(opening or ()) - set(OPENING)
        pairs = (opening or OPENING).values()
        if unknown or not all(len(pair) == 2 and 0 <= pair[0] <= pair[1] < 1 for pair in pairs):
            raise PolicyError(
                f"Expected opening as two rising fractions below 1 for each of {sorted(OPENING)}, "
                f"received {opening!r}."
            )
        if distillation not in (None, "logits", "probabilities"):
            raise PolicyError(
                f"Expected distillation 'logits', 'probabilities' or None, received "
                f"{distillation!r}."
            )
        if isinstance(drawn, bool) or not isinstance(drawn, int) or not 0 <= drawn <= 32:
            raise PolicyError(f"Expected to draw from 0 to 32 architectures, received {drawn!r}.")
        self._drawn = drawn
        self._opening = None if opening is None else {k: tuple(v) for k, v in opening.items()}
        self._distillation = distillation

    def step(self, step: SearchStep) -> dict[str, Any]:
        each = self.sandwich(step)
        if self._distillation is None:
            return step.train_together(each)
        if has_own_train_step(step.model):
            raise PolicyError(
                "Expected a model that is trained by its compiled loss, whose predictions can be "
                f"distilled, received {type(step.model).__name__} with a `train_step` of its own. "
                "Leave out `distillation`."
            )
        x = keras.utils.unpack_x_y_sample_weight(step.data)[0]
        taught = keras.tree.map_structure(ops.stop_gradient, step.predict(each[0], x))

        def loss(decisions: Decisions) -> Any:
            pairs = zip(
                keras.tree.flatten(taught),
                keras.tree.flatten(step.predict(decisions, x)),
                strict=True,
            )
            return sum(self._distance(teacher, student) for teacher, student in pairs)

        return step.train_together(each, loss)

    def sandwich(self, step: SearchStep) -> list[Decisions]:
        """The architectures of a step: the largest, the smallest, and those drawn."""
        ranks = self._ranks(step)
        is_open = ops.convert_to_tensor(ranks) < self._open_values(step)[:, None]
        logits = self.logits() + ops.where(is_open, 0.0, CLOSED)
        # A rank beats every Gumbel number, and what has no sizes has the rank 0 throughout.
        extremes = [-1e3 * ranks, 1e3 * ranks]
        biases = [*extremes, *(np.zeros_like(ranks) for _ in range(self._drawn))]
        draws = [
            self.choices.draw(logits + bias, step.noise(stream))
            for stream, bias in enumerate(biases)
        ]
        return [draw.decisions for draw in draws]

    def _ranks(self, step: SearchStep) -> Any:
        """How many values of a decision are larger than each; shape `(points, values)`."""
        ranks = np.zeros(self.choices.shape, "float32")
        for place in self._sized(step):
            order = step.roles.order[place]
            for rank, index in enumerate(reversed(order)):
                ranks[place, index] = rank
        return ranks

    def _sized(self, step: SearchStep) -> list[int]:
        roles = step.roles
        sized = [
            place
            for place in roles.places(*cast("tuple[Role, ...]", tuple(OPENING)))
            if place in roles.order
        ]
        if not sized:
            raise PolicyError(
                "Expected a model with open kernel sizes, depths or widths, received one whose "
                "decisions are over operations alone. Use `UniformSampling` or `FairNAS`."
            )
        return sized

    def _open_values(self, step: SearchStep) -> Any:
        """For each decision how many of its values are open, the largest first."""
        opening = {**OPENING, **(self._opening or {})}
        counts: list[Any] = [ops.convert_to_tensor(float(self.choices.shape[1]))] * len(
            self.choices.sizes
        )
        for place in self._sized(step):
            two, all_of_them = opening[step.roles.of[place]]
            some = ops.where(step.progress < two, 1.0, 2.0)
            counts[place] = ops.where(step.progress < all_of_them, some, counts[place])
        return ops.stack(counts)

    def _distance(self, teacher: Any, student: Any) -> Any:
        """The cross-entropy of two predictions, the mean over examples."""
        if self._distillation == "logits":
            teacher, student = ops.softmax(teacher), log_softmax(student)
        else:
            student = ops.log(ops.maximum(student, keras.config.epsilon()))
        return ops.mean(-ops.sum(teacher * student, axis=-1))

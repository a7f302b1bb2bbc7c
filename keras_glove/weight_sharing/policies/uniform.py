"""Uniform sampling of single paths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras_glove.weight_sharing.policies.policy import Policy

if TYPE_CHECKING:
    from keras_glove.weight_sharing.search_step import SearchStep


class UniformSampling(Policy):
    """Trains a uniformly drawn architecture at each step (Guo et al. 2020, SPOS, section 3.2).

    It learns nothing of architectures: search on the trained supernet comes afterwards.

    Args:
        seed, per_replica: see `Policy`.
    """

    trains_only = True

    def step(self, step: SearchStep) -> dict[str, Any]:
        return step.train(self.choices.draw(self.logits(), step.noise()).decisions)

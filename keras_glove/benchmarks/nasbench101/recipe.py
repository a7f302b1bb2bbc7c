"""How networks of cells are trained."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Recipe"]


@dataclass(frozen=True)
class Recipe:
    """How a network is trained; the defaults are those of the benchmark.

    RMSProp, its learning rate falling by step along half a cosine, with an L2 penalty on all
    weights (Ying et al. 2019, arXiv:1902.09635, table 1).

    Attributes:
        batch_size: images.
        learning_rate: at the beginning. The benchmark's 0.1 was for each of two shards.
        momentum: of the steps.
        epsilon: of RMSProp.
        weight_decay: the factor of half the sum of squares.
        norm_momentum: of the normalization's moving statistics.
    """

    batch_size: int = 256
    learning_rate: float = 0.2
    momentum: float = 0.9
    epsilon: float = 1.0
    weight_decay: float = 1e-4
    norm_momentum: float = 0.997

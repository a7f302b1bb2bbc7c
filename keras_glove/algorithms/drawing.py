"""Random points that were not there before."""

from __future__ import annotations

import math

import numpy as np

from keras_glove.errors import SpaceError, StopSearch
from keras_glove.hyper import DNA, SearchSpace

_TRIES = 100


def size_of(space: SearchSpace) -> float:
    """The size of a space, infinite where it cannot be counted."""
    try:
        return space.size
    except SpaceError:
        return math.inf


def draw_new(space: SearchSpace, seen: set[DNA], size: float, rng: np.random.Generator) -> DNA:
    """A random point that is not among `seen`, which it is added to.

    Where hardly any are left, a hundred draws may find none: then it is one of `seen`.

    Args:
        space: to draw from.
        seen: points of the space.
        size: `size_of(space)`.
        rng: the only source of chance.

    Raises:
        StopSearch: if every point has been seen.
    """
    if len(seen) >= size:
        raise StopSearch("every point of the space has been proposed.")
    for _ in range(_TRIES):
        dna = space.random(rng)
        if dna not in seen:
            break
    seen.add(dna)
    return dna

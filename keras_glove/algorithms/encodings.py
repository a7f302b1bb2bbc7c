"""DNA as rows of features, for models that predict rewards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_glove.algorithms.positions import numbers, position
from keras_glove.hyper import DNA, SearchSpace

Array = np.ndarray[Any, np.dtype[np.float64]]


class OneHot:
    """One feature for each branch of a space, 1 where a DNA takes it.

    In the tree of decisions this is the path encoding of White et al. 2021 (BANANAS,
    arXiv:1910.11858, section 3): a feature for each way from the root to a candidate,
    since a decision below a candidate is a point of its own. Numbers have one feature,
    their position on their scale, and where they can be inactive a second one, 1 while
    they are active. The slots of a sorted `manyof` count together, as their order says
    nothing; those of others have features of their own. All that is inactive is 0.

    Args:
        space: the decisions.

    >>> from keras_glove.hyper import floatv, oneof
    >>> encode = OneHot(SearchSpace([oneof(["a", "b", "c"]), floatv(0.0, 2.0)]))
    >>> encode([DNA([1, 0.5])]).tolist()
    [[0.0, 1.0, 0.0, 0.25]]
    """

    def __init__(self, space: SearchSpace) -> None:
        self._points = space.points
        self._starts: list[int] = []  # of each point's features.
        width = 0
        for point in space.points:
            group = point.group
            if group is not None and group.sorted and point.index != group.indices[0]:
                self._starts.append(self._starts[group.indices[0]])
                continue
            self._starts.append(width)
            if point.kind == "categorical":
                width += point.num_candidates or 1
            else:
                width += 2 if point.conditions else 1
        self.width = width

    def __call__(self, dnas: Sequence[DNA]) -> Array:
        """The features of some DNA, shape `(dnas, width)`."""
        table = np.zeros((len(dnas), self.width))
        for row, dna in zip(table, dnas, strict=True):
            for point, start, value in zip(self._points, self._starts, numbers(dna), strict=True):
                if value is None:
                    continue
                if point.kind == "categorical":
                    row[start + int(value)] += 1.0
                else:
                    row[start] = position(point, value)
                    if point.conditions:
                        row[start + 1] = 1.0
        return table

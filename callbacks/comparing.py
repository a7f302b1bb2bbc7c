"""Numbers by which rankings are compared."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

__all__ = ["kendall_tau"]


def kendall_tau(first: Sequence[float], second: Sequence[float]) -> float:
    """Kendall's rank correlation, corrected for ties (tau-b); nan where one of both is constant.

    >>> kendall_tau([1, 2, 3], [10, 20, 30]), kendall_tau([1, 2, 3], [3, 2, 1])
    (1.0, -1.0)
    """
    signs = [
        np.sign(np.subtract.outer(np.asarray(one), np.asarray(one))) for one in (first, second)
    ]
    places = np.triu_indices(len(first), 1)
    x, y = (sign[places] for sign in signs)
    untied = math.sqrt(float((x != 0).sum()) * float((y != 0).sum()))
    return float((x * y).sum()) / untied if untied else math.nan

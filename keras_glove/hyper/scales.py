"""How numbers lie on a scale: maps between the unit interval and `low` to `high`.

With u uniform in [0, 1): "linear" is uniform; "log" has a density that falls as 1/x;
"reverse_log" is "log" mirrored in the middle of the range, so it is densest near `high`.
Integers are floors of the same maps, so each grid value v has the mass that the scale gives
to [v, v + step).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from keras_glove.hyper.points import Scale

__all__ = ["Array", "UnitMap", "unit_map"]

Array = np.ndarray[Any, np.dtype[np.float64]]


class UnitMap(NamedTuple):
    """A monotone map from [0, 1] to a range, its inverse, and the map of a whole array."""

    forward: Callable[[float], float]
    inverse: Callable[[float], float]
    forward_array: Callable[[Array], Array]


def unit_map(low: float, high: float, scale: Scale) -> UnitMap:
    """The map of a scale. Rounding may leave the range by a little: callers clip."""
    if scale == "linear":
        return _linear(low, high)
    if scale == "log":
        return _log(low, high)
    return _mirrored(_log(low, high), low + high)


def _linear(low: float, high: float) -> UnitMap:
    width = high - low

    def forward(u: float) -> float:
        return low + u * width

    return UnitMap(forward, lambda x: (x - low) / width, lambda u: low + u * width)


def _log(low: float, high: float) -> UnitMap:
    start = math.log(low)
    width = math.log(high) - start
    exp = math.exp

    def forward(u: float) -> float:
        return exp(start + u * width)

    def forward_array(u: Array) -> Array:
        # math.exp, as NumPy's differs in the last bit between processors and array lengths.
        return np.array([exp(x) for x in (start + u * width).tolist()], dtype=np.float64)

    return UnitMap(forward, lambda x: (math.log(x) - start) / width, forward_array)


def _mirrored(inner: UnitMap, total: float) -> UnitMap:
    # u is mirrored too, which keeps the map rising.
    return UnitMap(
        lambda u: total - inner.forward(1.0 - u),
        lambda x: 1.0 - inner.inverse(total - x),
        lambda u: total - inner.forward_array(1.0 - u),
    )

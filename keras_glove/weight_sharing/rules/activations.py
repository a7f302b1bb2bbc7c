"""Which activations work on each number by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from keras_glove.weight_sharing.axes import Axis
from keras_glove.weight_sharing.plans import Site

__all__ = ["is_elementwise", "require_elementwise"]


def is_elementwise(function: Any) -> bool:
    """Whether a function of a tensor works on each number by itself; found by trying it."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 4, 6, 8)).astype("float32")
    try:
        whole = np.asarray(ops.convert_to_numpy(function(ops.convert_to_tensor(x))))
        part = np.asarray(ops.convert_to_numpy(function(ops.convert_to_tensor(x[:1, :2, :3, :4]))))
    except (TypeError, ValueError):
        return False
    return whole.shape == x.shape and np.allclose(whole[:1, :2, :3, :4], part, atol=1e-5)


def require_elementwise(site: Site, function: Any, axis: Axis | None) -> None:
    """Raises `NotShareableError` where an activation mixes channels of which not all are in use."""
    if axis is None or function is None or is_elementwise(function):
        return
    raise site.refuse(
        "an activation that works on each channel by itself where the width is open",
        f"{getattr(function, '__name__', function)!r}",
        "Put it into a layer of its own (`layers.Softmax()`), or keep the width fixed.",
    )

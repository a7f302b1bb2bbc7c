"""Losses of weights: of what is in use alone, as a child has them.

A regularizer that saw whole weights would pull on branches and channels that took no part in the
step (TuNAS, Bender et al. 2020, section 4.1, leaves these out too).
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_glove.errors import NotShareableError
from keras_glove.training.lifting import outside_graphs
from keras_glove.weight_sharing.activity import Activity
from keras_glove.weight_sharing.axes import mask_of
from keras_glove.weight_sharing.decisions import Decisions

__all__ = ["regularization"]


def regularization(model: keras.Model, activity: Activity, decisions: Decisions) -> list[Any]:
    """The losses of a supernet's regularized weights, in the order of its weights.

    Raises:
      NotShareableError: a regularizer for which zeros count, on a weight that is used in part.
    """
    return [
        _loss(variable, activity, decisions)
        for variable in model.trainable_weights
        if variable.regularizer is not None
    ]


def _loss(variable: Any, activity: Activity, decisions: Decisions) -> Any:
    value = activity.value(variable, decisions)
    mask = mask_of(activity.axes(variable) or (), decisions, value.dtype)
    if mask is not None:
        _require_zeros_to_add_nothing(variable)
        value = value * mask
    loss = variable.regularizer(value)
    condition = activity.condition(variable)
    if not condition.points:
        return loss
    return loss * ops.cast(condition.tensor(decisions, "float32"), loss.dtype)


def _require_zeros_to_add_nothing(variable: Any) -> None:
    if not _zeros_add_nothing(variable.regularizer, len(variable.shape)):
        raise NotShareableError(
            f"at {variable.path!r}: expected a regularizer to which zeros add nothing, such as L1 "
            f"and L2, for a weight of open width, received {variable.regularizer!r}. Use L2, or "
            "keep the width fixed."
        )


def _zeros_add_nothing(regularizer: Any, rank: int) -> bool:
    """Found by trying it."""
    x = np.random.default_rng(0).normal(size=(3,) * rank).astype("float32")
    wide = np.pad(x, [(0, 2)] * rank)
    with outside_graphs():
        try:
            one, other = (regularizer(ops.convert_to_tensor(value)) for value in (x, wide))
        except (TypeError, ValueError):
            return False
        return bool(np.allclose(ops.convert_to_numpy(one), ops.convert_to_numpy(other), rtol=1e-5))

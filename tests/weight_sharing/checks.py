"""What every supernet of the conformance table has to keep."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_glove.hyper import DNA
from keras_glove.weight_sharing.children import cut_out, pairs
from keras_glove.weight_sharing.supernet import sharing_of

from .table import Case

__all__ = ["architectures", "built", "gradients_agree", "inputs"]


def inputs(case: Case, batch: int = 4) -> Any:
    """A batch of examples."""
    rng = np.random.default_rng(0)
    shape = (batch, *case.shape)
    if case.integers:
        return rng.integers(0, 10, size=shape)
    return rng.normal(size=shape).astype("float32")


def built(case: Case) -> tuple[Any, Any]:
    """The supernet, its weights away from zeros and ones, and a batch."""
    keras.utils.set_random_seed(1)
    model, x = case.build(), inputs(case)
    model(x)
    rng = np.random.default_rng(2)
    for variable in model.variables:
        if variable.trainable or "moving" in variable.path:
            noise = rng.uniform(0.05, 0.4, size=variable.shape).astype("float32")
            variable.assign(variable + noise)
    return model, x


def architectures(model: Any, count: int = 6) -> list[DNA]:
    """The first one, and some at random."""
    space = sharing_of(model).space
    return [space.first(), *space.sample(count - 1, seed=3)]


def gradients_agree(model: Any, child: Any, dna: DNA, x: Any) -> float:
    """The largest difference of gradients of a loss by weights that are active."""
    sharing = sharing_of(model)
    target = np.random.default_rng(4).normal(size=child(x).shape).astype("float32")

    def gradients(one: Any) -> dict[int, Any]:
        with tf.GradientTape() as tape:
            y = one(x, training=True)
            y = y[tuple(slice(0, n) for n in target.shape)]
            loss = tf.reduce_mean((y - target) ** 2)
        found = tape.gradient(loss, [v.value for v in one.trainable_variables])
        dense = [g if g is None else tf.convert_to_tensor(g) for g in found]
        return {id(v): g for v, g in zip(one.trainable_variables, dense, strict=True)}

    shared, own = gradients(model), gradients(child)
    decided = sharing.codec.arrays(dna)[0].tolist()
    activity = sharing.activity()
    scale = max(1.0, *(float(np.abs(np.asarray(g)).max()) for g in own.values() if g is not None))
    worst = 0.0
    for theirs, mine in pairs(model, child, decided):
        if not mine.trainable or id(theirs) in activity._made:  # tested by themselves
            continue
        expected = own[id(mine)]
        found = shared[id(theirs)]
        zeros = np.zeros(theirs.shape, "float32")
        found = zeros if found is None else np.asarray(found)
        expected = np.zeros(mine.shape) if expected is None else np.asarray(expected)
        cut = cut_out(found, activity.axes(theirs), decided)
        worst = max(worst, float(np.abs(cut - expected).max()) / scale)
        rest = found.copy()
        axes = activity.axes(theirs) or (None,) * len(found.shape)
        used = [
            np.arange(n) if a is None else a.indices(decided)
            for n, a in zip(found.shape, axes, strict=True)
        ]
        rest[np.ix_(*used)] = 0
        worst = max(worst, float(np.abs(rest).max()) if rest.size else 0.0)
    return worst

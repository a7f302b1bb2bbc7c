"""A supernet under fixed decisions is trained as its child is, by every optimizer of Keras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

import keras_glove as kg
from keras_glove import layers
from keras_glove.errors import NotShareableError
from keras_glove.weight_sharing.supernet import sharing_of

optimizers = keras.optimizers

BY_ELEMENT: dict[str, Callable[[], Any]] = {
    "SGD": lambda: optimizers.SGD(0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
    "RMSprop": lambda: optimizers.RMSprop(0.01, centered=True, momentum=0.5),
    "Adam": lambda: optimizers.Adam(0.01, amsgrad=True),
    "AdamW": lambda: optimizers.AdamW(0.01, weight_decay=0.1),
    "Adadelta": lambda: optimizers.Adadelta(1.0),
    "Adagrad": lambda: optimizers.Adagrad(0.1),
    "Adamax": lambda: optimizers.Adamax(0.01),
    "Nadam": lambda: optimizers.Nadam(0.01, weight_decay=0.1),
    "Ftrl": lambda: optimizers.Ftrl(0.1, l2_regularization_strength=0.01, beta=0.1),
    "Lion": lambda: optimizers.Lion(0.01),
    "ScheduleFreeAdamW": lambda: optimizers.ScheduleFreeAdamW(0.01, warmup_steps=2),
    "LossScaleOptimizer": lambda: optimizers.LossScaleOptimizer(
        optimizers.Nadam(0.01), initial_scale=8.0, dynamic_growth_steps=2
    ),
    "average": lambda: optimizers.Adam(
        0.01, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=2
    ),
    "schedule": lambda: optimizers.SGD(optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)),
    "MultiOptimizer": lambda: optimizers.MultiOptimizer(
        optimizers.OptimizerMap(optimizers.SGD(0.05), {".*kernel": optimizers.Adam(0.01)})
    ),
    "clipped": lambda: optimizers.Adam(0.01, global_clipnorm=0.1),
}
"""Those whose step for an entry of a weight depends on no other entry."""

BY_WEIGHT: dict[str, Callable[[], Any]] = {
    "Adafactor": lambda: optimizers.Adafactor(0.05),
    "Lamb": lambda: optimizers.Lamb(0.05),
    "Muon": lambda: optimizers.Muon(0.05, weight_decay=0.1),
}
"""Those that look at a weight as a whole, of which a child has a part where widths are open."""


def test_the_table_has_every_optimizer() -> None:
    public = {
        cls.__name__
        for cls in vars(optimizers).values()
        if isinstance(cls, type) and issubclass(cls, optimizers.Optimizer)
    }
    assert public - {"Optimizer"} <= {*BY_ELEMENT, *BY_WEIGHT}


QUICK = [(name, True) for name in ("Nadam", "average", "MultiOptimizer")]
IN_GRAPHS = [
    pytest.param(name, False, marks=pytest.mark.slow) for name in (*BY_ELEMENT, *BY_WEIGHT)
]


@pytest.mark.parametrize(("name", "eagerly"), [*QUICK, *IN_GRAPHS])
def test_a_supernet_is_trained_as_its_child_is(name: str, eagerly: bool) -> None:
    make = {**BY_ELEMENT, **BY_WEIGHT}[name]
    keras.utils.set_random_seed(0)
    candidates = [layers.Dense(4, activation="tanh"), layers.Dense(4), layers.Identity()]
    width: Any = kg.oneof([3, 5]) if name in BY_ELEMENT else 4
    model = kg.Sequential([layers.Dense(width), layers.Dense(4), kg.oneof(candidates)])
    x = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    y = np.random.default_rng(1).normal(size=(8, 4)).astype("float32")
    model(x)
    dna = sharing_of(model).space.first()
    child, before = model.child(dna), model.child(dna)
    model.decide(dna)
    others = [v.numpy() for v in model.layers[-1].branches[1].variables]
    for one in (model, child):
        one.compile(make(), "mse", run_eagerly=eagerly)
        one.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    trained = model.child(dna)
    for mine, theirs in zip(trained.get_weights(), child.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-5)
    moved = zip(before.get_weights(), child.get_weights(), strict=True)
    assert max(np.abs(first - theirs).max() for first, theirs in moved) > 1e-4
    for variable, value in zip(model.layers[-1].branches[1].variables, others, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_optimizers_that_are_not_known_yet_are_refused() -> None:
    model = kg.Sequential([layers.Dense(kg.oneof([2, 3]))])
    with pytest.raises(NotShareableError, match="OptimizerMap"):
        model.compile(optimizers.MultiOptimizer(lambda variable: optimizers.SGD(0.1)), "mse")

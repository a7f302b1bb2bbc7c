"""A training step changes what is active, and nothing else: no weight, no slot."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from keras_glove.weight_sharing.supernet import sharing_of

from .checks import built
from .table import CASES, Case

OPTIMIZERS = {
    "sgd": lambda: keras.optimizers.SGD(0.1, momentum=0.9, weight_decay=0.1),
    "adam": lambda: keras.optimizers.Adam(0.1),
    "adamw": lambda: keras.optimizers.AdamW(0.1, weight_decay=0.1),
    "ema": lambda: keras.optimizers.RMSprop(0.1, use_ema=True),
}
NAMES = [*OPTIMIZERS]


@pytest.mark.parametrize(
    ("case", "name"),
    [(case, NAMES[place % len(NAMES)]) for place, case in enumerate(CASES)]
    + [(case, name) for case in CASES if case.name in ("Switch", "Conv2D") for name in NAMES],
    ids=lambda part: getattr(part, "name", part),
)
def test_a_step_leaves_the_inactive_alone(case: Case, name: str) -> None:
    model, x = built(case)
    model.compile(OPTIMIZERS[name](), "mse", run_eagerly=True)
    y = np.ones((len(x), *model(x).shape[1:]), "float32")
    space, activity = sharing_of(model).space, sharing_of(model).activity()
    first, second = space.sample(2, seed=5)
    model.decide(first)
    model.train_on_batch(x, y)  # now slots are not zero
    model.decide(second)
    decided = sharing_of(model).codec.arrays(second)[0].tolist()
    before = snapshot(model)
    model.train_on_batch(x, y)
    after = snapshot(model)
    changed = False
    for variable in model.trainable_variables:
        used = places_in_use(variable, activity, decided)
        for place in slots(model.optimizer, variable):
            moved = before[place] != after[place]
            assert not moved[~used].any(), place
            changed |= bool(moved[used].any())
    assert changed
    for variable in model.non_trainable_variables:
        if "moving" in variable.path:
            moved = before[variable.path] != after[variable.path]
            assert not moved[~places_in_use(variable, activity, decided)].any(), variable.path


def snapshot(model: Any) -> dict[str, Any]:
    return {v.path: v.numpy().copy() for v in (*model.variables, *model.optimizer.variables)}


def slots(optimizer: Any, variable: Any) -> list[str]:
    """The paths of a variable and of its slots."""
    stem = variable.path.replace("/", "_")
    own = [v.path for v in optimizer.variables if v.path.split("/")[-1].startswith(stem)]
    assert own
    return [variable.path, *own]


def places_in_use(variable: Any, activity: Any, decided: Any) -> Any:
    used = np.zeros(variable.shape, bool)
    if activity.condition(variable).at(decided):
        axes = activity.moved(variable) or (None,) * len(variable.shape)
        places = [
            np.arange(n) if axis is None else axis.indices(decided)
            for n, axis in zip(variable.shape, axes, strict=True)
        ]
        used[np.ix_(*places)] = True
    return used

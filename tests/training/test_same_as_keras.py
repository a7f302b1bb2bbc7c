"""What FitObjective trains is, bit for bit, what Keras's own `fit` trains."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest

from tests.training.samples import DATA, X, Y, objective

optimizers = keras.optimizers

OPTIMIZERS: dict[str, Callable[[], keras.Optimizer]] = {
    "momentum": lambda: optimizers.SGD(0.05, momentum=0.9, nesterov=True),
    "Adam, clipnorm": lambda: optimizers.Adam(0.01, clipnorm=0.1),
    "AdamW, clipvalue": lambda: optimizers.AdamW(0.01, weight_decay=0.1, clipvalue=0.05),
    "global clipnorm, schedule": lambda: optimizers.RMSprop(
        optimizers.schedules.ExponentialDecay(0.05, 3, 0.5), global_clipnorm=0.1
    ),
    "EMA": lambda: optimizers.SGD(0.05, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=3),
    "accumulation": lambda: optimizers.Adam(0.02, gradient_accumulation_steps=3),
    "loss scale": lambda: optimizers.LossScaleOptimizer(
        optimizers.SGD(0.02), initial_scale=2.0**17, dynamic_growth_steps=4
    ),
}

UPDATES = {"accumulation": 16 // 3}


def model(dtype: str) -> keras.Model:
    keras.utils.set_random_seed(1)
    hidden = keras.layers.Dense(4, activation="silu", dtype=dtype)
    parts = [hidden, keras.layers.Dropout(0.25), keras.layers.Dense(1, dtype=dtype)]
    return keras.Sequential([keras.Input((3,)), *parts])


def state(child: keras.Model) -> list[np.ndarray]:
    """Every weight, and every variable of the optimizer: moments, averages, counts, scales."""
    variables = (*child.variables, *child.optimizer.variables)
    return [variable.numpy() for variable in variables]


@pytest.mark.slow
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_is_that_of_keras_to_the_last_bit(name: str) -> None:
    dtype = "mixed_float16" if name == "loss scale" else "float32"
    ours, plain = model(dtype), model(dtype)
    compile = {"optimizer": OPTIMIZERS[name](), "loss": "mse"}
    result = objective(epochs=3, batch_size=8, compile=compile, reward_from="last")(ours)

    plain.compile(optimizer=OPTIMIZERS[name](), loss="mse")
    keras.utils.set_random_seed(0)
    history = plain.fit(X, Y, validation_data=DATA, epochs=3, batch_size=8, verbose=0).history
    assert result["reward"] == -history["val_loss"][-1]

    def compare() -> None:
        assert len(state(ours)) == len(state(plain))
        for one, other in zip(state(ours), state(plain), strict=True):
            np.testing.assert_array_equal(one, other)

    compare()
    for child in (ours, plain):  # and it can be trained further
        keras.utils.set_random_seed(2)
        child.fit(X, Y, epochs=1, batch_size=8, verbose=0)
    compare()
    updates = int(ours.optimizer.iterations)  # loss scaling leaves out those that overflow
    assert 0 < updates < 16 if name == "loss scale" else updates == UPDATES.get(name, 16)

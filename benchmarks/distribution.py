"""Step times of our loop beside Keras's own, and of two replicas beside one.

    python benchmarks/distribution.py [--steps 400] [--rounds 5]

Times are the best of several rounds, in turns, of one epoch of a small model, where the overhead
of a step is the most of it.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

import keras_glove as kg
from keras_glove import tpu

BATCH = 32


def layers() -> list[keras.Layer]:
    return [
        keras.Input((28, 28, 1)),
        keras.layers.Conv2D(8, 3, activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Flatten(),
        keras.layers.Dense(10),
    ]


def compiled(make: Callable[..., Any], steps_per_execution: int) -> Any:
    model = make(layers())
    model.compile(
        keras.optimizers.Adam(),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        steps_per_execution=steps_per_execution,
    )
    return model


def epoch(model: Any, data: tf.data.Dataset) -> float:
    """Seconds of one epoch."""
    start = time.perf_counter()
    model.fit(data, verbose=0)
    return time.perf_counter() - start


def best(models: dict[str, Any], data: tf.data.Dataset, rounds: int) -> dict[str, float]:
    for model in models.values():
        epoch(model, data.take(64))  # traces
    found = {name: [epoch(model, data) for _ in range(1)] for name, model in models.items()}
    for _ in range(rounds - 1):
        for name, model in models.items():
            found[name].append(epoch(model, data))
    return {name: min(times) for name, times in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=400, help="steps per epoch")
    parser.add_argument("--rounds", type=int, default=5, help="epochs of which the best counts")
    options = parser.parse_args()
    cpu = tf.config.list_physical_devices("CPU")[0]
    halves = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, halves)
    rng = np.random.default_rng(0)
    x = rng.random((BATCH * 16, 28, 28, 1), dtype="float32")
    data = tf.data.Dataset.from_tensor_slices((x, rng.integers(0, 10, len(x))))
    data = data.batch(BATCH, drop_remainder=True).cache().repeat().take(options.steps)

    models: dict[str, Any] = {}
    for count in (1, 16):
        models[f"Keras, {count}"] = compiled(keras.Sequential, count)
        models[f"ours, {count}"] = compiled(Ours, count)
    with tpu.strategy("mirrored").scope():
        models["ours, 16, two replicas"] = compiled(Ours, 16)
    times = best(models, data, options.rounds)
    for name, seconds in times.items():
        print(f"{name:>24}: {seconds / options.steps * 1e6:8.0f} microseconds per step")
    print(f"ours over Keras's own at 1 step: {times['ours, 1'] / times['Keras, 1']:.3f}")
    print(f"ours over Keras's own at 16 steps: {times['ours, 16'] / times['Keras, 16']:.3f}")
    print(f"gain at 16 steps: {times['ours, 1'] / times['ours, 16']:.2f}")
    print(f"two over one: {times['ours, 16, two replicas'] / times['ours, 16']:.2f}")


class Ours(kg.Sequential):
    """Trained by our own loop; a `kg.Sequential` without open values is one of Keras."""


if __name__ == "__main__":
    main()

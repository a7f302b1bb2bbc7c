"""What does a search step cost beside what it has to do in any case?

A search step trains the weights of one architecture on a batch, draws the architecture, judges it
on a batch of search data, and updates the policy. The measure is that over the sum of a static
training step and a static forward pass (in training mode) on a batch of that size, of the mean
static child. All take turns in one run, each in a loop in the graph; medians of CPU and wall time.

    python benchmarks/search_step.py
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

import keras_glove as kg
from keras_glove import data, layers
from keras_glove.callbacks.means import MeanSearch
from keras_glove.callbacks.qualities import named_quality
from keras_glove.weight_sharing import multiply_adds, policies
from keras_glove.weight_sharing.rewards import Reward
from keras_glove.weight_sharing.search_step import Search

BATCH = 64

SETTINGS: dict[str, dict[str, Any]] = {"Reinforce": {"operation_warm_up": 0, "width_warm_up": 0}}
"""Warm-up of operations runs all branches, for the first quarter of a search; here it is over."""


class Net(kg.Model):
    """A stem, some blocks, and a linear classifier."""

    def __init__(self, width: int, blocks: list[Any]) -> None:
        super().__init__()
        self.stem = layers.Conv2D(width, 3, padding="same", use_bias=False)
        self.norm = layers.BatchNormalization()
        self.blocks = blocks
        self.pool = layers.GlobalAveragePooling2D()
        self.head = layers.Dense(10)

    def call(self, x: Any, training: bool | None = None) -> Any:
        x = keras.ops.relu(self.norm(self.stem(x), training=training))
        for block in self.blocks:
            x = x + block(x)
        return self.head(self.pool(x))


def operation(kind: int, width: int) -> Any:
    """A candidate."""
    return (
        layers.Conv2D(width, 3, padding="same", activation="relu"),
        layers.Conv2D(width, 5, padding="same", activation="relu"),
        layers.SeparableConv2D(width, 3, padding="same", activation="relu"),
        layers.SeparableConv2D(width, 5, padding="same", activation="relu"),
    )[kind]


def compiled(model: Any) -> Any:
    """Ready to be trained."""
    model.compile(
        keras.optimizers.SGD(0.01, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def batches() -> tf.data.Dataset:
    """Images of 16 x 16 pixels, without end."""
    (x, y), _, _ = data.load("digits")
    x = np.asarray(x).repeat(2, axis=1).repeat(2, axis=2)
    return tf.data.Dataset.from_tensor_slices((x, y)).repeat().batch(BATCH, drop_remainder=True)


def static(blocks: list[int], width: int, steps: int) -> Callable[[], Any]:
    """Steps of a static child: training, and a forward pass on another batch."""
    model = compiled(Net(width, [operation(kind, width) for kind in blocks]))
    first, second = iter(batches()), iter(batches())
    metric = keras.metrics.SparseCategoricalAccuracy()
    prepare(model)

    @tf.function
    def run(first: Iterator[Any], second: Iterator[Any]) -> Any:
        total = tf.constant(0.0)
        for _ in tf.range(steps):
            model.train_step(next(first))
            x, y = next(second)
            states = metric.stateless_update_state(
                metric.stateless_reset_state(), y, model(x, training=True)
            )
            total += metric.stateless_result(states)
        return total

    return lambda: run(first, second)


def searching(name: str, count: int, width: int, steps: int) -> Callable[[], Any]:
    """Steps of a search."""
    open_ = [kg.oneof([operation(kind, width) for kind in range(4)]) for _ in range(count)]
    model = compiled(Net(width, open_))
    prepare(model)
    policy = getattr(policies, name)(**SETTINGS.get(name, {}))
    policy.setup(kg.SearchSpace(model))
    x, y = next(iter(batches()))
    quality = named_quality("accuracy", "auto", model, y, model(x))
    formula = multiply_adds(model)
    reward = Reward(quality, formula.tensor, float(formula(kg.SearchSpace(model).first())))
    search = Search(model, policy, reward, iter(batches()), steps=10_000)
    observed = MeanSearch(search, reward.target)
    first, second = iter(batches()), iter(batches())

    @tf.function
    def run(first: Iterator[Any], second: Iterator[Any]) -> Any:
        total = tf.constant(0.0)
        for _ in tf.range(steps):
            total += tf.cast(observed.train_step(next(first), next(second))["loss"], "float32")
        return total

    return lambda: run(first, second)


def prepare(model: Any) -> None:
    """Builds all that a first step would."""
    x, y = next(iter(batches()))
    predicted = model(x)
    model.optimizer.build(model.trainable_variables)
    model.compute_metrics(x, y, predicted)
    model.compute_loss(x, y, predicted)


def measured(runs: dict[str, Callable[[], Any]], steps: int, rounds: int) -> dict[str, Any]:
    """Milliseconds of a step, CPU and wall: medians over rounds in which all take turns."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for place in range(rounds + 1):
        for name, run in runs.items():
            cpu, wall = time.process_time(), time.perf_counter()
            float(run())
            if place:  # the first traces
                times = time.process_time() - cpu, time.perf_counter() - wall
                found[name].append((1e3 * times[0] / steps, 1e3 * times[1] / steps))
    return {
        name: tuple(statistics.median(column) for column in zip(*pairs, strict=True))
        for name, pairs in found.items()
    }


def main() -> None:
    """Measures, and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    everything = [name for name in policies.__all__ if name not in ("Policy", "Choices", "Draw")]
    parser.add_argument("--policies", nargs="*", default=["Reinforce"], choices=everything)
    parser.add_argument("--blocks", type=int, default=4)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--steps", type=int, default=20, help="of a round")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    # Each operation as often as any other, as a policy that has learnt nothing draws them.
    paths = [[(place + shift) % 4 for place in range(options.blocks)] for shift in range(4)]
    runs = {f"static {path}": static(path, options.width, options.steps) for path in paths}
    for name in options.policies:
        runs[name] = searching(name, options.blocks, options.width, options.steps)
    times = measured(runs, options.steps, options.rounds)
    base = [statistics.mean(times[name][i] for name in runs if "static" in name) for i in (0, 1)]
    print(f"{'':24}{'CPU ms':>9}{'wall ms':>9}{'CPU':>8}{'wall':>8}")
    print(f"{'static step + forward':24}{base[0]:9.2f}{base[1]:9.2f}{1:8.2f}{1:8.2f}")
    for name in options.policies:
        cpu, wall = times[name]
        print(f"{name:24}{cpu:9.2f}{wall:9.2f}{cpu / base[0]:8.2f}{wall / base[1]:8.2f}")


if __name__ == "__main__":
    main()

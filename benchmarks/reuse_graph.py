"""Trials per minute with one supernet in the place of all children, over those without.

The space of `examples/quickstart.py`, its blocks written so that weights can be shared: digits,
batches of 64, one epoch per trial. The same trials, in turn; the first one of each, which traces
the supernet, is counted apart.

    python benchmarks/reuse_graph.py [--trials 8]
"""

from __future__ import annotations

import argparse
import os
import time
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras

import keras_glove as kg
from keras_glove import data, layers


class Residual(layers.Layer):
    """Two convolutions and what goes past them."""

    def __init__(self, conv1: Any, conv2: Any) -> None:
        super().__init__()
        self.conv1, self.conv2 = conv1, conv2
        self.norm1 = layers.BatchNormalization(momentum=0.9)
        self.norm2 = layers.BatchNormalization(momentum=0.9)

    def call(self, x: Any, training: bool | None = None) -> Any:
        y = keras.ops.relu(self.norm1(self.conv1(x), training=training))
        return keras.ops.relu(x + self.norm2(self.conv2(y), training=training))


class Stage(layers.Layer):
    """Halves the image, widens it, and works on it with `depth` blocks."""

    def __init__(self, width: Any, block: Any, depth: Any = 1) -> None:
        super().__init__()
        self.enter = layers.Conv2D(width, 3, strides=2, padding="same", activation="relu")
        self.blocks = layers.Repeat(block, depth)

    def call(self, x: Any) -> Any:
        return self.blocks(self.enter(x))


class ResidualNet(kg.Model):
    """A stem, some stages, and a linear classifier."""

    def __init__(self, stem: Any, stages: list[Any]) -> None:
        super().__init__()
        self.stem = layers.Conv2D(stem, 3, padding="same", activation="relu")
        self.stages = stages
        self.pool = layers.GlobalAveragePooling2D()
        self.head = layers.Dense(10)

    def call(self, images: Any) -> Any:
        x = self.stem(images)
        for stage in self.stages:
            x = stage(x)
        return self.head(self.pool(x))


def space() -> Any:
    """Widths, operations, kernels and depths."""

    def stage(number: int, widths: list[int]) -> Any:
        width = kg.oneof(widths, name=f"width_{number}")
        kernel = kg.oneof([3, 5], name=f"kernel_{number}")

        def block(cls: Any) -> Any:
            options = {"padding": "same", "use_bias": False}
            return Residual(cls(width, kernel, **options), cls(width, kernel, **options))

        kinds = [block(cls) for cls in (layers.Conv2D, layers.SeparableConv2D)]
        depth = kg.intv(1, 3, name=f"depth_{number}")
        return Stage(width, kg.oneof(kinds, name=f"operation_{number}"), depth)

    stem = kg.oneof([8, 16, 32], name="stem")
    stages = [stage(1, [8, 16, 24, 32]), stage(2, [16, 32, 48, 64])]
    return kg.program(ResidualNet, stem=stem, stages=stages)


def run(reuse: bool, trials: int) -> tuple[float, float, list[float]]:
    """Seconds of the first trial and of each later one, and the rewards."""
    train, validation, _ = data.load("digits")
    compile = {
        "optimizer": keras.optimizers.Adam(3e-3),
        "loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        "metrics": ["accuracy"],
    }
    objective = kg.FitObjective(
        train, validation_data=validation, batch_size=64, compile=compile, reuse_graph=reuse
    )
    ends = [time.perf_counter()]

    def timed(child: Any, trial: Any) -> Any:
        result = objective(child, trial=trial)
        ends.append(time.perf_counter())
        return result

    timed.after_trial = objective.after_trial  # type: ignore[attr-defined]
    study = kg.search(space(), timed, kg.algorithms.Random(), trials, seed=0, progress=False)
    rewards = [float(trial.reward) for trial in study.trials]
    return ends[1] - ends[0], (ends[-1] - ends[1]) / (trials - 1), rewards


def main() -> None:
    """Measures, and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=8)
    trials = parser.parse_args().trials
    results = {reuse: run(reuse, trials) for reuse in (False, True)}
    print(f"{'':24}{'first s':>9}{'later s':>9}{'per minute':>12}")
    for reuse, (first, later, _) in results.items():
        name = "one supernet" if reuse else "children on their own"
        print(f"{name:24}{first:9.2f}{later:9.2f}{60 / later:12.1f}")
    (_, alone, expected), (first, shared, found) = results[False], results[True]
    worst = max(abs(a - b) for a, b in zip(expected, found, strict=True))
    print(f"trials per minute after the first: {alone / shared:.2f} times as many")
    print(f"largest difference of a reward: {worst:.4f}")
    if alone > shared:
        print(f"the first trial is made up for after {first / (alone - shared):.0f} trials")


if __name__ == "__main__":
    main()

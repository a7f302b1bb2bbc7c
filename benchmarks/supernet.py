"""What a step of a supernet costs beside that of its children.

Digits of scikit-learn, enlarged to 16 x 16; a stem of 32 channels with batch normalization, eight
searchable layers of 32 channels (convolutions of 3 and 5, separable ones of 3 and 5, max-pooling,
identity), pooling, a linear classifier; SGD with momentum, batches of 64. Times are those of the
process on one thread (CPU) and of the clock (wall), each per step.

    python benchmarks/supernet.py
    python benchmarks/supernet.py --layers 4 --steps 50 --skip memory
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from sklearn.datasets import load_digits

import keras_glove as kg
from keras_glove import layers
from keras_glove.weight_sharing.decisions import Decisions
from keras_glove.weight_sharing.supernet import sharing_of

WIDTH = 32
OPS = 6


class Normed(layers.Layer):
    """A convolution with what follows it."""

    def __init__(self, kind: str, size: int) -> None:
        super().__init__()
        cls = layers.SeparableConv2D if kind == "separable" else layers.Conv2D
        self.conv = cls(WIDTH, size, padding="same", use_bias=False)
        self.norm = layers.BatchNormalization()

    def call(self, x: Any, training: bool | None = None) -> Any:
        return ops.relu(self.norm(self.conv(x), training=training))


def operation(index: int) -> Any:
    """One of the six operations."""
    kinds: list[Callable[[], Any]] = [
        lambda: Normed("conv", 3),
        lambda: Normed("conv", 5),
        lambda: Normed("separable", 3),
        lambda: Normed("separable", 5),
        lambda: layers.MaxPooling2D(3, strides=1, padding="same"),
        lambda: layers.Identity(),
    ]
    return kinds[index]()


class Net(kg.Model):
    """The network, of given operations."""

    def __init__(self, operations: list[Any]) -> None:
        super().__init__()
        self.stem = Normed("conv", 3)
        self.operations = operations
        self.pool = layers.GlobalAveragePooling2D()
        self.head = layers.Dense(10)

    def call(self, x: Any, training: bool | None = None) -> Any:
        x = self.stem(x, training=training)
        for part in self.operations:
            x = part(x, training=training) if isinstance(part, Normed) else part(x)
        return self.head(self.pool(x))


class Sampling(Net):
    """Draws a path in the graph, for each step one."""

    def train_step(self, data: Any) -> Any:
        sizes = sharing_of(self).codec.sizes
        drawn = tf.random.uniform((len(sizes),), maxval=OPS, dtype="int32")
        with sharing_of(self).given(Decisions(drawn)):
            return super().train_step(data)


class Mixing(Net):
    """Mixes all candidates by a softmax, as DARTS does."""

    def train_step(self, data: Any) -> Any:
        count = len(sharing_of(self).codec.sizes)
        weights = {i: tf.nn.softmax(tf.zeros(OPS) + 1e-3 * i) for i in range(count)}
        with sharing_of(self).given(Decisions(tf.zeros(count, "int32"), weights=weights)):
            return super().train_step(data)


class Elastic(kg.Model):
    """Widths and kernel sizes open."""

    def __init__(self, widths: list[Any], kernels: list[Any]) -> None:
        super().__init__()
        self.convs = [
            layers.Conv2D(width, kernel, padding="same", use_bias=False)
            for width, kernel in zip(widths, kernels, strict=True)
        ]
        self.norms = [layers.BatchNormalization() for _ in widths]
        self.pool = layers.GlobalAveragePooling2D()
        self.head = layers.Dense(10)

    def call(self, x: Any, training: bool | None = None) -> Any:
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = ops.relu(norm(conv(x), training=training))
        return self.head(self.pool(x))


def data() -> tuple[Any, Any]:
    """Digits, 16 x 16 x 1, and their labels."""
    x, y = load_digits(return_X_y=True)
    x = x.reshape(-1, 8, 8, 1).repeat(2, axis=1).repeat(2, axis=2).astype("float32") / 16
    return x[:1792], y[:1792]


def compiled(model: Any) -> Any:
    """Ready to be trained."""
    model.compile(
        keras.optimizers.SGD(0.01, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return model


class Timer:
    """Steps of a model, timed.

    Attributes:
      first: seconds of the first step, tracing included.
    """

    def __init__(self, model: Any, x: Any, y: Any) -> None:
        self.model = compiled(model)
        batches = [(x[i : i + 64], y[i : i + 64]) for i in range(0, len(x), 64)]
        self.batches = [(tf.constant(a), tf.constant(b)) for a, b in batches]
        self.step = tf.function(self.model.train_step)
        self.model(self.batches[0][0])
        self.model.optimizer.build(self.model.trainable_variables)
        start = time.perf_counter()
        self.step(self.batches[0])
        self.first = time.perf_counter() - start

    def run(self, steps: int) -> tuple[float, float]:
        """Milliseconds per step: CPU, wall."""
        cpu, wall = time.process_time(), time.perf_counter()
        for step in range(steps):
            self.step(self.batches[step % len(self.batches)])
        return (
            1e3 * (time.process_time() - cpu) / steps,
            1e3 * (time.perf_counter() - wall) / steps,
        )


def measured(timers: dict[str, Timer], steps: int, rounds: int) -> dict[str, tuple[float, float]]:
    """The median of a few rounds, in which all take turns."""
    for timer in timers.values():
        timer.run(5)
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in timers}
    for _ in range(rounds):
        for name, timer in timers.items():
            found[name].append(timer.run(steps))
    return {
        name: (statistics.median(p[0] for p in pairs), statistics.median(p[1] for p in pairs))
        for name, pairs in found.items()
    }


def switches(count: int, steps: int, rounds: int, paths: int) -> None:
    """The supernet of operations."""
    x, y = data()
    rng = np.random.default_rng(0)
    timers = {"static conv 3x3": Timer(Net([operation(0) for _ in range(count)]), x, y)}
    open_ = [kg.oneof([operation(i) for i in range(OPS)]) for _ in range(count)]
    timers["sampled"] = Timer(Sampling(open_), x, y)
    open_ = [kg.oneof([operation(i) for i in range(OPS)]) for _ in range(count)]
    timers["all mixed"] = Timer(Mixing(open_), x, y)
    chosen = [rng.integers(0, OPS, count) for _ in range(paths)]
    for place, path in enumerate(chosen):
        timers[f"path {place}"] = Timer(Net([operation(int(i)) for i in path]), x, y)
    times = measured(timers, steps, rounds)
    static = times["static conv 3x3"]
    mean = [statistics.mean(times[f"path {p}"][kind] for p in range(paths)) for kind in (0, 1)]
    print(f"{'':24}{'CPU ms':>9}{'wall ms':>9}{'R1 CPU':>8}{'R1 wall':>8}{'first s':>9}")
    for name in ("static conv 3x3", "sampled", "all mixed"):
        cpu, wall = times[name]
        ratio = cpu / static[0], wall / static[1]
        print(
            f"{name:24}{cpu:9.2f}{wall:9.2f}{ratio[0]:8.2f}{ratio[1]:8.2f}{timers[name].first:9.2f}"
        )
    print(f"{'mean of static paths':24}{mean[0]:9.2f}{mean[1]:9.2f}")
    sampled = times["sampled"]
    cpu, wall = sampled[0] / mean[0], sampled[1] / mean[1]
    print(f"R2 (sampled over static paths): CPU {cpu:.2f}, wall {wall:.2f}")


def elastic(steps: int, rounds: int) -> None:
    """The supernet of widths and kernel sizes."""
    x, y = data()
    timers = {"largest static": Timer(Elastic([64] * 4, [7] * 4), x, y)}
    widths, kernels = (
        [kg.oneof([16, 32, 64]) for _ in range(4)],
        [kg.oneof([3, 5, 7]) for _ in range(4)],
    )
    for name, index in (("supernet, widest", 2), ("supernet, narrowest", 0)):
        model = Elastic(widths, kernels)
        timers[name] = Timer(model, x, y)
        sharing = sharing_of(model)
        sharing.indices.assign(np.full(len(sharing.codec.sizes), index))
    times = measured(timers, steps, rounds)
    base = times["largest static"]
    print(f"\n{'':24}{'CPU ms':>9}{'wall ms':>9}{'CPU':>8}{'wall':>8}{'first s':>9}")
    for name, (cpu, wall) in times.items():
        ratios = f"{cpu / base[0]:8.2f}{wall / base[1]:8.2f}"
        print(f"{name:24}{cpu:9.2f}{wall:9.2f}{ratios}{timers[name].first:9.2f}")


def memory(count: int) -> None:
    """Peak memory of a static child and of the supernet, in processes of their own."""
    peaks = {}
    for kind in ("static", "sampled"):
        command = [sys.executable, __file__, "--only", kind, "--layers", str(count)]
        result = subprocess.run(command, capture_output=True, text=True, check=True)
        peaks[kind] = int(result.stdout.split()[-1]) / 1024
    ratio = peaks["sampled"] / peaks["static"]
    print(f"\npeak memory, MiB: static {peaks['static']:.0f}, supernet {peaks['sampled']:.0f}")
    print(f"supernet over static: {ratio:.2f}")


def only(kind: str, count: int) -> None:
    """Trains one model for some steps, and prints its peak memory in KiB."""
    x, y = data()
    if kind == "static":
        model: Any = Net([operation(0) for _ in range(count)])
    else:
        model = Sampling([kg.oneof([operation(i) for i in range(OPS)]) for _ in range(count)])
    Timer(model, x, y).run(30)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def main() -> None:
    """Measures, and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--steps", type=int, default=30, help="of a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--paths", type=int, default=6, help="static models of sampled paths")
    parser.add_argument("--only", choices=["static", "sampled"], help=argparse.SUPPRESS)
    parser.add_argument("--skip", nargs="*", default=[], choices=["switch", "elastic", "memory"])
    options = parser.parse_args()
    keras.utils.set_random_seed(0)
    if options.only:
        only(options.only, options.layers)
        return
    if "switch" not in options.skip:
        switches(options.layers, options.steps, options.rounds, options.paths)
    if "elastic" not in options.skip:
        elastic(options.steps, options.rounds)
    if "memory" not in options.skip:
        memory(options.layers)


if __name__ == "__main__":
    main()

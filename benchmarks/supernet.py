"""What a step of a supernet costs beside that of its children.

Digits of scikit-learn, enlarged to 16 x 16; a stem of 32 channels with batch normalization, eight
searchable layers of 32 channels (convolutions of 3 and 5, separable ones of 3 and 5, max-pooling,
identity), pooling, a linear classifier; SGD with momentum, batches of 64. Times are those of the
process on one thread (CPU) and of the clock (wall), each per step.

    python benchmarks/supernet.py
    python benchmarks/supernet.py --parts switch elastic --steps 50
    python benchmarks/supernet.py --peer torch       # the same in bare PyTorch, beside it
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
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
from keras_glove.weight_sharing.policies import DARTS
from keras_glove.weight_sharing.rewards import Reward
from keras_glove.weight_sharing.search_step import Search
from keras_glove.weight_sharing.supernet import sharing_of

WIDTH = 32
OPS = 6
PARTS = ("switch", "darts", "elastic", "memory")
PEER = Path(__file__).resolve().parent.parent / "build" / "torch"


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
            x = part(x)  # Keras passes the phase on
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

    def __init__(self, model: Any, x: Any, y: Any, search: bool = False) -> None:
        self.model = compiled(model)
        batches = [(x[i : i + 64], y[i : i + 64]) for i in range(0, len(x), 64)]
        self.batches = [(tf.constant(a), tf.constant(b)) for a, b in batches]
        self.model(self.batches[0][0])
        self.step = tf.function(_searching(self.model) if search else self.model.train_step)
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


def _searching(model: Any) -> Callable[[Any], Any]:
    """A full iteration of first-order DARTS: logits on one batch, weights on another."""
    policy = DARTS()
    policy.setup(sharing_of(model).space)
    reward = Reward(lambda y, predicted, weights: tf.constant(0.0))
    search = Search(model, policy, reward, iter(()))
    return lambda data: search.train_step(data, tuple(reversed_batch(part) for part in data))


def reversed_batch(x: Any) -> Any:
    """Another batch of as many examples."""
    return tf.reverse(x, [0])


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


def searched(count: int) -> list[Any]:
    """As many open layers."""
    return [kg.oneof([operation(i) for i in range(OPS)]) for _ in range(count)]


def table(times: dict[str, tuple[float, float]], timers: dict[str, Timer], base: str) -> None:
    """Prints times, and what they are over those of the first."""
    print(f"\n{'':24}{'CPU ms':>9}{'wall ms':>9}{'CPU':>8}{'wall':>8}{'first s':>9}")
    for name, (cpu, wall) in times.items():
        if not name.startswith("path"):
            ratios = f"{cpu / times[base][0]:8.2f}{wall / times[base][1]:8.2f}"
            print(f"{name:24}{cpu:9.2f}{wall:9.2f}{ratios}{timers[name].first:9.2f}", flush=True)


def switches(count: int, steps: int, rounds: int, paths: int) -> None:
    """The supernet of operations, a path drawn for each step."""
    x, y = data()
    rng = np.random.default_rng(0)
    base = "static conv 3x3"
    timers = {base: Timer(Net([operation(0) for _ in range(count)]), x, y)}
    timers["sampled"] = Timer(Sampling(searched(count)), x, y)
    for place in range(paths):
        path = rng.integers(0, OPS, count)
        timers[f"path {place}"] = Timer(Net([operation(int(i)) for i in path]), x, y)
    times = measured(timers, steps, rounds)
    table(times, timers, base)
    means = [statistics.mean(times[f"path {p}"][kind] for p in range(paths)) for kind in (0, 1)]
    print(f"{'mean of static paths':24}{means[0]:9.2f}{means[1]:9.2f}")
    cpu, wall = (times["sampled"][kind] / means[kind] for kind in (0, 1))
    print(f"R2 (sampled over static paths): CPU {cpu:.2f}, wall {wall:.2f}")
    print(f"first step over the static one: {timers['sampled'].first / timers[base].first:.2f}")


def darts(count: int, steps: int, rounds: int) -> None:
    """All candidates mixed: the step of the weights, and the full iteration."""
    x, y = data()
    base = "static conv 3x3"
    timers = {
        base: Timer(Net([operation(0) for _ in range(count)]), x, y),
        "DARTS, weights": Timer(Mixing(searched(count)), x, y),
        "DARTS, iteration": Timer(Net(searched(count)), x, y, search=True),
    }
    table(measured(timers, steps, rounds), timers, base)


def elastic(steps: int, rounds: int) -> None:
    """The supernet of widths and kernel sizes."""
    x, y = data()
    base = "largest static"
    timers = {
        base: Timer(Elastic([64] * 4, [7] * 4), x, y),
        "smallest static": Timer(Elastic([16] * 4, [3] * 4), x, y),
    }
    widths = [kg.oneof([16, 32, 64]) for _ in range(4)]
    kernels = [kg.oneof([3, 5, 7]) for _ in range(4)]
    for name, index in (("widest", 2), ("middle", 1), ("narrowest", 0)):
        model = Elastic(widths, kernels)
        timers[f"supernet, {name}"] = Timer(model, x, y)
        sharing = sharing_of(model)
        sharing.indices.assign(np.full(len(sharing.codec.sizes), index))
    table(measured(timers, steps, rounds), timers, base)


def peer(count: int, steps: int, rounds: int, paths: int) -> None:
    """The same in bare PyTorch, in an environment of its own."""
    python = PEER / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(PEER)], check=True)
    if subprocess.run([str(python), "-c", "import torch, numpy"], capture_output=True).returncode:
        command = [str(python), "-m", "pip", "install", "--quiet", "torch", "numpy"]
        if subprocess.run(command).returncode:
            print("\nPyTorch could not be installed, so there is no peer; pip says above why.")
            return
    x, y = data()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "digits.npz"
        np.savez(path, x=x, y=y)
        script = Path(__file__).with_name("supernet_torch.py")
        given = {"layers": count, "steps": steps, "rounds": rounds, "paths": paths}
        flags = [text for name, value in given.items() for text in (f"--{name}", str(value))]
        subprocess.run([str(python), str(script), str(path), *flags], check=True)


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
    # Not `ru_maxrss`, which a process takes over from the one that started it.
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))


def main() -> None:
    """Measures, and prints tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--steps", type=int, default=20, help="of a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--paths", type=int, default=6, help="static models of sampled paths")
    parser.add_argument("--only", choices=["static", "sampled"], help=argparse.SUPPRESS)
    parser.add_argument("--parts", nargs="*", default=list(PARTS), choices=PARTS)
    parser.add_argument("--peer", choices=["torch"], help="measures that too")
    options = parser.parse_args()
    keras.utils.set_random_seed(0)
    count, steps, rounds = options.layers, options.steps, options.rounds
    if options.only:
        only(options.only, count)
        return
    print(f"Keras {keras.__version__}, TensorFlow {tf.__version__}, one thread")
    if "switch" in options.parts:
        switches(count, steps, rounds, options.paths)
    if "darts" in options.parts:
        darts(count, max(steps // 4, 1), rounds)
    if "elastic" in options.parts:
        elastic(max(steps // 4, 1), rounds)
    if "memory" in options.parts:
        memory(count)
    if options.peer:
        peer(count, max(steps // 2, 1), rounds, options.paths)


if __name__ == "__main__":
    main()

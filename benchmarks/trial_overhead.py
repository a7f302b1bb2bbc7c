"""Seconds per trial of a search over those of the bare loop that it stands for.

    python benchmarks/trial_overhead.py [--rounds 9] [--epochs 3]

Each contender trains the same eight small networks in each round, in a process of its own; the
rounds of all contenders alternate, so that what else the machine does falls on all alike. The bare
loop is `build; compile; fit; clear_session`. KerasTuner takes part where it is installed, and
TensorBoard, which it needs (`pip install 'keras_glove[bench]'`). The target for keras_glove is a
ratio of 1.03 at most.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

WIDTHS, KERNELS, ACTIVATIONS = (4, 8), (1, 3), ("relu", "silu")
GRID = list(itertools.product(WIDTHS, KERNELS, ACTIVATIONS))
COMPILE = {
    "optimizer": "adam",
    "loss": "sparse_categorical_crossentropy",
    "metrics": ["accuracy"],
}

Round = Callable[[], object]


def examples() -> tuple[Any, Any]:
    """Images of the size of the digits, with labels."""
    import numpy as np

    random = np.random.default_rng(0)
    images = random.normal(size=(512, 8, 8, 1)).astype("float32")
    return images, random.integers(0, 10, 512)


def network(width: int, kernel: int, activation: str) -> Any:
    """A convolutional network that trains in about half a second."""
    from keras import Input, Model, layers

    inputs = Input((8, 8, 1))
    x = layers.Conv2D(width, kernel, padding="same", activation=activation)(inputs)
    x = layers.BatchNormalization()(x)
    x = layers.Conv2D(2 * width, kernel, padding="same", activation=activation)(x)
    x = layers.GlobalAveragePooling2D()(x)
    return Model(inputs, layers.Dense(10, activation="softmax")(x))


def bare_loop(epochs: int) -> Round:
    import keras

    x, y = examples()

    def run() -> None:
        best = 0.0
        for choices in GRID:
            model = network(*choices)
            model.compile(**COMPILE)
            history = model.fit(x, y, validation_data=(x, y), epochs=epochs, verbose=0)
            best = max(best, *history.history["val_accuracy"])
            keras.utils.clear_session()

    return run


def keras_glove(epochs: int) -> Round:
    from keras_glove.algorithms import Sweep
    from keras_glove.hyper import oneof
    from keras_glove.search import search
    from keras_glove.symbolic import program, symbolize
    from keras_glove.training import FitObjective

    space = program(symbolize(network), oneof(WIDTHS), oneof(KERNELS), oneof(ACTIVATIONS))
    data = examples()
    objective = FitObjective(data, data, epochs=epochs, compile=COMPILE)

    def run() -> None:
        study = search(space, objective, Sweep(), len(GRID), progress=False)
        if any(trial.state != "complete" for trial in study.trials):
            raise RuntimeError(f"expected complete trials: {study}")

    return run


def keras_tuner(epochs: int) -> Round:
    from keras_tuner import GridSearch

    x, y = examples()

    def build(choices: Any) -> Any:
        model = network(
            choices.Choice("width", WIDTHS),
            choices.Choice("kernel", KERNELS),
            choices.Choice("activation", ACTIVATIONS),
        )
        model.compile(**COMPILE)
        return model

    def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            tuner = GridSearch(build, "val_accuracy", len(GRID), directory=folder)
            tuner.search(x, y, validation_data=(x, y), epochs=epochs, verbose=0)
            if len(tuner.oracle.trials) != len(GRID):
                raise RuntimeError(f"expected {len(GRID)} trials of KerasTuner")

    return run


CONTENDERS = {"bare loop": bare_loop, "keras_glove": keras_glove, "KerasTuner": keras_tuner}


def serve(name: str, epochs: int, connection: Connection) -> None:
    """Runs a round for each message, and answers with its wall and processor seconds."""
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115 (for as long as the process lives)
    run = CONTENDERS[name](epochs)
    run()  # what happens once in a process counts for none
    connection.send(None)
    while connection.recv():
        wall, processor = time.perf_counter(), time.process_time()
        run()
        connection.send((time.perf_counter() - wall, time.process_time() - processor))


def measure(names: list[str], rounds: int, epochs: int) -> dict[str, list[tuple[float, float]]]:
    """Seconds per round of each contender, all in the order of the rounds."""
    spawn = multiprocessing.get_context("spawn")
    connections, processes = {}, []
    for name in names:
        connections[name], other = spawn.Pipe()
        process = spawn.Process(target=serve, args=(name, epochs, other), daemon=True)
        process.start()
        other.close()  # so that a process that dies is noticed
        processes.append(process)
        connections[name].recv()
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    for number in range(rounds):
        # Each goes first in turn.
        for name in names[number % len(names) :] + names[: number % len(names)]:
            connections[name].send(True)
            seconds[name].append(connections[name].recv())
    for connection in connections.values():
        connection.send(False)
    for process in processes:
        process.join()
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--epochs", type=int, default=3)
    options, _ = parser.parse_known_args()
    needed = ("keras_tuner", "tensorboard")
    installed = all(importlib.util.find_spec(package) for package in needed)
    names = [name for name in CONTENDERS if installed or name != "KerasTuner"]
    seconds = measure(names, options.rounds, options.epochs)
    print(f"{options.rounds} rounds of {len(GRID)} trials, {options.epochs} epochs; medians")
    print(f"{'':12} {'s per trial':>12} {'ratio':>7} {'CPU s per trial':>16} {'ratio':>7}")
    for name in names:
        columns = []
        for which in (0, 1):
            own = [values[which] for values in seconds[name]]
            bare = [values[which] for values in seconds["bare loop"]]
            ratios = [one / other for one, other in zip(own, bare, strict=True)]
            columns += [statistics.median(own) / len(GRID), statistics.median(ratios)]
        print(
            f"{name:12} {columns[0]:12.3f} {columns[1]:7.3f} {columns[2]:16.3f} {columns[3]:7.3f}"
        )
    if not installed:
        print("KerasTuner or TensorBoard is not installed: pip install 'keras_glove[bench]'")


if __name__ == "__main__":
    main()

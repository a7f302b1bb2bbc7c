"""Memory that a process keeps of each trial: a search, and the bare loop that it stands for.

    python benchmarks/trial_memory.py [--trials 500] [--case architectures]

The bare loop is `build; compile; fit; clear_session`, with fewer trials, for what it keeps is
linear: 5.9 MB each with Keras 3.15.1 on TensorFlow 2.21 (keras#17458, keras#20552). The target for
keras_glove is less than 50 MB in 500 trials. Memory is what the process has written and not given
back, be it swapped out (RssAnon and VmSwap in /proc/self/status; elsewhere the peak). Growth counts
from the end of the warm-up, in which each process makes what it then uses again.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

WARM_UP = 10
CASES = ("plain", "silu", "callbacks", "tf.data", "architectures", "failing")
COMPILE = {"optimizer": "adam", "loss": "mse"}


def memory_mb() -> float:
    """What the process holds that is not read from files."""
    try:
        with open("/proc/self/status") as status:
            lines = [line.split() for line in status]
    except FileNotFoundError:
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
    return sum(int(line[1]) for line in lines if line[0] in ("RssAnon:", "VmSwap:")) / 1024


def network(width: int, activation: str, depth: int) -> Any:
    from keras import Input, Model, layers

    inputs = Input((8, 8, 1))
    x = inputs
    for _ in range(depth):
        x = layers.Conv2D(width, 3, padding="same", activation=activation)(x)
        x = layers.BatchNormalization()(x)
    x = layers.GlobalAveragePooling2D()(x)
    return Model(inputs, layers.Dense(1)(x))


def choices(case: str, number: int) -> tuple[int, str, int]:
    """The network of a trial: always the same, or always another."""
    if case == "architectures":
        return 2 + number % 61, ("relu", "silu")[number % 2], 1 + number % 3
    return 4, "silu" if case == "silu" else "relu", 1


def examples(case: str) -> Any:
    import numpy as np
    import tensorflow as tf

    random = np.random.default_rng(0)
    pair = random.normal(size=(64, 8, 8, 1)).astype("float32"), random.normal(size=(64, 1))
    if case != "tf.data":
        return pair
    data = tf.data.Dataset.from_tensor_slices(pair).shuffle(64).batch(32)
    return data.map(lambda images, targets: (2 * images, targets)).prefetch(1)


def callbacks(case: str) -> list[Any]:
    import keras

    if case != "callbacks":
        return []
    stopping = keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)
    return [stopping, keras.callbacks.ReduceLROnPlateau(), keras.callbacks.TerminateOnNaN()]


def bare_trial(case: str) -> Callable[[int], object]:
    import keras

    data = examples(case)
    fit = {"x": data, "shuffle": False} if case == "tf.data" else dict(zip("xy", data, strict=True))

    def run(number: int) -> None:
        model = network(*choices(case, number))
        model.compile(**COMPILE)
        model.fit(**fit, validation_data=data, epochs=2, verbose=0, callbacks=callbacks(case))
        keras.utils.clear_session()

    return run


def our_trial(case: str) -> Callable[[int], object]:
    from keras_glove.algorithms import Random
    from keras_glove.hyper import intv
    from keras_glove.search import Study, search
    from keras_glove.symbolic import program, symbolize
    from keras_glove.training import FitObjective

    number = 0

    @symbolize
    def child(ignored: int) -> Any:
        return network(*choices(case, number))

    data = examples(case)
    rate = float("nan") if case == "failing" else 1e-3
    compile = {**COMPILE, "optimizer": {"class_name": "Adam", "config": {"learning_rate": rate}}}
    objective = FitObjective(
        data, data, epochs=2, monitor="val_loss", compile=compile, callbacks=callbacks(case)
    )
    study = Study()
    space, algorithm = program(child, intv(0, 1_000_000)), Random()

    def run(trial: int) -> None:
        nonlocal number
        number = trial
        search(space, objective, algorithm, trial + 1, study=study, progress=False)

    return run


def grow(loop: str, case: str, trials: int) -> None:
    """Runs trials in this process, and prints the memory as it grows."""
    import logging

    logging.getLogger("keras_glove").setLevel(logging.ERROR)  # that trials failed, as they should
    run = {"ours": our_trial, "bare": bare_trial}[loop](case)
    start = memory = begin = 0.0
    for number in range(WARM_UP + trials):
        if number == WARM_UP:
            start, begin = memory_mb(), time.perf_counter()
        run(number)
        done = number + 1 - WARM_UP
        if done > 0 and (done == trials or done % max(trials // 5, 1) == 0):
            memory = memory_mb() - start
            pace = (time.perf_counter() - begin) / done
            print(
                f"{loop:5} {case:14} {done:5} trials {memory:8.1f} MB "
                f"{memory / done:7.3f} MB per trial {pace:6.2f} s per trial",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=500)
    parser.add_argument("--bare-trials", type=int, default=40)
    parser.add_argument("--case", choices=(*CASES, "all"), default="architectures")
    parser.add_argument("--loop", choices=("ours", "bare", "both"), default="both")
    options, _ = parser.parse_known_args()
    if options.case != "all" and options.loop != "both":
        trials = options.trials if options.loop == "ours" else options.bare_trials
        grow(options.loop, options.case, trials)
        return
    for case in CASES if options.case == "all" else (options.case,):
        for loop in ("bare", "ours") if options.loop == "both" else (options.loop,):
            if (loop, case) == ("bare", "failing"):
                continue  # a bare loop ends with its first error
            # In a process of its own: what one keeps is no start for the next.
            numbers = ["--trials", str(options.trials), "--bare-trials", str(options.bare_trials)]
            command = [sys.executable, __file__, "--case", case, "--loop", loop, *numbers]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()

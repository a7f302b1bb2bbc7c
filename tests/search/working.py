"""Objectives for workers, which import them from here."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from typing import Any

from keras_glove.errors import TrialPruned
from keras_glove.hyper import intv, oneof
from keras_glove.search import Trial

SPACE = {"x": intv(0, 9), "y": oneof([1, 2, 4, 8])}


def product(child: dict[str, int]) -> float:
    """Fast."""
    return float(child["x"] * child["y"])


def full(child: dict[str, int], trial: Trial) -> Any:
    """Does all that an objective may do."""
    for step in range(3):
        trial.report(step, step + child["x"] / 10)
    if trial.should_prune():
        raise TrialPruned("poor")
    if child["y"] == 8:
        raise ValueError("eight")
    (trial.folder / "log.txt").write_text(str(trial.decisions))
    return {"reward": product(child), "seed": trial.seed, "pid": os.getpid()}


def deadly(child: dict[str, int], trial: Trial) -> float:
    """Kills its worker: always in trial 1, and in trial 3 the first time."""
    if trial.number == 1 or (trial.number == 3 and trial.attempt == 1):
        os.kill(os.getpid(), signal.SIGKILL)
    return product(child)


#: Trials of the fault test of executors; about 600 take three minutes.
FRAGILE_TRIALS = int(os.environ.get("KERAS_GLOVE_TEST_FAULT_TRIALS", "16"))


def fragile(child: dict[str, int], trial: Trial) -> float:
    """Kills its worker in the first attempt of about one trial in six, at a random moment."""
    rng = random.Random(trial.seed)
    if rng.random() < 1 / 6 and trial.attempt == 1:
        threading.Timer(rng.uniform(0.0, 0.1), os.kill, [os.getpid(), signal.SIGKILL]).start()
        time.sleep(1.0)
    trial.report(0, 0.5)
    return product(child)


class Unreadable:
    """An objective that other processes cannot read."""

    def __call__(self, child: dict[str, int]) -> float:
        return product(child)

    def __getstate__(self) -> dict[str, int]:
        return {"home": os.getpid()}

    def __setstate__(self, state: dict[str, int]) -> None:
        if state["home"] != os.getpid():
            raise ImportError("it can be read here only")


def settings(child: dict[str, int]) -> Any:
    """What a worker was started with."""
    time.sleep(0.05)
    names = ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES")
    return {"reward": 1.0, **{name: os.environ.get(name) for name in names}, "pid": os.getpid()}


class Interrupting:
    """Raises what Ctrl-C raises, in the driver, when the trials are so many."""

    def __init__(self, after: int) -> None:
        self.after = after
        self.count = 0

    def __call__(self) -> None:
        """A trial ended."""
        self.count += 1
        if self.count == self.after:
            raise KeyboardInterrupt

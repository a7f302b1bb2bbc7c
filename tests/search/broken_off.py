"""A search in a process of its own, which tests kill.

It takes the search rooms without the front door of keras_glove, which imports TensorFlow
and takes seconds.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from keras_glove.algorithms import Algorithm, RegularizedEvolution
from keras_glove.hyper import floatv, oneof
from keras_glove.search import Study, Trial, claims, search

ROOT = Path(__file__).absolute().parents[2]
_BARE = f"""
import sys, types
package = types.ModuleType("keras_glove")
package.__path__ = [{str(ROOT / "keras_glove")!r}]
sys.modules["keras_glove"] = package
sys.path.insert(0, {str(ROOT)!r})
from tests.search import broken_off
broken_off.main()
"""

SPACE = {
    "x": floatv(-1.0, 1.0, name="x"),
    "y": oneof([1.0, {"z": floatv(0.0, 1.0, name="z")}], name="y"),
}


def algorithm() -> Algorithm:
    """A new one, always with the same settings."""
    return RegularizedEvolution(6, 3)


def objective(child: Any, trial: Trial, seconds: float = 0.0) -> Any:
    """A reward that depends on the child alone, reported in three steps."""
    y = child["y"]["z"] if isinstance(child["y"], dict) else child["y"]
    for step in range(3):
        trial.report(step, child["x"] * step)
        time.sleep(seconds / 3)
    return {"reward": child["x"] * y, "y": y}


def start(storage: str, *arguments: str) -> subprocess.Popen[bytes]:
    """Starts the search on a storage; it prints a line when it begins its first trial."""
    command = [sys.executable, "-c", _BARE, storage, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def main() -> None:
    """What runs in the process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("storage")
    parser.add_argument("--trials", type=int)
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--patience", type=float, default=60.0)
    parser.add_argument("--deadly", type=int, default=-1)
    parser.add_argument("--machine", help="what to take this machine for")
    given = parser.parse_args()

    def run(child: Any, trial: Trial) -> Any:
        print(trial.number, flush=True)  # noqa: T201  what `start` is read for.
        if trial.number == given.deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return objective(child, trial, given.seconds)

    if given.machine is not None:
        claims.machine = lambda: given.machine  # type: ignore[assignment]
    study = Study("s", given.storage, seed=9, patience_s=given.patience)
    search(SPACE, run, algorithm(), given.trials, study=study, progress=False)
    study.close()

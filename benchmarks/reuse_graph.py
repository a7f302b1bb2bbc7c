"""Trials per minute with one supernet in the place of all children, over those without.

The space of `examples/quickstart.py`: digits, batches of 64, one epoch per trial. The same trials,
in turn; the first one of each, which traces the supernet, is counted apart.

    python benchmarks/reuse_graph.py [--trials 8]
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras_glove as kg
from keras_glove import data

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples"))
from quickstart import ResidualNet, compile_arguments, search_space


def run(reuse: bool, trials: int) -> tuple[float, float, list[float]]:
    """Seconds of the first trial and of each later one, and the rewards."""
    train, validation, _ = data.load("digits")
    objective = kg.FitObjective(
        train,
        validation_data=validation,
        batch_size=64,
        compile=compile_arguments(),
        reuse_graph=reuse,
    )
    ends = [time.perf_counter()]

    def timed(child: Any, trial: Any) -> Any:
        result = objective(child, trial=trial)
        ends.append(time.perf_counter())
        return result

    timed.after_trial = objective.after_trial  # type: ignore[attr-defined]
    space = kg.program(ResidualNet, **search_space())
    study = kg.search(space, timed, kg.algorithms.Random(), trials, seed=0, progress=False)
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

"""Compares search algorithms on NAS-Bench-101, a table of cells that were all trained before.

Without arguments it searches the small table that comes with keras_glove, of cells trained on the
digits; with the path of the genuine one, from https://github.com/google-research/nasbench, that:

    python examples/nasbench101_search.py
    python examples/nasbench101_search.py --table nasbench_only108.tfrecord --seconds 5e6

It first searches once with a loop written out, as you would search with an algorithm of your own;
then it runs each published setting many times, and compares what they had found after so many
simulated seconds of training. Two pictures are written: regret over time, and the best cell.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from rich.console import Console

import keras_glove as kg
from keras_glove.algorithms import RegularizedEvolution, Uniform
from keras_glove.benchmarks.nasbench101 import (
    SETTINGS,
    Cell,
    NASBench,
    cell_space,
    compare,
    digits_table,
    find_setting,
)


def search_once(table: NASBench, epochs: int, trials: int, seed: int) -> Cell:
    """One search, written out: the cell that looked best by its validation accuracy."""
    mutator = Uniform("op") >> Uniform("edge", times=2)
    algorithm = RegularizedEvolution(population_size=20, tournament_size=5, mutator=mutator)
    best, best_accuracy = None, 0.0
    for cell, feedback in kg.sample(cell_space(table.complete_up_to), algorithm, trials, seed=seed):
        if cell not in table:
            feedback.skip("no cell of the table")
            continue
        accuracy = table.query(cell, epochs)["validation_accuracy"]
        feedback(accuracy)
        if accuracy > best_accuracy:
            best, best_accuracy = cell, accuracy
    assert best is not None
    return best


def main(given: argparse.Namespace) -> None:
    """Searches once, then compares the settings."""
    console = Console()
    out = Path(given.out)
    out.mkdir(parents=True, exist_ok=True)
    table = NASBench(given.table, given.seed) if given.table else digits_table(given.seed)
    epochs = max(table.valid_epochs)
    console.print(
        f"{given.table or 'the table of the digits'}: {len(table):,} cells, every one of up to "
        f"{table.complete_up_to} vertices; trained for {epochs} epochs"
    )

    found = search_once(table, epochs, trials=100, seed=given.seed)
    seconds, _ = table.get_budget_counters()
    console.print(
        f"one search: 100 trials, {seconds:,.0f} simulated seconds of training; the cell it found "
        f"reaches {table.mean(found, epochs)['test_accuracy']:.4f} in test, the best of all "
        f"{table.best(epochs=epochs)[1]:.4f}"
    )
    found.draw().save(out / "found_cell.svg")

    settings = [find_setting(name) for name in given.setting or ()] or [
        setting
        for setting in SETTINGS
        if setting.name != "tpe" or given.tpe or given.seconds is None
    ]
    start = time.perf_counter()
    comparison = compare(
        table,
        settings,
        num_runs=given.runs,
        num_queries=given.queries if given.seconds is None else None,
        budget_s=given.seconds,
        seed=given.seed,
    )
    queries = sum(len(run) for runs in comparison.runs.values() for run in runs)
    taken = time.perf_counter() - start
    console.print(comparison.table())
    console.print(f"{queries:,} queries in {taken:.1f} s")
    comparison.plot().savefig(out / "regret.png", dpi=150)
    console.print(f"pictures: {out / 'regret.png'}, {out / 'found_cell.svg'}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--table", help="a record file or converted table; default: the digits")
    parser.add_argument(
        "--setting", action="append", help="one of the published settings, repeatable"
    )
    parser.add_argument(
        "--tpe", action="store_true", help="TPE too for runs of --seconds, which takes an hour"
    )
    parser.add_argument("--runs", type=int, default=50, help="of each setting")
    parser.add_argument("--queries", type=int, default=150, help="trainings of each run")
    parser.add_argument("--seconds", type=float, help="instead: simulated seconds of each run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="runs/nasbench101", help="folder of the pictures")
    main(parser.parse_args())

"""NAS-Bench-101 at its full size: `python benchmarks/nasbench101.py [--folder F] [--full]`.

Makes a table of all 423,624 cells in the official format, with drawn metrics: about 500 MB as
nasbench_only108.tfrecord, with `--full` about 2 GB, at all four budgets. With `--accuracies` the
test accuracies are those of an array of correct answers out of 9,984, one per cell in ascending
order of the hashes (`test_correct_of_9984` in an .npz file), and searches can be judged.

Then it measures what a user waits for, in seconds of the processor, so that other work on the
machine counts little; of the conversion the seconds that passed are told as well. `--folder` keeps
the table for the next time. pyglove searches the same space in the same run where it is installed
(`pip install 'keras_glove[bench]'`), the official library answers the same queries where `nasbench`
can be imported.
"""

from __future__ import annotations

import argparse
import base64
import gc
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from keras_glove.algorithms import RegularizedEvolution
from keras_glove.benchmarks.nasbench101 import (
    OPERATIONS,
    Cell,
    CellArray,
    NASBench,
    cell_space,
    compare,
    count_parameters,
    enumerate_cells,
    find_setting,
    table_path,
)
from keras_glove.benchmarks.nasbench101.metrics import Evaluation, Metrics, encode
from keras_glove.benchmarks.nasbench101.records import frame_all
from keras_glove.search import sample

Measured = tuple[str, float, str, str]
"""(what, the figure, its unit, the target)."""

AT_ONCE = 20_000  # records written together


# --- the table -----------------------------------------------------------------------


def make_table(path: Path, epochs: Sequence[int], correct: Any) -> None:
    """Writes a record file of all cells, in ascending order of their hashes."""
    cells = list(enumerate_cells())
    cells.sort(key=lambda cell: cell.hash)
    rows: list[bytes] = []
    with open(path, "wb") as stream:
        for number, cell in enumerate(track(cells, "making the table")):
            accuracy = _quality(cell) if correct is None else correct[number] / 9984
            rows += _rows(cell, accuracy, epochs, np.random.default_rng(number))
            if len(rows) >= AT_ONCE:
                stream.write(frame_all(rows))
                rows.clear()
        stream.write(frame_all(rows))


def _quality(cell: Cell) -> float:
    """An accuracy that convolutions and depth raise, so that there is something to find."""
    labels = cell.labels
    score = 0.01 * labels.count(0) + 0.004 * labels.count(1) - 0.002 * labels.count(2)
    score += 0.002 * cell.num_vertices - 0.001 * abs(cell.num_edges - 7)
    return 0.88 + score + int(cell.hash[:4], 16) / 65536 * 0.01


def _rows(
    cell: Cell, accuracy: float, epochs: Sequence[int], rng: np.random.Generator
) -> Iterator[bytes]:
    parameters = count_parameters(cell)
    matrix = "".join(map(str, cell.matrix.ravel().tolist()))  # type: ignore[union-attr]
    operations = ",".join(cell.operations or ())
    for budget in epochs:
        for repeat in range(3):
            noise = rng.normal(0, 0.0025, 6) if repeat else np.r_[0, rng.normal(0, 0.0025, 5)]
            found = (
                accuracy
                - 0.3 * (1 / budget - 1 / 108)
                + np.r_[noise[:1], noise[1:2] + 0.0065, 0.05]
            )
            final = _fractions(found)
            seconds = (300 + parameters / 12_000) * budget / 108
            metrics = Metrics(
                (
                    Evaluation(0.0, 0.0, *[0.1] * 3),
                    Evaluation(budget / 2, seconds / 2, *_fractions(found - 0.05)[::-1]),
                    Evaluation(float(budget), seconds * rng.uniform(0.9, 1.1), *final[::-1]),
                ),
                parameters,
                seconds * 1.2,
            )
            text = base64.b64encode(encode(metrics)).decode()
            yield json.dumps([cell.hash, budget, matrix, operations, text]).encode()


def _fractions(values: Any) -> list[float]:
    """As float32 of whole answers out of 9,984, as in the official file."""
    return (np.rint(np.clip(values, 0, 1) * 9984) / 9984).astype(np.float32).astype(float).tolist()  # type: ignore[no-any-return]


# --- what is measured ----------------------------------------------------------------


def seconds_of(call: Callable[[], Any]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def best_rate(call: Callable[[], Any], count: int, rounds: int = 3) -> float:
    """Operations a second, the best of some rounds."""
    return count / min(seconds_of(call) for _ in range(rounds))


def cells_and_hashes() -> Iterator[Measured]:
    code = (
        "import time; from keras_glove.benchmarks.nasbench101 import enumerate_cells;"
        "start = time.process_time(); count = len(list(enumerate_cells()));"
        "print(count, time.process_time() - start)"
    )
    count, seconds = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    assert int(count) == 423_624
    yield "enumerate all cells", float(seconds), "s", "< 3"
    yield "and all their hashes", seconds_of(enumerate_cells().hashes), "s", "< 60"


def conversion(path: Path) -> Iterator[Measured]:
    code = (
        "import resource, sys, time; from keras_glove.benchmarks.nasbench101 import convert;"
        "start = time.process_time(), time.perf_counter();"
        "convert(sys.argv[1], force=True, progress=False);"
        "print(time.process_time() - start[0], time.perf_counter() - start[1]);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    seconds, passed, kilobytes = subprocess.check_output(
        [sys.executable, "-c", code, str(path)], text=True
    ).split()
    size = path.stat().st_size / 1e9
    yield f"convert {size:.2f} GB", float(seconds), "s", "< 180"
    yield "the same, as time passed", float(passed), "s", "< 180"
    yield "memory of that, with Keras", int(kilobytes) / 1e6, "GB", "< 2"
    yield "open", seconds_of(lambda: NASBench(path)), "s", "< 0.1"


def queries(table: NASBench, rng: np.random.Generator) -> Iterator[Measured]:
    count = 50_000
    batch = table.cells[rng.integers(0, len(table), 1_000_000)]
    graphs = [(cell.matrix, list(cell.operations or ())) for cell in batch[:count]]
    rates = []
    for start in (0, count, 2 * count):
        cells = list(batch[start : start + count])
        rates.append(best_rate(lambda cells=cells: [table.query(c) for c in cells], count, 1))  # type: ignore[misc]
    yield "queries of cells not seen before", max(rates), "/s", "> 20,000"
    yield (
        "the same, made from a matrix first",
        best_rate(lambda: [table.query(Cell(m, o)) for m, o in graphs], count),
        "/s",
        "> 20,000",
    )
    cells = list(batch[:count])
    seen = best_rate(lambda: [table.query(cell) for cell in cells], count, 6)
    yield "queries of cells seen before", seen, "/s", "> 200,000"
    many = best_rate(lambda: table.query_many(batch), len(batch))
    yield "queries in a batch", many, "/s", "> 1,000,000"
    yield (
        "validity and hash, one by one",
        best_rate(lambda: [Cell(m, o).hash for m, o in graphs[:10_000]], 10_000),
        "/s",
        "> 20,000",
    )
    yield "validity and hash from the table", *_hashes_one_by_one(table, graphs), "> 20,000"
    yield "validity and hash in a batch", *_hashes_in_a_batch(table, rng), "> 200,000"


def _hashes_one_by_one(table: NASBench, graphs: Sequence[Any]) -> tuple[float, str]:
    def look_up() -> None:
        for matrix, operations in graphs:
            table.hash_of(Cell(matrix, operations))

    return best_rate(look_up, len(graphs)), "/s"


def _hashes_in_a_batch(table: NASBench, rng: np.random.Generator) -> tuple[float, str]:
    count = 200_000
    matrices = np.triu(rng.integers(0, 2, (count, 7, 7), dtype=np.int8), 1)
    labels = rng.integers(0, len(OPERATIONS), (count, 5))

    def look_up() -> None:
        cells = CellArray.of_matrices(matrices, labels)
        table.hashes(cells[cells.valid])

    return best_rate(look_up, count), "/s"


# --- searches ------------------------------------------------------------------------


def evolve(table: NASBench, samples: Any) -> Iterator[int]:
    """The loop of a user; tells the number of each trial when it has ended."""
    for cell, feedback in samples:
        if cell.is_valid:
            feedback(table.query(cell)["validation_accuracy"])
        else:
            feedback.skip("not valid")
        yield feedback.trial.number


def searches(table: NASBench, trials: int, theirs: int) -> Iterator[Measured]:
    tenth, times = trials // 10, [time.process_time()]
    for number in evolve(table, sample(cell_space(), RegularizedEvolution(50, 10), trials, seed=0)):
        if (number + 1) % tenth == 0:
            times.append(time.process_time())
    rates = tenth / np.diff(times)
    ours = trials / (times[-1] - times[0])
    yield f"evolution 50/10, {trials:,} trials", ours, "trials/s", "> 10,000"
    yield "its last tenth over its first", rates[-1] / rates[0], "", "about 1"
    yield "memory kept per trial", kilobytes_per_trial(table), "KB", "< 1"
    if importlib.util.find_spec("pyglove") is None:
        return
    rate, kept = pygloves(table, theirs)
    yield f"pyglove's loop, {theirs:,} trials", rate, "trials/s", ""
    yield "ours over pyglove's", ours / rate, "times", "> 300"
    yield "pyglove's memory kept per trial", kept, "KB", ""


def kilobytes_per_trial(table: NASBench, trials: int = 20_000) -> float:
    samples = sample(cell_space(), RegularizedEvolution(50, 10), 2_000 + trials, seed=0)
    for number in evolve(table, samples):
        if number == 2_000:
            gc.collect()
            tracemalloc.start()
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return grown / trials / 1024


def pygloves(table: NASBench, trials: int) -> tuple[float, float]:
    """Trials a second, and kilobytes kept of each, of pyglove's loop on the same space."""
    import pyglove as pg

    edges = [(x, y) for y in range(1, 7) for x in range(y)]
    space = pg.Dict(
        edges=pg.List([pg.oneof([0, 1]) for _ in edges]),
        operations=pg.List([pg.oneof(list(OPERATIONS)) for _ in range(5)]),
    )
    algorithm = pg.evolution.regularized_evolution(population_size=50, tournament_size=10)
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    start = time.process_time()
    for child, feedback in pg.sample(space, algorithm, trials):
        matrix = np.zeros((7, 7), dtype=int)
        for (x, y), edge in zip(edges, child.edges, strict=True):
            matrix[x, y] = edge
        cell = Cell(matrix, ["input", *child.operations, "output"])
        feedback(table.query(cell)["validation_accuracy"] if cell.is_valid else 0.0)
        if feedback.id == trials // 2:  # memory is traced in the first half, time in the second
            kept = (tracemalloc.get_traced_memory()[0] - before) / feedback.id / 1024
            tracemalloc.stop()
            start = time.process_time()
    return (trials - trials // 2) / (time.process_time() - start), kept


def official(path: Path, table: NASBench) -> Iterator[Measured]:
    if importlib.util.find_spec("nasbench") is None:
        return
    from nasbench import api

    start = time.process_time()
    theirs = api.NASBench(str(path))
    yield "the official library: open", time.process_time() - start, "s", ""
    cells = list(table.cells[:5_000])
    specs = [api.ModelSpec(cell.matrix, list(cell.operations or ())) for cell in cells]
    rate = best_rate(lambda: [theirs.query(spec) for spec in specs], len(specs))
    yield "the official library: queries", rate, "/s", ""


# --- all of it -----------------------------------------------------------------------


def main(given: argparse.Namespace) -> None:
    console = Console(width=None if sys.stdout.isatty() else 140)
    epochs = (4, 12, 36, 108) if given.full else (108,)
    correct = None
    if given.accuracies:
        with np.load(given.accuracies) as arrays:
            correct = arrays["test_correct_of_9984"].astype(float)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(given.folder or name)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"nasbench_{'full' if given.full else 'only108'}_drawn.tfrecord"
        results = list(cells_and_hashes())
        if not path.exists():
            results.append(("make the table", _made(path, epochs, correct), "s", ""))
        if given.convert or not table_path(path).exists():
            results += conversion(path)
        table = NASBench(path, seed=0)
        results += queries(table, np.random.default_rng(0))
        results += searches(table, given.trials, given.pyglove_trials)
        results += official(path, table)
        console.print(_shown(results))
        if correct is not None:
            names = ("random", "random-table", "evolution-50-10", "evolution-100-10", "reinforce")
            settings = [find_setting(name) for name in names]
            found = compare(table, settings, num_runs=given.runs, budget_s=5e6)
            console.print(found.table())


def _made(path: Path, epochs: Sequence[int], correct: Any) -> float:
    partial = path.with_suffix(".partial")
    seconds = seconds_of(lambda: make_table(partial, epochs, correct))
    os.replace(partial, path)
    return seconds


def _shown(results: Sequence[Measured]) -> Table:
    table = Table(title="NAS-Bench-101, 423,624 cells")
    for title in ("what", "measured", "", "target"):
        table.add_column(title, justify="right" if title == "measured" else "left")
    for what, figure, unit, target in results:
        text = f"{figure:,.0f}" if figure >= 1000 else f"{figure:.4g}"
        table.add_row(what, text, unit, target)
    return table


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--folder", help="where the table is kept; else it is made in a temporary one"
    )
    parser.add_argument("--full", action="store_true", help="all four budgets, 2 GB")
    parser.add_argument("--convert", action="store_true", help="convert again, if that was done")
    parser.add_argument("--accuracies", help="an .npz file of real test accuracies")
    parser.add_argument("--trials", type=int, default=100_000, help="trials of the search")
    parser.add_argument("--pyglove-trials", type=int, default=400, help="trials of pyglove's")
    parser.add_argument("--runs", type=int, default=10, help="runs of each setting")
    main(parser.parse_args())

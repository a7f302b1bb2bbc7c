"""What a trial costs beside its training: in memory, kept in a storage, and after many others.

    python benchmarks/study.py [--trials 200] [--rounds 5] [--long 100000] [--kept 10000]
    python benchmarks/study.py --postgresql postgresql://user@host/database

Peers do the same with their own loop: Optuna with `ask`, `suggest_float` for each decision and
`tell`, on the same kind of storage; pyglove with `pg.sample`, where it is installed
(`pip install 'keras_glove[bench]'`). Rounds alternate, so that what else the machine does falls
on all alike, and the median counts.

Targets: in memory under 0.2 ms a trial; kept, no more than 1.1 times Optuna's time on the same
storage; flat to 10,000 trials; over 10,000 trials a second of regularized evolution on a table of
26 decisions, each taking less than 1 KB.

The storage by default is SQLite with a log written ahead (WAL, synchronous=NORMAL), and two
transactions a trial, one when it begins and one when it ends. What was committed outlives the
process, killed at any point; if the machine loses power, the last moments may be lost and the rest
is consistent. Optuna's loop commits each parameter and each attribute, and waits for the disk.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import tempfile
import time
import tracemalloc
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
from rich.console import Console
from rich.table import Table

from keras_glove.algorithms import Random, RegularizedEvolution
from keras_glove.hyper import floatv, oneof
from keras_glove.search import Study, sample

DECISIONS = 5
SPACE = {f"x{index}": floatv(0.0, 1.0) for index in range(DECISIONS)}
#: As many decisions as NAS-Bench-101 has: 21 edges and 5 operations.
CELL = [*(oneof([0, 1]) for _ in range(21)), *(oneof(["conv3", "conv1", "pool"]) for _ in range(5))]

Loop = Callable[[int], None]


def ours(storage: str | None) -> Loop:
    def run(trials: int) -> None:
        study = Study(uuid.uuid4().hex, storage, seed=0)
        for child, feedback in sample(SPACE, Random(), trials, study=study):
            feedback(sum(child.values()))
        study.close()

    return run


def optunas(storage: Callable[[], Any]) -> Loop:
    def run(trials: int) -> None:
        opened = storage()
        sampler = optuna.samplers.RandomSampler(seed=0)
        study = optuna.create_study(storage=opened, sampler=sampler, direction="maximize")
        for _ in range(trials):
            trial = study.ask()
            study.tell(trial, sum(trial.suggest_float(name, 0.0, 1.0) for name in SPACE))

    return run


def pygloves() -> Loop:
    import pyglove as pg

    def run(trials: int) -> None:
        space = pg.Dict({name: pg.floatv(0.0, 1.0) for name in SPACE})
        for child, feedback in pg.sample(space, pg.geno.Random(seed=0), trials):
            feedback(sum(child.sym_values()))

    return run


def journal(path: Path) -> Any:
    backend = optuna.storages.journal.JournalFileBackend(str(path))
    return optuna.storages.JournalStorage(backend)


def contenders(folder: Path, postgresql: str | None) -> dict[str, dict[str, Loop]]:
    """For each kind of storage the loops that use it."""
    found: dict[str, dict[str, Loop]] = {
        "memory": {"keras_glove": ours(None), "optuna": optunas(lambda: None)},
        "sqlite": {
            "keras_glove": ours(str(folder / "ours.db")),
            "optuna": optunas(lambda: f"sqlite:///{folder / 'theirs.db'}"),
        },
        "journal": {
            "keras_glove": ours(str(folder / "ours.journal")),
            "optuna": optunas(lambda: journal(folder / "theirs.log")),
        },
    }
    if importlib.util.find_spec("pyglove") is not None:
        found["memory"]["pyglove"] = pygloves()
    if postgresql is not None:
        url = postgresql.replace("postgresql://", "postgresql+psycopg://", 1)
        found["postgresql"] = {"keras_glove": ours(postgresql), "optuna": optunas(lambda: url)}
    return found


def compare(loops: dict[str, Loop], trials: int, rounds: int) -> dict[str, float]:
    """Milliseconds per trial, the median of the rounds."""
    times: dict[str, list[float]] = {name: [] for name in loops}
    for round_number in range(rounds + 1):
        for name, run in loops.items():
            start = time.perf_counter()
            run(trials)
            if round_number:  # the first imports, and makes tables.
                times[name].append((time.perf_counter() - start) / trials * 1e3)
    return {name: statistics.median(values) for name, values in times.items()}


def over_time(study: Study, algorithm: Any, program: Any, trials: int) -> list[float]:
    """Milliseconds per trial in each tenth of a long study."""
    tenth, found = trials // 10, []
    start = time.perf_counter()
    for child, feedback in sample(program, algorithm, trials, study=study):
        feedback(float(len(child)))
        if not (feedback.trial.number + 1) % tenth:
            found.append((time.perf_counter() - start) / tenth * 1e3)
            start = time.perf_counter()
    return found


def kilobytes_per_trial(trials: int = 5000) -> float:
    """What a study of the table grows by."""
    study = Study(seed=0)
    algorithm = RegularizedEvolution(100, 10)
    for _, feedback in sample(CELL, algorithm, 500, study=study):
        feedback(1.5)
    tracemalloc.start()
    for _, feedback in sample(CELL, algorithm, 500 + trials, study=study):
        feedback(feedback.trial.number + 0.5)
    grown = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return grown / trials / 1024


def main(given: argparse.Namespace) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    console = Console()
    with tempfile.TemporaryDirectory() as name:
        table = Table(title=f"ms per trial of {DECISIONS} decisions, random search")
        for title in ("storage", "keras_glove", "optuna", "ratio", "others"):
            table.add_column(title, justify="right")
        for kind, loops in contenders(Path(name), given.postgresql).items():
            trials = given.trials * (10 if kind == "memory" else 1)
            ms = compare(loops, trials, given.rounds)
            mine, theirs = ms.pop("keras_glove"), ms.pop("optuna")
            others = ", ".join(f"{peer} {value:.2f}" for peer, value in ms.items())
            table.add_row(kind, f"{mine:.4f}", f"{theirs:.4f}", f"{mine / theirs:.2f}", others)
        console.print(table)
        for kind, storage in (("memory", None), ("sqlite", f"{name}/long.db")):
            study = Study("long", storage, seed=0)
            tenths = over_time(study, Random(), SPACE, given.kept)
            study.close()
            console.print(f"{kind}: {given.kept} trials, ms per trial by tenths: {_text(tenths)}")
    tenths = over_time(Study(seed=0), RegularizedEvolution(100, 10), CELL, given.long)
    console.print(
        f"evolution on {len(CELL)} decisions: {given.long} trials, "
        f"{1e3 / statistics.fmean(tenths):.0f} trials/s, ms per trial by tenths: {_text(tenths)}; "
        f"{kilobytes_per_trial():.2f} KB per trial"
    )


def _text(tenths: list[float]) -> str:
    return " ".join(f"{value:.3f}" for value in tenths)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kept", type=int, default=10_000, help="trials of the long studies")
    parser.add_argument("--long", type=int, default=100_000, help="trials on the table")
    parser.add_argument("--postgresql", help="the URL of a database, to measure that too")
    main(parser.parse_args())

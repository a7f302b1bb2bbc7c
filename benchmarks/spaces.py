"""Spaces and DNAs against pyglove, in one run: `python benchmarks/spaces.py [--quick]`.

The program is a list of layers with two choices each, as one would write it in either library.
Times are seconds of this process's CPU time per operation, the best of several runs; pyglove's
larger ones are measured once, since they take seconds. Targets tell how many times faster ours
has to be.
"""

from __future__ import annotations

import argparse
import gc
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pyglove as pg
from pyglove.ext import evolution

import keras_glove as kg
from keras_glove.hyper import DNA, SearchSpace, Template

Row = tuple[str, int, float, float]
"""(operation, number of decision points, our seconds, pyglove's seconds)."""

TARGETS = {
    "build the space": 50,
    "random DNA": 200,
    "random DNA in a batch": 2000,
    "DNA to program": 200,
    "program to DNA": 200,
    "DNA to string": 200,
    "DNA from string": 200,
    "mutation": 200,
    "next DNA": 200,
}
BATCH = 1000

UNITS = [16, 32, 64, 128]
ACTIVATIONS = ["relu", "gelu", "tanh"]


@kg.symbolize
class Layer:
    """A layer of two arguments."""

    def __init__(self, units: int, activation: str) -> None:
        self.units, self.activation = units, activation


@pg.members([("units", pg.typing.Int()), ("activation", pg.typing.Str())])
class TheirLayer(pg.Object):  # type: ignore[misc]
    """The same for pyglove."""


def our_program(size: int) -> Any:
    """`size` choices in our words."""
    return [Layer(kg.oneof(UNITS), kg.oneof(ACTIVATIONS)) for _ in range(size // 2)]


def their_program(size: int) -> Any:
    """`size` choices in pyglove's."""
    return pg.List(
        [
            TheirLayer(units=pg.oneof(UNITS), activation=pg.oneof(ACTIVATIONS))
            for _ in range(size // 2)
        ]
    )


def seconds(operation: Callable[[], Any], budget: float = 0.5) -> float:
    """The best time of one call; repeated until the budget is spent."""
    gc.collect()
    best, spent, number = float("inf"), 0.0, 1
    while spent < budget:
        start = time.process_time()
        for _ in range(number):
            operation()
        taken = time.process_time() - start
        best, spent = min(best, taken / number), spent + taken
        if taken < 0.01:
            number *= 2
    return best


def ours(size: int) -> dict[str, float]:
    """Our seconds by operation."""
    value = our_program(size)
    space, template = SearchSpace(value), Template(value)
    rng = np.random.default_rng(0)
    dna = space.random(rng)
    made, text = template.materialize(dna), str(dna)
    copied = kg.from_json(kg.to_json(made))  # knows nothing of its DNA
    first = space.first()
    batch = BATCH if size < 1000 else BATCH // 4
    return {
        "build the space": seconds(lambda: SearchSpace(value)),
        "random DNA": seconds(lambda: space.random(rng)),
        "random DNA in a batch": seconds(lambda: space.sample(batch, rng)) / batch,
        "DNA to program": seconds(lambda: template.materialize(dna)),
        "program to DNA": seconds(lambda: template.encode(copied)),
        "DNA to string": seconds(lambda: str(dna)),
        "DNA from string": seconds(lambda: DNA.from_string(text)),
        "mutation": seconds(lambda: space.mutate_point(dna, size // 2, rng)),
        "next DNA": seconds(lambda: space.next(first)),
    }


def theirs(size: int) -> dict[str, float]:
    """The seconds of pyglove by operation."""
    value = their_program(size)
    template = pg.template(value)
    spec = template.dna_spec()
    dna = pg.random_dna(spec)
    made, text = template.decode(dna), dna.to_json_str()
    first = spec.first_dna()
    mutator = evolution.mutators.Uniform(seed=0)
    budget = 0.5 if size < 1000 else 0.0001
    random = seconds(lambda: pg.random_dna(spec), budget)
    return {
        "build the space": seconds(lambda: pg.dna_spec(value), budget),
        "random DNA": random,
        "random DNA in a batch": random,  # it has no batches
        "DNA to program": seconds(lambda: template.decode(dna), budget),
        "program to DNA": seconds(lambda: template.encode(made), budget),
        "DNA to string": seconds(lambda: dna.to_json_str(), budget),
        "DNA from string": seconds(lambda: pg.from_json_str(text), budget),
        "mutation": seconds(lambda: mutator.mutate(dna, step=1), budget),
        "next DNA": seconds(lambda: first.next_dna(), budget),
    }


def rows(quick: bool) -> list[Row]:
    """The table: one (operation, size, our seconds, pyglove's seconds) for each and size.

    Args:
      quick: leaves out the space of 2,000 points.
    """
    table: list[Row] = []
    for size in sizes(quick):
        mine, other = ours(size), theirs(size)
        table += [(operation, size, mine[operation], other[operation]) for operation in TARGETS]
    return sorted(table, key=lambda row: list(TARGETS).index(row[0]))


def sizes(quick: bool) -> tuple[int, ...]:
    """The numbers of decision points that are measured."""
    return (20, 200) if quick else (20, 200, 2000)


def memory(size: int) -> tuple[float, float]:
    """Bytes that one DNA takes, ours and pyglove's."""
    space = SearchSpace(our_program(size))
    spec = pg.dna_spec(their_program(size))
    return _bytes(lambda: space.sample(100, 0), 100), _bytes(lambda: [pg.random_dna(spec)], 1)


def _bytes(make: Callable[[], list[Any]], number: int) -> float:
    make()
    gc.collect()
    tracemalloc.start()
    kept = make()
    gc.collect()
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del kept
    return taken / number


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="without 2,000 points")
    quick = parser.parse_args().quick
    print(f"{'operation':<24}{'points':>7}{'ours':>12}{'pyglove':>12}{'times':>8}{'target':>8}")
    for operation, size, mine, other in rows(quick):
        times = other / mine
        mark = "" if times >= TARGETS[operation] else "  short"
        print(
            f"{operation:<24}{size:>7}{mine * 1e3:>9.4f} ms{other * 1e3:>9.2f} ms"
            f"{times:>8.0f}{TARGETS[operation]:>8}{mark}"
        )
    for size in sizes(quick):
        mine, other = memory(size)
        print(f"{'bytes per DNA':<24}{size:>7}{mine:>12,.0f}{other:>12,.0f}")


if __name__ == "__main__":
    main()

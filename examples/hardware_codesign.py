"""Architectures within hardware: which flow of search reaches what for the same evaluations.

A small convolutional network and the accelerator that it will run on are chosen together.
Nothing is trained: how good a network is, and how fast on which chip, is told by two formulas
that are stated below, so that the example takes seconds and shows the flows alone. With a
trained model `evaluate` is all that changes.

    python examples/hardware_codesign.py
    python examples/hardware_codesign.py --evaluations 400 --seeds 20
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from keras_glove.algorithms import RegularizedEvolution
from keras_glove.hyper import floatv, intv, oneof
from keras_glove.search import flows

LATENCY_TARGET_MS = 0.6
AREA_BUDGET_MM2 = 2.0
DRAM_GB_PER_S = 8.0
STAGES = 4


def hardware() -> dict[str, Any]:
    """A systolic array with memory on the chip: 5 * 6 * a clock."""
    return {
        "tile": oneof([8, 16, 32, 64, 128], name="tile"),
        "memory_kb": oneof([32, 64, 128, 256, 512, 1024], name="memory_kb"),
        "clock_ghz": floatv(0.2, 1.2, name="clock_ghz"),
    }


def architecture() -> list[dict[str, Any]]:
    """Four stages, each halving the image: 4 * 3 * 8 choices for each."""
    return [
        {
            "depth": intv(1, 4, name=f"depth{stage}"),
            "kernel": oneof([1, 3, 5], name=f"kernel{stage}"),
            "width": intv(16, 128, step=16, name=f"width{stage}"),
        }
        for stage in range(STAGES)
    ]


SPACE = {"hardware": hardware(), "architecture": architecture()}


@dataclass(frozen=True)
class Layer:
    """A convolution of a square image as a product of matrices: (pixels, patch) by (patch, out)."""

    pixels: int
    patch: int
    out: int

    @property
    def macs(self) -> int:
        return self.pixels * self.patch * self.out

    @property
    def weights(self) -> int:
        return self.patch * self.out


def layers(stages: list[dict[str, Any]]) -> list[Layer]:
    """The convolutions of a network on 64 x 64 images of 3 channels."""
    found, size, channels = [], 64, 3
    for stage in stages:
        size //= 2
        for _ in range(stage["depth"]):
            found.append(Layer(size**2, stage["kernel"] ** 2 * channels, stage["width"]))
            channels = stage["width"]
    return found


def latency_ms(chip: dict[str, Any], layer: Layer) -> float:
    """A weight-stationary systolic array, bound by arithmetic or by memory.

    The weights are cut into tiles of the array's size. Each is loaded (tile cycles), then the
    pixels flow through (pixels + tile cycles). Activations of 8 bits are read once if they fit
    on the chip, else once for each column of tiles.
    """
    tile = chip["tile"]
    rows, columns = math.ceil(layer.patch / tile), math.ceil(layer.out / tile)
    cycles = rows * columns * (layer.pixels + 2 * tile)
    activations = layer.pixels * (layer.patch + layer.out)
    reads = 1 if activations <= chip["memory_kb"] * 1024 else columns
    bytes_moved = layer.weights + reads * activations
    return max(cycles / (chip["clock_ghz"] * 1e6), bytes_moved / (DRAM_GB_PER_S * 1e6))


def area_mm2(chip: dict[str, Any]) -> float:
    """Multipliers, larger at a high clock, and memory."""
    multipliers = 4e-4 * chip["tile"] ** 2 * (1 + 0.5 * chip["clock_ghz"])
    return float(multipliers + 4e-3 * chip["memory_kb"])


def accuracy(stages: list[dict[str, Any]], found: list[Layer]) -> float:
    """Grows with the logarithm of the arithmetic, and with a field of view that fits the image."""
    macs = sum(layer.macs for layer in found)
    view = 1 + sum(s["depth"] * (s["kernel"] - 1) * 2**i for i, s in enumerate(stages))
    balance = statistics.pstdev(math.log2(s["width"] / 2**i) for i, s in enumerate(stages))
    seen = 1 - math.exp(-view / 30)
    return 0.5 + 0.45 * (1 - math.exp(-macs / 1e8)) * seen - 0.01 * balance


def evaluate(child: dict[str, Any]) -> float:
    """The accuracy, less a half of what latency and area are above their limits."""
    found = layers(child["architecture"])
    late = sum(latency_ms(child["hardware"], layer) for layer in found) / LATENCY_TARGET_MS
    large = area_mm2(child["hardware"]) / AREA_BUDGET_MM2
    over = max(0.0, late - 1) + max(0.0, large - 1)
    return accuracy(child["architecture"], found) - 0.5 * over


def best_of(flow: Any, evaluations: int, seed: int) -> tuple[float, dict[str, Any]]:
    """The best child that a flow reaches."""
    best: tuple[float, dict[str, Any]] = (-math.inf, {})

    def algorithm() -> RegularizedEvolution:
        return RegularizedEvolution(population_size=10, tournament_size=4)

    hardware_only = ["tile", "memory_kb", "clock_ghz"]
    for child, feedback in flow(SPACE, hardware_only, algorithm, evaluations, seed=seed):
        reward = evaluate(child)
        feedback(reward)
        best = max(best, (reward, child), key=lambda pair: pair[0])
    return best


def main(evaluations: int, seeds: int) -> None:
    """Prints a table of the flows."""
    console = Console()
    table = Table(title=f"best of {evaluations} evaluations, mean of {seeds} seeds")
    for title in ("flow", "reward", "standard error", "best", "seconds for each"):
        table.add_column(title, justify="left" if title == "flow" else "right")
    best: tuple[float, dict[str, Any]] = (-math.inf, {})
    for flow in (flows.joint, flows.separate, flows.factorized, flows.hybrid):
        start = time.perf_counter()
        reached = [best_of(flow, evaluations, seed) for seed in range(seeds)]
        rewards = [reward for reward, _ in reached]
        error = statistics.stdev(rewards) / len(rewards) ** 0.5 if seeds > 1 else 0.0
        seconds = (time.perf_counter() - start) / seeds
        numbers = (statistics.fmean(rewards), error, max(rewards))
        table.add_row(flow.__name__, *(f"{n:.4f}" for n in numbers), f"{seconds:.2f}")
        best = max(best, *reached, key=lambda pair: pair[0])
    console.print(table)
    reward, child = best
    found = layers(child["architecture"])
    late = sum(latency_ms(child["hardware"], layer) for layer in found)
    console.print(f"the best of all: {reward:.4f}, {late:.2f} ms of {LATENCY_TARGET_MS}, "
                  f"{area_mm2(child['hardware']):.2f} mm2 of {AREA_BUDGET_MM2}")  # fmt: skip
    console.print(child)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--evaluations", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=10)
    given = parser.parse_args()
    main(given.evaluations, given.seeds)

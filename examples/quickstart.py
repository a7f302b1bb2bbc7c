"""Searches the architecture of a small residual network for handwritten digits.

Trains and judges children on a training and a validation set, by random search and by
regularized evolution with the same number of trials; then trains the given network and the two
found ones anew, for three seeds each, and compares them on a test set that nothing was chosen by.

    python examples/quickstart.py                          # digits, three to four minutes
    python examples/quickstart.py --dataset fashion_mnist --trials 100 --epochs 10
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import matplotlib
import numpy as np
from rich.console import Console
from rich.table import Table

import keras_glove as kg
from keras_glove import data, layers

matplotlib.use("Agg")
import matplotlib.pyplot as plt

SEEDS = (1, 2, 3)


class Residual(layers.Layer):
    """Two convolutions and what goes past them; as many channels come out as go in."""

    def __init__(self, width: int, operation: str = "conv", kernel: int = 3) -> None:
        super().__init__()
        conv = layers.SeparableConv2D if operation == "separable" else layers.Conv2D
        self.conv1 = conv(width, kernel, padding="same", use_bias=False)
        self.norm1 = layers.BatchNormalization(momentum=0.9)
        self.conv2 = conv(width, kernel, padding="same", use_bias=False)
        self.norm2 = layers.BatchNormalization(momentum=0.9)

    def call(self, x: Any, training: bool | None = None) -> Any:
        y = keras.ops.relu(self.norm1(self.conv1(x), training=training))
        return keras.ops.relu(x + self.norm2(self.conv2(y), training=training))


class Stage(layers.Layer):
    """Halves the image, widens it, and works on it with `depth` residual blocks."""

    def __init__(
        self, width: int, operation: str = "conv", kernel: int = 3, depth: int = 1
    ) -> None:
        super().__init__()
        self.enter = layers.Conv2D(width, 3, strides=2, padding="same", activation="relu")
        self.blocks = [Residual(width, operation, kernel) for _ in range(depth)]

    def call(self, x: Any) -> Any:
        x = self.enter(x)
        for block in self.blocks:
            x = block(x)
        return x


class ResidualNet(kg.Model):
    """A stem, some stages, and a linear classifier on what they found."""

    def __init__(self, stem: int, stages: list[Any], classes: int = 10) -> None:
        super().__init__()
        self.stem = layers.Conv2D(stem, 3, padding="same", activation="relu")
        self.stages = stages
        self.pool = layers.GlobalAveragePooling2D()
        self.head = layers.Dense(classes)

    def call(self, images: Any) -> Any:
        x = self.stem(images)
        for stage in self.stages:
            x = stage(x)
        return self.head(self.pool(x))


def static_model() -> Any:
    """The network as one would write it by hand."""
    return ResidualNet(stem=8, stages=[Stage(8), Stage(16)])


def search_space() -> Any:
    """The same network with its widths, operations, kernels and depths left open."""

    def stage(number: int, widths: list[int]) -> Any:
        return Stage(
            width=kg.oneof(widths, name=f"width_{number}"),
            operation=kg.oneof(["conv", "separable"], name=f"operation_{number}"),
            kernel=kg.oneof([3, 5], name=f"kernel_{number}"),
            depth=kg.intv(1, 3, name=f"depth_{number}"),
        )

    stem = kg.oneof([8, 16, 32], name="stem")
    stages = [stage(1, [8, 16, 24, 32]), stage(2, [16, 32, 48, 64])]
    return kg.program(ResidualNet, stem=stem, stages=stages)


def compile_arguments() -> dict[str, Any]:
    """How every network is trained."""
    return {
        "optimizer": keras.optimizers.Adam(3e-3),
        "loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        "metrics": ["accuracy"],
    }


def retrain(program: Any, splits: Any, epochs: int) -> tuple[list[float], Any]:
    """Test accuracies of a program trained anew for each seed, and the last child."""
    train, _, test = splits
    accuracies = []
    for seed in SEEDS:
        keras.utils.set_random_seed(seed)
        child = kg.build(program)
        child.compile(**compile_arguments())
        child.fit(*train, batch_size=64, epochs=epochs, verbose=0)
        accuracies.append(child.evaluate(*test, verbose=0)[1])
    return accuracies, child


def row(name: str, accuracies: list[float], child: Any, seconds: float | None) -> list[str]:
    """A line of the table: accuracy with its standard error over seeds, and what it costs."""
    error = statistics.stdev(accuracies) / len(accuracies) ** 0.5
    return [
        name,
        f"{statistics.mean(accuracies):.4f} ± {error:.4f}",
        f"{kg.cost.parameters(child):,}",
        f"{kg.cost.multiply_adds(child):,}",
        "" if seconds is None else f"{seconds:.1f}",
    ]


def draw(studies: dict[str, kg.Study], path: Path) -> None:
    """The best validation accuracy so far over the trials."""
    figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
    for (name, study), style in zip(studies.items(), ("--", "-"), strict=True):
        rewards = [np.nan if t.reward is None else t.reward for t in study.trials]
        axes.plot(np.fmax.accumulate(rewards), style, label=name, drawstyle="steps-post")
        axes.plot(rewards, ".", color=axes.lines[-1].get_color(), alpha=0.4)
    axes.set(xlabel="trial", ylabel="validation accuracy", title="Best so far")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=150)


def search(splits: Any, trials: int, epochs: int, seed: int) -> dict[str, tuple[kg.Study, float]]:
    """For each algorithm its study, and its seconds per trial."""
    train, validation, _ = splits
    objective = kg.FitObjective(
        train,
        validation_data=validation,
        epochs=epochs,
        batch_size=64,
        compile=compile_arguments(),
    )
    algorithms = {
        "random search": kg.algorithms.Random(),
        "evolution": kg.algorithms.RegularizedEvolution(max(trials // 3, 2), tournament_size=3),
    }
    results = {}
    for name, algorithm in algorithms.items():
        start = time.perf_counter()
        study = kg.search(search_space(), objective, algorithm, trials, seed=seed)
        results[name] = study, (time.perf_counter() - start) / trials
    return results


def parse_options() -> argparse.Namespace:
    """What is to be searched, for how long, and where the results go."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--dataset", default="digits", choices=data.NAMES)
    parser.add_argument("--trials", type=int, default=16, help="of each algorithm")
    parser.add_argument("--epochs", type=int, default=6, help="of a trial; twice in the end")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/quickstart"))
    return parser.parse_args()


def main() -> None:
    """Searches, compares on the test set, and saves the best child."""
    options = parse_options()
    splits = data.load(options.dataset)
    console = Console(soft_wrap=True)
    size = kg.SearchSpace(search_space()).size
    console.print(f"{size:,} architectures, {options.trials} trials for each algorithm")
    results = search(splits, options.trials, options.epochs, options.seed)

    table = Table("network", "test accuracy", "parameters", "multiply-adds", "seconds/trial")
    given = kg.program(static_model())
    accuracies, child = retrain(given, splits, 2 * options.epochs)
    table.add_row(*row("given", accuracies, child, None))
    children = {}
    for name, (study, seconds) in results.items():
        accuracies, children[name] = retrain(study.best_program, splits, 2 * options.epochs)
        table.add_row(*row(f"best of {name}", accuracies, children[name], seconds))
    console.print(table)

    found = max(results, key=lambda name: results[name][0].best_value)
    console.print(f"The best on validation data, by {found}:", results[found][0].best_program)
    options.out.mkdir(parents=True, exist_ok=True)
    picture, file = options.out / "best_so_far.png", options.out / "best.keras"
    draw({name: study for name, (study, _) in results.items()}, picture)
    plain = kg.to_keras(children[found])
    plain.compile(**compile_arguments())
    plain.save(file)
    console.print(
        f"Drew {picture} and saved {file}, which Keras alone loads:\n\n    import keras\n"
        f"    model = keras.models.load_model({str(file)!r})\n    model.predict(images)"
    )


if __name__ == "__main__":
    main()

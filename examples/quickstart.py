"""Searches the architecture of a small residual network for handwritten digits.

One-shot: all architectures share the weights of one model, the supernet, which is trained and
searched in one `fit`, for as many multiply-adds as the network has that one would write by hand.
The architecture found is then trained anew, from scratch and from the weights that it has in the
supernet, beside that network and random ones of equal cost, and all are compared on a test set that
nothing was chosen by. `--algorithm evolution` searches the same space by training children one by
one; only the search differs.

    python examples/quickstart.py                          # digits, some minutes
    python examples/quickstart.py --algorithm evolution --trials 24
    python examples/quickstart.py --dataset fashion_mnist --epochs 40
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import matplotlib
from rich.console import Console

import keras_glove as kg
from keras_glove import data, layers
from keras_glove.callbacks import SearchReport
from keras_glove.callbacks.children import ChildTraining, equal_cost
from keras_glove.callbacks.qualities import named_quality
from keras_glove.callbacks.search_data import SearchData
from keras_glove.weight_sharing.policies import Reinforce

matplotlib.use("Agg")


class Residual(layers.Layer):
    """An operation and what goes past it; as many channels come out as go in."""

    def __init__(self, operation: Any) -> None:
        super().__init__()
        self.operation = operation
        self.norm = layers.BatchNormalization(momentum=0.9)

    def call(self, x: Any, training: bool | None = None) -> Any:
        return keras.ops.relu(x + self.norm(self.operation(x), training=training))


class Stage(layers.Layer):
    """Halves the image, widens it, and works on it with `depth` blocks."""

    def __init__(self, width: int, block: Any, depth: int = 1) -> None:
        super().__init__()
        self.enter = layers.Conv2D(width, 3, strides=2, padding="same", activation="relu")
        self.blocks = layers.Repeat(block, depth)

    def call(self, x: Any) -> Any:
        return self.blocks(self.enter(x))


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


def convolution(width: Any, kernel: Any = 3) -> Any:
    """The usual operation of a block."""
    return layers.Conv2D(width, kernel, padding="same", use_bias=False)


def static_model() -> Any:
    """The network as one would write it by hand."""
    stages = [Stage(width, Residual(convolution(width)), depth=2) for width in (16, 32)]
    return ResidualNet(8, stages)


def search_space() -> dict[str, Any]:
    """The arguments of the same network, with widths, operations, kernels and depths left open."""

    def stage(number: int, widths: list[int]) -> Any:
        width = kg.oneof(widths, name=f"width_{number}")
        kernel = kg.oneof([3, 5], name=f"kernel_{number}")
        separable = layers.SeparableConv2D(width, kernel, padding="same", use_bias=False)
        operation = kg.oneof([convolution(width, kernel), separable], name=f"operation_{number}")
        return Stage(width, Residual(operation), kg.intv(1, 3, name=f"depth_{number}"))

    stages = [stage(1, [8, 16, 24, 32]), stage(2, [16, 32, 48, 64])]
    return {"stem": kg.oneof([8, 16, 32], name="stem"), "stages": stages}


def compile_arguments() -> dict[str, Any]:
    """How every network is trained."""
    return {
        "optimizer": keras.optimizers.Adam(3e-3),
        "loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        "metrics": ["accuracy"],
    }


def one_shot(splits: Any, options: argparse.Namespace) -> tuple[Any, SearchReport]:
    """Trains and searches a supernet; gives the found child, trained, and the report."""
    train, validation, test = splits
    keras.utils.set_random_seed(options.seed)
    model = ResidualNet(**search_space())
    model.compile(**compile_arguments())
    search = kg.SearchCallback(
        Reinforce(learning_rate=0.03),
        validation,
        cost="multiply_adds",
        target=kg.cost.multiply_adds(_built(static_model(), train)),
        warm_up=options.search_epochs // 4,
        seed=options.seed,
    )
    model.fit(*train, batch_size=64, epochs=options.search_epochs, callbacks=[search], verbose=2)
    report = search.report(
        random=options.random,
        static=static_model,
        inherited=True,
        seeds=options.seeds,
        epochs=options.epochs,
        data=test,
    )
    child = model.child(search.best_dna)
    child.compile(**compile_arguments())
    child.fit(*train, batch_size=64, epochs=options.epochs, verbose=0)
    return child, report


def black_box(splits: Any, options: argparse.Namespace) -> tuple[Any, SearchReport]:
    """Trains children one by one; gives the best, trained anew, and the report."""
    train, validation, _ = splits
    algorithm: Any = kg.algorithms.Random()
    if options.algorithm == "evolution":
        size = max(options.trials // 3, 2)
        algorithm = kg.algorithms.RegularizedEvolution(size, tournament_size=3)
    objective = kg.FitObjective(
        train,
        validation_data=validation,
        epochs=options.epochs,
        batch_size=64,
        compile=compile_arguments(),
    )
    program = kg.program(ResidualNet, **search_space())
    study = kg.search(program, objective, algorithm, options.trials, seed=options.seed)
    return _compared(program, study, splits, options)


def _compared(program: Any, study: Any, splits: Any, options: Any) -> tuple[Any, SearchReport]:
    """The best of a study beside the static network and random ones of equal cost."""
    train, _, test = splits
    reference = _built(static_model(), train)
    reference.compile(**compile_arguments())
    tested = SearchData(test)
    quality = named_quality("accuracy", "auto", reference, *_symbols(tested, reference))
    fit = {"x": train[0], "y": train[1], "batch_size": 64}
    training = ChildTraining(reference, fit, options.epochs, quality, tested)

    def make(dna: Any) -> Any:
        return lambda: kg.build(kg.materialize(program, dna))

    def cost(dna: Any) -> int:
        return kg.cost.multiply_adds(_built(make(dna)(), train))

    best, seeds = study.best_trial.dna, range(1, options.seeds + 1)
    space = kg.SearchSpace(program)
    beside = equal_cost(space, cost, best, options.random, options.seed, sample=100)
    rewards = [{"epoch": t.number, "reward": t.reward} for t in study.trials]
    report = SearchReport(
        found=str(space.decisions(best)),
        reward="accuracy",
        history=rewards,
        probabilities=[],
        children=[
            training.judge("found", make(best), seeds),
            training.judge("static", static_model, seeds),
        ],
        random=[training.judge("random", make(dna), [1]) for dna in beside],
    )
    child = make(best)()
    child.compile(**compile_arguments())
    child.fit(*train, batch_size=64, epochs=options.epochs, verbose=0)
    return child, report


def _built(model: Any, train: Any) -> Any:
    model(train[0][:1])
    return model


def _symbols(tested: SearchData, model: Any) -> tuple[Any, Any]:
    x, y = tested.symbols()
    return y, model(x)


def parse_options(arguments: list[str] | None = None) -> argparse.Namespace:
    """What is to be searched, how, for how long, and where the results go."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--dataset", default="digits", choices=data.NAMES)
    parser.add_argument(
        "--algorithm", default="one_shot", choices=["one_shot", "evolution", "random"]
    )
    parser.add_argument("--search-epochs", type=int, default=60, help="of the supernet")
    parser.add_argument("--trials", type=int, default=16, help="of evolution and random search")
    parser.add_argument("--epochs", type=int, default=12, help="of a child")
    parser.add_argument("--random", type=int, default=4, help="random children of equal cost")
    parser.add_argument("--seeds", type=int, default=3, help="of the networks that are compared")
    parser.add_argument("--seed", type=int, default=0, help="of the search")
    parser.add_argument("--out", type=Path, default=Path("runs/quickstart"))
    return parser.parse_args(arguments)


def main() -> None:
    """Searches, compares on the test set, and saves the child that was found."""
    options = parse_options()
    splits = data.load(options.dataset)
    console = Console(soft_wrap=True)
    size = kg.SearchSpace(kg.program(ResidualNet, **search_space())).size
    console.print(f"{size:,} architectures, {options.algorithm}")
    start = time.perf_counter()
    search = one_shot if options.algorithm == "one_shot" else black_box
    child, report = search(splits, options)
    console.print(report.table())
    console.print(f"found: {report.found}", markup=False)
    console.print(f"{time.perf_counter() - start:.0f} seconds in all")
    options.out.mkdir(parents=True, exist_ok=True)
    picture, file = options.out / "search.png", options.out / "best.keras"
    report.figure().savefig(picture, dpi=120)
    plain = kg.to_keras(child)
    plain.compile(**compile_arguments())
    plain.save(file)
    console.print(
        f"Drew {picture} and saved {file}, which Keras alone loads:\n\n    import keras\n"
        f"    model = keras.models.load_model({str(file)!r})\n    model.predict(images)"
    )


if __name__ == "__main__":
    main()

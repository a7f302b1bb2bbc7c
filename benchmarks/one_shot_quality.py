"""How good is what one-shot search finds, measured against a table of all children?

The space has 192 small networks for the digits of scikit-learn. Each was trained from scratch for
three seeds: `one_shot_quality.csv` beside this file holds what came out so far. What it lacks is
trained first, a quarter of an hour for all; `--train` does that alone, in pieces if need be. For
each policy a supernet is trained and searched, for some seeds; the table then tells how far the
child that it picked is from the best one (regret, in points of test accuracy, means over the three
trainings), what rank it has, and Kendall's tau between the scores of all children with shared
weights and their stand-alone accuracies. Random search of the same budget trains as many children
as the one-shot search has time for.

    python benchmarks/one_shot_quality.py                   # all policies
    python benchmarks/one_shot_quality.py --policies GDAS --seeds 5
    python benchmarks/one_shot_quality.py --train --seconds 200
"""

from __future__ import annotations

import argparse
import csv
import os
import statistics
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

import keras_glove as kg
from keras_glove import data, layers
from keras_glove.callbacks.comparing import kendall_tau
from keras_glove.weight_sharing import policies

TABLE = Path(__file__).with_suffix(".csv")
COLUMNS = ["dna", "seed", "validation", "test", "parameters", "multiply_adds", "seconds"]
SEEDS = (1, 2, 3)
CHILD_EPOCHS = 15
SEARCH_EPOCHS = 60


class Net(kg.Model):
    """A stem, three blocks with pooling between them, and a linear classifier."""

    def __init__(self, width: int, blocks: list[Any]) -> None:
        super().__init__()
        self.stem = layers.Conv2D(width, 3, padding="same", use_bias=False)
        self.norm = layers.BatchNormalization(momentum=0.9)
        self.blocks = blocks
        self.down = layers.MaxPooling2D(2)
        self.pool = layers.GlobalAveragePooling2D()
        self.head = layers.Dense(10)

    def call(self, x: Any, training: bool | None = None) -> Any:
        x = keras.ops.relu(self.norm(self.stem(x), training=training))
        for place, block in enumerate(self.blocks):
            x = block(x) if place == 0 else block(self.down(x))
        return self.head(self.pool(x))


def space() -> dict[str, Any]:
    """The arguments of `Net`, open."""
    width = kg.oneof([4, 8, 16], name="width")

    def block(number: int) -> Any:
        candidates = [
            layers.Conv2D(width, 3, padding="same", activation="relu"),
            layers.SeparableConv2D(width, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(3, strides=1, padding="same"),
            layers.Identity(),
        ]
        return kg.oneof(candidates, name=f"block_{number}")

    return {"width": width, "blocks": [block(number) for number in (1, 2, 3)]}


def compiled(model: Any) -> Any:
    """Ready to be trained."""
    model.compile(
        keras.optimizers.Adam(5e-3),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        steps_per_execution=17,  # an epoch
    )
    return model


def rows() -> list[dict[str, str]]:
    """What the table holds so far."""
    if not TABLE.exists():
        return []
    with TABLE.open(newline="") as stream:
        return list(csv.DictReader(stream))


def train_children(seconds: float) -> None:
    """Trains what the table lacks, as far as the time goes."""
    tf.config.threading.set_intra_op_parallelism_threads(1)  # the networks are too small for more
    tf.config.threading.set_inter_op_parallelism_threads(1)
    program = kg.program(Net, **space())
    whole = kg.SearchSpace(program)
    splits, start = data.load("digits"), time.perf_counter()
    done = {row["dna"] for row in rows()}
    missing = [dna for dna in whole if str(dna) not in done]
    if not TABLE.exists():
        TABLE.write_text(",".join(COLUMNS) + "\n")
    for count, dna in enumerate(missing):
        if time.perf_counter() - start > seconds:
            print(f"{len(missing) - count} children are missing")
            return
        lines = trained(kg.materialize(program, dna), dna, splits)
        with TABLE.open("a", newline="") as stream:  # all seeds of a child, or none
            csv.DictWriter(stream, COLUMNS, lineterminator="\n").writerows(lines)
        keras.utils.clear_session()
    print("the table is complete")


def trained(program: Any, dna: kg.DNA, splits: Any) -> list[dict[str, Any]]:
    """The rows of one child. Its function is traced once; weights and optimizer begin anew."""
    train, validation, test = splits
    lines: list[dict[str, Any]] = []
    child = None
    for seed in SEEDS:
        start = time.process_time()
        keras.utils.set_random_seed(seed)
        fresh = kg.build(program)
        fresh(train[0][:1])
        if child is None:
            child = compiled(fresh)
            child.optimizer.build(child.trainable_variables)
            slots = [variable.numpy() for variable in child.optimizer.variables]
        else:
            child.set_weights(fresh.get_weights())
            for variable, value in zip(child.optimizer.variables, slots, strict=True):
                variable.assign(value)
        child.fit(*train, batch_size=64, epochs=CHILD_EPOCHS, verbose=0)
        scores = [child.evaluate(*one, batch_size=512, verbose=0)[1] for one in (validation, test)]
        sizes = kg.cost.parameters(child), kg.cost.multiply_adds(child)
        values = [str(dna), seed, *(f"{score:.5f}" for score in scores), *sizes]
        lines.append(
            dict(zip(COLUMNS, [*values, f"{time.process_time() - start:.2f}"], strict=True))
        )
    return lines


class Table:
    """Stand-alone accuracies of all children."""

    def __init__(self) -> None:
        found: dict[str, list[dict[str, str]]] = {}
        for row in rows():
            found.setdefault(row["dna"], []).append(row)
        self.seconds = statistics.mean(float(row["seconds"]) for row in rows())
        self.dnas = [kg.DNA.from_string(text) for text in found]
        self.test = {
            kg.DNA.from_string(text): statistics.mean(float(row["test"]) for row in each)
            for text, each in found.items()
        }
        self.validation = {
            kg.DNA.from_string(text): [float(row["validation"]) for row in each]
            for text, each in found.items()
        }
        self.order = sorted(self.dnas, key=lambda dna: -self.test[dna])

    def regret(self, dna: kg.DNA) -> float:
        """Points of test accuracy that the best child has more."""
        return 100 * (self.test[self.order[0]] - self.test[dna])

    def rank(self, dna: kg.DNA) -> int:
        """1 for the best."""
        return self.order.index(dna) + 1

    def random_search(self, budget: int, repeats: int = 1000) -> tuple[float, float]:
        """Mean regret and rank of the best of so many children on validation data."""
        rng = np.random.default_rng(0)
        picks = []
        for _ in range(repeats):
            drawn = rng.choice(len(self.dnas), min(budget, len(self.dnas)), replace=False)
            picks.append(max((self.dnas[i] for i in drawn), key=lambda dna: self._seen(dna, rng)))
        regrets, ranks = zip(*((self.regret(one), self.rank(one)) for one in picks), strict=True)
        return statistics.mean(regrets), statistics.mean(ranks)

    def _seen(self, dna: kg.DNA, rng: np.random.Generator) -> float:
        """The validation accuracy of one training, which is all that random search sees."""
        return self.validation[dna][int(rng.integers(len(SEEDS)))]


def make_policy(name: str) -> Any:
    """A policy by the name of its class, with what so short a search needs."""
    kind = getattr(policies, name)
    return kind(**SETTINGS.get(name, {}))


SETTINGS: dict[str, dict[str, Any]] = {
    "Reinforce": {"learning_rate": 0.03},
    "ENAS": {"learning_rate": 0.01},
    "DARTS": {"learning_rate": 0.03},
    "GDAS": {"learning_rate": 0.03},
}
"""Settings of policies that differ from those of their papers, whose searches are far longer."""


def searched(name: str, seed: int, epochs: int, table: Table) -> dict[str, float]:
    """One search: what it picked, and how its supernet ranks all children."""
    keras.utils.set_random_seed(seed)
    train, validation, _ = data.load("digits")
    model = compiled(Net(**space()))
    policy = make_policy(name)
    search = kg.SearchCallback(policy, validation, trials=100, seed=seed)
    start = time.process_time()
    model.fit(*train, batch_size=64, epochs=epochs, verbose=0, callbacks=[search])
    seconds = time.process_time() - start
    scores = [search.score(dna).quality for dna in table.dnas]
    picked = search.best_dna
    assert picked is not None
    best = max(range(len(scores)), key=scores.__getitem__)
    return {
        "regret": table.regret(picked),
        "rank": table.rank(picked),
        "by score": table.regret(table.dnas[best]),
        "tau": kendall_tau(scores, [table.test[dna] for dna in table.dnas]),
        "seconds": seconds,
    }


def compare(names: list[str], seeds: int, epochs: int) -> None:
    """Prints the table of policies."""
    table = Table()
    accuracies = [100 * table.test[dna] for dna in table.order]
    print(
        f"{len(table.dnas)} children: best {accuracies[0]:.2f}, median "
        f"{statistics.median(accuracies):.2f}, worst {accuracies[-1]:.2f} % of test images"
    )
    print(f"{'':18}{'regret':>8}{'rank':>8}{'by score':>10}{'tau':>8}{'CPU s':>8}"
          f"{'random: regret':>16}{'rank':>8}")  # fmt: skip
    for name in names:
        found = [searched(name, seed, epochs, table) for seed in range(seeds)]
        mean = {key: statistics.mean(one[key] for one in found) for key in found[0]}
        regret, rank = table.random_search(max(round(mean["seconds"] / table.seconds), 1))
        print(
            f"{name:18}{mean['regret']:8.2f}{mean['rank']:8.1f}{mean['by score']:10.2f}"
            f"{mean['tau']:8.2f}{mean['seconds']:8.1f}{regret:16.2f}{rank:8.1f}",
            flush=True,
        )


def main() -> None:
    """Fills the table, and compares policies by it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    everything = [name for name in policies.__all__ if name not in ("Policy", "Choices", "Draw")]
    parser.add_argument("--train", action="store_true", help="train what the table lacks, no more")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="of --train")
    parser.add_argument("--policies", nargs="*", default=everything, choices=everything)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=SEARCH_EPOCHS, help="of a search")
    options = parser.parse_args()
    train_children(options.seconds if options.train else float("inf"))
    if not options.train:
        compare(options.policies, options.seeds, options.epochs)


if __name__ == "__main__":
    main()

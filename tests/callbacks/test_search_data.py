"""Which examples a search learns from, and in which order."""

from __future__ import annotations

import itertools
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_glove.callbacks.search_data import SearchData, choose
from keras_glove.errors import TrainingError

X, Y = np.arange(20.0)[:, None], np.arange(20)


class Batches(keras.utils.PyDataset):
    """Ten batches of two."""

    def __len__(self) -> int:
        return 10

    def __getitem__(self, place: int) -> tuple[Any, Any]:
        return X[2 * place : 2 * place + 2], Y[2 * place : 2 * place + 2]


def seen(data: SearchData, steps: int, start: int = 0) -> list[list[int]]:
    return [batch[1].numpy().tolist() for batch in itertools.islice(data.batches(start), steps)]


SOURCES = {
    "arrays": lambda: (X, Y),
    "dataset": lambda: tf.data.Dataset.from_tensor_slices((X, Y)).batch(2),
    "PyDataset": Batches,
}


@pytest.mark.parametrize("name", SOURCES)
def test_every_pass_gives_each_example_once_and_any_step_can_be_the_first(name: str) -> None:
    data = SearchData(SOURCES[name](), batch_size=2, seed=3)
    whole = seen(data, 25)
    for one in (whole[:10], whole[10:20]):
        assert sorted(itertools.chain.from_iterable(one)) == Y.tolist()
    assert seen(data, 8, start=17) == whole[17:]
    assert sorted(label for batch in data.once() for label in batch[1].numpy()) == Y.tolist()


def test_arrays_are_shuffled_anew_in_each_pass_by_the_seed() -> None:
    passes = [seen(SearchData((X, Y), 5, seed), 8) for seed in (0, 0, 1)]
    assert passes[0] == passes[1] != passes[2]
    assert passes[0][:4] != passes[0][4:]


def test_arrays_come_as_keras_gives_them() -> None:
    data = SearchData((X, Y), 50)
    x, y = next(iter(data.batches()))
    assert x.dtype == "float32" and y.dtype == "int64"
    assert x.shape == (20, 1)  # a batch is at most what there is
    symbol, _ = data.symbols()
    assert symbol.shape == (None, 1) and symbol.dtype == "float32"


VALIDATION = X[:3] + 0.5, Y[:3]


@pytest.mark.parametrize(
    ("arguments", "given", "trained", "searched"),
    [
        ({}, None, 16, 4),
        ({"validation_data": VALIDATION}, None, 20, 3),
        ({"validation_split": 0.1}, None, 18, 2),
        ({}, 0.5, 10, 10),
        ({}, VALIDATION, 20, 3),
        ({}, "training", 20, 20),
    ],
)
def test_what_is_chosen(arguments: Any, given: Any, trained: int, searched: int) -> None:
    kept, data = choose({"x": X, "y": Y, **arguments}, given, None, seed=0)
    mine = [label for batch in data.once() for label in batch[1].numpy()]
    assert (len(kept["x"]), len(mine)) == (trained, searched)
    if given != "training" and "validation_data" not in arguments and given is not VALIDATION:
        assert sorted([*kept["y"], *mine]) == Y.tolist()


def test_a_validation_split_is_what_keras_would_take() -> None:
    kept, data = choose({"x": X, "y": Y, "validation_split": 0.25}, None, None, seed=0)
    assert "validation_split" not in kept
    np.testing.assert_array_equal(kept["validation_data"][1], Y[15:])
    np.testing.assert_array_equal(sorted(seen(data, 1)[0]), Y[15:])


def test_sample_weights_are_split_along() -> None:
    weights = Y / 20
    kept, data = choose({"x": X, "y": Y, "sample_weight": weights}, 0.25, None, seed=0)
    np.testing.assert_allclose(kept["sample_weight"], kept["y"] / 20)
    _, y, w = next(iter(data.batches()))
    np.testing.assert_allclose(w, y / 20, rtol=1e-6)


DATASET = SOURCES["dataset"]()


@pytest.mark.parametrize(
    ("arguments", "given", "message"),
    [
        ({"x": X, "y": Y}, (X, Y), "not trained on"),
        ({"x": X, "y": Y}, (X[2:5], Y[2:5]), "not trained on"),
        ({"x": DATASET}, DATASET, "not trained on"),
        ({"x": DATASET}, None, "arrays to split"),
        ({"x": X, "y": Y}, 0.001, "both sides"),
        ({"x": X, "y": Y}, {"x": X}, "received dict"),
        ({"x": X, "y": Y}, (X[:0], Y[:0]), "equally many examples"),
        ({"x": X, "y": Y}, (X + 1, Y[:5]), "equally many examples"),
    ],
)
def test_what_is_refused(arguments: Any, given: Any, message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        choose(arguments, given, None, seed=0)


def test_parts_of_one_array_that_do_not_meet_are_taken() -> None:
    whole = np.arange(40.0)[:, None]
    _, data = choose({"x": whole[:20], "y": Y}, (whole[20:], Y), None, seed=0)
    assert len(seen(data, 1)[0]) == 20


def test_of_a_dataset_without_end_the_first_hundred_batches_are_judged() -> None:
    assert sum(1 for _ in SearchData(DATASET.repeat()).once()) == 100

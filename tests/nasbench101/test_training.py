"""Training cells for real."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_glove.benchmarks.nasbench101 import (
    Cell,
    NASBench,
    Network,
    Recipe,
    build_table,
    count_parameters,
    digits,
)
from keras_glove.errors import OutOfDomainError, TrainingError

NETWORK = Network(stem_channels=8, num_stacks=2, cells_per_stack=1, image_channels=1)
RECIPE = Recipe(batch_size=20, learning_rate=0.1, norm_momentum=0.5)
CELL = Cell([[0, 1, 1], [0, 0, 1], [0, 0, 0]], ["input", "conv3x3-bn-relu", "output"])
POOL = Cell([[0, 1, 0], [0, 0, 1], [0, 0, 0]], ["input", "maxpool3x3", "output"])


@pytest.fixture(scope="module")
def data() -> Any:
    from keras_glove.benchmarks.nasbench101.training import digits_data

    return digits_data(200, 300)


def _trainer(data: Any, **options: Any) -> Any:
    from keras_glove.benchmarks.nasbench101.training import CellTrainer

    return CellTrainer(data, NETWORK, RECIPE, **options)


def _accuracies(metrics: Any) -> list[tuple[float, ...]]:
    return [evaluation[2:] for evaluation in metrics.evaluations]


def test_the_digits(data: Any) -> None:
    assert [len(images) for images, _ in data] == [200, 300, 1297]
    assert data.train[0].shape[1:] == (8, 8, 1)
    assert all(images.min() == 0 and images.max() == 1 for images, _ in data)


@pytest.mark.slow
def test_what_a_training_gives_depends_on_its_arguments_alone(data: Any) -> None:
    trainer = _trainer(data, seed=3)
    first = trainer(CELL, 3, 0)
    assert first.trainable_parameters == count_parameters(CELL, NETWORK)
    assert [evaluation.epoch for evaluation in first.evaluations] == [0, 1.5, 3]
    assert first.evaluations[0].training_time == 0
    assert 0 < first.evaluations[1].training_time < first.evaluations[2].training_time
    assert first.total_time > first.evaluations[2].training_time
    others = [trainer(CELL, 3, 1), trainer(POOL, 3, 0), trainer(CELL, 2, 0)]
    again = trainer(CELL, 3, 0)  # compiled anew, after another cell
    assert _accuracies(again) == _accuracies(first)
    assert _accuracies(_trainer(data, seed=3)(CELL, 3, 0)) == _accuracies(first)
    for other in [*others, _trainer(data, seed=4)(CELL, 3, 0)]:
        assert _accuracies(other) != _accuracies(first)


@pytest.mark.slow
def test_a_cell_learns_and_a_table_is_made(data: Any, tmp_path: Path) -> None:
    path = build_table(
        [CELL], _trainer(data), 2, epochs=(1, 8), path=tmp_path / "t", progress=False
    )
    table = NASBench(path)
    trainings = table.get_metrics_from_spec(CELL)[1]
    final = [training["final_test_accuracy"] for training in trainings[8]]
    assert min(final) > 0.7
    assert len(set(final)) == 2
    assert max(training["final_test_accuracy"] for training in trainings[1]) < min(final)


def test_more_images_in_a_batch_than_there_are(data: Any) -> None:
    from keras_glove.benchmarks.nasbench101.training import CellTrainer

    with pytest.raises(TrainingError, match="at least 256 images"):
        CellTrainer(data, NETWORK)


def test_a_cell_that_is_not_valid(data: Any) -> None:
    with pytest.raises(OutOfDomainError, match="not connected"):
        _trainer(data)(Cell([[0, 0], [0, 0]], ["input", "output"]), 1, 0)


# --- the table that comes with keras_glove --------------------------------------------


def test_the_table_of_the_digits_has_what_its_settings_say() -> None:
    table = digits.digits_table()
    assert set(table.hash_iterator()) == set(digits.digits_cells().hashes().tolist())
    assert table.valid_epochs == set(digits.EPOCHS)
    assert table.config["num_repeats"] == 3
    assert table.complete_up_to == digits.COMPLETE_UP_TO == 4
    for cell in table.cells:
        fixed, _ = table.get_metrics_from_spec(cell)
        assert fixed["trainable_parameters"] == count_parameters(cell, digits.NETWORK)


def test_longer_trainings_of_the_digits_are_better() -> None:
    table = digits.digits_table()
    means = [table.mean(table.cells, epochs)["test_accuracy"].mean() for epochs in digits.EPOCHS]
    assert means == sorted(means)
    assert means[-1] > 0.85
    assert table.best(epochs=16)[1] > 0.94
    seconds = [table.mean(table.cells, epochs)["training_time"].mean() for epochs in digits.EPOCHS]
    np.testing.assert_allclose(np.array(seconds[1:]) / seconds[:-1], 2, rtol=0.3)


@pytest.mark.slow
def test_a_training_of_the_table_can_be_repeated() -> None:
    """The script's settings give the same accuracies again, up to rounding of the machine."""
    from keras_glove.benchmarks.nasbench101.training import CellTrainer, digits_data

    table = digits.digits_table()
    cell = table.cells[17]
    trainer = CellTrainer(
        digits_data(digits.NUM_TRAIN, digits.NUM_VALIDATION),
        digits.NETWORK,
        digits.RECIPE,
        seed=digits.SEED,
    )
    made = trainer(cell, 8, 2).evaluations[2].test_accuracy
    stored = table.get_metrics_from_spec(cell)[1][8][2]["final_test_accuracy"]
    assert made == pytest.approx(stored, abs=0.05)

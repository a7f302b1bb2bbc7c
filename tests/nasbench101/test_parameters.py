"""Trainable parameters of networks, told without building them."""

from __future__ import annotations

import pytest

from keras_glove.benchmarks.nasbench101 import Cell, Network, count_parameters, enumerate_cells
from keras_glove.benchmarks.nasbench101.parameters import vertex_channels
from keras_glove.errors import CellError, OutOfDomainError
from tests.nasbench101 import reference


def test_the_cell_of_the_official_readme() -> None:
    cell = Cell(reference.INCEPTION, reference.INCEPTION_OPERATIONS)
    assert count_parameters(cell) == reference.INCEPTION_PARAMETERS


@pytest.mark.slow
def test_all_numbers_of_parameters() -> None:
    counts = {count_parameters(cell) for cell in enumerate_cells()}
    assert (len(counts), min(counts), max(counts)) == (3336, 227_274, 49_979_274)


def test_uneven_channels_go_to_the_first_vertices() -> None:
    # Three vertices share 128 channels; the first of the path has as many as the one it feeds.
    parents = (0, 1, 1, 1, 0b0010, 0b11100)
    assert vertex_channels(parents, 128) == [0, 42, 43, 43, 42, 128]


def test_a_network_too_narrow_for_its_cell() -> None:
    star = Cell(
        [[0, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]],
        ["input", "maxpool3x3", "maxpool3x3", "output"],
    )
    assert count_parameters(star, Network(stem_channels=2)) > 0
    with pytest.raises(CellError, match="at least 2 channels"):
        count_parameters(star, Network(stem_channels=1))


def test_a_cell_that_is_not_valid() -> None:
    with pytest.raises(OutOfDomainError, match="not connected"):
        count_parameters(Cell([[0, 0], [0, 0]], ["input", "output"]))


@pytest.mark.parametrize("argument", ["stem_channels", "num_stacks", "cells_per_stack"])
def test_networks_that_cannot_be(argument: str) -> None:
    with pytest.raises(CellError, match=argument):
        Network(**{argument: 0})

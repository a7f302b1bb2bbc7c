"""Many cells at once, and all cells."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from keras_glove.benchmarks.nasbench101 import Cell, CellArray, enumerate_cells
from keras_glove.errors import CellError, OutOfDomainError
from tests.nasbench101 import reference


def test_there_are_423624_cells() -> None:
    assert [len(enumerate_cells(n)) for n in range(2, 8)] == [1, 7, 91, 2532, 64542, 423624]
    sizes = np.bincount(enumerate_cells().num_vertices).tolist()
    assert sizes == [0, 0, 1, 6, 84, 2441, 62010, 359082]
    assert enumerate_cells().num_edges.max() == 9


def test_all_cells_differ_and_are_canonical() -> None:
    cells = enumerate_cells(5)
    assert len(set(cells.hashes().tolist())) == len(cells)
    assert all(cell.canonical() == cell for cell in cells[::7])
    assert (cells.canonical().codes == cells.codes).all()


@pytest.mark.slow
def test_all_hashes_of_all_cells_differ() -> None:
    assert len(set(enumerate_cells().hashes().tolist())) == 423_624


def test_the_order_is_that_of_the_official_generator() -> None:
    """Each class is represented by the first of its members that the generator comes to."""
    seen: dict[str, Cell] = {}
    for vertices in (2, 3, 4):
        for bits in range(2 ** (vertices * (vertices - 1) // 2)):
            matrix = [
                [x < y and bits >> x + y * (y - 1) // 2 & 1 for y in range(vertices)]
                for x in range(vertices)
            ]
            for labels in np.ndindex(*[3] * (vertices - 2)):
                operations = ["input", *[reference.OPERATIONS[i] for i in labels], "output"]
                cell = Cell(matrix, operations)
                if cell.is_valid and cell.num_vertices == vertices:
                    seen.setdefault(cell.hash, cell)
    assert list(enumerate_cells(4)) == list(seen.values())


@pytest.mark.parametrize("most", [1, 8, 0, None, 3.5])
def test_numbers_of_vertices_that_cannot_be(most: Any) -> None:
    with pytest.raises(CellError, match="from 2 to 7"):
        enumerate_cells(most)


@given(st.integers(0, 2**32 - 1), st.integers(2, 9), st.floats(0.1, 0.9))
def test_batches_agree_with_single_cells(seed: int, vertices: int, density: float) -> None:
    rng = np.random.default_rng(seed)
    given = [reference.random_cell(rng, vertices, density) for _ in range(20)]
    cells = [Cell(*each) for each in given]
    labels = [[reference.OPERATIONS.index(op) for op in ops[1:-1]] for _, ops in given]
    array = CellArray.of_matrices([m for m, _ in given], np.reshape(labels, (20, vertices - 2)))
    assert array.valid.tolist() == [cell.is_valid for cell in cells]
    assert array.codes.tolist() == CellArray.of_cells(cells).codes.tolist()
    valid = [cell for cell in cells if cell.is_valid]
    left = array[array.valid]
    assert left.hashes().tolist() == [cell.hash for cell in valid]
    assert left.canonical().codes.tolist() == [cell.canonical().code for cell in valid]
    assert left.num_vertices.tolist() == [cell.num_vertices for cell in valid]
    assert left.num_edges.tolist() == [cell.num_edges for cell in valid]
    assert [cell.code for cell in left] == [cell.code for cell in valid]
    assert [left[i] for i in range(len(left))] == list(left)


def test_unknown_labels_make_a_cell_invalid_unless_pruned_away() -> None:
    line, skip = [[0, 1, 0], [0, 0, 1], [0, 0, 0]], [[0, 1, 1], [0, 0, 0], [0, 0, 0]]
    cells = CellArray.of_matrices([line, line, skip], [[2], [3], [3]])
    assert cells.valid.tolist() == [True, False, True]


def test_invalid_cells_keep_their_place_only() -> None:
    cells = CellArray.of_matrices([[[0, 1], [0, 0]], [[0, 0], [0, 0]]], np.zeros((2, 0), int))
    assert repr(cells) == "CellArray(2 cells, 1 of them not valid)"
    assert cells.num_vertices.tolist() == [2, 0]
    assert cells.num_edges.tolist() == [1, 0]
    assert cells[0].num_vertices == 2
    with pytest.raises(CellError, match="index 1"):
        cells[1]
    for use in (cells.canonical, cells.hashes, lambda: list(cells)):
        with pytest.raises(OutOfDomainError, match="1 of 2.*index 1"):
            use()
    assert len(CellArray([]).canonical()) == 0


@pytest.mark.parametrize(
    ("matrices", "labels", "message"),
    [
        ([[0, 1], [0, 0]], [[]], "shape"),
        (np.zeros((1, 2, 3)), [[]], "shape"),
        (np.zeros((1, 31, 31)), np.zeros((1, 29), int), "2 to 30"),
        (np.full((1, 2, 2), 1), np.zeros((1, 0), int), "cell 0"),
        ([[[0, 1], [0, 0]], [[0, 2], [0, 0]]], np.zeros((2, 0), int), "cell 1"),
        ([[[0, 1], [0, 0]], [[0, 0.5], [0, 0]]], np.zeros((2, 0), int), "cell 1"),
        (np.zeros((2, 3, 3)), np.zeros((2, 2), int), "label"),
        (np.zeros((2, 3, 3)), np.zeros((2, 1), float), "label"),
    ],
)
def test_batches_that_cannot_be_read(matrices: Any, labels: Any, message: str) -> None:
    with pytest.raises(CellError, match=message):
        CellArray.of_matrices(matrices, labels)

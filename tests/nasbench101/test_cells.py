"""Cells: what they are read from, pruning, limits, the official hash, isomorphism."""

from __future__ import annotations

import copy
import itertools
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from keras_glove.benchmarks.nasbench101 import CONV1X1, CONV3X3, MAXPOOL3X3, Cell
from keras_glove.errors import CellError, OutOfDomainError
from tests.nasbench101 import reference

LINE = [[0, 1, 0], [0, 0, 1], [0, 0, 0]]
LINE_OPERATIONS = ["input", CONV3X3, "output"]


@st.composite
def cells(draw: st.DrawFn, most: int = 9) -> tuple[list[list[int]], list[str]]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return reference.random_cell(rng, draw(st.integers(2, most)), draw(st.floats(0.1, 0.9)))


@given(cells())
def test_pruning_limits_and_hash_are_the_official_ones(given: Any) -> None:
    matrix, operations = given
    cell = Cell(matrix, operations)
    left = reference.pruned(matrix, operations)
    assert cell.is_valid is not reference.problem(matrix, operations)
    if left is None:
        assert cell.matrix is None
        assert cell.operations is None
        return
    assert cell.matrix is not None
    assert cell.matrix.tolist() == left[0]
    assert list(cell.operations or ()) == left[1]
    assert (cell.num_vertices, cell.num_edges) == (len(left[0]), sum(map(sum, left[0])))
    if cell.is_valid:
        assert cell.hash == reference.module_hash(*left)
        assert Cell.of_code(cell.code) == Cell(*left)


def test_the_cell_of_the_official_readme() -> None:
    cell = Cell(reference.INCEPTION, reference.INCEPTION_OPERATIONS)
    assert cell.hash == reference.INCEPTION_HASH
    assert cell.num_edges == 9


@given(cells(7), st.randoms(use_true_random=False))
def test_isomorphic_cells(given: Any, random: Any) -> None:
    cell = Cell(*given)
    if not cell.is_valid:
        return
    other = _reordered(cell, random)
    assert other.hash == cell.hash
    assert other.canonical() == cell.canonical()
    assert cell.is_isomorphic(other)
    assert cell.canonical().hash == cell.hash
    assert cell.canonical().code <= min(cell.code, other.code)


def _reordered(cell: Cell, random: Any) -> Cell:
    """The same cell with its vertices in another topological order."""
    assert cell.matrix is not None
    assert cell.operations is not None
    n = cell.num_vertices
    orders = [
        order
        for inner in itertools.permutations(range(1, n - 1))
        if not np.tril(cell.matrix[np.ix_(order := (0, *inner, n - 1), order)]).any()
    ]
    order = random.choice(orders)
    return Cell(cell.matrix[np.ix_(order, order)], [cell.operations[v] for v in order])


def test_cells_that_are_not_isomorphic() -> None:
    one = Cell(LINE, ["input", CONV3X3, "output"])
    assert not one.is_isomorphic(Cell(LINE, ["input", CONV1X1, "output"]))
    assert not one.is_isomorphic(Cell([[0, 1, 1], [0, 0, 1], [0, 0, 0]], LINE_OPERATIONS))


@pytest.mark.parametrize(
    "matrix",
    [
        LINE,
        tuple(map(tuple, LINE)),
        np.array(LINE),
        np.array(LINE, dtype=bool),
        np.array(LINE, dtype=np.float32),  # whole numbers, which only the official one refuses
        [[False, True, False], [0, 0.0, 1], [0, 0, np.int64(0)]],
    ],
)
def test_forms_of_a_matrix(matrix: Any) -> None:
    assert Cell(matrix, LINE_OPERATIONS) == Cell(LINE, LINE_OPERATIONS)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([[0, 1], [0, 0], [0, 0]], "square"),
        ([[0, 1, 0], [0, 0, 1]], "square"),
        ([[0, 1], [0]], "square"),
        ([], "square"),
        ([0, 1], "square"),
        (5, "square"),
        (np.zeros((2, 2, 2), int), "square"),
        ([[0, 0, 0], [1, 0, 0], [0, 1, 0]], "upper triangular.*row 1, column 0"),
        ([[1, 1, 0], [0, 0, 1], [0, 0, 0]], "upper triangular.*row 0, column 0"),
        ([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], "upper triangular"),
        ([[0, 0.5, 0], [0, 0, 1], [0, 0, 0]], "0.5.* in row 0, column 1"),
        ([[0, 2, 0], [0, 0, 1], [0, 0, 0]], "zeros and ones"),
        ([[0, -1, 0], [0, 0, 1], [0, 0, 0]], "zeros and ones"),
        ([[0, float("nan"), 0], [0, 0, 1], [0, 0, 0]], "zeros and ones"),
        ([["0", "1", "0"], ["0", "0", "1"], ["0", "0", "0"]], "zeros and ones"),
        ([[0, None, 0], [0, 0, 1], [0, 0, 0]], "zeros and ones"),
    ],
)
def test_what_is_no_matrix(matrix: Any, message: str) -> None:
    with pytest.raises(CellError, match=message):
        Cell(matrix, LINE_OPERATIONS)


@pytest.mark.parametrize("operations", [["input", "output"], [*LINE_OPERATIONS, "output"], "abc"])
def test_operations_of_another_length(operations: Any) -> None:
    with pytest.raises(CellError, match="one operation for each of the 3"):
        Cell(LINE, operations)


def _path(n: int, extra: int = 0) -> list[list[int]]:
    matrix = np.eye(n, k=1, dtype=int)
    for y in range(2, 2 + extra):
        matrix[0, y] = 1
    return matrix.tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("matrix", "operations", "message"),
    [
        ([[0, 1, 0], [0, 0, 0], [0, 0, 0]], LINE_OPERATIONS, "not connected"),
        ([[0]], ["input"], "not connected"),
        (_path(8), ["input", *[CONV3X3] * 6, "output"], "8 vertices"),
        (_path(7, 5), ["input", *[CONV3X3] * 5, "output"], "11 edges"),
        (LINE, ["inptu", CONV3X3, "output"], "first operation 'inptu'"),
        (LINE, ["input", CONV3X3, CONV3X3], "last operation 'conv3x3"),
        (LINE, ["input", "conv5x5", "output"], "operation 'conv5x5'"),
        (LINE, ["input", ["conv5x5"], "output"], "operation"),
    ],
)
def test_cells_outside_the_limits(matrix: Any, operations: Any, message: str) -> None:
    cell = Cell(matrix, operations)
    assert not cell.is_valid
    assert message in (cell.problem or "")
    for use in (cell.check, cell.canonical, cell.draw, lambda: cell.hash, lambda: cell.code):
        with pytest.raises(OutOfDomainError, match=message):
            use()


def test_pruning_comes_before_the_limits() -> None:
    large = np.zeros((10, 10), dtype=int)
    large[0, 1:9] = 1  # eight edges to vertices that lead nowhere
    large[0, 9] = 1
    operations = ["input", *["conv5x5"] * 8, "output"]
    cell = Cell(large, operations)
    assert cell.is_valid
    assert cell.original_matrix.tolist() == large.tolist()
    assert list(cell.original_operations) == operations
    assert cell.operations == ("input", "output")
    assert cell.hash == Cell([[0, 1], [0, 0]], ["input", "output"]).hash


def test_a_cell_is_a_value() -> None:
    cell = Cell(reference.INCEPTION, reference.INCEPTION_OPERATIONS)
    assert eval(repr(cell)) == cell
    assert len({cell, Cell(reference.INCEPTION, reference.INCEPTION_OPERATIONS)}) == 1
    for other in (pickle.loads(pickle.dumps(cell)), copy.deepcopy(cell)):
        assert other == cell
        assert other.hash == cell.hash
    assert cell != "cell"


def test_what_was_given_may_change_later() -> None:
    matrix, operations = np.array(LINE), list(LINE_OPERATIONS)
    cell = Cell(matrix, operations)
    matrix[0, 2], operations[1] = 1, MAXPOOL3X3
    assert cell == Cell(LINE, LINE_OPERATIONS)


@pytest.mark.parametrize("code", [-1, 0, 26 + 1, 512_290_394, 2**32])
def test_codes_that_no_cell_has(code: int) -> None:
    if code == 0:
        code = 1  # bits 0 of two vertices: not connected is 0, connected is 1
        assert Cell.of_code(code).num_vertices == 2
        return
    with pytest.raises(CellError, match="code"):
        Cell.of_code(code)

"""Cells as a program with open edges and operations, to be searched like any other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from keras_glove.benchmarks.nasbench101.cells import Cell
from keras_glove.benchmarks.nasbench101.graphs import (
    Parents,
    kept_vertices,
    parents_of_edges,
)
from keras_glove.benchmarks.nasbench101.limits import (
    INPUT,
    MAX_EDGES,
    MAX_VERTICES,
    OPERATIONS,
    OUTPUT,
)
from keras_glove.errors import CellError, OutOfDomainError, SpaceError
from keras_glove.hyper import DNA, SearchSpace, oneof
from keras_glove.symbolic import symbolize

__all__ = ["EDGE", "OPERATION", "Encoding", "cell", "cell_space"]

_Function = TypeVar("_Function", bound=Callable[..., Any])

EDGE: Final = "edge"
"""The hint of the decisions on edges, for mutators: `Uniform("edge", times=3)`."""

OPERATION: Final = "op"
"""The hint of the decisions on operations: `Uniform("op")`."""


def _draws_nothing(function: _Function) -> _Function:
    """Says that calling it draws nothing, so that a search need not seed each child."""
    function.__draws_nothing__ = True  # type: ignore[attr-defined]
    return function


@symbolize(name="keras_glove.nasbench101.cell")
@_draws_nothing
def cell(edges: Sequence[int], operations: Sequence[str]) -> Cell:
    """A cell by its edges, one by one; what `cell_space` is a program of.

    Args:
        edges: 0 or 1 for each pair of vertices, those to vertex 1 first: from 0 to 1, from 0
            to 2, from 1 to 2, from 0 to 3, and so on.
        operations: of the interior vertices.

    Raises:
        CellError: if their numbers do not fit, or an edge is neither 0 nor 1.

    >>> cell([1, 0, 1], ["maxpool3x3"])
    Cell([[0, 1, 0], [0, 0, 1], [0, 0, 0]], ['input', 'maxpool3x3', 'output'])
    """
    parents = parents_of_edges(edges)
    if len(parents) != len(operations) + 2:
        raise CellError(
            f"expected {len(parents) - 2} operations for {len(edges)} edges, received "
            f"{len(operations)}."
        )
    return Cell.of_graph(parents, (INPUT, *operations, OUTPUT))


def cell_space(max_vertices: int = MAX_VERTICES) -> Any:
    """The program of all cells: an open edge for each pair of vertices, and open operations.

    Decisions are called "edge_0_1" (from vertex 0 to vertex 1) and "op_1"; their hints are
    "edge" and "op". Cells of fewer vertices are among them, the others being pruned; so are
    some that are not valid, which a search skips, and most cells in several forms.

    Args:
        max_vertices: input and output included, 2 to 7.

    Raises:
        CellError: for another number.

    >>> from keras_glove.algorithms import RegularizedEvolution
    >>> from keras_glove.benchmarks.nasbench101 import digits_table
    >>> from keras_glove.search import sample
    >>> table = digits_table(seed=0)
    >>> samples = sample(cell_space(4), RegularizedEvolution(20, 5), 100, seed=0)
    >>> for cell, feedback in samples:
    ...     if cell.is_valid:
    ...         feedback(table.query(cell, epochs=16)["validation_accuracy"])
    ...     else:
    ...         feedback.skip(cell.problem)
    >>> samples.study.best_value > 0.93
    True
    """
    if max_vertices not in range(2, MAX_VERTICES + 1):
        raise CellError(f"expected max_vertices from 2 to {MAX_VERTICES}, received {max_vertices}.")
    edges = [
        oneof([0, 1], name=f"edge_{x}_{y}", hints=EDGE)
        for y in range(1, max_vertices)
        for x in range(y)
    ]
    operations = [
        oneof(list(OPERATIONS), name=f"op_{v}", hints=OPERATION) for v in range(1, max_vertices - 1)
    ]
    return cell(edges=edges, operations=operations)


class Encoding:
    """How the DNA of `cell_space` stand for cells: edges first, then operations.

    Args:
        vertices: of the space, 2 to 7.

    Attributes:
        vertices: the same.
        num_edges: decisions on edges.
        num_decisions: on edges and operations.
    """

    def __init__(self, vertices: int) -> None:
        self.vertices = vertices
        self.num_edges = vertices * (vertices - 1) // 2
        self.num_decisions = self.num_edges + vertices - 2

    @classmethod
    def of(cls, space: SearchSpace) -> Encoding:
        """The encoding of a space, which is told by the number and names of its decisions.

        Raises:
            SpaceError: if it is not one of `cell_space`.

        >>> encoding = Encoding.of(SearchSpace(cell_space(3)))
        >>> str(encoding.dna(Cell([[0, 1], [0, 0]], ["input", "output"])))
        '0,1,0,0'
        """
        encoding = _ENCODINGS.get(len(space))
        if encoding is None or space.points[0].name != "edge_0_1":
            raise SpaceError(
                f"expected the space of `cell_space()`, received {space!r}. For another space use "
                "the algorithms and mutators of `keras_glove.algorithms`."
            )
        return encoding

    def is_valid(self, values: Sequence[Any]) -> bool:
        """Whether the values of a DNA stand for a cell within the limits of the benchmark."""
        parents = parents_of_edges(values[: self.num_edges])
        kept = kept_vertices(parents)
        if not (kept & 1 and kept >> self.vertices - 1):
            return False
        edges = sum([(mask & kept).bit_count() for y, mask in enumerate(parents) if kept >> y & 1])
        return edges <= MAX_EDGES

    def cell(self, dna: DNA) -> Cell:
        """The cell of a DNA."""
        parents = parents_of_edges(dna.values[: self.num_edges])  # type: ignore[arg-type]
        operations = [OPERATIONS[label] for label in dna.values[self.num_edges :]]  # type: ignore[index]
        return Cell.of_graph(parents, (INPUT, *operations, OUTPUT))

    def dna(self, cell: Cell) -> DNA:
        """A DNA of a cell: its vertices come first, those that are left over have no edges.

        Raises:
            OutOfDomainError: if the cell is not valid, or has too many vertices.
        """
        parents, labels = cell.graph, cell.labels
        if len(parents) > self.vertices:
            raise OutOfDomainError(
                f"expected a cell of at most {self.vertices} vertices, received one of "
                f"{len(parents)}."
            )
        unused = self.vertices - len(parents)
        padded: Parents = (*parents[:-1], *[0] * unused, parents[-1])
        edges = [mask >> x & 1 for y, mask in enumerate(padded) for x in range(y)]
        return DNA((*edges, *labels, *[0] * unused))


_ENCODINGS = {each.num_decisions: each for each in map(Encoding, range(2, MAX_VERTICES + 1))}

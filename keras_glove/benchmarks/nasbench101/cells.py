"""`Cell`: the graph of operations that a network of NAS-Bench-101 repeats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_glove.benchmarks.nasbench101.graphs import (
    Parents,
    code_of,
    graph_of_code,
    kept_vertices,
    matrix_of,
    prune,
    read_matrix,
)
from keras_glove.benchmarks.nasbench101.hashing import INPUT_LABEL, OUTPUT_LABEL, module_hash
from keras_glove.benchmarks.nasbench101.limits import (
    INPUT,
    MAX_EDGES,
    MAX_VERTICES,
    OPERATIONS,
    OUTPUT,
)
from keras_glove.errors import CellError, OutOfDomainError

if TYPE_CHECKING:
    from keras_glove.benchmarks.nasbench101.drawing import Drawing

__all__ = ["Cell"]

Matrix = np.ndarray[Any, np.dtype[np.int8]]

_LABELS = {operation: label for label, operation in enumerate(OPERATIONS)}


class Cell:
    """A cell: vertices in topological order, their operations, and the edges between them.

    What does not lie on a path from the input to the output is pruned first, as the benchmark
    does; a cell that is too large may so come within its limits.

    Args:
        matrix: the adjacency matrix, `(vertices, vertices)`, zeros and ones, upper triangular;
            an entry in row x and column y is an edge from x to y.
        operations: one per vertex, "input" first and "output" last.

    Attributes:
        matrix: of the pruned cell, int8; None where input and output are not connected.
        operations: of the pruned cell; None where input and output are not connected.

    Raises:
        CellError: for anything else. A cell outside the limits of the benchmark is no error:
            `problem` tells it.

    >>> cell = Cell([[0, 1, 1], [0, 0, 1], [0, 0, 0]], ["input", "conv3x3-bn-relu", "output"])
    >>> cell.is_valid, cell.num_vertices, cell.num_edges
    (True, 3, 3)
    >>> cell.hash
    'd32d0b26d534203b48d866facd98cc3e'
    """

    __slots__ = (
        "_code",
        "_given",
        "_graph",
        "_hash",
        "_labels",
        "_operations",
        "_problem",
        "_seen",
    )
    _given: tuple[Parents, tuple[str, ...]]
    _graph: Parents | None
    _operations: tuple[str, ...] | None
    _labels: tuple[int, ...]
    _problem: str | None
    _code: int | None
    _hash: str | None
    _seen: tuple[Any, ...] | None  # of a table its token, and what it has of the cell

    def __init__(self, matrix: Any, operations: Sequence[str]) -> None:
        parents = read_matrix(matrix)
        if isinstance(operations, str) or len(operations) != len(parents):
            raise CellError(
                f"expected one operation for each of the {len(parents)} vertices, received "
                f"{operations!r}. The first is 'input' and the last 'output'."
            )
        self._begin(parents, tuple(operations))

    @classmethod
    def of_graph(cls, parents: Parents, operations: tuple[str, ...]) -> Cell:
        """The cell of a graph as `graphs` has it; trusts it."""
        self = cls.__new__(cls)
        self._begin(parents, operations)
        return self

    @classmethod
    def of_code(cls, code: int) -> Cell:
        """The pruned cell with this code; raises `CellError` where there is none."""
        return cls.of_pruned(*graph_of_code(code), code)

    @classmethod
    def of_pruned(cls, parents: Parents, labels: tuple[int, ...], code: int) -> Cell:
        """A valid cell that is known to be pruned; trusts all of it, and looks at nothing."""
        self = cls.__new__(cls)
        operations = (INPUT, *[OPERATIONS[label] for label in labels], OUTPUT)
        self._given = (parents, operations)
        self._graph, self._operations, self._labels = parents, operations, labels
        self._code, self._hash, self._seen, self._problem = code, None, None, None
        return self

    def _begin(self, parents: Parents, operations: tuple[str, ...]) -> None:
        self._given = (parents, operations)
        self._code = self._hash = self._seen = None
        n = len(parents)
        kept = kept_vertices(parents)
        if kept == (1 << n) - 1 and n > 1:
            self._graph, self._operations = parents, operations
        elif kept & 1 and kept >> n - 1 and n > 1:
            self._graph = prune(parents, kept)
            self._operations = tuple([op for v, op in enumerate(operations) if kept >> v & 1])
        else:
            self._graph = self._operations = None
        self._problem = self._find_problem()

    # -- what it is ----------------------------------------------------------------

    @property
    def matrix(self) -> Matrix | None:
        return None if self._graph is None else matrix_of(self._graph)

    @property
    def operations(self) -> tuple[str, ...] | None:
        return self._operations

    @property
    def original_matrix(self) -> Matrix:
        """The matrix before pruning, int8."""
        return matrix_of(self._given[0])

    @property
    def original_operations(self) -> tuple[str, ...]:
        """The operations before pruning."""
        return self._given[1]

    @property
    def kept_vertices(self) -> tuple[int, ...]:
        """The numbers that the vertices of the pruned cell had before pruning."""
        kept = 0 if self._graph is None else kept_vertices(self._given[0])
        return tuple([v for v in range(len(self._given[0])) if kept >> v & 1])

    @property
    def num_vertices(self) -> int:
        """Vertices of the pruned cell; 0 where input and output are not connected."""
        return len(self._graph or ())

    @property
    def num_edges(self) -> int:
        """Edges of the pruned cell."""
        return sum([mask.bit_count() for mask in self._graph or ()])

    @property
    def is_valid(self) -> bool:
        """Whether the pruned cell is within the limits of the benchmark."""
        return self._problem is None

    @property
    def problem(self) -> str | None:
        """Why the cell is outside the limits of the benchmark; None if it is not."""
        return self._problem

    @property
    def graph(self) -> Parents:
        """The pruned graph: for each vertex the mask of those with an edge to it.

        Raises:
            OutOfDomainError: if the cell is not valid; likewise all below.
        """
        self.check()
        return self._graph  # type: ignore[return-value]

    @property
    def labels(self) -> tuple[int, ...]:
        """For each interior vertex of the pruned cell the place of its operation, 0 to 2."""
        self.check()
        return self._labels

    @property
    def code(self) -> int:
        """The number of the pruned cell, its vertices in their order; below 2**32."""
        if self._code is None:
            self._code = code_of(self.graph, self._labels)
        return self._code

    @property
    def hash(self) -> str:
        """The official hash, 32 hexadecimal digits: the same for isomorphic cells only."""
        if self._hash is None:
            self._hash = module_hash(self.graph, (INPUT_LABEL, *self._labels, OUTPUT_LABEL))
        return self._hash

    def check(self) -> None:
        """Raises `OutOfDomainError` if the cell is not valid."""
        if self._problem is not None:
            raise OutOfDomainError(f"expected a cell of NAS-Bench-101, received {self._problem}.")

    def _find_problem(self) -> str | None:
        """In the order of the official library, so that the first problem is the same."""
        graph, operations = self._graph, self._operations
        if graph is None or operations is None:
            return "one whose input and output are not connected"
        if len(graph) > MAX_VERTICES:
            return f"one of {len(graph)} vertices after pruning (at most {MAX_VERTICES})"
        edges = self.num_edges
        if edges > MAX_EDGES:
            return f"one of {edges} edges after pruning (at most {MAX_EDGES})"
        if operations[0] != INPUT:
            return f"the first operation {operations[0]!r} (expected 'input')"
        if operations[-1] != OUTPUT:
            return f"the last operation {operations[-1]!r} (expected 'output')"
        try:
            self._labels = tuple([_LABELS[op] for op in operations[1:-1]])
        except (KeyError, TypeError):
            unknown = next(op for op in operations[1:-1] if op not in OPERATIONS)
            return f"the operation {unknown!r} (expected one of {', '.join(OPERATIONS)})"
        return None

    # -- others --------------------------------------------------------------------

    def canonical(self) -> Cell:
        """The isomorphic cell that the official generator, and so the official file, has."""
        from keras_glove.benchmarks.nasbench101.canonical import canonical_code

        return Cell.of_code(canonical_code(self.graph, self._labels))

    def is_isomorphic(self, other: Cell) -> bool:
        """Whether both are, once pruned, the same up to the order of their vertices."""
        return self.canonical().code == other.canonical().code

    def draw(self) -> Drawing:
        """A picture of the pruned cell, as SVG; notebooks show it."""
        from keras_glove.benchmarks.nasbench101.drawing import Drawing

        return Drawing(self)

    def __eq__(self, other: object) -> bool:
        return self._given == other._given if isinstance(other, Cell) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._given)

    def __repr__(self) -> str:
        matrix = matrix_of(self._given[0]).tolist()
        return f"{type(self).__name__}({matrix}, {list(self._given[1])})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self).of_graph, self._given)

"""Random search over cells, by what is uniform, and the mutation of the official notebook.

What "random" means matters here: of cells that are drawn edge by edge, 0.2 in a hundred have
seven vertices once they are pruned, while 85 in a hundred cells of the table do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keras_glove.algorithms import Algorithm, Mutator, checks
from keras_glove.benchmarks.nasbench101.cell_array import CellArray, enumerate_cells
from keras_glove.benchmarks.nasbench101.limits import OPERATIONS
from keras_glove.benchmarks.nasbench101.space import Encoding
from keras_glove.errors import AlgorithmError
from keras_glove.hyper import DNA, SearchSpace
from keras_glove.hyper.dna import trusted

__all__ = ["CellMutation", "UniformOverEncodings", "UniformOverTable"]


class UniformOverEncodings(Algorithm):
    """Draws every edge and operation, and again until the cell is valid.

    The random search of the official notebook. Small cells, which have more forms, come more
    often.

    Args:
        seed: see `Algorithm`.

    Raises:
        SpaceError: from `setup`, for another space than that of `cell_space`.

    >>> from keras_glove.benchmarks.nasbench101 import cell_space
    >>> algorithm = UniformOverEncodings(seed=0)
    >>> algorithm.setup(SearchSpace(cell_space()))
    >>> len(algorithm.propose())
    26
    """

    def __init__(self, *, seed: int | None = None) -> None:
        super().__init__(seed=seed)

    def _setup(self, space: SearchSpace) -> None:
        self._encoding = Encoding.of(space)

    def _propose(self) -> DNA:
        space = self._ready("propose")
        while True:
            dna = space.random(self._rng)
            if self._encoding.is_valid(dna.values):
                return dna


class UniformOverTable(Algorithm):
    """Draws among the cells of a table, each as likely as the others.

    Args:
        cells: those to draw from; None for all of the benchmark that the space has.
        seed: see `Algorithm`.

    Raises:
        AlgorithmError: if there are no cells.
        OutOfDomainError: if one is not valid.
        SpaceError: from `setup`, for another space than that of `cell_space`.

    >>> from keras_glove.benchmarks.nasbench101 import cell_space
    >>> algorithm = UniformOverTable(enumerate_cells(4), seed=0)
    >>> algorithm.setup(SearchSpace(cell_space()))
    >>> len(algorithm.propose())
    26
    """

    def __init__(self, cells: CellArray | None = None, *, seed: int | None = None) -> None:
        super().__init__(seed=seed)
        if cells is not None:
            checks.instance("cells", cells, CellArray)
            cells.check()
            if not len(cells):
                raise AlgorithmError("expected cells to draw from, received none.")
        self._cells = cells

    def _setup(self, space: SearchSpace) -> None:
        self._encoding = Encoding.of(space)
        cells = self._cells if self._cells is not None else enumerate_cells(self._encoding.vertices)
        self._drawn = cells[cells.num_vertices <= self._encoding.vertices]
        if not len(self._drawn):
            raise AlgorithmError(
                f"expected cells of at most {self._encoding.vertices} vertices, as the space has."
            )

    def _propose(self) -> DNA:
        return self._encoding.dna(self._drawn[int(self._rng.integers(len(self._drawn)))])


@dataclass(frozen=True)
class CellMutation(Mutator):
    """The mutation of the official notebook: each part may change, until the cell is valid.

    Each edge is flipped with probability `rate` over the number of vertices, each operation
    replaced by another with probability `rate` over their number. What comes out invalid is
    thrown away, and the parent mutated again. Now and then nothing changes.

    Attributes:
        rate: above 0; how many edges (three times that, at 7 vertices) and operations change
            on average.

    >>> from keras_glove.algorithms import RegularizedEvolution
    >>> RegularizedEvolution(50, 10, CellMutation())
    RegularizedEvolution(population_size=50, tournament_size=10, \
mutator=CellMutation(rate=1.0), seed=None)
    """

    rate: float = 1.0

    def __post_init__(self) -> None:
        checks.positive("rate", self.rate)

    def _mutate(self, dna: DNA, space: SearchSpace, rng: np.random.Generator) -> DNA:
        encoding = Encoding.of(space)
        edges = encoding.num_edges
        edge_rate = self.rate / encoding.vertices
        operation_rate = self.rate / max(encoding.vertices - 2, 1)
        while True:
            values = list(dna.values)
            for index, draw in enumerate(rng.random(len(values)).tolist()):
                if index < edges:
                    if draw < edge_rate:
                        values[index] ^= 1  # type: ignore[operator]
                elif draw < operation_rate:
                    step = 1 + int(draw / operation_rate * (len(OPERATIONS) - 1))
                    values[index] = (values[index] + step) % len(OPERATIONS)  # type: ignore[operator]
            if encoding.is_valid(values):
                return trusted(tuple(values))

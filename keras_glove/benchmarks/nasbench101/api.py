"""The names of the official library: `from keras_glove.benchmarks.nasbench101 import api`.

A script that was written for `from nasbench import api` runs with this one line changed. As
there, trainings are drawn by Python's own `random`, which `NASBench` seeds. Only `evaluate`,
which trains on a TPU of 2018, is not there; `training.CellTrainer` trains cells.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from keras_glove.benchmarks.nasbench101 import table
from keras_glove.benchmarks.nasbench101.cells import Cell
from keras_glove.benchmarks.nasbench101.drawing import Drawing
from keras_glove.benchmarks.nasbench101.hashing import INPUT_LABEL, OUTPUT_LABEL, module_hash
from keras_glove.errors import OutOfDomainError

__all__ = ["ModelSpec", "NASBench", "OutOfDomainError"]


class NASBench(table.NASBench):
    """The table, whose queries draw from Python's own generator; see `table.NASBench`."""

    def _generator(self, seed: int | None) -> Any:
        random.seed(seed)
        return random


class ModelSpec(Cell):
    """A cell, with the official names of its parts; see `Cell`.

    Args:
        matrix: the adjacency matrix.
        ops: one operation per vertex.
        data_format: kept, not used.

    >>> spec = ModelSpec([[0, 1], [0, 0]], ["input", "output"])
    >>> spec.valid_spec, spec.ops
    (True, ['input', 'output'])
    """

    __slots__ = ("data_format",)

    def __init__(self, matrix: Any, ops: Sequence[str], data_format: str = "channels_last") -> None:
        super().__init__(matrix, ops)
        self.data_format = data_format

    @property
    def valid_spec(self) -> bool:
        """Whether input and output are connected; the limits of the benchmark do not count."""
        return self._graph is not None

    @property
    def ops(self) -> list[str] | None:
        """The operations of the pruned cell; None where input and output are not connected."""
        return None if self.operations is None else list(self.operations)

    @property
    def original_ops(self) -> list[str]:
        """The operations before pruning."""
        return list(self.original_operations)

    def hash_spec(self, canonical_ops: Sequence[str]) -> str:
        """The hash, with the operations in a given order.

        Args:
            canonical_ops: the official order is that of `NASBench.config["available_ops"]`.

        Raises:
            ValueError: for an operation that is not among them.
            OutOfDomainError: if input and output are not connected.
        """
        if self._graph is None or self.operations is None:
            raise OutOfDomainError(f"expected a cell to hash, received {self.problem}.")
        order = list(canonical_ops)
        labels = [order.index(operation) for operation in self.operations[1:-1]]
        return module_hash(self._graph, (INPUT_LABEL, *labels, OUTPUT_LABEL))

    def visualize(self) -> Drawing:
        """A picture of the pruned cell; notebooks show it."""
        return self.draw()

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.original_matrix, self.original_ops, self.data_format))

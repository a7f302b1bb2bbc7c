"""Rows of the official record files: one training of one cell each, as JSON."""

from __future__ import annotations

import base64
import json
from typing import Any, Final, NamedTuple

from keras_glove.benchmarks.nasbench101.cells import Cell
from keras_glove.benchmarks.nasbench101.metrics import Metrics, decode, encode
from keras_glove.errors import RecordError

__all__ = ["EXPECTED", "Row", "format_row", "parse_row"]


class Row(NamedTuple):
    """One training of one cell.

    Attributes:
        module_hash: the official hash of the cell.
        epochs: how many epochs it was trained.
        adjacency: the entries of its matrix, row by row, as digits.
        operations: its operations, split by commas.
        metrics: what came of it.
    """

    module_hash: str
    epochs: int
    adjacency: str
    operations: str
    metrics: Metrics


def format_row(cell: Cell, epochs: int, metrics: Metrics) -> bytes:
    """The row of a training, as it is framed in a file.

    Raises:
        OutOfDomainError: if the cell is not valid.
    """
    cell.check()
    assert cell.matrix is not None
    assert cell.operations is not None
    adjacency = "".join(map(str, cell.matrix.ravel().tolist()))
    operations = ",".join(cell.operations)
    text = base64.b64encode(encode(metrics)).decode()
    return json.dumps([cell.hash, epochs, adjacency, operations, text]).encode()


def parse_row(data: bytes) -> Row:
    """The row in a record.

    Raises:
        RecordError: if it is not a row, or its metrics cannot be read.
    """
    try:
        fields: Any = json.loads(data)
        module_hash, epochs, adjacency, operations, text = fields
        metrics = decode(base64.b64decode(text, validate=True))
    except (RecursionError, TypeError, ValueError) as error:
        raise RecordError(f"expected {EXPECTED}, received {data[:60]!r}: {error}.") from error
    row = Row(module_hash, epochs, adjacency, operations, metrics)
    if [type(field) for field in row[:4]] != [str, int, str, str]:
        raise RecordError(f"expected {EXPECTED}, received {data[:60]!r}.")
    return row


EXPECTED: Final = (
    "a JSON list of a hash, epochs, an adjacency matrix, operations and metrics in base64"
)

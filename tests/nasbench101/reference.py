"""The official definitions of NAS-Bench-101, written down plainly, to compare with."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

OPERATIONS = ["conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3"]

Matrix = list[list[int]]

#: The cell of the official README, with its hash and parameters.
INCEPTION = [
    [0, 1, 1, 1, 0, 1, 0],
    [0, 0, 0, 0, 0, 0, 1],
    [0, 0, 0, 0, 0, 0, 1],
    [0, 0, 0, 0, 1, 0, 0],
    [0, 0, 0, 0, 0, 0, 1],
    [0, 0, 0, 0, 0, 0, 1],
    [0, 0, 0, 0, 0, 0, 0],
]
INCEPTION_OPERATIONS = [
    "input",
    "conv1x1-bn-relu",
    "conv3x3-bn-relu",
    "conv3x3-bn-relu",
    "conv3x3-bn-relu",
    "maxpool3x3",
    "output",
]
INCEPTION_HASH = "28cfc7874f6d200472e1a9dcd8650aa0"
INCEPTION_PARAMETERS = 2_694_282


def random_cell(
    rng: np.random.Generator, vertices: int, density: float
) -> tuple[Matrix, list[str]]:
    matrix = np.triu(rng.random((vertices, vertices)) < density, 1).astype(int).tolist()
    interior = [OPERATIONS[i] for i in rng.integers(0, 3, vertices - 2)]
    return matrix, ["input", *interior, "output"]


def pruned(matrix: Matrix, operations: Sequence[str]) -> tuple[Matrix, list[str]] | None:
    """What lies between input and output; None where they are not connected."""
    n = len(matrix)
    forward, backward = {0}, {n - 1}
    for _ in range(n):
        forward |= {y for x in forward for y in range(n) if matrix[x][y]}
        backward |= {x for y in backward for x in range(n) if matrix[x][y]}
    kept = sorted(forward & backward)
    if n - 1 not in forward or n < 2:
        return None
    return [[matrix[x][y] for y in kept] for x in kept], [operations[v] for v in kept]


def module_hash(matrix: Matrix, operations: Sequence[str]) -> str:
    """The hash of a pruned cell."""
    n = len(matrix)
    labels = [-1, *[OPERATIONS.index(op) for op in operations[1:-1]], -2]
    columns = list(zip(*matrix, strict=True))
    hashes = [_md5(str((sum(matrix[v]), sum(columns[v]), labels[v]))) for v in range(n)]
    for _ in range(n):
        hashes = [
            _md5(
                "".join(sorted(hashes[w] for w in range(n) if matrix[w][v]))
                + "|"
                + "".join(sorted(hashes[w] for w in range(n) if matrix[v][w]))
                + "|"
                + hashes[v]
            )
            for v in range(n)
        ]
    return _md5(str(sorted(hashes)))


def _md5(text: str) -> str:
    return hashlib.md5(text.encode("utf-8")).hexdigest()


def problem(matrix: Matrix, operations: Sequence[str]) -> bool:
    """Whether the official library calls the cell out of its domain."""
    left = pruned(matrix, operations)
    if left is None:
        return True
    edges = sum(map(sum, left[0]))
    known = all(op in OPERATIONS for op in left[1][1:-1])
    ends = left[1][0] == "input" and left[1][-1] == "output"
    return len(left[0]) > 7 or edges > 9 or not known or not ends

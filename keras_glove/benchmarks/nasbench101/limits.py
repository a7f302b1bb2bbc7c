"""The limits of NAS-Bench-101: what a cell may be, and how cells were trained."""

from __future__ import annotations

from typing import Final

__all__ = [
    "CONV1X1",
    "CONV3X3",
    "INPUT",
    "MAXPOOL3X3",
    "MAX_EDGES",
    "MAX_VERTICES",
    "NUM_CELLS",
    "NUM_REPEATS",
    "OPERATIONS",
    "OUTPUT",
]

INPUT: Final = "input"
OUTPUT: Final = "output"
CONV3X3: Final = "conv3x3-bn-relu"
CONV1X1: Final = "conv1x1-bn-relu"
MAXPOOL3X3: Final = "maxpool3x3"

OPERATIONS: Final = (CONV3X3, CONV1X1, MAXPOOL3X3)
"""The operations of interior vertices, in the order of their labels 0, 1 and 2."""

MAX_VERTICES: Final = 7
"""Vertices of a pruned cell, input and output included."""

MAX_EDGES: Final = 9
"""Edges of a pruned cell."""

NUM_CELLS: Final = 423_624
"""Different cells within these limits, isomorphic ones counted once."""

NUM_REPEATS: Final = 3
"""How often each cell was trained at each budget."""

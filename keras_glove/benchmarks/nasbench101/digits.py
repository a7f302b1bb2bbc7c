"""The small real table that comes with keras_glove: cells trained on the digits of scikit-learn.

It is of the form of the benchmark, at a small scale that is said here: every cell of up to 4
vertices and a sample of larger ones, 3 repeats, 4 budgets of 2 to 16 epochs, one cell per stack,
16 channels at the stem, and 320 training images of 8 by 8 pixels. `tools/nasbench101_digits.py`
made it.
"""

from __future__ import annotations

import functools
import io
import lzma
from importlib import resources
from typing import Final

import numpy as np

from keras_glove.benchmarks.nasbench101.cell_array import CellArray, enumerate_cells
from keras_glove.benchmarks.nasbench101.columns import Columns
from keras_glove.benchmarks.nasbench101.conversion import read_columns
from keras_glove.benchmarks.nasbench101.parameters import Network
from keras_glove.benchmarks.nasbench101.recipe import Recipe
from keras_glove.benchmarks.nasbench101.table import NASBench, Repeat

__all__ = ["EPOCHS", "FILE", "NETWORK", "RECIPE", "SEED", "digits_cells", "digits_table"]

FILE: Final = "digits.tfrecord.xz"
"""The record file, compressed, beside this one."""

EPOCHS: Final = (2, 4, 8, 16)
"""The budgets; of 320 images, in batches of 40."""

NETWORK: Final = Network(stem_channels=16, cells_per_stack=1, image_channels=1)

RECIPE: Final = Recipe(batch_size=40, learning_rate=0.1, norm_momentum=0.7)

NUM_TRAIN: Final = 320
NUM_VALIDATION: Final = 500
SEED: Final = 0

COMPLETE_UP_TO: Final = 4
"""The table has all cells of up to so many vertices."""

_SAMPLED: Final = {5: 35, 6: 35, 7: 39}


def digits_cells() -> CellArray:
    """The cells that the table has.

    >>> len(digits_cells())
    200
    """
    cells = enumerate_cells()
    sizes = cells.num_vertices
    chosen = [np.flatnonzero(sizes <= COMPLETE_UP_TO)]
    for size, count in _SAMPLED.items():
        there = np.flatnonzero(sizes == size)
        chosen.append(np.random.default_rng([SEED, size]).choice(there, count, replace=False))
    return cells[np.sort(np.concatenate(chosen))]


def digits_table(seed: int | None = None, *, repeat: Repeat = "random") -> NASBench:
    """The table; its budgets are `EPOCHS`, so ask it for `epochs=16`, not for the usual 108.

    Args:
        seed, repeat: as for `NASBench`.

    >>> table = digits_table(repeat=0)
    >>> len(table), sorted(table.valid_epochs)
    (200, [2, 4, 8, 16])
    >>> table.query(table.cells[0], epochs=16)["validation_accuracy"] > 0.5
    True
    """
    return NASBench.of_columns(_columns(), seed, repeat=repeat)


@functools.cache
def _columns() -> Columns:
    packed = resources.files("keras_glove.benchmarks.nasbench101") / FILE
    return read_columns(io.BytesIO(lzma.decompress(packed.read_bytes())), FILE)

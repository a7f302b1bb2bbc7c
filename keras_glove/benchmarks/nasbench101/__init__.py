"""NAS-Bench-101: 423,624 cells, each trained three times at four budgets, as a table to search.

Ying et al. 2019, "NAS-Bench-101: Towards Reproducible Neural Architecture Search"
(arXiv:1902.09635). Knows no Keras, except for `model` and `training`.
"""

from keras_glove.benchmarks.nasbench101.cell_array import CellArray, enumerate_cells
from keras_glove.benchmarks.nasbench101.cells import Cell
from keras_glove.benchmarks.nasbench101.conversion import convert, table_path
from keras_glove.benchmarks.nasbench101.digits import digits_cells, digits_table
from keras_glove.benchmarks.nasbench101.drawing import Drawing
from keras_glove.benchmarks.nasbench101.limits import (
    CONV1X1,
    CONV3X3,
    INPUT,
    MAX_EDGES,
    MAX_VERTICES,
    MAXPOOL3X3,
    NUM_CELLS,
    NUM_REPEATS,
    OPERATIONS,
    OUTPUT,
)
from keras_glove.benchmarks.nasbench101.making import build_table
from keras_glove.benchmarks.nasbench101.metrics import Evaluation, Metrics
from keras_glove.benchmarks.nasbench101.parameters import Network, count_parameters
from keras_glove.benchmarks.nasbench101.recipe import Recipe
from keras_glove.benchmarks.nasbench101.samplers import (
    CellMutation,
    UniformOverEncodings,
    UniformOverTable,
)
from keras_glove.benchmarks.nasbench101.settings import SETTINGS, Setting, find_setting
from keras_glove.benchmarks.nasbench101.space import EDGE, OPERATION, cell, cell_space
from keras_glove.benchmarks.nasbench101.studies import Comparison, compare, run_search
from keras_glove.benchmarks.nasbench101.table import NASBench
from keras_glove.benchmarks.nasbench101.trajectories import Trajectory

__all__ = [
    "CONV1X1",
    "CONV3X3",
    "EDGE",
    "INPUT",
    "MAXPOOL3X3",
    "MAX_EDGES",
    "MAX_VERTICES",
    "NUM_CELLS",
    "NUM_REPEATS",
    "OPERATION",
    "OPERATIONS",
    "OUTPUT",
    "SETTINGS",
    "Cell",
    "CellArray",
    "CellMutation",
    "Comparison",
    "Drawing",
    "Evaluation",
    "Metrics",
    "NASBench",
    "Network",
    "Recipe",
    "Setting",
    "Trajectory",
    "UniformOverEncodings",
    "UniformOverTable",
    "build_table",
    "cell",
    "cell_space",
    "compare",
    "convert",
    "count_parameters",
    "digits_cells",
    "digits_table",
    "enumerate_cells",
    "find_setting",
    "run_search",
    "table_path",
]

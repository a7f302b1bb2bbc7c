"""The searches of the literature on this benchmark, with their settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from keras_glove.algorithms import Algorithm, Optuna, PolicyGradient, RegularizedEvolution
from keras_glove.benchmarks.nasbench101.samplers import (
    CellMutation,
    UniformOverEncodings,
    UniformOverTable,
)
from keras_glove.benchmarks.nasbench101.table import NASBench
from keras_glove.errors import OutOfDomainError

__all__ = ["SETTINGS", "Setting", "find_setting"]


@dataclass(frozen=True)
class Setting:
    """An algorithm as it was used on the benchmark.

    Attributes:
        name: for people and the command line.
        make: the algorithm for a table.
        source: where the settings are from.
        invalid: the reward of a proposal that is no valid cell; None to skip it, as if it had
            not been made.
        published: points of the published curve, if there is one: simulated seconds, and the
            test accuracy of the incumbent, averaged over runs; the notebook's are of the
            training that was drawn, where a `Trajectory` has the mean over trainings.
    """

    name: str
    make: Callable[[NASBench], Algorithm]
    source: str
    invalid: float | None = None
    published: tuple[tuple[float, float], ...] = ()


_NOTEBOOK: Final = (
    "NASBench.ipynb of google-research/nasbench; the curve is read from its picture, "
    "10 runs, to 0.0005"
)
_SCRIPTS: Final = "the paper's scripts, automl/nas_benchmarks"

SETTINGS: Final = (
    Setting(
        "random",
        lambda table: UniformOverEncodings(),
        f"uniform over encodings: {_NOTEBOOK}",
        published=((1e6, 0.938), (2e6, 0.9385), (5e6, 0.939)),
    ),
    Setting(
        "random-table",
        lambda table: UniformOverTable(table.cells),
        "uniform over the cells of the table; not published",
    ),
    Setting(
        "evolution-50-10",
        lambda table: RegularizedEvolution(50, 10, CellMutation()),
        f"population 50, tournament 10, each edge and operation may change: {_NOTEBOOK}",
        published=((0.7e6, 0.9415), (5e6, 0.9415)),
    ),
    Setting(
        "evolution-100-10",
        lambda table: RegularizedEvolution(100, 10),
        f"population 100, tournament 10, one decision changes: {_SCRIPTS}",
        invalid=0.0,
    ),
    Setting(
        "reinforce",
        lambda table: PolicyGradient(learning_rate=0.1, baseline_decay=0.9),
        f"learning rate 0.1, moving average of 0.9: {_SCRIPTS}",
        invalid=0.0,
    ),
    Setting(
        "tpe",
        lambda table: Optuna("tpe"),
        "TPE of Optuna with its defaults; the paper's TPE was Hyperopt's",
        invalid=0.0,
    ),
)
"""The settings, in the order in which they are shown."""


def find_setting(name: str) -> Setting:
    """The setting of a name.

    Raises:
        OutOfDomainError: if there is none.

    >>> find_setting("random").invalid is None
    True
    """
    for setting in SETTINGS:
        if setting.name == name:
            return setting
    known = ", ".join(setting.name for setting in SETTINGS)
    raise OutOfDomainError(f"expected a setting among {known}, received {name!r}.")

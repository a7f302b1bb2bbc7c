"""Running searches on a table, and comparing them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from keras_glove.benchmarks.nasbench101.limits import NUM_CELLS
from keras_glove.benchmarks.nasbench101.settings import SETTINGS, Setting
from keras_glove.benchmarks.nasbench101.space import cell_space
from keras_glove.benchmarks.nasbench101.table import NASBench
from keras_glove.benchmarks.nasbench101.trajectories import Trajectory, mean_curve, time_grid
from keras_glove.errors import OutOfDomainError
from keras_glove.search import sample

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.table import Table

__all__ = ["Comparison", "compare", "run_search"]

_MOST_MISSES: Final = 20_000
"""Proposals in a row that are no cells of the table; then the search cannot be meant so."""


def run_search(
    table: NASBench,
    setting: Setting,
    *,
    budget_s: float | None = None,
    num_queries: int | None = None,
    epochs: int | None = None,
    max_vertices: int | None = None,
    seed: int = 0,
) -> Trajectory:
    """One search of a table.

    Every proposal of a cell is answered by one of its trainings, at its cost. Proposals that
    are no cells of the table cost nothing; what the algorithm is told of them, the setting says.

    Args:
        table: its own counters stay as they are.
        setting: what to search with.
        budget_s: the search ends after so many simulated seconds of training.
        num_queries: or after so many queries; one of the two has to be given.
        epochs: of each training; None for the largest budget of the table.
        max_vertices: of the space; None for as many as the table has all cells of.
        seed: fixes the search, and the trainings that answer it.

    Raises:
        OutOfDomainError: without an end, for epochs that the table does not have, or if
            20,000 proposals in a row are no cells of it.

    >>> from keras_glove.benchmarks.nasbench101 import digits_table, find_setting
    >>> run = run_search(digits_table(), find_setting("random"), num_queries=50)
    >>> len(run), bool(run.regret[-1] < run.regret[0])
    (50, True)
    """
    if budget_s is None and num_queries is None:
        raise OutOfDomainError("expected budget_s or num_queries, received neither.")
    budget = max(table.valid_epochs) if epochs is None else epochs
    vertices = table.complete_up_to if max_vertices is None else max_vertices
    search = _Search(table.again(seed), setting, budget, vertices, seed)
    for seconds in islice(search, num_queries):
        if seconds >= (math.inf if budget_s is None else budget_s):
            break
    means = table.mean(table.cells, budget)["test_accuracy"]
    return Trajectory(
        np.array(search.seconds),
        np.array(search.validation),
        means[np.array(search.rows, dtype=np.intp)],
        float(means.max()),
        search.num_invalid,
    )


class _Search:
    """The queries of a search, one by one, and what came of them."""

    def __init__(
        self, bench: NASBench, setting: Setting, epochs: int, vertices: int, seed: int
    ) -> None:
        self._bench = bench
        self._setting = setting
        self._epochs = epochs
        self._samples = sample(cell_space(vertices), setting.make(bench), seed=seed)
        self.seconds: list[float] = []
        self.validation: list[float] = []
        self.rows: list[int] = []
        self.num_invalid = 0

    def __iter__(self) -> Iterator[float]:
        """The simulated seconds after each query."""
        bench, misses = self._bench, 0
        for cell, feedback in self._samples:
            if cell not in bench:
                misses += 1
                self._miss(feedback, misses)
                continue
            misses = 0
            answer = bench.query(cell, self._epochs)
            feedback(answer["validation_accuracy"])
            self.seconds.append(bench.training_time_spent)
            self.validation.append(answer["validation_accuracy"])
            self.rows.append(bench.index(cell))
            yield bench.training_time_spent

    def _miss(self, feedback: Any, misses: int) -> None:
        self.num_invalid += 1
        if misses >= _MOST_MISSES:
            raise OutOfDomainError(
                f"expected proposals of cells of the table, received none among {misses} in a "
                "row. The table has too few of the space: give max_vertices up to which it is "
                f"complete ({self._bench.complete_up_to})."
            )
        if self._setting.invalid is None:
            feedback.skip("no cell of the table")
        else:
            feedback(self._setting.invalid)


def compare(
    table: NASBench,
    settings: Sequence[Setting] = SETTINGS,
    *,
    num_runs: int = 10,
    budget_s: float | None = None,
    num_queries: int | None = None,
    epochs: int | None = None,
    max_vertices: int | None = None,
    seed: int = 0,
) -> Comparison:
    """Several searches with each setting.

    Args:
        table: as for `run_search`, likewise the others.
        settings: what to search with.
        num_runs: with each; run r has the seed `seed + r`.
        budget_s, num_queries, epochs, max_vertices: as for `run_search`.
        seed: of the first runs.

    Raises:
        OutOfDomainError: as `run_search`, or without runs.

    >>> from keras_glove.benchmarks.nasbench101 import SETTINGS, digits_table
    >>> compare(digits_table(), SETTINGS[:2], num_runs=2, num_queries=20)
    Comparison(random: 2 runs, random-table: 2 runs)
    """
    if num_runs < 1 or not settings:
        raise OutOfDomainError(f"expected runs and settings, received {num_runs} and {settings!r}.")
    runs = {
        setting: [
            run_search(
                table,
                setting,
                budget_s=budget_s,
                num_queries=num_queries,
                epochs=epochs,
                max_vertices=max_vertices,
                seed=seed + number,
            )
            for number in range(num_runs)
        ]
        for setting in settings
    }
    asked = max(table.valid_epochs) if epochs is None else epochs
    return Comparison(runs, genuine=len(table) == NUM_CELLS and asked == 108)


@dataclass(frozen=True, repr=False)
class Comparison:
    """The runs of several settings.

    Attributes:
        runs: for each setting its runs.
        genuine: whether the table has the size and budget of the published one, so that
            published curves may stand beside these.
    """

    runs: Mapping[Setting, list[Trajectory]]
    genuine: bool = False

    def __repr__(self) -> str:
        parts = [f"{setting.name}: {len(runs)} runs" for setting, runs in self.runs.items()]
        return f"Comparison({', '.join(parts)})"

    def summary(self) -> list[dict[str, Any]]:
        """What each setting reached at the end of its runs, as JSON-able data.

        Of each: "setting", "runs", "queries" of a run on average, "seconds" at which the
        shortest run ended, and at that time, over runs, the mean and the standard error of the
        incumbent's "validation" accuracy as it was seen, of its mean "test" accuracy, and of
        its "regret"; "published", the points of the published curve.
        """
        return [self._line(setting, runs) for setting, runs in self.runs.items()]

    def _line(self, setting: Setting, runs: list[Trajectory]) -> dict[str, Any]:
        end = time_grid(runs, 2)[-1:]
        line: dict[str, Any] = {
            "setting": setting.name,
            "source": setting.source,
            "runs": len(runs),
            "queries": float(np.mean([len(run) for run in runs])),
            "seconds": float(end[0]),
        }
        for key in ("validation", "test", "regret"):
            mean, error = mean_curve(runs, end, key if key == "regret" else f"incumbent_{key}")
            line[key] = {"mean": float(mean[0]), "standard_error": float(error[0])}
        line["published"] = [list(point) for point in setting.published] if self.genuine else []
        return line

    def table(self) -> Table:
        """The summary as a table for terminals."""
        from rich.table import Table

        table = Table(title="NAS-Bench-101: the incumbent at the end, mean over runs")
        for title in ("setting", "runs", "queries", "seconds"):
            justify: Literal["left", "right"] = "left" if title == "setting" else "right"
            table.add_column(title, justify=justify, no_wrap=title == "setting")
        for title in ("validation seen", "mean test", "regret", "published"):
            table.add_column(title, justify="right")
        for line in self.summary():
            accuracies = [line[key] for key in ("validation", "test", "regret")]
            published = line["published"]
            table.add_row(
                line["setting"],
                str(line["runs"]),
                f"{line['queries']:,.0f}",
                f"{line['seconds']:,.0f}",
                *[f"{each['mean']:.4f} ± {each['standard_error']:.4f}" for each in accuracies],
                f"{published[-1][1]:.4f} at {published[-1][0]:,.0f} s" if published else "",
            )
        return table

    def plot(self) -> Figure:
        """Regret over simulated time: mean and standard error, published points beside it.

        Raises:
            ImportError: if matplotlib is not installed (`pip install keras_glove[plots]`).
        """
        from keras_glove.benchmarks.nasbench101.pictures import plot_comparison

        return plot_comparison(self)

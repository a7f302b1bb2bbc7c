"""Pictures of searches; needs matplotlib."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

from keras_glove.benchmarks.nasbench101.trajectories import mean_curve, time_grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from keras_glove.benchmarks.nasbench101.studies import Comparison

__all__ = ["plot_comparison"]

_DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)))  # told apart in greyscale


def plot_comparison(comparison: Comparison) -> Figure:
    """The regret of each setting over simulated time, with bands of one standard error."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    for (setting, runs), dashes in zip(comparison.runs.items(), cycle(_DASHES), strict=False):
        seconds = time_grid(runs)
        mean, error = mean_curve(runs, seconds, "regret")
        (line,) = axes.plot(seconds, mean, linestyle=dashes, label=setting.name)
        axes.fill_between(seconds, mean - error, mean + error, alpha=0.2, color=line.get_color())
        if comparison.genuine and setting.published:
            times, accuracies = zip(*setting.published, strict=True)
            regrets = [runs[0].best_test - accuracy for accuracy in accuracies]
            axes.plot(
                times, regrets, "o", color=line.get_color(), label=f"{setting.name}, published"
            )
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="simulated seconds of training",
        ylabel="regret in mean test accuracy",
        title="NAS-Bench-101",
    )
    axes.legend()
    axes.grid(alpha=0.3)
    return figure

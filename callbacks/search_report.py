"""What came of a search: a table, and a figure."""

from __future__ import annotations

import io
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from keras_glove.callbacks.children import Judged
from keras_glove.callbacks.comparing import kendall_tau

__all__ = ["SearchReport"]


@dataclass(frozen=True)
class SearchReport:
    """A search, and how children of it did on their own.

    Attributes:
        found: the architecture found, in words.
        reward: what was rewarded.
        history: for each epoch what was shown.
        probabilities: for each epoch those of each decision, by name.
        target: of the cost, None for none.
        children: those that were trained for it; the found one first.
        random: random ones of equal cost.
        pairs: for a sample of children the score with shared weights, and that on their own.
    """

    found: str
    reward: str
    history: Sequence[Mapping[str, Any]]
    probabilities: Sequence[Mapping[str, Any]]
    target: float | None = None
    children: Sequence[Judged] = ()
    random: Sequence[Judged] = ()
    pairs: Sequence[tuple[float, float]] = field(default_factory=list)

    @property
    def tau(self) -> float | None:
        """Kendall's tau between both scores of the sample; None without one."""
        return kendall_tau(*zip(*self.pairs, strict=True)) if self.pairs else None

    def rows(self) -> list[Judged]:
        """The lines of the table."""
        lines = list(self.children)
        if self.random:
            ordered = sorted(self.random, key=lambda one: one.mean)
            middle, best = ordered[(len(ordered) - 1) // 2], ordered[-1]
            median = statistics.median(one.mean for one in ordered)
            count = len(ordered)
            lines += [
                Judged(
                    f"median of {count} random", (median,), middle.parameters, middle.multiply_adds
                ),
                Judged(
                    f"best of {count} random", best.qualities, best.parameters, best.multiply_adds
                ),
            ]
        return lines

    def table(self) -> Table:
        """The children that were trained, as a table of rich."""
        table = Table("network", self.reward, "parameters", "multiply-adds")
        for one in self.rows():
            error = "" if one.error is None else f" ± {one.error:.4f}"
            table.add_row(
                one.name,
                f"{one.mean:.4f}{error}",
                f"{one.parameters:,}",
                f"{one.multiply_adds:,}",
            )
        return table

    def figure(self) -> Any:
        """A figure of matplotlib: rewards, cost, probabilities, and how scores agree.

        Raises:
            ImportError: matplotlib is not installed (`pip install keras_glove[plots]`).
        """
        from matplotlib.figure import Figure

        figure = Figure(figsize=(10, 7), layout="constrained")
        axes = figure.subplots(2, 2)
        self._draw_course(axes[0, 0])
        self._draw_cost(axes[0, 1])
        self._draw_probabilities(axes[1, 0])
        self._draw_children(axes[1, 1])
        return figure

    def __rich__(self) -> Table:
        return self.table()

    def __str__(self) -> str:
        console = Console(width=100, record=True, file=io.StringIO())
        if self.rows():
            console.print(self.table())
        console.print(f"found: {self.found}", markup=False, highlight=False)
        if self.tau is not None:
            console.print(f"Kendall's tau of {len(self.pairs)} children: {self.tau:.2f}")
        return console.export_text()

    def _column(self, name: str) -> list[float]:
        return [np.nan if row.get(name) is None else row[name] for row in self.history]

    def _epochs(self) -> list[int]:
        return [row["epoch"] + 1 for row in self.history]

    def _draw_course(self, axes: Any) -> None:
        for name, style in (("reward", "-"), ("quality", "--")):
            if any(name in row for row in self.history):
                axes.plot(self._epochs(), self._column(name), style, label=name)
        axes.set(xlabel="epoch", ylabel=self.reward, title="Mean reward on search data")
        if axes.lines:
            axes.legend(frameon=False, loc="lower right")
        if any("entropy" in row for row in self.history):
            other = axes.twinx()
            other.plot(self._epochs(), self._column("entropy"), ":", color="tab:gray")
            other.set_ylabel("entropy, nats (dotted)")

    def _draw_cost(self, axes: Any) -> None:
        axes.set(xlabel="cost", ylabel=self.reward, title="Cost against quality")
        if not any("cost" in row for row in self.history):
            axes.text(0.5, 0.5, "no cost", ha="center", transform=axes.transAxes)
            return
        quality = "quality" if "quality" in self.history[-1] else "reward"
        points = axes.scatter(
            self._column("cost"), self._column(quality), c=self._epochs(), cmap="viridis", s=18
        )
        axes.figure.colorbar(points, ax=axes, label="epoch")
        if self.target is not None:
            axes.axvline(self.target, color="tab:red", linestyle="--", label="target")
            axes.legend(frameon=False)

    def _draw_probabilities(self, axes: Any) -> None:
        axes.set(xlabel="epoch", title="Probabilities of candidates")
        if not self.probabilities:
            axes.text(0.5, 0.5, "none were learnt", ha="center", transform=axes.transAxes)
            return
        names = list(self.probabilities[-1])
        blocks = [np.asarray([one[name] for one in self.probabilities]).T for name in names]
        extent = (0.5, len(self.probabilities) + 0.5, sum(map(len, blocks)) - 0.5, -0.5)
        axes.imshow(
            np.concatenate(blocks), aspect="auto", cmap="Greys", vmin=0, vmax=1, extent=extent,
            interpolation="nearest",
        )  # fmt: skip
        ends = np.cumsum([len(block) for block in blocks])
        for end in ends[:-1]:
            axes.axhline(end - 0.5, color="tab:blue", linewidth=0.8)
        middles = [end - len(block) / 2 - 0.5 for end, block in zip(ends, blocks, strict=True)]
        axes.set_yticks(middles, names, fontsize=7)

    def _draw_children(self, axes: Any) -> None:
        if self.pairs:
            axes.plot(*zip(*self.pairs, strict=True), "o", alpha=0.7)
            axes.set(xlabel="with shared weights", ylabel="on its own")
            axes.set_title(f"Kendall's tau {self.tau:.2f}")
            return
        axes.set(title="On their own", ylabel=self.reward, xlabel="multiply-adds")
        for one in self.random:
            axes.plot(one.multiply_adds, one.mean, "o", color="tab:gray", alpha=0.6)
        for one, color in zip(self.children, ("tab:red", "tab:orange", "tab:blue"), strict=False):
            axes.errorbar(
                one.multiply_adds, one.mean, one.error or 0, fmt="s", color=color, label=one.name
            )
        if self.children:
            axes.legend(frameon=False, fontsize=8)

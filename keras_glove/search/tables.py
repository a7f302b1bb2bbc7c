"""Studies as tables for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from keras_glove.search.study import Study
    from keras_glove.search.trial import Trial


def study_table(study: Study, trials: Sequence[Trial]) -> Table:
    """One row per trial: state, reward, seconds, the decisions by name, and the metrics."""
    decisions = [trial.decisions for trial in trials]
    names = _in_order(decisions)
    metrics = _in_order([trial.metrics for trial in trials])
    directions = zip(study.names, study.directions, strict=True)
    caption = ", ".join(f"{name}: {direction}" for name, direction in directions)
    table = Table(title=study.name, caption=caption)
    for title in ("trial", "state", *study.names, "seconds"):
        table.add_column(title, justify="left" if title == "state" else "right")
    for title in (*names, *metrics):
        table.add_column(title)
    for trial, chosen in zip(trials, decisions, strict=True):
        table.add_row(
            str(trial.number),
            _state(trial),
            *(cell(trial.rewards.get(name)) for name in study.names),
            cell(trial.duration_s),
            *(Text(cell(chosen.get(name))) for name in names),
            *(Text(cell(trial.metrics.get(name))) for name in metrics),
        )
    return table


def _state(trial: Trial) -> Text:
    # Text, since error messages may hold brackets that rich would take as markup.
    line = "" if trial.error is None else f": {trial.error.partition(chr(10))[0]}"
    return Text(trial.state + (line if len(line) <= 60 else line[:57] + "..."))


def cell(value: Any) -> str:
    """A value as a short text; None, such as an inactive decision, as nothing."""
    if value is None:
        return ""
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def _in_order(mappings: Iterable[Any]) -> list[str]:
    """All keys, in the order in which they first occur."""
    return list(dict.fromkeys(key for mapping in mappings for key in mapping))

"""Rewards of studies."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from keras_glove.errors import SearchError
from keras_glove.plot.style import BEST, FADED, MARKERS, QUIET, SERIES, new_axes, styled

if TYPE_CHECKING:
    from keras_glove.search import Study

__all__ = ["history", "pareto"]

_ARROWS = {"maximize": "more is better", "minimize": "less is better"}


@styled()
def history(studies: Study | Mapping[str, Study], axes: Any = None) -> Any:
    """Rewards over trials, and the best of them so far.

    Args:
        studies: one, or several of the same objective by name.
        axes: of matplotlib, to draw on; None makes a figure.

    Returns:
        The figure.

    Raises:
        SearchError: if a study has several objectives.

    >>> from keras_glove import plot
    >>> from keras_glove.hyper import oneof
    >>> from keras_glove.search import search
    >>> space = {"width": oneof([8, 16, 32])}
    >>> study = search(space, lambda p, trial: p["width"], num_trials=5, seed=0)
    >>> plot.history(study).savefig("history.svg")  # doctest: +SKIP
    """
    by_name = studies if isinstance(studies, Mapping) else {"": studies}
    axes = new_axes(axes)
    for place, (name, study) in enumerate(by_name.items()):
        _require_one(study)
        color, marker = SERIES[place % len(SERIES)], MARKERS[place % len(MARKERS)]
        points = [(t.number, t.reward) for t in study.trials if not t.violation]
        numbers = [number for number, reward in points if reward is not None]
        rewards = [reward for _, reward in points if reward is not None]
        turned = itertools.accumulate((study.sign * reward for reward in rewards), max)
        best = [study.sign * value for value in turned]
        dots = {"marker": marker, "s": 14, "alpha": 0.45, "color": color, "linewidths": 0}
        axes.scatter(numbers, rewards, label=name or "trial", **dots)
        line = {"color": color if name else BEST, "linestyle": _LINES[place % len(_LINES)]}
        label = f"{name}, best so far" if name else "best so far"
        axes.plot(numbers, best, drawstyle="steps-post", label=label, **line)
        axes.set_ylabel(_axis(study, 0))
    axes.set_xlabel("trial")
    axes.legend()
    return axes.figure


_LINES = ("-", "--", "-.", ":")


@styled()
def pareto(study: Study, axes: Any = None) -> Any:
    """The trials by the first two of their rewards, and the Pareto front.

    Args:
        study: of two objectives or more.
        axes: of matplotlib, to draw on; None makes a figure.

    Returns:
        The figure.

    Raises:
        SearchError: if the study has one objective.
    """
    if len(study.names) < 2:
        raise SearchError(
            f"expected a study of two rewards or more, received one of {list(study.names)}; use "
            "`plot.history`."
        )
    axes = new_axes(axes, width=5.0, height=4.0)
    x, y = study.names[:2]
    front = study.pareto()
    numbers = {trial.number for trial in front}
    complete = [trial for trial in study.trials if trial.state == "complete"]
    kept = [t for t in complete if not t.violation and t.number not in numbers]
    broken = [trial for trial in complete if trial.violation]
    for trials, style in (
        (kept, {"label": "dominated", "color": QUIET, "alpha": 0.5, "s": 16}),
        (broken, {"label": "broke a constraint", "color": FADED, "marker": "x", "s": 16}),
    ):
        if trials:
            axes.scatter([t.rewards[x] for t in trials], [t.rewards[y] for t in trials], **style)
    flat = len(study.names) == 2
    axes.plot(
        [trial.rewards[x] for trial in front],
        [trial.rewards[y] for trial in front],
        marker="D",
        markersize=5,
        color=BEST,
        drawstyle="steps-post" if flat else "default",
        linestyle="-" if flat else "none",
        label="Pareto front",
    )
    axes.set(xlabel=_axis(study, 0), ylabel=_axis(study, 1))
    axes.legend()
    return axes.figure


def _axis(study: Study, place: int) -> str:
    return f"{study.names[place]} ({_ARROWS[study.directions[place]]})"


def _require_one(study: Study) -> None:
    if len(study.names) > 1:
        raise SearchError(
            f"expected a study of one reward, received {list(study.names)}; use `plot.pareto`."
        )

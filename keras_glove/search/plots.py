"""Pictures of studies, by matplotlib."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from keras_glove.errors import SearchError

if TYPE_CHECKING:
    from keras_glove.search.study import Study

_ARROWS = {"maximize": "more is better", "minimize": "less is better"}


def draw_pareto(study: Study, axes: Any = None) -> Any:
    """Draws trials by their first two rewards; see `Study.plot_pareto`."""
    if len(study.names) < 2:
        raise SearchError(
            f"expected a study of two rewards or more, received one of {list(study.names)}."
        )
    axes = _new_axes() if axes is None else axes
    x, y = study.names[:2]
    front = study.pareto()
    complete = [trial for trial in study.trials if trial.state == "complete"]
    kept = [trial for trial in complete if not trial.violation and trial not in front]
    broken = [trial for trial in complete if trial.violation]
    _points(axes, kept, x, y, label="dominated", color="tab:blue", alpha=0.5)
    _points(axes, broken, x, y, label="broke a constraint", color="tab:gray", marker="x")
    axes.plot(
        [trial.rewards[x] for trial in front],
        [trial.rewards[y] for trial in front],
        marker="o",
        color="tab:red",
        drawstyle="steps-post" if len(study.names) == 2 else "default",
        linestyle="-" if len(study.names) == 2 else "none",
        label="Pareto front",
    )
    axes.set_xlabel(f"{x} ({_ARROWS[study.directions[0]]})")
    axes.set_ylabel(f"{y} ({_ARROWS[study.directions[1]]})")
    axes.legend()
    return axes


def draw_history(study: Study, axes: Any = None) -> Any:
    """Draws rewards and the best of them so far over trials; see `Study.plot_history`."""
    if len(study.names) > 1:
        raise SearchError(
            f"expected a study of one reward, received {list(study.names)}; use `plot_pareto`."
        )
    axes = _new_axes() if axes is None else axes
    points = [(t.number, t.reward) for t in study.trials if not t.violation]
    complete = [(number, reward) for number, reward in points if reward is not None]
    numbers, rewards = [n for n, _ in complete], [reward for _, reward in complete]
    axes.scatter(numbers, rewards, color="tab:blue", alpha=0.4, label="trial")
    turned = itertools.accumulate((study.sign * reward for reward in rewards), max)
    best = [study.sign * value for value in turned]
    axes.plot(numbers, best, color="tab:red", drawstyle="steps-post", label="best so far")
    axes.set_xlabel("trial")
    axes.set_ylabel(f"{study.names[0]} ({_ARROWS[study.directions[0]]})")
    axes.legend()
    return axes


def _new_axes() -> Any:
    from matplotlib.figure import Figure

    return Figure(layout="constrained").add_subplot()


def _points(axes: Any, trials: Any, x: str, y: str, **style: Any) -> None:
    if trials:
        xs, ys = ([trial.rewards[name] for trial in trials] for name in (x, y))
        axes.scatter(xs, ys, **style)

"""Pictures of studies, by matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras_glove.errors import SearchError

if TYPE_CHECKING:
    from keras_glove.search.study import Study


def draw_pareto(study: Study, axes: Any = None) -> Any:
    """Draws trials by their first two rewards; see `Study.plot_pareto`."""
    if len(study.names) < 2:
        raise SearchError(
            f"expected a study of two rewards or more, received one of {list(study.names)}."
        )
    if axes is None:
        from matplotlib.figure import Figure

        axes = Figure(layout="constrained").add_subplot()
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
    arrows = {"maximize": "more is better", "minimize": "less is better"}
    axes.set_xlabel(f"{x} ({arrows[study.directions[0]]})")
    axes.set_ylabel(f"{y} ({arrows[study.directions[1]]})")
    axes.legend()
    return axes


def _points(axes: Any, trials: Any, x: str, y: str, **style: Any) -> None:
    if trials:
        xs, ys = ([trial.rewards[name] for trial in trials] for name in (x, y))
        axes.scatter(xs, ys, **style)

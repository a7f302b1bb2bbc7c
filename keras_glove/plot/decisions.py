"""What decisions have to do with rewards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_glove.errors import SearchError
from keras_glove.plot.style import QUIET, new_axes, styled

if TYPE_CHECKING:
    from keras_glove.search import Study, Trial

__all__ = ["effects", "importance", "parallel"]

_BINS = 5
"""Into so many equal shares values of a number are sorted, where it has more."""

_NAMED = 6
"""So many numbers of a decision are named beside its axis; of more, the ends."""


def effects(study: Study, reward: str | None = None) -> dict[str, float]:
    """How much of the variance of rewards each decision explains by itself, from 0 to 1.

    That is epsilon squared of a one-way analysis of variance over the values of the decision
    (Kelley 1935), corrected for their number, so that noise scores 0. What only several explain
    together, none is credited with. Of numbers with many values shares of equal size are
    compared; that a decision is inactive counts as a value.

    Args:
        study: with at least three complete trials.
        reward: the name of one of several objectives, by default the first.

    Returns:
        Shares by the name of the decision, the largest first.

    Raises:
        SearchError: there are too few trials, or no such reward.

    >>> from keras_glove import plot
    >>> from keras_glove.hyper import oneof
    >>> from keras_glove.search import search
    >>> space = {"width": oneof([8, 16, 32], name="width"), "seed": oneof([0, 1], name="seed")}
    >>> study = search(space, lambda p, trial: p["width"], num_trials=30, seed=0)
    >>> {name: round(share, 2) for name, share in plot.effects(study).items()}
    {'width': 1.0, 'seed': 0.0}
    """
    name = _reward(study, reward)
    trials = _complete(study)
    if len(trials) < 3:
        raise SearchError(f"expected three complete trials or more, received {len(trials)}.")
    rewards = np.array([trial.rewards[name] for trial in trials])
    decisions = [trial.decisions for trial in trials]
    names = list(dict.fromkeys(key for one in decisions for key in one))
    shares = {
        key: _explained(_levels([one.get(key) for one in decisions]), rewards) for key in names
    }
    return dict(sorted(shares.items(), key=lambda pair: -pair[1]))


@styled()
def importance(study: Study, reward: str | None = None, *, most: int = 15, axes: Any = None) -> Any:
    """How much of the variance of rewards each decision explains; see `effects`.

    Args:
        study, reward: as for `effects`.
        most: how many decisions are drawn, the largest.
        axes: of matplotlib, to draw on; None makes a figure.

    Returns:
        The figure.
    """
    shares = list(effects(study, reward).items())[:most]
    axes = new_axes(axes, height=1.0 + 0.3 * len(shares))
    names = [name for name, _ in shares]
    bars = axes.barh(names, [share for _, share in shares], color=QUIET)
    axes.bar_label(bars, fmt="%.2f", padding=3)
    axes.invert_yaxis()
    axes.set(xlim=(0, 1.1), xlabel="share of the variance of rewards explained alone")
    axes.grid(visible=False, axis="y")
    return axes.figure


@styled()
def parallel(study: Study, reward: str | None = None, *, most: int = 8, axes: Any = None) -> Any:
    """Each trial as a line through its decisions, from pale for poor rewards to dark for good.

    Args:
        study, reward: as for `effects`.
        most: how many decisions are drawn, those that explain most.
        axes: of matplotlib, to draw on; None makes a figure.

    Returns:
        The figure.
    """
    name = _reward(study, reward)
    sign = study.signs[study.names.index(name)]
    keys = list(effects(study, name))[:most]
    trials = sorted(_complete(study), key=lambda trial: sign * trial.rewards[name])
    axes = new_axes(axes, width=max(6.0, 1.3 * (len(keys) + 1)), height=4.0)
    columns = [_scale([trial.decisions.get(key) for trial in trials]) for key in keys]
    colors = _colors([trial.rewards[name] for trial in trials], sign)
    jitter = np.random.default_rng(0).uniform(-0.03, 0.03, (len(trials), len(keys)))
    for row, trial in enumerate(trials):
        heights = [places[row] for places, _ in columns] + jitter[row]
        color = colors.to_rgba(trial.rewards[name])
        axes.plot(range(len(keys)), heights, color=color, alpha=0.7, linewidth=1.0)
    for column, (_, ticks) in enumerate(columns):
        axes.axvline(column, color="black", linewidth=0.8)
        for place, text in ticks:
            _name(axes, column, place, text)
    axes.set_xticks(range(len(keys)), keys, rotation=20, ha="right")
    axes.set(yticks=[], xlim=(-0.1, len(keys) - 0.4))
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.figure.colorbar(colors, ax=axes, label=name)
    return axes.figure


def _colors(rewards: Sequence[float], sign: float) -> Any:
    """Colours from pale for the worst to dark for the best."""
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    scale = colormaps["viridis_r" if sign > 0 else "viridis"]
    return ScalarMappable(Normalize(min(rewards), max(rewards)), scale)


def _name(axes: Any, column: int, place: float, text: str) -> None:
    box = {"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 0.6}
    put = {"xytext": (4, 0), "textcoords": "offset points", "va": "center", "fontsize": 7}
    axes.annotate(text, (column, place), bbox=box, **put)


def _complete(study: Study) -> list[Trial]:
    return [trial for trial in study.trials if trial.state == "complete"]


def _reward(study: Study, reward: str | None) -> str:
    name = study.names[0] if reward is None else reward
    if name not in study.names:
        raise SearchError(f"expected one of the rewards {list(study.names)}, received {reward!r}.")
    return name


def _levels(values: Sequence[Any]) -> list[str]:
    """The values as names of groups; numbers of many values in shares of equal size."""
    numbers = [value for value in values if _is_number(value)]
    if len(set(numbers)) <= _BINS:
        return [repr(value) for value in values]
    edges = np.quantile(numbers, np.linspace(0, 1, _BINS + 1)[1:-1])
    return [
        str(int(np.searchsorted(edges, value))) if _is_number(value) else repr(value)
        for value in values
    ]


def _explained(levels: Sequence[str], rewards: np.ndarray[Any, Any]) -> float:
    """Epsilon squared: (SS between - df MS within) / SS total, at least 0."""
    total = float(((rewards - rewards.mean()) ** 2).sum())
    groups = [rewards[[level == one for level in levels]] for one in dict.fromkeys(levels)]
    free = len(rewards) - len(groups)
    if total == 0 or len(groups) == 1 or free < 1:
        return 0.0
    within = sum(float(((group - group.mean()) ** 2).sum()) for group in groups)
    between = total - within
    return max(0.0, (between - (len(groups) - 1) * within / free) / total)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _scale(values: Sequence[Any]) -> tuple[list[float], list[tuple[float, str]]]:
    """Places from 0 to 1 for values, and what stands beside which place.

    Few values stand at equal distances; many numbers where they lie between the ends, with what is
    no number below them.
    """
    distinct = list(dict.fromkeys(values))
    numbers = sorted(value for value in distinct if _is_number(value))
    others = [value for value in distinct if not _is_number(value)]
    if len(numbers) <= _NAMED:
        order = [*others, *numbers]
        places = {repr(value): i / max(1, len(order) - 1) for i, value in enumerate(order)}
        named = order
    else:
        base, low, width = 0.15 * bool(others), numbers[0], numbers[-1] - numbers[0]
        places = {repr(v): base + (1 - base) * (v - low) / width for v in numbers}
        places |= {repr(v): 0.1 * i / max(1, len(others) - 1) for i, v in enumerate(others)}
        named = [*others, numbers[0], numbers[-1]]
    ticks = [(places[repr(value)], _text(value)) for value in named]
    return [places[repr(value)] for value in values], ticks


def _text(value: Any, longest: int = 22) -> str:
    if value is None:
        return "inactive"
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"

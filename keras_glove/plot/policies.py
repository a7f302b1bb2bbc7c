"""What policies think of decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_glove.errors import PolicyError
from keras_glove.plot.style import SERIES, new_figure, styled

__all__ = ["probabilities"]

_LINES = ("-", "--", "-.", ":")


@styled()
def probabilities(
    history: Sequence[Mapping[str, Sequence[float]]],
    labels: Mapping[str, Sequence[str]] | None = None,
    *,
    columns: int = 3,
) -> Any:
    """The probabilities of each decision's values over time.

    Args:
        history: for each epoch what `Policy.probabilities()` gave: by the name of a decision the
            probabilities of its values.
        labels: by the name of a decision what its values are called.
        columns: how many decisions stand side by side.

    Returns:
        The figure, with one panel for each decision.

    Raises:
        PolicyError: if there is nothing to draw.

    >>> from keras_glove import plot
    >>> epochs = [{"width": [0.5, 0.5]}, {"width": [0.7, 0.3]}, {"width": [0.9, 0.1]}]
    >>> figure = plot.probabilities(epochs, {"width": ["8", "16"]})
    >>> [axes.get_title() for axes in figure.axes]
    ['width']
    """
    names = list(history[0]) if history else []
    if not names:
        raise PolicyError("expected the probabilities of at least one epoch, received none.")
    columns = min(columns, len(names))
    rows = -(-len(names) // columns)
    figure = new_figure(2.6 * columns + 0.6, 1.9 * rows + 0.4)
    panels = list(figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat)
    for name, axes in zip(names, panels, strict=False):
        curves = np.array([epoch[name] for epoch in history], dtype="float64")
        called = (labels or {}).get(name) or [str(place) for place in range(curves.shape[1])]
        for place, text in enumerate(called):
            style = {"color": SERIES[place % 7], "linestyle": _LINES[place % 4]}
            short = text if len(text) <= 24 else f"{text[:23]}…"
            axes.plot(range(1, len(curves) + 1), curves[:, place], label=short, **style)
        axes.set(title=name, ylim=(-0.02, 1.02))
        axes.title.set_fontsize(9)
        axes.legend(fontsize=6, ncols=1 + (len(called) > 4))
    for axes in panels[len(names) :]:
        axes.set_visible(False)
    figure.supxlabel("epoch", fontsize=9)
    figure.supylabel("probability", fontsize=9)
    return figure

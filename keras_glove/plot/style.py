"""What all pictures have in common."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from keras_glove.errors import DependencyError

__all__ = ["BEST", "FADED", "MARKERS", "QUIET", "SERIES", "new_axes", "new_figure", "styled"]

SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Colours that people with any colour vision tell apart (Okabe and Ito 2008)."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
BEST, QUIET, FADED = "#d55e00", "#0072b2", "#8a8a8a"

_SETTINGS: dict[str, Any] = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "svg.fonttype": "none",
}


@contextmanager
def styled() -> Iterator[None]:
    """While it holds, axes look like ours; also a decorator, `@styled()`.

    Raises:
        DependencyError: matplotlib is not installed.
    """
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise DependencyError(
            "Expected matplotlib for pictures, which is not installed: "
            "`pip install keras-glove[plots]`."
        ) from error
    with mpl.rc_context(_SETTINGS):
        yield


def new_figure(width: float, height: float) -> Any:
    """A figure that no window shows by itself; sizes in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained", dpi=150)


def new_axes(axes: Any = None, *, width: float = 6.0, height: float = 3.6) -> Any:
    """The axes given, or those of a new figure."""
    return new_figure(width, height).add_subplot() if axes is None else axes

"""Which versions a trial ran with."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version

_LIBRARIES = ("keras_glove", "keras", "tensorflow", "numpy", "optuna")


@cache
def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # a source tree that is not installed.
            continue
    return found


def versions() -> dict[str, str]:
    """The versions of Python and of the libraries that are installed.

    >>> "numpy" in versions()
    True
    """
    return dict(_versions())

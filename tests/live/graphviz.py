"""Graphviz for the tests that draw models: Keras calls its program `dot`.

It is installed by Debian's packages where the tests may do so; elsewhere the tests that need it
are skipped. With KERAS_GLOVE_TEST_GRAPHVIZ=skip nothing is installed.
"""

from __future__ import annotations

import os
import shutil

from tests import packages

VARIABLE = "KERAS_GLOVE_TEST_GRAPHVIZ"
COMMAND = " ".join(packages.command("graphviz"))
MISSING = f"drawing needs Graphviz, which cannot be installed here: {COMMAND}"


def available() -> bool:
    """Whether `dot` can be called, perhaps once it was installed."""
    if shutil.which("dot") is None and os.environ.get(VARIABLE) != "skip":
        packages.install("graphviz")
    return shutil.which("dot") is not None

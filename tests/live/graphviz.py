"""Graphviz for the tests that draw models: Keras calls its program `dot`.

It is installed by Debian's packages where the tests may do so; elsewhere the tests that need it
are skipped. With KERAS_GLOVE_TEST_GRAPHVIZ=skip nothing is installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess

VARIABLE = "KERAS_GLOVE_TEST_GRAPHVIZ"
COMMAND = ["apt-get", "install", "-y", "--no-install-recommends", "graphviz"]
MISSING = f"drawing needs Graphviz, which cannot be installed here: {' '.join(COMMAND)}"


def available() -> bool:
    """Whether `dot` can be called, perhaps once it was installed."""
    if shutil.which("dot") is None and os.environ.get(VARIABLE) != "skip":
        _install()
    return shutil.which("dot") is not None


def _install() -> None:
    if os.geteuid() == 0 and shutil.which("apt-get") is not None:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(COMMAND, check=False, timeout=300, **quiet)

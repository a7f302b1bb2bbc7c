"""Runs the tests for several replicas, each file in a process of its own.

Logical devices have to be made before TensorFlow does anything, so the process of the other tests
cannot have them.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parent
LIMIT = 240
"""Seconds that one process may take."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "cpus"), [("on_static_models.py", 2), ("on_supernets.py", 2), ("on_supernets.py", 4)]
)
def test_on_logical_cpus(file: str, cpus: int) -> None:
    environment = {**os.environ, "KERAS_GLOVE_LOGICAL_CPUS": str(cpus)}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", HERE / file]
    if cpus > 2:
        command += ["-m", "not two"]
    done = subprocess.run(
        command,
        env=environment,
        cwd=HERE.parents[1],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert " passed" in done.stdout

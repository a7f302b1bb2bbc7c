"""Runs the tests for several replicas, each file in a process of its own.

Logical devices have to be made before TensorFlow does anything, so the process of the other tests
cannot have them.
"""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parent
LIMIT = 480
"""Seconds that one process may take."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "cpus"), [("on_static_models.py", 2), ("on_supernets.py", 2), ("on_supernets.py", 4)]
)
def test_on_logical_cpus(file: str, cpus: int) -> None:
    environment = {**os.environ, "KERAS_GLOVE_LOGICAL_CPUS": str(cpus)}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", HERE / file]
    if cpus > 2:
        command += ["-m", "not two", "-k", "draw_the_same and Reinforce"]
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


@pytest.mark.slow
@pytest.mark.parametrize(("cpus", "killed_at"), [(1, 8), (2, 9)])
def test_a_killed_training_goes_on_as_if_nothing_had_happened(
    cpus: int, killed_at: int, tmp_path: pathlib.Path
) -> None:
    command = [sys.executable, "-m", "tests.replicas.interrupted", str(tmp_path / "backup")]
    ends = []
    for moment in (str(killed_at), "never"):
        done = subprocess.run(
            [*command, str(cpus), moment],
            cwd=HERE.parents[1],
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        ends.append(done)
    assert ends[0].returncode == -signal.SIGKILL, ends[0].stderr[-2000:]
    assert ends[1].stdout.strip() == "the same", ends[1].stderr[-2000:]

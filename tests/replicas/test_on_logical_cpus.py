"""Runs the tests for several replicas, each file in a process of its own.

Logical devices have to be made before TensorFlow does anything, so the process of the other tests
cannot have them.
"""

from __future__ import annotations

import json
import os
import pathlib
import signal
import socket
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


@pytest.mark.slow
def test_a_cluster_whose_second_worker_is_killed_and_comes_back(tmp_path: pathlib.Path) -> None:
    first = workers_of(tmp_path, "7", first_may_hang=True)
    assert first[1].returncode == -signal.SIGKILL, first[1].stderr[-2000:]
    ends = workers_of(tmp_path, "never")
    said = [done.stdout.strip() for done in ends]
    assert said == ["the same"] * 2, "\n\n".join(done.stderr[-2000:] for done in ends)


def workers_of(
    folder: pathlib.Path, killed_at: str, *, first_may_hang: bool = False
) -> list[subprocess.CompletedProcess[str]]:
    """Runs two workers on this machine to their end."""
    with socket.socket() as one, socket.socket() as two:
        for each in (one, two):
            each.bind(("127.0.0.1", 0))
        addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in (one, two)]
    command = [
        sys.executable,
        "-m",
        "tests.replicas.interrupted",
        str(folder / "b"),
        "0",
        killed_at,
    ]
    started = []
    for index in range(2):
        task = {"type": "worker", "index": index}
        config = json.dumps({"cluster": {"worker": addresses}, "task": task})
        started.append(
            subprocess.Popen(
                command,
                env={**os.environ, "TF_CONFIG": config},
                cwd=HERE.parents[1],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    done = []
    for process in reversed(started):
        try:
            output, errors = process.communicate(timeout=LIMIT)
        finally:
            if first_may_hang:  # it waits for the other, or has noticed that it is gone
                started[0].kill()
            process.kill()
        done.append(subprocess.CompletedProcess(command, process.returncode, output, errors))
    return done[::-1]

"""`make` asks for a Python that fits, and leaves an environment that is not its own alone."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "venv.sh"


def set_up(venv: Path, python: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(SCRIPT), "tests"],
        env={**os.environ, "VENV": str(venv), "PYTHON": python},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("script", "tried"),
    [
        ("[ $1 = --version ] && echo Python 3.9.18 || exit 1", "Python 3.9.18"),
        ("exit 127", "it does not run"),
    ],
)
def test_a_python_that_does_not_fit_is_named(script: str, tried: str, tmp_path: Path) -> None:
    python = tmp_path / "python3"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    done = set_up(tmp_path / "venv", str(python))
    assert done.returncode != 0
    assert "needs Python 3.10 to 3.13 with its venv and ensurepip modules" in done.stderr
    assert f"Tried {python}: {tried}." in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["python3"]


def test_an_environment_of_the_user_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "venv").mkdir()
    done = set_up(tmp_path / "venv", "python3")
    assert done.returncode != 0
    assert "was not made by make. Choose another folder: make VENV=" in done.stderr
    assert list((tmp_path / "venv").iterdir()) == []

"""The main example runs, and what it saves loads with Keras alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "quickstart.py"

LOADING = """
import sys
sys.modules["keras_glove"] = None  # an import of it would fail
import keras, numpy as np
model = keras.models.load_model("out/best.keras")
assert model.predict(np.zeros((2, 8, 8, 1), "float32"), verbose=0).shape == (2, 10)
print(type(model).__name__)
"""


@pytest.mark.slow
def test_it_searches_compares_draws_and_saves(tmp_path: Path) -> None:
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "COLUMNS": "120"}

    def run(*command: str) -> str:
        done = subprocess.run(
            [sys.executable, *command],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    shown = run(str(EXAMPLE), "--trials", "2", "--epochs", "1", "--out", "out")
    for line in ("given", "best of random search", "best of evolution", "ResidualNet("):
        assert line in shown
    assert (tmp_path / "out" / "best_so_far.png").stat().st_size > 5000
    assert run("-c", LOADING).strip() == "Functional"

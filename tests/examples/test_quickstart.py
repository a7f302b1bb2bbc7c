"""The main example runs, and what it saves loads with Keras alone."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import keras_glove as kg

EXAMPLE = Path(__file__).parents[2] / "examples" / "quickstart.py"

LOADING = """
import sys
sys.modules["keras_glove"] = None  # an import of it would fail
import keras, numpy as np
model = keras.models.load_model("out/best.keras")
assert model.predict(np.zeros((2, 8, 8, 1), "float32"), verbose=0).shape == (2, 10)
print(type(model).__name__)
"""

SHORT = ["--epochs", "1", "--random", "2", "--seeds", "2", "--out", "out"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--search-epochs", "4"], ["most likely:", "found, inherited weights", "cost_ratio"]),
        (["--algorithm", "evolution", "--trials", "2"], ["found"]),
    ],
)
def test_it_searches_compares_draws_and_saves(
    tmp_path: Path, options: list[str], expected: list[str]
) -> None:
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

    shown = run(str(EXAMPLE), *SHORT, *options)
    for line in ("static", "median of 2 random", "best of 2 random", *expected):
        assert line in shown
    assert (tmp_path / "out" / "search.png").stat().st_size > 5000
    assert run("-c", LOADING).strip() == "Functional"


def load() -> Any:
    spec = importlib.util.spec_from_file_location("quickstart", EXAMPLE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["quickstart"] = module
    spec.loader.exec_module(module)
    return module


def test_only_the_algorithm_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    example = load()
    searched = {}

    class Stop(Exception):
        pass

    def fit(self: Any, x: Any, y: Any, **arguments: Any) -> None:
        searched["one_shot"] = kg.program(self), self.optimizer.get_config(), arguments
        raise Stop

    def search(program: Any, objective: Any, *arguments: Any, **keywords: Any) -> None:
        searched["evolution"] = program, objective
        raise Stop

    monkeypatch.setattr(example.ResidualNet, "fit", fit)
    monkeypatch.setattr(kg, "search", search)
    splits = example.data.load("digits")
    for name, run in (("one_shot", example.one_shot), ("evolution", example.black_box)):
        with pytest.raises(Stop):
            run(splits, example.parse_options(["--algorithm", name]))
    mine, theirs = searched["one_shot"][0], searched["evolution"][0]
    assert kg.SearchSpace(mine) == kg.SearchSpace(theirs)
    assert str(mine) == str(theirs)  # the same class and arguments
    assert kg.SearchSpace(mine).size == 3 * (4 * 2 * 2 * 3) ** 2


def test_the_static_network_is_one_of_the_space() -> None:
    example = load()
    static = kg.program(example.static_model())
    dna = kg.encode(kg.program(example.ResidualNet, **example.search_space()), static)
    assert kg.materialize(kg.program(example.ResidualNet, **example.search_space()), dna) == static

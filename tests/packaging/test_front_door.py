"""What `import keras_glove as kg` offers: few names, each of them there on purpose."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import keras_glove as kg

ROOT = Path(__file__).parents[2]

NAMES_IN_ORDER = """
    DNA FitObjective Model SearchCallback SearchSpace Sequential Study algorithms build
    clone constrain cost diff encode errors evolve executors floatv flows from_json intv layers
    manyof materialize oneof ops optimizers partial permutate plot program query rebind sample
    search symbolize to_json to_keras tpu trace
"""
NAMES = NAMES_IN_ORDER.split()


def test_the_names() -> None:
    assert sorted(kg.__all__) == NAMES
    assert len(NAMES) <= 40
    assert all(hasattr(kg, name) for name in NAMES)


def test_importing_it_says_and_warns_of_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "import keras_glove"],
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == ""
    assert "keras_glove" not in done.stderr


def test_readme_blocks_are_short_and_run() -> None:
    blocks = python_blocks(ROOT / "README.md")
    assert blocks
    for block in blocks:
        assert len(block.splitlines()) <= 25
        exec(compile(block, "README.md", "exec"), {"__name__": "readme"})


def python_blocks(page: Path) -> list[str]:
    """The code of each block of a page that is marked as Python."""
    parts = page.read_text().split("```python\n")[1:]
    return [part.split("```", 1)[0] for part in parts]

"""The rooms stand where the design says, and the examples in all of them run."""

from __future__ import annotations

import doctest
import importlib
import importlib.metadata
import pkgutil
import re
from pathlib import Path
from types import ModuleType

import pytest

from keras_glove import _version, callbacks, tpu

ROOT = Path(__file__).parents[2]


def modules(room: ModuleType) -> list[str]:
    """A room and all in it; for those that `--doctest-modules keras_glove` does not see."""
    inner = pkgutil.walk_packages(room.__path__, f"{room.__name__}.")
    return [room.__name__, *(module.name for module in inner)]


@pytest.mark.parametrize("room", ["callbacks", "tpu"])
def test_a_room_is_known_by_its_full_name_only(room: str) -> None:
    module = importlib.import_module(f"keras_glove.{room}")
    assert module.__name__ == f"keras_glove.{room}"
    assert Path(str(module.__file__)).parent.name == room
    assert room not in importlib.metadata.packages_distributions()


@pytest.mark.parametrize("name", modules(callbacks) + modules(tpu))
def test_the_examples_run(name: str) -> None:
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    failed, _ = doctest.testmod(importlib.import_module(name), optionflags=flags)
    assert failed == 0


def test_the_version_stands_in_one_place() -> None:
    version = importlib.metadata.version("keras_glove")
    assert _version.__version__ == version
    holders = [
        path.relative_to(ROOT).as_posix()
        for pattern in ("*.py", "*.toml", "keras_glove/**/*.py", "callbacks/**/*.py", "tpu/**/*.py")
        for path in ROOT.glob(pattern)
        if re.search(rf"version\w* *= *[\"']{re.escape(version)}[\"']", path.read_text())
    ]
    assert holders == ["keras_glove/_version.py"]

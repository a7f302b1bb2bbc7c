"""What a user installs, looked at from outside."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path

import pytest

from keras_glove import _version

ROOT = Path(__file__).parents[2]
ROOMS = {
    "keras_glove": "keras_glove",
    "callbacks": "keras_glove/callbacks",
    "tpu": "keras_glove/tpu",
}
SOURCES = [*ROOMS, "setup.py", "pyproject.toml", "README.md", "LICENSE", "MANIFEST.in", "tests"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """Built from a copy: setuptools leaves files where it builds, and packs what it finds left."""
    copy = tmp_path_factory.mktemp("source")
    for name in SOURCES:
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, copy / name)
    wheels = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--wheel-dir", str(wheels), str(copy)], check=True)
    with zipfile.ZipFile(next(wheels.glob("*.whl"))) as archive:
        yield archive


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> Message:
    name = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return HeaderParser().parsestr(wheel.read(name).decode())


def test_it_holds_every_module_of_every_room_and_no_other(wheel: zipfile.ZipFile) -> None:
    expected = {
        f"{target}/{path.relative_to(ROOT / room).as_posix()}"
        for room, target in ROOMS.items()
        for path in (ROOT / room).rglob("*.py")
    }
    assert {name for name in wheel.namelist() if name.endswith(".py")} == expected


def test_it_claims_one_name_and_carries_types_and_licence(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    tops = {name.split("/")[0] for name in names}
    dist_info = f"keras_glove-{_version.__version__}.dist-info"
    assert tops == {"keras_glove", dist_info}
    assert "keras_glove/py.typed" in names
    assert f"{dist_info}/licenses/LICENSE" in names


def test_its_metadata(metadata: Message) -> None:
    assert metadata["Version"] == _version.__version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.10"


def test_every_dependency_has_both_bounds(metadata: Message) -> None:
    unbounded = [
        line
        for line in metadata.get_all("Requires-Dist", [])
        if not line.startswith(("keras_glove[", "setuptools")) and not {"<", ">="} <= _signs(line)
    ]
    assert unbounded == []


def _signs(requirement: str) -> set[str]:
    return {sign for sign in ("<", ">=") if sign in requirement.split(";")[0]}

"""A small table that many tests ask."""

from __future__ import annotations

from pathlib import Path

import pytest

from keras_glove.benchmarks.nasbench101 import NASBench
from tests.nasbench101.tables import write_table


@pytest.fixture(scope="session")
def record_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All 91 cells of up to 4 vertices, 3 repeats at 4 and 108 epochs; not to be changed."""
    return write_table(tmp_path_factory.mktemp("records") / "small.tfrecord")


@pytest.fixture
def table(record_file: Path) -> NASBench:
    """The table of `record_file`, with nothing spent."""
    return NASBench(record_file, seed=0)

"""Each training ends with a garbage collection: here one of the test's own objects alone."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="package", autouse=True)
def collect_only_what_tests_make() -> Iterator[None]:
    """Hides from the collector what was imported, which makes a collection 20 times as fast."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()

"""What every test needs: quiet TensorFlow, fixed seeds, slow tests last.

Nothing here imports Keras or TensorFlow, so tests that do without stay quick.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator

import hypothesis
import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever the user's ~/.keras/keras.json says

# A slow machine is no failure; and CI must not fail, or pass, by the luck of a draw.
_slow = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
hypothesis.settings.register_profile("default", **_slow)
hypothesis.settings.register_profile("ci", **_slow, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)


@pytest.fixture(autouse=True)
def fresh_state() -> Iterator[None]:
    """Seed every generator before a test, and forget Keras's global state after it."""
    random.seed(0)
    np.random.seed(0)  # Keras's own data adapters shuffle with the global generator
    if "tensorflow" in sys.modules:
        sys.modules["tensorflow"].random.set_seed(0)
    yield
    if "keras" in sys.modules:
        sys.modules["keras"].utils.clear_session(free_memory=False)

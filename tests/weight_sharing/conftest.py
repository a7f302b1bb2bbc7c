"""What saving in Keras warns of on its own account."""

from __future__ import annotations

import pytest

# Keras 3.15 turns TensorFlow's tensors into NumPy 2 arrays by a method that NumPy deprecates.
_NUMPY = "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/weight_sharing" in item.path.as_posix():
            item.add_marker(pytest.mark.filterwarnings(_NUMPY))

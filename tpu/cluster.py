"""Reads the cluster of hosts that the environment variable TF_CONFIG describes."""

from __future__ import annotations

import json
import os

from keras_glove.errors import StrategyError


def workers() -> list[str]:
    """The addresses of the training workers, chief first; empty without TF_CONFIG.

    Raises:
        StrategyError: TF_CONFIG is not JSON of the form that TensorFlow expects.
    """
    text = os.environ.get("TF_CONFIG", "")
    if not text.strip():
        return []
    try:
        jobs = json.loads(text).get("cluster", {})
        addresses = [*jobs.get("chief", []), *jobs.get("worker", [])]
    except (ValueError, AttributeError, TypeError) as error:
        raise StrategyError(
            'Expected TF_CONFIG to be like {"cluster": {"worker": ["host:port", ...]}, '
            f'"task": {{"type": "worker", "index": 0}}}}, received {text!r}: {error}.'
        ) from error
    return [str(address) for address in addresses]

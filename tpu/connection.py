"""Connects this process to a TPU."""

from __future__ import annotations

import os

import tensorflow as tf

from keras_glove.errors import StrategyError
from keras_glove.tpu.failures import first_line
from keras_glove.tpu.placement import Placement

NAME_VARIABLE = "TPU_NAME"

# All that TensorFlow raises where the TPU, its driver, the network or Google's client is missing.
FAILURES = (ValueError, ImportError, OSError, RuntimeError, tf.errors.OpError)


def find() -> tuple[str, str] | None:
    """The TPU that this machine points to and how that is known, or None."""
    name = os.environ.get(NAME_VARIABLE)
    if name:
        return name, f"{NAME_VARIABLE}={name} is set"
    if tf.config.list_physical_devices("TPU"):
        return "local", "TensorFlow sees a TPU on this machine"
    return None


def connect(name: str | None = None) -> Placement:
    """Connects to a TPU, initialises it, and places one replica on each of its cores.

    Call it before anything is computed: initialising wipes what the TPU holds.

    Args:
        name: the name or the `grpc://` address of a TPU; "local" for the one of this machine
            (a TPU VM); None for the one that `TPU_NAME` names, else the local one.

    Returns:
        the placement, with a `tf.distribute.TPUStrategy`.

    Raises:
        StrategyError: there is no TPU, or it does not answer.

    Example:
        >>> from keras_glove import tpu
        >>> tpu.connect("local")  # doctest: +SKIP
        tpu: 8 replicas on the TPU "local"; asked for by name
    """
    if name is None:
        return connect_found()
    return _connect(name, "asked for by name")


def connect_found() -> Placement:
    """Connects to the TPU that `find` finds."""
    found = find()
    if found is None:
        raise StrategyError(
            f"Expected a TPU: {NAME_VARIABLE} is not set, and TensorFlow {tf.__version__} sees no "
            "TPU on this machine. Pass the name of one, `tpu.connect(name)`; on a TPU VM install "
            "tensorflow-tpu; without a TPU use `tpu.strategy()`."
        )
    return _connect(*found)


def _connect(name: str, reason: str) -> Placement:
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver.connect(name)
        strategy = tf.distribute.TPUStrategy(resolver)
    except FAILURES as error:
        raise StrategyError(
            f"Expected a TPU called {name!r} ({reason}), but connecting to it failed: "
            f"{first_line(error)} Check the name, that the TPU runs in this zone and project, "
            f"and that tensorflow-tpu is installed, not plain tensorflow {tf.__version__}."
        ) from error
    return Placement(strategy, "tpu", f'the TPU "{name}"', reason)

"""Chooses a `tf.distribute` strategy by name, or by what the machine has."""

from __future__ import annotations

import functools
from collections.abc import Callable

import tensorflow as tf

from keras_glove.errors import StrategyError
from keras_glove.tpu import cluster
from keras_glove.tpu.connection import connect_found, find
from keras_glove.tpu.failures import first_line
from keras_glove.tpu.placement import Placement

BY_NAME = "asked for by name"


def strategy(kind: str = "auto") -> Placement:
    """The distribution strategy called `kind`, or the one that fits this machine.

    "auto" takes the first that is there: a TPU (`TPU_NAME` is set, or TensorFlow sees one), several
    workers (`TF_CONFIG`), several GPUs, one device. What was found but does not work is an error,
    never a reason to take the next. Call it before anything is computed, and make models inside
    its scope.

    Args:
        kind: "auto"; "one", the first GPU or else the CPU; "mirrored", a replica on each GPU, or on
            each logical CPU where there is no GPU; "multi_worker", the cluster of `TF_CONFIG`;
            "tpu", the same as `tpu.connect()`.

    Returns:
        the placement; it says in one line, also in the log of `keras_glove.tpu`, what and why.

    Raises:
        StrategyError: `kind` is unknown, or its devices or cluster are not there.

    Example:
        >>> from keras_glove import tpu
        >>> tpu.strategy("one").kind
        'one'
        >>> tpu.strategy("two")
        Traceback (most recent call last):
        ...
        keras_glove.errors.StrategyError: Expected one of 'auto', 'mirrored', 'multi_worker', ...
    """
    if kind == "auto":
        return _auto()
    if kind == "tpu":
        return connect_found()
    if kind not in MAKERS:
        names = ", ".join(map(repr, sorted(["auto", "tpu", *MAKERS])))
        raise StrategyError(f"Expected one of {names} as the strategy, received {kind!r}.")
    return MAKERS[kind](BY_NAME)


def _auto() -> Placement:
    if find() is not None:
        return connect_found()
    workers = cluster.workers()
    if len(workers) > 1:
        return _multi_worker(f"TF_CONFIG names {len(workers)} workers")
    gpus = len(tf.config.list_physical_devices("GPU"))
    if gpus > 1:
        return _mirrored(
            f"this machine has {gpus} GPUs, no TPU and no TF_CONFIG of several workers"
        )
    return _one("this machine has no TPU, no TF_CONFIG of several workers, and no two GPUs")


def _one(reason: str) -> Placement:
    device = "GPU:0" if tf.config.list_physical_devices("GPU") else "CPU:0"
    return Placement(tf.distribute.OneDeviceStrategy(device), "one", device, reason)


def _mirrored(reason: str) -> Placement:
    kind = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    devices = [f"{kind}:{i}" for i in range(len(tf.config.list_logical_devices(kind)))]
    return Placement(_mirrored_on(tuple(devices)), "mirrored", ", ".join(devices), reason)


@functools.cache
def _mirrored_on(devices: tuple[str, ...]) -> tf.distribute.Strategy:
    """One strategy for the same devices: a second one would number its collectives like the first.

    TensorFlow then takes the all-reduce of one for that of the other, and aborts.
    """
    return tf.distribute.MirroredStrategy(list(devices))


def _multi_worker(reason: str) -> Placement:
    workers = cluster.workers()
    if not workers:
        raise StrategyError(
            "Expected TF_CONFIG to name the workers of a cluster, but it names none. Set it on "
            'each worker, e.g. {"cluster": {"worker": ["host1:2222", "host2:2222"]}, '
            '"task": {"type": "worker", "index": 0}}.'
        )
    try:
        made = tf.distribute.MultiWorkerMirroredStrategy()
    except (RuntimeError, ValueError, tf.errors.OpError) as error:
        raise StrategyError(
            f"The cluster of TF_CONFIG cannot be joined: {first_line(error)} Make the strategy "
            "before anything is computed, and check that `task` names this worker."
        ) from error
    return Placement(made, "multi_worker", f"the workers {', '.join(workers)}", reason)


MAKERS: dict[str, Callable[[str], Placement]] = {
    "one": _one,
    "mirrored": _mirrored,
    "multi_worker": _multi_worker,
}

"""Measured latencies: how long each variant of an operation takes on a device, as a table.

As in TuNAS (Bender et al., CVPR 2020, arXiv:2008.06120), which fits the cost of an operation to
its numbers of filters, so that few of these are measured and the others lie on a line between.
"""

from __future__ import annotations

import itertools
import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf

from keras_glove.errors import CostError

__all__ = ["Latencies", "LatencyTable", "measure"]

VERSION = 1
"""Of the JSON form."""

Knots = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class LatencyTable:
    """Milliseconds of one operation over its numbers, such as its filters.

    Attributes:
        sizes: for each number the values that were measured, ascending.
        ms: for each combination its milliseconds, in the order of `itertools.product`.

    >>> table = LatencyTable(((16.0, 32.0),), (2.0, 4.0))
    >>> table(16), table(24)
    (2.0, 3.0)
    """

    sizes: Knots
    ms: tuple[float, ...]

    def __call__(self, *numbers: float) -> float:
        """Milliseconds, linear between what was measured.

        Raises:
            CostError: for numbers beyond those that were measured, or too few or many of them.
        """
        if len(numbers) != len(self.sizes):
            raise CostError(f"Expected {len(self.sizes)} numbers, received {numbers}.")
        grid = np.reshape(np.array(self.ms), [len(knots) for knots in self.sizes])
        for knots, number in zip(self.sizes, numbers, strict=True):
            if not knots[0] <= number <= knots[-1]:
                raise CostError(
                    f"Expected a number from {knots[0]:g} to {knots[-1]:g}, which were measured, "
                    f"received {number}. Measure further sizes."
                )
            right = min(max(int(np.searchsorted(knots, number)), 1), len(knots) - 1)
            if len(knots) == 1:
                grid = grid[0]
                continue
            low, high = knots[right - 1], knots[right]
            share = (number - low) / (high - low)
            grid = (1 - share) * grid[right - 1] + share * grid[right]
        return float(grid)


@dataclass(frozen=True)
class Latencies:
    """Tables of operations by name, and where they were measured.

    Attributes:
        device: its name.
        tensorflow: the version.
        batch_size: examples per call.
        tables: by name of the operation.
    """

    device: str
    tensorflow: str
    batch_size: int
    tables: Mapping[str, LatencyTable]

    def __getitem__(self, name: str) -> LatencyTable:
        if name not in self.tables:
            raise CostError(f"Expected one of {sorted(self.tables)}, received {name!r}.")
        return self.tables[name]

    def save(self, path: str | Path) -> None:
        """Writes them as JSON."""
        tables = {
            name: {"sizes": [list(knots) for knots in table.sizes], "ms": list(table.ms)}
            for name, table in self.tables.items()
        }
        facts = {"device": self.device, "tensorflow": self.tensorflow}
        content = {"version": VERSION, **facts, "batch_size": self.batch_size, "tables": tables}
        Path(path).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Latencies:
        """Reads what `save` wrote.

        Raises:
            CostError: if the file holds something else, or is of a later version.
        """
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
            if content["version"] != VERSION:
                raise CostError(
                    f"Expected latencies of version {VERSION}, received version "
                    f"{content['version']!r} in {str(path)!r}. Measure them anew."
                )
            tables = {str(name): _table(item) for name, item in content["tables"].items()}
            facts = str(content["device"]), str(content["tensorflow"]), int(content["batch_size"])
        except (KeyError, TypeError, AttributeError, UnicodeDecodeError, ValueError) as error:
            if isinstance(error, CostError):
                raise
            raise CostError(
                f"Expected a file that `Latencies.save` wrote, received {str(path)!r} ({error})."
            ) from error
        return cls(*facts, tables)


def _table(item: Any) -> LatencyTable:
    sizes = tuple(tuple(map(float, knots)) for knots in item["sizes"])
    ms = tuple(map(float, item["ms"]))
    return _checked(LatencyTable(sizes, ms))


def _checked(table: LatencyTable) -> LatencyTable:
    count = int(np.prod([len(knots) for knots in table.sizes]))
    rising = all(list(knots) == sorted(set(knots)) and knots for knots in table.sizes)
    if count != len(table.ms) or not rising or not np.isfinite(table.ms).all():
        raise CostError(
            f"Expected ascending sizes and finite milliseconds for each of {count} combinations, "
            f"received {table!r}."
        )
    return table


Operation: TypeAlias = Any
"""A layer; or a function of numbers that makes one, and the values of each of them."""


def measure(
    child_ops: Mapping[str, Operation],
    device: str | None = None,
    *,
    input_shapes: Mapping[str, Any] | Any,
    batch_size: int = 1,
    warm_up: int = 3,
    repeats: int = 10,
    clock: Callable[[], float] = time.perf_counter,
) -> Latencies:
    """Times operations, one by one, and makes tables of their medians.

    Args:
        child_ops: by name a layer; or a function of numbers that makes one, and for each of its
            numbers the values to measure: `(lambda filters: Conv2D(filters, 3), [[16, 32, 64]])`.
        device: a name of TensorFlow, such as "CPU:0" or "GPU:0"; None for where it would run.
        input_shapes: the shape of one example, without the batch; or by name of the operation a
            shape, or a function of its numbers that gives it.
        batch_size: examples per call.
        warm_up: calls before those that count.
        repeats: calls, of whose times the median is taken.
        clock: gives seconds.

    Raises:
        CostError: if there is no such device, or nothing to measure.

    >>> import keras
    >>> found = measure({"dense": (keras.layers.Dense, [[4, 8]])}, "CPU:0", input_shapes=(3,))
    >>> found["dense"](6) > 0
    True
    """
    if not child_ops or warm_up < 0 or repeats < 1 or batch_size < 1:
        raise CostError(
            "Expected operations, warm_up of at least 0, repeats and batch_size of at least 1, "
            f"received {len(child_ops)} operations, {warm_up}, {repeats} and {batch_size}."
        )
    place = _device(device)

    def table(name: str, operation: Operation) -> LatencyTable:
        make, sizes = operation if isinstance(operation, tuple) else ((lambda: operation), [])
        knots = tuple(tuple(sorted(set(values))) for values in sizes)
        times = []
        for numbers in itertools.product(*knots):
            shape = _shape(input_shapes, name, numbers)
            run = _runner(make(*numbers), shape, batch_size, place)
            times.append(_median(run, warm_up, repeats, clock))
        return _checked(LatencyTable(knots, tuple(times)))

    tables = {name: table(name, operation) for name, operation in child_ops.items()}
    return Latencies(_name(place), tf.__version__, batch_size, tables)


def _device(device: str | None) -> str:
    found = [one.name for one in tf.config.list_logical_devices()]
    if device is None:
        return next((n for n in found if n.endswith("GPU:0")), found[0])
    match = next((name for name in found if name.endswith(device.removeprefix("/"))), None)
    if match is None:
        raise CostError(f"Expected one of the devices {found}, received {device!r}.")
    return match


def _name(place: str) -> str:
    """What the device calls itself, or else what TensorFlow calls it."""
    for one in tf.config.list_physical_devices():
        if place.endswith(one.name.removeprefix("/physical_device:")):
            details = tf.config.experimental.get_device_details(one)
            return str(details.get("device_name", place))
    return place


def _shape(shapes: Any, name: str, numbers: Sequence[float]) -> Sequence[int]:
    shape = shapes[name] if isinstance(shapes, Mapping) else shapes
    found: Sequence[int] = shape(*numbers) if callable(shape) else shape
    return found


def _runner(layer: Any, shape: Sequence[int], batch: int, place: str) -> Callable[[], object]:
    with tf.device(place):
        x = tf.random.stateless_uniform((batch, *shape), seed=(0, 0))
        layer(x)
        function = tf.function(lambda: layer(x, training=False) if _phased(layer) else layer(x))

    def run() -> object:
        with tf.device(place):
            return [part.numpy() for part in tf.nest.flatten(function())]  # waits for the device

    return run


def _phased(layer: Any) -> bool:
    return bool(getattr(layer, "_call_has_training_arg", False))


def _median(
    run: Callable[[], object], warm_up: int, repeats: int, clock: Callable[[], float]
) -> float:
    for _ in range(warm_up):
        run()
    times = []
    for _ in range(repeats):
        start = clock()
        run()
        times.append(1e3 * (clock() - start))
    return statistics.median(times)

"""A table as columns of numbers, in memory or in a file that is opened by memory map.

The file is a magic text and the length and checksum of a header; the header, JSON, which names
the columns and where they stand; and the columns, little-endian, each with a checksum.
"""

from __future__ import annotations

import json
import math
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np

from keras_glove.errors import RecordError

__all__ = ["ACCURACIES", "MAGIC", "METRICS", "Columns", "Header"]

Array = np.ndarray[Any, Any]

MAGIC: Final = b"keras_glove.nasbench101\n"
VERSION: Final = 1

ACCURACIES: Final = ("train_accuracy", "validation_accuracy", "test_accuracy")
METRICS: Final = ("training_time", *ACCURACIES)
STAGES: Final = ("halfway", "final")

_PREFIX: Final = struct.Struct("<24sIII")  # magic, version, length and checksum of the header
_ALIGNMENT: Final = 64


@dataclass(frozen=True)
class Header:
    """What a table tells of itself.

    Attributes:
        epochs: the budgets, ascending, in epochs.
        num_repeats: trainings of each cell at each budget.
        source: of the record file its "name", its "size" in bytes, and "modified", its time of
            modification in nanoseconds; empty for a table that has none.
    """

    epochs: tuple[int, ...]
    num_repeats: int
    source: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Columns:
    """The numbers of a table; its rows are cells, in ascending order of their hashes.

    Attributes:
        header: what the table tells of itself.
        arrays: the columns by name. Of shape `(cells,)`: "code", "parameters"; of shape
            `(cells, 16)`: "digest", the bytes of the hashes; of shape `(cells, epochs, repeats)`
            each of `METRICS` with "halfway_" and "final_" before it, seconds as float64 and
            fractions as float32 where that loses nothing; of shape `(codes,)`: "index_code",
            ascending, all codes that the cells and their isomorphic ones have, and
            "index_row", the rows they belong to.
    """

    header: Header
    arrays: Mapping[str, Array]

    def __len__(self) -> int:
        return len(self.arrays["code"])

    def write(self, stream: BinaryIO) -> None:
        """Writes the whole file."""
        document = {
            "epochs": list(self.header.epochs),
            "num_repeats": self.header.num_repeats,
            "source": dict(self.header.source),
            "columns": self._places(),
        }
        text = json.dumps(document).encode()
        stream.write(_PREFIX.pack(MAGIC, VERSION, len(text), zlib.crc32(text)))
        stream.write(text)
        position = _PREFIX.size + len(text)
        for array in self.arrays.values():
            padding = -position % _ALIGNMENT
            stream.write(bytes(padding))
            stream.write(_little_endian(array).data)
            position += padding + array.nbytes

    def _places(self) -> list[dict[str, Any]]:
        return [
            {
                "name": name,
                "dtype": array.dtype.newbyteorder("<").str,
                "shape": list(array.shape),
                "checksum": zlib.crc32(_little_endian(array).data),
            }
            for name, array in self.arrays.items()
        ]

    @classmethod
    def open(cls, path: Path) -> Columns:
        """Opens a file by memory map; its header is checked, its columns with `verify` only.

        Raises:
            RecordError: if it is not such a file, or not a whole one, or of another version.
            OSError: if it cannot be read.
        """
        data: Array = np.memmap(path, dtype=np.uint8, mode="r") if path.stat().st_size else _NONE
        document, position = _read_header(data, path)
        try:
            header = Header(tuple(document["epochs"]), document["num_repeats"], document["source"])
            arrays = _arrays(data, document["columns"], position, path)
            _check_shapes(header, arrays)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            if isinstance(error, RecordError):
                raise
            raise RecordError(f"{path} is damaged: its header cannot be: {error!r}.") from error
        return cls(header, arrays)

    @classmethod
    def verify(cls, path: Path) -> Columns:
        """Opens a file and compares the checksum of every column.

        Raises:
            RecordError: if one is wrong; and as `open`.
        """
        columns = cls.open(path)
        document, _ = _read_header(np.memmap(path, dtype=np.uint8, mode="r"), path)
        for column in document["columns"]:
            array = columns.arrays[column["name"]]
            if zlib.crc32(np.ascontiguousarray(array).data) != column["checksum"]:
                raise RecordError(
                    f"{path} is damaged: its column {column['name']!r} does not have the checksum "
                    "that is stored with it. Remove the file; it is made anew from the records."
                )
        return columns


def _arrays(data: Array, columns: Any, position: int, path: Path) -> dict[str, Array]:
    """The columns as views of the file."""
    arrays = {}
    for column in columns:
        dtype, shape = np.dtype(column["dtype"]), tuple(column["shape"])
        if dtype.kind not in "uif" or not all(type(n) is int and n >= 0 for n in shape):
            raise ValueError(f"no column is {dtype} of shape {shape}")
        position += -position % _ALIGNMENT
        size = dtype.itemsize * math.prod(shape)
        if position + size > len(data):
            raise RecordError(f"expected a whole table, received one that is cut off: {path}.")
        arrays[column["name"]] = data[position : position + size].view(dtype).reshape(shape)
        position += size
    if set(arrays) != _COLUMNS:
        raise ValueError(f"the columns are {sorted(arrays)}")
    return arrays


def _check_shapes(header: Header, arrays: Mapping[str, Array]) -> None:
    numbers = [*header.epochs, header.num_repeats]
    if not all(type(number) is int and number > 0 for number in numbers):
        raise ValueError(f"no table has {header}")
    cells, codes = arrays["code"].shape[:1], arrays["index_code"].shape[:1]
    trainings = (*cells, len(header.epochs), header.num_repeats)
    shapes = dict.fromkeys(_COLUMNS, trainings)
    shapes |= {"code": cells, "parameters": cells, "digest": (*cells, 16)}
    shapes |= {"index_code": codes, "index_row": codes}
    for name, array in arrays.items():
        if array.shape != shapes[name]:
            raise ValueError(f"{name} has the shape {array.shape}, not {shapes[name]}")


_COLUMNS: Final = frozenset(
    ["code", "parameters", "digest", "index_code", "index_row"]
    + [f"{stage}_{metric}" for stage in STAGES for metric in METRICS]
)

_NONE = np.zeros(0, dtype=np.uint8)


def _little_endian(array: Array) -> Array:
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).reshape(-1)


def _read_header(data: Array, path: Path) -> tuple[dict[str, Any], int]:
    """The header, and where it ends."""
    prefix = data[: _PREFIX.size].tobytes()
    if len(prefix) < _PREFIX.size or not prefix.startswith(MAGIC):
        raise RecordError(f"expected a converted table of NAS-Bench-101, received {path}.")
    _, version, length, checksum = _PREFIX.unpack(prefix)
    if version != VERSION:
        raise RecordError(
            f"expected a table of version {VERSION}, received version {version}: {path}. Another "
            "version of keras_glove made it; remove the file, and it is made anew."
        )
    text = data[_PREFIX.size : _PREFIX.size + length].tobytes()
    if zlib.crc32(text) != checksum:
        raise RecordError(f"{path} is damaged: its header does not have the right checksum.")
    return json.loads(text), _PREFIX.size + length

"""Files of records (TFRecord): how they are framed, without TensorFlow.

A record is its length (8 bytes, little-endian), the masked checksum of the length, the data, and
the masked checksum of the data.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, Final, NamedTuple

import numpy as np

from keras_glove.benchmarks.nasbench101.checksums import Bytes, Places, crc32c, mask, masked_crc32c
from keras_glove.errors import RecordError

__all__ = ["OVERHEAD", "Chunk", "frame", "frame_all", "read_records"]

_LENGTH: Final = struct.Struct("<Q")
_CHECKSUM: Final = struct.Struct("<I")
_HEADER: Final = _LENGTH.size + _CHECKSUM.size
OVERHEAD: Final = _HEADER + _CHECKSUM.size
"""The bytes of a record beside its data."""

_CHUNK: Final = 1 << 23
_LARGEST: Final = 1 << 24
_GZIP: Final = b"\x1f\x8b"


class Chunk(NamedTuple):
    """Some records that stand one after the other.

    Attributes:
        first: the number of the first one; the first of a file is 0.
        records: their data.
        end: the place in the file behind the last one, in bytes.
    """

    first: int
    records: list[bytes]
    end: int


def frame(data: bytes) -> bytes:
    """A record as it stands in a file.

    >>> len(frame(b"123"))
    19
    """
    length = _LENGTH.pack(len(data))
    checksums = [_CHECKSUM.pack(masked_crc32c(part)) for part in (length, data)]
    return length + checksums[0] + data + checksums[1]


def frame_all(records: Sequence[bytes]) -> bytes:
    """Many records as they stand in a file, one after the other; much faster than one by one."""
    lengths = np.array([len(record) for record in records], dtype=np.int64)
    heads = lengths.astype("<u8").view(np.uint8)
    data = np.frombuffer(b"".join(records), dtype=np.uint8)
    places = np.arange(len(records)) * _LENGTH.size
    stops = np.cumsum(lengths)
    head_sums = mask(crc32c(heads, places, places + _LENGTH.size))
    data_sums = mask(crc32c(data, stops - lengths, stops))
    parts = []
    for record, head, tail in zip(records, head_sums.tolist(), data_sums.tolist(), strict=True):
        parts += [_LENGTH.pack(len(record)), _CHECKSUM.pack(head), record, _CHECKSUM.pack(tail)]
    return b"".join(parts)


def read_records(
    stream: BinaryIO, name: str, on_read: Callable[[int], None] | None = None
) -> Iterator[Chunk]:
    """Reads a file in chunks and checks every checksum.

    Args:
        stream: the file, at its beginning.
        name: for messages.
        on_read: called with the number of bytes that were just read.

    Raises:
        RecordError: where a record is damaged or the file ends inside one, after all chunks
            before it; and for a file that is empty, compressed, or of another format.
    """
    reader = _Reader(name)
    left = b""
    while data := stream.read(_CHUNK):
        if on_read is not None:
            on_read(len(data))
        buffer = left + data
        if not reader.place:
            _check_format(buffer, name)
        before = reader.place
        yield from reader.read(buffer)
        left = buffer[reader.place - before :]
    if left:
        raise RecordError(
            f"{name}: row {reader.row} is cut off: the file ends {len(left)} bytes behind its "
            f"beginning at byte {reader.place}. The download or copy is not complete; get the "
            "file again."
        )
    if not reader.row:
        raise RecordError(f"expected a file of records, received an empty one: {name}.")


def _check_format(buffer: bytes, name: str) -> None:
    if buffer.startswith(_GZIP):
        raise RecordError(
            f"expected a file of records, received a compressed one: {name}. Decompress it first, "
            f"for example with `gunzip`."
        )
    if len(buffer) >= _HEADER and not _header_is_right(buffer, 0):
        raise RecordError(
            f"expected a file of records (TFRecord), received another format: {name} begins with "
            f"{buffer[:_HEADER]!r}, which is not the length of a record and its checksum."
        )


def _header_is_right(buffer: bytes, place: int) -> bool:
    length = buffer[place : place + _LENGTH.size]
    stored = _CHECKSUM.unpack_from(buffer, place + _LENGTH.size)[0]
    return bool(masked_crc32c(length) == stored)


class _Reader:
    """Reads whole records, one buffer after the other.

    Attributes:
        row: the number of the next record.
        place: where it begins in the file, in bytes.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self.row = 0
        self.place = 0

    def read(self, buffer: bytes) -> Iterator[Chunk]:
        """The whole records of a buffer, which begins at `place`, up to the first damaged one."""
        if len(buffer) < _HEADER:
            return
        starts, stops, misfit = _find(buffer)
        array = np.frombuffer(buffer, dtype=np.uint8)
        heads = starts - _HEADER
        # First the lengths: where one is wrong, all that seems to follow is meaningless.
        right = _are_right(array, heads, heads + _LENGTH.size)
        lengths = _first_false(right)
        data = _first_false(_are_right(array, starts[:lengths], stops[:lengths]))
        begin, self.row = self.row, self.row + data
        origin, self.place = self.place, self.place + _end(stops[:data])
        if data:
            pieces = zip(starts[:data].tolist(), stops[:data].tolist(), strict=True)
            yield Chunk(begin, [buffer[start:stop] for start, stop in pieces], self.place)
        if data < lengths:
            raise self._damaged("data")
        if lengths < len(starts) or (misfit and not _header_is_right(buffer, self.place - origin)):
            raise self._damaged("length")
        if len(buffer) - (self.place - origin) > _LARGEST:
            raise RecordError(
                f"{self._name}: row {self.row}, at byte {self.place}, has more than {_LARGEST} "
                "bytes; rows of NAS-Bench-101 have less than a thousand. It is another file."
            )

    def _damaged(self, what: str) -> RecordError:
        return RecordError(
            f"{self._name}: row {self.row}, at byte {self.place}, is damaged: its {what} does not "
            "have the checksum that is stored with it. Get the file again."
        )


def _find(buffer: bytes) -> tuple[Places, Places, bool]:
    """Where data begin and end, and whether a further record seems not to end in the buffer."""
    starts, stops = [], []
    position, end, length_at = 0, len(buffer), _LENGTH.unpack_from
    while position + _HEADER <= end:
        stop = position + _HEADER + length_at(buffer, position)[0]
        if stop + _CHECKSUM.size > end:
            break
        starts.append(position + _HEADER)
        stops.append(stop)
        position = stop + _CHECKSUM.size
    misfit = position + _HEADER <= end
    return np.array(starts, dtype=np.int64), np.array(stops, dtype=np.int64), misfit


def _are_right(array: Bytes, starts: Places, stops: Places) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Whether pieces have the checksums that stand behind them."""
    stored = np.lib.stride_tricks.sliding_window_view(array, _CHECKSUM.size)[stops]
    right: np.ndarray[Any, np.dtype[np.bool_]] = (
        mask(crc32c(array, starts, stops)) == stored.view("<u4")[:, 0]
    )
    return right


def _first_false(flags: np.ndarray[Any, np.dtype[np.bool_]]) -> int:
    return int(np.argmin(flags)) if not flags.all() else len(flags)


def _end(stops: Places) -> int:
    return int(stops[-1]) + _CHECKSUM.size if len(stops) else 0

"""Files of records (TFRecord): how they are framed, without TensorFlow.

A record is its length (8 bytes, little-endian), the masked checksum of the length, the data, and
the masked checksum of the data.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final, NamedTuple

import numpy as np

from keras_glove.benchmarks.nasbench101.checksums import crc32c, mask, masked_crc32c
from keras_glove.errors import RecordError

__all__ = ["OVERHEAD", "Chunk", "frame", "read_records"]

_LENGTH: Final = struct.Struct("<Q")
_CHECKSUM: Final = struct.Struct("<I")
_HEADER: Final = _LENGTH.size + _CHECKSUM.size
OVERHEAD: Final = _HEADER + _CHECKSUM.size
"""The bytes of a record beside its data."""

_CHUNK: Final = 1 << 23
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
    left, place, row = b"", 0, 0
    while data := stream.read(_CHUNK):
        if on_read is not None:
            on_read(len(data))
        buffer = left + data
        if not row and not place:
            _check_format(buffer, name)
        frames = _frames(buffer, name, row, place)
        if len(frames):
            yield from _checked(buffer, frames, name, row, place)
            row += len(frames)
        done = int(frames[-1, 1]) + _CHECKSUM.size if len(frames) else 0
        left, place = buffer[done:], place + done
    if not row and not left:
        raise RecordError(f"expected a file of records, received an empty one: {name}.")
    if left:
        raise RecordError(
            f"{name}: row {row} is cut off: the file ends {len(left)} bytes behind its beginning "
            f"at byte {place}. The download or copy is not complete; get the file again."
        )


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


def _frames(
    buffer: bytes, name: str, row: int, place: int
) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Where the data of each whole record begins and ends, shape `(records, 2)`."""
    frames: list[tuple[int, int]] = []
    position, end, read = 0, len(buffer), _LENGTH.unpack_from
    while position + _HEADER <= end:
        start = position + _HEADER
        stop = start + read(buffer, position)[0]
        if stop + _CHECKSUM.size > end:
            if not _header_is_right(buffer, position):
                raise _damaged(name, row + len(frames), place + position, "length")
            break
        frames.append((start, stop))
        position = stop + _CHECKSUM.size
    return np.array(frames, dtype=np.int64).reshape(-1, 2)


def _checked(
    buffer: bytes,
    frames: np.ndarray[tuple[int, int], np.dtype[np.int64]],
    name: str,
    row: int,
    place: int,
) -> Iterator[Chunk]:
    """The records, up to the first whose checksums are wrong."""
    array = np.frombuffer(buffer, dtype=np.uint8)
    starts, stops = frames.T
    heads = starts - _HEADER
    stored = np.lib.stride_tricks.sliding_window_view(array, _CHECKSUM.size)
    lengths_right = (
        mask(crc32c(array, heads, heads + _LENGTH.size))
        == stored[heads + _LENGTH.size].view(np.uint32)[:, 0]
    )
    data_right = mask(crc32c(array, starts, stops)) == stored[stops].view(np.uint32)[:, 0]
    wrong = np.flatnonzero(~(lengths_right & data_right))
    good = int(wrong[0]) if len(wrong) else len(frames)
    if good:
        records = [buffer[start:stop] for start, stop in frames[:good].tolist()]
        yield Chunk(row, records, place + int(stops[good - 1]) + _CHECKSUM.size)
    if len(wrong):
        what = "data" if lengths_right[good] else "length"
        raise _damaged(name, row + good, place + int(heads[good]), what)


def _damaged(name: str, row: int, place: int, what: str) -> RecordError:
    return RecordError(
        f"{name}: row {row}, at byte {place}, is damaged: its {what} does not have the checksum "
        "that is stored with it. Get the file again."
    )

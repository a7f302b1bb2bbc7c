"""CRC-32C (Castagnoli), which record files use, of many pieces of a buffer at once.

NumPy goes through all pieces in step, eight bytes at a time, so a gigabyte takes seconds. A
checksum that begins with zero does not see zeros in front, so shorter pieces are padded there;
the usual beginning with ones is added afterwards, for it depends on the length alone.
"""

from __future__ import annotations

import functools
from typing import Any, Final

import numpy as np

__all__ = ["Bytes", "Places", "crc32c", "mask", "masked_crc32c"]

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Words = np.ndarray[Any, np.dtype[np.uint32]]
Places = np.ndarray[Any, np.dtype[np.int64]]

_POLYNOMIAL: Final = 0x82F63B78
_STEP: Final = 8
_MASK_DELTA: Final = 0xA282EAD8


def masked_crc32c(data: bytes) -> int:
    """The masked checksum of one text, as record files have it.

    >>> hex(masked_crc32c(b"123456789"))
    '0xc78ab0e5'
    """
    buffer = np.frombuffer(data, dtype=np.uint8)
    return int(mask(crc32c(buffer, np.array([0]), np.array([len(data)])))[0])


def mask(checksums: Words) -> Words:
    """The form in which record files store checksums: turned, with a constant added."""
    return (checksums >> np.uint32(15) | checksums << np.uint32(17)) + np.uint32(_MASK_DELTA)


def crc32c(buffer: Bytes, starts: Places, stops: Places) -> Words:
    """The checksums of `buffer[start:stop]` for many pieces.

    Args:
        buffer: shape `(bytes,)`.
        starts, stops: shape `(pieces,)`; best of like lengths.
    """
    lengths = stops - starts
    longest = int(lengths.max(initial=0))
    steps = -(-longest // _STEP)
    # Zeros in front, so that the first step of every piece can reach back before its start.
    front = max(steps, 1) * _STEP
    padded = np.concatenate([np.zeros(front, dtype=np.uint8), buffer])
    windows = np.lib.stride_tricks.sliding_window_view(padded, _STEP)
    crc = np.zeros(len(starts), dtype=np.uint32)
    for step in range(steps, 0, -1):
        words = windows[stops + front - step * _STEP].view(np.uint64)[:, 0]
        missing = step * _STEP - lengths
        if (missing > 0).any():
            words &= _KEPT[np.clip(missing, 0, _STEP)]
        words ^= crc
        parts = words.view(np.uint16).reshape(-1, 4)
        crc = _tables()[0].take(parts[:, 0])
        for place in (1, 2, 3):
            crc ^= _tables()[place].take(parts[:, place])
    checksums: Words = ~(crc ^ _ones_after(longest)[lengths])
    return checksums


_KEPT: Final = np.array([(2**64 - 1) << (8 * n) & (2**64 - 1) for n in range(9)], dtype=np.uint64)
"""Masks that clear the first n bytes of a little-endian word."""


@functools.cache
def _byte_table() -> Words:
    """What each byte adds to a checksum."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, table >> 1 ^ np.uint32(_POLYNOMIAL), table >> 1)
    return table.astype(np.uint32)


@functools.cache
def _tables() -> tuple[Words, ...]:
    """What each pair of bytes at one of the four places in eight bytes adds, with all after it."""
    one = _byte_table()
    after = [one]  # after[n]: a byte with n zeros behind it
    for _ in range(_STEP - 1):
        after.append(after[-1] >> 8 ^ one[after[-1] & 0xFF])
    pairs = [(after[7 - 2 * place], after[6 - 2 * place]) for place in range(4)]
    return tuple([(second[:, None] ^ first[None, :]).ravel() for first, second in pairs])


@functools.lru_cache(maxsize=8)
def _ones_after(longest: int) -> Words:
    """What the initial ones have come to after 0, 1, ... bytes of zeros."""
    table = _byte_table().tolist()
    values = [0xFFFFFFFF]
    for _ in range(longest):
        values.append(values[-1] >> 8 ^ table[values[-1] & 0xFF])
    return np.array(values, dtype=np.uint32)

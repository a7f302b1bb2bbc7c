"""Reads what XLA says a step is: its operations, and how much memory they would take on a TPU."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = ["Instruction", "Shape", "entry", "peak_bytes"]

BYTES = {
    "pred": 1, "s8": 1, "u8": 1, "s16": 2, "u16": 2, "f16": 2, "bf16": 2, "s32": 4, "u32": 4,
    "f32": 4, "s64": 8, "u64": 8, "f64": 8,
}  # fmt: skip
_SHAPE = re.compile(rf"\b({'|'.join(BYTES)})\[([\d,]*)\]")
_LINE = re.compile(r"^\s*(?:ROOT )?%?([\w.\-]+) = (.*?) ([\w\-]+)\((.*)$")
_NAME = re.compile(r"%?([A-Za-z_][\w.\-]*)")
FREE = frozenset(
    {"bitcast", "broadcast", "constant", "get-tuple-element", "iota", "parameter", "reshape"}
    | {"tuple"}
)
"""Operations whose results take no memory of their own once XLA has fused them."""


@dataclass(frozen=True)
class Shape:
    """A tensor's shape on a TPU, where the two last axes of its layout come in tiles of 8 x 128.

    >>> shape = Shape("f32", (3, 3, 24, 100))
    >>> shape.bytes, shape.padded_bytes
    (86400, 110592)
    """

    dtype: str
    sides: tuple[int, ...]

    @property
    def bytes(self) -> int:
        """What its numbers take."""
        return BYTES[self.dtype] * math.prod(self.sides)

    @property
    def padded_bytes(self) -> int:
        """What its tiles take, if XLA puts the two longest axes last."""
        if len(self.sides) < 2:
            return self.bytes
        *others, second, first = sorted(self.sides)
        tiles = -(-second // 8) * 8 * (-(-first // 128) * 128)
        return BYTES[self.dtype] * math.prod(others) * tiles


@dataclass(frozen=True)
class Instruction:
    """One operation: its name, kind, the shapes that it gives, and what it reads."""

    name: str
    kind: str
    shapes: tuple[Shape, ...]
    operands: tuple[str, ...]


def shapes_in(text: str) -> tuple[Shape, ...]:
    """The shapes that a text names."""
    return tuple(
        Shape(dtype, tuple(int(side) for side in sides.split(",") if side))
        for dtype, sides in _SHAPE.findall(text)
    )


def instructions(text: str) -> Iterator[Instruction]:
    """All operations of lines of HLO."""
    for line in text.splitlines():
        found = _LINE.match(line)
        if found:
            name, shape, kind, rest = found.groups()
            operands = tuple(_NAME.findall(rest.split("), ")[0]))
            yield Instruction(name, kind, shapes_in(shape), operands)


def entry(text: str) -> list[Instruction]:
    """The operations of the computation that a module begins with, in order."""
    start = text.find("\nENTRY ")
    return list(instructions(text[start + 1 :].split("\n}")[0])) if start >= 0 else []


def peak_bytes(found: Sequence[Instruction]) -> int:
    """The most that is alive at a time, in padded bytes; parameters always are.

    It is an estimate from above: XLA fuses operations, and then keeps fewer results.
    """
    last = {name: place for place, one in enumerate(found) for name in one.operands}
    held = sum(_size(one) for one in found if one.kind == "parameter")
    alive: dict[int, int] = {}
    now = most = 0
    for place, one in enumerate(found):
        if one.kind not in FREE:
            size = _size(one)
            now += size
            end = last.get(one.name, len(found))
            alive[end] = alive.get(end, 0) + size
        most = max(most, now)
        now -= alive.pop(place, 0)
    return held + most


def _size(one: Instruction) -> int:
    return sum(shape.padded_bytes for shape in one.shapes)

"""What the byte code of a function says about a call in it: its target, and the loops around it."""

from __future__ import annotations

import dis
import itertools
from functools import cache, lru_cache
from types import CodeType
from typing import NamedTuple

__all__ = ["Call", "Loop", "call_in"]

_PASSED_OVER = frozenset({"COPY", "DUP_TOP", "EXTENDED_ARG", "NOP", "CACHE", "NOT_TAKEN"})


class Loop(NamedTuple):
    """A loop: where it begins and ends in the code, and its (first) variable where it has one."""

    start: int
    stop: int
    variable: str | None


class Call:
    """One call in the code of a function; there is one object for each.

    Attributes:
      target: the variable or attribute that its result goes to, if it does so.
      code, offset, line: where it stands.
      loops: those around it, the outermost first.
    """

    __slots__ = ("code", "line", "loops", "offset", "target")

    def __init__(self, code: CodeType, offset: int) -> None:
        reading = _read(code)
        self.code = code
        self.offset = offset
        self.target = reading.targets.get(offset)
        self.line = reading.lines.get(offset, 0)
        self.loops = tuple([loop for loop in reading.loops if loop.start <= offset < loop.stop])


@cache
def call_in(code: CodeType, offset: int) -> Call:
    """The call at an instruction; the same object for equal code."""
    return Call(code, offset)


class _Reading(NamedTuple):
    targets: dict[int, str | None]
    lines: dict[int, int]
    loops: tuple[Loop, ...]


@lru_cache(maxsize=512)
def _read(code: CodeType) -> _Reading:
    instructions = [i for i in dis.get_instructions(code) if i.opname not in _PASSED_OVER]
    places = {instruction.offset: n for n, instruction in enumerate(instructions)}
    targets: dict[int, str | None] = {}
    for call, after in itertools.pairwise(instructions):
        if call.opname.startswith("CALL"):
            stored = _target(instructions, places, after)
            # While the call is on, its frame may stand in the caches behind the instruction.
            targets.update(dict.fromkeys(range(call.offset, after.offset, 2), stored))
    loops = sorted(_loops(instructions), key=lambda loop: (loop.start, -loop.stop))
    lines = {
        offset: line or 0
        for start, stop, line in code.co_lines()
        for offset in range(start, stop, 2)
    }
    return _Reading(targets, lines, tuple(loops))


def _target(
    instructions: list[dis.Instruction], places: dict[int, int], after: dis.Instruction
) -> str | None:
    """The one name that is stored to at an instruction, or where a jump leads from there."""
    for _ in range(2):
        if after.opname in ("JUMP_FORWARD", "JUMP_ABSOLUTE") and after.argval in places:
            after = instructions[places[after.argval]]  # out of `x if c else y`
    following = instructions[places[after.offset] + 1 : places[after.offset] + 2]
    several = after.opname == "STORE_FAST_STORE_FAST" or any(map(_stored, following))
    return None if several else _stored(after)


def _loops(instructions: list[dis.Instruction]) -> list[Loop]:
    found: dict[int, Loop] = {}
    for place, instruction in enumerate(instructions):
        if instruction.opname == "FOR_ITER":
            variable = next(filter(None, map(_stored, instructions[place + 1 : place + 3])), None)
            found[instruction.offset] = Loop(instruction.offset, instruction.argval, variable)
    for instruction in instructions:
        start = instruction.argval
        if "JUMP" in instruction.opname and type(start) is int and start < instruction.offset:
            known = found.get(start)
            if known is None or (known.variable is None and known.stop <= instruction.offset):
                found[start] = Loop(start, instruction.offset + 1, None)
    return list(found.values())


def _stored(instruction: dis.Instruction) -> str | None:
    """The (first) name that an instruction stores to."""
    if not instruction.opname.startswith("STORE_") or instruction.opname == "STORE_SUBSCR":
        return None
    name = instruction.argval
    return str(name[0] if isinstance(name, tuple) else name)

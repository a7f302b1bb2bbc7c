"""Where a running function asks for a hyper-value: what tells decisions apart that have no name.

A place is the way from the traced function down to the call: for each frame the call that it is
at, and the turn of each loop around that call. A loop over integers or texts has its turns told by
its variable, so that a turn stays the same one whatever happens in those before it; the turns of
other loops are counted, as far as calls show them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from types import FrameType
from typing import NamedTuple

from keras_glove.hyper.tracing.code_reading import Call, Loop, call_in

__all__ = ["CallSites", "Place", "place_names"]

_HYPER = os.path.join(os.path.dirname(os.path.dirname(__file__)), "")
_INLINED = frozenset({"<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>"})
"""Code that belongs to the function around it; from Python 3.12 on most of it has no frame."""

Turn = int | str


class Step(NamedTuple):
    """One frame on the way to a call.

    Attributes:
      label: what is called, in one word.
      call: the call that the frame is at.
      turns: the turns of the loops around it, the outermost first.
      repeat: how often the frame was there in these turns before.
    """

    label: str
    call: Call
    turns: tuple[Turn, ...]
    repeat: int


Place = tuple[Step, ...]


class _Visits:
    """What a frame has called so far."""

    __slots__ = ("calls", "child", "counts", "last", "repeats")

    def __init__(self) -> None:
        self.calls: dict[int, Call] = {}
        self.last: Call | None = None
        self.counts: dict[Loop, int] = {}
        self.repeats: dict[tuple[Call, tuple[Turn, ...]], int] = {}
        self.child: FrameType | None = None


class CallSites:
    """Tells the calls of one run apart, which is on below the frame `root`."""

    def __init__(self, root: FrameType) -> None:
        self._root = root
        self._visits: dict[FrameType, _Visits] = {}  # keeps the frames, so that each is one key

    def place(self, asked: str) -> Place:
        """The place of the call that is being made; `asked` names it where code does not."""
        frames = self._frames()
        steps: list[Step] = []
        first, last = 0, len(frames) - 1
        for number in range(len(frames)):
            child = frames[number + 1] if number < last else None
            if child is None or child.f_code.co_name not in _INLINED:
                name = asked if child is None else child.f_code.co_name
                steps.append(self._step(frames[first : number + 1], child, name))
                first = number + 1
        return tuple(steps)

    def _frames(self) -> list[FrameType]:
        """The frames between the root and this package, the outermost first."""
        frames: list[FrameType] = []
        frame: FrameType | None = sys._getframe()
        while frame is not None and frame.f_code.co_filename.startswith(_HYPER):
            frame = frame.f_back
        while frame is not None and frame is not self._root:
            frames.append(frame)
            frame = frame.f_back
        frames.reverse()
        return frames

    def _step(self, frames: list[FrameType], child: FrameType | None, name: str) -> Step:
        """The step of a frame; those inlined in it follow it in `frames`."""
        visits = self._of(frames[0])
        again = child is not None and visits.child is child
        visits.child = child
        turns: tuple[Turn, ...] = ()
        for frame in frames:
            call = self._call(frame)
            if call.loops:
                _count(call, visits)
                own = _turns(frame, call, visits)
                if not again and frame is frames[-1] and (call, turns + own) in visits.repeats:
                    # Been here: a loop whose variable an inner one has taken has turned.
                    hidden = [loop for loop in call.loops if loop.variable in _inner(call, loop)]
                    for loop in hidden[-1:]:
                        visits.counts[loop] = visits.counts.get(loop, 0) + 1
                        own = _turns(frame, call, visits)
                turns += own
        visits.last = call
        repeat = visits.repeats.get((call, turns), -1) + (not again)
        visits.repeats[call, turns] = repeat
        return Step(call.target or name, call, turns, repeat)

    def _of(self, frame: FrameType) -> _Visits:
        visits = self._visits.get(frame)
        if visits is None:
            visits = self._visits[frame] = _Visits()
        return visits

    def _call(self, frame: FrameType) -> Call:
        calls = self._of(frame).calls
        call = calls.get(frame.f_lasti)
        if call is None:
            call = calls[frame.f_lasti] = call_in(frame.f_code, frame.f_lasti)
        return call


def _inner(call: Call, loop: Loop) -> set[str | None]:
    """The variables of the loops inside a loop, around the call."""
    return {inner.variable for inner in call.loops[call.loops.index(loop) + 1 :]}


def _turns(frame: FrameType, call: Call, visits: _Visits) -> tuple[Turn, ...]:
    variables = frame.f_locals
    turns: list[Turn] = []
    for loop in call.loops:
        turn = None
        if loop.variable is not None and loop.variable not in _inner(call, loop):
            turn = variables.get(loop.variable)
        if not isinstance(turn, (int, str)) or isinstance(turn, bool):
            turn = visits.counts.get(loop, 0)
        turns.append(turn)
    return tuple(turns)


def _count(call: Call, visits: _Visits) -> None:
    """A step back in the code shows that the innermost loop around both calls has turned."""
    last = visits.last
    if last is None or last.code is not call.code or last.offset < call.offset:
        return
    around = [loop for loop in call.loops if loop in last.loops]
    if around:
        turned = around[-1]
        visits.counts[turned] = visits.counts.get(turned, 0) + 1
        for inner in last.loops[last.loops.index(turned) + 1 :]:
            visits.counts.pop(inner, None)


# -- names -------------------------------------------------------------------------


def place_names(places: Iterable[Place]) -> dict[Place, str]:
    """A readable name for each place, such as `blocks[2].width`; the same in every process.

    A call in loops has its turns in brackets; calls of one label get numbers (`width#2`) in the
    order of the code.
    """
    known = list(places)
    rivals: dict[tuple[Place, str], list[Call]] = {}
    for place in known:
        for depth, step in enumerate(place):
            calls = rivals.setdefault((place[:depth], step.label), [])
            if step.call not in calls:
                calls.append(step.call)
    for calls in rivals.values():
        calls.sort(key=lambda call: (call.line, call.offset))
    return {place: ".".join(_labels(place, rivals)) for place in known}


def _labels(place: Place, rivals: dict[tuple[Place, str], list[Call]]) -> Sequence[str]:
    labels = []
    for depth, (label, call, turns, repeat) in enumerate(place):
        rank = rivals[place[:depth], label].index(call)
        number = f"#{rank + 1}" if rank else ""
        again = f"({repeat + 1})" if repeat else ""
        labels.append(f"{label}{number}{''.join([f'[{turn}]' for turn in turns])}{again}")
    return labels

"""Patterns for paths, such as `blocks[*].filters` and `**.kernel`, and what they match."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from keras_glove.symbolic.node import Node
from keras_glove.symbolic.path import Key, Link, Path, format_path, parse_path
from keras_glove.symbolic.traversal import PLAIN, SCALARS, items_below

__all__ = ["entries", "is_pattern", "matches", "texts"]

_ANY, _ANY_DEPTH, _OTHER = object(), object(), object()
_Steps = tuple[Any, ...]


def is_pattern(path: Any) -> bool:
    """Whether a path is a text with stars in it, outside of quotes."""
    return isinstance(path, str) and "*" in path and not {*_steps(path)}.isdisjoint(_STARS)


_STARS = frozenset([_ANY, _ANY_DEPTH])


@lru_cache(maxsize=256)
def _steps(pattern: str) -> _Steps:
    # The stars become names that no path has, so that one parser reads both.
    named = pattern.replace("**", "__any_depth__").replace("[*]", "['__any__']")
    named = re.sub(r"(?<![^.])\*(?![^.\[])", "__any__", named)
    special = {"__any_depth__": _ANY_DEPTH, "__any__": _ANY}
    return tuple([special.get(str(key), key) for key in parse_path(named)])


class _State:
    """What of a pattern is left to match: several possibilities, where `**` leaves them open."""

    __slots__ = ("_left", "_table", "full", "hopeless", "moves", "seen")

    def __init__(self, left: frozenset[_Steps], table: dict[frozenset[_Steps], _State]) -> None:
        self._left = left
        self._table = table
        self.moves: tuple[dict[Any, _State], _State] | None = None
        self.full = any(not {*steps} - {_ANY_DEPTH} for steps in left)
        self.hopeless = not any(left)
        self.seen: set[int] = set()  # nodes that were reached in this state
        table[left] = self

    def find_moves(self) -> tuple[dict[Any, _State], _State]:
        """The states after the keys that the pattern names, and the one after any other key."""
        named = {step for steps in self._left for step in steps if step not in _STARS}
        self.moves = {key: self._after(key) for key in named}, self._after(_OTHER)
        return self.moves

    def _after(self, key: Any) -> _State:
        left: set[_Steps] = set()
        for steps in self._left:
            while steps and steps[0] is _ANY_DEPTH:
                left.add(steps)
                steps = steps[1:]
            if steps and (steps[0] is _ANY or steps[0] == key):
                left.add(steps[1:])
        frozen = frozenset(left)
        return self._table.get(frozen) or _State(frozen, self._table)


def entries(
    root: Any, pattern: str | None = None, accept: Callable[[Any], Any] | None = None
) -> list[tuple[Link, Any]]:
    """The links and values whose paths match a pattern, and which `accept` holds for.

    Parents come first. A node that stands in several places is found at the first, unless the
    pattern tells the depth; then it is found wherever it stands.
    """
    accept = accept or _anything
    if pattern is None:
        return _all_entries(root, accept)
    steps = _steps(pattern)
    once = _ANY_DEPTH in steps
    found: list[tuple[Link, Any]] = []
    # The root is below nothing, by a key that no path has.
    above: Link = _ABOVE
    moves: dict[Any, _State] = {}
    other = _State(frozenset([steps]), {})
    below: Iterator[tuple[Any, Any]] = iter([("", root)])
    stack: list[tuple[Link, dict[Any, _State], _State, Iterator[tuple[Any, Any]]]] = []
    while True:
        for key, value in below:
            state = moves.get(key, other) if moves else other
            kind = type(value)
            if kind in SCALARS:
                if state.full and accept(value):
                    found.append((_link(above, key), value))
                continue
            inside = items_below(value)
            if once and kind not in PLAIN and isinstance(value, Node):
                if id(value) in state.seen:
                    continue
                state.seen.add(id(value))
            link = None if above is _ABOVE else (above, key)
            if state.full and accept(value):
                found.append((link, value))
            if inside is not None and not state.hopeless:
                stack.append((above, moves, other, below))
                above, below = link, inside
                moves, other = state.moves or state.find_moves()
                break
        else:
            if not stack:
                return found
            above, moves, other, below = stack.pop()


def _all_entries(root: Any, accept: Callable[[Any], Any]) -> list[tuple[Link, Any]]:
    """The same where there is no pattern to follow, which is the most frequent and the fastest."""
    found: list[tuple[Link, Any]] = [(None, root)] if accept(root) else []
    seen = {id(root)}
    above: Link = None
    below = items_below(root) or iter(())
    stack: list[tuple[Link, Iterator[tuple[Key, Any]]]] = []
    while True:
        for key, value in below:
            kind = type(value)
            if kind in SCALARS:
                if accept(value):
                    found.append(((above, key), value))
                continue
            inside = items_below(value)
            if kind not in PLAIN and isinstance(value, Node):
                if id(value) in seen:
                    continue
                seen.add(id(value))
            link = (above, key)
            if accept(value):
                found.append((link, value))
            if inside is not None:
                stack.append((above, below))
                above, below = link, inside
                break
        else:
            if not stack:
                return found
            above, below = stack.pop()


_ABOVE = object()


def _link(above: Link, key: Key) -> Link:
    return None if above is _ABOVE else (above, key)


def _anything(value: Any) -> bool:
    return True


def matches(path: Path, pattern: str) -> bool:
    """Whether a path is one that a pattern stands for.

    >>> matches(("blocks", 1, "filters"), "**.filters")
    True
    """
    state = _State(frozenset([_steps(pattern)]), {})
    for key in path:
        moves, other = state.moves or state.find_moves()
        state = moves.get(key, other)
    return state.full


def texts(links: list[Link]) -> list[str]:
    """The texts of the paths of many links that share holders."""
    known: dict[int, str] = {id(None): ""}
    steps: dict[str, str] = {}
    out = []
    for link in links:
        missing = []
        while (text := known.get(id(link))) is None:
            missing.append(link)
            link = link[0]
        for inner in reversed(missing):
            key = inner[1]
            if type(key) is str:
                step = steps.get(key) or steps.setdefault(key, _step(key))
            else:
                step = f"[{key!r}]"
            text = known[id(inner)] = text + step if text else step.removeprefix(".")
        out.append(text)
    return out


def _step(key: Any) -> str:
    text = format_path((key,))
    return text if text.startswith("[") else f".{text}"

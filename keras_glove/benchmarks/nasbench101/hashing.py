"""The isomorphism-invariant hash of the official library.

Every vertex begins with the MD5 of its degrees and label; then, as many times as there are
vertices, it takes the MD5 of what its neighbours and it have. The cell's hash is the MD5 of what
the vertices come to (Ying et al. 2019, arXiv:1902.09635).
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from keras_glove.benchmarks.nasbench101.graphs import Parents

__all__ = ["INPUT_LABEL", "OUTPUT_LABEL", "module_hash"]

INPUT_LABEL = -1
OUTPUT_LABEL = -2

Side = tuple[int, Any]
"""How many neighbours, and what picks their digests: a place for one, else a getter of many."""

_new_md5: Callable[[bytes], Any]
try:
    # Python's own, which short messages want: OpenSSL's takes twice the time to begin.
    import _md5  # type: ignore[import-not-found]

    _new_md5 = _md5.md5
except ImportError:  # an interpreter that was built without it
    _new_md5 = functools.partial(hashlib.md5, usedforsecurity=False)


def module_hash(parents: Parents, labels: Sequence[int]) -> str:
    """The hash of a pruned cell, 32 hexadecimal digits.

    Args:
        parents: the graph.
        labels: of all vertices: -1 for the input, -2 for the output, and of the others the
            place of their operation among those of the benchmark.

    >>> module_hash((0, 1), (-1, -2))
    '043721b9c7fe8c5fad811d47d83132ec'
    """
    sides = _sides(parents)
    digests = [
        _first_digest(after[0], before[0], label)
        for (before, after), label in zip(sides, labels, strict=True)
    ]
    for _ in parents:
        digests = _turn(digests, sides)
    digests.sort()
    return _digest(str(digests))


@functools.lru_cache(maxsize=8192)
def _sides(parents: Parents) -> tuple[tuple[Side, Side], ...]:
    """For each vertex those with an edge to it, and those it has an edge to."""
    vertices = range(len(parents))
    before = [[x for x in vertices if parents[v] >> x & 1] for v in vertices]
    after = [[y for y in vertices if parents[y] >> v & 1] for v in vertices]
    return tuple(zip(map(_side, before), map(_side, after), strict=True))


def _side(vertices: list[int]) -> Side:
    if len(vertices) == 1:
        return 1, vertices[0]
    return len(vertices), itemgetter(*vertices) if vertices else _no_digests


def _no_digests(digests: list[str]) -> tuple[str, ...]:
    return ()


def _turn(digests: list[str], sides: tuple[tuple[Side, Side], ...]) -> list[str]:
    """The digests of what the vertices have: those of their neighbours, sorted, and their own.

    Nearly all the time of a hash is spent here, so one or two neighbours, the most common
    numbers, are told apart, and nothing is called that need not be.
    """
    turned, md5 = [], _new_md5
    for ((n, before), (m, after)), own in zip(sides, digests, strict=True):
        if n == 1:
            left = digests[before]
        elif n == 2:
            left, other = before(digests)
            left = left + other if left < other else other + left
        else:
            left = "".join(sorted(before(digests)))
        if m == 1:
            right = digests[after]
        elif m == 2:
            right, other = after(digests)
            right = right + other if right < other else other + right
        else:
            right = "".join(sorted(after(digests)))
        turned.append(md5(f"{left}|{right}|{own}".encode()).hexdigest())
    return turned


def _digest(text: str) -> str:
    digits: str = _new_md5(text.encode()).hexdigest()
    return digits


@functools.lru_cache(maxsize=1024)
def _first_digest(out_degree: int, in_degree: int, label: int) -> str:
    return _digest(str((out_degree, in_degree, label)))

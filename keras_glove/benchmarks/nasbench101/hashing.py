"""The isomorphism-invariant hash of the official library.

Every vertex begins with the MD5 of its degrees and label; then, as many times as there are
vertices, it takes the MD5 of what its neighbours and it have. The cell's hash is the MD5 of what
the vertices come to (Ying et al. 2019, arXiv:1902.09635).
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Sequence

from keras_glove.benchmarks.nasbench101.graphs import Parents

__all__ = ["INPUT_LABEL", "OUTPUT_LABEL", "module_hash"]

INPUT_LABEL = -1
OUTPUT_LABEL = -2

Neighbours = tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]

try:
    hashlib.md5(b"")
    _md5: Callable[..., hashlib._Hash] = hashlib.md5
except ValueError:  # where cryptography is regulated; the keyword makes each call slower
    _md5 = functools.partial(hashlib.md5, usedforsecurity=False)


def module_hash(parents: Parents, labels: Sequence[int]) -> str:
    """The hash of a pruned cell, 32 hexadecimal digits.

    Args:
        parents: the graph.
        labels: of all vertices: -1 for the input, -2 for the output, and of the others the
            place of their operation among those of the benchmark.

    >>> module_hash((0, 1), (-1, -2))
    '043721b9c7fe8c5fad811d47d83132ec'
    """
    neighbours = _neighbours(parents)
    digests = [
        _digest_often(str((len(after), len(before), label)))
        for (before, after), label in zip(neighbours, labels, strict=True)
    ]
    digests = [_digest_often(text) for text in _messages(digests, neighbours)]
    for _ in parents[1:]:
        digests = [_md5(text.encode()).hexdigest() for text in _messages(digests, neighbours)]
    return _md5(str(sorted(digests)).encode()).hexdigest()


@functools.lru_cache(maxsize=8192)
def _neighbours(parents: Parents) -> Neighbours:
    """For each vertex those with an edge to it, and those it has an edge to."""
    vertices = range(len(parents))
    return tuple(
        [
            (
                tuple([x for x in vertices if parents[v] >> x & 1]),
                tuple([y for y in vertices if parents[y] >> v & 1]),
            )
            for v in vertices
        ]
    )


def _messages(digests: list[str], neighbours: Neighbours) -> list[str]:
    """For each vertex the digests of its neighbours, each side sorted, and its own.

    Most sides have one or two: told apart, they are several times faster than sorting a list.
    """
    messages = []
    for (before, after), own in zip(neighbours, digests, strict=True):
        if len(before) == 1:
            left = digests[before[0]]
        else:
            left = "".join(sorted([digests[v] for v in before]))
        if len(after) == 1:
            right = digests[after[0]]
        else:
            right = "".join(sorted([digests[v] for v in after]))
        messages.append(f"{left}|{right}|{own}")
    return messages


@functools.lru_cache(maxsize=16384)
def _digest_often(text: str) -> str:
    """For the first turns, whose messages are few; in later ones nearly all are new."""
    return _md5(text.encode()).hexdigest()

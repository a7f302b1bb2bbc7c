"""On which DNAs to try what is thought to be known of a function."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from keras_glove.errors import SpaceError
from keras_glove.hyper.completion import complete, mutate
from keras_glove.hyper.counting import count
from keras_glove.hyper.dna import DNA
from keras_glove.hyper.iteration import enumerate_all
from keras_glove.hyper.points import DecisionPoint
from keras_glove.hyper.sampling import sample_one
from keras_glove.hyper.structure import Structure
from keras_glove.hyper.tracing.decisions import Decision

__all__ = ["dnas_to_check"]


def dnas_to_check(
    structure: Structure, decisions: Sequence[Decision], number: int
) -> Iterator[DNA]:
    """All DNAs of a space of at most `number`; else so many random ones, and rare ones."""
    rng = np.random.default_rng(0)
    try:
        small = count(structure) <= number
    except SpaceError:  # too entangled to count: not small
        small = False
    if small:
        yield from enumerate_all(structure)
        return
    for _ in range(number):
        yield sample_one(structure, rng)
    owners = [d for d in decisions for _ in range(d.width)]
    for decision in decisions:
        if structure.points[decision.start].conditions:
            yield from _rare(structure, owners, decision, rng)


def _rare(
    structure: Structure, owners: Sequence[Decision], decision: Decision, rng: np.random.Generator
) -> Iterator[DNA]:
    """A DNA in which a decision is active, and one that is a step away from it."""
    wanted: list[Any] = [None] * len(structure.points)
    context = decision.context
    for place in _ancestors(structure.points, decision.start):
        owner = owners[place]
        if owner.key in context:
            wanted[place] = context[owner.key][place - owner.start]
    dna = complete(structure, wanted, rng)
    yield dna
    conditions = structure.points[decision.start].conditions
    parents = [p for p, _ in conditions if dna[p] is not None]
    if parents:
        yield mutate(structure, dna, parents[int(rng.random() * len(parents))], rng)


def _ancestors(points: Sequence[DecisionPoint], index: int) -> set[int]:
    found: set[int] = set()
    stack = [index]
    while stack:
        point = points[stack.pop()]
        for parent, _ in itertools.chain(point.conditions, *point.also):
            if parent not in found:
                found.add(parent)
                stack.append(parent)
    return found

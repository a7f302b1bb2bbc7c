"""Which evaluations a proposal came from, and how."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from keras_glove.errors import SerializationError
from keras_glove.hyper import DNA

COPY = "copy"
"""How a child came about that is its parent again, for lack of a change."""


class Lineage(NamedTuple):
    """How an algorithm came to propose a DNA.

    Attributes:
        how: "random", "mutation", "crossover", "crossover+mutation", "neighbour", "copy",
            "seeded" for known points, or another word of an algorithm for what it does.
        parents: the evaluated DNA that it was made of, by this algorithm's own account: one
            for a mutation, two for a crossover, none where all that is known counts.

    >>> from keras_glove.algorithms import RegularizedEvolution
    >>> from keras_glove.hyper import SearchSpace, oneof
    >>> algorithm = RegularizedEvolution(population_size=1, tournament_size=1, seed=0)
    >>> algorithm.setup(SearchSpace([oneof(list("abcdef"))]))
    >>> first = algorithm.propose()
    >>> algorithm.lineage
    Lineage(how='random', parents=())
    >>> algorithm.feedback(first, 1.0)
    >>> second = algorithm.propose()
    >>> algorithm.lineage == Lineage("mutation", (first,))
    True
    """

    how: str
    parents: tuple[DNA, ...] = ()


def lineage_to_json(lineage: Lineage | None) -> list[str] | None:
    """As JSON-able data."""
    return None if lineage is None else [lineage.how, *map(str, lineage.parents)]


def lineages_from_json(
    state: Mapping[str, Any], count: int, read: Callable[[str], DNA]
) -> list[Lineage | None]:
    """The lineages of so many proposals, under "lineages" in the state of an algorithm.

    They are unknown where the state was written before they were kept.
    """
    rows = state.get("lineages", [None] * count)
    if len(rows) != count:
        raise SerializationError(f"expected {count} lineages, received {len(rows)}")
    return [
        None if row is None else Lineage(str(row[0]), tuple(map(read, row[1:]))) for row in rows
    ]

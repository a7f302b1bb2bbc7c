"""Known points, in whatever form users have them, as DNA."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from keras_glove.errors import AlgorithmError, DNAError, SpaceError
from keras_glove.hyper import DNA, DecisionPoint, SearchSpace
from keras_glove.hyper.domains import domain_of


def to_dna(
    space: SearchSpace,
    known: Any,
    rng: np.random.Generator,
    encode: Callable[[Any], DNA] | None = None,
) -> DNA:
    """The DNA of a known point.

    Args:
        space: that the point belongs to.
        known: a DNA; a mapping all of whose keys are names of decisions; anything else is
            a program.
        rng: draws the active decisions that a mapping leaves out.
        encode: the DNA of a program; None if programs cannot be read here.

    Raises:
        DNAError: if the point does not belong to the space.
        SpaceError: if the constraints of the space refuse the point.
        AlgorithmError: for a program where there is no `encode`.
    """
    dna = _read(space, known, rng, encode)
    if not space.allows(dna):
        raise SpaceError(
            f"expected a known point that the constraints of the space allow, received "
            f"{space.decisions(dna)}; leave it out, or loosen the constraints."
        )
    return dna


def _read(
    space: SearchSpace,
    known: Any,
    rng: np.random.Generator,
    encode: Callable[[Any], DNA] | None,
) -> DNA:
    if isinstance(known, DNA):
        return space.validate(known)
    if isinstance(known, Mapping):
        names = {point.name for point in space.points}
        unknown = [name for name in known if name not in names]
        if not unknown:
            return _from_decisions(space, known, rng)
        if encode is None:
            raise DNAError(
                f"expected decisions by name, received {unknown[0]!r}, which is none of "
                f"{sorted(names)[:20]}."
            )
    if encode is None:
        raise AlgorithmError(
            f"expected a known point to be a DNA or a mapping of decisions by name, received "
            f"{known!r}; programs can be given where the algorithm is handed to a search."
        )
    return space.validate(encode(known))


def _from_decisions(
    space: SearchSpace, decisions: Mapping[str, Any], rng: np.random.Generator
) -> DNA:
    wanted = [
        _value(point, decisions[point.name]) if point.name in decisions else None
        for point in space.points
    ]
    dna = space.complete(wanted, rng)
    for point, value, found in zip(space.points, wanted, dna, strict=True):
        if value is not None and value != found:
            why = (
                "is inactive under the other decisions"
                if found is None
                else f"does not fit the other decisions, which leave {point.readable(found)!r}"
            )
            raise DNAError(
                f"at `{point.path}`: the decision {point.name!r} = {decisions[point.name]!r} {why}."
            )
    return dna


def _value(point: DecisionPoint, readable: Any) -> Any:
    """The value in a DNA that people read as `readable`; the inverse of `point.readable`."""
    if point.kind != "categorical":
        whole = isinstance(readable, int) and not isinstance(readable, bool)
        value = float(readable) if whole and point.kind == "float" else readable
        expected = domain_of(point).problem(value)
        if expected is None:
            return value
        raise DNAError(
            f"at `{point.path}`: expected {expected} for {point.name!r}, received {readable!r}."
        )
    equal = [index for index, literal in enumerate(point.literals) if literal == readable]
    # True == 1 == 1.0: the same type counts first.
    alike = [index for index in equal if type(point.literals[index]) is type(readable)]
    found = alike or equal
    if len(found) == 1:
        return found[0]
    fix = "several candidates read like that: use a DNA" if found else "expected one of them"
    raise DNAError(
        f"at `{point.path}`: {point.name!r} chooses from {list(point.literals)}, received "
        f"{readable!r}; {fix}."
    )

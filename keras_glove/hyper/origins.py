"""Programs that remember the DNA they were made of."""

from __future__ import annotations

from typing import Any

from keras_glove.hyper.dna import DNA
from keras_glove.symbolic import Node, Origin, Program, register_value_kind
from keras_glove.symbolic.traversal import SCALARS, children

__all__ = ["recall_dna", "remember_dna"]

OPERATION = "materialize"
"""What the origin of a materialized program says; its detail is the DNA."""

register_value_kind(DNA, DNA.to_json, DNA.from_json)  # so that a lineage can be saved


def remember_dna(made: Any, dna: DNA) -> None:
    """Notes on the outermost programs where they come from."""
    if type(made) is Program:
        source = f"a space of {len(dna)} decision point{'' if len(dna) == 1 else 's'}"
        object.__setattr__(made, "__origin__", Origin(OPERATION, dna, made.__origin__, source))
    elif type(made) not in SCALARS and not isinstance(made, Node):
        for _, child in children(made) or ():
            remember_dna(child, dna)


def recall_dna(concrete: Any) -> DNA | None:
    """The DNA that the first of the outermost programs remembers."""
    if type(concrete) is Program:
        origin = concrete.__origin__
        if origin is not None and origin.operation == OPERATION and isinstance(origin.detail, DNA):
            return origin.detail
        return None
    if type(concrete) in SCALARS or isinstance(concrete, Node):
        return None
    known = (recall_dna(child) for _, child in children(concrete) or ())
    return next((dna for dna in known if dna is not None), None)

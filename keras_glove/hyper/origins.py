"""Where DNAs and the programs made of them came from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from keras_glove.hyper.dna import DNA, Value, trusted
from keras_glove.hyper.space import SearchSpace
from keras_glove.symbolic import Node, Origin, Program, register_value_kind
from keras_glove.symbolic.traversal import SCALARS, children

__all__ = ["note_descent", "recall_dna", "remember_dna"]

_set = object.__setattr__

OPERATION = "materialize"
"""What the origin of a materialized program says; its detail is the DNA."""

register_value_kind(DNA, DNA.to_json, DNA.from_json)  # so that a lineage can be saved


def note_descent(
    child: DNA,
    operation: str,
    parents: Sequence[DNA],
    space: SearchSpace,
    *,
    before: Origin | None = None,
) -> None:
    """Notes on a DNA that it was made of others.

    Args:
      child: the new DNA; where it is one of the parents itself, nothing is noted.
      operation: in a word, such as "mutate".
      parents: what it was made of.
      space: of all of them.
      before: how a parent was made that was never proposed itself.

    >>> from keras_glove.hyper import oneof
    >>> space = SearchSpace({"width": oneof([16, 32])})
    >>> child = DNA((1,))
    >>> note_descent(child, "mutate", [DNA((0,))], space)
    >>> print(child.origin)
    mutate of 0: width=16 -> 32
    """
    if any(child is parent for parent in parents):
        return
    values = tuple([parent.values for parent in parents])
    object.__setattr__(child, "_origin", _Descent(operation, values, space, before))


class _Descent(NamedTuple):
    """What an origin is made of when somebody asks for it.

    It refers to the values of parents, which a study has anyway, and not to the parents: these know
    theirs, and nothing of a long search could ever be forgotten.
    """

    operation: str
    parents: tuple[tuple[Value, ...], ...]
    space: SearchSpace
    before: Origin | None

    def __call__(self, child: DNA) -> Origin:
        single = self.parents[0] if len(self.parents) == 1 else None
        detail = None if single is None else _changes(single, child.values, self.space)
        source = " and ".join(str(trusted(values)) for values in self.parents)
        return Origin(self.operation, detail, self.before, source)


def _changes(old: Sequence[Value], new: Sequence[Value], space: SearchSpace) -> dict[str, str]:
    """What differs between two DNAs, by the names of decisions."""
    changes = {}
    for index, (left, right) in enumerate(zip(old, new, strict=True)):
        if left != right:
            point = space.points[index]
            sides = ["inactive" if v is None else str(point.readable(v)) for v in (left, right)]
            changes[point.name] = " -> ".join(sides)
    return changes


def remember_dna(made: Any, dna: DNA, space: SearchSpace, *, instead_of: DNA | None = None) -> None:
    """Notes on the outermost programs where they come from.

    `instead_of` is a DNA of a larger space, by which they were made and of which they remember now.
    """
    notes: dict[int, Origin] = {}  # by the origins before: those of many programs are the same
    todo = [made]
    while todo:
        value = todo.pop()
        if type(value) is Program:
            before = value.__origin__
            if instead_of is not None and before is not None:
                before = before.parent
            note = notes.get(id(before))
            if note is None:
                note = notes[id(before)] = Origin(OPERATION, dna, before, space.label)
            _set(value, "__origin__", note)
        elif type(value) not in SCALARS and not isinstance(value, Node):
            todo += [child for _, child in children(value) or ()]


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

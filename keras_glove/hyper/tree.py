"""The nested view of a DNA: decisions by name, each with those that hang below it."""

from __future__ import annotations

from typing import Any

from keras_glove.errors import DNAError
from keras_glove.hyper.dna import DNA, Value, trusted
from keras_glove.hyper.structure import Arm, Structure, dominators

__all__ = ["from_tree", "to_tree"]

Tree = dict[str, Any]


def to_tree(structure: Structure, dna: DNA) -> Tree:
    """The active decisions; one with decisions below it becomes {"value": ..., "below": {...}}."""
    tree: Tree = {}
    nodes: dict[int, Tree] = {}  # for each active point the tree it stands in
    points = structure.points
    for home, index in _placed(structure):
        value = dna.values[index]
        if value is None:
            continue
        branch = tree
        if home is not None:
            branch = _below(nodes[home.point], points[home.point].name)
        branch[points[index].name] = value
        nodes[index] = branch
    return tree


def _placed(structure: Structure) -> list[tuple[Arm | None, int]]:
    homes, _ = dominators(structure)
    return [
        (home, index)
        for home, unit in zip(homes, structure.units, strict=True)
        for index in range(unit.start, unit.stop)
    ]


def _below(holder: Tree, name: str) -> Tree:
    """The tree below the decision that stands in `holder` under `name`."""
    entry = holder[name]
    if not isinstance(entry, dict):
        entry = holder[name] = {"value": entry, "below": {}}
    below: Tree = entry["below"]
    return below


def from_tree(structure: Structure, tree: Any) -> DNA:
    """The DNA of a tree; raises `DNAError` for another shape, a missing or an unknown name."""
    found: dict[str, Value] = {}
    _collect(tree, found, "the tree")
    values = [found.pop(point.name, None) for point in structure.points]
    if found:
        raise DNAError(
            f"Expected decisions of this space, received {sorted(found)} in the tree. The space "
            f"has {[point.name for point in structure.points][:20]}."
        )
    return trusted(tuple(values))


def _collect(tree: Any, found: dict[str, Value], where: str) -> None:
    if not isinstance(tree, dict):
        raise DNAError(f"Expected a dict of decisions by name in {where}, received {tree!r}.")
    for name, entry in tree.items():
        value = entry
        if isinstance(entry, dict):
            if set(entry) != {"value", "below"}:
                raise DNAError(
                    f"Expected {{'value': ..., 'below': {{...}}}} for the decision {name!r}, "
                    f"received the keys {list(entry)}."
                )
            value = entry["value"]
            _collect(entry["below"], found, f"what is below {name!r}")
        if name in found:
            raise DNAError(f"Expected each decision once, received {name!r} twice.")
        found[name] = DNA((value,)).values[0]

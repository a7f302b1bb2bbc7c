"""From a program to its decision points: which there are, in which order, under which conditions.

A program is a graph. A hyper-value or node that stands in several places is one, so it belongs
to the innermost branch (hyper-value, candidate) that all its places are in: its *dominator*.
Where that branch is a candidate of a `manyof`, or lies in one, each slot of the `manyof` has an
*instance* of its own; what stands outside that candidate as well is shared by all slots.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from keras_glove.errors import SpaceError
from keras_glove.hyper.values import HyperValue, ManyOf
from keras_glove.symbolic import Node
from keras_glove.symbolic.traversal import SCALARS, children

__all__ = ["Branch", "Instance", "Item", "Layout", "Selector", "lay_out"]

Selector = Callable[[HyperValue], bool]
"""Which hyper-values are decided; the others stay open."""


class Branch:
    """One candidate of one hyper-value: what stands there exists only when it is chosen."""

    __slots__ = ("depth", "scope", "up")

    def __init__(self, owner: Item) -> None:
        self.up = owner.home
        self.depth: int = self.up.depth + 1 if self.up is not None else 0
        self.scope = (*owner.scope, owner) if owner.slots else owner.scope


class Item:
    """A container or node of the program, once however often it stands there.

    Attributes:
      value: the container or node.
      below: (key or candidate index, item) for each child that is an item; other children are
        leaves.
      decided: whether it is a hyper-value that is to be decided.
      slots: k of a decided `manyof`, 0 for all else.
      home: the innermost branch that all its places are in.
      scope: the `manyof`s among its dominators, the outermost first.
      reads: those of them on whose slot the item, or anything inside, depends.
      open: whether it holds decisions.
      repeated: whether it may be reached several times, so that what is made of it is remembered.
    """

    __slots__ = (
        "below", "decided", "home", "open", "order", "places", "reads", "repeated", "scope",
        "slots", "value",
    )  # fmt: skip

    def __init__(self, value: Any, select: Selector) -> None:
        self.value = value
        self.decided = isinstance(value, HyperValue) and select(value)
        self.slots: int = value.k if self.decided and isinstance(value, ManyOf) else 0
        self.below: list[tuple[Any, Item]] = []
        self.home: Branch | None = None
        self.scope: tuple[Item, ...] = ()
        self.reads: tuple[Item, ...] = ()
        self.open = self.decided
        self.order = 0
        self.places = 0
        self.repeated = False


def is_leaf(value: Any) -> bool:
    """Whether a value is the same in every child: immutable, or not looked into."""
    kind = type(value)
    if kind in SCALARS:
        return True
    if kind is tuple:
        return all(type(child) in SCALARS for child in value)
    return children(value) is None


def parts(item: Item) -> list[tuple[Any, Any]]:
    """(key, child), or for a decided hyper-value (candidate index, candidate)."""
    if item.decided:
        return list(enumerate(getattr(item.value, "candidates", ())))
    return list(children(item.value) or ())


def find_items(root: Any, select: Selector) -> list[Item]:
    """The items of a program in topological order, which for a tree is the order of reading.

    Raises `SpaceError` for a program that holds itself.
    """
    items: dict[int, Item] = {}
    finished: list[Item] = []
    first = items[id(root)] = Item(root, select)
    open_items = {first}
    stack: list[tuple[Item, Iterator[tuple[Any, Any]]]] = [(first, _backwards(first))]
    while stack:
        item, rest = stack[-1]
        for key, child in rest:
            found = items.get(id(child))
            if found is None:
                found = items[id(child)] = Item(child, select)
                open_items.add(found)
                stack.append((found, _backwards(found)))
            elif found in open_items:
                raise SpaceError(
                    "Expected a program without cycles, received one in which a "
                    f"{type(child).__name__} holds itself (through {key!r}). Use `kg.clone` for a "
                    "copy of it."
                )
            item.below.append((key, found))
            if stack[-1][0] is not item:
                break
        else:
            stack.pop()
            open_items.discard(item)
            item.below.reverse()
            finished.append(item)
    finished.reverse()
    for order, item in enumerate(finished):
        item.order = order
    return finished


def _backwards(item: Item) -> Iterator[tuple[Any, Any]]:
    # Reversed, as the reverse of the order of finishing is what is wanted.
    return iter([(key, child) for key, child in reversed(parts(item)) if not is_leaf(child)])


def analyse(items: list[Item]) -> None:
    """Fills in homes, scopes and what follows from them."""
    for item in items:  # parents first
        if item.home is not None:
            item.scope = item.home.scope
        remembered = isinstance(item.value, Node) and not item.decided
        for _, child in item.below:
            home = Branch(item) if item.decided else item.home
            child.home = home if child.places == 0 else _meet(child.home, home)
            child.places += 1
            child.repeated |= child.places > 1 or (item.repeated and not remembered)
    for item in reversed(items):  # children first
        reads: set[Item] = set()
        for _, child in item.below:
            item.open |= child.open
            reads.update(child.reads)
        if item.decided or (item.repeated and isinstance(item.value, Node)):
            reads.update(item.scope)
        reads.discard(item)
        if reads:
            item.reads = tuple(sorted(reads, key=lambda many: many.order))


def _meet(left: Branch | None, right: Branch | None) -> Branch | None:
    while left is not right:
        if left is None or right is None:
            return None
        if left.depth >= right.depth:
            left = left.up
        else:
            right = right.up
    return left


Slots = dict[Item, int]
"""For each enclosing `manyof` that matters the slot that is meant."""


class Instance:
    """An open item as it exists for certain slots of the `manyof`s around it.

    Attributes:
      below: (key, slot or None, child) for each child that is open.
      start: the first decision point of a decided item.
      conditions: (decision point, candidate) pairs under which it exists; empty when always.
      path, name: where it stands first, in the program and for people.
    """

    __slots__ = ("always", "below", "conditions", "item", "name", "path", "slots", "start")

    def __init__(self, item: Item, slots: Slots) -> None:
        self.item = item
        self.slots = slots
        self.below: list[tuple[Any, int | None, Instance]] = []
        self.start = -1
        self.always = False
        self.conditions: dict[tuple[int, int], None] = {}
        self.path: str | None = None
        self.name: str = ""


InstanceKey = tuple[Item, tuple[int, ...]]


def instance_key(item: Item, slots: Slots) -> InstanceKey:
    """What tells the instances of an item apart."""
    return item, tuple([slots[many] for many in item.reads]) if item.reads else ()


class Layout:
    """The open instances of a program in topological order, and those that are decided."""

    def __init__(self, root: Any, select: Selector) -> None:
        self.items = find_items(root, select)
        analyse(self.items)
        self.instances: dict[InstanceKey, Instance] = {}
        self.ordered = self._expand(self.items[0]) if self.items[0].open else []
        self.decided = [instance for instance in self.ordered if instance.item.decided]
        self.size = 0
        for instance in self.decided:
            instance.start = self.size
            self.size += instance.item.slots or 1
        self._propagate()

    def _expand(self, root: Item) -> list[Instance]:
        """Depth first like `find_items`, over instances."""
        finished: list[Instance] = []
        first = self.instances[instance_key(root, {})] = Instance(root, {})
        stack = [(first, self._open_children(first))]
        while stack:
            instance, rest = stack[-1]
            for key, slot, (child_key, slots) in rest:
                child = self.instances.get(child_key)
                known = child is not None
                if child is None:
                    child = self.instances[child_key] = Instance(child_key[0], slots)
                instance.below.append((key, slot, child))
                if not known:
                    stack.append((child, self._open_children(child)))
                    break
            else:
                stack.pop()
                instance.below.reverse()
                finished.append(instance)
        finished.reverse()
        return finished

    def _open_children(
        self, instance: Instance
    ) -> Iterator[tuple[Any, int | None, tuple[InstanceKey, Slots]]]:
        item = instance.item
        below = [(key, child) for key, child in reversed(item.below) if child.open]
        if not below:
            return
        for slot in reversed(range(item.slots)) if item.slots else (None,):
            slots = instance.slots if slot is None else {**instance.slots, item: slot}
            for key, child in below:
                here = {many: slots[many] for many in child.reads} if child.reads else {}
                yield key, slot, (instance_key(child, slots), here)

    def _propagate(self) -> None:
        """Conditions, parents first."""
        for instance in self.ordered[:1]:
            instance.always = True
        for instance in self.ordered:
            if instance.always:
                instance.conditions = {}
            for key, slot, child in instance.below:
                if instance.item.decided:
                    child.conditions[instance.start + (slot or 0), key] = None
                else:
                    child.always |= instance.always
                    child.conditions.update(instance.conditions)


def lay_out(root: Any, select: Selector | None = None) -> Layout:
    """The layout of a program."""
    return Layout(root, select or (lambda _: True))

"""From a program with open values to the live objects of a supernet.

The program is built as `build` builds it, from the leaves up, but for its hyper-values: one over
layers becomes a `Switch`, any other an `Open` value. A layer of Keras that is made with an `Open`
argument is made at its largest, and what it is to be under each decision is noted beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import keras
import numpy as np

from keras_glove.errors import NotShareableError
from keras_glove.hyper import FloatV, IntV, ManyOf, OneOf
from keras_glove.hyper.layout import Item, Layout, instance_key, lay_out
from keras_glove.hyper.naming import decision_points
from keras_glove.symbolic import (
    Node,
    Program,
    add_call_handler,
    build,
    children,
    describe,
    fingerprint,
    signature_of,
    with_children,
)
from keras_glove.symbolic.making import any_node
from keras_glove.weight_sharing.constructing import NAMED, make_layer, note_copies
from keras_glove.weight_sharing.open_values import Open, OpenFloat
from keras_glove.weight_sharing.repeat import COPIER
from keras_glove.weight_sharing.switch import Switch
from keras_glove.weight_sharing.tables import Table
from keras_glove.weight_sharing.tracing import holds_open

__all__ = ["Lowering", "lowering"]

_RUNNING: ContextVar[Lowering | None] = ContextVar("keras_glove_lowering", default=None)

Slots = dict[Item, int]


def lowering() -> Lowering | None:
    """The lowering that is going on, if any."""
    return _RUNNING.get()


class Lowering:
    """Makes the live objects of one supernet.

    Args:
      program: the open program.

    Attributes:
      layout: its decision points.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.layout: Layout = lay_out(program)
        self._points = decision_points(self.layout)
        self._made: dict[Any, Any] = {}

    def build(self, root: Callable[..., Any] | None = None) -> Any:
        """The live object of the program; `root` is called in place of the program's callable."""
        with self._running():
            item = self.layout.items[0]
            parts = self._parts(item, {})
            made = construct(root or item.value.__target__, dict(parts))
            if isinstance(made, keras.Layer):
                note_copies(made)
            return made

    @contextmanager
    def _running(self) -> Iterator[None]:
        token, copier, named = _RUNNING.set(self), COPIER.set(self.copies), NAMED.set({})
        try:
            yield
        finally:
            _RUNNING.reset(token)
            COPIER.reset(copier)
            NAMED.reset(named)

    def _lower(self, item: Item, slots: Slots) -> Any:
        value = item.value
        if not isinstance(value, Node):
            return with_children(value, [part for _, part in self._parts(item, slots)])
        key = instance_key(item, slots)
        if key not in self._made:
            self._made[key] = (
                self._decision(item, slots) if item.decided else self._node(item, slots)
            )
        return self._made[key]

    def _node(self, item: Item, slots: Slots) -> Any:
        parts = dict(self._parts(item, slots))
        if isinstance(item.value, Program):
            return construct(item.value.__target__, parts)
        return item.value.__rebuild__(parts)

    def copies(self, block: Any, count: int) -> list[Any]:
        """Live copies of a block, itself the first; decisions inside are common to all."""
        key = next((key for key, live in self._made.items() if live is block), None)
        if key is None and holds_open(block):
            raise NotShareableError(
                f"Expected a block to repeat that is an argument of the model, received "
                f"{block!r}, which `__init__` makes with open values. Hand it in: "
                "`Net(block=Block(oneof([...])), depth=intv(1, 4))`."
            )
        if key is None:
            return [block, *(build(describe(block)) for _ in range(count - 1))][:count]
        item, slots = key[0], dict(zip(key[0].reads, key[1], strict=True))
        blocks, made, inside = [block], self._made, _items_in(item)
        for _ in range(count - 1):
            self._made = {key: live for key, live in made.items() if key[0] not in inside}
            blocks.append(self._lower(item, slots))
        self._made = made
        return blocks[:count]

    def _parts(self, item: Item, slots: Slots) -> list[tuple[Any, Any]]:
        inside = dict(item.below)
        return [
            (key, self._lower(inside[key], slots) if key in inside else child)
            for key, child in children(item.value) or ()
        ]

    def _decision(self, item: Item, slots: Slots) -> Any:
        instance = self.layout.instances[instance_key(item, slots)]
        value = item.value
        if isinstance(value, ManyOf):
            return [
                self._choice(item, instance.start + slot, {**slots, item: slot})
                for slot in range(value.k)
            ]
        if isinstance(value, FloatV):
            return OpenFloat(instance.start, value.low, value.high, self._place(instance.start))
        if isinstance(value, IntV):
            numbers = np.arange(value.low, value.high + 1, value.step)
            place = self._place(instance.start)
            return Open(Table((instance.start,), numbers), place, _share(value))
        if not isinstance(value, OneOf):
            raise NotShareableError(
                f"at `{self._place(instance.start)}`: expected a choice or a number, received "
                f"{value!r}, of whose values nothing is known. Search it without shared weights, "
                "by `kg.program(Net, ...)`."
            )
        return self._choice(item, instance.start, slots)

    def _place(self, point: int) -> str:
        return self._points[point].path or self._points[point].name

    def _choice(self, item: Item, point: int, slots: Slots) -> Any:
        inside = dict(item.below)
        options = [
            self._lower(inside[index], slots) if index in inside else candidate
            for index, candidate in enumerate(item.value.candidates)
        ]
        place = self._place(point)
        chooser = Table((point,), np.arange(len(options)))
        if any(isinstance(option, keras.Layer) for option in options):
            _require_layers(options, place, item.value.share)
            return Switch(chooser, options, place, _forms(item))
        tables = [o.table if isinstance(o, Open) else Table.entry(o) for o in options]
        return Open(Table.select(chooser, tables), place, _share(item.value))


def _forms(item: Item) -> tuple[str, ...] | None:
    """What tells candidates apart, where none of them holds an open value."""
    if any(child.open for _, child in item.below):
        return None
    return tuple(fingerprint(candidate) for candidate in item.value.candidates)


def _items_in(item: Item) -> set[Item]:
    found, pending = {item}, [item]
    while pending:
        for _, child in pending.pop().below:
            if child not in found:
                found.add(child)
                pending.append(child)
    return found


def _share(value: Any) -> str:
    return value.share or "slice"


def _require_layers(options: list[Any], place: str, share: str | None) -> None:
    if share not in (None, "none"):
        raise NotShareableError(
            f"at `{place}`: expected no `share`, or 'none', for a choice of layers, each of which "
            f"has weights of its own, received {share!r}. Put the choice into an argument of one "
            "layer: `Conv2D(8, oneof([3, 5]))`."
        )
    for index, option in enumerate(options):
        if option is not None and (isinstance(option, Node) or not callable(option)):
            raise NotShareableError(
                f"at `{place}`: expected candidates that are all layers (or None, for none), "
                f"received {option!r} as candidate {index}. Put several layers into a "
                "`layers.Sequential` or a layer of your own, or search without shared weights, by "
                "`kg.program(Net, ...)`."
            )


def construct(target: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """Calls what a program describes, with arguments that may hold `Open` values."""
    positional, keywords = signature_of(target).call_arguments(arguments)
    if _is_of_keras(target) and any_node(tuple(positional), keywords):
        return make_layer(target, tuple(positional), keywords)
    return target(*positional, **keywords)


def _handle(target: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What a symbolic call gives that holds `Open` values."""
    if isinstance(target, type) and hasattr(target.__new__, "__records__"):
        return _unrecorded(target, args, kwargs)
    if _is_of_keras(target):
        return make_layer(target, args, kwargs)
    return target(*args, **kwargs)


def _is_of_keras(target: Any) -> bool:
    return isinstance(target, type) and target.__module__.startswith("keras.")


def _unrecorded(cls: type, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A new instance of a class of the user's, whose `__init__` Python goes on to call."""
    for owner in cls.__mro__:
        new = vars(owner).get("__new__")
        if new is not None and not hasattr(getattr(new, "__func__", new), "__records__"):
            made = new.__get__(None, owner) if hasattr(new, "__get__") else new
            return made(cls) if owner is object else made(cls, *args, **kwargs)
    return object.__new__(cls)


add_call_handler(Open, _handle)
add_call_handler(OpenFloat, _handle)

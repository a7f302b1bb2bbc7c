"""Layers of Keras that are made with `Open` arguments.

Where an argument only says how much of a weight is used (units, filters, kernel size), the layer is
made with its largest value, and the open one noted. Over the values of any other argument a
`Switch` is made, whose branches hold one set of weights where these have equal shapes.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, NoReturn

import keras
import numpy as np

from keras_glove.errors import NotShareableError
from keras_glove.symbolic import signature_of
from keras_glove.symbolic.traversal import walk
from keras_glove.weight_sharing.kernels import KernelTransform
from keras_glove.weight_sharing.open_values import Open, OpenFloat
from keras_glove.weight_sharing.switch import Switch
from keras_glove.weight_sharing.tables import Table
from keras_glove.weight_sharing.tying import tie

__all__ = ["ELASTIC", "NAMED", "make_layer", "note_copies", "notes_of", "refuse_config"]

#: For each class of Keras the arguments over whose values it shares its weights.
ELASTIC: dict[type, frozenset[str]] = {}

_NOTES: weakref.WeakKeyDictionary[Any, Mapping[str, Any]] = weakref.WeakKeyDictionary()


#: The open arguments of layers made by the lowering that goes on, by the names of the layers.
NAMED: ContextVar[dict[str, Mapping[str, Any]] | None] = ContextVar(
    "keras_glove_named", default=None
)


def note_copies(layer: Any) -> None:
    """Notes what is open of the copies that Bidirectional makes of the layer that it is given."""
    named = NAMED.get() or {}
    for part in layer._flatten_layers():
        if isinstance(part, keras.layers.Bidirectional):
            for copy in (part.forward_layer, part.backward_layer):
                notes = named.get(copy.name.removeprefix("forward_").removeprefix("backward_"))
                if notes is not None and copy not in _NOTES:
                    _NOTES[copy] = notes


def refuse_config(layer: Any) -> None:
    """Lets nobody copy a layer by its config, which does not tell what is open of it."""

    def get_config() -> NoReturn:
        raise NotShareableError(
            f"Expected {layer.name!r} ({type(layer).__name__}) to be copied or saved with its "
            "supernet, received a request for its own config, which cannot tell what is open. Use "
            "`copy.deepcopy(model)`, `type(model).from_config(model.get_config())` or `model.save`."
        )

    object.__setattr__(layer, "get_config", get_config)


def notes_of(layer: Any) -> Mapping[str, Any]:
    """The open arguments of a layer of Keras, by name."""
    return _NOTES.get(layer, {})


def make_layer(cls: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """What a call of a class of Keras gives that has `Open` values among its arguments."""
    arguments = signature_of(cls).bind(args, dict(kwargs))
    opens = {name: v for name, v in arguments.items() if isinstance(v, Open | OpenFloat)}
    _require_direct(cls, arguments)
    if not issubclass(cls, keras.Layer):
        first = next(iter(opens.values()))
        raise NotShareableError(
            f"at `{first.place}`: expected an open value that is an argument of a layer, received "
            f"one of {cls.__name__}, over which a supernet cannot share weights. Use `oneof` over "
            f"whole layers, or search without shared weights, by `kg.program(Net, ...)`."
        )
    elastic = ELASTIC.get(cls, frozenset())
    for name, value in opens.items():
        _require_kernel(cls, name, value)
        if name not in elastic or getattr(value, "share", "slice") == "none":
            return _switch(cls, arguments, name, value)
    positional, keywords = signature_of(cls).call_arguments(
        {name: largest(value) for name, value in arguments.items()}
    )
    layer = cls(*positional, **keywords)
    _NOTES[layer] = opens
    named = NAMED.get()
    if named is not None:
        named[layer.name] = opens
    size = opens.get("kernel_size")
    if isinstance(size, Open) and size.share == "transform" and size.table.points:
        layer.kernel_transform = KernelTransform(size.table.options(), size.place, layer.rank)
    return layer


def _require_kernel(cls: type, name: str, value: Any) -> None:
    known = name == "kernel_size" and name in ELASTIC.get(cls, ())
    if getattr(value, "share", "slice") == "transform" and not known:
        raise NotShareableError(
            f"at `{value.place}`: expected share='transform' for the kernel size of a convolution, "
            f"received one for `{name}` of {cls.__name__}. Use share='slice' or share='none'."
        )


def largest(value: Any) -> Any:
    """The largest value of an open argument; others as they are."""
    if isinstance(value, OpenFloat):
        return value.high
    if not isinstance(value, Open):
        return value
    options = value.table.options()
    if value.is_numeric:
        return max(options)
    return tuple(None if None in sides else max(sides) for sides in zip(*options, strict=True))


def _require_direct(cls: type, arguments: Mapping[str, Any]) -> None:
    for name, argument in arguments.items():
        if isinstance(argument, Open | OpenFloat):
            continue
        for _, inner in walk(argument):
            if isinstance(inner, Open | OpenFloat):
                raise NotShareableError(
                    f"at `{inner.place}`: expected an open value that is an argument of a layer as "
                    f"a whole, received one inside `{name}` of {cls.__name__}. Put whole values "
                    f"there instead: `{name}=oneof([(3, 3), (5, 5)])`."
                )


def _switch(cls: Any, arguments: dict[str, Any], name: str, value: Open | OpenFloat) -> Any:
    if isinstance(value, OpenFloat):
        raise NotShareableError(
            f"at `{value.place}`: expected `{name}` of {cls.__name__} to be one of a few values, "
            "received a float from a range, over which no branches can be made. Use "
            "`oneof([...])` of some values of it."
        )
    options, selector = _distinct(value.table)
    if len(options) == 1:
        return make_layer(cls, (), {**arguments, name: options[0]})
    branches = [_make(cls, {**arguments, name: _fresh(option)}) for option in options]
    if value.share != "none":
        tie(branches)
    return Switch(selector, branches, value.place)


def _make(cls: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    if any(isinstance(argument, Open | OpenFloat) for argument in arguments.values()):
        return make_layer(cls, (), arguments)
    positional, keywords = signature_of(cls).call_arguments(arguments)
    return cls(*positional, **keywords)


def _fresh(option: Any) -> Any:
    """Initializers and the like are made anew for each layer, as Keras wants it."""
    kinds = (keras.Initializer,)
    return type(option).from_config(option.get_config()) if isinstance(option, kinds) else option


def _distinct(table: Table) -> tuple[list[Any], Table]:
    """The different values of a table, and a table of which of them it is."""
    options: list[Any] = []
    places = np.empty(table.values.shape, dtype=np.int64)
    for index in np.ndindex(table.values.shape):
        value = table.values[index]
        value = value.item() if isinstance(value, np.generic) else value
        known = next((i for i, o in enumerate(options) if o is value or o == value), None)
        if known is None:
            known = len(options)
            options.append(value)
        places[index] = known
    return options, Table(table.points, places)

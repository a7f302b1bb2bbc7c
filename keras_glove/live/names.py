"""Names of layers: those that Keras makes up, those of attributes, and free ones."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from typing import Any

import keras

__all__ = ["attributes", "free_name", "is_automatic", "snake_case"]


def snake_case(name: str) -> str:
    """The name of a class as Keras names its instances.

    >>> [snake_case(name) for name in ("Conv2D", "ReLU", "GlobalAveragePooling2D", "LSTM")]
    ['conv2d', 're_lu', 'global_average_pooling2d', 'lstm']
    """
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def is_automatic(cls: type, name: Any) -> bool:
    """Whether Keras made up a name: the class's in snake case, and a number."""
    stem = re.escape(snake_case(cls.__name__))
    return isinstance(name, str) and re.fullmatch(rf"{stem}(_\d+)?", name) is not None


def free_name(base: str, taken: Container[str]) -> str:
    """`base`, or `base_1` and so on where that is taken.

    >>> free_name("dense", {"dense", "dense_1"})
    'dense_2'
    """
    name, number = base, 0
    while name in taken:
        number += 1
        name = f"{base}_{number}"
    return name


# `compile` keeps a dict of layers, which has no order that flattening could take.
_INTERNAL = frozenset({"_layers", "_compiled_trainable_state"})


def attributes(layer: keras.Layer) -> Iterator[tuple[tuple[Any, ...], keras.Layer]]:
    """The layers in attributes of a layer, or in lists and dicts there, each with the way to it."""
    for name, value in vars(layer).items():
        # Of the backend and of Keras, about what the other attributes hold.
        internal = name in _INTERNAL or name.startswith("_self_")
        if internal or not isinstance(value, keras.Layer | list | tuple | dict):
            continue
        for path, part in keras.tree.flatten_with_path(value):
            if isinstance(part, keras.Layer):
                yield (name, *path), part

"""`mirror`: the classes and functions of a Keras module, symbolic, under the same names."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Collection, Mapping
from types import FunctionType, ModuleType
from typing import Any

from keras_glove.live.bases import base_of
from keras_glove.live.keywords import declare_keywords
from keras_glove.symbolic import SymbolicConstructor, register
from keras_glove.symbolic.making import any_node, symbolic_call
from keras_glove.symbolic.registry import is_registered

__all__ = ["Mirror", "mirror", "name_functions"]

_MADE: dict[type, SymbolicConstructor] = {}

declare_keywords()


class Mirror(Mapping[str, Any]):
    """What `mirror` made: name to symbolic class, symbolic function or, where neither, the thing.

    Classes with two names in Keras (`Conv2D`, `Convolution2D`) are one symbolic class here.
    """

    def __init__(self, module: ModuleType, entries: dict[str, Any]) -> None:
        self._module = module
        self._entries = entries

    def __getitem__(self, name: str) -> Any:
        return self._entries[name]

    def __iter__(self) -> Any:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def missing(self, name: str) -> AttributeError:
        """The error for a name that is not there; to be raised by a module's `__getattr__`."""
        close = difflib.get_close_matches(name, self._entries, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        return AttributeError(
            f"Expected a name of {self._module.__name__} of the installed Keras, received "
            f"{name!r}.{hint}"
        )


def mirror(module: ModuleType, *, plain: Collection[str] = (), functions: bool = True) -> Mirror:
    """The public classes and functions of a Keras module, made symbolic.

    Generated from the Keras that is installed, so nothing of it is missing. A class of Keras
    becomes a `SymbolicConstructor`, which stays that class in all but what a call with open
    values gives; the class itself is not touched.

    Args:
      module: a public module of Keras, such as `keras.layers`.
      plain: names that are passed on as they are.
      functions: whether functions are made symbolic; those of losses and the like are values.

    >>> import keras
    >>> layers = mirror(keras.layers)
    >>> type(layers["Dense"](4)) is keras.layers.Dense
    True
    >>> from keras_glove.hyper import oneof
    >>> layers["Dense"](oneof([16, 32]))
    Dense(units=oneof([16, 32]))
    """
    entries: dict[str, Any] = {}
    for name, value in vars(module).items():
        if name.startswith("_") or isinstance(value, ModuleType):
            continue
        is_plain = name in plain or (isinstance(value, FunctionType) and not functions)
        entries[name] = value if is_plain else _symbolic(module.__name__, name, value)
    if not functions:
        name_functions(module)
    return Mirror(module, entries)


def name_functions(module: ModuleType) -> None:
    """Gives the public functions of a Keras module names, by which programs are saved."""
    for name, value in vars(module).items():
        if isinstance(value, FunctionType) and not is_registered(value):
            register(value, f"{module.__name__}.{name}")


def _symbolic(module: str, name: str, value: Any) -> Any:
    if isinstance(value, type):
        if value not in _MADE:
            _MADE[value] = SymbolicConstructor(
                value, f"{module}.{value.__name__}", bases=base_of(value)
            )
        return _MADE[value]
    return (
        _symbolic_function(value, f"{module}.{name}") if isinstance(value, FunctionType) else value
    )


def _symbolic_function(function: FunctionType, name: str) -> Any:
    """The function, which called with something symbolic gives what stands for the call.

    Unlike what `symbolize` makes it keeps no record of ordinary calls: tensors tell where they
    come from.
    """

    @functools.wraps(function)
    def symbolic(*args: Any, **kwargs: Any) -> Any:
        if any_node(args, kwargs):
            return symbolic_call(function, args, kwargs)
        return function(*args, **kwargs)

    symbolic.__symbolic_target__ = function  # type: ignore[attr-defined]
    register(function, name)
    return symbolic

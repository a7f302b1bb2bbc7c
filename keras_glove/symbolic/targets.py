"""What a program calls, in one form for all the ways in which Python names a callable."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from types import MethodType
from typing import Any

__all__ = ["findable", "place_of", "target_of", "unwrapped"]

_METHODS: dict[tuple[type, Callable[..., Any]], MethodType] = {}

Call = tuple[Any, tuple[Any, ...], dict[str, Any]]


def target_of(target: Any) -> Any:
    """The class or function itself behind a symbolic constructor or a symbolized function."""
    if isinstance(target, MethodType):
        return _one_method(target) if isinstance(target.__self__, type) else target
    return getattr(target, "__symbolic_target__", target)


def _one_method(method: MethodType) -> MethodType:
    """The same object for the same method of a class, which Python makes anew at each access."""
    return _METHODS.setdefault((method.__self__, method.__func__), method)  # type: ignore[arg-type]


def unwrapped(target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
    """A call without the wrappers around what is called.

    What a `functools.partial` holds becomes arguments; so does the object of a bound method,
    as the first one. A method of a class that is a constructor stays one.

    >>> unwrapped(functools.partial(int, base=2), ("101",), {})
    (<class 'int'>, ('101',), {'base': 2})
    """
    while True:
        if isinstance(target, functools.partial):
            target, args, kwargs = (
                target.func, (*target.args, *args), {**target.keywords, **kwargs},
            )  # fmt: skip
        elif _binds_an_argument(target):
            target, args = target.__func__, (target.__self__, *args)
        else:
            return target_of(target), args, kwargs


def _binds_an_argument(target: Any) -> bool:
    if not isinstance(target, MethodType):
        return False
    return not isinstance(target.__self__, type) or hasattr(target.__func__, "__symbolic_target__")


def place_of(target: Any) -> tuple[str, str] | None:
    """The module and the qualified name that a class or function says to have."""
    module = getattr(target, "__module__", None)
    name = getattr(target, "__qualname__", None)
    if isinstance(target, MethodType):
        owner: Any = target.__self__
        module, name = owner.__module__, f"{owner.__qualname__}.{target.__name__}"
    return (module, name) if isinstance(module, str) and isinstance(name, str) else None


def findable(module: str, qualified: str, target: Any) -> Any:
    """What a module holds under a name, if that is the target or wraps it; else None."""
    value: Any = sys.modules.get(module)
    for name in qualified.split("."):
        value = getattr(value, name, None)
    return value if value is not None and target_of(value) == target else None

"""How calls become programs: `program`, `partial`, and what a symbolic call gives."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import MethodType
from typing import Any

from keras_glove.errors import ArgumentError, DescriptionError
from keras_glove.symbolic.copying import clone
from keras_glove.symbolic.node import Node
from keras_glove.symbolic.program import Program
from keras_glove.symbolic.recording import describe, normalize
from keras_glove.symbolic.signature import signature_of
from keras_glove.symbolic.targets import unwrapped
from keras_glove.symbolic.traversal import SCALARS, contains

__all__ = [
    "add_call_handler",
    "any_node",
    "make",
    "partial",
    "program",
    "record_of",
    "symbolic_call",
]

CallHandler = Callable[[Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]

_HANDLERS: list[tuple[type, CallHandler]] = []


def holds_node(value: Any) -> bool:
    """Whether an argument is, or contains, something symbolic."""
    if type(value) in SCALARS:
        return False
    return contains(value, lambda inner: isinstance(inner, Node))


def any_node(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether any argument of a call is, or contains, something symbolic."""
    return any(map(holds_node, args)) or any(map(holds_node, kwargs.values()))


def make(
    target: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    *,
    with_state: bool = True,
) -> Program:
    """The program of one call; raises `ArgumentError` where the arguments do not fit."""
    arguments = signature_of(target).bind(args, kwargs)
    inside = {
        name: normalize(value, (name,), with_state=with_state) for name, value in arguments.items()
    }
    return Program(target, inside)


def add_call_handler(kind: type, handler: CallHandler) -> None:
    """Says what a symbolic call gives where an argument is, or contains, a `kind`.

    Args:
      kind: a class, of which no program describes what it holds, such as a symbolic tensor.
      handler: a function of (target, args, kwargs) that returns what stands for the call.
    """
    _HANDLERS.append((kind, handler))


def symbolic_call(target: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What a call with something symbolic in it gives: its program, or what a handler makes."""
    handler = _handler_of((args, kwargs))
    return make(target, args, kwargs) if handler is None else handler(target, args, kwargs)


def chosen(value: Any) -> Any:
    """The value itself: the call that stands for a choice which a call handler takes over."""
    return value


def stand_in(value: Any) -> Any:
    """What stands for an open value: itself, or what a call handler makes of what it holds."""
    handler = _handler_of(value)
    return value if handler is None else handler(chosen, (value,), {})


def _handler_of(value: Any) -> CallHandler | None:
    for kind, handler in _HANDLERS:
        if contains(value, lambda inner, kind=kind: isinstance(inner, kind)):  # type: ignore[misc]
            return handler
    return None


def record_of(
    target: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Program | None:
    """The program of a call that is about to be made; None where it has none.

    Asked before the call: what is passed may be changed by it. Weights of what is passed are
    not copied: they live on in the object itself.
    """
    try:
        return make(target, args, kwargs, with_state=False)
    except (ArgumentError, DescriptionError):
        return None  # ordinary calls go on as ever; their own errors are the better ones


def program(target: Any, /, *args: Any, **kwargs: Any) -> Program:
    """A program that describes the call `target(*args, **kwargs)`; nothing is called.

    Args:
      target: a class or function, symbolized or not; a method; a `functools.partial`, whose
        arguments become the program's; or a live object that a program describes (then without
        further arguments).
      *args: positional arguments; they may hold programs and hyper-values.
      **kwargs: keyword arguments, likewise.

    Raises:
      ArgumentError: the arguments do not fit the signature of `target`.

    >>> program(dict, a=1)
    dict(a=1)
    >>> program(functools.partial(int, base=2), "101")
    int('101', base=2)
    """
    if not args and not kwargs and not isinstance(target, type | functools.partial | MethodType):
        known = describe(target)
        if isinstance(known, Program):
            # A copy: what is done to it must not change what is known of the live object.
            copied: Program = known if known is target else clone(known)
            return copied
    target, args, kwargs = unwrapped(target, args, kwargs)
    _check_callable(target)
    return make(target, args, kwargs)


def _check_callable(target: Any) -> None:
    if isinstance(target, Node) or not callable(target):
        raise ArgumentError(
            "Expected a class, a function or a live object made by one that is symbolized, "
            f"received {target!r}."
        )


def partial(target: Any, /, *args: Any, **kwargs: Any) -> Program:
    """A program whose missing arguments are set later, by `kg.rebind` or as attributes.

    >>> p = partial(round, ndigits=2)
    >>> p
    round(number=MISSING, ndigits=2)
    >>> p.number = 2.345
    >>> p
    round(number=2.345, ndigits=2)
    """
    target, args, kwargs = unwrapped(target, args, kwargs)
    _check_callable(target)
    arguments = signature_of(target).bind(args, kwargs, partial=True)
    return Program(target, {name: normalize(value, (name,)) for name, value in arguments.items()})

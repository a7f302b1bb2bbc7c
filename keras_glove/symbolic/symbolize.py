"""`symbolize`, `program` and `partial`: how calls become programs."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, overload

from keras_glove.errors import ArgumentError, DescriptionError
from keras_glove.symbolic import registry
from keras_glove.symbolic.node import Node
from keras_glove.symbolic.program import Program
from keras_glove.symbolic.recording import describe, normalize, recall, remember
from keras_glove.symbolic.signature import signature_of
from keras_glove.symbolic.traversal import SCALARS, contains

__all__ = ["add_call_handler", "partial", "program", "symbolic_call", "symbolize", "target_of"]

CallHandler = Callable[[Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]

_HANDLERS: list[tuple[type, CallHandler]] = []

T = TypeVar("T", bound=Callable[..., Any])


def holds_node(value: Any) -> bool:
    """Whether an argument is, or contains, something symbolic."""
    if type(value) in SCALARS:
        return False
    return contains(value, lambda inner: isinstance(inner, Node))


def any_node(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether any argument of a call is, or contains, something symbolic."""
    return any(map(holds_node, args)) or any(map(holds_node, kwargs.values()))


def target_of(target: Any) -> Any:
    """The class or function itself behind a symbolic constructor or a symbolized function."""
    return getattr(target, "__symbolic_target__", target)


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
    for kind, handler in _HANDLERS:
        if contains((args, kwargs), lambda inner, kind=kind: isinstance(inner, kind)):  # type: ignore[misc]
            return handler(target, args, kwargs)
    return make(target, args, kwargs)


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
      target: a class or function, symbolized or not; or a live object that a program
        describes (then without further arguments).
      *args: positional arguments; they may hold programs and hyper-values.
      **kwargs: keyword arguments, likewise.

    Raises:
      ArgumentError: the arguments do not fit the signature of `target`.

    >>> program(dict, a=1)
    dict(a=1)
    """
    target = target_of(target)
    if not args and not kwargs and not isinstance(target, type):
        known = describe(target)
        if isinstance(known, Program):
            return known
    if isinstance(target, Node) or not callable(target):
        raise ArgumentError(
            "Expected a class, a function or a live object made by one that is symbolized, "
            f"received {target!r}."
        )
    return make(target, args, kwargs)


def partial(target: Any, /, *args: Any, **kwargs: Any) -> Program:
    """A program whose missing arguments are set later, by `kg.rebind` or as attributes.

    >>> p = partial(round, ndigits=2)
    >>> p
    round(number=MISSING, ndigits=2)
    >>> p.number = 2.345
    >>> p
    round(number=2.345, ndigits=2)
    """
    target = target_of(target)
    arguments = signature_of(target).bind(args, kwargs, partial=True)
    return Program(target, {name: normalize(value, (name,)) for name, value in arguments.items()})


@overload
def symbolize(target: T, /, *, name: str | None = None) -> T: ...
@overload
def symbolize(target: None = None, /, *, name: str | None = None) -> Callable[[T], T]: ...
def symbolize(target: Any = None, /, *, name: str | None = None) -> Any:
    """Makes a class or function symbolic, and registers its name for saving.

    A call with plain arguments works as before; its program is remembered beside the
    result (`kg.program(result)`). A call in which any argument is, or contains, a
    hyper-value or a program returns a `Program`, and nothing is built. A class stays
    the class it is; subclasses are symbolic too.

    Args:
      target: the class or function. Without it, a decorator is returned.
      name: the name to save under, by default `module.qualified_name`.

    Raises:
      RegistrationError: the name belongs to another class or function.
      ArgumentError: `target` is neither a class nor a function.

    >>> @symbolize
    ... class Encoder:
    ...     def __init__(self, width, depth=2): ...
    >>> isinstance(Encoder(16), Encoder)
    True
    >>> Encoder(program(int, "16"))
    Encoder(width=int('16'))
    """
    if target is None:
        return functools.partial(symbolize, name=name)
    if isinstance(target, type):
        return symbolize_class(target, name)
    if callable(target):
        return _symbolize_function(target, name)
    raise ArgumentError(f"Expected a class or a function to symbolize, received {target!r}.")


def _symbolize_function(function: Callable[..., Any], name: str | None) -> Callable[..., Any]:
    if target_of(function) is not function:
        return function
    if not hasattr(function, "__qualname__"):
        raise ArgumentError(
            f"Expected a class or a function to symbolize, received {function!r}. "
            "`kg.program` takes any callable as it is."
        )

    @functools.wraps(function)
    def symbolic(*args: Any, **kwargs: Any) -> Any:
        if any_node(args, kwargs):
            return symbolic_call(function, args, kwargs)
        record = record_of(function, args, kwargs)
        result = function(*args, **kwargs)
        if record is not None and not isinstance(result, Node) and type(result) not in SCALARS:
            remember(result, record)
        return result

    symbolic.__symbolic_target__ = function  # type: ignore[attr-defined]
    registry.register(function, name)
    return symbolic


def symbolize_class(cls: type, name: str | None = None, *, register: bool = True) -> type:
    """Adds a recording `__new__` to a class, unless a parent has given it one."""
    if register:
        registry.register(cls, name)
    if not hasattr(cls.__new__, "__records__"):
        cls.__new__ = _recording_new(cls, cls.__new__)  # type: ignore[method-assign]
    return cls


def _recording_new(owner: type, parent_new: Callable[..., Any]) -> Callable[..., Any]:
    inherits = "__new__" not in vars(owner)

    def recording_new(cls: Any, *args: Any, **kwargs: Any) -> Any:
        if any_node(args, kwargs):
            return symbolic_call(cls, args, kwargs)
        # Asked of super() at each call: in another class's bases the next one may differ.
        new = super(owner, cls).__new__ if inherits else parent_new  # type: ignore[arg-type]
        live = new(cls) if new is object.__new__ else new(cls, *args, **kwargs)
        _record_call(live, cls, args, kwargs)
        return live

    recording_new.__records__ = True  # type: ignore[attr-defined]
    return recording_new


def _record_call(live: Any, cls: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    if not isinstance(live, cls) or recall(live) is not None:
        return
    signature = signature_of(cls)
    if not args and not kwargs and signature.names and cls.__reduce__ is object.__reduce__:
        return  # copy and pickle call `__new__` so, and then set the state: not the user's call
    record = record_of(cls, args, kwargs)
    if record is not None:
        remember(live, record)

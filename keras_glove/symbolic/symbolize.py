"""`symbolize`: classes and functions whose calls are recorded as programs."""

from __future__ import annotations

import enum
import functools
import inspect
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from types import MethodType
from typing import Any, TypeVar, overload

from keras_glove.errors import ArgumentError
from keras_glove.symbolic import registry
from keras_glove.symbolic.constructor import SymbolicConstructor
from keras_glove.symbolic.making import any_node, make, record_of, symbolic_call
from keras_glove.symbolic.node import Node
from keras_glove.symbolic.recording import recall, remember
from keras_glove.symbolic.signature import signature_of
from keras_glove.symbolic.targets import findable, target_of, unwrapped
from keras_glove.symbolic.traversal import SCALARS

__all__ = [
    "add_class_kind",
    "any_node",
    "make",
    "symbolic_call",
    "symbolize",
    "symbolize_class",
]

T = TypeVar("T", bound=Callable[..., Any])


@overload
def symbolize(target: T, /, *, name: str | None = None, aliases: Iterable[str] = ()) -> T: ...
@overload
def symbolize(
    target: None = None, /, *, name: str | None = None, aliases: Iterable[str] = ()
) -> Callable[[T], T]: ...
def symbolize(
    target: Any = None, /, *, name: str | None = None, aliases: Iterable[str] = ()
) -> Any:
    """Makes a class or function symbolic, and registers its name for saving.

    A call with plain arguments works as before; its program is remembered beside the
    result (`kg.program(result)`). A call in which any argument is, or contains, a
    hyper-value or a program returns a `Program`, and nothing is built.

    A class of the module that calls `symbolize`, as a decorator does, stays the class it is, and
    its subclasses are symbolic too. A class of another package is not touched: what is returned
    stands for it, in calls, isinstance and issubclass, and as the base of subclasses.

    Args:
      target: a class, a function, a method, a `functools.partial`, or an enum, whose members can
        then be saved. Without it, a decorator is returned.
      name: the name to save under, by default `module.qualified_name`.
      aliases: names under which earlier versions have saved it.

    Raises:
      RegistrationError: the name belongs to another class or function.
      ArgumentError: `target` is none of these.

    >>> from keras_glove.symbolic import program
    >>> @symbolize
    ... class Encoder:
    ...     def __init__(self, width, depth=2): ...
    >>> isinstance(Encoder(16), Encoder)
    True
    >>> Encoder(program(int, "16"))
    Encoder(width=int('16'))
    """
    if target is None:
        return functools.partial(symbolize, name=name, aliases=aliases)
    if isinstance(target, SymbolicConstructor):
        return target
    if isinstance(target, classmethod | staticmethod):
        return type(target)(symbolize(target.__func__, name=name, aliases=aliases))
    if isinstance(target, type):
        return _symbolize_any_class(target, name, aliases)
    if callable(target) and not isinstance(target, Node):
        return _symbolize_function(target, name, aliases)
    raise ArgumentError(f"Expected a class or a function to symbolize, received {target!r}.")


def _symbolize_any_class(cls: type, name: str | None, aliases: Iterable[str]) -> Any:
    registry.register(cls, name, aliases=aliases)
    kind = next((kind for kind in _KINDS if issubclass(cls, kind.base)), None)
    if kind is not None:
        kind.named(cls)
    if issubclass(cls, enum.Enum) or hasattr(cls.__new__, "__records__"):
        return cls
    if _is_foreign(cls) or cls.__flags__ & _IMMUTABLE:
        bases = None if kind is None else kind.bases(cls)
        return SymbolicConstructor(cls, registry.name_of(cls), bases=bases)
    if kind is not None:
        kind.own(cls)
    return symbolize_class(cls, register=False)


@dataclass(frozen=True)
class _ClassKind:
    base: type
    named: Callable[[type], None]
    own: Callable[[type], None]
    bases: Callable[[type], tuple[type, ...]]


_KINDS: list[_ClassKind] = []


def add_class_kind(
    base: type,
    named: Callable[[type], None],
    *,
    own: Callable[[type], None],
    bases: Callable[[type], tuple[type, ...]],
) -> None:
    """Says what else is done to classes of a kind when they are made symbolic.

    Args:
      base: what they derive from; the kind that was added first decides.
      named: a function of each, called once it has a name.
      own: a function of those that are made symbolic themselves, and may be changed.
      bases: a function of those that are not touched; it returns what stands among the bases of
        their subclasses instead.
    """
    _KINDS.append(_ClassKind(base, named, own, bases))


_IMMUTABLE = 1 << 8
"""The flag of types, such as those written in C, that take no new attributes."""


def _is_foreign(cls: type) -> bool:
    """Whether a class stands finished in another module than the one that calls `symbolize`."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_globals is globals():
        frame = frame.f_back
    caller = frame.f_globals.get("__name__") if frame is not None else None
    return caller != cls.__module__ and findable(cls.__module__, cls.__qualname__, cls) is cls


def _symbolize_function(
    function: Callable[..., Any], name: str | None, aliases: Iterable[str]
) -> Callable[..., Any]:
    target, _, _ = unwrapped(function, (), {})
    if not hasattr(target, "__qualname__"):
        raise ArgumentError(
            f"Expected a class or a function to symbolize, received {function!r}. "
            "`kg.program` takes any callable as it is."
        )
    if not registry.is_registered(target) or name is not None:
        registry.register(target, name, aliases=aliases)
    if hasattr(function, "__symbolic_target__") and not isinstance(function, MethodType):
        return function

    @functools.wraps(function)
    def symbolic(*args: Any, **kwargs: Any) -> Any:
        if any_node(args, kwargs):
            return symbolic_call(*unwrapped(function, args, kwargs))
        record = record_of(*unwrapped(function, args, kwargs))
        result = function(*args, **kwargs)
        if record is not None and not isinstance(result, Node) and type(result) not in SCALARS:
            remember(result, record)
        return result

    if target_of(function) is target:
        symbolic.__symbolic_target__ = target  # type: ignore[attr-defined]
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
        if not issubclass(cls, owner):
            raise ArgumentError(
                "Expected `@kg.symbolize` above `@dataclass(slots=True)`, received it below, at "
                f"{cls!r}: such a dataclass is a copy of the class that was made symbolic."
            )
        # Asked of super() at each call: in another class's bases the next one may differ.
        new = super(owner, cls).__new__ if inherits else parent_new  # type: ignore[arg-type]
        live = new(cls) if new is object.__new__ else new(cls, *args, **kwargs)
        _record_call(live, cls, args, kwargs)
        return live

    recording_new.__records__ = True  # type: ignore[attr-defined]
    with suppress(ValueError, TypeError):  # a class without a signature keeps having none
        if inherits and not any("__init__" in vars(base) for base in owner.__mro__[:-1]):
            return recording_new  # a dataclass may still get its `__init__`
        recording_new.__signature__ = _with_cls(inspect.signature(owner))  # type: ignore[attr-defined]
    return recording_new


def _with_cls(signature: inspect.Signature) -> inspect.Signature:
    """The signature of a `__new__` for which inspect tells that of the class."""
    first = inspect.Parameter("__cls", inspect.Parameter.POSITIONAL_ONLY)
    return signature.replace(parameters=[first, *signature.parameters.values()])


def _record_call(live: Any, cls: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    if not isinstance(live, cls) or recall(live) is not None:
        return
    signature = signature_of(cls)
    if not args and not kwargs and signature.names and cls.__reduce__ is object.__reduce__:
        return  # copy and pickle call `__new__` so, and then set the state: not the user's call
    record = record_of(cls, args, kwargs)
    if record is not None:
        remember(live, record)

"""`Program`: the record of a call, as a mutable tree node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras_glove.errors import ArgumentError
from keras_glove.symbolic.node import Node
from keras_glove.symbolic.origin import Origin, note_changes
from keras_glove.symbolic.signature import signature_of
from keras_glove.symbolic.targets import findable, place_of, target_of
from keras_glove.symbolic.traversal import SCALARS, linked

__all__ = ["Program"]

_set = object.__setattr__


class Program(Node):
    """A callable and its arguments: a description that can be read, changed and built.

    Attributes are the arguments: reading one that was not given reads its
    default; setting one checks its name. Two programs are equal when they describe
    the same call. A program is mutable, so its hash changes when it does.

    >>> import keras_glove.symbolic as symbolic
    >>> @symbolic.symbolize
    ... def block(width, depth=2): ...
    >>> p = symbolic.program(block, 16)
    >>> p.width, p.depth
    (16, 2)
    >>> p.width = 32
    >>> p
    block(width=32)
    """

    __slots__ = ("__arguments__", "__origin__", "__target__", "__weakref__")
    __target__: Callable[..., Any]
    __arguments__: dict[str, Any]
    __origin__: Origin | None

    def __new__(
        cls,
        target: Callable[..., Any],
        arguments: dict[str, Any],
        origin: Origin | None = None,
    ) -> Program:
        # Trusts its arguments: `kg.program` is the door that checks them.
        self = object.__new__(cls)
        _set(self, "__target__", target)
        _set(self, "__arguments__", arguments)
        _set(self, "__origin__", origin)
        return self

    def __children__(self) -> dict[str, Any]:
        return self.__arguments__

    def __rebuild__(self, children: dict[str, Any]) -> Program:
        return Program(self.__target__, children, self.__origin__)

    def __fields__(self) -> dict[str, Any]:
        return self.__arguments__

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__arguments__[name]
        except KeyError:
            pass
        if name.startswith("__"):
            raise AttributeError(name)
        signature = signature_of(self.__target__)
        if name in signature.defaults or name in signature.factories:
            return signature.default(name)
        if name in signature.names:
            raise AttributeError(f"{signature.text}: the argument {name!r} has no value yet.")
        raise AttributeError(
            f"{signature.text}: expected one of the arguments {list(signature.names)}, "
            f"received {name!r}."
        )

    def __call__(self, /, *args: Any, **kwargs: Any) -> Program:
        """The program of calling what this one describes; see `keras_glove.symbolic.call`."""
        from keras_glove.symbolic.calling import call

        called: Program = call(self, *args, **kwargs)
        return called

    def __setattr__(self, name: str, value: Any) -> None:
        set_argument(self, name, value)

    def __delattr__(self, name: str) -> None:
        if name not in self.__arguments__:
            raise AttributeError(f"{signature_of(self.__target__).text}: {name!r} was not given.")
        replace_arguments(self, {n: v for n, v in self.__arguments__.items() if n != name})

    def __dir__(self) -> list[str]:
        return [*self.__arguments__, *signature_of(self.__target__).names]

    def __eq__(self, other: object) -> bool:
        if type(other) is not Program:
            return NotImplemented
        from keras_glove.symbolic.equality import equal

        return equal(self, other)

    def __hash__(self) -> int:
        from keras_glove.symbolic.equality import structural_hash

        return structural_hash(self)

    def __call_form__(self) -> tuple[str, list[tuple[str, Any]]]:
        name = getattr(self.__target__, "__name__", None) or repr(self.__target__)
        return name, call_items(self)

    def __copy__(self) -> Program:
        return Program(self.__target__, dict(self.__arguments__), self.__origin__)

    def __deepcopy__(self, memo: dict[int, Any]) -> Program:
        from keras_glove.symbolic.copying import clone_into

        copied: Program = clone_into(self, memo)  # which keeps what is shared in all of it
        return copied

    def __reduce__(self) -> Any:
        # A symbolized function is found by its name, where a wrapper of it stands.
        place = place_of(self.__target__)
        found = findable(*place, self.__target__) if place is not None else None
        return (_revived, (found or self.__target__, self.__arguments__, self.__origin__))


def _revived(target: Any, arguments: dict[str, Any], origin: Origin | None) -> Program:
    return Program(target_of(target), arguments, origin)


def call_items(program: Program, *, defaults: bool = False) -> list[tuple[str, Any]]:
    """The (prefix, argument) pairs of a call: "" for a positional one, "name=" for a keyword.

    Required arguments that are not given are `MISSING`; with `defaults`, the others that are not
    given have their defaults.
    """
    signature = signature_of(program.__target__)
    arguments = signature.with_gaps(program.__arguments__, defaults=defaults)
    rest = arguments.get(signature.var_positional or "", ())
    if not isinstance(rest, list | tuple):  # a hyper-value that stands for all of them
        arguments[signature.var_positional or ""] = ()
    positional, keywords = signature.call_arguments(arguments)
    items = [("", value) for value in positional]
    if not isinstance(rest, list | tuple):
        items.append(("*", rest))
    return items + [(f"{name}=", value) for name, value in keywords.items()]


def set_argument(program: Program, name: str, value: Any) -> None:
    """Sets one argument in place; raises `ArgumentError` for a bad name or a cycle."""
    from keras_glove.symbolic.recording import normalize

    check_argument(program, name, value)
    put_argument(program, name, normalize(value))
    note_changes(program, "rebind", [(name, value)])


def check_argument(program: Program, name: str, value: Any) -> None:
    """Raises `ArgumentError` where `program` cannot take `value` under `name`."""
    signature = signature_of(program.__target__)
    signature.check_name(name)
    if type(value) not in SCALARS and any(inner is program for _, inner in linked(value)):
        raise ArgumentError(
            f"{signature.text}: expected a value that does not hold the program itself, received "
            f"for {name!r} one that does, which would be a cycle. Use `kg.clone` for a copy of it."
        )


def put_argument(program: Program, name: str, value: Any) -> None:
    """Sets one argument without a check, keeping the canonical order."""
    arguments = program.__arguments__
    signature = signature_of(program.__target__)
    if name == signature.var_positional and type(value) is list:
        value = tuple(value)
    if name in arguments:
        arguments[name] = value
        return
    ordered = signature.ordered({**arguments, name: value})
    replace_arguments(program, ordered)


def replace_arguments(program: Program, arguments: dict[str, Any]) -> None:
    """Gives a program other arguments, without a check."""
    _set(program, "__arguments__", arguments)

"""Which arguments a class or function takes, checked long before it is called."""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import inspect
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from keras_glove.errors import ArgumentError
from keras_glove.symbolic.node import MISSING

__all__ = ["Signature", "close_keywords", "signature_of", "take_keywords"]

_P = inspect.Parameter
_CLOSED: dict[type, frozenset[str]] = {}
_TAKEN: dict[type, frozenset[str]] = {}
_CACHE: weakref.WeakKeyDictionary[Any, Signature] = weakref.WeakKeyDictionary()


def close_keywords(owner: type, names: Iterable[str] = ()) -> None:
    """Says that the `**kwargs` of `owner.__init__` takes `names` and nothing else."""
    _CLOSED[owner] = frozenset(names)
    _CACHE.clear()


def take_keywords(owner: type, names: Iterable[str]) -> None:
    """Says that `owner.__init__` takes `names` out of its `**kwargs` and hands on the rest."""
    _TAKEN[owner] = frozenset(names)
    _CACHE.clear()


@dataclass(frozen=True)
class Signature:
    """The arguments of one callable.

    `positional` are the names that a positional argument can fill, in order;
    `extra` are keyword names that only a parent class takes, through `**kwargs`.
    """

    text: str
    positional: tuple[str, ...]
    positional_only: frozenset[str]
    names: Mapping[str, int]  # every known name -> its place in the canonical order
    required: tuple[str, ...]
    defaults: Mapping[str, Any]
    factories: Mapping[str, Callable[[], Any]]  # defaults that are made anew for each instance
    var_positional: str | None
    open_keywords: bool

    def bind(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any], *, partial: bool = False
    ) -> dict[str, Any]:
        """The arguments by name, in canonical order.

        Raises `ArgumentError` where they do not fit; with `partial`, required ones may be missing.
        """
        arguments = self._bind_positional(args)
        for name, value in kwargs.items():
            self.check_name(name)
            if name == self.var_positional:
                raise ArgumentError(
                    f"{self.text}: expected `*{name}` to be given by position, received {name!r} "
                    "as a keyword."
                )
            if name in arguments:
                raise ArgumentError(f"{self.text}: received the argument {name!r} twice.")
            arguments[name] = value
        if not partial:
            missing = [name for name in self.required if name not in arguments]
            if missing:
                raise ArgumentError(
                    f"{self.text}: expected a value for {_listed(missing)}, received only "
                    f"{_listed(arguments) or 'no arguments'}. Give the missing ones, or use "
                    "`kg.partial` for a program that is completed later."
                )
        return self.ordered(arguments) if kwargs else arguments

    def _bind_positional(self, args: tuple[Any, ...]) -> dict[str, Any]:
        if len(args) <= len(self.positional):
            return dict(zip(self.positional, args, strict=False))
        if self.var_positional is None:
            raise ArgumentError(
                f"{self.text}: expected at most {len(self.positional)} positional arguments "
                f"({_listed(self.positional) or 'none'}), received {len(args)}."
            )
        arguments = dict(zip(self.positional, args, strict=False))
        arguments[self.var_positional] = tuple(args[len(self.positional) :])
        return arguments

    def check_name(self, name: str) -> None:
        """Raises `ArgumentError` for a name that the callable does not take."""
        if name in self.names or self.open_keywords:
            return
        close = difflib.get_close_matches(name, self.names, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ArgumentError(
            f"{self.text}: expected arguments among {_listed(self.names) or 'none'}, "
            f"received {name!r}.{hint}"
        )

    def ordered(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The same arguments in canonical order: the signature's, then the others by name."""
        order, last = self.names, len(self.names)
        return dict(sorted(arguments.items(), key=lambda item: (order.get(item[0], last), item[0])))

    def missing(self, arguments: Mapping[str, Any]) -> list[str]:
        """The required names that are not among `arguments`."""
        return [name for name in self.required if name not in arguments]

    def default(self, name: str) -> Any:
        """The default of an argument; raises `KeyError` for one that has none."""
        if name in self.factories:
            return self.factories[name]()
        return self.defaults[name]

    def with_gaps(self, arguments: Mapping[str, Any], *, defaults: bool) -> dict[str, Any]:
        """The same arguments, and `MISSING` for required ones that are not given.

        With `defaults`, also the optional ones that are not given.
        """
        known = [*self.factories, *self.defaults] if defaults else []
        more = {name: self.default(name) for name in known if name not in arguments}
        gaps = dict.fromkeys(self.missing(arguments), MISSING)
        return self.ordered({**arguments, **more, **gaps}) if more or gaps else dict(arguments)

    def call_arguments(self, arguments: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Positional and keyword arguments with which to call the callable."""
        if not self.positional_only and self.var_positional not in arguments:
            return [], dict(arguments)
        keywords = dict(arguments)
        rest = keywords.pop(self.var_positional, ()) if self.var_positional else ()
        positional = []
        for name in self.positional:
            if rest or (name in self.positional_only and name in keywords):
                positional.append(keywords.pop(name) if name in keywords else self.default(name))
        return [*positional, *rest], keywords


def _listed(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names)


def signature_of(target: Callable[..., Any]) -> Signature:
    """The signature of a class or function; of a class, its parents' `**kwargs` included."""
    try:
        return _CACHE[target]
    except (KeyError, TypeError):  # TypeError: no hash, or no weak references
        pass
    signature = _read_signature(target)
    with contextlib.suppress(TypeError):
        _CACHE[target] = signature
    return signature


def _read_signature(target: Callable[..., Any]) -> Signature:
    if not callable(target):
        raise ArgumentError(f"Expected a class or function, received {target!r}.")
    text = getattr(target, "__qualname__", None) or repr(target)
    if not isinstance(target, type):
        return _signature(text, [_parameters(target)], {})
    fields = dataclasses.fields(target) if dataclasses.is_dataclass(target) else ()
    factories = {f.name: f.default_factory for f in fields}
    made = {n: f for n, f in factories.items() if f is not dataclasses.MISSING}
    return _signature(text, list(_class_parameters(target)), made)


def _parameters(function: Any) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(function).parameters.values())
    except ValueError:  # some builtins have none
        return [_P("args", _P.VAR_POSITIONAL), _P("kwargs", _P.VAR_KEYWORD)]


def _without_self(parameters: list[inspect.Parameter]) -> list[inspect.Parameter]:
    variable = (_P.VAR_POSITIONAL, _P.VAR_KEYWORD)
    return [p for i, p in enumerate(parameters) if i or p.kind in variable]


def _class_parameters(cls: type) -> Iterator[list[inspect.Parameter]]:
    """Parameters of the constructors that see the keywords, the class's own first."""
    found = False
    for owner in cls.__mro__:
        method = vars(owner).get("__init__")
        if owner is object or method is None:
            continue
        found = True
        parameters = _without_self(_parameters(method))
        closed = _CLOSED.get(owner)
        kinds = {p.kind for p in parameters}
        if closed is None and kinds == {_P.VAR_POSITIONAL, _P.VAR_KEYWORD}:  # hands all on
            continue
        if closed is not None:
            parameters = [p for p in parameters if p.kind is not _P.VAR_KEYWORD]
        named = sorted((closed or frozenset()) | _TAKEN.get(owner, frozenset()))
        parameters += [_P(name, _P.KEYWORD_ONLY, default=None) for name in named]
        yield parameters
        if not any(p.kind is _P.VAR_KEYWORD for p in parameters):
            return
    if not found:
        yield _new_parameters(cls)


def _new_parameters(cls: type) -> list[inspect.Parameter]:
    for owner in cls.__mro__:
        method = vars(owner).get("__new__")
        if owner is object:
            return []
        if method is not None and not hasattr(method, "__records__"):
            return _without_self(_parameters(getattr(method, "__func__", method)))
    return []


def _signature(
    text: str, layers: list[list[inspect.Parameter]], factories: Mapping[str, Callable[[], Any]]
) -> Signature:
    own = layers[0] if layers else [_P("args", _P.VAR_POSITIONAL), _P("kwargs", _P.VAR_KEYWORD)]
    known = {p.name: p for p in own if p.kind not in (_P.VAR_POSITIONAL, _P.VAR_KEYWORD)}
    for parameters in layers[1:]:
        for p in parameters:
            if p.kind in (_P.POSITIONAL_OR_KEYWORD, _P.KEYWORD_ONLY) and p.name not in known:
                known[p.name] = p.replace(kind=_P.KEYWORD_ONLY)
    last = layers[-1] if layers else own
    inherited = {name for name in known if name not in {p.name for p in own}}
    positional = [p.name for p in own if p.kind in (_P.POSITIONAL_ONLY, _P.POSITIONAL_OR_KEYWORD)]
    rest = next((p.name for p in own if p.kind is _P.VAR_POSITIONAL), None)
    names = (
        [*known]
        if rest is None
        else [*positional, rest, *(n for n in known if n not in positional)]
    )
    return Signature(
        text=text,
        positional=tuple(positional),
        positional_only=frozenset(p.name for p in own if p.kind is _P.POSITIONAL_ONLY),
        names={name: place for place, name in enumerate(names)},
        required=tuple(n for n, p in known.items() if p.default is _P.empty and n not in inherited),
        defaults={
            n: p.default
            for n, p in known.items()
            if p.default is not _P.empty and n not in factories
        },
        factories={n: factory for n, factory in factories.items() if n in known},
        var_positional=rest,
        open_keywords=any(p.kind is _P.VAR_KEYWORD for p in last),
    )

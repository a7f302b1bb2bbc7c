"""Names of the callables that programs may be saved with, and loaded from.

Only what is registered is ever built from a file: a name is looked up in this
table and nothing is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from keras_glove.errors import NotRegisteredError, RegistrationError
from keras_glove.symbolic.targets import place_of

__all__ = ["name_of", "register", "resolve"]

T = TypeVar("T", bound=Callable[..., Any])

_TARGETS: dict[str, Callable[..., Any]] = {}
_NAMES: dict[Callable[..., Any], str] = {}


def default_name(target: Callable[..., Any]) -> str:
    """`module.qualified_name` of a class or function."""
    module, qualified = place_of(target) or ("", repr(target))
    return f"{module}.{qualified}"


def _same_definition(left: Callable[..., Any], right: Callable[..., Any]) -> bool:
    # A notebook cell that is run again defines its class anew.
    return default_name(left) == default_name(right)


def register(target: T, name: str | None = None, *, aliases: Iterable[str] = ()) -> T:
    """Registers a class or function under a name, by default its qualified one.

    A name belongs to one definition: a second, different one raises
    `RegistrationError`. Running the same definition again replaces it.

    Args:
      target: the class or function.
      name: the name that is written.
      aliases: further names that are read, such as those of earlier versions.
    """
    name = name or default_name(target)
    for taken in (name, *aliases):
        known = _TARGETS.get(taken)
        if known is None or known == target:
            continue
        if not _same_definition(known, target):
            raise RegistrationError(
                f"Expected a name that is free, received {taken!r} for {default_name(target)}: it "
                f"is taken by {default_name(known)}. Pass another `name`."
            )
        _NAMES.pop(known, None)
    _TARGETS.update(dict.fromkeys((name, *aliases), target))
    _NAMES[target] = name
    return target


def resolve(name: str) -> Callable[..., Any]:
    """The callable registered under a name; raises `NotRegisteredError`."""
    try:
        return _TARGETS[name]
    except KeyError:
        raise NotRegisteredError(
            f"Expected the name of a registered class or function, received {name!r}. Import the "
            "module that defines it, and decorate it there with `@kg.symbolize`, before loading."
        ) from None


def is_registered(target: Any) -> bool:
    """Whether a callable has a registered name."""
    try:
        return target in _NAMES
    except TypeError:  # unhashable
        return False


def name_of(target: Callable[..., Any]) -> str:
    """The registered name of a callable; raises `NotRegisteredError`."""
    try:
        return _NAMES[target]
    except (KeyError, TypeError):  # TypeError: unhashable
        raise NotRegisteredError(
            f"Expected a registered class or function, received {target!r}. Decorate it with "
            "`@kg.symbolize`, or call `kg.symbolize` on it, so that it has a name to be saved with."
        ) from None


def lasting_name(target: Callable[..., Any]) -> str:
    """The registered name of a callable, else its qualified one: the same in every process."""
    try:
        return _NAMES[target]
    except (KeyError, TypeError):
        return default_name(target) if place_of(target) else repr(target)

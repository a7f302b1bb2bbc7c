"""`SymbolicConstructor`: stands where a class of another package stood, and records calls."""

from __future__ import annotations

from typing import Any

from keras_glove.symbolic import registry
from keras_glove.symbolic.making import any_node, record_of, symbolic_call
from keras_glove.symbolic.recording import remember

__all__ = ["SymbolicConstructor"]


class SymbolicConstructor:
    """A symbolic stand-in for a class that itself stays untouched.

    Called with plain arguments it returns an instance of the class, whose program is
    remembered; called with a hyper-value or a program it returns a `Program`. It can be
    subclassed (the class is the base then), used in isinstance and issubclass, in
    `X | None`, as a decorator's argument, pickled and copied. It is no type: `type(x) is`
    compares with the class, `SymbolicConstructor.__symbolic_target__`.

    Args:
      cls: the class.
      name: the name to save under, by default `module.qualified_name`.
      bases: what stands among the bases of a subclass instead of `cls`; for example a
        subclass of `cls` whose own subclasses are symbolic.
    """

    __symbolic_target__: type
    __symbolic_bases__: tuple[type, ...]

    def __init__(
        self, cls: type, name: str | None = None, *, bases: tuple[type, ...] | None = None
    ) -> None:
        attributes = {
            "__symbolic_target__": cls,
            "__symbolic_bases__": bases or (cls,),
            "__name__": cls.__name__,
            "__qualname__": cls.__qualname__,
            "__module__": cls.__module__,
            "__doc__": cls.__doc__,
            "__wrapped__": cls,
        }
        self.__dict__.update(attributes)
        registry.register(cls, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        cls = self.__symbolic_target__
        if any_node(args, kwargs):
            return symbolic_call(cls, args, kwargs)
        record = record_of(cls, args, kwargs)
        live = cls(*args, **kwargs)
        if record is not None:
            remember(live, record)
        return live

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__symbolic_target__, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.__symbolic_target__, name, value)

    def __dir__(self) -> list[str]:
        return dir(self.__symbolic_target__)

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        # A base that several constructors bring along stands there once.
        before = bases[: [base is self for base in bases].index(True)]
        given = {b for base in before for b in getattr(base, "__symbolic_bases__", (base,))}
        return tuple(base for base in self.__symbolic_bases__ if base not in given)

    def __instancecheck__(self, instance: Any) -> bool:
        return isinstance(instance, self.__symbolic_target__)

    def __subclasscheck__(self, subclass: type) -> bool:
        return issubclass(
            getattr(subclass, "__symbolic_target__", subclass), self.__symbolic_target__
        )

    def __or__(self, other: Any) -> Any:
        return self.__symbolic_target__ | getattr(other, "__symbolic_target__", other)

    def __ror__(self, other: Any) -> Any:
        return other | self.__symbolic_target__

    def __eq__(self, other: object) -> bool:
        return self.__symbolic_target__ is getattr(other, "__symbolic_target__", other)

    def __hash__(self) -> int:
        return hash(self.__symbolic_target__)

    def __repr__(self) -> str:
        return f"<symbolic {registry.name_of(self.__symbolic_target__)}>"

    def __reduce__(self) -> Any:
        name = registry.name_of(self.__symbolic_target__)
        return (SymbolicConstructor, (self.__symbolic_target__, name))

"""`CustomValue`: decision points of one's own, whose values are texts."""

from __future__ import annotations

import abc
from typing import Any, TypeVar

import numpy as np

from keras_glove.hyper.values import HyperValue
from keras_glove.symbolic import equal
from keras_glove.symbolic.equality import structural_hash

__all__ = ["CustomValue"]

_set = object.__setattr__
C = TypeVar("C", bound="CustomValue")


class CustomValue(HyperValue):
    """A hyper-value that says itself what it can be, how it is drawn and how it is mutated.

    A DNA holds its value as a text. Subclass it, give the settings to `super().__init__`, which
    makes attributes of them, implement the abstract methods, and decorate the class with
    `register_node_kind`, so that it can be saved. To use it inside functions given to `trace`
    as well, return `opened(value)` from the function that makes it.

    Spaces with such decisions are searched by what needs no vectors: evolution, random search,
    hill climbing.

    Args:
      name: what to call the decision, or None to name it after its place.
      hints: JSON-able notes for algorithms and tools.
      **settings: what makes an equal one again.

    >>> from keras_glove.symbolic import register_node_kind
    >>> @register_node_kind
    ... class Word(CustomValue):
    ...     def __init__(self, letters, *, name=None, hints=None):
    ...         super().__init__(letters=letters, name=name, hints=hints)
    ...     def first(self):
    ...         return self.letters[0]
    ...     def draw(self, rng):
    ...         return "".join(rng.choice(list(self.letters), size=3))
    ...     def mutate(self, text, rng):
    ...         return text + self.letters[0]
    ...     def decode(self, text):
    ...         return text
    ...     def encode(self, concrete):
    ...         return concrete if isinstance(concrete, str) else None
    >>> from keras_glove.hyper import SearchSpace
    >>> space = SearchSpace([Word("ab")])
    >>> dna = space.first()
    >>> str(dna), str(space.mutate_point(dna, 0, np.random.default_rng(0)))
    ('"a"', '"aa"')
    """

    def __init__(self, *, name: str | None = None, hints: Any = None, **settings: Any) -> None:
        self._name(type(self).__name__, name, hints)
        _set(self, "settings", settings)
        for key, value in settings.items():
            _set(self, key, value)

    @abc.abstractmethod
    def first(self) -> str:
        """The value that a search begins from where nothing else is told."""

    @abc.abstractmethod
    def draw(self, rng: np.random.Generator) -> str:
        """A value at random; the generator is the only source of chance."""

    @abc.abstractmethod
    def mutate(self, text: str, rng: np.random.Generator) -> str:
        """Another value, close to `text`."""

    @abc.abstractmethod
    def decode(self, text: str) -> Any:
        """The concrete value that a text stands for, a new one at each call."""

    @abc.abstractmethod
    def encode(self, concrete: Any) -> str | None:
        """The text of a concrete value; None for what this cannot be."""

    def problem(self, text: str) -> str | None:
        """What was expected, where a text is no value of this; None where it is one."""
        return None

    def readable(self, text: str) -> str:
        """A value in short, for people."""
        return text

    # -- what every node has ---------------------------------------------------------

    settings: dict[str, Any]

    def __children__(self) -> dict[str, Any]:
        return {}

    def __rebuild__(self: C, children: dict[str, Any]) -> C:
        return type(self)(**self.__fields__())

    def __fields__(self) -> dict[str, Any]:
        return {**self.settings, "name": self.name, "hints": self.hints}

    def _form(self) -> tuple[list[Any], dict[str, tuple[Any, Any]]]:
        return [], {key: (value, None) for key, value in self.settings.items()}

    # Told apart by what they say, as the points of two equal spaces have to be equal.
    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and equal(self.__fields__(), other.__fields__())

    def __hash__(self) -> int:
        return structural_hash(self.__fields__())

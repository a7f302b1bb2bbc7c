"""Rules that change a program a little: what `evolve` mutates by."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, TypeVar

import numpy as np

from keras_glove.errors import HyperValueError
from keras_glove.hyper.template import Template
from keras_glove.symbolic import (
    Node,
    clone,
    get,
    is_open,
    parse_path,
    query,
    rebind,
    register_node_kind,
)
from keras_glove.symbolic.recording import normalize
from keras_glove.symbolic.targets import target_of

__all__ = ["Rule", "delete", "insert", "replace"]

R = TypeVar("R", bound="Rule")

_PLAIN: dict[Any, type] = {
    kind.__name__: kind for kind in (bool, int, float, str, bytes, list, tuple, dict)
}


class Rule(Node):
    """One way to change a program.

    Subclass it as a frozen dataclass decorated with `register_node_kind`, so that it can be saved.

    Attributes:
      weight: how often the rule is taken, in proportion to the other rules.
    """

    weight: ClassVar[float] = 1.0

    @abc.abstractmethod
    def apply(self, program: Any, rng: np.random.Generator) -> Any | None:
        """The changed program, a new one; None where the rule has nothing to change.

        Args:
          program: concrete; may be changed in place, it is the rule's own copy.
          rng: the only source of chance.
        """

    def __children__(self) -> dict[str, Any]:
        return {}

    def __rebuild__(self: R, children: dict[str, Any]) -> R:
        return type(self)(**self.__fields__())

    def __fields__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]

    def __call_form__(self) -> tuple[str, list[tuple[str, Any]]]:
        given = [(f.name, getattr(self, f.name), f.default) for f in fields(self)]  # type: ignore[arg-type]
        shown = [(f"{name}=", value) for name, value, default in given if value != default]
        return type(self).__name__.lower(), shown


def pick(options: Sequence[Any], rng: np.random.Generator) -> Any:
    """One of them, each alike."""
    return options[int(rng.random() * len(options))]


def drawn(candidate: Any, rng: np.random.Generator) -> Any:
    """A candidate's own copy, its hyper-values decided at random."""
    if not is_open(candidate):
        return clone(candidate)
    template = Template(candidate)
    return template.materialize(template.space.random(rng))


@register_node_kind
@dataclass(frozen=True, repr=False, eq=False)
class Replace(Rule):
    """One node gives way to another; see `replace`."""

    kind: Any
    by: tuple[Any, ...]
    within: str = "**"
    weight: float = 1.0  # type: ignore[misc]

    def apply(self, program: Any, rng: np.random.Generator) -> Any | None:
        found = list(query(program, self.within, type=_kinds(self.kind)))
        if not found:
            return None
        path, new = pick(found, rng), drawn(pick(self.by, rng), rng)
        return rebind(program, {parse_path(path): new}) if path else new


@register_node_kind
@dataclass(frozen=True, repr=False, eq=False)
class Insert(Rule):
    """A list gets one more item; see `insert`."""

    candidates: tuple[Any, ...]
    beside: Any = None
    within: str = "**"
    at_most: int | None = None
    weight: float = 1.0  # type: ignore[misc]

    def apply(self, program: Any, rng: np.random.Generator) -> Any | None:
        lists = {
            path: items
            for path, items in _lists(program, self.within).items()
            if (self.beside is None or _of_kind(items, self.beside))
            and (self.at_most is None or len(items) < self.at_most)
        }
        if not lists:
            return None
        path = pick(list(lists), rng)
        items = list(lists[path])
        items.insert(int(rng.random() * (len(items) + 1)), drawn(pick(self.candidates, rng), rng))
        return _with_items(program, path, items)


@register_node_kind
@dataclass(frozen=True, repr=False, eq=False)
class Delete(Rule):
    """A list loses an item; see `delete`."""

    kind: Any
    within: str = "**"
    at_least: int = 0
    weight: float = 1.0  # type: ignore[misc]

    def apply(self, program: Any, rng: np.random.Generator) -> Any | None:
        places = [
            (path, index)
            for path, items in _lists(program, self.within).items()
            if len(items) > self.at_least
            for index in _of_kind(items, self.kind)
        ]
        if not places:
            return None
        path, index = pick(places, rng)
        items = list(get(program, path))
        del items[index]
        return _with_items(program, path, items)


def _lists(program: Any, within: str) -> dict[str, Any]:
    """The lists and tuples of a program, by path."""
    return query(program, within, where=lambda value: type(value) in (list, tuple))


def _of_kind(items: Sequence[Any], kind: Any) -> list[int]:
    """The indices of items that are of a kind."""
    return [i for i, item in enumerate(items) if query([item], "[0]", type=_kinds(kind))]


def _with_items(program: Any, path: str, items: list[Any]) -> Any:
    kind = type(get(program, path))
    if not path:
        return kind(items)
    return rebind(program, {parse_path(path): kind(items)})


# -- what users write -----------------------------------------------------------------------


def replace(kind: Any, by: Sequence[Any], *, within: str = "**", weight: float = 1.0) -> Replace:
    """A rule: a node of a kind gives way to one of the candidates.

    Args:
      kind: a class or function, or a tuple of them; what a node makes. A type such as `int` for
        plain values.
      by: candidates; their hyper-values are drawn each time.
      within: a pattern for the paths where the rule holds, as for `kg.query`; `**` is anywhere.
      weight: how often the rule is taken, in proportion to the others.

    Raises:
      HyperValueError: no candidates, or a weight that is not positive.

    >>> replace(int, [1, 2], within="layers[*].units")
    replace(kind='int', by=(1, 2), within='layers[*].units')
    """
    return Replace(_kind("replace", kind), _some("replace", by), within, _weight("replace", weight))


def insert(
    candidates: Sequence[Any],
    *,
    beside: Any = None,
    within: str = "**",
    at_most: int | None = None,
    weight: float = 1.0,
) -> Insert:
    """A rule: a list of the program gets one of the candidates as a further item, anywhere.

    Args:
      candidates: their hyper-values are drawn each time.
      beside: only lists that hold something of this kind; None for any list.
      within: a pattern for the paths of the lists, as for `kg.query`.
      at_most: the length that a list may grow to; None for any.
      weight: how often the rule is taken, in proportion to the others.

    Raises:
      HyperValueError: no candidates, or a weight that is not positive.

    >>> insert([1, 2], within="layers", at_most=8)
    insert(candidates=(1, 2), within='layers', at_most=8)
    """
    beside = None if beside is None else _kind("insert", beside)
    some, number = _some("insert", candidates), _weight("insert", weight)
    return Insert(some, beside, within, at_most, number)


def delete(kind: Any, *, within: str = "**", at_least: int = 0, weight: float = 1.0) -> Delete:
    """A rule: a list of the program loses an item of a kind.

    Args:
      kind: a class or function, or a tuple of them; what the item makes.
      within: a pattern for the paths of the lists, as for `kg.query`.
      at_least: the length that a list keeps.
      weight: how often the rule is taken, in proportion to the others.

    Raises:
      HyperValueError: a weight that is not positive.

    >>> delete(int, within="layers", at_least=1)
    delete(kind='int', within='layers', at_least=1)
    """
    return Delete(_kind("delete", kind), within, at_least, _weight("delete", weight))


def _some(form: str, candidates: Any) -> tuple[Any, ...]:
    if not isinstance(candidates, (list, tuple)) or not candidates:
        raise HyperValueError(
            f"{form}: expected a list of at least one candidate, received {candidates!r}."
        )
    return tuple([normalize(candidate) for candidate in candidates])


def _weight(form: str, weight: Any) -> float:
    if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not weight > 0:
        raise HyperValueError(f"{form}: expected a weight above 0, received {weight!r}.")
    return float(weight)


def _kind(form: str, kind: Any) -> Any:
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if not kinds or not all(callable(one) for one in kinds):
        raise HyperValueError(
            f"{form}: expected a class or function, or a tuple of such, received {kind!r}."
        )
    # Plain types stand by their names, as they are not registered to be saved.
    plain = {type_: name for name, type_ in _PLAIN.items()}
    found = tuple([plain.get(one) or target_of(one) for one in kinds])
    return found if isinstance(kind, tuple) else found[0]


def _kinds(kind: Any) -> Any:
    """What `_kind` stands for, as `kg.query` takes it."""
    if isinstance(kind, tuple):
        return tuple([_PLAIN.get(one, one) for one in kind])
    return _PLAIN.get(kind, kind)

"""Constraints: which DNAs of a space are wanted.

`forbid` and `require` speak of decisions by their readable names; they can be saved, and counted.
`satisfies` asks a function, of the decisions, of the concrete program, or of what it builds.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, NamedTuple, get_args

from keras_glove.errors import HyperValueError, SpaceError
from keras_glove.hyper.dna import DNA
from keras_glove.hyper.points import DecisionPoint
from keras_glove.hyper.selecting import Choice, Selection, choices, indices, selection
from keras_glove.symbolic import build
from keras_glove.symbolic.registry import lasting_name

__all__ = ["Check", "Constraint", "Forbid", "Only", "Require", "Satisfies", "forbid", "only",
           "require", "satisfies"]  # fmt: skip

Subject = Literal["decisions", "program", "child"]
Materialize = Callable[[DNA], Any]


class Check(NamedTuple):
    """A constraint made ready for one space.

    Attributes:
      allows: whether the values of a DNA meet it.
      choices: the points that it looks at, with the values that it names; None for a function.
    """

    allows: Callable[[Any], bool]
    choices: tuple[Choice, ...] | None


class Constraint(abc.ABC):
    """Says which DNAs are wanted. Immutable; equal constraints say the same."""

    @abc.abstractmethod
    def bind(
        self,
        points: Sequence[DecisionPoint],
        materialize: Materialize | None = None,
        *,
        strict: bool = False,
    ) -> Check:
        """The constraint for a space; `materialize` gives the programs, where they are known.

        Raises `SpaceError` where `strict`, for names or values that the space does not have.
        """

    @abc.abstractmethod
    def renamed(self, name_of: Callable[[str], str]) -> Constraint:
        """The same about decisions that are called otherwise."""


def _holds_any(found: Sequence[Choice], values: Any) -> bool:
    for choice in found:
        value = values[choice.point]
        if value is not None and choice.has(value):
            return True
    return False


def _holds_all(found: Sequence[Choice], values: Any) -> bool:
    for choice in found:
        value = values[choice.point]
        if value is not None and not choice.has(value):
            return False
    return True


def _found(points: Sequence[DecisionPoint], chosen: Selection, strict: bool) -> list[list[Choice]]:
    return [choices(points, name, values, strict=strict) for name, values in chosen]


def _renamed(chosen: Selection, name_of: Callable[[str], str]) -> Selection:
    return tuple([(name_of(name), values) for name, values in chosen])


def _shown(chosen: Selection) -> str:
    parts = [f"{name!r}: {_plain(values)!r}" for name, values in chosen]
    return f"{{{', '.join(parts)}}}"


def _plain(values: Any) -> Any:
    if isinstance(values, tuple):
        return values[0] if len(values) == 1 else list(values)
    return values


@dataclass(frozen=True, repr=False)
class Forbid(Constraint):
    """A combination that is not wanted; see `forbid`."""

    when: Selection

    def bind(
        self,
        points: Sequence[DecisionPoint],
        materialize: Materialize | None = None,
        *,
        strict: bool = False,
    ) -> Check:
        found = _found(points, self.when, strict)

        def allows(values: Any) -> bool:
            return not all(_holds_any(entry, values) for entry in found)

        return Check(allows, tuple([choice for entry in found for choice in entry]))

    def renamed(self, name_of: Callable[[str], str]) -> Forbid:
        return Forbid(_renamed(self.when, name_of))

    def __repr__(self) -> str:
        return f"forbid({_shown(self.when)})"


@dataclass(frozen=True, repr=False)
class Require(Constraint):
    """What has to hold where something else does; see `require`."""

    when: Selection
    then: Selection

    def bind(
        self,
        points: Sequence[DecisionPoint],
        materialize: Materialize | None = None,
        *,
        strict: bool = False,
    ) -> Check:
        when, then = _found(points, self.when, strict), _found(points, self.then, strict)

        def allows(values: Any) -> bool:
            if all(_holds_any(entry, values) for entry in when):
                return all(_holds_all(entry, values) for entry in then)
            return True

        return Check(allows, tuple([choice for entry in (*when, *then) for choice in entry]))

    def renamed(self, name_of: Callable[[str], str]) -> Require:
        return Require(_renamed(self.when, name_of), _renamed(self.then, name_of))

    def __repr__(self) -> str:
        return f"require({_shown(self.when)}, {_shown(self.then)})"


@dataclass(frozen=True, repr=False)
class Satisfies(Constraint):
    """What a function says; see `satisfies`."""

    function: Callable[..., Any]
    names: tuple[str, ...] = ()
    of: Subject = "decisions"
    given: Any = field(default=None, compare=False)  # what stands under its name in its module

    def bind(
        self,
        points: Sequence[DecisionPoint],
        materialize: Materialize | None = None,
        *,
        strict: bool = False,
    ) -> Check:
        subject = self._subject(points, materialize)

        def asked(values: Any) -> bool:
            answer = self.function(*subject(values))
            if isinstance(answer, bool) or type(answer).__name__ in ("bool", "bool_"):
                return bool(answer)
            raise SpaceError(
                f"Expected {self!r} to return True or False, received {answer!r}. Return a "
                "comparison, such as `parameters < 1_000_000`."
            )

        return Check(asked if self.of == "decisions" else lru_cache(4096)(asked), None)

    def _subject(
        self, points: Sequence[DecisionPoint], materialize: Materialize | None
    ) -> Callable[[Any], tuple[Any, ...]]:
        """A function from the values of a DNA to the arguments."""
        if self.of == "decisions":
            places = [indices(points, name) for name in self.names]
            single = [len(place) == 1 and points[place[0]].name == name
                      for name, place in zip(self.names, places, strict=True)]  # fmt: skip

            def arguments(values: Any) -> tuple[Any, ...]:
                shown = [_readable(points, values, place) for place in places]
                return tuple([s[0] if one else s for s, one in zip(shown, single, strict=True)])

            return arguments if self.names else lambda values: (_decisions(points, values),)
        if materialize is None:
            return self._without_programs
        if self.of == "program":
            return lambda values: (materialize(DNA(values)),)
        return lambda values: (build(materialize(DNA(values))),)

    def _without_programs(self, values: Any) -> tuple[Any, ...]:
        raise SpaceError(
            f"Expected a space that knows its programs, to ask {self!r}, received one without, "
            "such as one that was read from a file. Use `constrain(program, ...)` and its `space`."
        )

    def renamed(self, name_of: Callable[[str], str]) -> Satisfies:
        return Satisfies(self.function, tuple(map(name_of, self.names)), self.of, self.given)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_satisfies, (self.given or self.function, self.names, self.of))

    def __repr__(self) -> str:
        of = "" if self.of == "decisions" else f", of={self.of!r}"
        names = "".join([f", {name!r}" for name in self.names])
        return f"satisfies({lasting_name(self.function).rpartition('.')[2]}{names}{of})"


def _readable(points: Sequence[DecisionPoint], values: Any, place: Sequence[int]) -> list[Any]:
    return [None if values[i] is None else points[i].readable(values[i]) for i in place]


def _decisions(points: Sequence[DecisionPoint], values: Any) -> dict[str, Any]:
    pairs = zip(points, values, strict=True)
    return {point.name: point.readable(value) for point, value in pairs if value is not None}


@dataclass(frozen=True, repr=False)
class Only:
    """Decisions that keep some of their values only; see `only`."""

    keep: Selection

    def __repr__(self) -> str:
        return f"only({_shown(self.keep)})"


# -- what users write -----------------------------------------------------------------------


def forbid(combination: Mapping[str, Any] | None = None, /, **decisions: Any) -> Forbid:
    """A combination of decisions that is not wanted.

    A decision is told by its name in `space.decisions`, all slots of a `manyof` by the name of
    the `manyof`, several decisions by a pattern with `*`; of several, any one counts. A value is
    told as `space.decisions` shows it, a candidate that is a program also by what it calls
    (`"Conv2D"`, or the class). An inactive decision has no value.

    Args:
      combination: names and values; a list for any of several, `between` for a range.
      decisions: the same as keywords, for names that are such.

    Raises:
      HyperValueError: no decision, or a value that cannot be one.

    >>> forbid(op="pool", width=[64, 128])
    forbid({'op': 'pool', 'width': [64, 128]})
    """
    return Forbid(selection("forbid", combination or {}, decisions))


def require(when: Mapping[str, Any], then: Mapping[str, Any]) -> Require:
    """Where some decisions have certain values, others have to have certain values.

    Args:
      when: names and values, as for `forbid`.
      then: names and values; all active decisions of a name have to have one of the values,
        inactive ones are left aside.

    Raises:
      HyperValueError: no decision, or a value that cannot be one.

    >>> require({"op": "conv"}, {"kernel": [3, 5]})
    require({'op': 'conv'}, {'kernel': [3, 5]})
    """
    return Require(selection("require", when, {}), selection("require", then, {}))


def satisfies(function: Callable[..., Any], /, *names: str, of: Subject = "decisions") -> Satisfies:
    """What a function has to say True to.

    Args:
      function: returns True or False. Registered by `kg.symbolize` it can be saved with the space.
      names: decisions that are given as arguments, None where they are inactive, a list for a
        `manyof`; by default all active decisions, as one dict by name.
      of: "decisions"; or "program" for the concrete program, such as for a count of its layers;
        or "child" for what it builds, such as a Keras model with its parameters.

    Raises:
      HyperValueError: something else than a function; or names with `of` a program or child.

    >>> def narrow(width, depth):
    ...     return width * depth <= 256
    >>> satisfies(narrow, "width", "depth")
    satisfies(narrow, 'width', 'depth')
    """
    target = getattr(function, "__symbolic_target__", function)
    if not callable(target) or of not in get_args(Subject) or (names and of != "decisions"):
        raise HyperValueError(
            "satisfies: expected a function, names of decisions, or `of` one of "
            f"{', '.join(map(repr, get_args(Subject)))}, received {function!r}, {names!r} and "
            f"of={of!r}."
        )
    return Satisfies(target, names, of, function)


def _satisfies(function: Callable[..., Any], names: tuple[str, ...], of: Subject) -> Satisfies:
    return satisfies(function, *names, of=of)


def only(choice: Mapping[str, Any] | None = None, /, **decisions: Any) -> Only:
    """Decisions keep some of their values only: the space gets smaller.

    Args:
      choice: names and values, as for `forbid`; of a `manyof` all slots together.
      decisions: the same as keywords.

    Raises:
      HyperValueError: no decision, or a value that cannot be one.

    >>> only(width=[16, 32])
    only({'width': [16, 32]})
    """
    return Only(selection("only", choice or {}, decisions))

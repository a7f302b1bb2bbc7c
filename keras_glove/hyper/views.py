"""`constrain`: a program seen through a space that is smaller, or that has constraints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from keras_glove.errors import DNAError, EncodeError, SpaceError
from keras_glove.hyper.constraints import Constraint, Only
from keras_glove.hyper.dna import DNA
from keras_glove.hyper.editing import Narrowing, narrow
from keras_glove.hyper.matching import Left
from keras_glove.hyper.naming import short
from keras_glove.hyper.origins import recall_dna, remember_dna
from keras_glove.hyper.space import SearchSpace
from keras_glove.hyper.template import Template
from keras_glove.hyper.tracing import trace
from keras_glove.symbolic import is_open

__all__ = ["View", "constrain"]


class Whole(Protocol):
    """A `Template`, what `trace` gave, or a `View`."""

    @property
    def space(self) -> SearchSpace:
        """The decision points."""

    def materialize(self, dna: DNA) -> Any:
        """The concrete program of a DNA."""

    def encode(
        self, concrete: Any, *, preferred: DNA | None = None, left: Left | None = None
    ) -> DNA:
        """The DNA of a concrete program."""


class View:
    """A program under constraints; `constrain` makes it. Used as a `Template` is."""

    def __init__(self, whole: Whole, constraints: Sequence[Constraint | Only]) -> None:
        self.whole = whole
        self._constraints = tuple(constraints)
        keep = tuple([pair for c in constraints if isinstance(c, Only) for pair in c.keep])
        asked = [c for c in constraints if not isinstance(c, Only)]
        together = whole.space.constrain(*asked).constraints
        points, self._narrowing = whole.space.points, None
        if keep:
            points, self._narrowing = narrow(points, keep)
        self.space = SearchSpace.of_points(points, together, self.materialize)

    def materialize(self, dna: DNA) -> Any:
        """The concrete program of a DNA; see `Template.materialize`.

        Constraints are not asked: `space.allows(dna)` does that.
        """
        self.space.validate(dna)
        wide = dna if self._narrowing is None else self._narrowing.widen(dna)
        made = self.whole.materialize(wide)
        remember_dna(made, dna, self.space, instead_of=wide)
        return made

    def encode(
        self, concrete: Any, *, preferred: DNA | None = None, left: Left | None = None
    ) -> DNA:
        """The DNA under which the program is `concrete`; see `Template.encode`.

        Raises `EncodeError` also for a program that takes a value that `only` has left out.
        """
        narrowing = self._narrowing
        if narrowing is None:
            return self.whole.encode(concrete, preferred=preferred, left=left)
        origin = preferred or recall_dna(concrete)
        wide = self._widened(origin) if origin is not None else None
        found = self.whole.encode(concrete, preferred=wide, left=self._left(narrowing, left))
        dna = narrowing.narrow(found)
        if dna is None:
            raise EncodeError(
                f"Expected a program of {self!r}, received {short(concrete)} with "
                f"{self.whole.space.decisions(found)}."
            )
        return dna

    def _left(self, narrowing: Narrowing, left: Left | None) -> Left:
        points = self.space.points

        def allowed(place: int, value: Any) -> bool:
            if not narrowing.has(points, place, value):
                return False
            return left is None or left(*narrowing.narrow_value(place, value))

        return allowed

    def _widened(self, dna: DNA) -> DNA | None:
        try:
            return (
                None if self._narrowing is None else self._narrowing.widen(self.space.validate(dna))
            )
        except DNAError:  # made by another space
            return None

    def __repr__(self) -> str:
        return f"constrain({', '.join(map(repr, (self.whole, *self._constraints)))})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (View, (self.whole, self._constraints))


def constrain(program: Any, *constraints: Constraint | Only) -> View:
    """A program whose space is restricted by `only` and constrained by the others.

    What it gives is searched like the program itself. Every algorithm proposes only what the
    constraints allow, and tells how much they have refused.

    Args:
      program: a program or container with hyper-values, a function as for `trace`, or what
        `Template`, `trace` or `constrain` gave.
      constraints: made by `forbid`, `require`, `satisfies` and `only`.

    Raises:
      SpaceError: no hyper-values, or a decision or value that the space does not have.

    >>> from keras_glove.hyper import forbid, oneof, only
    >>> program = {"op": oneof(["conv", "pool"]), "width": oneof([16, 32, 64])}
    >>> view = constrain(program, only(width=[16, 64]), forbid(op="pool", width=64))
    >>> [view.materialize(dna) for dna in filter(view.space.allows, view.space)][-1]
    {'op': 'pool', 'width': 16}
    """
    for constraint in constraints:
        if not isinstance(constraint, (Constraint, Only)):
            raise SpaceError(
                "Expected constraints made by `forbid`, `require`, `satisfies` or `only`, received "
                f"{constraint!r}."
            )
    return View(_whole(program), constraints)


def _whole(program: Any) -> Whole:
    if is_open(program):
        return Template(program)
    if all(hasattr(type(program), name) for name in ("materialize", "encode")):
        whole: Whole = program
        return whole
    if callable(program):
        function: Callable[[], Any] = program
        return trace(function)
    raise SpaceError(
        f"Expected a program with hyper-values, received {short(program)} without any. Write "
        "`oneof([...])` or another hyper-value where a search may choose."
    )

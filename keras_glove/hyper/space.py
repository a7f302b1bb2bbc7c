"""`SearchSpace`: the ordered decision points of a program, and all that is done with DNAs."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import numpy as np

from keras_glove.errors import DNAError
from keras_glove.hyper import completion, counting, iteration, sampling, tree
from keras_glove.hyper.dna import DNA, Value
from keras_glove.hyper.documents import points_from_json, points_to_json
from keras_glove.hyper.layout import Selector, lay_out
from keras_glove.hyper.naming import decision_points
from keras_glove.hyper.points import DecisionPoint
from keras_glove.hyper.scales import Array
from keras_glove.hyper.structure import Structure
from keras_glove.symbolic.recording import normalize

__all__ = ["SearchSpace"]


class SearchSpace:
    """The decision points of a program, in an order in which parents stand before children.

    Immutable, and free of the program: it can be saved and read without it. Algorithms see a
    space and its DNAs, nothing else.

    Args:
      value: a program, or any container, that holds hyper-values.
      where: which hyper-values are decided; by default all.

    Raises:
      SpaceError: two different hyper-values of one name, or a program that holds itself.

    >>> from keras_glove.hyper import intv, oneof
    >>> space = SearchSpace({"width": intv(16, 64, step=16), "op": oneof(["conv", "pool"])})
    >>> space.size, [point.name for point in space.points]
    (8, ['width', 'op'])
    >>> space.decisions(space.first())
    {'width': 16, 'op': 'conv'}
    """

    def __init__(self, value: Any, *, where: Selector | None = None) -> None:
        self._structure = Structure(decision_points(lay_out(normalize(value), where)))

    @classmethod
    def of_points(cls, points: Sequence[DecisionPoint]) -> SearchSpace:
        """A space of given decision points, in topological order; trusts them."""
        self = cls.__new__(cls)
        self._structure = Structure(points)
        return self

    # -- what it is ----------------------------------------------------------------

    @property
    def points(self) -> tuple[DecisionPoint, ...]:
        """The decision points; slot i of a DNA answers point i."""
        return self._structure.points

    @functools.cached_property
    def size(self) -> int | float:
        """How many DNAs there are, exactly; `math.inf` with a float decision.

        Raises `SpaceError` where too many shared decisions depend on each other to count.
        """
        return counting.count(self._structure)

    def __len__(self) -> int:
        return len(self.points)

    def __bool__(self) -> bool:
        return True  # a space without decisions is still one, of a single DNA

    def __eq__(self, other: object) -> bool:
        return self.points == other.points if isinstance(other, SearchSpace) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.points)

    def __repr__(self) -> str:
        names = ", ".join(point.name for point in self.points[:5])
        more = ", ..." if len(self) > 5 else ""
        return f"SearchSpace({len(self)} decision points: {names}{more})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (SearchSpace.of_points, (self.points,))

    def to_json(self) -> dict[str, Any]:
        """A JSON-able document of the decision points."""
        return points_to_json(self.points)

    @classmethod
    def from_json(cls, document: Any) -> SearchSpace:
        """Reads what `to_json` wrote; raises `SerializationError` for anything else."""
        return cls.of_points(points_from_json(document))

    # -- enumeration and drawing ---------------------------------------------------

    def first(self) -> DNA:
        """The first DNA: every active decision at its smallest value."""
        return iteration.first(self._structure)

    def next(self, dna: DNA) -> DNA | None:
        """The DNA after `dna` in lexicographic order, None after the last.

        Raises `SpaceError` with a float decision, `DNAError` for a DNA of another space.
        """
        iteration.require_enumerable(self._structure)
        self.validate(dna)
        return iteration.following(self._structure, dna.values)

    def __iter__(self) -> Iterator[DNA]:
        """All DNAs in lexicographic order; raises `SpaceError` with a float decision."""
        iteration.require_enumerable(self._structure)
        return iteration.enumerate_all(self._structure)

    def random(self, rng: np.random.Generator) -> DNA:
        """A DNA in which each decision that is active is drawn uniformly on its scale."""
        return sampling.sample_one(self._structure, rng)

    def sample(self, n: int, seed: int | np.random.Generator | None = None) -> list[DNA]:
        """N random DNAs at once: those that n calls of `random` would give.

        Args:
          n: how many.
          seed: an int for a sequence that is the same in every process; or a generator to
            draw from; None for a fresh one.
        """
        return sampling.sample(self._structure, n, np.random.default_rng(seed))

    def sample_array(self, n: int, seed: int | np.random.Generator | None = None) -> Array:
        """`sample` as an array of float64, shape `(n, len(space))`, nan where inactive."""
        return sampling.sample_array(self._structure, n, np.random.default_rng(seed))

    # -- changing ------------------------------------------------------------------

    def complete(self, values: Sequence[Any] | DNA, rng: np.random.Generator) -> DNA:
        """The valid DNA that keeps what it can of `values`.

        Inactive slots are dropped and newly active ones drawn. Numbers out of range are moved to
        the nearest value; indices of candidates that do not exist, and nan, are drawn anew. In a
        `manyof`, repeated candidates are drawn anew where they have to be distinct, and slots
        are put in order where they have to be sorted, with the decisions below them.

        Raises `DNAError` for another length, or values that are no numbers.
        """
        self._check_length(values)
        return completion.complete(self._structure, tuple(values), rng)

    def mutate_point(self, dna: DNA, index: int, rng: np.random.Generator) -> DNA:
        """Another DNA in which the decision at `index` has changed.

        A choice takes any other candidate alike; a number makes a normal step of a fifth of its
        range, on its scale. Where the point is a slot of a `manyof`, the slots stay distinct and
        sorted as they have to be: slots swap their candidates, or are put in order, each with the
        decisions below it. What becomes active is drawn. Where the point has a single value,
        another active point is changed; only a space of one DNA gives the same DNA back.

        Raises `DNAError` for a DNA of another length, and for an index that is out of range or
        inactive.
        """
        self._check_length(dna)
        if not 0 <= index < len(self):
            raise DNAError(f"Expected an index from 0 to {len(self) - 1}, received {index}.")
        if dna.values[index] is None:
            raise DNAError(
                f"Expected an active decision, received index {index} "
                f"({self.points[index].name!r}), which is inactive in {dna}."
            )
        return completion.mutate(self._structure, dna, index, rng)

    # -- checking ------------------------------------------------------------------

    def validate(self, dna: DNA) -> DNA:
        """The DNA itself; raises `DNAError`, with the decision's name, where it does not fit."""
        if not isinstance(dna, DNA):
            raise DNAError(f"Expected a DNA, received {dna!r} ({type(dna).__name__}).")
        self._check_length(dna)
        values = dna.values
        for unit in self._structure.units:
            if unit.clauses and not unit.active(values):
                for index in range(unit.start, unit.stop):
                    if values[index] is not None:
                        self._refuse(dna, index, "None (inactive under the other decisions)")
            elif unit.domain is not None:
                expected = unit.domain.problem(values[unit.start])
                if expected is not None:
                    self._refuse(dna, unit.start, expected)
            elif unit.arrangement is not None:
                problem = unit.arrangement.problem(values[unit.start : unit.stop])
                if problem is not None:
                    self._refuse(dna, unit.start + problem[0], problem[1])
        return dna

    def _check_length(self, values: Sequence[Any] | DNA) -> None:
        if len(values) != len(self):
            raise DNAError(
                f"Expected {len(self)} values, one per decision point, received {len(values)}. "
                "The DNA belongs to another space."
            )

    def _refuse(self, dna: DNA, index: int, expected: str) -> NoReturn:
        point = self.points[index]
        received = "None (inactive)" if dna.values[index] is None else repr(dna.values[index])
        raise DNAError(
            f"at `{point.path or 'the root'}`: expected for the decision {point.name!r} (index "
            f"{index}) {expected}, received {received}. Use a DNA of this space, or "
            "`space.complete(values, rng)` to make one of values that nearly fit."
        )

    def allows(self, dna: DNA) -> bool:
        """Whether a DNA of this space meets its constraints; True where it has none.

        What the algorithms propose is asked; drawing, mutation and iteration are over all DNAs.
        """
        return True

    # -- views ---------------------------------------------------------------------

    def decisions(self, dna: DNA) -> dict[str, Any]:
        """The active decisions by name: literal candidates and numbers themselves, others short."""
        self.validate(dna)
        return {
            point.name: point.readable(value)
            for point, value in zip(self.points, dna.values, strict=True)
            if value is not None
        }

    def tree(self, dna: DNA) -> dict[str, Any]:
        """The active decisions by name, nested: {"value": ..., "below": {...}} for a parent.

        Values are those of the DNA. JSON-able.
        """
        self.validate(dna)
        return tree.to_tree(self._structure, dna)

    def from_tree(self, nested: Any) -> DNA:
        """The DNA of such a tree; raises `DNAError` for one that does not fit."""
        return self.validate(tree.from_tree(self._structure, nested))

    def vector(self, dna: DNA) -> Array:
        """The DNA as float64, shape `(len(space),)`, nan where inactive."""
        self.validate(dna)
        return np.array([np.nan if v is None else v for v in dna.values], dtype=np.float64)

    def from_vector(self, vector: Any) -> DNA:
        """The DNA of such a vector; raises `DNAError` for one that does not fit."""
        numbers = np.asarray(vector, dtype=np.float64)
        if numbers.shape != (len(self),):
            raise DNAError(f"Expected a vector of shape ({len(self)},), received {numbers.shape}.")
        values = [
            _from_number(number, point.kind == "float")
            for number, point in zip(numbers.tolist(), self.points, strict=True)
        ]
        return self.validate(DNA(values))


def _from_number(number: float, is_float: bool) -> Value:
    if number != number:
        return None
    return int(number) if not is_float and number.is_integer() else number

"""`SearchSpace`: the ordered decision points of a program, and all that is done with DNAs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from keras_glove.errors import DNAError, SerializationError, SpaceError
from keras_glove.hyper import checks, completion, counting, editing, iteration, sampling, tree
from keras_glove.hyper.constraint_documents import constraints_from_json, constraints_to_json
from keras_glove.hyper.constraints import Check, Constraint
from keras_glove.hyper.dna import DNA, Value
from keras_glove.hyper.documents import points_from_json, points_to_json
from keras_glove.hyper.layout import Selector, lay_out
from keras_glove.hyper.naming import decision_points
from keras_glove.hyper.points import DecisionPoint
from keras_glove.hyper.scales import Array
from keras_glove.hyper.selecting import selection
from keras_glove.hyper.structure import Structure
from keras_glove.symbolic import fingerprint
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

    _constraints: tuple[Constraint, ...] = ()
    _materialize: Callable[[DNA], Any] | None = None

    def __init__(self, value: Any, *, where: Selector | None = None) -> None:
        self._structure = Structure(decision_points(lay_out(normalize(value), where)))

    @classmethod
    def of_points(
        cls,
        points: Sequence[DecisionPoint],
        constraints: Sequence[Constraint] = (),
        materialize: Callable[[DNA], Any] | None = None,
    ) -> SearchSpace:
        """A space of given decision points, in topological order; trusts them.

        `materialize` gives programs to constraints that ask for them.
        """
        self = cls.__new__(cls)
        self._structure = Structure(points)
        self._constraints = tuple(constraints)
        self._materialize = materialize
        return self

    # -- what it is ----------------------------------------------------------------

    @property
    def points(self) -> tuple[DecisionPoint, ...]:
        """The decision points; slot i of a DNA answers point i."""
        return self._structure.points

    @functools.cached_property
    def size(self) -> int | float:
        """How many DNAs there are, exactly; `math.inf` with a float decision.

        Constraints are left aside, see `allowed_size`. Raises `SpaceError` where too many shared
        decisions depend on each other to count.
        """
        return counting.count(self._structure)

    @functools.cached_property
    def fingerprint(self) -> str:
        """A hexadecimal digest of its document: equal spaces have the same in every process.

        Raises `NotRegisteredError` for a constraint by a function that is not registered.

        >>> from keras_glove.hyper import oneof
        >>> SearchSpace({"width": oneof([16, 32])}).fingerprint
        '7cc720c19d2d9ff98cd97c54bfdd489a'
        """
        return fingerprint(self.to_json())

    @functools.cached_property
    def label(self) -> str:
        """The space in a few words, with its fingerprint if it has one: for lineages."""
        number = f"{len(self)} decision point{'' if len(self) == 1 else 's'}"
        try:
            return f"space {self.fingerprint} of {number}"
        except SerializationError:
            return f"a space of {number}"

    def __len__(self) -> int:
        return len(self.points)

    def __bool__(self) -> bool:
        return True  # a space without decisions is still one, of a single DNA

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SearchSpace):
            return NotImplemented
        return self.points == other.points and self._constraints == other._constraints

    def __hash__(self) -> int:
        return hash((self.points, self._constraints))

    def __repr__(self) -> str:
        names = ", ".join(point.name for point in self.points[:5])
        more = ", ..." if len(self) > 5 else ""
        number = len(self._constraints)
        under = f"; {number} constraint{'s' if number > 1 else ''}" if number else ""
        return f"SearchSpace({len(self)} decision points: {names}{more}{under})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (SearchSpace.of_points, (self.points, self._constraints))

    def to_json(self) -> dict[str, Any]:
        """A JSON-able document of the decision points and constraints.

        Raises `NotRegisteredError` for a constraint by a function that is not registered.
        """
        document = points_to_json(self.points)
        if self._constraints:
            document["constraints"] = constraints_to_json(self._constraints)
        return document

    @classmethod
    def from_json(cls, document: Any) -> SearchSpace:
        """Reads what `to_json` wrote; raises `SerializationError` for anything else."""
        points = points_from_json(document)
        return cls.of_points(points, constraints_from_json(document.get("constraints", [])))

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

    # -- constraints ---------------------------------------------------------------

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        """Which DNAs are wanted: what `constrain` has added."""
        return self._constraints

    @functools.cached_property
    def _checks(self) -> list[Check]:
        return [c.bind(self.points, self._materialize) for c in self._constraints]

    def constrain(self, *constraints: Constraint) -> SearchSpace:
        """This space with further constraints, made by `forbid`, `require` or `satisfies`.

        Algorithms propose only what all constraints allow. Drawing, mutation, iteration and `size`
        are over all DNAs: `filter(space.allows, space)` gives those that are allowed.

        Raises `SpaceError` for a decision or value that this space does not have.

        >>> from keras_glove.hyper import forbid, oneof
        >>> space = SearchSpace({"op": oneof(["conv", "pool"]), "width": oneof([16, 32])})
        >>> small = space.constrain(forbid(op="pool", width=32))
        >>> [small.decisions(dna) for dna in filter(small.allows, small)][-1]
        {'op': 'pool', 'width': 16}
        """
        for constraint in constraints:
            if not isinstance(constraint, Constraint):
                raise SpaceError(
                    "Expected constraints made by `forbid`, `require` or `satisfies`, received "
                    f"{constraint!r}. Use `restrict` to keep some values of a decision only."
                )
            constraint.bind(self.points, strict=True)
        together = (*self._constraints, *constraints)
        return SearchSpace.of_points(self.points, together, self._materialize)

    def allows(self, dna: DNA) -> bool:
        """Whether a DNA of this space meets its constraints; True where it has none."""
        if not self._constraints:
            return True
        values = dna.values
        return all(check.allows(values) for check in self._checks)

    def broken(self, dna: DNA) -> list[Constraint]:
        """The constraints that a DNA does not meet."""
        self.validate(dna)
        pairs = zip(self._constraints, self._checks, strict=True)
        return [constraint for constraint, check in pairs if not check.allows(dna.values)]

    @functools.cached_property
    def allowed_size(self) -> int | float:
        """How many DNAs the constraints allow, exactly; `math.inf` with a float decision.

        Raises `SpaceError` where a constraint is a function, or too many decisions entangle.
        """
        return self.size if not self._constraints else counting.count_allowed(
            self._structure, self._checks
        )  # fmt: skip

    # -- other spaces of the same decisions ------------------------------------------

    def restrict(self, choice: Mapping[str, Any] | None = None, /, **decisions: Any) -> SearchSpace:
        """A smaller space: decisions keep some of their values only, told as for `forbid`.

        Candidates are counted anew, and decisions that can no longer become active are left out,
        so its DNAs are not those of this space; to restrict a program use `constrain`.

        Raises `SpaceError` for a decision or value that this space does not have.

        >>> from keras_glove.hyper import oneof
        >>> space = SearchSpace({"op": oneof(["conv", "pool"]), "width": oneof([16, 32, 64])})
        >>> space.restrict(width=[16, 64]).size
        4
        """
        keep = selection("restrict", choice or {}, decisions)
        return SearchSpace.of_points(editing.narrow(self.points, keep)[0], self._constraints)

    def rename(self, names: Mapping[str, str] | Callable[[str], str]) -> SearchSpace:
        """The same space with other names, by old ones or by a function of these.

        Raises `SpaceError` for unknown names, and where two decisions would have the same.
        """
        points = editing.renamed(self.points, names)
        name_of = editing.renaming(self.points, names)
        return SearchSpace.of_points(
            points, [constraint.renamed(name_of) for constraint in self._constraints]
        )

    def hint(self, hints: Mapping[str, Any]) -> SearchSpace:
        """The same space with other hints, by names or patterns: `space.hint({"*.kernel": "k"})`.

        Raises `SpaceError` for unknown names, and `HyperValueError` for hints that are not JSON.
        """
        checked = {name: checks.checked_hints("hint", own) for name, own in hints.items()}
        points = editing.hinted(self.points, checked)
        return SearchSpace.of_points(points, self._constraints, self._materialize)

    @classmethod
    def combine(cls, spaces: Mapping[str, SearchSpace]) -> SearchSpace:
        """One space of several, each with a prefix for its names; a DNA is theirs in a row.

        >>> from keras_glove.hyper import oneof
        >>> space = SearchSpace({"width": oneof([16, 32])})
        >>> [p.name for p in SearchSpace.combine({"stem": space, "head": space}).points]
        ['stem.width', 'head.width']
        """
        points = editing.combined({key: space.points for key, space in spaces.items()})
        constraints = [
            constraint.renamed(functools.partial(editing.prefixed, key))
            for key, space in spaces.items()
            for constraint in space.constraints
        ]
        return cls.of_points(points, constraints)

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
        """The DNA as float64, shape `(len(space),)`, nan where inactive.

        Raises `SpaceError` for a space with custom decisions, which are no numbers.
        """
        sampling.require_numbers(self._structure)
        self.validate(dna)
        return np.array([np.nan if v is None else v for v in dna.values], dtype=np.float64)

    def from_vector(self, vector: Any) -> DNA:
        """The DNA of such a vector; raises `DNAError` for one that does not fit."""
        sampling.require_numbers(self._structure)
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

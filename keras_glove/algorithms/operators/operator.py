"""What evolution is made of: operators on populations, joined by `>>`."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from keras_glove.algorithms import checks
from keras_glove.algorithms.lineage import COPY, Lineage
from keras_glove.errors import AlgorithmError
from keras_glove.hyper import DNA, SearchSpace
from keras_glove.hyper.origins import note_descent


class Individual(NamedTuple):
    """One member of a population.

    Attributes:
        dna: the decisions.
        reward: to be maximised; None for a child that was not evaluated yet, and where
            there are several objectives.
        number: how many individuals came before it, so the oldest has the smallest; None
            for a child.
        rewards: one number for each objective, all to be maximised; empty for a child.
        violation: how far it broke constraints on outcomes; 0.0 if it kept them.
        lineage: of a child, how it came about; None for what was evaluated, and for
            children of operators that do not tell.
    """

    dna: DNA
    reward: float | None = None
    number: int | None = None
    rewards: tuple[float, ...] = ()
    violation: float = 0.0
    lineage: Lineage | None = None


class Operator(abc.ABC):
    """Turns a population into another: it selects, mutates or recombines.

    `a >> b` applies `a`, then `b` to what `a` gave. Operators are values: frozen
    dataclasses without state, whose `repr` is the expression that makes them. A new one
    subclasses and implements `_apply`; if it needs one number to tell the better, it sets
    `scalar`, and evolution composed with it refuses several objectives.

    >>> from keras_glove.algorithms import Tournament, Uniform
    >>> Tournament(10) >> Uniform()
    Tournament(size=10, count=1) >> Uniform(hints=None, times=1)
    """

    #: Whether it reads `Individual.reward`, which only a single objective has.
    scalar: ClassVar[bool] = False

    def __call__(
        self, population: Sequence[Individual], space: SearchSpace, rng: np.random.Generator
    ) -> list[Individual]:
        """Applies the operator.

        Args:
            population: individuals, the oldest first.
            space: the space that their DNA belong to.
            rng: the only source of chance.

        Raises:
            AlgorithmError: if the population is empty, or does not suit the operator.
        """
        if not population:
            raise AlgorithmError(f"{self!r} expected at least one individual, received none.")
        return self._apply(population, space, rng)

    def __rshift__(self, other: Operator) -> Operator:
        if not isinstance(other, Operator):
            return NotImplemented
        return Pipeline((*self.parts(), *other.parts()))

    def parts(self) -> tuple[Operator, ...]:
        """The operators that are applied one after the other: itself, or the steps of a `>>`."""
        return (self,)

    @abc.abstractmethod
    def _apply(
        self, population: Sequence[Individual], space: SearchSpace, rng: np.random.Generator
    ) -> list[Individual]:
        """The operator's work on a population of at least one."""


def child_of(
    dna: DNA, operation: str, parents: Sequence[Individual], space: SearchSpace, *, how: str
) -> Individual:
    """A child that knows its parents; of one that is a child itself, also what that was made of.

    Args:
        dna: of the child.
        operation: in a word for the origin of its programs, such as "mutate".
        parents: what it was made of.
        space: of all of them.
        how: the same for its `Lineage`, such as "mutation".

    >>> from keras_glove.hyper import oneof
    >>> space = SearchSpace([oneof(list("abc")), oneof(list("abc"))])
    >>> pair = [Individual(DNA([0, 1]), 0.5, 0), Individual(DNA([1, 0]), 0.7, 1)]
    >>> crossed = child_of(DNA([0, 0]), "recombine", pair, space, how="crossover")
    >>> child_of(DNA([0, 2]), "mutate", [crossed], space, how="mutation").lineage
    Lineage(how='crossover+mutation', parents=(DNA((0, 1)), DNA((1, 0))))
    """
    first = parents[0]
    before = first.dna.origin if first.number is None else None
    note_descent(dna, operation, [parent.dna for parent in parents], space, before=before)
    for parent in parents:
        if parent.dna == dna:
            return Individual(dna, lineage=_descent(COPY, [parent]))
    return Individual(dna, lineage=_descent(how, parents))


def _descent(how: str, parents: Sequence[Individual]) -> Lineage:
    """From evaluated ancestors: of parents that are children themselves, from theirs."""
    if len(parents) == 1 and parents[0].lineage is None:  # the most frequent, and quick.
        return Lineage(how, (parents[0].dna,))
    ancestors: dict[DNA, None] = {}
    steps: dict[str, None] = {}
    for parent in parents:
        if parent.lineage is None:
            ancestors[parent.dna] = None
            continue
        ancestors |= dict.fromkeys(parent.lineage.parents)
        steps |= dict.fromkeys(parent.lineage.how.split("+"))
    steps[how] = None
    if len(steps) > 1:
        steps.pop(COPY, None)
    return Lineage("+".join(steps), tuple(ancestors))


@dataclass(frozen=True, repr=False)
class Pipeline(Operator):
    """Operators applied one after the other; written `a >> b`."""

    steps: tuple[Operator, ...]

    def __post_init__(self) -> None:
        if not self.steps:
            raise AlgorithmError("expected at least one operator in a Pipeline, received none.")
        for step in self.steps:
            checks.instance("every step", step, Operator)

    def _apply(
        self, population: Sequence[Individual], space: SearchSpace, rng: np.random.Generator
    ) -> list[Individual]:
        result = list(population)
        for step in self.steps:
            result = step(result, space, rng)
        return result

    def parts(self) -> tuple[Operator, ...]:
        return self.steps

    def __repr__(self) -> str:
        return " >> ".join(map(repr, self.steps))

"""Decision points as parameters of Optuna."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)

from keras_glove.errors import SpaceError
from keras_glove.hyper import DNA, DecisionPoint, SearchSpace


@dataclass(frozen=True, slots=True)
class Column:
    """One decision as a parameter.

    Attributes:
        name: of the decision.
        distribution: its candidates, or its range.
        json: the distribution as Optuna's tables hold it.
    """

    name: str
    distribution: BaseDistribution
    json: str

    def external(self, value: Any) -> Any:
        """A value of a DNA as Optuna's users see it."""
        if isinstance(self.distribution, CategoricalDistribution):
            return self.distribution.choices[value]
        return value


def columns_of(space: SearchSpace) -> list[Column]:
    """A parameter for each decision point."""
    found = []
    for point in space.points:
        distribution = _distribution(point)
        found.append(Column(point.name, distribution, distribution_to_json(distribution)))
    return found


def cells(columns: Sequence[Column], dna: DNA) -> list[tuple[Column, Any]]:
    """The parameters of a trial, with values as in the DNA; inactive ones are left out."""
    pairs = zip(columns, dna.values, strict=True)
    return [(column, value) for column, value in pairs if value is not None]


def _distribution(point: DecisionPoint) -> BaseDistribution:
    if point.kind == "categorical":
        return CategoricalDistribution(_told_apart(point.literals))
    if point.kind == "custom":
        raise SpaceError(
            f"at `{point.path or 'the root'}`: expected decisions that a storage of Optuna can "
            f"hold, received {point.name!r}, a decision point of its own kind; keep the study in "
            "memory."
        )
    assert point.low is not None
    assert point.high is not None
    log = point.scale == "log"
    if point.kind == "float":
        return FloatDistribution(float(point.low), float(point.high), log=log)
    step = point.step or 1
    # Optuna knows no steps on a logarithmic scale.
    return IntDistribution(int(point.low), int(point.high), log=log and step == 1, step=step)


def _told_apart(literals: Sequence[Any]) -> list[Any]:
    """Choices that differ for Optuna, for which 1, 1.0 and True are the same."""
    if all(one != other for i, one in enumerate(literals) for other in literals[:i]):
        return list(literals)
    return [repr(literal) for literal in literals]

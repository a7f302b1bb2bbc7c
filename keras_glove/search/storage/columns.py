"""Decision points as parameters of Optuna."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)

from keras_glove.hyper import DNA, DecisionPoint, SearchSpace

#: Before the name of a decision that is no parameter, in the user attributes of a trial.
DECISIONS = "decisions."


@dataclass(frozen=True, slots=True)
class Column:
    """One decision as a parameter.

    Attributes:
        index: its place in the DNA.
        name: of the decision.
        distribution: its candidates, or its range.
        json: the distribution as Optuna's tables hold it.
    """

    index: int
    name: str
    distribution: BaseDistribution
    json: str

    def external(self, value: Any) -> Any:
        """A value of a DNA as Optuna's users see it."""
        if isinstance(self.distribution, CategoricalDistribution):
            return self.distribution.choices[value]
        return value


def columns_of(space: SearchSpace) -> list[Column]:
    """A parameter for each decision point that Optuna has a distribution for; see `texts_of`."""
    found = []
    for point in space.points:
        if point.kind != "custom":
            distribution = _distribution(point)
            json = distribution_to_json(distribution)
            found.append(Column(point.index, point.name, distribution, json))
    return found


def cells(columns: Sequence[Column], dna: DNA) -> list[tuple[Column, Any]]:
    """The parameters of a trial, with values as in the DNA; inactive ones are left out."""
    values = dna.values
    return [(column, value) for column in columns if (value := values[column.index]) is not None]


def texts_of(space: SearchSpace, dna: DNA) -> dict[str, Any]:
    """User attributes for decision points of the user's own kind, whose values are texts.

    Optuna has no parameters for these. The texts are those that people read; the DNA of the
    trial has the whole ones.
    """
    pairs = zip(space.points, dna.values, strict=True)
    return {
        DECISIONS + point.name: point.readable(value)
        for point, value in pairs
        if point.kind == "custom" and value is not None
    }


def without_texts(space: SearchSpace | None, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """User attributes without those of `texts_of`."""
    if space is None or not any(name.startswith(DECISIONS) for name in attributes):
        return dict(attributes)
    texts = {DECISIONS + point.name for point in space.points if point.kind == "custom"}
    return {name: value for name, value in attributes.items() if name not in texts}


def _distribution(point: DecisionPoint) -> BaseDistribution:
    if point.kind == "categorical":
        return CategoricalDistribution(_told_apart(point.literals))
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

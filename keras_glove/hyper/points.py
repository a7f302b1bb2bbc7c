"""What a search space is made of: decision points, and the groups that `manyof` makes of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Conditions", "DecisionPoint", "Group", "Kind", "Literals", "Scale"]

Kind = Literal["categorical", "int", "float", "custom"]
Scale = Literal["linear", "log", "reverse_log"]
Literals = None | bool | int | float | str
"""Candidates that are shown as themselves; all others by a short text."""
Conditions = tuple[tuple[int, int | None], ...]
"""Pairs of a decision point and a value, of which one has to hold."""


@dataclass(frozen=True, slots=True)
class Group:
    """The k slots of one `manyof`: adjacent decision points over the same candidates.

    Attributes:
      indices: the decision points of the slots.
      num_candidates: how many candidates each slot chooses from.
      distinct: no two slots choose the same candidate.
      sorted: the chosen indices never decrease from slot to slot.
    """

    indices: tuple[int, ...]
    num_candidates: int
    distinct: bool
    sorted: bool


@dataclass(frozen=True, slots=True)
class DecisionPoint:
    """One slot of a DNA.

    Attributes:
      index: its place in the DNA.
      name: readable and unique in its space, e.g. `blocks[1].filters`.
      path: where the hyper-value (first) stands in the program.
      kind: "categorical" (the DNA holds a candidate's index), "int" or "float" (the number), or
        "custom" (a text).
      num_candidates: number of candidates; None for numbers.
      candidates: the candidates as short texts.
      literals: the candidates as `SearchSpace.decisions` shows them: None, bool, int, float and
        str as they are, others as short texts.
      low, high: bounds of a number, both included.
      step: distance between the values of an "int".
      scale: how a number is drawn and moved: "linear", "log" or "reverse_log".
      hints: what the hyper-value was given as `hints`; not used by keras_glove itself.
      conditions: the point is active when any of these (decision point, value) pairs
        holds, values being candidate indices or ints; empty when it is always active.
      also: further such sets of pairs, of each of which one has to hold as well. Only functions
        given to `trace` have these; a value of None stands for a point that is inactive.
      group: the `manyof` that the point is a slot of.
      custom: the `CustomValue` that says what a "custom" point can be.
    """

    index: int
    name: str
    path: str
    kind: Kind
    num_candidates: int | None = None
    candidates: tuple[str, ...] = ()
    literals: tuple[Literals, ...] = field(default=(), repr=False)
    low: int | float | None = None
    high: int | float | None = None
    step: int | None = None
    scale: Scale | None = None
    hints: Any = field(default=None, hash=False)
    conditions: Conditions = ()
    also: tuple[Conditions, ...] = ()
    group: Group | None = None
    custom: Any = None

    def readable(self, value: Any) -> Literals:
        """A value of this point as people read it: the candidate, the number, a short text."""
        if self.kind == "categorical":
            literal: Literals = self.literals[value]
            return literal
        shown: Literals = value if self.custom is None else self.custom.readable(value.plain)
        return shown

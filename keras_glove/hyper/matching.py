"""The search for the DNA of a concrete program.

Plans compare a program with the template from the root down. Where they meet a decision point
they leave a claim: this point has to produce this value. Points are then settled in their order;
as a parent stands before the points it activates, all claims on a point are known when its turn
comes. A candidate that fits adds claims to later points. Where several candidates fit, those that
cannot be matched to the end are left out, and the first of the others is tried first; so what is
found first is also the first in the order of iteration.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from keras_glove.errors import EncodeError
from keras_glove.hyper.dna import DNA, Value, trusted
from keras_glove.hyper.naming import short
from keras_glove.symbolic import Program, format_path
from keras_glove.symbolic.traversal import SCALARS

if TYPE_CHECKING:
    from keras_glove.hyper.decisions import DecisionPlan
    from keras_glove.hyper.plans import Plan

__all__ = ["At", "Left", "Match", "Probe", "shape_of"]

At = tuple[Any, Any] | None
"""Where a value stands: (where its parent stands, key), None at the root."""

Claim = tuple[Any, At]

Left = Callable[[int, Any], bool]
"""Whether a decision point may have a value."""


def shape_of(value: Any) -> Any:
    """A hashable that tells most values apart that are not equal."""
    kind = type(value)
    if kind in SCALARS:
        return kind, value if value == value else "nan"
    if kind is Program:
        return Program, id(value.__target__)
    return kind


class _Failure(NamedTuple):
    expected: str
    value: Any
    path: tuple[Any, ...]


class Match:
    """The state of one search.

    Args:
      decisions: for each decision point the plan that it belongs to.
      preferred: a DNA to follow wherever several candidates fit; None for the first that fits.
      left: whether a decision point may have a value; None where all may be.
    """

    def __init__(
        self,
        decisions: Sequence[DecisionPlan],
        preferred: Sequence[Value] | None = None,
        left: Left | None = None,
    ) -> None:
        self._decisions = decisions
        self._preferred = preferred
        self._left = left
        self.values: list[Any] = [None] * len(decisions)
        self._claims: list[list[Claim]] = [[] for _ in decisions]
        self._claimed: list[int] = []  # points, in the order of claims
        self._nodes: set[int] = set()  # ids
        self._by_key: dict[int, int] = {}  # id of the node that a shared plan stands for
        self._noted: list[tuple[int, int]] = []  # (key, id), in the order of noting
        self._choices: list[tuple[int, Sequence[Any], tuple[int, int]]] = []
        self._probes: dict[tuple[int, int], tuple[Any, bool]] = {}
        self.failure: _Failure | None = None

    # -- what plans call -------------------------------------------------------------

    def claim(self, point: int, value: Any, at: At) -> bool:
        """Notes that a decision point has to produce `value`; always True."""
        self._claims[point].append((value, at))
        self._claimed.append(point)
        return True

    def enter(self, key: int, node: Any) -> bool | None:
        """Whether a node has to be looked into: not (False) when it was.

        None where it is not shared here as in the template. For `key` see `NodePlan`.
        """
        identity = id(node)
        if key in self._by_key:
            return False if self._by_key[key] == identity else None
        if identity in self._nodes:
            return None
        self._nodes.add(identity)
        if key >= 0:
            self._by_key[key] = identity
        self._noted.append((key, identity))
        return True

    def fails(self, plan: Plan, value: Any, at: At, expected: str | None = None) -> bool:
        """Notes why a match fails, the deepest reason being the one to tell; always False."""
        path = _path(at)
        if self.failure is None or len(path) > len(self.failure.path):
            self.failure = _Failure(expected or plan.describe(), value, path)
        return False

    def fits(self, plan: Plan, value: Any) -> bool:
        """Whether a value can be what a plan makes, each decision inside taken by itself."""
        key = (id(plan), id(value))
        known = self._probes.get(key)
        if known is None:
            probe = Probe()
            fits = plan.match(value, None, probe) and all(
                self._fits_decision(point, claimed) for point, claimed in probe.claims
            )
            known = self._probes[key] = (value, fits)  # holds the value, so that its id stays taken
        return known[1]

    def _fits_decision(self, point: int, value: Any) -> bool:
        plan = self._decisions[point]
        return any(self._fits_option(plan, point, option, value) for option in plan.options(value))

    def _fits_option(self, plan: DecisionPlan, point: int, option: Any, value: Any) -> bool:
        below = plan.below(point, option)
        return below is None or self.fits(below, value)

    # -- the search ------------------------------------------------------------------

    def solve(self) -> DNA | None:
        """The DNA that meets all claims, or None."""
        point, last = 0, len(self._decisions)
        while point < last:
            claims = self._claims[point]
            if not claims:
                self.values[point] = None
            elif not self._settle(point, self._options(point, claims)):
                back = self._go_back()
                if back is None:
                    return None
                point = back
            point += 1
        return trusted(tuple(self.values))

    def _options(self, point: int, claims: list[Claim]) -> Sequence[Any]:
        plan = self._decisions[point]
        value, at = claims[0]
        options = plan.allowed(point, plan.options(value), self.values)
        for other, _ in claims[1:]:
            options = [option for option in options if option in plan.options(other)]
        if self._left is not None:
            options = [option for option in options if self._left(point, option)]
        if self._preferred is not None:
            wanted = self._preferred[point]
            return [wanted] if wanted in options else []
        if len(options) > 1:
            options = [
                option
                for option in options
                if all(self._fits_option(plan, point, option, v) for v, _ in claims)
            ]
        if not options:
            self.fails(plan, value, at, plan.expected(point, claims, self.values))
        return options

    def _settle(self, point: int, options: Sequence[Any]) -> bool:
        """Takes the first option that matches, and remembers the others."""
        plan = self._decisions[point]
        for number, option in enumerate(options):
            mark = (len(self._claimed), len(self._noted))
            self.values[point] = option
            below = plan.below(point, option)
            if below is None or all(below.match(v, at, self) for v, at in self._claims[point]):
                if number + 1 < len(options):
                    self._choices.append((point, options[number + 1 :], mark))
                return True
            self._undo(mark)
        return False

    def _go_back(self) -> int | None:
        """Returns to the last point that has options left; None where there is none."""
        while self._choices:
            point, options, mark = self._choices.pop()
            self._undo(mark)
            if self._settle(point, options):
                return point
        return None

    def _undo(self, mark: tuple[int, int]) -> None:
        claimed, noted = mark
        while len(self._claimed) > claimed:
            self._claims[self._claimed.pop()].pop()
        while len(self._noted) > noted:
            key, identity = self._noted.pop()
            self._nodes.discard(identity)
            self._by_key.pop(key, None)

    def error(self) -> EncodeError:
        """Why there is no DNA."""
        assert self.failure is not None
        expected, value, path = self.failure
        return EncodeError(
            f"at `{format_path(path) or 'the root'}`: expected {expected}, received "
            f"{short(value)} ({type(value).__name__}). The program is no member of the space: "
            "change that place, or the space."
        )


class Probe(Match):
    """Collects the claims of one plan, without sharing and without reasons."""

    def __init__(self) -> None:
        super().__init__(())
        self.claims: list[tuple[int, Any]] = []
        self._seen: set[tuple[int, int]] = set()

    def claim(self, point: int, value: Any, at: At) -> bool:
        self.claims.append((point, value))
        return True

    def enter(self, key: int, node: Any) -> bool | None:
        if key < 0:
            return True
        new = (key, id(node)) not in self._seen
        self._seen.add((key, id(node)))
        return new

    def fails(self, plan: Plan, value: Any, at: At, expected: str | None = None) -> bool:
        return False


def _path(at: At) -> tuple[Any, ...]:
    keys = []
    while at is not None:
        at, key = at
        keys.append(key)
    return tuple(reversed(keys))

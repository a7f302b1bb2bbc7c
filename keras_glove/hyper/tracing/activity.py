"""From runs of a function to the conditions under which it asks for each of its decisions.

First: which earlier decision points tell the runs that ask for a decision from those that do not,
as few as will do. Then a decision tree over these. Each of its negative leaves becomes a clause,
"one of these points has one of these values", and the decision is active where all clauses hold.
So `if a == 1` gives one clause of one pair, `a > i and b > j` in nested loops gives two clauses,
and a decision that is asked for in two branches gives one clause that names both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_glove.hyper.points import Conditions
from keras_glove.hyper.tracing.decisions import Answer, Decision, Key

__all__ = ["Clause", "Entangled", "Feature", "Inseparable", "Table", "TooWide", "clause_order"]

Clause = dict[int, frozenset[Any]]
"""For each feature the values of which one makes the clause hold; None stands for inactive."""

_MOST = 16
"""How many decision points may tell together whether another is asked for."""

Ints = np.ndarray[Any, np.dtype[np.int64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]


class Feature(NamedTuple):
    """One decision point as something that activity can depend on."""

    decision: int
    slot: int


class Inseparable(Exception):
    """Two runs that agree on everything that can be told apart differ in what they ask for."""

    def __init__(self, decision: int, asked: int, not_asked: int) -> None:
        super().__init__()
        self.decision, self.asked, self.not_asked = decision, asked, not_asked


class Entangled(Exception):
    """So many decisions tell together whether one is asked for that no clauses are made of them."""

    def __init__(self, decision: int) -> None:
        super().__init__()
        self.decision = decision


class TooWide(Exception):
    """Activity depends on a range of which not every value was tried yet."""

    def __init__(self, decision: int) -> None:
        super().__init__()
        self.decision = decision


class Table:
    """What was asked for and answered in each run.

    Args:
      decisions: all decisions, in an order in which parents stand before children.
      rows: the answers of each run.
      complete: for each run whether it came to its end.
    """

    def __init__(
        self,
        decisions: Sequence[Decision],
        rows: Sequence[dict[Key, Answer]],
        complete: Sequence[bool],
    ) -> None:
        self._decisions = decisions
        self._complete = np.array(complete, dtype=bool)
        self.features = [Feature(d, s) for d, one in enumerate(decisions) for s in range(one.width)]
        self._present = np.array([[d.key in row for d in decisions] for row in rows], dtype=bool)
        self._values: list[list[Any]] = []
        self._codes = np.empty((len(self.features), len(rows)), dtype=np.int64)
        for number, feature in enumerate(self.features):
            self._encode(number, feature, rows)
        self._later = _asked_later(decisions, rows)

    def _encode(self, number: int, feature: Feature, rows: Sequence[dict[Key, Answer]]) -> None:
        key = self._decisions[feature.decision].key
        column = [row[key][feature.slot] if key in row else None for row in rows]
        point = self._decisions[feature.decision].points[feature.slot]
        values: dict[Any, int] = {v: v for v in range(point.num_candidates or 0)}
        self._codes[number] = [values.setdefault(value, len(values)) for value in column]
        self._values.append(list(values))

    # -- which points matter -------------------------------------------------------------

    def relevant(self, decision: int, guesses: Iterable[Sequence[int]] = ()) -> list[int]:
        """The features that tell when a decision is asked for, none where it always is.

        Args:
          decision: the number of the decision.
          guesses: sets of features that may be it; the first that is, is taken.

        Raises:
          Inseparable, TooWide, Entangled: the runs do not tell.
        """
        rows, asked = self._rows_of(decision)
        if asked.all():
            return []
        features = self._features_before(decision)
        for guess in guesses:
            if guess and set(guess) <= set(features) and self._tells_well(guess, rows, asked):
                return list(guess)
        chosen: list[int] = []
        groups = np.zeros(len(rows), dtype=np.int64)
        mixed = np.ones(len(rows), dtype=bool)  # the rows in groups that are not told apart yet
        while mixed.any():
            best = self._most_telling(features, groups[mixed], rows[mixed], asked[mixed])
            if best is None:
                first = groups == groups[mixed][0]
                raise Inseparable(
                    decision, int(rows[first & asked][0]), int(rows[first & ~asked][0])
                )
            chosen.append(best)
            if len(chosen) > _MOST:
                raise Entangled(decision)
            groups = _refined(groups, self._codes[best][rows])
            mixed = _mixed(groups, asked)
        return self._fewest(chosen, rows, asked)

    def _rows_of(self, decision: int) -> tuple[Ints, Flags]:
        present = self._present[:, decision]
        rows = np.flatnonzero(self._complete | present)
        return rows, present[rows]

    def _features_before(self, decision: int) -> list[int]:
        later = self._later.get(decision, ())
        return [
            number
            for number, (owner, _) in enumerate(self.features)
            if owner < decision and owner not in later and not self._decisions[owner].is_float
        ]

    def _most_telling(
        self, features: Sequence[int], groups: Ints, rows: Ints, asked: Flags
    ) -> int | None:
        """The feature that leaves the least uncertainty; of equals that of fewest values, last."""
        before = _uncertainty(groups, asked)
        best: tuple[float, bool, int, int] | None = None
        for number in features:
            codes = self._codes[number][rows]
            left = round(_uncertainty(_refined(groups, codes), asked), 9)
            if left < before - 1e-6:
                sibling = self._tells_by_activity(number, rows, groups, asked, left)
                score = (left, sibling, len(np.unique(codes[asked])), -number)
                best = score if best is None else min(best, score)
        return None if best is None else -best[-1]

    def _tells_by_activity(
        self, number: int, rows: Ints, groups: Ints, asked: Flags, left: float
    ) -> bool:
        """Whether it tells only by being active itself: what opens both is to be preferred."""
        if None not in self._values[number]:
            return False
        inactive = self._codes[number][rows] == self._values[number].index(None)
        return _uncertainty(_refined(groups, inactive.astype(np.int64)), asked) <= left + 1e-6

    def _fewest(self, chosen: list[int], rows: Ints, asked: Flags) -> list[int]:
        """Leaves out what the others tell as well."""
        for number in list(chosen):
            others = [other for other in chosen if other != number]
            if others and self._tells(others, rows, asked):
                chosen = others
        for number in chosen:
            owner = self.features[number].decision
            if not self._decisions[owner].all_tried:
                raise TooWide(owner)
        return sorted(chosen)

    def _tells(self, features: Sequence[int], rows: Ints, asked: Flags) -> bool:
        return not _mixed(self._groups(features, rows), asked).any()

    def _tells_well(self, features: Sequence[int], rows: Ints, asked: Flags) -> bool:
        """Whether they tell it all, and each by more than being active."""
        if not self._tells(features, rows, asked):
            return False
        for number in features:
            others = self._groups([other for other in features if other != number], rows)
            if self._tells_by_activity(number, rows, others, asked, 0.0):
                return False
        return True

    def _groups(self, features: Sequence[int], rows: Ints) -> Ints:
        groups = np.zeros(len(rows), dtype=np.int64)
        for number in features:
            groups = _refined(groups, self._codes[number][rows])
        return groups

    # -- what they say --------------------------------------------------------------------

    def clauses(self, decision: int, telling: Sequence[Sequence[int]]) -> list[Clause]:
        """When a decision is active; `telling` holds for each the features that tell it."""
        features = telling[decision]
        while True:
            clauses = self._clauses(decision, features)
            # A decision that has to be inactive: what opens that one says it better.
            absent = {self.features[f].decision for c in clauses for f in c if None in c[f]}
            wider = sorted({*features, *(f for number in absent for f in telling[number])})
            if len(wider) == len(features):
                return clauses
            features = wider

    def _clauses(self, decision: int, features: Sequence[int]) -> list[Clause]:
        rows, asked = self._rows_of(decision)
        if asked.all():
            return []
        leaves = self._negative_leaves(rows, asked, features)
        domains = {number: frozenset(self._values[number]) for number in features}
        clauses = [{f: domains[f] - gone for f, gone in leaf.items()} for leaf in leaves]
        return self._without_none(_simplified(clauses, domains), rows, asked)

    def _negative_leaves(self, rows: Ints, asked: Flags, features: Sequence[int]) -> list[Clause]:
        """For each negative leaf of the tree the values, by feature, that lead there."""
        if asked.all():
            return []
        if not asked.any():
            return [{}]
        best = self._clearest(rows, asked, features)
        others = [number for number in features if number != best]
        codes = self._codes[best][rows]
        branches: list[tuple[list[Clause], set[Any]]] = []  # like branches together
        for code in np.unique(codes).tolist():
            inside = codes == code
            below = self._negative_leaves(rows[inside], asked[inside], others)
            alike = next((values for known, values in branches if known == below), None)
            if alike is None:
                branches.append((below, alike := set()))
            alike.add(self._values[best][code])
        return [{best: frozenset(values), **leaf} for below, values in branches for leaf in below]

    def _clearest(self, rows: Ints, asked: Flags, features: Sequence[int]) -> int:
        """The feature under the fewest values of which both answers occur; then the last.

        Those that say yes by being inactive come after all others.
        """
        varying = [f for f in features if len(np.unique(self._codes[f][rows])) > 1]

        def undecided(number: int) -> tuple[bool, int, int]:
            codes = self._codes[number][rows]
            chosen = {self._values[number][code] for code in np.unique(codes[asked]).tolist()}
            return None in chosen, len(np.unique(codes[_mixed(codes, asked)])), -number

        return min(varying, key=undecided)

    def holds(self, clauses: Sequence[Clause], rows: Ints) -> Flags:
        """For each row whether all clauses hold."""
        result = np.ones(len(rows), dtype=bool)
        for clause in clauses:
            one = np.zeros(len(rows), dtype=bool)
            for number, allowed in clause.items():
                flags = np.array([value in allowed for value in self._values[number]], dtype=bool)
                one |= flags[self._codes[number][rows]]
            result &= one
        return result

    def _without_none(self, clauses: list[Clause], rows: Ints, asked: Flags) -> list[Clause]:
        """Leaves "or is inactive" out where the other values say enough."""
        for place, clause in enumerate(clauses):
            for number in [f for f, allowed in clause.items() if None in allowed]:
                smaller = {**clauses[place], number: clause[number] - {None}}
                if not smaller[number]:
                    del smaller[number]
                trial = [*clauses[:place], smaller, *clauses[place + 1 :]]
                if (self.holds(trial, rows) == asked).all():
                    clauses = trial
        return clauses

    def conditions(self, clause: Clause, starts: Sequence[int]) -> Conditions:
        """A clause as pairs of decision point and value."""
        pairs = [
            (starts[self.features[number].decision] + self.features[number].slot, value)
            for number, allowed in clause.items()
            for value in allowed
        ]
        return tuple(sorted(pairs, key=_pair_order))


def _pair_order(pair: tuple[int, Any]) -> tuple[int, bool, Any]:
    return pair[0], pair[1] is None, pair[1] or 0


def clause_order(conditions: Conditions) -> tuple[bool, list[tuple[int, bool, Any]]]:
    """Puts a clause that asks for no inactive point, and for the latest points, last."""
    asks_for_none = any(value is None for _, value in conditions)
    return not asks_for_none, [_pair_order(pair) for pair in conditions]


def _asked_later(
    decisions: Sequence[Decision], rows: Sequence[dict[Key, Answer]]
) -> dict[int, set[int]]:
    """For each decision those before it in order that some run has asked for after it."""
    order = {decision.key: number for number, decision in enumerate(decisions)}
    later: dict[int, set[int]] = {}
    for row in rows:
        asked = [order[key] for key in row]
        for place, number in enumerate(asked):
            if place and number < asked[place - 1]:
                for before in asked[:place]:
                    if before > number:
                        later.setdefault(before, set()).add(number)
    return later


def _refined(groups: Ints, codes: Ints) -> Ints:
    """Groups of rows that agree on `codes` as well."""
    joint = groups * (int(codes.max(initial=0)) + 1) + codes
    return np.asarray(np.unique(joint, return_inverse=True)[1].reshape(-1), dtype=np.int64)


def _mixed(groups: Ints, asked: Flags) -> Flags:
    """For each row whether its group holds both answers."""
    number = np.bincount(groups)
    positive = np.bincount(groups, weights=asked)
    both: Flags = (positive > 0) & (positive < number)
    return both[groups]


def _uncertainty(groups: Ints, asked: Flags) -> float:
    """The entropy of the answer that is left when the group is known, in bits, over all rows."""
    number = np.bincount(groups)
    positive = np.bincount(groups, weights=asked)
    number, positive = number[number > 0], positive[number > 0]
    bits = 0.0
    for counts in (positive, number - positive):
        some = counts > 0
        bits -= float((counts[some] * np.log2(counts[some] / number[some])).sum())
    return bits


def _simplified(clauses: list[Clause], domains: dict[int, frozenset[Any]]) -> list[Clause]:
    """The same clauses without what the clauses of a single feature already say."""
    while True:
        single: dict[int, frozenset[Any]] = {}
        for clause in clauses:
            if len(clause) == 1:
                [(number, allowed)] = clause.items()
                single[number] = single.get(number, domains[number]) & allowed
        following: list[Clause] = [{number: allowed} for number, allowed in single.items()]
        for clause in clauses:
            if len(clause) > 1:
                parts = {f: v & single[f] if f in single else v for f, v in clause.items()}
                if any(f in single and v == single[f] for f, v in parts.items()):
                    continue  # holds already
                following.append({f: v for f, v in parts.items() if v})
        if following == clauses:
            return clauses
        clauses = following

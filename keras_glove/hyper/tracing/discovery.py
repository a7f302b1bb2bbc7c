"""Discovery: which decisions a function asks for, and under which other decisions.

The function is run with each value of each decision in turn, the others staying as they were
where the decision was met first, until no run meets a new one. What follows from these runs is
then tried on further ones: on all DNAs of a small space, else on random DNAs and on DNAs in which
rare decisions are active. Each surprise is one more run to learn from.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from keras_glove.errors import KerasGloveError, SpaceError
from keras_glove.hyper.dna import DNA
from keras_glove.hyper.naming import points_of
from keras_glove.hyper.points import DecisionPoint
from keras_glove.hyper.structure import Structure
from keras_glove.hyper.tracing.activity import (
    Clause,
    Entangled,
    Inseparable,
    Table,
    TooWide,
    clause_order,
)
from keras_glove.hyper.tracing.checking import dnas_to_check
from keras_glove.hyper.tracing.decisions import Answer, Answers, Decision, Key, give_names, in_order
from keras_glove.hyper.tracing.runs import Run, two_kinds
from keras_glove.hyper.values import HyperValue

__all__ = ["Discovery"]

_MAX_JOINT = 1000
"""Decisions that open another together are tried in all joint values up to this number."""


class Discovery:
    """The decisions of a function, found by running it.

    Args:
      function: takes no arguments.
      max_runs: how often the function may be run.
      checks: on how many DNAs what was found is tried.

    Attributes:
      decisions: in the order of their points.
      points: the decision points.
    """

    def __init__(self, function: Callable[[], Any], max_runs: int, checks: int) -> None:
        self._function = function
        self._max_runs = max_runs
        self._checks = checks
        self._runs = 0
        self._rows: dict[frozenset[tuple[Key, Answer]], tuple[Answers, bool]] = {}
        self._known: dict[Key, Decision] = {}
        self._named: dict[str, HyperValue] = {}
        self._followed: set[tuple[Key, Key]] = set()  # what was asked for next after what
        self._joint: set[frozenset[Any]] = set()  # dependencies that were tried together
        self._untried: deque[Decision] = deque()
        self.decisions: list[Decision] = []
        self.points: tuple[DecisionPoint, ...] = ()
        self._explore()

    def _explore(self) -> None:
        first = self._run({}, may_fail=False)
        if first.keys() != self._run({}).keys():
            raise _not_repeatable()
        while True:
            self._try_each_value()
            if self._learn():
                dnas = dnas_to_check(Structure(self.points), self.decisions, self._checks)
                if not self._surprises(dnas):
                    return

    # -- running -----------------------------------------------------------------------

    def _run(self, assignment: Answers, *, may_fail: bool = True) -> Answers:
        """What is asked for under given answers, the others being first ones."""
        self._runs += 1
        if self._runs > self._max_runs:
            raise self._too_many()

        def answer(key: Key, value: HyperValue, before: Answers) -> Answer:
            known = self._known.get(key)
            if known is None:
                known = self._meet(key, value, before)
            told = assignment.get(key)
            return known.first() if told is None else told

        run = Run(answer)
        ended = False
        try:
            run.call(self._function)
            ended = True
        except KerasGloveError:
            raise
        except Exception:  # some answers make no program: it will be that trial's error
            if not may_fail:
                raise
        self._followed.update(itertools.pairwise(run.answers))
        self._rows.setdefault(frozenset(run.answers.items()), (run.answers, ended))
        return run.answers

    def _meet(self, key: Key, value: HyperValue, before: Answers) -> Decision:
        """Takes up a new decision."""
        if value.name is not None:
            known = self._named.setdefault(value.name, value)
            if known is not value:
                raise two_kinds(value.name, known, value)
        if len(self._known) >= self._max_runs:
            raise self._too_many()
        decision = self._known[key] = Decision(key, value, before)
        self._untried.append(decision)
        return decision

    def _try_each_value(self) -> None:
        while self._untried:
            decision = self._untried.popleft()
            context = decision.context
            for answer in decision.others():
                self._run({**context, decision.key: answer})

    def _too_many(self) -> SpaceError:
        decisions = list(self._known.values())
        give_names(decisions)
        names = [decision.name for decision in decisions[:10]]
        return SpaceError(
            f"Expected a function that {self._max_runs} runs are enough for, received one with "
            f"more branches; it asks for {', '.join(map(repr, names))}, .... Give a larger "
            "`max_runs`, or fewer values to the decisions that open others. Where a loop asks in "
            "some turns only, name the decisions after the turn (`name=f'op{i}'`)."
        )

    # -- learning ----------------------------------------------------------------------

    def _learn(self) -> bool:
        """Works out the points; False where more values have to be tried first."""
        self.decisions = in_order(self._known, self._followed)
        give_names(self.decisions)
        rows = list(self._rows.values())
        table = Table(self.decisions, [row for row, _ in rows], [ended for _, ended in rows])
        try:
            features = self._relevant(table)
        except TooWide as wide:
            self._widen(self.decisions[wide.decision])
            return False
        except Entangled as entangled:
            raise _entangled(self.decisions[entangled.decision]) from None
        except Inseparable as pair:
            answers = [rows[pair.asked][0], rows[pair.not_asked][0]]
            raise self._inseparable(self.decisions[pair.decision], *answers) from None
        if self._try_together(table, features):
            return False
        clauses = [table.clauses(number, features) for number in range(len(self.decisions))]
        self.points = tuple(self._points(table, clauses))
        return True

    def _relevant(self, table: Table) -> list[list[int]]:
        """For each decision the features that it depends on, remembered for the next time."""
        found: list[list[int]] = []
        numbers = {decision.key: number for number, decision in enumerate(self.decisions)}
        known = {(f.decision, f.slot): number for number, f in enumerate(table.features)}
        for number, decision in enumerate(self.decisions):
            last = [known[numbers[key], slot] for key, slot in decision.depends_on]
            features = table.relevant(number, [last, *found[:-4:-1]])
            pairs = [table.features[feature] for feature in features]
            decision.depends_on = [(self.decisions[d].key, slot) for d, slot in pairs]
            found.append(features)
        return found

    def _try_together(self, table: Table, features: list[list[int]]) -> bool:
        """Runs all joint values of decisions that open another together; False if none is new."""
        before = len(self._rows)
        for decision, own in zip(self.decisions, features, strict=True):
            numbers = sorted({table.features[f].decision for f in own})
            parents = [self.decisions[number] for number in numbers]
            if len(parents) < 2 or frozenset((decision.key, *decision.depends_on)) in self._joint:
                continue
            self._joint.add(frozenset((decision.key, *decision.depends_on)))
            options = [[parent.first(), *parent.others()] for parent in parents]
            if math.prod(map(len, options)) <= _MAX_JOINT:
                for answers in itertools.product(*options):
                    joint = {p.key: answer for p, answer in zip(parents, answers, strict=True)}
                    self._run({**decision.context, **joint})
        return len(self._rows) > before

    def _widen(self, decision: Decision) -> None:
        decision.all_tried = True
        if decision.size > self._max_runs:
            raise SpaceError(
                f"Expected decisions that open others to have at most {self._max_runs} values, "
                f"received {decision.value!r}, on which it depends what else is asked for. Give "
                "it fewer values (a `step`, or `oneof([...])`), or a larger `max_runs`."
            )
        self._untried.append(decision)

    def _inseparable(self, decision: Decision, asked: Answers, not_asked: Answers) -> SpaceError:
        floats = [
            other
            for other in self.decisions
            if other.is_float and asked.get(other.key) != not_asked.get(other.key)
        ]
        if not floats:
            return _not_repeatable()
        return SpaceError(
            f"Expected the decision {decision.value!r} to depend on choices and integers, received "
            f"a function that asks for it under some values of {floats[0].value!r} only. A branch "
            "on a float has no decisions of its own: ask `oneof([True, False])` which way to go, "
            "and for the number afterwards."
        )

    def _points(self, table: Table, clauses: list[list[Clause]]) -> Iterator[DecisionPoint]:
        widths = [decision.width for decision in self.decisions]
        starts = [0, *itertools.accumulate(widths)]
        for number, decision in enumerate(self.decisions):
            decision.start = starts[number]
            own = [table.conditions(clause, starts) for clause in clauses[number]]
            pairs = sorted(own, key=clause_order)
            yield from points_of(
                decision.value,
                decision.start,
                decision.name,
                path=decision.name,
                conditions=pairs[-1] if pairs else (),
                also=tuple(pairs[:-1]),
            )

    def _surprises(self, dnas: Iterable[DNA]) -> bool:
        """Whether any run asked for other decisions than the points say."""
        found = False
        for dna in dnas:
            assignment = {d.key: a for d in self.decisions if (a := d.answer(dna)) is not None}
            known = len(self._known)
            asked = self._run(assignment)
            ended = self._rows[frozenset(asked.items())][1]
            same = asked.keys() == assignment.keys() if ended else asked.keys() <= assignment.keys()
            found |= not same or len(self._known) > known
        return found


def _entangled(decision: Decision) -> SpaceError:
    return SpaceError(
        f"Expected decisions that a few others open, received {decision.value!r} (found as "
        f"{decision.name!r}), which depends on very many. Where a loop asks in some of its turns "
        "only, decisions cannot be told apart: name them after the turn (`name=f'op{i}'`)."
    )


def _not_repeatable() -> SpaceError:
    return SpaceError(
        "Expected a function that asks for the same decisions whenever it is given the same "
        "answers, received one that does not. Take what else it depends on (random numbers, "
        "global state, what was called before) out of it."
    )

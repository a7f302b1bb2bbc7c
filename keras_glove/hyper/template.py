"""`Template`: a program with hyper-values, compiled to be made for DNAs, and to read DNAs back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras_glove.hyper.custom import CustomValue
from keras_glove.hyper.decisions import (
    Candidates,
    ChoicePlan,
    CustomPlan,
    DecisionPlan,
    NumberPlan,
    SlotsPlan,
)
from keras_glove.hyper.dna import DNA
from keras_glove.hyper.domains import domain_of
from keras_glove.hyper.layout import (
    Instance,
    InstanceKey,
    Item,
    Layout,
    Selector,
    instance_key,
    lay_out,
)
from keras_glove.hyper.matching import Left, Match
from keras_glove.hyper.naming import decision_points
from keras_glove.hyper.origins import recall_dna, remember_dna
from keras_glove.hyper.plans import (
    ContainerPlan,
    DictPlan,
    Leaf,
    ListPlan,
    NodePlan,
    Plan,
    ProgramPlan,
)
from keras_glove.hyper.points import DecisionPoint
from keras_glove.hyper.space import SearchSpace
from keras_glove.symbolic import Node, Program
from keras_glove.symbolic.recording import normalize
from keras_glove.symbolic.traversal import SCALARS, children

__all__ = ["Template", "encode", "materialize"]


class Template:
    """A program with hyper-values, compiled once.

    Compiling takes a snapshot: later changes of `value` do not show. What is materialized is
    independent of the template and of other children; only leaves (arrays, functions, live
    objects that no program describes) are the same objects.

    Args:
      value: a program, or any container, that holds hyper-values.
      where: which hyper-values are decided; the others stay open in what is materialized.

    Raises:
      SpaceError: two different hyper-values of one name, or a program that holds itself.

    >>> from keras_glove.hyper import oneof
    >>> template = Template({"width": oneof([16, 32]), "ops": [oneof(["conv", "pool"])]})
    >>> template.materialize(DNA((1, 0)))
    {'width': 32, 'ops': ['conv']}
    >>> template.encode({"width": 16, "ops": ["pool"]})
    DNA((0, 1))
    """

    def __init__(self, value: Any, *, where: Selector | None = None) -> None:
        self.value = value
        self._where = where
        layout = lay_out(normalize(value), where)
        points = decision_points(layout)
        self.space = SearchSpace.of_points(points)
        compiler = _Compiler(layout, points)
        root = layout.items[0]
        self._plan = compiler.leaf_or(root)
        self._decisions = compiler.decisions

    @property
    def leaves_open(self) -> bool:
        """Whether what is materialized may still hold hyper-values, for `where` left them out."""
        return self._where is not None

    def materialize(self, dna: DNA) -> Any:
        """The concrete program under the decisions of a DNA.

        The outermost programs in it remember the DNA and the space in their `__origin__`; see
        `keras_glove.symbolic.lineage`. Raises `DNAError` for a DNA of another space.
        """
        self.space.validate(dna)
        made = self._plan.make(dna.values, {})
        remember_dna(made, dna, self.space)
        return made

    def encode(
        self, concrete: Any, *, preferred: DNA | None = None, left: Left | None = None
    ) -> DNA:
        """The DNA under which the program is `concrete`.

        Where several DNAs give the same program, the one in its `__origin__` is preferred, else
        the first in the order of iteration is returned.

        Args:
          concrete: a program.
          preferred: to be preferred in place of the one in its `__origin__`.
          left: whether a decision point may have a value; by default it may have any.

        Raises:
          EncodeError: the program is no member of the space; the message names the place.
        """
        concrete = normalize(concrete)
        origin = preferred or recall_dna(concrete)
        if origin is not None and len(origin) == len(self._decisions):
            follow = Match(self._decisions, origin.values, left)
            found = follow.solve() if self._plan.match(concrete, None, follow) else None
            if found is not None:
                return found
        match = Match(self._decisions, left=left)
        found = match.solve() if self._plan.match(concrete, None, match) else None
        if found is None:
            raise match.error()
        return found

    def __repr__(self) -> str:
        return f"Template({self.value!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (_remake, (self.value, self._where))


def _remake(value: Any, where: Selector | None) -> Template:
    return Template(value, where=where)


def materialize(value: Any, dna: DNA) -> Any:
    """The concrete program under the decisions of a DNA; see `Template.materialize`.

    For many DNAs of one program make a `Template` once.

    >>> from keras_glove.hyper import oneof
    >>> materialize([oneof(["a", "b"]), 3], DNA((1,)))
    ['b', 3]
    """
    return Template(value).materialize(dna)


def encode(value: Any, concrete: Any) -> DNA:
    """The DNA under which `value` is `concrete`; see `Template.encode`.

    >>> from keras_glove.hyper import oneof
    >>> encode([oneof(["a", "b"]), 3], ["b", 3])
    DNA((1,))
    """
    return Template(value).encode(concrete)


class _Compiler:
    """Makes the plan of each instance of a layout."""

    def __init__(self, layout: Layout, points: Sequence[DecisionPoint]) -> None:
        self._layout = layout
        self._points = points
        self._plans: dict[InstanceKey, Plan] = {}
        self._keys = 0
        self._known: dict[Any, Candidates] = {}
        self.decisions: list[DecisionPlan] = [None] * layout.size  # type: ignore[list-item]

    def leaf_or(self, root: Item) -> Plan:
        """The plan of the root, which may be a leaf."""
        return self.plan(root, {}) if self._is_item(root) else Leaf(root.value)

    def _is_item(self, root: Item) -> bool:
        return root.decided or children(root.value) is not None

    def plan(self, item: Item, slots: dict[Item, int]) -> Plan:
        """The plan of an item for certain slots of the `manyof`s around it."""
        key = instance_key(item, slots)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._decision(key, slots) if item.decided else self._structure(item, slots)
            self._plans[key] = plan
        return plan

    def _structure(self, item: Item, slots: dict[Item, int]) -> Plan:
        value = item.value
        inside = {key: self.plan(child, slots) for key, child in item.below}
        if isinstance(value, Node):
            key = -1
            if item.repeated:
                key, self._keys = self._keys, self._keys + 1
            named = [(str(name), part) for name, part in inside.items()]
            if type(value) is Program:
                return ProgramPlan(value, named, key)
            return NodePlan(value, named, key)
        parts = [(key, inside.get(key) or Leaf(child)) for key, child in children(value) or ()]
        if type(value) in (list, tuple):
            return ListPlan(type(value), [part for _, part in parts])
        if type(value) is dict:
            return DictPlan(parts)
        return ContainerPlan(value, [part for _, part in parts])

    def _decision(self, key: InstanceKey, slots: dict[Item, int]) -> DecisionPlan:
        item = key[0]
        instance: Instance = self._layout.instances[key]
        start, width = instance.start, item.slots or 1
        plan: DecisionPlan
        if item.slots:
            per_slot = [self._candidates(item, {**slots, item: slot}) for slot in range(width)]
            plan = SlotsPlan(start, per_slot, item.value.distinct, item.value.sorted)
        elif isinstance(item.value, CustomValue):
            plan = CustomPlan(start, item.value)
        elif hasattr(item.value, "candidates"):
            plan = ChoicePlan(start, self._candidates(item, slots))
        else:
            plan = NumberPlan(start, domain_of(self._points[start]))
        self.decisions[start : start + width] = [plan] * width
        return plan

    def _candidates(self, item: Item, slots: dict[Item, int]) -> Candidates:
        if all(type(candidate) in SCALARS for candidate in item.value.candidates):
            return self._scalars(item.value.candidates)
        inside = dict(item.below)
        return Candidates(
            [
                self.plan(inside[index], slots) if index in inside else Leaf(candidate)
                for index, candidate in enumerate(item.value.candidates)
            ]
        )

    def _scalars(self, values: Sequence[Any]) -> Candidates:
        """One object for all choices among the same values: large programs repeat them."""
        key = tuple([(type(value), repr(value)) for value in values])  # 0.0 and -0.0 differ
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = Candidates([Leaf(value) for value in values])
        return known

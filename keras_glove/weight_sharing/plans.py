"""What a layer or operation does where widths are open: `Plan`, and who makes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from keras_glove.errors import NotShareableError
from keras_glove.weight_sharing.axes import Axes, Axis
from keras_glove.weight_sharing.decisions import Decisions
from keras_glove.weight_sharing.kernels import SizedKernel
from keras_glove.weight_sharing.open_values import Open
from keras_glove.weight_sharing.tables import Table

__all__ = ["LAYER_RULES", "OPERATION_RULES", "Masked", "Plan", "Site", "plan_of", "rule_for"]


@dataclass
class Site:
    """One call of a layer or operation on symbolic tensors.

    Attributes:
      operation: the layer or operation; layers are built.
      args, kwargs: the arguments of the call.
      outputs: the symbolic tensors that it gives.
      axes_of: what is in use of a symbolic tensor.
      notes: the open arguments of the layer.
      inner_notes: whether it, or a layer that it holds, has open arguments.
      training: the phase.
    """

    operation: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    outputs: Sequence[Any]
    axes_of: Callable[[Any], Axes]
    notes: Mapping[str, Any] = field(default_factory=dict)
    inner_notes: bool = False
    training: bool | None = None

    @property
    def tensors(self) -> list[Any]:
        """All symbolic tensors among the arguments."""
        leaves = keras.tree.flatten((self.args, self.kwargs))
        return [leaf for leaf in leaves if isinstance(leaf, keras.KerasTensor)]

    @property
    def axes(self) -> Axes:
        """What is in use of the first tensor."""
        return self.axes_of(self.tensors[0])

    @property
    def shape(self) -> tuple[int | None, ...]:
        """The shape of the first tensor."""
        return tuple(self.tensors[0].shape)

    def table(self, name: str, otherwise: Any = None) -> Table:
        """An argument of the layer by its values; where it is not open, that of its attribute."""
        note = self.notes.get(name)
        if isinstance(note, Open):
            return note.table
        return Table.entry(getattr(self.operation, name) if otherwise is None else otherwise)

    def sides(self, name: str, rank: int) -> list[Table]:
        """An argument that is an int, or one for each of `rank` axes: a table for each."""
        table = self.table(name)

        def side(axis: int) -> Table:
            def take(values: Any) -> Any:
                flat = [v[axis] if isinstance(v, tuple | list) else v for v in values.reshape(-1)]
                return np.array(flat).reshape(values.shape)

            return Table(table.points, take(table.values))

        return [side(axis) for axis in range(rank)]

    def refuse(self, expected: str, received: str, fix: str) -> NotShareableError:
        """The error to raise where weights cannot be shared here."""
        name = getattr(self.operation, "name", "")
        return NotShareableError(
            f"at {name!r} ({type(self.operation).__name__}): expected {expected}, received "
            f"{received}. {fix} Or search without shared weights, by `kg.program(Net, ...)`."
        )


@dataclass(frozen=True)
class Masked:
    """A weight that takes part with what is in use alone.

    Attributes:
      variable: the weight.
      axes: of its axes those over which the layer sums, so that what is not in use must be zero.
      scale: a factor that depends on decisions.
      transform: makes the value of decisions of that of the weight.
    """

    variable: Any
    axes: Axes
    scale: Table | None = None
    transform: Callable[[Any, Decisions], Any] | None = None


Run = Callable[..., Any]


@dataclass
class Plan:
    """How a call is made, and what is in use of its outputs and weights.

    Attributes:
      outputs: for each output what is in use of its axes.
      weights: for each weight of which not all is in use, what is.
      masked: the weights that the call uses masked.
      moved: for each weight of which a training step moves other parts than are in use, those.
      made: for each weight that a child has another value of, what makes it.
      run: the call, as a function of (decisions, call, args, kwargs), where `call` is the ordinary
        one; None for that.
      graphs: what it runs inside, of a Switch its branches.
    """

    outputs: Sequence[Axes]
    weights: Sequence[tuple[Any, Axes]] = ()
    masked: Sequence[Masked] = ()
    moved: Sequence[tuple[Any, Axes]] = ()
    made: Sequence[tuple[Any, SizedKernel]] = ()
    run: Run | None = None
    graphs: Sequence[Any] = ()


Rule = Callable[[Site], "Plan | None"]

LAYER_RULES: dict[type, Rule] = {}
"""For each class of Keras's layers how it is planned."""

OPERATION_RULES: dict[str, Rule] = {}
"""For each operation of `keras.ops`, by the name of its class."""


ALWAYS_PLANNED: set[type] = set()
"""Classes of layers that have something open inside, whatever their inputs are."""


def rule_for(*classes: Any, always: bool = False) -> Callable[[Rule], Rule]:
    """Registers a rule for classes of layers, or for operations by name.

    Args:
      classes: classes of layers; names of operations.
      always: whether calls of these layers are planned also where nothing about them is open.
    """

    def register(rule: Rule) -> Rule:
        for cls in classes:
            if isinstance(cls, str):
                OPERATION_RULES[cls] = rule
                continue
            LAYER_RULES[cls] = rule
            if always:
                ALWAYS_PLANNED.add(cls)
        return rule

    return register


def plan_of(site: Site) -> Plan | None:
    """The plan of a call; None where nothing about it is open."""
    rule = LAYER_RULES.get(type(site.operation))
    is_open = site.inner_notes or any(any_used(site.axes_of(tensor)) for tensor in site.tensors)
    if not is_open and type(site.operation) not in ALWAYS_PLANNED:
        return None
    of_keras = type(site.operation).__module__.startswith("keras.")
    if rule is None and of_keras and not isinstance(site.operation, keras.Layer):
        rule = OPERATION_RULES.get(type(site.operation).__name__)
    if rule is None:
        raise site.refuse(
            "a layer or operation that is known to work on some of the channels alone",
            "a tensor whose width is open",
            "Keep the width fixed there (a Dense or 1x1 convolution before it).",
        )
    return rule(site)


def any_used(axes: Axes) -> bool:
    """Whether any axis is in use in part only."""
    return any(axis is not None for axis in axes)


def where(axes: Axes, place: int, axis: Axis | None) -> Axes:
    """The same axes with another one at a place."""
    place %= len(axes)
    return (*axes[:place], axis, *axes[place + 1 :])

"""A supernet that is trained in the place of one child after another.

Under fixed decisions it computes what the child does. So it is given the first weights of the
child, trained, and what it has learned is cut out into the child; nothing is traced anew.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from keras_glove.errors import NotShareableError
from keras_glove.hyper import DNA
from keras_glove.symbolic import Program
from keras_glove.weight_sharing.axes import Axes
from keras_glove.weight_sharing.children import pairs, seed_pairs, transfer
from keras_glove.weight_sharing.kernels import KernelTransform
from keras_glove.weight_sharing.models import supernet
from keras_glove.weight_sharing.supernet import sharing_of

__all__ = ["StandIn"]


class StandIn:
    """The supernet of a program, to be trained in the place of its children.

    Args:
      program: of a model, with open values.

    Attributes:
      model: the supernet.

    Raises:
      NotShareableError: weights cannot be shared over one of them.
    """

    def __init__(self, program: Program) -> None:
        self.model = supernet(program)
        self._sharing = sharing_of(self.model)
        if any(isinstance(layer, KernelTransform) for layer in self.model._flatten_layers()):
            raise NotShareableError(
                "Expected kernels that children hold as they are in the supernet, received some "
                "that it transforms: what it learns is not what a child would."
            )
        self._initial: list[tuple[Any, Any]] | None = None
        self._seen: set[tuple[int, Any]] = set()

    @property
    def draws_otherwise(self) -> bool:
        """Whether noise in training has another shape than in children, so other values."""
        draws = any(layer._seed_generators for layer in self.model._flatten_layers())
        return draws and self._sharing.has_open_width

    @property
    def has_open_width(self) -> bool:
        """Whether children have parts of weights; known when it is built."""
        return self._sharing.has_open_width

    def dna(self, concrete: Any, known: DNA) -> DNA:
        """The decisions of a child.

        Args:
          concrete: its program.
          known: its DNA in the search, whose space may be larger.
        """
        if len(known) == len(self._sharing.space) and self._fits(known):
            return known
        return self._sharing.template.encode(concrete)

    def _fits(self, dna: DNA) -> bool:
        origin = self._sharing.template.materialize
        try:
            origin(dna)
        except ValueError:
            return False
        return True

    def build(self, example: Any) -> None:
        """Makes weights and slots, once, and remembers how they begin.

        Args:
          example: a batch, or symbolic tensors.
        """
        if self._initial is None:
            self.model(example)
            if self.model.optimizer is not None:
                self.model.optimizer.build(self.model.trainable_variables)
            variables = [*self.model.variables, *self.model.optimizer.variables]
            own = {id(self._sharing.indices), id(self._sharing.numbers)}
            self._initial = [(v, np.asarray(v)) for v in variables if id(v) not in own]

    def begin(self, child: keras.Model, dna: DNA, examples: Any) -> None:
        """Makes the supernet what a child is.

        Args:
          child: built, with its first weights.
          dna: its decisions.
          examples: a small batch, on which a child with a decision that is new is compared.

        Raises:
          NotShareableError: the two compute different things.
        """
        decided = self._sharing.codec.arrays(dna)[0].tolist()
        self._sharing.set(dna)
        activity = self._sharing.activity()
        found = pairs(self.model, child, decided)
        self._reset([(one, own, activity.axes(one)) for one, own in found], decided)
        for one, own in seed_pairs(self.model, child, decided):
            one.assign(own)
        self._compare(child, dna, examples)

    def end(self, child: keras.Model, dna: DNA) -> None:
        """Gives the child what was learned."""
        decided = self._sharing.codec.arrays(dna)[0].tolist()
        activity = self._sharing.activity()
        found = pairs(self.model, child, decided)
        transfer(found, lambda variable: activity.cut(variable, decided))
        for one, own in seed_pairs(self.model, child, decided):
            own.assign(one)

    def _reset(self, given: list[tuple[Any, Any, Axes | None]], decided: list[Any]) -> None:
        """All begins anew, what is in use as in the child.

        Also what is not in use: there may be NaN of a child that diverged, and 0 x NaN is NaN.
        """
        first = {id(one): _placed(one, own, axes, decided) for one, own, axes in given}
        for variable, value in self._initial or ():
            variable.assign(first.get(id(variable), value))

    def _compare(self, child: keras.Model, dna: DNA, examples: Any) -> None:
        values = set(enumerate(dna.values))
        if not values <= self._seen:
            shared = keras.tree.flatten(self.model(examples, training=False))
            own = keras.tree.flatten(child(examples, training=False))
            for theirs, mine in zip(shared, own, strict=True):
                _require_equal(dna, np.asarray(theirs), np.asarray(mine))
            self._seen |= values


def _placed(shared: Any, own: Any, axes: Axes | None, decided: list[Any]) -> Any:
    """A child's weight at its place in the supernet's, zeros beside it."""
    if axes is None:
        return own
    value = np.zeros(tuple(shared.shape), dtype=np.asarray(own).dtype)
    places = [
        np.arange(length) if axis is None else axis.indices(decided)
        for axis, length in zip(axes, shared.shape, strict=True)
    ]
    value[np.ix_(*places)] = np.asarray(own)
    return value


def _require_equal(dna: DNA, shared: Any, own: Any) -> None:
    part = shared[tuple(slice(0, length) for length in own.shape)]
    worst = float("inf")
    if part.shape == own.shape:
        worst = float(np.abs(part - own).max(initial=0.0)) / max(1.0, float(np.abs(own).max()))
    if not worst <= 1e-3:
        raise NotShareableError(
            f"Expected the supernet to compute what the child {dna} does, received outputs that "
            f"differ by {worst:.2g}. In a `call` something depends on what no tensor shows; see "
            "`Model.verify`."
        )

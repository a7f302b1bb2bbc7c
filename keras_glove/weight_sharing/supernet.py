"""What a model with open values is: a supernet, all of whose children share its weights."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras

from keras_glove.errors import NotShareableError
from keras_glove.hyper import DNA, SearchSpace, Template
from keras_glove.live.inputs import known_inputs
from keras_glove.symbolic import Program, build
from keras_glove.weight_sharing.activity import Activity
from keras_glove.weight_sharing.children import cut_out, pairs, transfer
from keras_glove.weight_sharing.decisions import Codec, Decisions, deciding
from keras_glove.weight_sharing.updating import guard

__all__ = ["Sharing", "Supernet"]


class _Given(threading.local):
    def __init__(self) -> None:
        self.stack: list[tuple[int, Decisions]] = []


_GIVEN = _Given()


class Sharing:
    """What a supernet knows beside being a Keras model.

    Attributes:
      program: the open program that it was made from.
      space: its decision points.
      codec: DNAs as arrays.
      template: the program, compiled to be made for DNAs.
    """

    def __init__(self, model: keras.Model, program: Program) -> None:
        self.program = program
        self.template = Template(program)
        self.space: SearchSpace = self.template.space
        self.codec = Codec(self.space)
        self._model = model
        count = (len(self.codec.sizes),)
        self.indices = model.add_weight(
            shape=count, dtype="int32", initializer="zeros", trainable=False, name="indices"
        )
        self.numbers = model.add_weight(
            shape=count, dtype="float32", initializer="zeros", trainable=False, name="numbers"
        )
        for variable in (self.indices, self.numbers):
            variable.is_decision = True
        self.set(self.space.first())
        self._call = model.call
        # On the instance, so that the class stays the user's.
        object.__setattr__(model, "call", self._wrapped(self._call))

    def set(self, dna: DNA) -> None:
        """Makes a DNA what the model computes when nobody gives other decisions."""
        indices, numbers = self.codec.arrays(dna)
        self.indices.assign(indices)
        self.numbers.assign(numbers)

    def decisions(self) -> Decisions:
        """Those given for the time being, else those of the model's own variable."""
        for owner, given in reversed(_GIVEN.stack):
            if owner == id(self):
                return given
        return Decisions(self.indices.value, self.numbers.value)

    @contextmanager
    def given(self, decisions: Decisions) -> Iterator[None]:
        """While it holds, the model computes what these decisions say."""
        _GIVEN.stack.append((id(self), decisions))
        try:
            yield
        finally:
            _GIVEN.stack.pop()

    def _wrapped(self, call: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(call)
        def decided(*args: Any, **kwargs: Any) -> Any:
            with deciding(self.decisions()):
                return call(*args, **kwargs)

        return decided

    def activity(self) -> Activity:
        """Which weights are in use under which decisions."""
        return Activity(self._model, {})

    def child(self, dna: DNA, inherit: bool) -> Any:
        """The child of a DNA."""
        child = build(self.template.materialize(dna))
        if inherit:
            if not self._model.built:
                raise NotShareableError(
                    "Expected a supernet that is built, received one without weights yet. Call it "
                    "on data first, or take a child that does not inherit: "
                    "`model.child(dna, inherit=False)`."
                )
            child(*self._inputs)
            decided = self.codec.arrays(dna)[0].tolist()
            activity = self.activity()
            found = pairs(self._model, child, decided)
            transfer(found, lambda v: cut_out(v, activity.axes(v), decided))
        return child

    @property
    def _inputs(self) -> Sequence[Any]:
        return (known_inputs(self._model),)


class Supernet:
    """Methods of models with open values; see `keras_glove.Model`."""

    _sharing: Sharing | None = None

    def child(self, dna: DNA, inherit: bool = True) -> Any:
        """The child of a DNA: a Keras model of its own.

        Args:
          dna: its decisions.
          inherit: give it the weights that it has in this supernet; otherwise it is initialized
            anew.

        Raises:
          DNAError: the DNA is not of this model's search space.
          NotShareableError: the model has no open values, or no weights yet.
        """
        return sharing_of(self).child(dna, inherit)

    def decide(self, dna: DNA) -> None:
        """Sets which child the model is when it is called, evaluated or trained as it stands."""
        sharing_of(self).set(dna)

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """As for any Keras model; the optimizer then updates what is active alone."""
        super().compile(*args, **kwargs)  # type: ignore[misc]
        if self._sharing is not None and getattr(self, "optimizer", None) is not None:
            guard(self.optimizer, LazyActivity(self._sharing), self._sharing.decisions)

    # Asked by Keras: whether the user has written one, who would then have to save it, too.
    compile._is_default = True  # type: ignore[attr-defined]


class LazyActivity:
    """The activity of a model that is not built when it is compiled."""

    def __init__(self, sharing: Sharing) -> None:
        self._sharing = sharing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sharing.activity(), name)


def sharing_of(model: Any) -> Sharing:
    """What a supernet knows; raises `NotShareableError` for other models."""
    sharing = getattr(model, "_sharing", None)
    if sharing is None:
        raise NotShareableError(
            f"Expected a model with open values, received {model!r}, which has none."
        )
    return sharing

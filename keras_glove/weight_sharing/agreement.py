"""Whether the user's own `call` does in a supernet what it does in a child.

Two things no tensor shows: whether `call` asks if an attribute `is None`, where None is a candidate
and a supernet holds a `Switch`; and what it computes with the width of a tensor, which is the
largest in a supernet. So both are called on symbolic tensors, which costs no arithmetic, and what
they ran is compared, call by call. A few children that have every candidate among them are looked
at when a supernet is first called, and every other one when it is taken.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from keras_glove.errors import NotShareableError
from keras_glove.hyper import DNA
from keras_glove.weight_sharing.children import layer_pairs
from keras_glove.weight_sharing.comparing import Comparison, Difference
from keras_glove.weight_sharing.decisions import Codec
from keras_glove.weight_sharing.looking import Looker, is_functional
from keras_glove.weight_sharing.switch import Switch
from keras_glove.weight_sharing.tracing import holds_open, own_weights

__all__ = ["Untraceable", "is_written_by_user", "require_agreement"]

Call = Callable[..., Any]

#: They do nothing but call, so layers in it are built as they are called.
_BUILDS = (keras.Layer.build, keras.Model.build)


class Untraceable(Exception):
    """Symbolic tensors cannot go through a call."""


def is_written_by_user(model: Any) -> bool:
    """Whether a model, or a layer in it, has a `call` that is not Keras's or this package's."""
    ours = ("keras.", "keras_glove.")
    return any(not type(x).call.__module__.startswith(ours) for x in model._flatten_layers())


def require_agreement(
    model: Any,
    call: Call,
    child: Any,
    example: tuple[Any, Any],
    codec: Codec,
    dna: DNA,
    open_widths: bool,
) -> None:
    """Raises `NotShareableError` where a supernet's call is another than that of its child.

    Args:
      model, call: the supernet, and its own call.
      child: one of its children.
      example: arguments of the call, with symbolic tensors.
      codec, dna: of the child's decisions.
      open_widths: whether the supernet has any.

    Raises:
      Untraceable: symbolic tensors cannot go through the call of the supernet.
    """
    decided, numbers = (array.tolist() for array in codec.arrays(dna))
    whole = functools.partial(_stays_whole, open_widths)
    shared = {id(own): theirs for theirs, own in layer_pairs(model, child, decided)}

    def whole_in_child(layer: Any) -> bool:
        return layer is not child and whole(shared.get(id(layer), layer))

    for training in (False, True):
        args, kwargs = keras.tree.map_structure(_fresh, example)
        kwargs.pop("training", None)
        theirs = _Recorder(training, decided, whole)
        mine = _Recorder(training, decided, whole_in_child)
        try:
            expected = theirs.results(call, args, theirs.in_phase(call, kwargs))
            found = mine.child_results(child, args, kwargs)
            Comparison(model, child, decided, numbers).compare(expected, found)
        except Difference as difference:
            raise NotShareableError(_message(codec, dna, str(difference))) from difference.__cause__
        finally:
            theirs.forget()
            mine.forget()


def _fresh(value: Any) -> Any:
    if not isinstance(value, keras.KerasTensor):
        return value
    return keras.KerasTensor(value.shape, dtype=value.dtype)


def _stays_whole(open_widths: bool, layer: Any) -> bool:
    """Of a layer of a supernet whether it is not looked into."""
    if type(layer).__module__.startswith("keras."):
        return True
    return not holds_open(layer) and (not open_widths or bool(own_weights(layer)))


class _Recorder(Looker):
    """Lets symbolic tensors through a call; layers of the user's own are looked into.

    Args:
      training: the phase.
      decided: of switches, one index per decision point.
      whole: which layers are not looked into.
    """

    def __init__(
        self, training: bool, decided: Sequence[Any], whole: Callable[[Any], bool]
    ) -> None:
        super().__init__()
        self._training = training
        self._decided = decided
        self._is_whole = whole
        self._losses: list[Any] = []
        self._nodes: dict[int, tuple[Any, int, int]] = {}

    def results(self, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        """The tensors that a call gives on symbolic ones, and the losses that it adds."""
        try:
            with keras.StatelessScope():  # so that no state changes
                return self._results(call, args, kwargs)
        except (AttributeError, TypeError, ValueError, RuntimeError) as error:
            raise Untraceable from error

    def child_results(self, child: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        """The same of a child; raises `Difference` where it fails."""
        try:
            return self._results(lambda *a, **k: self.call(child, a, k), args, kwargs)
        except (AttributeError, TypeError, ValueError, RuntimeError) as error:
            found = f"an error of the child's, {type(error).__name__}: {error}"
            raise Difference(found) from error

    def _results(self, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        with self.looking():
            made = call(*args, **kwargs)
        return [*keras.tree.flatten(made), *keras.tree.flatten(self._losses)]

    def in_phase(self, call: Call, kwargs: dict[str, Any]) -> dict[str, Any]:
        """The arguments of a call with the phase, where it takes that."""
        takes = "training" in inspect.signature(call).parameters
        return {**kwargs, "training": self._training} if takes else kwargs

    def add_loss(self, loss: Any) -> None:
        self._losses.append(loss)

    def draw(self) -> Any:
        return ops.zeros((2,), dtype="uint32")

    def call(self, layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if isinstance(layer, Switch):
            index = layer.selector.at(self._decided)
            branch = layer.branches[index]
            made = args[0] if branch is None else branch(*args, **layer.keywords(index, kwargs))
            return made if layer.widths is None else _padded(layer, made)
        if isinstance(layer, keras.Sequential):
            return functools.reduce(lambda x, part: part(x), layer.layers, args[0])
        if is_functional(layer):
            return layer._run_through_graph(args[0], operation_fn=lambda operation: operation)
        if self._is_whole(layer):
            counts = len(layer._inbound_nodes), len(layer._outbound_nodes)
            self._nodes.setdefault(id(layer), (layer, *counts))
            return self.whole(layer, args, kwargs)
        if not layer.built and type(layer).build not in _BUILDS:
            self.whole(layer, args, kwargs)
        if kwargs.get("training") is None:
            kwargs = self.in_phase(layer.call, kwargs)
        return layer.call(*args, **kwargs)

    def forget(self) -> None:
        """Takes from the layers what Keras noted there of these calls."""
        for layer, before, after in self._nodes.values():
            del layer._inbound_nodes[before:]
            del layer._outbound_nodes[after:]


def _padded(layer: Switch, tensor: Any) -> Any:
    """The tensor as wide as other branches', and yet the same."""
    axis, sizes = layer.widths or (0, [])
    shape = list(tensor.shape)
    shape[axis] = max(sizes)
    wide = keras.KerasTensor(shape, dtype=tensor.dtype)
    wide.same_as = tensor
    return wide


def _message(codec: Codec, dna: DNA, found: str) -> str:
    places = [
        f"`{point.path or point.name}`"
        for point, value in zip(codec.space.points, dna.values, strict=True)
        if value is not None
    ]
    shown = ", ".join(places[:4]) + (", ..." if len(places) > 4 else "")
    return (
        f"at {shown}: expected a `call` that does in a supernet what it does in its child "
        f"{dna}, found {found}. In a `call` of yours something depends on "
        "what no tensor shows: on `is None` (or `isinstance`) of an attribute for which candidates "
        "are open (use `layers.Identity()` for passing on, or a layer of yours for what the branch "
        "does), or on the width of a tensor, `x.shape[-1]`, which is the largest in a supernet "
        "(keep the open argument as an attribute and compute with that). Or search without shared "
        "weights, by `kg.program(Net, ...)`."
    )

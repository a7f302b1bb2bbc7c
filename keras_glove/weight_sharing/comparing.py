"""Two calls on the same symbolic tensors, of a supernet and of its child, compared."""

from __future__ import annotations

import types
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np

from keras_glove.weight_sharing.children import layer_pairs, pairs
from keras_glove.weight_sharing.open_values import Open, OpenFloat

__all__ = ["Comparison", "Difference"]

#: Attributes of operations that follow from shapes, or are made up by Keras.
OF_SHAPES = frozenset({"newshape", "shape", "name", "built"})


class Difference(Exception):
    """Two calls differ; the message says in what."""


class Comparison:
    """Compares what a supernet and its child ran.

    Args:
      supernet, child: the models.
      decided, numbers: the child's decisions, one index and one number per decision point.
    """

    def __init__(
        self, supernet: Any, child: Any, decided: Sequence[Any], numbers: Sequence[Any]
    ) -> None:
        self._decided, self._numbers = decided, numbers
        # A layer can stand in several places of the child, and a shared one in those of two.
        self._layers = {
            (id(shared), id(own)) for shared, own in layer_pairs(supernet, child, decided)
        }
        self._known = {own for _, own in self._layers} | {shared for shared, _ in self._layers}
        self._variables = {(id(shared), id(own)) for shared, own in pairs(supernet, child, decided)}

    def compare(self, shared: Sequence[Any], own: Sequence[Any]) -> None:
        """Raises `Difference` where results come from different calls.

        Args:
          shared, own: what was given in the end.
        """
        seen: set[tuple[int, int]] = set()
        pending = list(self._zipped(shared, own, "results"))
        while pending:
            theirs, mine = pending.pop()
            while hasattr(theirs, "same_as"):
                theirs = theirs.same_as
            if not isinstance(mine, keras.KerasTensor):
                self._require_equal(theirs, mine)
            elif (id(theirs), id(mine)) not in seen:
                seen.add((id(theirs), id(mine)))
                pending += self._before(theirs, mine)

    def _before(self, theirs: Any, mine: Any) -> Iterator[tuple[Any, Any]]:
        """The arguments of the calls that two tensors come from."""
        mine_from = _origin(mine)
        theirs_from = _origin(theirs) if isinstance(theirs, keras.KerasTensor) else None
        if mine_from is None or theirs_from is None:
            if mine is not theirs:
                raise Difference(f"{_shown(theirs_from)} where the child has {_shown(mine_from)}")
            return
        if not self._is_same(theirs_from.operation, mine_from.operation) or (
            theirs._keras_history.tensor_index != mine._keras_history.tensor_index
        ):
            raise Difference(f"{_shown(theirs_from)} where the child has {_shown(mine_from)}")
        what = f"arguments of {_shown(mine_from)}"
        yield from self._zipped(_arguments(theirs_from), _arguments(mine_from), what)

    def _zipped(
        self, shared: Sequence[Any], own: Sequence[Any], what: str
    ) -> Iterator[tuple[Any, Any]]:
        if len(shared) != len(own):
            raise Difference(f"{len(shared)} {what} where the child has {len(own)}")
        return zip(shared, own, strict=True)

    def _is_same(self, shared: Any, own: Any) -> bool:
        if (id(shared), id(own)) in self._layers:
            return True
        if type(shared) is not type(own) or id(shared) in self._known or id(own) in self._known:
            return False
        if isinstance(own, keras.Layer):  # made on the way, or held where Keras does not look
            return not shared.variables and not own.variables
        for name, value in vars(own).items():
            if not name.startswith("_") and name not in OF_SHAPES:
                theirs = keras.tree.flatten(vars(shared)[name])
                mine = keras.tree.flatten(value)
                for one, other in self._zipped(theirs, mine, f"values of {name}"):
                    self._require_equal(one, other)
        return True

    def _require_equal(self, shared: Any, own: Any) -> None:
        if not self._is_equal(shared, own):
            raise Difference(f"{shared!r} where the child has {own!r}")

    def _is_equal(self, shared: Any, own: Any) -> bool:
        if shared is own or (id(shared), id(own)) in self._variables:
            return True
        if isinstance(shared, Open):
            shared = shared.table.at(self._decided)
        elif isinstance(shared, OpenFloat):
            return bool(np.isclose(self._numbers[shared.point], own))
        if isinstance(own, keras.Variable) or isinstance(shared, keras.KerasTensor):
            return False
        if hasattr(own, "shape") and hasattr(shared, "shape"):
            return _is_part(np.asarray(shared), np.asarray(own))
        if isinstance(own, types.FunctionType | types.MethodType):
            return getattr(shared, "__code__", None) is own.__code__
        by_identity = getattr(type(own), "__eq__", None) is getattr(object, "__eq__", None)
        return type(shared) is type(own) if by_identity else bool(shared == own)


def _origin(tensor: Any) -> Any:
    """The call that a symbolic tensor comes from; None for one that was given."""
    history = getattr(tensor, "_keras_history", None)
    if history is None or history.operation is None:
        return None
    return history.operation._inbound_nodes[history.node_index]


def _arguments(node: Any) -> list[Any]:
    return list(keras.tree.flatten((node.arguments.args, node.arguments.kwargs)))


def _shown(node: Any) -> str:
    if node is None:
        return "the input"
    operation = node.operation
    of_layer = isinstance(operation, keras.Layer)
    return f"{operation.name!r}" if of_layer else f"an operation {type(operation).__name__}"


def _is_part(shared: Any, own: Any) -> bool:
    if shared.ndim != own.ndim:
        return False
    part = shared[tuple(slice(0, length) for length in own.shape)]
    return part.shape == own.shape and bool(np.array_equal(part, own))

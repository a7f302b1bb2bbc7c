"""What the children of a supernet cost, as formulas over its decisions.

A formula gives the number for a DNA exactly, as counting on the built child does; and in the graph,
for sampled decisions or as the expectation under relaxed ones, with gradients.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from keras_glove.cost.rules import count
from keras_glove.cost.tracing import trace as trace_cost
from keras_glove.errors import CostError
from keras_glove.hyper import DNA
from keras_glove.weight_sharing.activity import conditions_in
from keras_glove.weight_sharing.axes import Axes, Axis
from keras_glove.weight_sharing.decisions import Codec, Decisions
from keras_glove.weight_sharing.rules.convolution import DEPTHWISE, PLAIN, SEPARABLE, TRANSPOSED
from keras_glove.weight_sharing.rules.dense import split_equation, spread_letters
from keras_glove.weight_sharing.rules.recurrent import GATES
from keras_glove.weight_sharing.rules.switching import branch_graphs
from keras_glove.weight_sharing.supernet import sharing_of
from keras_glove.weight_sharing.switch import Switch
from keras_glove.weight_sharing.tables import Table
from keras_glove.weight_sharing.tracing import Graph, Step, trace

__all__ = ["Formula", "activations", "count_activations", "multiply_adds", "parameters"]

JOINT = 4096
"""Up to so many combinations factors are multiplied out, so that expectations are exact."""

Sum = Sequence[Table]
"""Tables that add up to something."""


class Formula:
    """A sum of products of tables.

    Args:
      terms: for each term its factors.
      codec: reads DNAs.
    """

    def __init__(self, terms: Sequence[Sequence[Table]], codec: Codec) -> None:
        self._codec = codec
        self._terms = list(_gathered(terms))

    def __call__(self, dna: DNA) -> int:
        """The number for a DNA."""
        decided = self._codec.arrays(dna)[0].tolist()
        return sum(math.prod(int(f.at(decided)) for f in term) for term in self._terms)

    def tensor(self, decisions: Decisions) -> Any:
        """The number in the graph, a float32 scalar; the expectation under relaxed decisions."""
        total = ops.convert_to_tensor(0.0)
        for term in self._terms:
            total += functools.reduce(
                lambda product, factor: product * factor.tensor(decisions, "float32"), term, 1.0
            )
        return total


def _gathered(terms: Sequence[Sequence[Table]]) -> Iterator[list[Table]]:
    """The terms with their factors multiplied out, and those over the same points added up."""
    sums: dict[tuple[int, ...], Table] = {}
    for term in terms:
        product = Table((), np.array(1, dtype=np.int64))
        rest: list[Table] = []
        for factor in term:
            joint = {*product.points, *factor.points}
            sizes = dict(zip(product.points, product.values.shape, strict=True))
            sizes.update(zip(factor.points, factor.values.shape, strict=True))
            if math.prod(sizes[point] for point in joint) <= JOINT:
                product = product * factor.map(lambda values: values.astype(np.int64))
            else:
                rest.append(factor)
        if rest:
            yield [product, *rest]
        else:
            known = sums.get(product.points)
            sums[product.points] = product if known is None else known + product
    yield from ([table] for table in sums.values())


def parameters(model: Any) -> Formula:
    """Trainable parameters of each child, as `keras_glove.cost.parameters` counts them."""
    sharing = sharing_of(model)
    activity, conditions = sharing.activity(), conditions_in(model)
    terms: list[list[Table]] = []
    for variable in model.trainable_variables:
        if getattr(variable, "is_of_supernet", False):
            continue
        condition = conditions.get(id(variable), _constant(1))
        axes = activity.axes(variable) or (None,) * len(variable.shape)
        sides = [_count(axis, n) for axis, n in zip(axes, variable.shape, strict=True)]
        terms += _product([[condition], *sides])
    return Formula(terms, sharing.codec)


def multiply_adds(model: Any) -> Formula:
    """Multiply-adds of each child for one example, as `keras_glove.cost.multiply_adds` counts them.

    Raises:
      CostError: a layer's are not known where its width is open.
    """
    return _over_steps(model, _step_multiply_adds)


def activations(model: Any) -> Formula:
    """Numbers that the layers and operations of each child give for one example.

    That is what training has to keep in memory, but for what a framework recomputes or fuses.
    Counted as `count_activations` counts them.
    """
    return _over_steps(model, _step_activations)


def count_activations(model: Any, *args: Any, **kwargs: Any) -> int:
    """Numbers that the layers and operations of a concrete model give for one example.

    Args:
      model: any Keras model; its own layers are looked into.
      *args, **kwargs: symbolic tensors to call it on.
    """
    graph = _graph(model, args, kwargs)
    terms = (term for step in graph.steps for term in _step_activations(graph, step))
    return sum(math.prod(int(factor.values) for factor in term) for term in terms)


def _over_steps(model: Any, cost: Callable[[Graph, Step], list[list[Table]]]) -> Formula:
    sharing = sharing_of(model)
    args, kwargs = sharing.example()
    graph = _graph(sharing.inner_call(), args, kwargs)
    return Formula(list(_terms(graph, [], cost)), sharing.codec)


def _graph(function: Any, args: Any, kwargs: Any) -> Graph:
    args, kwargs = keras.tree.map_structure(_single, (args, kwargs))
    tensors = [x for x in keras.tree.flatten((args, kwargs)) if hasattr(x, "shape")]
    whole = [(None,) * len(tensor.shape) for tensor in tensors]
    kwargs = {**kwargs, "training": False} if "training" in kwargs else kwargs
    return trace(function, args, kwargs, whole, False, look_into=True)


def _terms(
    graph: Graph, conditions: list[Table], cost: Callable[[Graph, Step], list[list[Table]]]
) -> Iterator[list[Table]]:
    for step in graph.steps:
        if not isinstance(step.operation, Switch):
            for term in cost(graph, step):
                yield [*conditions, *term]
            continue
        selector = step.operation.selector
        for index, inner in enumerate(branch_graphs(graph, step)):
            chosen = selector.map(functools.partial(_equals, index))
            yield from _terms(inner, [*conditions, chosen], cost)


def _equals(index: int, chosen: Any) -> Any:
    return np.asarray(chosen == index).astype(np.int64)


def _constant(number: int) -> Table:
    return Table((), np.array(number, dtype=np.int64))


def _count(axis: Axis | None, length: int | None) -> Sum:
    if axis is not None:
        return axis.counts()
    if length is None:
        raise CostError(
            "Expected known shapes, received one with None. Call the model on examples of the "
            "shape that costs are to be for."
        )
    return [_constant(length)]


def _dims(graph: Graph, tensor: Any) -> list[Sum]:
    """How long each axis of a tensor is but the first, the batch."""
    return [
        _count(axis, length)
        for axis, length in zip(graph.of(tensor)[1:], tuple(tensor.shape)[1:], strict=True)
    ]


def _product(factors: Sequence[Sum]) -> list[list[Table]]:
    """A product of sums as a sum of products."""
    terms: list[list[Table]] = [[]]
    for factor in factors:
        terms = [[*term, table] for term in terms for table in factor]
    return terms


def _weight(step: Step, variable: Any) -> list[Sum]:
    """How long each axis of a weight is."""
    known: dict[int, Axes] = {id(v): axes for v, axes in (step.plan.weights if step.plan else ())}
    axes = known.get(id(variable), (None,) * len(variable.shape))
    return [_count(axis, n) for axis, n in zip(axes, variable.shape, strict=True)]


def _step_activations(graph: Graph, step: Step) -> list[list[Table]]:
    if isinstance(step.operation, layers.EinsumDense):  # Keras does not tell all of its shape
        sizes = _sizes(graph, step)
        _, _, output = split_equation(step.operation.equation)
        letters = spread_letters(output, len(step.outputs[0].shape))
        return _product([sizes[letter] for letter in letters[1:]])
    return [term for tensor in step.outputs for term in _product(_dims(graph, tensor))]


def _step_multiply_adds(graph: Graph, step: Step) -> list[list[Table]]:
    operation = step.operation
    if isinstance(operation, keras.Layer):
        rule = _LAYERS.get(type(operation))
        if rule is not None:
            return rule(graph, step)
        if step.plan is None or step.plan.weights == ():
            return _closed(graph, step)
        return []
    rule = _OPERATIONS.get(type(operation).__name__)
    return rule(graph, step) if rule is not None else []


def _closed(graph: Graph, step: Step) -> list[list[Table]]:
    """Of a layer of which nothing is open: counted."""
    if not step.operation.weights and step.plan is not None:
        return []
    args, kwargs = keras.tree.map_structure(_single, (step.args, step.kwargs))
    return [[_constant(count(trace_cost(step.operation, args, kwargs)))]]


def _single(value: Any) -> Any:
    if not isinstance(value, keras.KerasTensor):
        return value
    return keras.KerasTensor((1, *value.shape[1:]), dtype=value.dtype)


def _tensors(step: Step) -> list[Any]:
    leaves = keras.tree.flatten((step.args, step.kwargs))
    return [leaf for leaf in leaves if isinstance(leaf, keras.KerasTensor)]


def _dense(graph: Graph, step: Step) -> list[list[Table]]:
    return _product([*_dims(graph, _tensors(step)[0]), _dims(graph, step.outputs[0])[-1]])


def _einsum_dense(graph: Graph, step: Step) -> list[list[Table]]:
    return _product(list(_sizes(graph, step).values()))


def _sizes(graph: Graph, step: Step) -> dict[str, Sum]:
    """How long the axes of an EinsumDense are, by letter, but for the batch."""
    inputs, kernel, _ = split_equation(step.operation.equation)
    tensor = _tensors(step)[0]
    letters = spread_letters(inputs, len(tensor.shape))
    sizes = dict(zip(letters[1:], _dims(graph, tensor), strict=True))
    for letter, size in zip(kernel, _weight(step, step.operation._kernel), strict=True):
        sizes.setdefault(letter, size)
    return sizes


def _convolution(graph: Graph, step: Step) -> list[list[Table]]:
    kernel = _weight(step, step.operation.kernel)
    return _product([*_dims(graph, step.outputs[0]), *kernel[:-1]])


def _transposed(graph: Graph, step: Step) -> list[list[Table]]:
    kernel = _weight(step, step.operation.kernel)
    return _product([*_dims(graph, _tensors(step)[0]), *kernel[:-1]])


def _depthwise(graph: Graph, step: Step) -> list[list[Table]]:
    kernel = _weight(step, step.operation.kernel)
    return _product([*_dims(graph, step.outputs[0]), *kernel[: step.operation.rank]])


def _separable(graph: Graph, step: Step) -> list[list[Table]]:
    layer = step.operation
    places = _dims(graph, step.outputs[0])
    places.pop(0 if layer.data_format == "channels_first" else -1)
    kernels = (layer.depthwise_kernel, layer.pointwise_kernel)
    return [term for kernel in kernels for term in _product([*places, *_weight(step, kernel)])]


def _recurrent(graph: Graph, step: Step) -> list[list[Table]]:
    times, cell = _dims(graph, _tensors(step)[0])[:-1], step.operation.cell
    kernels = (cell.kernel, cell.recurrent_kernel)
    return [term for kernel in kernels for term in _product([*times, *_weight(step, kernel)])]


def _bidirectional(graph: Graph, step: Step) -> list[list[Table]]:
    times, layer = _dims(graph, _tensors(step)[0])[:-1], step.operation
    kernels = [
        kernel
        for part in (layer.forward_layer, layer.backward_layer)
        for kernel in (part.cell.kernel, part.cell.recurrent_kernel)
    ]
    return [term for kernel in kernels for term in _product([*times, *_weight(step, kernel)])]


def _time_distributed(graph: Graph, step: Step) -> list[list[Table]]:
    """What is inside, at each time."""
    if step.plan is None:
        return _closed(graph, step)
    times = _dims(graph, _tensors(step)[0])[:1]
    (inner,) = step.plan.graphs
    terms = _terms(inner, [], _step_multiply_adds)
    return [[*term, *one] for term in terms for one in _product(times)]


def _attention(graph: Graph, step: Step) -> list[list[Table]]:
    layer = step.operation
    query, value = _tensors(step)[:2]
    times, places = _dims(graph, query)[:-1], _dims(graph, value)[:-1]
    projections = [
        (layer._query_dense, times),
        (layer._key_dense, places),
        (layer._value_dense, places),
        (layer._output_dense, times),
    ]
    if getattr(layer, "_use_gate", False) or getattr(layer, "use_gate", False):
        projections.append((layer._gate_dense, times))
    terms = [t for part, at in projections for t in _product([*at, *_weight(step, part.kernel)])]
    heads, width = _weight(step, layer._query_dense.kernel)[1:]
    values = _weight(step, layer._value_dense.kernel)[2]
    for inner in (width, values):
        terms += _product([heads, *times, *places, inner])
    return terms


def _dot_product(graph: Graph, step: Step) -> list[list[Table]]:
    query, value = _tensors(step)[:2]
    (times, width), (places, values) = _dims(graph, query)[-2:], _dims(graph, value)[-2:]
    return [*_product([times, places, width]), *_product([times, places, values])]


def _dot(graph: Graph, step: Step) -> list[list[Table]]:
    axes = step.operation.axes
    first, second = _tensors(step)
    left, right = (axes, axes) if isinstance(axes, int) else axes
    others = _dims(graph, second)
    others.pop(right % len(second.shape) - 1)
    del left
    return _product([*_dims(graph, first), *others])


def _matmul(graph: Graph, step: Step) -> list[list[Table]]:
    first = _tensors(step)[0]
    return _product([*_dims(graph, step.outputs[0]), _dims(graph, first)[-1]])


def _einsum(graph: Graph, step: Step) -> list[list[Table]]:
    sides = step.operation.subscripts.replace(" ", "").split("->")[0].split(",")
    sizes: dict[str, Sum] = {}
    for letters, tensor in zip(sides, _tensors(step), strict=True):
        whole = [[_constant(1)], *_dims(graph, tensor)]
        sizes.update(zip(letters, whole, strict=True))
    return _product(list(sizes.values()))


Rule = Callable[[Graph, Step], list[list[Table]]]

_LAYERS: dict[type, Rule] = {
    layers.Dense: _dense,
    layers.EinsumDense: _einsum_dense,
    layers.MultiHeadAttention: _attention,
    layers.GroupQueryAttention: _attention,
    layers.AdditiveAttention: _dot_product,
    layers.Attention: _dot_product,
    layers.Bidirectional: _bidirectional,
    layers.TimeDistributed: _time_distributed,
    layers.Dot: _dot,
    **dict.fromkeys(PLAIN, _convolution),
    **dict.fromkeys(TRANSPOSED, _transposed),
    **dict.fromkeys(DEPTHWISE, _depthwise),
    **dict.fromkeys(SEPARABLE, _separable),
    **dict.fromkeys(GATES, _recurrent),
}

_OPERATIONS: dict[str, Rule] = {"Matmul": _matmul, "Einsum": _einsum}

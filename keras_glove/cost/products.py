"""Multiply-adds of the products in a TensorFlow graph, operation by operation.

Layers with a rule are counted by it. What a model computes outside of them, by
`keras.ops` or TensorFlow itself, is found here, so that no product is missed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from keras_glove.errors import CostError

__all__ = ["einsum_multiply_adds", "graph_multiply_adds"]

Shape = tuple[int, ...]


def _shape(tensor: Any) -> Shape:
    shape = tensor.shape
    if not shape.is_fully_defined():
        raise CostError(
            f"Expected every shape to be known, received {shape} in operation {tensor.op.name!r}. "
            "Pass an input_shape without None, or register a rule for the layer around it: "
            "register_rule(LayerClass, lambda call: ...)."
        )
    return tuple(shape)


def _matmul(operation: Any, transposed: str) -> int:
    left = _shape(operation.inputs[0])
    contracted = left[-2] if operation.get_attr(transposed) else left[-1]
    return math.prod(_shape(operation.outputs[0])) * contracted


def einsum_multiply_adds(equation: str, shapes: Iterable[Shape]) -> int:
    """Multiply-adds of an einsum: the product of the lengths of all its axes.

    >>> einsum_multiply_adds("btd,dh->bth", [(1, 5, 8), (8, 3)])
    120
    """
    lengths: dict[Any, int] = {}
    terms = equation.replace(" ", "").split("->")[0].split(",")
    for term, shape in zip(terms, shapes, strict=True):
        before, ellipsis, after = term.partition("...")
        hidden = len(shape) - len(before) - len(after) if ellipsis else 0
        # Axes under an ellipsis align at their last one, as in broadcasting.
        labels = [*before, *range(-hidden, 0), *after]
        for label, length in zip(labels, shape, strict=True):
            lengths[label] = max(length, lengths.get(label, 1))
    return math.prod(lengths.values())


def _einsum(operation: Any) -> int:
    equation = operation.get_attr("equation").decode()
    if len(operation.inputs) < 2:
        return 0  # a transposition, a trace or a sum
    return einsum_multiply_adds(equation, [_shape(tensor) for tensor in operation.inputs])


def _convolution(operation: Any) -> int:
    """Kernel (..., inputs per group, filters): one product per tap and output value."""
    _, kernel = operation.inputs
    return math.prod(_shape(operation.outputs[0])) * math.prod(_shape(kernel)[:-1])


def _depthwise(operation: Any) -> int:
    """Kernel (height, width, inputs, multiplier): one product per tap and output value."""
    _, kernel = operation.inputs
    return math.prod(_shape(operation.outputs[0])) * math.prod(_shape(kernel)[:2])


def _transposed(operation: Any) -> int:
    """Kernel (..., filters, inputs): one product per tap, filter and input value."""
    _, kernel, inputs = operation.inputs
    return math.prod(_shape(inputs)) * math.prod(_shape(kernel)[:-1])


_PRODUCTS: Mapping[str, Callable[[Any], int]] = {
    "MatMul": lambda operation: _matmul(operation, "transpose_a"),
    "BatchMatMul": lambda operation: _matmul(operation, "adj_x"),
    "BatchMatMulV2": lambda operation: _matmul(operation, "adj_x"),
    "BatchMatMulV3": lambda operation: _matmul(operation, "adj_x"),
    "Einsum": _einsum,
    "Conv2D": _convolution,
    "Conv3D": _convolution,
    "DepthwiseConv2dNative": _depthwise,
    "Conv2DBackpropInput": _transposed,
    "Conv3DBackpropInputV2": _transposed,
}


def graph_multiply_adds(operations: Iterable[Any], owner: str) -> int:
    """Multiply-adds of TensorFlow operations that `owner` computes outside of ruled layers.

    Raises `CostError` for a loop, branch or function that holds products: how
    often it runs cannot be read from the graph.
    """
    total = 0
    for operation in operations:
        count = _PRODUCTS.get(operation.type)
        if count is not None:
            total += count(operation)
        elif _hides_products(operation):
            raise CostError(
                f"Expected products that run a known number of times in {owner}, found them "
                f"inside {operation.name!r} ({operation.type}), a loop, a branch or a function "
                "of the graph. Register a rule for the layer around it: "
                "register_rule(LayerClass, lambda call: ...)."
            )
    return total


def _called_functions(node: Any) -> set[str]:
    """Names of the functions that a node of a TensorFlow graph calls."""
    names = {value.func.name for value in node.attr.values() if value.HasField("func")}
    for value in node.attr.values():
        names.update(function.name for function in value.list.func)
    return names


def _hides_products(operation: Any) -> bool:
    pending = _called_functions(operation.node_def)
    if not pending:
        return False
    library = operation.graph.as_graph_def().library.function
    bodies = {function.signature.name: function.node_def for function in library}
    seen: set[str] = set()
    while pending:
        name = pending.pop()
        seen.add(name)
        for node in bodies.get(name, ()):
            if node.op in _PRODUCTS:
                return True
            pending |= _called_functions(node) - seen
    return False

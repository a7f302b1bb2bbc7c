"""Operations of `keras.ops`, by the name of their class."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_glove.weight_sharing.axes import Axes, Axis, mask_of
from keras_glove.weight_sharing.decisions import Decisions
from keras_glove.weight_sharing.plans import Plan, Run, Site, any_used, rule_for
from keras_glove.weight_sharing.rules.merging import aligned, concatenated, contracted
from keras_glove.weight_sharing.rules.shapes import reshaped

UNARY = (
    "Relu", "Relu6", "Sigmoid", "SparseSigmoid", "Softplus", "Softsign", "SoftShrink",
    "SparsePlus", "Silu", "Squareplus", "LogSigmoid", "LeakyRelu", "HardSigmoid", "HardSilu",
    "Elu", "Selu", "Gelu", "Celu", "TanhShrink", "HardTanh", "HardShrink", "Threshold",
    "Absolute", "Ceil", "Clip", "Copy", "Cos", "Cosh", "Exp", "Exp2", "Expm1", "Floor", "Log",
    "Log10", "Log1p", "Log2", "NanToNum", "Negative", "OnesLike", "Reciprocal", "Round", "Sign",
    "Sin", "Sinh", "Sqrt", "Square", "Tan", "Tanh", "Trunc", "ZerosLike", "Cast", "Rsqrt", "Erf",
    "StopGradient", "LogicalNot", "Isfinite", "Isinf", "Isnan",
)  # fmt: skip
BINARY = (
    "Add", "Subtract", "Multiply", "Divide", "DivideNoNan", "TrueDivide", "FloorDivide", "Power",
    "Maximum", "Minimum", "Mod", "Greater", "GreaterEqual", "Less", "LessEqual", "Equal",
    "NotEqual", "LogicalAnd", "LogicalOr", "Where", "Arctan2", "Hypot", "Logaddexp",
)  # fmt: skip


@rule_for(*UNARY)
def unary(site: Site) -> Plan:
    """Each number by itself."""
    return Plan([site.axes])


@rule_for(*BINARY)
def binary(site: Site) -> Plan:
    """Numbers at the same place."""
    return Plan([aligned(site, site.tensors)])


@rule_for("Concatenate")
def concatenate(site: Site) -> Plan:
    """Tensors side by side."""
    return Plan([concatenated(site, site.tensors, site.operation.axis)])


@rule_for("Reshape")
def reshape(site: Site) -> Plan:
    """Axes that are merged or stay."""
    return Plan([reshaped(site)])


@rule_for("Transpose")
def transpose(site: Site) -> Plan:
    """Axes in another order."""
    order = site.operation.axes or range(len(site.axes))[::-1]
    return Plan([tuple(site.axes[place] for place in order)])


@rule_for("Swapaxes")
def swapaxes(site: Site) -> Plan:
    """Two axes in each other's place."""
    axes = list(site.axes)
    one, two = site.operation.axis1, site.operation.axis2
    axes[one], axes[two] = axes[two], axes[one]
    return Plan([tuple(axes)])


@rule_for("ExpandDims")
def expand_dims(site: Site) -> Plan:
    """A new axis of length 1."""
    axes = list(site.axes)
    places = site.operation.axis
    rank = len(site.outputs[0].shape)
    for place in sorted(p % rank for p in ([places] if isinstance(places, int) else places)):
        axes.insert(place, None)
    return Plan([tuple(axes)])


@rule_for("Squeeze")
def squeeze(site: Site) -> Plan:
    """Without axes of length 1."""
    places = site.operation.axis
    if places is None:
        gone = {place for place, length in enumerate(site.shape) if length == 1}
    else:
        chosen = [places] if isinstance(places, int) else places
        gone = {place % len(site.axes) for place in chosen}
    return Plan([tuple(axis for place, axis in enumerate(site.axes) if place not in gone)])


@rule_for("GetItem")
def get_item(site: Site) -> Plan:
    """Slices that leave open axes whole."""
    key = site.args[1] if len(site.args) > 1 else site.kwargs["key"]
    parts = list(key) if isinstance(key, tuple) else [key]
    if Ellipsis in [part for part in parts if not hasattr(part, "shape")]:
        place = next(i for i, part in enumerate(parts) if part is Ellipsis)
        consuming = sum(part is not None and part is not Ellipsis for part in parts)
        parts[place : place + 1] = [slice(None)] * (len(site.axes) - consuming)
    axes = list(site.axes)
    result: list[Axis | None] = []
    for part in parts:
        if part is None:
            result.append(None)
            continue
        axis = axes.pop(0)
        if axis is not None and part != slice(None):
            raise site.refuse("slices that leave open axes whole", f"{part}", "Slice another axis.")
        if isinstance(part, slice):
            result.append(axis)
    return Plan([(*result, *axes)])


@rule_for("Softmax")
def softmax(site: Site) -> Plan:
    """Over what is in use alone."""
    return _over(site, site.operation.axis, lambda x, mask: ops.where(mask > 0, x, _least(x)), True)


@rule_for("LogSoftmax")
def log_softmax(site: Site) -> Plan:
    """Over what is in use alone."""
    return _over(site, site.operation.axis, lambda x, mask: ops.where(mask > 0, x, _least(x)), True)


@rule_for("Sum")
def total(site: Site) -> Plan:
    """Zeros add nothing."""
    return _over(site, site.operation.axis, lambda x, mask: ops.where(mask > 0, x, 0), False)


@rule_for("Max", "Amax")
def largest(site: Site) -> Plan:
    """Of what is in use."""
    return _over(
        site, site.operation.axis, lambda x, mask: ops.where(mask > 0, x, _least(x)), False
    )


@rule_for("Min", "Amin")
def smallest(site: Site) -> Plan:
    """Of what is in use."""
    return _over(
        site, site.operation.axis, lambda x, mask: ops.where(mask > 0, x, -_least(x)), False
    )


@rule_for("Any")
def some(site: Site) -> Plan:
    """Whether any that is in use is true."""
    return _over(site, site.operation.axis, lambda x, mask: ops.logical_and(x, mask > 0), False)


@rule_for("All")
def every(site: Site) -> Plan:
    """Whether all that are in use are true."""
    return _over(site, site.operation.axis, lambda x, mask: ops.logical_or(x, mask <= 0), False)


@rule_for("Mean")
def mean(site: Site) -> Plan:
    """Over as many as are in use."""
    plan = _over(site, site.operation.axis, lambda x, mask: ops.where(mask > 0, x, 0), False)
    if plan.run is None:
        return plan
    inner = plan.run
    places = _places(site.operation.axis, len(site.axes))
    used = [axis for place, axis in enumerate(site.axes) if place in places and axis is not None]

    def run(decisions: Decisions, call: Any, args: Any, kwargs: Any) -> Any:
        result = inner(decisions, call, args, kwargs)
        for axis in used:
            result = result * (axis.length / axis.count(decisions, result.dtype))
        return result

    return Plan(plan.outputs, run=run)


@rule_for("Matmul")
def matmul(site: Site) -> Plan:
    """Sums over the last axis of the first, and the last but one of the second."""
    first, second = site.tensors
    left, right = len(first.shape) - 1, max(len(second.shape) - 2, 0)
    _, masked = contracted(site, first, second, left, right)
    one, two = site.axes_of(first), site.axes_of(second)
    rank = len(site.outputs[0].shape)
    outputs = (*(None,) * (rank - len(one)), *one[:-1], two[-1])[-rank:]

    def run(decisions: Decisions, call: Any, args: Any, kwargs: Any) -> Any:
        return call(masked(decisions, args[0]), *args[1:], **kwargs)

    return Plan([outputs], run=run)


@rule_for("Einsum")
def einsum(site: Site) -> Plan:
    """An axis for each letter; what is summed over is zero where it is not in use."""
    equation = site.operation.subscripts.replace(" ", "")
    left, _, right = equation.partition("->")
    sides = left.split(",")
    if "." in equation or not right:
        raise site.refuse("an einsum without ellipsis, with '->'", repr(equation), "Write letters.")
    known: dict[str, Axis | None] = {}
    for letters, tensor in zip(sides, site.tensors, strict=True):
        for letter, axis in zip(letters, site.axes_of(tensor), strict=True):
            if letter in known and known[letter] != axis:
                raise site.refuse(
                    "tensors that are equally long in every child along a letter",
                    f"different ones along {letter!r}",
                    "Give both places one common hyper-value.",
                )
            known[letter] = axis
    over: list[Axes] = [tuple(known[k] if k not in right else None for k in side) for side in sides]

    def run(decisions: Decisions, call: Any, args: Any, kwargs: Any) -> Any:
        masked = [
            ops.where(mask_of(used, decisions, x.dtype) > 0, x, 0) if any_used(used) else x
            for x, used in zip(args, over, strict=True)
        ]
        return call(*masked, **kwargs)

    return Plan([tuple(known[letter] for letter in right)], run=run)


def _least(x: Any) -> Any:
    return -6e4 if keras.backend.standardize_dtype(x.dtype) == "float16" else -1e30


def _places(axis: Any, rank: int) -> set[int]:
    if axis is None:
        return set(range(rank))
    return {place % rank for place in ([axis] if isinstance(axis, int) else axis)}


def _over(site: Site, axis: Any, fill: Any, keeps: bool) -> Plan:
    """An operation over axes, of which what is not in use is filled in."""
    places = _places(axis, len(site.axes))
    used = tuple(a if place in places else None for place, a in enumerate(site.axes))
    if keeps:
        outputs = site.axes
    elif getattr(site.operation, "keepdims", False):
        outputs = tuple(None if place in places else a for place, a in enumerate(site.axes))
    else:
        outputs = tuple(a for place, a in enumerate(site.axes) if place not in places)
    run: Run | None = None
    if any_used(used):

        def filled(decisions: Decisions, call: Any, args: Any, kwargs: Any) -> Any:
            x = args[0]
            return call(fill(x, mask_of(used, decisions, "float32")), *args[1:], **kwargs)

        run = filled
    return Plan([outputs], run=run)

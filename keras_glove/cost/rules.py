"""How many multiply-adds a call of each kind of Keras layer computes.

Counted are the multiply-adds of convolutions and matrix products, as papers
count them ("MAdds" of MobileNets, Howard et al. 2017, arXiv:1704.04861, and of
MobileNetV2, Sandler et al. 2018, arXiv:1801.04381). Biases, activations,
pooling, normalization (batch normalization can be folded into the convolution
before it), element-wise products, look-ups and random augmentation count 0.
Products with the zeros of a padding count, and so do, for transposed
convolutions, those that "same" padding crops.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import keras
from keras import layers

from keras_glove.cost.products import einsum_multiply_adds
from keras_glove.cost.tracing import LayerCall, trace
from keras_glove.errors import CostError

__all__ = ["Rule", "count", "register_rule"]

Rule = Callable[[LayerCall], int]

_RULES: dict[type[keras.Layer], Rule] = {}


def register_rule(layer_class: type[keras.Layer], rule: Rule) -> None:
    """States how many multiply-adds a call of a layer class computes.

    A later rule for the same class replaces the earlier one. The rule holds for
    subclasses too, unless they have their own `call`.

    Args:
        layer_class: a subclass of `keras.Layer`.
        rule: takes a `LayerCall`, gives the multiply-adds as an int, 0 or more.
            `call.layer` is the layer; `call.input_shape` and `call.output_shape`
            are shapes with the batch axis; `call.inside` is what the layers and
            the matrix products within the call come to.

    Raises:
        TypeError: if `layer_class` is no class of layers, or `rule` not callable.

    >>> @keras.saving.register_keras_serializable("doctest")
    ... class Scale(keras.layers.Layer):
    ...     def build(self, input_shape):
    ...         self.scale = self.add_weight(shape=input_shape[-1:])
    ...     def call(self, x):
    ...         return x * self.scale
    >>> register_rule(Scale, lambda call: 0)  # element-wise
    """
    if not (isinstance(layer_class, type) and issubclass(layer_class, keras.Layer)):
        raise TypeError(f"Expected a subclass of keras.Layer, received {layer_class!r}.")
    if not callable(rule):
        raise TypeError(f"Expected a rule that takes a LayerCall, received {rule!r}.")
    _RULES[layer_class] = rule


def _rule_of(layer: keras.Layer) -> Rule | None:
    for base in type(layer).__mro__:
        if base in _RULES:
            # A subclass that computes something else is not what the rule is about.
            return _RULES[base] if type(layer).call is base.call else None
    return None


def count(call: LayerCall) -> int:
    """Multiply-adds of one layer call.

    Raises:
        CostError: if the layer has weights of its own and no rule.
    """
    rule = _rule_of(call.layer)
    if rule is None:
        _require_no_own_weights(call.layer)
        return call.inside
    result = rule(call)
    if isinstance(result, bool) or not isinstance(result, int) or result < 0:
        raise CostError(
            f"Expected the rule of {type(call.layer).__name__} to give an int, 0 or more, "
            f"received {result!r} for layer {call.layer.name!r}."
        )
    return result


def _require_no_own_weights(layer: keras.Layer) -> None:
    below = {id(w) for part in layer._flatten_layers(include_self=False) for w in part.weights}
    own = [weight.path for weight in layer.weights if id(weight) not in below]
    if own:
        name = type(layer).__name__
        raise CostError(
            f"Expected a rule for every layer with weights of its own, found none for layer "
            f"{layer.name!r} of class {name} with {', '.join(own)}. State what a call costs: "
            f"keras_glove.cost.register_rule({name}, lambda call: ...), where `lambda call: 0` "
            "suits element-wise products and `lambda call: call.inside` a layer that uses its "
            "weights by keras.ops.matmul, einsum or conv only."
        )


def _dense(call: LayerCall) -> int:
    return math.prod(call.input_shape) * int(call.layer.units)


def _einsum_dense(call: LayerCall) -> int:
    inputs, output = call.layer.equation.split("->")
    inputs, _ = inputs.split(",")
    # Each axis of the kernel is an axis of the inputs or of the output.
    return einsum_multiply_adds(f"{inputs},{output}", [call.input_shape, call.output_shape])


def _convolution(call: LayerCall) -> int:
    """Kernel (..., inputs per group, filters): one product per tap and output value."""
    return math.prod(call.output_shape) * math.prod(call.layer.kernel.shape[:-1])


def _transposed_convolution(call: LayerCall) -> int:
    """Kernel (..., filters, inputs): one product per tap, filter and input value."""
    return math.prod(call.input_shape) * math.prod(call.layer.kernel.shape[:-1])


def _depthwise_convolution(call: LayerCall) -> int:
    return math.prod(call.output_shape) * math.prod(call.layer.kernel_size)


def _separable_convolution(call: LayerCall) -> int:
    """At every output position, once through the depthwise and the pointwise kernel."""
    layer = call.layer
    positions = math.prod(call.output_shape) // layer.filters
    kernels = (layer.depthwise_kernel, layer.pointwise_kernel)
    return positions * sum(math.prod(kernel.shape) for kernel in kernels)


def _recurrent_weights(cell: keras.Layer) -> int:
    return sum(math.prod(kernel.shape) for kernel in (cell.kernel, cell.recurrent_kernel))


def _recurrent_cell(call: LayerCall) -> int:
    """One step: each input vector goes once through the kernel and the recurrent kernel."""
    return math.prod(call.input_shape[:-1]) * _recurrent_weights(call.layer)


def _recurrent(call: LayerCall) -> int:
    """Input (batch, time, features): one step of the cell per time and example."""
    return math.prod(call.input_shape[:-1]) * _recurrent_weights(call.layer.cell)


def _loop_over_cell(call: LayerCall) -> int:
    """Input (batch, time, ...): the graph holds the cell's step once, in a loop."""
    steps = (inner for inner in call.calls if inner.layer is call.layer.cell)
    return int(call.input_shape[1]) * count(next(steps))


def _convolutional_recurrent(call: LayerCall) -> int:
    """At each time and output position, once through the kernel and the recurrent kernel."""
    layer = call.layer
    output = call.output_shape[0] if layer.return_state else call.output_shape
    places = math.prod(output) // layer.cell.filters  # with the times, if all are returned
    times = 1 if layer.return_sequences else int(call.input_shape[1])
    return times * places * _recurrent_weights(layer.cell)


def _time_distributed(call: LayerCall) -> int:
    """Input (batch, time, ...): the layer runs once per time, called past `__call__`."""
    batch, time, *rest = call.input_shape
    step = keras.KerasTensor((batch, *rest), dtype=call.layer.layer.compute_dtype)
    return int(time) * count(trace(call.layer.layer, (step,), {}))


def _additive_attention(call: LayerCall) -> int:
    """Scores: scale vector times tanh(query + key), for each pair; then the weighted values."""
    query, value = call.input_shape[:2]
    pairs = math.prod(query[:-1]) * value[-2]
    return int(pairs * query[-1]) + call.inside


def _reversible_embedding(call: LayerCall) -> int:
    layer = call.layer
    reverse = call.keywords.get("reverse", False)
    return math.prod(call.input_shape) * int(layer.input_dim) if reverse else 0


def _nothing(call: LayerCall) -> int:
    return 0


def _inside(call: LayerCall) -> int:
    return call.inside


_TABLE: Iterable[tuple[Rule, tuple[str, ...]]] = (
    (_dense, ("Dense",)),
    (_einsum_dense, ("EinsumDense",)),
    (_convolution, ("Conv1D", "Conv2D", "Conv3D")),
    (_transposed_convolution, ("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose")),
    (_depthwise_convolution, ("DepthwiseConv1D", "DepthwiseConv2D")),
    (_separable_convolution, ("SeparableConv1D", "SeparableConv2D")),
    (_recurrent_cell, ("SimpleRNNCell", "GRUCell", "LSTMCell")),
    (_recurrent, ("SimpleRNN", "GRU", "LSTM")),
    (_loop_over_cell, ("RNN",)),
    (_convolutional_recurrent, ("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")),
    (_time_distributed, ("TimeDistributed",)),
    (_additive_attention, ("AdditiveAttention",)),
    (_reversible_embedding, ("ReversibleEmbedding",)),
    (_inside, ("Attention", "STFTSpectrogram", "SpectralNormalization")),
    (
        _nothing,
        (
            "BatchNormalization",
            "Embedding",
            "GroupNormalization",
            "LayerNormalization",
            "Normalization",
            "PReLU",
            "RMSNormalization",
        ),
    ),
)

for _rule, _names in _TABLE:
    for _name in _names:
        # Keras added some of them lately.
        _layer_class: Any = getattr(layers, _name, None)
        if _layer_class is not None:
            register_rule(_layer_class, _rule)

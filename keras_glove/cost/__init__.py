"""What a Keras model costs: its parameters and its multiply-adds, counted exactly.

Shapes are followed through the model, layer call by layer call, and each kind of layer has its
rule; no profiler is used. `measure` times operations on a device, for costs in milliseconds.
"""

from keras_glove.cost.counting import multiply_adds, parameters
from keras_glove.cost.measuring import Latencies, LatencyTable, measure
from keras_glove.cost.rules import Rule, register_rule
from keras_glove.cost.tracing import LayerCall

__all__ = [
    "Latencies",
    "LatencyTable",
    "LayerCall",
    "Rule",
    "measure",
    "multiply_adds",
    "parameters",
    "register_rule",
]

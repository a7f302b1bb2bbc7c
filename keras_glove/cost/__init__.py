"""What a Keras model costs: its parameters and its multiply-adds, counted exactly.

Nothing is measured and no profiler is used: shapes are followed through the
model, layer call by layer call, and each kind of layer has its rule.
"""

from keras_glove.cost.counting import multiply_adds, parameters
from keras_glove.cost.rules import Rule, register_rule
from keras_glove.cost.tracing import LayerCall

__all__ = ["LayerCall", "Rule", "multiply_adds", "parameters", "register_rule"]

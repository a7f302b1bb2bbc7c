"""Where a model trains: one device, several GPUs, several hosts or a TPU.

Example:
    >>> from keras_glove import tpu
    >>> placement = tpu.strategy("one")
    >>> print(placement)
    one: 1 replica on ...; asked for by name
"""

from keras_glove.tpu.checking import Finding, Report, check
from keras_glove.tpu.connection import connect
from keras_glove.tpu.placement import Placement
from keras_glove.tpu.strategies import strategy

__all__ = ["Finding", "Placement", "Report", "check", "connect", "strategy"]

"""Live Keras objects beside the programs that describe them.

What programs are stays in `keras_glove.symbolic`, which knows no Keras; here stands how Keras's
classes become symbolic, how its objects are described, and how a child leaves for plain Keras.
"""

from __future__ import annotations

import keras

from keras_glove.live import architectures, bases, describing, tensors
from keras_glove.live.following import clone, rebind
from keras_glove.live.mirror import Mirror, mirror, name_functions
from keras_glove.live.portable import to_keras

__all__ = ["Mirror", "clone", "mirror", "rebind", "to_keras"]

name_functions(keras.activations)
bases.install()
describing.install()
architectures.install()
tensors.install()

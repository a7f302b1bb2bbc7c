"""What stands among the bases of a user's class that derives from a symbolic class of Keras.

Such a class is symbolic itself, without a decorator. Layers and models among them are saved with
their program where they define no `get_config` of their own, so that arguments which are layers,
and arguments at all, survive (Keras's automatic config refuses the former, and for models both).
"""

from __future__ import annotations

from typing import Any

import keras

from keras_glove.errors import SerializationError
from keras_glove.symbolic import Program, build, describe, from_json, to_json
from keras_glove.symbolic.symbolize import symbolize_class

__all__ = ["Layer", "Model", "Recorded", "base_of"]

_PROGRAM = "program"


class Recorded:
    """Makes its subclasses symbolic, and known to Keras under their full name."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        symbolize_class(cls)
        if hasattr(cls, "get_config"):
            keras.saving.register_keras_serializable(cls.__module__, cls.__qualname__)(cls)


class _SavedAsProgram(Recorded):
    """The config of a layer or model is its program, unless its class has a `get_config`."""

    def get_config(self: Any) -> dict[str, Any]:
        """The config from which `from_config` makes an equal layer or model, without weights."""
        if not getattr(self.get_config, "_is_default", False):
            # Called by an overriding method, which wants what all layers have.
            base: dict[str, Any] = super().get_config()  # type: ignore[misc]
            return base
        program = describe(self)
        if not isinstance(program, Program):
            raise SerializationError(
                f"Expected {type(self).__name__} {self.name!r} to be made by a call that could be "
                "recorded, received one that was not. Define `get_config` for it."
            )
        return {
            "name": self.name,
            "trainable": self.trainable,
            "dtype_policy": keras.dtype_policies.serialize(keras.config.dtype_policy()),
            _PROGRAM: to_json(program),
        }

    # Asked by Keras: whether the user has written one.
    get_config._is_default = True  # type: ignore[attr-defined]

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """A layer or model from its config; only registered classes are built.

        Raises:
          SerializationError: the config holds no program of this class.
        """
        if _PROGRAM not in config:
            arguments = {} if custom_objects is None else {"custom_objects": custom_objects}
            return super().from_config(config, **arguments)  # type: ignore[misc]
        program = from_json(config[_PROGRAM])
        target = program.__target__ if isinstance(program, Program) else program
        if not (isinstance(target, type) and issubclass(target, cls)):
            raise SerializationError(
                f"Expected the program of a {cls.__name__}, received that of {target!r}."
            )
        # Layers inside take the policy that held when the original was made.
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(keras.dtype_policies.get(config["dtype_policy"]))
        try:
            live = cls._live(program)
        finally:
            keras.config.set_dtype_policy(before)
        live.name = config["name"]
        live.trainable = config["trainable"]
        return live

    @classmethod
    def _live(cls, program: Program) -> Any:
        return build(program)


class Layer(_SavedAsProgram, keras.layers.Layer):
    """Base of the user's own layers; written `keras_glove.layers.Layer`.

    All that holds for `keras.layers.Layer` holds. Besides, the class is symbolic: called with an
    open value it gives a program, and a layer is saved with its program, so it needs no
    `get_config`, whatever its arguments are.

    >>> import keras
    >>> from keras_glove import layers
    >>> from keras_glove.hyper import oneof
    >>> class Block(layers.Layer):
    ...     def __init__(self, inner, scale=1.0):
    ...         super().__init__()
    ...         self.inner, self.scale = inner, scale
    ...     def call(self, x):
    ...         return self.scale * self.inner(x)
    >>> Block(layers.Dense(oneof([4, 8])))
    Block(inner=Dense(units=oneof([4, 8])))
    >>> block = Block(layers.Dense(4), scale=2.0)
    >>> Block.from_config(block.get_config()).inner.units
    4
    """


class Model(_SavedAsProgram, keras.Model):
    """Base of the user's own models; written `keras_glove.Model`, which see."""


def base_of(cls: type) -> tuple[type, ...]:
    """What a subclass of the symbolic form of a class of Keras derives from."""
    special: dict[type, type] = {keras.layers.Layer: Layer, keras.Model: Model}
    return (special[cls],) if cls in special else (Recorded, cls)

"""What stands among the bases of a user's class that derives from a symbolic class of Keras.

Such a class is symbolic itself, without a decorator. Layers and models among them are saved with
their program where they define no `get_config` of their own, so that arguments which are layers,
and arguments at all, survive (Keras's automatic config refuses the former, and for models both).
"""

from __future__ import annotations

from typing import Any

import keras

from keras_glove.errors import SerializationError
from keras_glove.live.inputs import build_by_call, tensors_of_shapes
from keras_glove.symbolic import Program, build, describe, from_json, to_json
from keras_glove.symbolic.recording import forget, recall
from keras_glove.symbolic.symbolize import symbolize_class

__all__ = ["Recorded", "SavedAsProgram", "base_of"]

_PROGRAM = "program"


class Recorded:
    """Makes its subclasses symbolic, and known to Keras under their full name."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        symbolize_class(cls)
        if hasattr(cls, "get_config"):
            keras.saving.register_keras_serializable(cls.__module__, cls.__qualname__)(cls)


class SavedAsProgram(Recorded):
    """The config of a layer or model is its program, unless its class has a `get_config`.

    A base without a base of Keras's: where a model of the user's calls `super().__init__` with
    inputs and outputs, Keras replaces `keras.Model` among the bases of its class and of their
    bases.
    """

    def get_config(self: Any) -> dict[str, Any]:
        """The config from which `from_config` makes an equal layer or model, without weights."""
        if not getattr(self.get_config, "_is_default", False):
            # Called by an overriding method, which wants what all layers have.
            return _config_of_keras(SavedAsProgram, self)
        return _program_config(self)

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
            live = super().from_config(config, **arguments)  # type: ignore[misc]
            forget(live)  # its config tells the arguments better than the call just made with it
            return live
        program = from_json(config[_PROGRAM])
        target = program.__target__ if isinstance(program, Program) else program
        if not (isinstance(target, type) and issubclass(target, cls)):
            raise SerializationError(
                f"Expected the program of a {cls.__name__}, received that of {target!r}."
            )
        return _from_program_config(cls, program, config)

    @classmethod
    def _made_of(cls, program: Any) -> Any:
        """The live object of a program; models with open values have their own way."""
        return build(program)

    def build_from_config(self: Any, config: dict[str, Any] | None) -> None:
        """Builds a layer, and the layers in it, for the shapes that it was built for.

        Where a layer has no `build` of its own, Keras would only mark it as built.
        """
        shape = (config or {}).get("input_shape")
        builds = isinstance(self, keras.Model) or not getattr(self.build, "_is_default", False)
        if builds or shape is None:
            super().build_from_config(config)  # type: ignore[misc]
        elif not self.built:
            build_by_call(self, tensors_of_shapes(shape, self.input_dtype, batched=True))


class _SavedByConfig(SavedAsProgram):
    """For subclasses of what has a config: that holds, unless arguments are missing in it."""

    def get_config(self: Any) -> dict[str, Any]:
        """The config of the class of Keras; with the program where the user added arguments."""
        config = _config_of_keras(_SavedByConfig, self)
        if type(self).get_config is not _SavedByConfig.get_config:
            return config
        program = recall(self)
        if program is None or program.__arguments__.keys() <= config.keys():
            return config
        return _program_config(self)


def _config_of_keras(owner: type, live: Any) -> dict[str, Any]:
    """The config by what stands after `owner` in the order of methods."""
    config: dict[str, Any] = super(owner, live).get_config()  # type: ignore[arg-type]
    return config


def _program_config(live: Any) -> dict[str, Any]:
    program = describe(live)
    if not isinstance(program, Program):
        raise SerializationError(
            f"Expected {type(live).__name__} {live.name!r} to be made by a call that could be "
            "recorded, received one that was not. Define `get_config` for it."
        )
    # Layers inside have the policy that held when the layer was made: its own, unless it was
    # told another one.
    told = "dtype" in program.__arguments__
    policy = keras.config.dtype_policy() if told else live.dtype_policy
    return {
        "name": live.name,
        "trainable": live.trainable,
        "dtype_policy": keras.dtype_policies.serialize(policy),
        _PROGRAM: to_json(program),
    }


def _from_program_config(cls: Any, program: Program, config: dict[str, Any]) -> Any:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(keras.dtype_policies.get(config["dtype_policy"]))
    try:
        live = cls._made_of(program)
    finally:
        keras.config.set_dtype_policy(before)
    live.name = config["name"]
    if not config["trainable"]:  # True would thaw layers inside that are frozen
        live.trainable = False
    return live


def base_of(cls: type) -> tuple[type, ...]:
    """What a subclass of the symbolic form of a class of Keras derives from.

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
    if cls in (keras.layers.Layer, keras.Model, keras.Sequential):
        return (SavedAsProgram, cls)
    return (_SavedByConfig if issubclass(cls, keras.layers.Layer) else Recorded, cls)

"""How symbolic classes of Keras are derived from, and how layers and models are saved.

What derives from a symbolic class of Keras is symbolic itself, without a decorator. A layer or
model whose class has no `get_config` is saved with its program, so that arguments which are
layers, and arguments at all, survive: Keras's automatic config refuses the former, and for
models both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import keras

from keras_glove.errors import SerializationError
from keras_glove.live.inputs import build_by_call, tensors_of_shapes
from keras_glove.symbolic import Program, build, describe, from_json, to_json
from keras_glove.symbolic.recording import forget, recall
from keras_glove.symbolic.symbolize import add_class_kind, symbolize_class

__all__ = ["base_of", "install", "saved_as_program"]

_PROGRAM = "program"
_GENERIC = {"Operation", "Layer", "Model", "Sequential", "Functional"}
"""Classes of Keras that know nothing of the arguments of their subclasses."""

T = TypeVar("T", bound=type)


def install() -> None:
    """Tells `kg.symbolize` about the classes of Keras."""
    for kind in (keras.Operation, keras.Optimizer, keras.Loss, keras.Metric):
        add_class_kind(kind, name_for_keras, own=_own, bases=base_of)


def name_for_keras(cls: type) -> None:
    """Lets Keras load instances of a class of somebody's, unless that has seen to it itself."""
    known = keras.saving.get_registered_object(keras.saving.get_registered_name(cls)) is cls
    if not known and not cls.__module__.startswith("keras."):
        keras.saving.register_keras_serializable(cls.__module__, cls.__qualname__)(cls)


def _own(cls: type) -> None:
    if issubclass(cls, keras.layers.Layer):
        saved_as_program(cls)


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
    return (_Saved if issubclass(cls, keras.layers.Layer) else _Recorded, cls)


class _Recorded:
    """Makes its subclasses symbolic, and known to Keras under their full name."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        symbolize_class(cls)
        if hasattr(cls, "get_config"):
            keras.saving.register_keras_serializable(cls.__module__, cls.__qualname__)(cls)


# -- configs -------------------------------------------------------------------------------


def saved_as_program(cls: T) -> T:
    """Class decorator: layers and models are saved with their program, where that is needed.

    That is where the class has no `get_config`, and those of Keras that it derives from do not
    know of all its arguments. Methods that the user has written stay.
    """
    for make in (_get_config, _from_config, _build_from_config):
        method = make(cls)
        if _is_of_keras(getattr(cls, method.__name__, None)):
            setattr(cls, method.__name__, method)
    return cls


def _is_of_keras(method: Any) -> bool:
    return method is None or getattr(method, "__module__", "").startswith("keras.")


def _get_config(owner: type) -> Callable[..., Any]:
    def get_config(self: Any) -> dict[str, Any]:
        """The config from which `from_config` makes an equal layer or model, without weights."""
        if not hasattr(type(self).get_config, "_saves_program"):
            # Called by an overriding method, which wants what all layers have.
            return _config_of_keras(owner, self)
        if _knows_arguments(owner, type(self)):
            config, program = _config_of_keras(owner, self), recall(self)
            if program is None or program.__arguments__.keys() <= config.keys():
                return config
        return _program_config(self)

    get_config._saves_program = True  # type: ignore[attr-defined]
    return get_config


def _from_config(owner: type) -> Any:
    def from_config(cls: Any, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """A layer or model from its config; only registered classes are built.

        Raises:
          SerializationError: the config holds no program of this class.
        """
        if _PROGRAM not in config:
            arguments = {} if custom_objects is None else {"custom_objects": custom_objects}
            live = super(owner, cls).from_config(config, **arguments)  # type: ignore[arg-type]
            forget(live)  # its config tells the arguments better than the call just made with it
            return live
        program = from_json(config[_PROGRAM])
        target = program.__target__ if isinstance(program, Program) else program
        if not (isinstance(target, type) and issubclass(target, cls)):
            raise SerializationError(
                f"Expected the program of a {cls.__name__}, received that of {target!r}."
            )
        return _from_program_config(cls, program, config)

    return classmethod(from_config)


def _build_from_config(owner: type) -> Callable[..., Any]:
    def build_from_config(self: Any, config: dict[str, Any] | None) -> None:
        """Builds a layer, and the layers in it, for the shapes that it was built for.

        Where a layer has no `build` of its own, Keras would only mark it as built.
        """
        shape = (config or {}).get("input_shape")
        builds = isinstance(self, keras.Model) or not getattr(self.build, "_is_default", False)
        if builds or shape is None:
            super(owner, self).build_from_config(config)  # type: ignore[arg-type]
        elif not self.built:
            build_by_call(self, tensors_of_shapes(shape, self.input_dtype, batched=True))

    return build_from_config


def _config_of_keras(owner: type, live: Any) -> dict[str, Any]:
    """The config by what stands after `owner` in the order of methods."""
    config: dict[str, Any] = super(owner, live).get_config()  # type: ignore[arg-type]
    return config


def _knows_arguments(owner: type, cls: type) -> bool:
    """Whether a class of Keras that `cls` derives from writes its arguments to its config."""
    after = cls.__mro__[cls.__mro__.index(owner) + 1 :]
    base = next(base for base in after if "get_config" in vars(base))
    return not (base.__module__.startswith("keras.") and base.__name__ in _GENERIC)


def _program_config(live: Any) -> dict[str, Any]:
    # Without a record, to describe it would ask for its config again.
    program = None if recall(live) is None else describe(live)
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
    make = getattr(cls, "_made_of", build)  # models with open values have their own way
    try:
        live = make(program)
    finally:
        keras.config.set_dtype_policy(before)
    live.name = config["name"]
    if not config["trainable"]:  # True would thaw layers inside that are frozen
        live.trainable = False
    return live


@saved_as_program
class _Saved(_Recorded):
    """Makes its subclasses symbolic, and saved with their program where that is needed.

    A base without a base of Keras's: where a model of the user's calls `super().__init__` with
    inputs and outputs, Keras replaces `keras.Model` among the bases of its class and of their
    bases.
    """

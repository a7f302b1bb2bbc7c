"""How models with open values become supernets: subclassed, sequential and functional."""

from __future__ import annotations

import abc
import inspect
from collections.abc import Callable
from typing import Any

import keras

from keras_glove.errors import NotShareableError
from keras_glove.live.architectures import FUNCTIONAL
from keras_glove.live.bases import base_of
from keras_glove.symbolic import Program, build, from_json, is_open, program as program_of, to_json
from keras_glove.symbolic.making import any_node, make
from keras_glove.symbolic.recording import remember
from keras_glove.training.fit_loop import FitLoop
from keras_glove.weight_sharing.lowering import Lowering, lowering
from keras_glove.weight_sharing.supernet import Sharing, Supernet

__all__ = ["FunctionalSupernet", "Model", "SequentialSupernet", "supernet"]

_PROGRAM = "program"


class _ModelType(abc.ABCMeta):
    """A call with open values makes a supernet of the class."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if lowering() is None and any_node(args, kwargs) and is_open((args, kwargs)):
            return lower(make(cls, args, kwargs))
        return super().__call__(*args, **kwargs)

    @property
    def __signature__(cls) -> inspect.Signature:  # of the class, not of the method above
        whole = inspect.signature(cls.__init__)  # type: ignore[misc]
        return whole.replace(parameters=list(whole.parameters.values())[1:])


_BASE: Any = base_of(keras.Model)[0]


class Model(Supernet, FitLoop, _BASE, metaclass=_ModelType):
    """Stands before `keras.Model` among the bases of the user's models."""

    @classmethod
    def _made_of(cls, program: Any) -> Any:
        return lower(program) if is_open(program) else build(program)


class SequentialBase(Model):
    """Stands before `keras.Sequential` among the bases of the user's models."""


class _SavedByProgram(Supernet, FitLoop):
    """Supernets of Keras's own kinds of models; their config is their program."""

    def get_config(self: Any) -> dict[str, Any]:
        """The config from which `from_config` makes an equal supernet, without weights."""
        policy = keras.dtype_policies.serialize(keras.config.dtype_policy())
        return {"name": self.name, _PROGRAM: to_json(self._sharing.program), "dtype_policy": policy}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """A supernet from its config; only registered classes are built."""
        return of_config(config)


def of_config(config: dict[str, Any]) -> Any:
    """The supernet, without weights, of a config with its program, name and dtype policy."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(keras.dtype_policies.get(config["dtype_policy"]))
    try:
        model = lower(from_json(config[_PROGRAM]))
    finally:
        keras.config.set_dtype_policy(before)
    model.name = config["name"]
    return model


@keras.saving.register_keras_serializable("keras_glove")
class SequentialSupernet(_SavedByProgram, keras.Sequential):
    """A `keras.Sequential` with open values."""


@keras.saving.register_keras_serializable("keras_glove")
class FunctionalSupernet(_SavedByProgram, FUNCTIONAL):
    """A functional model with open values."""


def supernet(target: Any, /, *args: Any, **kwargs: Any) -> Any:
    """The supernet of a program whose value is a Keras model.

    Models that are written as classes, or as `kg.Sequential`, are supernets as soon as they are
    called with open values. This is for all others: functions that build a model, and functional
    models with open calls in their graph.

    Args:
      target: a function or class and its arguments, as for `kg.program`; or a program, or a
        functional model with open values.

    Raises:
      NotShareableError: nothing is open, or weights cannot be shared over an open value.

    >>> import keras
    >>> from keras_glove import layers, oneof
    >>> def build_model(width):
    ...     x = keras.Input((4,))
    ...     return keras.Model(x, layers.Dense(1)(layers.Dense(width)(x)))
    >>> model = supernet(build_model, width=oneof([4, 8]))
    >>> model.output_shape
    (None, 1)
    """
    if not args and not kwargs and isinstance(target, Program):
        return lower(target)
    return lower(program_of(target, *args, **kwargs))


def lower(program: Any) -> Any:
    """The supernet of an open program."""
    if not isinstance(program, Program) or not is_open(program):
        raise NotShareableError(
            f"Expected a program with open values, received {program!r}, in which nothing is open."
        )
    model = Lowering(program).build(_root(program.__target__))
    if not isinstance(model, Supernet):
        model = _adopted(model)
    model._sharing = Sharing(model, program)
    remember(model, program)
    return model


def _root(target: Callable[..., Any]) -> Callable[..., Any]:
    return SequentialSupernet if target is keras.Sequential else target


def _adopted(model: Any) -> Any:
    if isinstance(model, keras.Sequential):
        return SequentialSupernet(model.layers, name=model.name)
    if isinstance(model, keras.Model) and hasattr(model, "_run_through_graph"):
        return FunctionalSupernet(model._inputs_struct, model._outputs_struct, name=model.name)
    raise NotShareableError(
        f"Expected a program that gives a model of Keras, received one that gives {model!r}. "
        "Derive its class from `keras_glove.Model`, or return a functional model."
    )

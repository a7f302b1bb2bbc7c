"""How live objects of Keras are described: by the call that made them, else by their config.

A layer, optimizer, loss or the like that stands in a space counts as a description: every child
gets an object of its own. A layer that has weights already, such as a pretrained backbone, is
described with them, so that every child starts from them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import keras

from keras_glove.errors import BuildError, DescriptionError
from keras_glove.live.inputs import BuiltFor, is_built
from keras_glove.live.names import is_automatic
from keras_glove.live.weights import places, put_weights
from keras_glove.symbolic import Program, add_describer, build, is_open, register, signature_of
from keras_glove.symbolic.recording import normalize
from keras_glove.symbolic.registry import is_registered

__all__ = [
    "describe_by_config",
    "describe_layer",
    "fresh_config",
    "install",
    "revive",
    "with_state",
    "with_weights",
]

_KINDS: tuple[type, ...] = (
    keras.Operation,
    keras.Optimizer,
    keras.Loss,
    keras.Metric,
    keras.Initializer,
    keras.Regularizer,
    keras.constraints.Constraint,
    keras.optimizers.schedules.LearningRateSchedule,
)


def install() -> None:
    """Tells the symbolic core how objects of Keras are described."""
    for kind in _KINDS:
        snapshot = with_state if kind is keras.Operation else None
        add_describer(kind, describe_layer, snapshot=snapshot)


def revive(config: Mapping[str, Any]) -> Any:
    """A new object of Keras from what `keras.saving.serialize_keras_object` gave.

    Only classes of Keras and registered ones are built; lambdas are refused.
    """
    return keras.saving.deserialize_keras_object(_plain(config), safe_mode=True)


def with_weights(
    layer: Any,
    weights: Mapping[str, Any],
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] = MappingProxyType({}),
    build_config: Mapping[str, Any] | None = None,
    strict: bool = True,
) -> Any:
    """A layer or model that is built and holds the given weights.

    Args:
      layer: a new one.
      weights: NumPy arrays by their places in it; see `keras_glove.models.carry_weights`.
      args: symbolic tensors (`keras.Input`) that it is called on to be built.
      kwargs: likewise, by keyword.
      build_config: what its `get_build_config` gives, where those are not known.
      strict: refuse weights that do not fit. Otherwise what they are for starts anew.

    Raises:
      BuildError: weights that do not fit.
    """
    config = None if build_config is None else _plain(build_config)
    BuiltFor(tuple(args), kwargs, config).build(layer)
    report = put_weights(weights, layer)
    if strict and not report.complete:
        raise BuildError(
            f"Expected weights that fit {layer.name!r}, received others: {report}. Keep those that "
            'fit by `kg.rebind(program, "...strict", False)`, or put the layer itself there.'
        )
    return layer


register(revive, "keras_glove.revive")
register(with_weights, "keras_glove.with_weights")


def describe_layer(live: Any, known: Program | None) -> Program:
    """The program of a layer, optimizer or the like, as frozen or trainable as it is now.

    Raises:
      DescriptionError: its making was not recorded, and it cannot be made from its config.
    """
    if known is None:
        return describe_by_config(live)
    trainable = getattr(live, "_trainable", None)
    if trainable is None or "trainable" not in signature_of(known.__target__).names:
        return known
    if known.__arguments__.get("trainable", True) == trainable:
        return known
    return Program(
        known.__target__,
        signature_of(known.__target__).ordered({**known.__arguments__, "trainable": trainable}),
        known.__origin__,
    )


def describe_by_config(live: Any) -> Program:
    """The program of an object of Keras whose making was not recorded.

    Raises:
      DescriptionError: it has no config from which a fresh one could be made.
    """
    if isinstance(live, keras.layers.Lambda):  # its config would hold code
        return Program(type(live), {"function": live.function, **_lambda_options(live)})
    try:
        config = live.get_config()
        arguments = _arguments(live, config)
        if arguments is not None:
            return Program(type(live), arguments)
        return Program(revive, {"config": fresh_config(live)})
    except (NotImplementedError, TypeError, ValueError) as error:
        raise DescriptionError(
            f"Expected an object that Keras can make again from its config, received the "
            f"{type(live).__name__} {getattr(live, 'name', '')!r}, which has none ({error}). Make "
            "it by a class of keras_glove.layers, decorate its class with `@kg.symbolize`, or "
            "define `get_config` for it."
        ) from error


def _lambda_options(live: Any) -> dict[str, Any]:
    options = {"output_shape": live._output_shape, "mask": live.mask, "arguments": live.arguments}
    return {name: value for name, value in options.items() if value}


def _arguments(live: Any, config: dict[str, Any]) -> dict[str, Any] | None:
    """The config as arguments of the class, without defaults; None where they do not make it.

    A class may write to its config what its `__init__` does not take, so it is tried.
    """
    cls = type(live)
    if not is_registered(cls):
        return None
    signature = signature_of(cls)
    twin = _twin_config(cls, config)
    given = {
        name: value
        for name, value in config.items()
        if name in signature.required or twin.get(name, cls) != value
    }
    if is_automatic(cls, given.get("name")):
        del given["name"]
    if any(name not in signature.names for name in given):
        return None
    arguments = signature.ordered({name: _argument(value) for name, value in given.items()})
    try:
        again = build(Program(cls, arguments)).get_config()
    except (TypeError, ValueError):
        return None
    return arguments if _nameless(again) == _nameless(config) else None


def _nameless(config: Any) -> Any:
    if isinstance(config, Mapping):
        return {key: _nameless(value) for key, value in config.items() if key != "name"}
    if isinstance(config, list | tuple):
        return [_nameless(value) for value in config]
    return config


def _twin_config(cls: type, config: dict[str, Any]) -> dict[str, Any]:
    """The config of an instance that was given what is required and nothing else."""
    required = {
        name: build(_argument(config[name]))
        for name in signature_of(cls).required
        if name in config
    }
    try:
        twin: dict[str, Any] = cls(**required).get_config()
    except (TypeError, ValueError):  # arguments that are required together: all are given then
        return {}
    return twin


def fresh_config(live: Any) -> Any:
    """What Keras serializes, without what belongs to this object alone."""
    serialized = _without(
        keras.saving.serialize_keras_object(live), ("build_config", "compile_config")
    )
    if is_automatic(type(live), serialized["config"].get("name")):
        del serialized["config"]["name"]
    return serialized


def _without(value: Any, names: tuple[str, ...]) -> Any:
    if isinstance(value, Mapping):
        kept = {key: _without(part, names) for key, part in value.items()}
        return {k: v for k, v in kept.items() if k not in names} if "class_name" in kept else kept
    if isinstance(value, list | tuple):
        return type(value)(_without(part, names) for part in value)
    return value


def _argument(value: Any) -> Any:
    """An argument from its place in a config."""
    if isinstance(value, list):
        return [_argument(part) for part in value]
    if isinstance(value, tuple):
        return tuple(_argument(part) for part in value)
    if not isinstance(value, dict):
        return normalize(value)
    if "class_name" not in value:
        return {key: _argument(part) for key, part in value.items()}
    made = keras.saving.deserialize_keras_object(_plain(value), safe_mode=True)
    return made.name if isinstance(made, keras.DTypePolicy) else normalize(made)


def _plain(config: Any) -> Any:
    """The same in plain dicts, since programs may hold mappings of their own."""
    if isinstance(config, Mapping):
        return {key: _plain(value) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return type(config)(_plain(value) for value in config)
    return config


def with_state(live: Any, program: Program) -> Program:
    """A layer that was built before the space was written keeps its weights."""
    if is_open(program):
        return program  # a supernet, which stands for its space
    if not isinstance(live, keras.Layer) or not live.built or not live.weights:
        return program
    if not live._called and not live._build_shapes_dict:
        return program  # made with its weights: a new one gets its own
    built_for = BuiltFor.of(live)
    if not is_built(live) or not built_for.suffices:
        raise DescriptionError(
            f"Expected a layer or model of which Keras knows what it is called on, received the "
            f"{type(live).__name__} {live.name!r}, which has weights and takes several arguments. "
            "Call it on symbolic tensors (`keras.Input`) once, then children can be built alike."
        )
    arguments: dict[str, Any] = {
        "layer": program,
        "weights": {place: weight.numpy() for place, weight in places(live)},
    }
    if built_for.args:
        arguments["args"] = keras.tree.map_structure(_input, built_for.args)
    if built_for.kwargs:
        arguments["kwargs"] = keras.tree.map_structure(_input, dict(built_for.kwargs))
    if built_for.config:
        arguments["build_config"] = normalize(built_for.config)
    return Program(with_weights, arguments)


def _input(tensor: Any) -> Any:
    if not isinstance(tensor, keras.KerasTensor):
        return tensor
    arguments: dict[str, Any] = {"shape": tuple(tensor.shape[1:])}
    if tensor.shape[0] is not None:
        arguments["batch_size"] = tensor.shape[0]
    if tensor.dtype != keras.config.floatx():
        arguments["dtype"] = tensor.dtype
    return Program(keras.Input, arguments)

"""Makes a child ready to be trained: compiled, with an optimizer and metrics of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras

from keras_glove.errors import TrainingError
from keras_glove.training.arguments import (
    COMPILE_ARGUMENTS,
    FIT_ARGUMENTS,
    check_names,
    described,
)

#: Arguments of `compile` by name, or a function that compiles the model which it is given.
Compile = Mapping[str, Any] | Callable[..., object] | None


def take_apart(child: Any) -> tuple[keras.Model, dict[str, Any], dict[str, Any]]:
    """The model of a child, and what else it has for `compile` and for `fit`.

    Args:
        child: a Keras model, or a mapping with the key "model" and arguments of `compile`
            or `fit`.

    Raises:
        TrainingError: if it is neither.

    >>> model = keras.Sequential([keras.layers.Dense(1)])
    >>> take_apart({"model": model, "optimizer": "adam", "batch_size": 8})[1:]
    ({'optimizer': 'adam'}, {'batch_size': 8})
    """
    rest = dict(child) if isinstance(child, Mapping) else {"model": child}
    model = rest.pop("model", None)
    if not isinstance(model, keras.Model):
        raise TrainingError(
            "expected a child to be a Keras model, or a mapping with one under the key 'model', "
            f"received {described(child)}."
        )
    fit = {name: rest.pop(name) for name in list(rest) if name in FIT_ARGUMENTS}
    return model, rest, fit


def compile_model(model: keras.Model, settings: Compile, own: Mapping[str, Any]) -> None:
    """Compiles a model.

    Args:
        model: the child.
        settings: those that all children have in common; instances of optimizers, losses
            and metrics in them are descriptions, from whose configs new ones are made.
            With None the model has to come compiled.
        own: those of this child, which take precedence. A function gets them as keyword
            arguments.

    Raises:
        TrainingError: if the model is not compiled afterwards, the optimizer belongs to
            another model, an instance cannot be made anew from its config, or `compile` has
            no such argument.
    """
    if not callable(settings):
        check_names(own, COMPILE_ARGUMENTS, "arguments of `compile` or `fit` beside the model")
    if settings is None and model.compiled and own:
        raise TrainingError(
            f"the program holds {sorted(own)} beside a model that is compiled already, so one of "
            "the two would be lost; leave compiling to the objective, by `compile={...}`."
        )
    used = [name for name, value in own.items() if getattr(value, "built", False) is True]
    if used:
        raise TrainingError(
            f"at `{used[0]}`: {described(own[used[0]])} has trained another model, whose state it "
            "holds; write it as a program, for example with keras_glove.optimizers, so that each "
            "child gets its own."
        )
    # Under the strategy that the model was built in, which the optimizer has to share.
    with model.distribute_strategy.scope():
        if callable(settings):
            settings(model, **own)
        elif settings is not None or own:
            model.compile(**{**fresh(dict(settings or {}), "compile"), **own})
    if not model.compiled:
        raise TrainingError(
            "expected a compiled child; compile it where it is built, or give the objective "
            "`compile={'optimizer': ..., 'loss': ..., 'metrics': [...]}`."
        )


def fresh(value: Any, path: str) -> Any:
    """A copy of compile arguments in which no stateful object is shared with the original.

    Raises:
        TrainingError: with the path of an object whose config does not make it again.

    >>> adam = keras.optimizers.Adam(0.25)
    >>> copy = fresh({"optimizer": adam, "loss": "mse"}, "compile")
    >>> copy["optimizer"] is adam, float(copy["optimizer"].learning_rate)
    (False, 0.25)
    """
    if isinstance(value, Mapping):
        return {key: fresh(item, f"{path}[{key!r}]") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [fresh(item, f"{path}[{index}]") for index, item in enumerate(value)]
    if not isinstance(value, keras.Optimizer | keras.Loss | keras.Metric):
        return value
    try:
        return type(value).from_config(value.get_config())
    except Exception as error:
        raise TrainingError(
            f"at `{path}`: {described(value)} cannot be made again from its config ({error}); "
            "register its parts with keras.saving.register_keras_serializable, or pass as "
            "`compile` a function that takes the model and compiles it."
        ) from error

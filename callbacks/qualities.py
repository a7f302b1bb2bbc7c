"""What a search rewards: a metric, resolved as `compile` would, with its direction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops
from keras.src.trainers import compile_utils

from keras_glove.callbacks.monitor import Mode, Monitor
from keras_glove.errors import TrainingError

__all__ = ["LOSS", "NamedQuality", "named_quality"]

LOSS = "loss"
"""Stands for the loss that the model is compiled with, without regularization."""


@dataclass(frozen=True)
class NamedQuality:
    """A scalar of (targets, predictions, sample weights or None), of which more is better.

    Attributes:
        name: what it is, for people.
        compute: gives it, in the graph.
        falls: whether it is the negative of something of which less is better, so below 0.
    """

    name: str
    compute: Callable[[Any, Any, Any], Any]
    falls: bool

    def __call__(self, y: Any, predicted: Any, weights: Any = None) -> Any:
        return ops.cast(self.compute(y, predicted, weights), "float32")


def named_quality(reward: Any, mode: Mode, model: Any, y: Any, predicted: Any) -> NamedQuality:
    """The quality that the user asks for.

    Args:
        reward: a metric or loss of Keras, by name or as an object; "loss", the compiled one; a
            function of (targets, predictions); for models with several outputs a mapping from
            names (of a list: from places) of outputs to these, whose mean is taken. None is the
            first metric that the model is compiled with, of each output that has one; without any
            it is "loss".
        mode: "max" or "min", or "auto" to tell from the metric.
        model: compiled.
        y, predicted: symbolic targets and predictions.

    Raises:
        TrainingError: there is no such metric, or it does not tell its direction.
    """
    outputs = _Outputs(predicted, getattr(model, "output_names", None))
    if reward is None:
        reward = _compiled_metric(model, outputs)
    if isinstance(reward, str) and reward == LOSS:
        return _signed(LOSS, _loss_of(model), True)
    if isinstance(reward, Mapping):
        return _mean_of(reward, mode, model, outputs, y, predicted)
    if outputs.names:
        if callable(reward) and not isinstance(reward, keras.Metric | keras.Loss):
            return _single(reward, mode, None, None)  # of all outputs at once
        raise TrainingError(
            f"Expected the reward of a model with the outputs {outputs.names} as a mapping from "
            f"these names, received {reward!r}."
        )
    return _single(reward, mode, y, predicted)


class _Outputs:
    """How the several outputs of a model are told apart; of a single one there are no names."""

    def __init__(self, predicted: Any, names: Sequence[str] | None) -> None:
        self.names: list[Any] = []
        if isinstance(predicted, Mapping):
            self.names = list(predicted)
        elif isinstance(predicted, list | tuple):
            count = len(predicted)
            self.names = list(names) if names and len(names) == count else list(range(count))

    def of(self, structure: Any, name: Any) -> Any:
        """The part of targets, predictions or weights that belongs to an output."""
        if isinstance(structure, Mapping):
            return structure[name]
        if isinstance(structure, list | tuple):
            return structure[self.names.index(name)]
        return structure


def _single(reward: Any, mode: Mode, y: Any, predicted: Any) -> NamedQuality:
    if isinstance(reward, keras.Loss):
        return _signed(reward.name, reward, mode != "max")
    if callable(reward) and not isinstance(reward, keras.Metric | type):
        name = getattr(reward, "__name__", type(reward).__name__)
        falls = mode == "min"
        if mode == "auto" and str(getattr(reward, "__module__", "")).startswith("keras."):
            falls = Monitor(name).mode == "min"
        return _signed(name, _mean_over_examples(reward), falls)
    metric = _metric(reward, y, predicted)
    return _signed(metric.name, _stateless(metric), _falls(metric, mode))


def _mean_of(
    rewards: Mapping[Any, Any], mode: Mode, model: Any, outputs: _Outputs, y: Any, predicted: Any
) -> NamedQuality:
    unknown = [name for name in rewards if name not in outputs.names]
    if unknown or not rewards:
        raise TrainingError(
            f"Expected rewards for some of the outputs {outputs.names}, received {list(rewards)}."
        )
    parts = {
        name: _single(reward, mode, outputs.of(y, name), outputs.of(predicted, name))
        for name, reward in rewards.items()
    }

    def mean(y: Any, predicted: Any, weights: Any) -> Any:
        values = [
            part(outputs.of(y, name), outputs.of(predicted, name), outputs.of(weights, name))
            for name, part in parts.items()
        ]
        return sum(values) / len(values)

    shown = ", ".join(f"{name}: {part.name}" for name, part in parts.items())
    falls = any(part.falls for part in parts.values())
    return NamedQuality(f"mean of {shown}", mean, falls)


def _signed(name: str, compute: Callable[..., Any], falls: bool) -> NamedQuality:
    return NamedQuality(name, (lambda *a: -compute(*a)) if falls else compute, falls)


def _metric(reward: Any, y: Any, predicted: Any) -> keras.Metric:
    if isinstance(reward, keras.Metric):
        return reward
    try:
        return compile_utils.get_metric(
            reward() if isinstance(reward, type) else reward, y, predicted
        )
    except (TypeError, ValueError) as error:
        raise TrainingError(
            "Expected the reward to be a metric or loss of Keras, a function of (targets, "
            f"predictions) or 'loss', received {reward!r} ({error})."
        ) from None


def _falls(metric: keras.Metric, mode: Mode) -> bool:
    if mode != "auto":
        return mode == "min"
    known = getattr(metric, "_direction", None)
    if known is not None:
        return bool(known == "down")
    return Monitor(metric.name).mode == "min"


def _stateless(metric: keras.Metric) -> Callable[..., Any]:
    """The value of a metric on one batch; its own state is left alone."""

    def measured(y: Any, predicted: Any, weights: Any) -> Any:
        values = metric.stateless_reset_state()
        values = metric.stateless_update_state(values, y, predicted, weights)
        return metric.stateless_result(values)

    return measured


def _mean_over_examples(function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    return lambda y, predicted, weights: ops.mean(ops.cast(function(y, predicted), "float32"))


def _loss_of(model: Any) -> Callable[..., Any]:
    loss = getattr(model, "_compile_loss", None)
    if loss is None:
        raise TrainingError(
            "Expected a model that is compiled with a metric or a loss, received one with neither. "
            "Give SearchCallback a `reward`."
        )

    def computed(y: Any, predicted: Any, weights: Any) -> Any:
        # In a scope of its own, which takes what the loss would write into the model's trackers.
        with keras.StatelessScope():
            return loss(y, predicted, weights)

    return computed


def _compiled_metric(model: Any, outputs: _Outputs) -> Any:
    """The first compiled metric, or for each output the first of it."""
    compiled = getattr(model, "_compile_metrics", None)
    if compiled is None:
        return LOSS
    given = compiled._user_metrics or compiled._user_weighted_metrics
    if not outputs.names:
        return next((one for one in keras.tree.flatten(given) if one is not None), LOSS)
    if isinstance(given, Mapping):
        pairs = list(given.items())
    elif given is not None and len(given) == len(outputs.names):
        pairs = list(zip(outputs.names, given, strict=True))
    else:
        return LOSS
    found = {
        name: [one for one in keras.tree.flatten(ones) if one is not None] for name, ones in pairs
    }
    return {name: ones[0] for name, ones in found.items() if ones} or LOSS

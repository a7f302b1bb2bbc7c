"""Searches the architecture of a supernet while `fit` trains it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import keras

from keras_glove.callbacks import search_data as data_of_search
from keras_glove.errors import TrainingError
from keras_glove.hyper import DNA
from keras_glove.weight_sharing import cost as costs
from keras_glove.weight_sharing.policies.policy import Policy
from keras_glove.weight_sharing.rewards import Reward, quality_of
from keras_glove.weight_sharing.search_step import Search
from keras_glove.weight_sharing.supernet import sharing_of

FRACTION = 0.2
"""Of the training arrays that is split off for the search, where nothing else is given."""


class SearchCallback(keras.callbacks.Callback):
    """Trains a supernet and searches it, in one `fit`.

    Args:
        policy: which architecture each step trains, and what is learnt from search batches.
        search_data: (x, y), (x, y, sample_weight), or a batched dataset; or a fraction to be split
            off the training arrays. By default the validation data of `fit`, else a fifth of the
            training arrays.
        reward: a metric of Keras, or a function of (targets, predictions); more is better.
        cost: "multiply_adds", "parameters", "activations", or a function of decisions in the graph.
        target: what an architecture should cost.
        shape: of the reward at a cost, see `keras_glove.weight_sharing.rewards`.
        search_batch_size: examples per search batch, by default as many as in training.
        warm_up: epochs in which the policy does not learn yet.
        seed: of the search.

    Attributes:
        best_dna: the architecture found, when training has ended.
    """

    def __init__(
        self,
        policy: Policy,
        search_data: Any = None,
        *,
        reward: Any = None,
        cost: Any = None,
        target: float | None = None,
        shape: str = "absolute",
        beta: float | None = None,
        search_batch_size: int | None = None,
        warm_up: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.policy = policy
        self.best_dna: DNA | None = None
        self._search_data, self._reward = search_data, reward
        self._cost, self._target, self._shape, self._beta = cost, target, shape, beta
        self._batch_size, self._warm_up, self._seed = search_batch_size, warm_up, seed
        self._data: Any = None
        self._search: Search | None = None

    @contextlib.contextmanager
    def attached(self, model: Any, arguments: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """While it holds, `fit` searches; gives the arguments that `fit` is to go on with."""
        try:
            yield self._prepare(model, arguments)
        finally:
            model._search = None
            model.train_function = None
            self._search = None
        model.decide(self.best_dna)

    def _prepare(self, model: Any, arguments: dict[str, Any]) -> dict[str, Any]:
        arguments = dict(arguments)
        given = self._search_data
        if given is None and arguments.get("validation_data") is not None:
            given = (
                tuple(arguments["validation_data"])
                if isinstance(arguments["validation_data"], list | tuple)
                else arguments["validation_data"]
            )
        if given is None or isinstance(given, float):
            fraction = FRACTION if given is None else given
            given = data_of_search.split(arguments, fraction, self._seed)
        self._data = given
        self._batch_size = self._batch_size or arguments.get("batch_size") or 32
        with model.distribute_strategy.scope():
            if not model.built:
                model(data_of_search.symbols(self._data))
            self.policy.setup(sharing_of(model).space)
            batches = data_of_search.endless(
                self._data, self._batch_size, self._seed, model.distribute_strategy
            )
            reward = Reward(quality_of(self._reward), None)
            self._search = Search(model, self.policy, reward, batches, seed=self._seed)
        return arguments

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        if self._search is None:
            raise TrainingError(
                "Expected SearchCallback in `fit` of a model with open values, received "
                f"{type(model).__name__}. Derive it from `keras_glove.Model` and give it some."
            )
        model.train_function = None
        model._search = self._search

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        search = self._require()
        steps = self.params.get("steps")
        search.steps = None if steps is None else steps * self.params["epochs"]
        search.warm_up = self._warm_up * (steps or 0)
        search.reward = Reward(
            quality_of(self._reward), self._formula(), self._target, self._shape, self._beta
        )

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self.best_dna = self.policy.best()

    def _require(self) -> Search:
        if self._search is None:
            raise TrainingError("SearchCallback runs inside `fit` alone.")
        return self._search

    def _formula(self) -> Any:
        if self._cost is None or callable(self._cost):
            return self._cost
        formulas = {
            "multiply_adds": costs.multiply_adds,
            "parameters": costs.parameters,
            "activations": costs.activations,
        }
        if self._cost not in formulas:
            raise TrainingError(
                f"Expected cost to be one of {sorted(formulas)} or a function of decisions, "
                f"received {self._cost!r}."
            )
        return formulas[self._cost](self.model).tensor

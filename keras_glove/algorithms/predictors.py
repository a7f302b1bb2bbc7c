"""Ensembles of regressors from scikit-learn that predict rewards, with their doubt."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from keras_glove.algorithms.encodings import Array
from keras_glove.errors import AlgorithmError, DependencyError

#: By name: how many regressors an ensemble of that kind has.
SIZES = {"mlp": 5, "trees": 50}


class Ensemble:
    """Several regressors that differ in their seeds, trained on the same rewards.

    Args:
        kind: "mlp", "trees", or a regressor of scikit-learn to make copies of.
        size: how many.
        rng: draws their seeds.

    Raises:
        AlgorithmError: for another kind.
        DependencyError: if scikit-learn is not installed.
    """

    def __init__(self, kind: Any, size: int, rng: np.random.Generator) -> None:
        base = _import("base")
        prototype = _prototype(kind) if isinstance(kind, str) else kind
        self._batches = kind == "mlp"  # of 32, as in BANANAS.
        self._members = [base.clone(prototype) for _ in range(size)]
        for member in self._members:
            if "random_state" in member.get_params():
                member.set_params(random_state=int(rng.integers(2**31)))

    def fit(self, features: Array, rewards: Array) -> None:
        """Trains each on rows of features and their rewards, shape `(rows,)`."""
        self._mean, self._scale = float(rewards.mean()), float(rewards.std()) or 1.0
        targets = (rewards - self._mean) / self._scale
        unfinished = _import("exceptions").ConvergenceWarning
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", unfinished)  # the number of epochs is meant.
            for member in self._members:
                if self._batches:
                    member.set_params(batch_size=min(32, len(targets)))
                member.fit(features, targets)

    def predict(self, features: Array) -> tuple[Array, Array]:
        """The mean and the standard deviation of the predictions, each of shape `(rows,)`."""
        predictions = np.array([member.predict(features) for member in self._members])
        mean = self._mean + self._scale * predictions.mean(axis=0)
        return mean, self._scale * predictions.std(axis=0)


def check_kind(kind: Any) -> None:
    """Raises AlgorithmError for what is neither a name nor a regressor."""
    if isinstance(kind, str):
        if kind not in SIZES:
            raise AlgorithmError(f"expected predictor to be one of {list(SIZES)}, got {kind!r}.")
    elif isinstance(kind, type) or not all(
        callable(getattr(kind, name, None)) for name in ("fit", "predict", "get_params")
    ):
        raise AlgorithmError(
            f"expected predictor to be a regressor of scikit-learn, such as `Ridge()`, or one of "
            f"{list(SIZES)}, got {kind!r}."
        )


def _prototype(kind: str) -> Any:
    if kind == "trees":
        return _import("tree").ExtraTreeRegressor()
    # Learning rate and epochs as in BANANAS; see `Bananas` for the layers.
    return _import("neural_network").MLPRegressor(
        hidden_layer_sizes=(20, 20, 20), learning_rate_init=0.01, max_iter=150
    )


def _import(module: str) -> Any:
    """A module of scikit-learn."""
    try:
        import sklearn.base
        import sklearn.exceptions
        import sklearn.neural_network
        import sklearn.tree
    except ImportError as error:
        raise DependencyError(
            "expected scikit-learn for an algorithm that predicts rewards, but it cannot be "
            f"imported ({error}); install it with `pip install 'keras_glove[predictors]'`."
        ) from error
    return getattr(sklearn, module)

"""The objective of most searches: train a child, and judge it by a value of Keras's logs."""

from __future__ import annotations

from typing import Any, Literal

import keras

from keras_glove.callbacks.monitor import Mode, Monitor
from keras_glove.callbacks.report_to_trial import ReportToTrial, RunningTrial
from keras_glove.errors import TrainingError
from keras_glove.training.arguments import (
    COMPILE_ARGUMENTS,
    FIT_ARGUMENTS,
    check_integer,
    check_names,
)
from keras_glove.training.callback_source import Callbacks, CallbackSource
from keras_glove.training.compiling import Compile, compile_model, take_apart
from keras_glove.training.data import check_batching, check_data, fit_data
from keras_glove.training.memory import drop_functions, release_gradients, release_memory
from keras_glove.training.reporting import EpochLog, check_reported
from keras_glove.training.reusing import GraphReuse, Reuse


class FitObjective:
    """Trains a child by Keras's own `fit`, and rewards it by a monitored value.

    The reward is always better when higher: of a value that falls, such as "val_loss", it
    is the negative. So leave `direction` of the search at "maximize".

    Each trial seeds Python, NumPy, Keras and TensorFlow by `keras.utils.set_random_seed`
    with the seed of the trial. A `tf.data.Dataset` that shuffles goes on from where the
    last trial left its generator, as it does from epoch to epoch.

    Memory does not grow with trials. The compiled functions of a child are dropped when
    its trial ends; weights and whatever else you hold of it stay. A child that nobody
    holds is freed before the next is built (in a loop of your own, when the next is
    trained; see `release_memory`).

    Args:
        train: (x, y) or (x, y, sample_weight), each with examples along the first axis; or
            a batched `tf.data.Dataset` or `keras.utils.PyDataset`.
        validation_data: the same, read after each epoch.
        epochs: at most so many; a pruned trial or `EarlyStopping` ends before.
        monitor: the name of a value that Keras reports.
        mode: "max" if more of it is better, "min" if less, "auto" to tell from the name.
        reward_from: "best", the best epoch, or "last", the last one.
        compile: arguments of `keras.Model.compile`; optimizers, losses and metrics that are
            instances are made anew, by their configs, for every child. Or a function that
            gets the model, and as keywords what the program holds beside it, and compiles
            it. None if children come compiled; given, it compiles those again.
        batch_size: examples per step, for arrays (Keras's own default is 32).
        callbacks: copied with `copy.deepcopy` for every trial, so that none carries state
            to the next. Or a function that gets the trial (None outside a search) and
            returns the callbacks, for example to name a file by `trial.number`.
        seed: for calls without a trial; None leaves the generators alone.
        reuse_graph: True trains every child of a search in one supernet of its program, whose
            train step is traced once: the supernet gets the first weights of the child, is
            fixed to its decisions, trained, and the child gets what was learned. Losses and
            weights are the same but for rounding. Worth it where trials are many and short:
            the first takes longer, and an epoch takes about as long as for the widest child.
            Children may differ in their model, learning rate and arguments of `fit`. In the
            supernet's place the child is built, compiled and saved as ever, but its optimizer
            has no state, and callbacks see the supernet. "auto" does so where it is known to
            give the same, and says once where not; False never.
        verbose: as for `fit`.
        **fit: further arguments of `keras.Model.fit`, such as `class_weight`.

    Raises:
        TrainingError: if an argument does not fit, before anything is trained.

    A child is a Keras model, or a mapping with a model under "model" beside arguments of
    `compile` and `fit`, which take precedence: {"model": ..., "optimizer": ...,
    "batch_size": ...}. So a search can choose these too.

    >>> import numpy as np
    >>> x = np.linspace(-1, 1, 64, dtype="float32")[:, None]
    >>> objective = FitObjective(
    ...     (x, 2 * x), validation_data=(x, 2 * x), epochs=3, monitor="val_loss", seed=0,
    ...     compile={"optimizer": keras.optimizers.SGD(0.5), "loss": "mse"},
    ... )
    >>> result = objective(keras.Sequential([keras.layers.Dense(1)]))
    >>> sorted(result)
    ['epoch', 'epochs', 'loss', 'parameters', 'reward', 'val_loss']
    >>> result["reward"] == -result["val_loss"], result["parameters"], result["epochs"]
    (True, 2, 3)
    """

    def __init__(
        self,
        train: Any,
        validation_data: Any = None,
        *,
        epochs: int = 1,
        monitor: str = "val_accuracy",
        mode: Mode = "auto",
        reward_from: Literal["best", "last"] = "best",
        compile: Compile = None,
        batch_size: int | None = None,
        callbacks: Callbacks = (),
        seed: int | None = None,
        verbose: int | str = 0,
        reuse_graph: Reuse = False,
        **fit: Any,
    ) -> None:
        self._monitor = Monitor(monitor, mode)
        check_names(fit, FIT_ARGUMENTS, "arguments of FitObjective or of `keras.Model.fit`")
        if compile is not None and not callable(compile):
            check_names(compile, COMPILE_ARGUMENTS, "arguments of `keras.Model.compile`")
        check_integer("epochs", epochs, low=1)
        if seed is not None:
            check_integer("seed", seed, low=0)
        if reward_from not in ("best", "last"):
            raise TrainingError(f"expected reward_from 'best' or 'last', received {reward_from!r}.")
        check_data("train", train, steps=fit.get("steps_per_epoch"))
        check_batching(train, batch_size)
        _check_validation(self._monitor, train, validation_data, fit)
        self._fit = {
            **fit_data(train),
            "validation_data": validation_data,
            "epochs": epochs,
            "batch_size": batch_size,
            "verbose": verbose,
            **fit,
        }
        self._compile = compile
        self._reuse = GraphReuse(reuse_graph, compile)
        self._callbacks = CallbackSource(callbacks)
        self._reward_from = reward_from
        self._seed = seed
        self._released = False

    def __call__(self, child: Any, trial: RunningTrial | None = None) -> dict[str, Any]:
        """Trains a child.

        Returns:
            "reward"; "epoch", which it is from (0 is the first), and by name all that Keras
            reported for that epoch; "epochs", how many were run; "parameters", how many the
            child has.

        Raises:
            TrainingError: if the child is no Keras model, cannot be compiled, or does not
                report the monitored value; or if the search minimizes.
            NotShareableError: with `reuse_graph=True`, if the child cannot be part of a supernet.
            DivergenceError: if the loss or the monitored value is NaN or infinite.
            TrialPruned: if the trial was to end early.
        """
        if not self._released:
            self._release()  # what the child of the last call left.
        self._released = False
        _check_direction(trial)
        seed = self._seed if trial is None else trial.seed
        if seed is not None:
            keras.utils.set_random_seed(seed)
        model, own_compile, own_fit = take_apart(child)
        check_batching(self._fit["x"], own_fit.get("batch_size"))
        compile_model(model, self._compile, own_compile)
        callbacks = self._callbacks(trial)
        check_reported(model, self._monitor, callbacks)
        log = EpochLog(self._monitor)
        callbacks.append(log)
        if trial is not None:
            callbacks.append(ReportToTrial(trial, self._monitor.name, self._monitor.mode))
        run = self._reuse.prepared(trial, own_compile, callbacks, self._fit["x"])
        options = {**self._fit, **own_fit, "callbacks": callbacks}
        try:
            model.fit(**options) if run is None else run.fit(model, options)
        finally:
            drop_functions(model)
            release_gradients()
        epoch, reward, values = log.choose(self._reward_from)
        counts = {"epoch": epoch, "epochs": len(log.epochs), "parameters": model.count_params()}
        return {**values, **counts, "reward": reward}

    def after_trial(self, trial: RunningTrial) -> None:
        """Frees the child of a trial; a search calls it when it is out of use."""
        self._release()
        self._released = True

    def _release(self) -> None:
        if self._reuse.is_used:
            self._reuse.collect()  # the kernels of a graph that stays are to stay.
        else:
            release_memory()

    def __repr__(self) -> str:
        settings = f"epochs={self._fit['epochs']}, reward_from={self._reward_from!r}"
        return f"FitObjective({self._monitor.name!r}, {self._monitor.mode!r}, {settings})"


def _check_validation(
    monitor: Monitor, train: Any, validation_data: Any, fit: dict[str, Any]
) -> None:
    if validation_data is not None:
        check_data("validation_data", validation_data, steps=fit.get("validation_steps"))
    elif fit.get("validation_split"):
        if not isinstance(train, tuple):
            raise TrainingError(
                f"validation_split is for arrays, and train is a {type(train).__name__}; give "
                "validation_data, for example by its `.take(...)` and `.skip(...)`."
            )
    elif monitor.validates:
        raise TrainingError(
            f"monitor={monitor.name!r} needs validation_data; give it, or monitor "
            f"{monitor.name.removeprefix('val_')!r}, which the training itself reports."
        )


def _check_direction(trial: RunningTrial | None) -> None:
    if getattr(trial, "direction", "maximize") == "minimize":
        raise TrainingError(
            "expected a search that maximizes, received direction='minimize': the reward of "
            "FitObjective is better when higher (of a loss it is the negative), so leave out "
            "`direction`."
        )

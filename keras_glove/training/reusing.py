"""Trials without tracing: whether a child can be trained as part of one supernet, and how."""

from __future__ import annotations

import gc
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import keras
import numpy as np
import tensorflow as tf

from keras_glove.callbacks.report_to_trial import ReportToTrial
from keras_glove.errors import NotShareableError, TrainingError
from keras_glove.hyper import DNA, Template
from keras_glove.search.seeding import seeded
from keras_glove.symbolic import Program, is_open
from keras_glove.symbolic.recording import normalize
from keras_glove.training.compiling import Compile, compile_model, fresh
from keras_glove.training.reporting import EpochLog

if TYPE_CHECKING:
    from keras_glove.weight_sharing.standing_for_children import StandIn

__all__ = ["GraphReuse", "Reuse"]

Reuse = Literal["auto"] | bool

_logger = logging.getLogger("keras_glove")

_SAFE_CALLBACKS = (
    EpochLog,
    ReportToTrial,
    keras.callbacks.CSVLogger,
    keras.callbacks.EarlyStopping,
    keras.callbacks.LearningRateScheduler,
    keras.callbacks.ReduceLROnPlateau,
    keras.callbacks.TerminateOnNaN,
)
"""Those that do the same whether they see a child or the supernet in its place."""

_BY_WHOLE_WEIGHTS = (keras.optimizers.Adafactor, keras.optimizers.Lamb, keras.optimizers.Muon)
"""Those whose step looks at all of a weight, of which a narrow child has a part."""

COLLECT_AFTER = 8
"""Trials between two collections of garbage."""

EXAMPLES = 4
"""On so many a child is compared with the supernet."""


class GraphReuse:
    """Trains children in one supernet, which is traced once, where that gives the same.

    Args:
        mode: True demands it, "auto" trains a child by itself where it cannot be.
        compile: the arguments of `compile` that all children have in common.

    Raises:
        TrainingError: if `mode` is something else.
    """

    def __init__(self, mode: Reuse, compile: Compile) -> None:
        if mode not in (True, False, "auto"):
            raise TrainingError(
                f"expected reuse_graph to be True, False or 'auto', received {mode!r}."
            )
        self._mode = mode
        self._settings = compile
        self._forget()

    def _forget(self) -> None:
        self._template: Any = None
        self._stand_in: StandIn | None = None
        self._compiled: str | None = None
        self._refusal: NotShareableError | None = None
        self._told = False
        self._ended = 0

    def __getstate__(self) -> dict[str, Any]:
        return {"_mode": self._mode, "_settings": self._settings}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._forget()

    @property
    def is_used(self) -> bool:
        """Whether a supernet is held, whose graphs are to be kept."""
        return self._stand_in is not None

    def prepared(
        self, trial: Any, own: Mapping[str, Any], callbacks: Sequence[Any], x: Any
    ) -> Run | None:
        """What trains a child in a supernet; None to do without.

        Args:
            trial: of the child.
            own: arguments of `compile` that the child has.
            callbacks: of the training.
            x: the inputs of the training, or a dataset.

        Raises:
            NotShareableError: in the mode True, if children cannot be trained so.
        """
        if not self._mode:
            return None
        try:
            self._check(callbacks)
            with seeded(0):  # which changes no generator that others use.
                stand_in, dna = self._supernet(trial)
                self._compile(stand_in, own)
                stand_in.build(_symbols(x))
            self._check_optimizer(stand_in)
        except NotShareableError as error:
            self._refused(error)
            return None
        return Run(self, stand_in, dna)

    def collect(self) -> None:
        """Frees children that are gone: now and then, since it takes as long as some steps."""
        self._ended += 1
        if self._ended % COLLECT_AFTER == 0:
            gc.collect()

    def _refused(self, error: NotShareableError) -> None:
        self._refusal = error if self._stand_in is None else self._refusal
        if self._mode is True:
            raise error
        if not self._told:
            _logger.warning("children are trained by graphs of their own: %s", error)
            self._told = True

    def failed(self, error: NotShareableError) -> None:
        """Notes that the supernet computes something else than a child."""
        self._stand_in, self._refusal = None, error
        self._refused(error)

    def _check(self, callbacks: Sequence[Any]) -> None:
        if not isinstance(self._settings, Mapping):
            raise NotShareableError(
                "expected `compile` to be a mapping of arguments, which hold for every child, "
                f"received {self._settings!r}, of which that is not known."
            )
        if self._mode == "auto" and self._settings.get("run_eagerly"):
            raise NotShareableError("expected graphs, received run_eagerly=True.")
        if tf.distribute.has_strategy():
            raise NotShareableError("expected no strategy of tf.distribute to be in force.")
        others = [c for c in callbacks if type(c) not in _SAFE_CALLBACKS]
        if others and (self._mode == "auto" or any(map(_saves, others))):
            raise NotShareableError(
                "expected callbacks that do the same for a supernet as for a child, received a "
                f"{type(others[0]).__name__}, which may look at the model."
            )

    def _check_optimizer(self, stand_in: StandIn) -> None:
        optimizer = stand_in.model.optimizer
        inner = getattr(optimizer, "inner_optimizer", optimizer)
        if hasattr(inner, "optimizers"):
            raise NotShareableError(
                f"expected one optimizer, received a {type(inner).__name__}, whose learning rates "
                "cannot be those of each child."
            )
        if stand_in.has_open_width and isinstance(inner, _BY_WHOLE_WEIGHTS):
            raise NotShareableError(
                "expected an optimizer whose step for an entry of a weight depends on no other "
                f"entry, received {type(inner).__name__}: where widths are open the weight of a "
                "child is a part of the supernet's, and its steps would be others. Use Adam."
            )

    def _supernet(self, trial: Any) -> tuple[StandIn, Any]:
        template = getattr(trial, "template", None)
        if not isinstance(template, Template):
            raise NotShareableError(
                "expected a trial of a search of a program, which tells what is open, received "
                f"{trial!r}."
            )
        if template is not self._template:
            self._forget()
            self._template = template
        if self._refusal is not None:
            raise self._refusal
        program = _model_of(normalize(template.value))
        if self._stand_in is None:
            try:
                self._stand_in = _made(program, self._mode)
            except NotShareableError as error:
                self._refusal = error
                raise
        concrete = _model_of(normalize(template.materialize(trial.dna)))
        return self._stand_in, self._stand_in.dna(concrete, trial.dna)

    def _compile(self, stand_in: StandIn, own: Mapping[str, Any]) -> None:
        form = _form(own)
        if self._compiled is None:
            compile_model(stand_in.model, self._settings, fresh(own, "compile"))
            self._compiled = form
        if form != self._compiled:
            raise NotShareableError(
                "expected children that are compiled alike but for the learning rate, received "
                f"{sorted(own)} of different settings."
            )


class Run:
    """One training in the place of a child."""

    def __init__(self, reuse: GraphReuse, stand_in: StandIn, dna: DNA) -> None:
        self._reuse, self._stand_in, self._dna = reuse, stand_in, dna

    def fit(self, child: keras.Model, options: dict[str, Any]) -> None:
        """In place of `child.fit(**options)`.

        Raises:
            NotShareableError: in the mode True, if the supernet computes something else.
        """
        if not child.built:
            child(_symbols(options["x"]))
        try:
            self._stand_in.begin(child, self._dna, _examples(options["x"]))
        except NotShareableError as error:
            self._reuse.failed(error)
            child.fit(**options)
            return
        model, rate = self._stand_in.model, getattr(child.optimizer, "_learning_rate", None)
        if isinstance(rate, keras.Variable):
            model.optimizer.learning_rate = float(rate)
        child.history = model.fit(**options)
        self._stand_in.end(child, self._dna)


def _made(program: Any, mode: Reuse) -> StandIn:
    from keras_glove.weight_sharing.standing_for_children import StandIn

    if not isinstance(program, Program) or not is_open(program):
        raise NotShareableError(
            f"expected a program of a model with open values, received {program!r}."
        )
    stand_in = StandIn(program)
    if mode == "auto" and stand_in.draws_otherwise:
        raise NotShareableError(
            "expected children without random layers (Dropout, noise) where widths are open, "
            "received some: their noise has another shape in a supernet, so other values."
        )
    return stand_in


def _model_of(value: Any) -> Any:
    return value.get("model") if isinstance(value, Mapping) else value


def _saves(callback: Any) -> bool:
    return isinstance(callback, keras.callbacks.ModelCheckpoint | keras.callbacks.BackupAndRestore)


def _form(own: Mapping[str, Any]) -> str:
    """What tells arguments of `compile` apart, but for a learning rate."""
    others, optimizer = dict(own), own.get("optimizer")
    if isinstance(optimizer, keras.Optimizer):
        config = optimizer.get_config()
        config.pop("name", None)
        if np.isscalar(config.get("learning_rate")):  # a schedule is a dict
            config.pop("learning_rate")
        others["optimizer"] = [type(optimizer).__qualname__, config]
    return repr(keras.saving.serialize_keras_object(others))


def _spec(value: Any) -> Any:
    shape = (None, *tuple(value.shape)[1:])
    dtype = value.dtype.name if hasattr(value.dtype, "name") else value.dtype
    return keras.KerasTensor(shape, dtype="float32" if dtype == "float64" else dtype)


def _inputs(x: Any) -> Any:
    """The first element of what a dataset gives, or arrays as they are."""
    if isinstance(x, tf.data.Dataset):
        spec = x.element_spec
        return spec[0] if isinstance(spec, tuple) else spec
    if isinstance(x, keras.utils.PyDataset):
        first = x[0]
        return first[0] if isinstance(first, tuple) else first
    return keras.tree.map_structure(lambda v: v if hasattr(v, "shape") else np.asarray(v), x)


def _symbols(x: Any) -> Any:
    return keras.tree.map_structure(_spec, _inputs(x))


def _examples(x: Any) -> Any:
    """A few examples; where only a dataset has them, made up ones."""
    random = np.random.default_rng(0)

    def some(value: Any) -> Any:
        if not isinstance(value, tf.TensorSpec):
            return np.asarray(value[:EXAMPLES])
        shape = [EXAMPLES if n is None else n for n in value.shape]
        if value.dtype.is_floating:
            return random.uniform(size=shape).astype(value.dtype.as_numpy_dtype)
        return np.zeros(shape, value.dtype.as_numpy_dtype)

    return keras.tree.map_structure(some, _inputs(x))

"""A search space as an Optuna study in memory, asked and told; imports Optuna."""

from __future__ import annotations

import contextlib
import inspect
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler
from optuna.study import StudyDirection
from optuna.trial import Trial, TrialState

from keras_glove.algorithms.positions import at_position, numbers, position
from keras_glove.errors import AlgorithmError, DependencyError, SpaceError
from keras_glove.hyper import DNA, DecisionPoint, SearchSpace
from keras_glove.hyper.structure import Structure, Unit

SAMPLERS: Mapping[str, type[BaseSampler]] = {
    "tpe": optuna.samplers.TPESampler,
    "gp": optuna.samplers.GPSampler,
    "cmaes": optuna.samplers.CmaEsSampler,
    "nsga2": optuna.samplers.NSGAIISampler,
    "nsga3": optuna.samplers.NSGAIIISampler,
    "qmc": optuna.samplers.QMCSampler,
    "random": optuna.samplers.RandomSampler,
    "grid": optuna.samplers.GridSampler,
    "brute_force": optuna.samplers.BruteForceSampler,
}

#: Those that learn from violations. Optuna 4 tells them by a function, Optuna 5 by the trial.
CONSTRAINED = (
    optuna.samplers.TPESampler,
    optuna.samplers.NSGAIISampler,
    optuna.samplers.NSGAIIISampler,
)
TOLD_BY_TRIAL = hasattr(Trial, "set_constraint")

_MAX_GRID = 100_000

VIOLATION = "violation"
"""The user attribute of a trial in which its violation stands."""


class Knob:
    """One decision as Optuna sees it: a distribution, and maps from and to its values.

    | decision | distribution | value there |
    | --- | --- | --- |
    | choice | categorical | the candidate as people read it |
    | int, float, linear or log | int, float | the number |
    | reverse log | log | the number mirrored in the middle of its range |
    | int with a step, log or reverse log | float from 0 to 1 | its position on the scale |
    """

    def __init__(self, point: DecisionPoint) -> None:
        self.point = point
        self.distribution: BaseDistribution
        self._mirror: int | float | None = None
        low, high = point.low or 0, point.high or 0
        if point.kind == "categorical":
            self.distribution = CategoricalDistribution(_choices(point))
        elif point.kind == "int" and point.scale != "linear" and point.step != 1:
            self.distribution = FloatDistribution(0.0, 1.0)
        elif point.kind == "int":
            step, log = point.step or 1, point.scale != "linear"
            last = int(low) + (int(high) - int(low)) // step * step
            self.distribution = IntDistribution(int(low), last, log=log, step=step)
        else:
            self.distribution = FloatDistribution(
                float(low), float(high), log=point.scale != "linear"
            )
        if point.scale == "reverse_log" and not self._by_position:
            self._mirror = low + high

    @property
    def _by_position(self) -> bool:
        return self.point.kind == "int" and isinstance(self.distribution, FloatDistribution)

    def suggest(self, trial: Trial) -> int | float:
        """What the sampler proposes, as a value of a DNA."""
        name, distribution = self.point.name, self.distribution
        if isinstance(distribution, CategoricalDistribution):
            choice = trial.suggest_categorical(name, distribution.choices)
            return distribution.choices.index(choice)
        value: int | float
        if isinstance(distribution, IntDistribution):
            value = trial.suggest_int(
                name, distribution.low, distribution.high, step=distribution.step,
                log=distribution.log,
            )  # fmt: skip
        else:
            assert isinstance(distribution, FloatDistribution)
            value = trial.suggest_float(
                name, distribution.low, distribution.high, log=distribution.log
            )
        if self._by_position:
            return at_position(self.point, value)
        return value if self._mirror is None else self._inside(self._mirror - value)

    def external(self, value: int | float) -> Any:
        """A value of a DNA as Optuna has it."""
        if isinstance(self.distribution, CategoricalDistribution):
            return self.distribution.choices[int(value)]
        if self._by_position:
            return position(self.point, value)
        return value if self._mirror is None else self._inside(self._mirror - value)

    def _inside(self, value: int | float) -> int | float:
        return min(max(value, self.point.low or 0), self.point.high or 0)


class OptunaStudy:
    """Asks a sampler for DNA of a space, and tells it what became of them.

    The slots of a `manyof` are categorical parameters of their own, which a sampler may
    set to what the slots do not allow. Then the first slot of each candidate keeps it,
    the others draw from those that are left, and sorted slots are put in order (the rule
    of `space.complete`); the sampler is told the slots as they have become, but for the
    one that ticks off what it proposed ("brute_force").

    Args:
        space: the decisions.
        sampler: a name of `SAMPLERS`, a class or function to call with `options` and
            `seed`, or a sampler as it is.
        options: arguments for the sampler.
        objectives: how many, all maximised.
        seed: of the sampler and of what is drawn for it.

    Raises:
        AlgorithmError: if the sampler cannot be made.
        DependencyError: if it needs a package that is not installed.
    """

    def __init__(
        self,
        space: SearchSpace,
        sampler: Any,
        options: Mapping[str, Any],
        objectives: int,
        seed: int | None,
    ) -> None:
        self._space = space
        self._units = Structure(space.points).units
        self._knobs = [Knob(point) for point in space.points]
        self._rng = np.random.default_rng(seed)
        made = self._sampler(sampler, options, seed)
        by_function = "constraints_func" in options or not isinstance(sampler, BaseSampler)
        self._ticks_off = isinstance(made, optuna.samplers.BruteForceSampler)
        if self._ticks_off and any(point.kind == "float" for point in space.points):
            raise SpaceError(
                "expected decisions that can be enumerated for the sampler 'brute_force', received "
                "a float; use 'grid', or `Sweep(grid=5)`."
            )
        self._constrained = isinstance(made, CONSTRAINED) and (TOLD_BY_TRIAL or by_function)
        storage = optuna.storages.InMemoryStorage()
        with _quiet():
            self._study_id = storage.create_new_study(
                [StudyDirection.MAXIMIZE] * objectives, "keras_glove"
            )
            self._study = _Study("keras_glove", storage, made, optuna.pruners.NopPruner())
        self._storage = storage

    @property
    def stopped(self) -> bool:
        """Whether the sampler has nothing left to propose."""
        return self._study.stopped

    def ask(self, fixed: DNA | None = None) -> tuple[DNA, Trial]:
        """A proposal of the sampler, or `fixed` as if it had been one; and its trial.

        Raises:
            DependencyError: if the sampler needs a package that is not installed.
        """
        if fixed is not None:
            self._study.enqueue_trial(self._parameters(fixed))
        with _needs():
            trial = self._study.ask()
            values: list[int | float | None] = []
            for unit in self._units:
                if unit.clauses and not unit.active(values):
                    values += [None] * (unit.stop - unit.start)
                    continue
                values += [knob.suggest(trial) for knob in self._knobs[unit.start : unit.stop]]
                if unit.arrangement is not None:
                    self._repair(unit, values, trial)
        return DNA(values), trial

    def tell(self, trial: Trial, rewards: Sequence[float], violation: float) -> None:
        """Ends a trial with its rewards. Samplers without a rule for violations see a failure."""
        if violation and not self._constrained:
            self.fail(trial)
            return
        trial.set_user_attr(VIOLATION, violation)
        if self._constrained and TOLD_BY_TRIAL:
            trial.set_constraint(VIOLATION, violation)
        with _needs():
            self._study.tell(trial, list(rewards))

    def fail(self, trial: Trial) -> None:
        """Ends a trial without rewards."""
        with _needs():
            self._study.tell(trial, state=TrialState.FAIL)

    def reject(self, trial: Trial) -> None:
        """Ends a trial that constraints refused: as pruned, which TPE avoids to repeat."""
        with _needs():
            self._study.tell(trial, state=TrialState.PRUNED)

    def add(self, dna: DNA, rewards: Sequence[float], violation: float) -> None:
        """Adds an evaluation made elsewhere."""
        if violation and not self._constrained:
            return
        attributes = {"constraints": [violation]} if self._constrained else {}
        self._study.add_trial(
            optuna.trial.create_trial(
                params=self._parameters(dna),
                distributions={
                    knob.point.name: knob.distribution
                    for knob, value in zip(self._knobs, dna, strict=True)
                    if value is not None
                },
                values=list(rewards),
                user_attrs={VIOLATION: violation},
                system_attrs=attributes,
            )
        )

    def random(self) -> DNA:
        """A random point of the space."""
        return self._space.random(self._rng)

    def _repair(self, unit: Unit, values: list[int | float | None], trial: Trial) -> None:
        """Makes the slots of a group valid, in `values` and in the trial."""
        assert unit.arrangement is not None
        slots = [None if v is None else int(v) for v in values[unit.start : unit.stop]]
        repaired, _ = unit.arrangement.repair(slots, self._rng)
        values[unit.start : unit.stop] = repaired
        for knob, before, after in zip(
            self._knobs[unit.start : unit.stop], slots, repaired, strict=True
        ):
            if before != after and not self._ticks_off:
                trial_id = self._storage.get_trial_id_from_study_id_trial_number(
                    self._study_id, trial.number
                )
                self._storage.set_trial_param(
                    trial_id, knob.point.name, float(after), knob.distribution
                )

    def _parameters(self, dna: DNA) -> dict[str, Any]:
        return {
            knob.point.name: knob.external(value)
            for knob, value in zip(self._knobs, numbers(dna), strict=True)
            if value is not None
        }

    def _sampler(self, sampler: Any, options: Mapping[str, Any], seed: int | None) -> BaseSampler:
        if isinstance(sampler, BaseSampler):
            return sampler
        make: Callable[..., Any] = SAMPLERS[sampler] if isinstance(sampler, str) else sampler
        arguments = dict(options)
        quiet = "warn_independent_sampling"  # of choices; TPE has none to give any more.
        if sampler in ("cmaes", "gp", "qmc") and quiet in inspect.signature(make).parameters:
            arguments.setdefault(quiet, False)
        if sampler == "grid":
            arguments.setdefault("search_space", self._grid())
        if isinstance(make, type) and issubclass(make, CONSTRAINED) and not TOLD_BY_TRIAL:
            arguments.setdefault("constraints_func", _violation)
        with warnings.catch_warnings(), _needs():
            # What Optuna calls experimental was asked for by name.
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            try:
                made = make(**arguments, seed=seed)
            except (TypeError, ValueError) as error:
                raise AlgorithmError(
                    f"expected a sampler from {sampler!r} with the options {dict(options)!r}: "
                    f"{error}."
                ) from error
        if not isinstance(made, BaseSampler):
            raise AlgorithmError(f"expected {sampler!r} to give a sampler, received {made!r}.")
        return made

    def _grid(self) -> dict[str, list[Any]]:
        """What the grid sampler visits: all values, and five of each float."""
        grid = {knob.point.name: _values(knob.distribution) for knob in self._knobs}
        size = math.prod(map(len, grid.values()))
        if size > _MAX_GRID:
            raise SpaceError(
                f"expected a grid of at most {_MAX_GRID:,} points, which Optuna lists beforehand, "
                f"received one of {size:,}; give `options={{'search_space': ...}}`, or use "
                "`Sweep(grid=5)`, which lists nothing."
            )
        return grid


class _Study(optuna.study.Study):
    """A study that notes when a sampler asks to stop, as there is no loop to stop."""

    stopped = False

    def stop(self) -> None:
        self.stopped = True


def _choices(point: DecisionPoint) -> Sequence[Any]:
    """The candidates as people read them, if that tells them apart (1 == True)."""
    if len(set(point.literals)) == len(point.literals):
        return point.literals
    return [f"{index}: {literal}" for index, literal in enumerate(point.literals)]


def _values(distribution: BaseDistribution) -> list[Any]:
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)
    if isinstance(distribution, IntDistribution):
        return list(range(distribution.low, distribution.high + 1, distribution.step))
    assert isinstance(distribution, FloatDistribution)
    low, high = distribution.low, distribution.high
    between = np.geomspace if distribution.log else np.linspace
    return [low, *between(low, high, 5)[1:-1].tolist(), high]


def _violation(trial: optuna.trial.FrozenTrial) -> list[float]:
    """What samplers call to know whether constraints were broken."""
    return [float(trial.user_attrs.get(VIOLATION, 0.0))]


@contextlib.contextmanager
def _needs() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise DependencyError(
            f"expected the packages that the Optuna sampler needs, but {error}; install them."
        ) from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps Optuna from announcing a study that nobody else sees."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)

"""Samplers of Optuna as algorithms."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable
from typing import Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from keras_glove.algorithms import Algorithm, Optuna, Random
from keras_glove.algorithms.optuna_study import SAMPLERS, Knob
from keras_glove.errors import AlgorithmError, DependencyError, SpaceError, StopSearch
from keras_glove.hyper import DNA, SearchSpace, floatv, intv, manyof, oneof
from keras_glove.testing import SPACES
from keras_glove.testing.algorithms import drive, texts

MIXED = SearchSpace(SPACES["mixed"]())
LARGE = SearchSpace(SPACES["large"]())

KNOBS = [
    (oneof(["relu", "gelu"]), CategoricalDistribution(("relu", "gelu"))),
    (oneof([8, None, 0.5]), CategoricalDistribution((8, None, 0.5))),
    (oneof([1, True]), CategoricalDistribution(("0: 1", "1: True"))),
    (intv(2, 20, step=2), IntDistribution(2, 20, step=2)),
    (intv(1, 64, scale="log"), IntDistribution(1, 64, log=True)),
    (intv(1, 64, scale="reverse_log"), IntDistribution(1, 64, log=True)),
    (intv(8, 64, step=8, scale="log"), FloatDistribution(0.0, 1.0)),
    (floatv(0.0, 0.5), FloatDistribution(0.0, 0.5)),
    (floatv(1e-5, 1.0, scale="log"), FloatDistribution(1e-5, 1.0, log=True)),
    (floatv(0.5, 0.999, scale="reverse_log"), FloatDistribution(0.5, 0.999, log=True)),
]


@pytest.mark.parametrize(("value", "distribution"), KNOBS, ids=repr)
def test_decisions_are_parameters(value: Any, distribution: Any) -> None:
    space = SearchSpace({"name": value})
    knob = Knob(space.points[0])
    assert knob.distribution == distribution
    for dna in space.sample(20, seed=0):
        outside = knob.external(dna[0])  # type: ignore[arg-type]
        assert distribution._contains(distribution.to_internal_repr(outside))
        back = knob.suggest(optuna.trial.FixedTrial({"name": outside}))  # type: ignore[arg-type]
        assert back == pytest.approx(dna[0])
        space.validate(DNA([back]))


def test_reverse_log_is_dense_at_the_upper_end() -> None:
    algorithm = Optuna("random", seed=0)
    algorithm.setup(SearchSpace(floatv(0.01, 1.0, scale="reverse_log")))
    drawn = sorted(float(algorithm.propose()[0]) for _ in range(300))  # type: ignore[arg-type]
    assert drawn[150] == pytest.approx(1.01 - 0.1, abs=0.03)
    assert drawn[75] == pytest.approx(1.01 - 0.01**0.25, abs=0.1)


class Recorder(optuna.samplers.RandomSampler):
    """Keeps the trials that it was told of."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(seed)
        self.trials: list[optuna.trial.FrozenTrial] = []

    def after_trial(self, study: Any, trial: Any, state: Any, values: Any) -> None:
        self.trials.append(trial)


def told(program: Any, trials: int = 60) -> tuple[SearchSpace, list[DNA], list[dict[str, Any]]]:
    """A space, proposals, and the parameters of each as the sampler got them back."""
    recorder = Recorder(seed=1)
    algorithm = Optuna(recorder, seed=1)
    space = SearchSpace(program)
    algorithm.setup(space)
    proposed = drive(algorithm, trials)
    return space, proposed, [trial.params for trial in recorder.trials]


def test_parameters_have_readable_names_and_values() -> None:
    program = {"op": oneof(["conv", "pool"]), "rate": floatv(0.0, 1.0)}
    space, proposed, parameters = told(program)
    assert parameters == [space.decisions(dna) for dna in proposed]


def test_what_is_inactive_is_not_asked_for() -> None:
    space, proposed, parameters = told(SPACES["conditional"]())
    for dna, known in zip(proposed, parameters, strict=True):
        assert known.keys() == space.decisions(dna).keys()
    assert len({frozenset(known) for known in parameters}) > 3


@pytest.mark.parametrize("name", ["distinct", "sorted", "multiset", "permutation"])
def test_slots_are_repaired_and_told_as_repaired(name: str) -> None:
    space, proposed, parameters = told(SPACES[name]())
    for dna, known in zip(proposed, parameters, strict=True):
        space.validate(dna)
        assert known == space.decisions(dna)
    assert len(set(proposed)) > 5


def test_nested_decisions_follow_the_repaired_slots() -> None:
    inner = [{"size": oneof([1, 2, 3])}, "b", "c"]
    space, proposed, parameters = told(manyof(2, inner))
    for dna, known in zip(proposed, parameters, strict=True):
        assert known.keys() == space.decisions(dna).keys()


# --- samplers -----------------------------------------------------------------------


def matches(dna: DNA) -> float:
    return float(sum(value == 2 for value in dna))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sampler", "options"), [("tpe", {}), ("nsga2", {"population_size": 15})], ids=["tpe", "nsga2"]
)
def test_learns_better_than_random(sampler: str, options: dict[str, Any]) -> None:
    means = []
    for algorithm in (Optuna(sampler, options, seed=0), Random(seed=0)):
        algorithm.setup(LARGE)
        rewards = []
        for _ in range(150):
            dna = algorithm.propose()
            rewards.append(matches(dna))
            algorithm.feedback(dna, rewards[-1])
        means.append(sum(rewards[-50:]) / 50)
    assert means[0] >= means[1] + 1.5  # five standard errors of the mean.


@pytest.mark.parametrize("sampler", ["random", "nsga2", "nsga3", "qmc", "tpe"])
def test_samplers_by_name(sampler: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scipy's and Optuna's own, of some versions.
        algorithm = Optuna(sampler, seed=0)
        algorithm.setup(MIXED)
        for dna in drive(algorithm, 12):
            MIXED.validate(dna)


@pytest.mark.parametrize(("sampler", "package"), [("cmaes", "cmaes"), ("gp", "torch")])
def test_samplers_that_need_a_package(sampler: str, package: str) -> None:
    """Works where it is installed, else says so; `pip install cmaes torch` to see it work."""
    algorithm = Optuna(sampler, {"n_startup_trials": 3}, seed=0)
    space = SearchSpace([floatv(0.0, 1.0), floatv(0.0, 1.0)])
    try:
        __import__(package)
    except ImportError:
        with pytest.raises(DependencyError, match=package):
            run(algorithm, space)
    else:
        run(algorithm, space)


def run(algorithm: Algorithm, space: SearchSpace) -> None:
    algorithm.setup(space)
    for dna in drive(algorithm, 8):
        space.validate(dna)


@pytest.mark.parametrize("sampler", ["grid", "brute_force"])
def test_enumerating_samplers_end(sampler: str) -> None:
    space = SearchSpace([oneof(list("ab")), intv(1, 3)])
    algorithm = Optuna(sampler, seed=0)
    algorithm.setup(space)
    assert set(drive(algorithm, 40)) == set(space)
    with pytest.raises(StopSearch):
        algorithm.propose()


def test_a_grid_takes_five_values_of_a_float() -> None:
    algorithm = Optuna("grid", seed=0)
    algorithm.setup(SearchSpace(floatv(1e-4, 1.0, scale="log")))
    drawn = sorted(float(dna[0]) for dna in drive(algorithm, 40))  # type: ignore[arg-type]
    assert drawn == pytest.approx([1e-4, 1e-3, 1e-2, 1e-1, 1.0])


@pytest.mark.parametrize(
    "sampler",
    [optuna.samplers.RandomSampler, lambda seed: optuna.samplers.RandomSampler(seed)],
    ids=["class", "function"],
)
def test_a_class_or_function_gets_the_seed(sampler: Callable[..., Any]) -> None:
    named, made = Optuna("random", seed=4), Optuna(sampler, seed=4)
    named.setup(MIXED)
    made.setup(MIXED)
    assert texts(drive(named, 10)) == texts(drive(made, 10))


@pytest.mark.parametrize("sampler", ["nsga2", "tpe"])
def test_violations_are_learnt_from(sampler: str) -> None:
    """The reward draws to high values, which break a constraint, as 91 % of the space do."""
    options = {"population_size": 10} if sampler == "nsga2" else {}
    algorithm = Optuna(sampler, options, seed=0)
    algorithm.setup(SearchSpace([intv(0, 20) for _ in range(3)]))
    late = []
    for number in range(160):
        dna = algorithm.propose()
        total = sum(map(int, dna.values))  # type: ignore[arg-type]
        algorithm.feedback(dna, float(total), violation=max(0.0, total - 15.0))
        if number >= 80:
            late.append(total)
    assert sum(total <= 15 for total in late) > 0.25 * len(late)
    assert max(total for total in late if total <= 15) >= 13


def test_evaluations_made_elsewhere_count() -> None:
    algorithm = Optuna("tpe", seed=0)
    algorithm.setup(SearchSpace(floatv(0.0, 1.0)))
    for number in range(40):
        place = (number + 0.5) / 40
        algorithm.observe(DNA([place]), -abs(place - 0.3), violation=float(place < 0.1))
    proposed = [float(algorithm.propose()[0]) for _ in range(20)]  # type: ignore[arg-type]
    assert sum(abs(place - 0.3) < 0.15 for place in proposed) > 12


# --- state --------------------------------------------------------------------------


def test_a_sampler_object_goes_on_from_what_is_known() -> None:
    stopped = Optuna(optuna.samplers.RandomSampler())
    stopped.setup(MIXED)
    proposed = drive(stopped, 15)
    last = stopped.propose()
    resumed = Optuna(optuna.samplers.RandomSampler())
    resumed.setup(MIXED)
    with pytest.warns(RuntimeWarning, match="did not propose again"):
        resumed.set_state(json.loads(json.dumps(stopped.get_state())))
    state = resumed.get_state()["state"]
    assert [row[1] for row in state["log"] if row[0] in ("ask", "fix")] == texts([*proposed, last])
    resumed.feedback(last, 1.0)
    MIXED.validate(resumed.propose())


def test_refused_drafts_give_way_to_random_ones() -> None:
    class Rare(SearchSpace):
        def allows(self, dna: DNA) -> bool:
            return dna[0] == dna[1] == dna[2] == 0

    space = Rare.of_points(SearchSpace([oneof(list(range(5))) for _ in range(3)]).points)
    algorithm = Optuna("random", seed=0)
    algorithm.setup(space)
    drive(algorithm, 6)
    assert "fix" in [event for event, *_ in algorithm.get_state()["state"]["log"]]
    resumed = Optuna("random", seed=5)
    resumed.setup(space)
    resumed.set_state(json.loads(json.dumps(algorithm.get_state())))
    assert texts(drive(resumed, 3)) == texts(drive(algorithm, 3))


def test_optuna_is_not_disturbed(caplog: pytest.LogCaptureFixture) -> None:
    before = optuna.logging.get_verbosity()
    optuna.logging.enable_propagation()
    with caplog.at_level(logging.INFO, logger="optuna"):
        algorithm = Optuna("random", seed=0)
        algorithm.setup(LARGE)
        drive(algorithm, 3)
    optuna.logging.disable_propagation()
    assert caplog.records == []
    assert optuna.logging.get_verbosity() == before


# --- bad use ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Optuna("annealing"), AlgorithmError, "'tpe'"),
        (lambda: Optuna(3), AlgorithmError, "name of a sampler"),
        (
            lambda: Optuna(optuna.samplers.RandomSampler(), {"a": 1}),
            AlgorithmError,
            "options with a name",
        ),
        (lambda: Optuna("tpe", {"trees": 3}).setup(LARGE), AlgorithmError, "trees"),
        (lambda: Optuna(lambda seed: seed, seed=1).setup(LARGE), AlgorithmError, "received 1"),
        (lambda: Optuna("grid").setup(LARGE), SpaceError, "Sweep"),
        (lambda: Optuna("brute_force").setup(MIXED), SpaceError, "enumerated"),
        (lambda: Optuna("cmaes").setup(LARGE, objectives=2), AlgorithmError, "one objective"),
    ],
)
def test_bad_use(make: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_has_its_name(name: str) -> None:
    assert repr(Optuna(name, seed=1)) == f"Optuna(sampler={name!r}, options={{}}, seed=1)"

"""Every public algorithm keeps the contract; a new one that is not listed here fails."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import pytest

from keras_glove import algorithms
from keras_glove.algorithms import (
    NSGA2,
    Algorithm,
    Bananas,
    Chain,
    Dedup,
    Evolution,
    HillClimb,
    KPointCrossover,
    LocalSearch,
    Mix,
    Optuna,
    PerPoint,
    PolicyGradient,
    Random,
    RegularizedEvolution,
    Sweep,
    Top,
    Tournament,
    Uniform,
    UniformCrossover,
    Until,
    Weighted,
)
from keras_glove.hyper import SearchSpace, floatv, intv, oneof
from keras_glove.testing import SPACES, AlgorithmContract
from keras_glove.testing.algorithms import drive, texts

#: For variants and wrappers, whose proposals come from what is tested on every space.
SOME = ("flat", "single", "distinct", "mixed")

GOLDEN = Path(__file__).with_name("golden.json")

#: States as version 1 writes them, with what is proposed from there. Never to be made anew, but for
#: algorithms that are new in it: who saved a search years ago wants to go on.
STATES = Path(__file__).with_name("states_1.json")


class TestRandom(AlgorithmContract):
    def make(self, seed: int | None) -> Algorithm:
        return Random(seed=seed)


class TestSweep(AlgorithmContract):
    def make(self, seed: int | None) -> Algorithm:
        return Sweep(grid=3)


class TestRegularizedEvolution(AlgorithmContract):
    def make(self, seed: int | None) -> Algorithm:
        return RegularizedEvolution(population_size=8, tournament_size=3, seed=seed)


class TestRegularizedEvolutionByHints(AlgorithmContract):
    spaces = SOME

    def make(self, seed: int | None) -> Algorithm:
        mutator = Weighted([(Uniform("op") >> Uniform("edge"), 1), (PerPoint(0.2), 2.5)])
        return RegularizedEvolution(5, 2, mutator, seed=seed)


class TestEvolution(AlgorithmContract):
    def make(self, seed: int | None) -> Algorithm:
        parents = Tournament(3, count=4)
        return Evolution(parents >> UniformCrossover() >> Uniform(times=2), Top(6), 6, seed=seed)


class TestEvolutionWithoutMutation(AlgorithmContract):
    spaces = SOME

    def make(self, seed: int | None) -> Algorithm:
        return Evolution(Tournament(3, count=2) >> KPointCrossover(2), Top(6), 6, seed=seed)


class TestHillClimb(AlgorithmContract):
    def make(self, seed: int | None) -> Algorithm:
        return HillClimb(patience=6, seed=seed)


class TestLocalSearch(AlgorithmContract):
    def make(self, seed: int | None) -> Algorithm:
        return LocalSearch(initial=4, seed=seed)


class TestLocalSearchUntilBetter(AlgorithmContract):
    spaces = SOME

    def make(self, seed: int | None) -> Algorithm:
        return LocalSearch(initial=1, full=False, seed=seed)


class TestPolicyGradient(AlgorithmContract):
    def make(self, seed: int | None) -> Algorithm:
        return PolicyGradient(learning_rate=1.0, entropy=0.01, bins=5, seed=seed)


class TestNSGA2(AlgorithmContract):
    def make(self, seed: int | None) -> Algorithm:
        return NSGA2(population_size=6, seed=seed)


class TestBananas(AlgorithmContract):
    spaces = SOME

    def make(self, seed: int | None) -> Algorithm:
        return Bananas(6, 8, predictor="trees", ensemble=2, candidates=12, seed=seed)


class TestUntil(AlgorithmContract):
    spaces = SOME

    def make(self, seed: int | None) -> Algorithm:
        return Until(HillClimb(patience=4), reward=0.98, patience=22, trials=35, seed=seed)


class TestUntilOfSeveralObjectives(AlgorithmContract):
    spaces = SOME

    def make(self, seed: int | None) -> Algorithm:
        return Until(NSGA2(4), patience=30, seed=seed)


class TestDedup(AlgorithmContract):
    spaces = SOME

    def make(self, seed: int | None) -> Algorithm:
        return Dedup(RegularizedEvolution(6, 3), limit=100, seed=seed)


class TestDedupByKey(AlgorithmContract):
    spaces = SOME

    def make(self, seed: int | None) -> Algorithm:
        return Dedup(NSGA2(4), reuse=False, key=len, limit=9, seed=seed)


class TestMix(AlgorithmContract):
    spaces = SOME

    def make(self, seed: int | None) -> Algorithm:
        return Mix({RegularizedEvolution(5, 2): 3, HillClimb(4): 1.5, Sweep(2): 1}, seed=seed)


class TestMixWithoutSharing(AlgorithmContract):
    spaces = SOME

    def make(self, seed: int | None) -> Algorithm:
        return Mix({NSGA2(4): 1, NSGA2(6): 1}, share=False, seed=seed)


class TestChain(AlgorithmContract):
    spaces = SOME

    def make(self, seed: int | None) -> Algorithm:
        first = Until(Dedup(Random()), trials=9)
        return Chain([first, Until(LocalSearch(2), patience=8), PolicyGradient(1.0)], seed=seed)


class TestOptuna(AlgorithmContract):
    spaces = ("flat", "conditional", "sorted")

    def make(self, seed: int | None) -> Algorithm:
        return Optuna("nsga2", {"population_size": 5}, seed=seed)


class TestOptunaRandom(AlgorithmContract):
    spaces = SOME

    def make(self, seed: int | None) -> Algorithm:
        return Optuna("random", seed=seed)


@pytest.mark.slow
class TestOptunaTPE(AlgorithmContract):
    spaces = ("mixed",)

    def make(self, seed: int | None) -> Algorithm:
        return Optuna(options={"n_startup_trials": 8}, seed=seed)


CONTRACTS = [cls for cls in AlgorithmContract.__subclasses__() if cls.__module__ == __name__]

#: Those whose proposals no other package decides, so that every version gives the same.
PINNED = [cls for cls in CONTRACTS if not isinstance(cls().make(0), Bananas | Optuna)]


def test_every_public_algorithm_is_here() -> None:
    public = {
        value
        for value in vars(algorithms).values()
        if inspect.isclass(value) and issubclass(value, Algorithm) and not inspect.isabstract(value)
    }
    assert {type(cls().make(0)) for cls in CONTRACTS} == public


@pytest.mark.parametrize(
    "contract", [contract for contract in CONTRACTS if contract is not TestDedupByKey]
)  # but for the function that is its key.
def test_repr_can_be_pasted(contract: type[AlgorithmContract]) -> None:
    written = repr(contract().make(7))
    assert repr(eval(written, vars(algorithms))) == written


@pytest.mark.parametrize("contract", PINNED)
def test_golden_sequence(contract: type[AlgorithmContract]) -> None:
    assert _sequence(contract) == json.loads(GOLDEN.read_text())[contract.__name__]


def _sequence(contract: type[AlgorithmContract]) -> list[str]:
    algorithm = contract().make(7)
    # No logarithms: their last bit differs between processors.
    program = [SPACES["blocks"](), SPACES["permutation"](), floatv(0.0, 0.5), intv(2, 20, step=2)]
    algorithm.setup(SearchSpace(program))
    return texts(drive(algorithm, 24))


@pytest.mark.parametrize("contract", PINNED)
def test_state_of_version_1_is_read(contract: type[AlgorithmContract]) -> None:
    state, following = json.loads(STATES.read_text())[contract.__name__]
    algorithm = _small(contract, seed=8)
    algorithm.set_state(state)
    assert texts(drive(algorithm, 4)) == following


def _small(contract: type[AlgorithmContract], seed: int) -> Algorithm:
    algorithm = contract().make(seed)
    algorithm.setup(SearchSpace([oneof([SPACES["distinct"](), "x"]), floatv(0.0, 0.5)]))
    return algorithm


def _state(contract: type[AlgorithmContract]) -> list[Any]:
    algorithm = _small(contract, seed=7)
    drive(algorithm, 8, lag=1)
    state = algorithm.get_state()
    return [state, texts(drive(algorithm, 4))]


if __name__ == "__main__":  # after a change that is meant to change proposals.
    known = json.loads(STATES.read_text()) if STATES.exists() else {}
    rows = {contract.__name__: _state(contract) for contract in PINNED} | known
    lines = [f"{json.dumps(name)}: {json.dumps(row)}" for name, row in rows.items()]
    STATES.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    sequences = {contract.__name__: _sequence(contract) for contract in PINNED}
    GOLDEN.write_text(json.dumps(sequences, indent=1) + "\n")

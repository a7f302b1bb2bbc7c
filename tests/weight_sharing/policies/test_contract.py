"""Every public policy keeps the contract; a new one that is not listed here fails."""

from __future__ import annotations

import inspect

from keras_glove.testing import SPACES, PolicyContract
from keras_glove.weight_sharing import policies
from keras_glove.weight_sharing.policies import (
    DARTS,
    ENAS,
    GDAS,
    FairNAS,
    Policy,
    ProgressiveShrinking,
    Reinforce,
    UniformSampling,
)

#: For variants, whose steps come from what is tested on more spaces.
SOME = ("flat", "conditional")

#: One of each kind: conditional, all of `manyof`, and numbers.
KINDS = ("conditional", "blocks", "distinct", "sorted", "multiset", "mixed")

#: The same without floats.
DISCRETE = ("single", *KINDS[:-1])


class TestUniformSampling(PolicyContract):
    spaces = tuple(SPACES)

    def make(self, seed: int | None) -> Policy:
        return UniformSampling(seed=seed)


class TestUniformSamplingInARange(PolicyContract):
    spaces = SOME

    def make(self, seed: int | None) -> Policy:
        return UniformSampling((0.9, 1.1), seed=seed)


class TestFairNAS(PolicyContract):
    spaces = KINDS

    def make(self, seed: int | None) -> Policy:
        return FairNAS(paths=5, seed=seed)


class TestReinforce(PolicyContract):
    spaces = ("conditional", "mixed")

    def make(self, seed: int | None) -> Policy:
        return Reinforce(0.05, entropy_weight=0.01, seed=seed)


class TestReinforceWithoutWarmUp(PolicyContract):
    spaces = KINDS

    def make(self, seed: int | None) -> Policy:
        return Reinforce(0.05, delay=0, operation_warm_up=0, width_warm_up=0, seed=seed)


class TestENAS(PolicyContract):
    spaces = ("conditional", "multiset", "permutation", "numbers")

    def make(self, seed: int | None) -> Policy:
        return ENAS(0.05, units=8, seed=seed)


class TestDARTS(PolicyContract):
    spaces = DISCRETE

    def make(self, seed: int | None) -> Policy:
        return DARTS(0.05, seed=seed)


class TestDARTSOfSecondOrder(PolicyContract):
    spaces = SOME

    def make(self, seed: int | None) -> Policy:
        return DARTS(0.05, none={"*": 0}, order=2, seed=seed)


class TestGDAS(PolicyContract):
    spaces = DISCRETE

    def make(self, seed: int | None) -> Policy:
        return GDAS(0.05, seed=seed)


class TestProgressiveShrinking(PolicyContract):
    spaces = KINDS

    def make(self, seed: int | None) -> Policy:
        return ProgressiveShrinking(seed=seed)


class TestProgressiveShrinkingWithDistillation(PolicyContract):
    spaces = SOME

    def make(self, seed: int | None) -> Policy:
        opening = {"kernel": (0.0, 0.1), "depth": (0.1, 0.2), "width": (0.2, 0.3)}
        return ProgressiveShrinking(1, opening, "logits", seed=seed)


CONTRACTS = [cls for cls in PolicyContract.__subclasses__() if cls.__module__ == __name__]


def test_every_public_policy_is_here() -> None:
    public = {
        value
        for value in vars(policies).values()
        if inspect.isclass(value) and issubclass(value, Policy) and not inspect.isabstract(value)
    }
    assert public == {type(cls().make(0)) for cls in CONTRACTS}

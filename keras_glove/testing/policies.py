"""The contract that every policy of weight sharing keeps, as tests to inherit."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from keras_glove.errors import PolicyError
from keras_glove.hyper import DNA, SearchSpace, floatv, forbid, oneof
from keras_glove.testing.spaces import SPACES
from keras_glove.weight_sharing.decisions import Decisions
from keras_glove.weight_sharing.policies import Policy
from keras_glove.weight_sharing.rewards import Reward
from keras_glove.weight_sharing.roles import Role, Roles, order_of
from keras_glove.weight_sharing.search_step import Judgement, Search, SearchStep

__all__ = ["PolicyContract", "Rehearsal"]

LENGTH = 8
"""Steps of a rehearsal."""


class Rehearsal(Search):
    """A search without data or a supernet: what an architecture is worth is a table's sum.

    Args:
      policy: is set up here.
      space: any.
      warm_up: steps before the policy learns.
      seed: of its draws and of the table.

    Attributes:
      traces: how often a step was traced.
    """

    def __init__(
        self, policy: Policy, space: SearchSpace, *, warm_up: int = 0, seed: int = 3
    ) -> None:
        policy.setup(space)
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(0.01, momentum=0.9))
        model.optimizer.build(model.trainable_variables)
        cost = Reward(lambda *_: 0.0, self.value, target=1.0)
        super().__init__(
            model, policy, cost, iter(()), steps=2 * LENGTH, warm_up=warm_up, seed=seed
        )
        self.roles = _roles(space)
        rng = np.random.default_rng(seed)
        self.table = rng.uniform(0.5, 1.5, policy.choices.shape).astype("float32")
        self.traces = 0
        self._initial = [v.numpy().copy() for v in self.variables]
        self._compiled = tf.function(self._step, autograph=False)

    @property
    def variables(self) -> list[Any]:
        """All that a step can change."""
        return [self.number, *self.policy.variables, *self.model.trainable_variables]

    def value(self, decisions: Decisions) -> Any:
        """The mean over decisions of what their values are worth; expected, if relaxed."""
        sizes = self.policy.choices.sizes
        each = [
            ops.sum(decisions.probabilities(place, size) * self.table[place, :size])
            for place, size in enumerate(sizes)
            if size
        ]
        floats = [decisions.number(place) for place, size in enumerate(sizes) if not size]
        return sum([*each, *floats], ops.convert_to_tensor(0.0)) / len(sizes)

    def run(self, steps: int = LENGTH) -> list[Played]:
        """What happened in so many steps more."""
        return [
            Played(*keras.tree.map_structure(np.asarray, self._compiled())) for _ in range(steps)
        ]

    def reset(self) -> None:
        """Makes everything what it was at the beginning."""
        self.set([value.copy() for value in self._initial])

    def set(self, values: Sequence[Any]) -> None:
        """Gives `variables` values."""
        for variable, value in zip(self.variables, values, strict=True):
            variable.assign(value)

    def _step(self) -> Any:
        self.traces += 1
        step = _RehearsalStep(self)
        logs = self.policy.step(step)
        self.number.assign_add(1)
        return logs, step.trained, step.judged


@dataclass(frozen=True)
class Played:
    """One step of a rehearsal.

    Attributes:
      logs: what the policy reported.
      trained, judged: the architectures, as (indices, numbers, rows of weights).
    """

    logs: dict[str, Any]
    trained: list[Any]
    judged: list[Any]


class _RehearsalStep(SearchStep):
    """A step whose model is a table."""

    def __init__(self, search: Rehearsal) -> None:
        data = np.zeros((2, 1), "float32"), np.zeros((2, 1), "float32")
        super().__init__(search, data, data)
        self._rehearsal = search
        self.trained: list[Any] = []
        self.judged: list[Any] = []

    def train(self, decisions: Decisions) -> dict[str, Any]:
        self.trained.append(_plain(decisions))
        return {"loss": ops.convert_to_tensor(0.0)}

    def train_together(
        self, each: Sequence[Decisions], others: Callable[[Decisions], Any] | None = None
    ) -> dict[str, Any]:
        return [self.train(one) for one in each][-1]

    def predict(self, decisions: Decisions, x: Any) -> Any:
        weights = sum(ops.sum(weight) for weight in self.model.trainable_variables)
        return weights + self._rehearsal.value(decisions) + 0.0 * ops.convert_to_tensor(x)

    def judge(self, decisions: Decisions) -> Judgement:
        self.judged.append(_plain(decisions))
        value = self._rehearsal.value(decisions)
        return Judgement(value, value)

    def loss(self, decisions: Decisions, data: Any) -> Any:
        self.judged.append(_plain(decisions))
        return ops.mean(ops.square(self.predict(decisions, data[0]) - 2.0))


def _plain(decisions: Decisions) -> Any:
    weights = {str(place): row for place, row in decisions.weights.items()}
    return decisions.indices, decisions.numbers, weights


_SIZED: tuple[Role, ...] = ("kernel", "depth", "width")


def _roles(space: SearchSpace) -> Roles:
    orders = {point.index: order_of(point) for point in space.points}
    of: dict[int, Role] = {
        point.index: "operation" if orders[point.index] is None else _SIZED[point.index % 3]
        for point in space.points
        if point.kind != "float"
    }
    return Roles(of, {place: order for place, order in orders.items() if order is not None})


class PolicyContract:
    """Tests of any `Policy`; subclass as `Test...` in a file that pytest collects.

    They rehearse a search without data or a supernet, in the graph, on spaces of all kinds.

    Implement `make`, which must give a policy that learns within a few steps, if ever. Leave out
    of `spaces` those that the policy refuses by PolicyError. Needs pytest and TensorFlow.

    >>> from keras_glove.weight_sharing.policies import UniformSampling
    >>> class TestUniformSampling(PolicyContract):
    ...     def make(self, seed):
    ...         return UniformSampling(seed=seed)
    """

    #: Names of `keras_glove.testing.SPACES` to test on.
    spaces: ClassVar[tuple[str, ...]] = tuple(SPACES)

    def make(self, seed: int | None) -> Policy:
        """A new policy with this seed."""
        raise NotImplementedError(f"{type(self).__name__} must implement make(seed).")

    # --- steps -----------------------------------------------------------------------

    def test_architectures_are_valid(self, rehearsal: Rehearsal) -> None:
        """What it trains and judges are architectures of the space, or mixtures of them."""
        choices = rehearsal.policy.choices
        for played in rehearsal.run():
            assert played.trained
            for indices, numbers, weights in [*played.trained, *played.judged]:
                if not weights:  # else the indices say nothing
                    dna = choices.codec.dna(indices, numbers)
                    np.testing.assert_array_equal(choices.codec.arrays(dna)[0], indices)
                for row in weights.values():
                    assert row.min() >= -1e-6
                    np.testing.assert_allclose(row.sum(), 1.0, rtol=1e-4)

    def test_logs_are_finite_scalars(self, rehearsal: Rehearsal) -> None:
        """Fit can show what a step returns; what training gave is in it."""
        for played in rehearsal.run():
            assert "loss" in played.logs
            for value in played.logs.values():
                assert np.shape(value) == ()
                assert np.isfinite(value)

    def test_is_traced_once(self, rehearsal: Rehearsal) -> None:
        """No step makes a graph of its own."""
        rehearsal.run()
        assert rehearsal.traces == 1

    def test_same_seed_same_steps(self, rehearsal: Rehearsal) -> None:
        """Draws depend on the seed and the number of the step alone."""
        first = rehearsal.run()
        rehearsal.reset()
        _same(rehearsal.run(), first)

    def test_nothing_is_learnt_in_warm_up(self, any_space: SearchSpace) -> None:
        """Before the policy is to learn no variable of it changes."""
        rehearsal = Rehearsal(self.make(3), any_space, warm_up=2)
        before = [v.numpy().copy() for v in rehearsal.policy.variables]
        rehearsal.run(2)
        for variable, value in zip(rehearsal.policy.variables, before, strict=True):
            np.testing.assert_array_equal(variable, value, err_msg=variable.name)

    def test_resumed_is_uninterrupted(self, rehearsal: Rehearsal) -> None:
        """State through a file into the policy: the same steps follow."""
        rehearsal.run(3)
        kept = [v.numpy().copy() for v in rehearsal.variables]
        buffer = io.BytesIO()
        state: Any = rehearsal.policy.get_state()
        np.savez(buffer, **state)
        expected = rehearsal.run(3)
        rehearsal.set(kept)
        for variable in rehearsal.policy.variables:
            variable.assign(ops.zeros_like(variable))
        buffer.seek(0)
        rehearsal.policy.set_state(dict(np.load(buffer)))
        _same(rehearsal.run(3), expected)

    # --- what it knows ---------------------------------------------------------------

    def test_knows_probabilities(self, rehearsal: Rehearsal) -> None:
        """Logits have a shape, probabilities sum to one, the best and samples are valid."""
        rehearsal.run(2)
        policy, space = rehearsal.policy, rehearsal.policy.choices.space
        assert tuple(policy.logits().shape) == policy.choices.shape
        names = {point.name for point in space.points if point.kind != "float"}
        assert set(policy.probabilities()) == names
        for row in policy.probabilities().values():
            np.testing.assert_allclose(row.sum(), 1.0, rtol=1e-4)
        space.validate(policy.best())
        drawn = policy.sample(3, seed=1)
        assert drawn == policy.sample(3, seed=1)
        assert all(isinstance(space.validate(dna), DNA) for dna in drawn)

    # --- settings --------------------------------------------------------------------

    def test_config_makes_an_equal_policy(self) -> None:
        """`from_config(get_config())` has the same settings."""
        policy = self.make(7)
        made = type(policy).from_config(policy.get_config())
        assert made.get_config() == policy.get_config()
        assert repr(made) == repr(policy)
        assert repr(policy).startswith(f"{type(policy).__name__}(")

    def test_keeps_to_one_space(self, any_space: SearchSpace) -> None:
        """`setup` again changes nothing, and with another space is refused."""
        policy = self.make(3)
        policy.setup(any_space)
        before = policy.get_state()
        policy.setup(any_space)
        np.testing.assert_equal(policy.get_state(), before)
        with pytest.raises(PolicyError, match="another space"):
            policy.setup(SearchSpace([oneof(list("ab")), oneof(list("abcdefghijk"))]))

    def test_needs_setup(self) -> None:
        """Nothing is known before `setup`."""
        with pytest.raises(PolicyError, match="setup"):
            self.make(3).best()

    def test_state_of_another_is_refused(self, any_space: SearchSpace) -> None:
        """And changes nothing."""
        policy = self.make(3)
        policy.setup(any_space)
        before = policy.get_state()
        with pytest.raises(PolicyError):
            policy.set_state({**before, "0/other": np.zeros(3)})
        np.testing.assert_equal(policy.get_state(), before)

    @pytest.mark.parametrize("seed", [-1, 0.5, True, "1"])
    def test_seed_is_a_whole_number(self, seed: Any) -> None:
        """Anything else is refused."""
        with pytest.raises(PolicyError, match="seed"):
            self.make(seed)

    @pytest.mark.parametrize("kind", ["empty", "constrained", "float"])
    def test_impossible_spaces_are_refused(self, kind: str) -> None:
        """By a PolicyError at setup, before anything is trained."""
        policy = self.make(3)
        if kind == "float" and not policy.relaxes:
            policy.setup(_IMPOSSIBLE[kind]())
            return
        with pytest.raises(PolicyError):
            policy.setup(_IMPOSSIBLE[kind]())

    # --- fixtures --------------------------------------------------------------------

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Runs each test that takes `rehearsal` on every space of the table."""
        if "space_name" in metafunc.fixturenames:
            metafunc.parametrize("space_name", self.spaces)

    @pytest.fixture
    def any_space(self) -> SearchSpace:
        """One space, where more would show nothing new."""
        return _space(self.spaces[0])

    @pytest.fixture
    def rehearsal(self, space_name: str) -> Rehearsal:
        """A search on each space in turn, at its beginning; its graph is made once."""
        rehearsal = _rehearsal(type(self), space_name)
        rehearsal.reset()
        return rehearsal


_IMPOSSIBLE: dict[str, Callable[[], SearchSpace]] = {
    "empty": lambda: SearchSpace({"width": 8}),
    "constrained": lambda: SearchSpace.of_points(
        SearchSpace([oneof([1, 2], name="a"), oneof([1, 2], name="b")]).points,
        [forbid(a=1, b=2)],
    ),
    "float": lambda: SearchSpace([floatv(0.0, 1.0), oneof([1, 2])]),
}


@functools.cache
def _space(name: str) -> SearchSpace:
    return SearchSpace(SPACES[name]())


def _rehearsal(contract: type[PolicyContract], name: str) -> Rehearsal:
    key = f"{contract.__module__}.{contract.__qualname__}", name
    if key not in _REHEARSALS:
        _REHEARSALS[key] = Rehearsal(contract().make(3), _space(name))
    return _REHEARSALS[key]


_REHEARSALS: dict[tuple[str, str], Rehearsal] = {}


def _same(first: Sequence[Played], second: Sequence[Played]) -> None:
    for one, other in zip(first, second, strict=True):
        np.testing.assert_equal(one.trained, other.trained)
        np.testing.assert_equal(one.logs, other.logs)

"""What a step of each policy trains: which architectures, in one update, and nothing else."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

import keras_glove as kg
from keras_glove import layers
from keras_glove.errors import PolicyError
from keras_glove.hyper import SearchSpace, floatv, manyof, oneof
from keras_glove.testing.policies import Rehearsal
from keras_glove.weight_sharing.decisions import Decisions
from keras_glove.weight_sharing.policies import (
    DARTS,
    FairNAS,
    Policy,
    ProgressiveShrinking,
    Reinforce,
    UniformSampling,
)
from keras_glove.weight_sharing.rewards import Reward
from keras_glove.weight_sharing.roles import roles_of
from keras_glove.weight_sharing.search_step import Search, SearchStep
from keras_glove.weight_sharing.supernet import sharing_of

X = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
Y = np.random.default_rng(1).normal(size=(8, 2)).astype("float32")


class Net(kg.Model):
    def __init__(self, block: Any, width: Any, tower: Any) -> None:
        super().__init__()
        self.block = block
        self.hidden = layers.Dense(width)
        self.tower = tower
        self.head = layers.Dense(2)

    def call(self, x: Any) -> Any:
        return self.head(self.tower(self.hidden(self.block(x))))


class OwnStep(Net):
    """A train step as in the guides of Keras."""

    def train_step(self, data: Any) -> dict[str, Any]:
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(x, y, self(x, training=True))
        weights = self.trainable_weights
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return {"own": loss}


class NoStep(Net):
    """A train step that never calls the optimizer."""

    def train_step(self, data: Any) -> dict[str, Any]:
        return {"own": self.compute_loss(data[0], data[1], self(data[0]))}


def net(cls: type[Net] = Net, optimizer: Any = None) -> Any:
    keras.utils.set_random_seed(1)
    branches = [layers.Dense(4, name=f"branch{i}") for i in range(3)]
    width, depth = kg.oneof([8, 2, 4], name="width"), kg.intv(1, 3, name="depth")
    tower = layers.Repeat(layers.Dense(width, activation="tanh"), depth)
    model = cls(kg.oneof(branches, name="block"), width, tower)
    model.compile(optimizer or keras.optimizers.SGD(0.1, momentum=0.9), "mse", run_eagerly=True)
    model(X)
    model.optimizer.build(model.trainable_variables)
    return model


def step_of(model: Any, policy: Policy, number: int = 0, **reward: Any) -> SearchStep:
    policy.setup(sharing_of(model).space)
    search = Search(model, policy, Reward(lambda *_: 0.0, **reward), iter(()), steps=16)
    search.number.assign(number)
    return SearchStep(search, (X, Y), (X, Y))


def decided(model: Any, **values: int) -> Decisions:
    names = [point.name for point in sharing_of(model).space.points]
    indices = np.array([values[name] for name in names], "int32")
    return Decisions(ops.convert_to_tensor(indices), ops.zeros(len(names)))


# --- several architectures in one update ------------------------------------------


@pytest.mark.parametrize("cls", [Net, OwnStep])
def test_gradients_of_several_architectures_are_summed_up(cls: type[Net]) -> None:
    model = net(cls, keras.optimizers.SGD(0.1))
    each = [
        decided(model, block=0, width=1, depth=0),
        decided(model, block=2, width=2, depth=1),
    ]
    step = step_of(model, UniformSampling())
    before = {v.path: v.numpy() for v in model.trainable_variables}
    sums: dict[str, Any] = dict.fromkeys(before, 0.0)
    for decisions in each:
        found = step.gradients(
            lambda decisions=decisions: step.loss(decisions, step.data), model.trainable_variables
        )[1]
        for variable, gradient in zip(model.trainable_variables, found, strict=True):
            sums[variable.path] = sums[variable.path] + ops.convert_to_numpy(gradient)
    logs = step.train_together(each)
    assert ("own" in logs) is (cls is OwnStep)
    for variable in model.trainable_variables:
        expected = before[variable.path] - 0.1 * sums[variable.path]
        np.testing.assert_allclose(variable, expected, rtol=1e-4, atol=1e-6)


def test_what_none_of_them_uses_is_left_alone() -> None:
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9, weight_decay=0.1)
    model = net(optimizer=optimizer)
    step = step_of(model, UniformSampling())
    for block in range(3):
        step.train(decided(model, block=block, width=0, depth=2))  # now no slot is zero
    before = {v.path: v.numpy() for v in (*model.trainable_variables, *optimizer.variables)}
    step.train_together(
        [decided(model, block=0, width=1, depth=0), decided(model, block=2, width=2, depth=1)]
    )
    after = {v.path: v.numpy() for v in (*model.trainable_variables, *optimizer.variables)}
    moved = {path: before[path] != after[path] for path in before}
    names = {v.path for v in model.block.branches[1].variables}
    assert names
    for path in names:
        assert not moved[path].any()
    for path in (v.path for v in model.block.branches[2].variables):
        assert moved[path].any()
    kernel = moved[model.hidden.kernel.path]
    assert kernel[:, :4].any() and not kernel[:, 4:].any()  # the widths were 2 and 4 of 8


def test_a_train_step_that_updates_nothing_is_told() -> None:
    model = net(NoStep)
    step = step_of(model, FairNAS())
    with pytest.raises(PolicyError, match="once"):
        step.train_together([decided(model, block=b, width=0, depth=0) for b in range(2)])


# --- FairNAS -----------------------------------------------------------------------


def test_each_candidate_is_used_equally_often() -> None:
    space = SearchSpace({"a": oneof(list("abcd")), "b": oneof([1, 2]), "c": oneof(list("xyz"))})
    policy = FairNAS(seed=1)
    rehearsal = Rehearsal(policy, space)
    steps = rehearsal.run(6)
    for played in steps:
        rows = np.stack([indices for indices, *_ in played.trained])
        assert len(rows) == 4
        assert sorted(rows[:, 0]) == [0, 1, 2, 3]
        assert sorted(rows[:, 1]) == [0, 0, 1, 1]
        assert sorted(set(rows[:, 2])) == [0, 1, 2]
    assert len({tuple(played.trained[0][0]) for played in steps}) > 2


def test_slots_of_a_manyof_are_fair() -> None:
    rehearsal = Rehearsal(FairNAS(seed=1), SearchSpace(manyof(2, list("abcd"))))
    for played in rehearsal.run(4):
        rows = np.stack([indices for indices, *_ in played.trained])
        assert [sorted(column) for column in rows.T] == [[0, 1, 2, 3]] * 2


def test_too_many_paths_are_refused() -> None:
    with pytest.raises(PolicyError, match="paths"):
        FairNAS(paths=65)
    with pytest.raises(PolicyError, match="paths"):
        FairNAS().setup(SearchSpace([oneof(list(range(80)))]))


# --- SPOS --------------------------------------------------------------------------


def test_costs_are_kept_in_the_range() -> None:
    space = SearchSpace([oneof(list("abcdefgh")) for _ in range(4)])
    rehearsal = Rehearsal(UniformSampling((0.95, 1.0), parts=2, seed=3), space)
    costs = [float(played.logs["cost"]) for played in rehearsal.run(30)]
    assert all(0.95 <= cost <= 1.0 for cost in costs)
    assert min(costs) < 0.975 < max(costs)


def test_a_range_needs_a_cost() -> None:
    model = net()
    policy = UniformSampling((1, 2))
    step = step_of(model, policy)
    with pytest.raises(PolicyError, match="cost"):
        policy.step(step)


# --- warm-up -----------------------------------------------------------------------


def test_operations_are_averaged_in_warm_up() -> None:
    model = net()
    policy = Reinforce(seed=3)
    step = step_of(model, policy, number=0)  # the chance is 1
    draw, trained, counted = policy._drawn(step)
    names = [point.name for point in sharing_of(model).space.points]
    np.testing.assert_allclose(trained.weights[names.index("block")], 1 / 3, rtol=1e-6)
    assert not np.asarray(counted)[names.index("block")]
    assert not np.asarray(counted)[names.index("width")]
    largest = draw.decisions.indices[names.index("width")]
    assert int(largest) == 0  # of 8, 2 and 4
    mixed = step.predict(trained, X)
    alone = [
        step.predict(
            decided(model, block=i, width=0, depth=int(trained.indices[names.index("depth")])), X
        )
        for i in range(3)
    ]
    assert np.abs(np.asarray(mixed) - np.asarray(alone[0])).max() > 1e-3
    one = Decisions(trained.indices, trained.numbers, {0: np.eye(3, dtype="float32")[1]}, "any")
    if names[0] == "block":
        indices = ops.convert_to_tensor(np.array([1, *np.asarray(trained.indices)[1:]], "int32"))
        one = Decisions(indices, trained.numbers, one.weights, "any")
        np.testing.assert_allclose(step.predict(one, X), alone[1], rtol=1e-5)


def test_after_warm_up_nothing_is_replaced() -> None:
    model = net()
    policy = Reinforce(seed=3)
    step = step_of(model, policy, number=4)  # of 16
    draw, trained, counted = policy._drawn(step)
    np.testing.assert_array_equal(draw.decisions.indices, trained.indices)
    np.testing.assert_array_equal(counted, draw.active)
    assert all(row.numpy().max() == 1 for row in trained.weights.values())
    before = [v.numpy() for v in model.block.branches[0].variables]
    chosen = int(trained.indices[0])
    step.train(trained)
    changed = [
        any((v.numpy() != b).any() for v, b in zip(branch.variables, before, strict=True))
        for branch, before in zip(model.block.branches, [before], strict=False)
    ]
    assert changed == [chosen == 0]


# --- progressive shrinking ---------------------------------------------------------


def test_roles_are_read_off_the_model() -> None:
    model = net()
    roles = roles_of(model)
    names = {p.index: p.name for p in sharing_of(model).space.points}
    assert {names[place]: role for place, role in roles.of.items()} == {
        "block": "operation",
        "width": "width",
        "depth": "depth",
    }
    assert {names[place]: order for place, order in roles.order.items()} == {
        "width": (1, 2, 0),
        "depth": (0, 1, 2),
    }


@pytest.mark.parametrize(
    ("number", "widths", "depths"),
    [(0, {0}, {2}), (9, {0}, {0, 1, 2}), (15, {0, 1, 2}, {0, 1, 2})],
)
def test_sizes_open_in_turn(number: int, widths: set[int], depths: set[int]) -> None:
    model = net()
    policy = ProgressiveShrinking(drawn=24, seed=1)
    step = step_of(model, policy, number=number)
    names = [point.name for point in sharing_of(model).space.points]
    each = [np.asarray(decisions.indices) for decisions in policy.sandwich(step)]
    seen = {name: {int(row[place]) for row in each} for place, name in enumerate(names)}
    assert seen["width"] == widths
    assert seen["depth"] == depths
    assert seen["block"] == {0, 1, 2}
    order = (1, 2, 0)  # the widths 8, 2, 4 by size
    smallest = next(index for index in order if index in widths)
    largest, least = each[0], each[1]
    assert (largest[names.index("width")], largest[names.index("depth")]) == (0, 2)
    assert (least[names.index("width")], least[names.index("depth")]) == (smallest, min(depths))


@pytest.mark.parametrize("distillation", [None, "logits"])
def test_a_step_of_shrinking_trains(distillation: str | None) -> None:
    model = net()
    policy = ProgressiveShrinking(distillation=distillation, seed=1)
    step = step_of(model, policy, number=15)
    before = model.head.kernel.numpy()
    assert "loss" in policy.step(step)
    assert (model.head.kernel.numpy() != before).any()
    assert int(model.optimizer.iterations) == 1


# --- refusals ----------------------------------------------------------------------


def test_second_order_refuses_other_optimizers_and_train_steps() -> None:
    for model in (net(optimizer=keras.optimizers.Adam()), net(OwnStep)):
        policy = DARTS(order=2)
        step = step_of(model, policy)
        with pytest.raises(PolicyError, match="order"):
            policy.step(step)


def test_first_order_takes_a_train_step_of_ones_own() -> None:
    model = net(OwnStep)
    policy = DARTS(0.1, seed=1)
    step = step_of(model, policy)
    before = policy._own.numpy()
    assert "own" in policy.step(step)
    assert (policy._own.numpy() != before).any()


def test_shrinking_needs_sizes_and_a_known_loss() -> None:
    model = net(OwnStep)
    policy = ProgressiveShrinking(distillation="logits")
    step = step_of(model, policy)
    with pytest.raises(PolicyError, match="train_step"):
        policy.step(step)
    rehearsal = Rehearsal(ProgressiveShrinking(), SearchSpace([oneof(["conv", "pool"])]))
    with pytest.raises(PolicyError, match="widths"):
        rehearsal.run(1)


def test_floats_have_no_gradient() -> None:
    with pytest.raises(PolicyError, match="float"):
        DARTS().setup(SearchSpace([floatv(0.0, 0.5, name="rate")]))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Reinforce(delay=0.1), "warm-up"),
        (lambda: Reinforce(learning_rate=0), "above 0"),
        (lambda: DARTS(order=3), "order"),
        (lambda: DARTS(cost="guessed"), "cost"),
        (lambda: UniformSampling((3, 1)), "cost_range"),
        (lambda: ProgressiveShrinking(opening={"colour": (0, 0)}), "opening"),
        (lambda: ProgressiveShrinking(distillation="feelings"), "distillation"),
    ],
)
def test_impossible_settings_are_refused(make: Any, message: str) -> None:
    with pytest.raises(PolicyError, match=message):
        make()


def test_none_is_never_taken() -> None:
    policy = DARTS(none={"edges*": 0}, seed=1)
    policy.setup(SearchSpace({"edges": [oneof(["none", "conv"]), oneof(["none"])]}))
    policy._own.assign([[5.0, 0.0], [0.0, 0.0]])
    assert policy.best().values == (1, 0)
    with pytest.raises(PolicyError, match="none"):
        DARTS(none={"nodes": 0}).setup(SearchSpace([oneof([1, 2], name="edge")]))

"""How supernets are made, set, trained, scored, saved and refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

import keras_glove as kg
from keras_glove import DNA, layers, weight_sharing
from keras_glove.errors import DNAError, NotShareableError
from keras_glove.hyper.custom import CustomValue
from keras_glove.symbolic import register_node_kind
from keras_glove.weight_sharing.cost import multiply_adds
from keras_glove.weight_sharing.decisions import Decisions
from keras_glove.weight_sharing.models import supernet
from keras_glove.weight_sharing.supernet import sharing_of


class Net(kg.Model):
    """A width, a choice of layers, and one between two of equal shape."""

    def __init__(self, width: Any, op: Any, classes: int = 3) -> None:
        super().__init__()
        self.stem = layers.Conv2D(width, 3, padding="same")
        self.norm = layers.BatchNormalization()
        self.op = op
        self.pool = layers.GlobalAveragePooling2D()
        self.head = layers.Dense(classes)

    def call(self, x: Any, training: bool | None = None) -> Any:
        x = ops.relu(self.norm(self.stem(x), training=training))
        return self.head(self.pool(self.op(x)))


def net(cls: Any = Net) -> Any:
    width = kg.oneof([4, 8], name="width")
    op = kg.oneof(
        [layers.Conv2D(width, 3, padding="same"), layers.MaxPooling2D(2, 1, padding="same")],
        name="op",
    )
    return cls(width, op)


X = np.random.default_rng(0).normal(size=(16, 6, 6, 2)).astype("float32")
Y = np.random.default_rng(1).integers(0, 3, size=16)
LOSS = "sparse_categorical_crossentropy"


def compiled(model: Any = None, **options: Any) -> Any:
    model = net() if model is None else model
    model.compile(
        keras.optimizers.SGD(0.05, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        **options,
    )
    return model


def test_a_class_called_with_open_values_is_a_supernet_of_that_class() -> None:
    model = net()
    assert isinstance(model, Net) and isinstance(model, keras.Model)
    assert [point.name for point in kg.SearchSpace(model).points] == ["op", "width"]
    assert kg.program(model).width.candidates == (4, 8)


def test_a_program_builds_no_supernet() -> None:
    program = kg.program(Net, width=kg.oneof([4, 8]), op=layers.Identity())
    assert type(program).__name__ == "Program"


def test_sequential_and_functional_models_are_supernets() -> None:
    sequential = kg.Sequential([layers.Dense(kg.oneof([2, 4])), layers.Dense(1)])
    assert isinstance(sequential, keras.Sequential)

    def build(width: Any) -> Any:
        x = keras.Input((3,))
        return keras.Model(x, layers.Dense(1)(layers.Dense(width, activation="relu")(x)))

    functional = supernet(build, width=kg.oneof([2, 4]))
    x = keras.Input((3,))
    graph = supernet(
        kg.Model(x, layers.Dense(1)(kg.oneof([layers.Dense(4), layers.Identity()])(x)))
    )
    rows = np.ones((2, 3), "float32")
    for model in (sequential, functional, graph):
        model(rows)
        for dna in kg.SearchSpace(model):
            model.decide(dna)
            np.testing.assert_allclose(model(rows), model.child(dna)(rows), atol=1e-6)


def test_search_takes_a_supernet_for_its_space() -> None:
    model = net()
    result = kg.search(model, lambda child: float(child.stem.filters), num_trials=3, seed=0)
    assert {trial.reward for trial in result.trials} <= {4.0, 8.0}


class Counting(Net):
    """Counts how often it is traced."""

    traces = 0

    def train_step(self, data: Any) -> Any:
        type(self).traces += 1
        return super().train_step(data)

    def test_step(self, data: Any) -> Any:
        type(self).traces += 1
        return super().test_step(data)


def test_one_trace_serves_all_architectures() -> None:
    Counting.traces = 0
    model = compiled(net(Counting))
    model.fit(X, Y, batch_size=8, verbose=0)
    model.evaluate(X, Y, batch_size=8, verbose=0)
    traces = Counting.traces
    for dna in kg.SearchSpace(model):
        model.decide(dna)
        model.fit(X, Y, batch_size=8, verbose=0)
        model.evaluate(X, Y, batch_size=8, verbose=0)
    assert Counting.traces == traces


@pytest.mark.parametrize("steps", [1, 2])
def test_decisions_are_drawn_in_the_graph(steps: int) -> None:
    class Sampled(Net):
        def train_step(self, data: Any) -> Any:
            drawn = tf.random.uniform((2,), maxval=2, dtype="int32")
            self.drawn.assign_add(tf.one_hot(drawn[0] * 2 + drawn[1], 4))
            with sharing_of(self).given(Decisions(drawn)):
                return super().train_step(data)

    width = kg.oneof([4, 8])
    model = Sampled(width, kg.oneof([layers.Conv2D(width, 1), layers.Identity()]))
    model.drawn = tf.Variable(tf.zeros(4))
    model.compile(
        "sgd",
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        steps_per_execution=steps,
    )
    model.fit(X, Y, batch_size=2, epochs=3, verbose=0)
    assert (model.drawn.numpy() > 0).sum() >= 3 and model.drawn.numpy().sum() == 24


def test_relaxed_decisions_mix_all_candidates_and_carry_gradients() -> None:
    model = kg.Sequential(
        [
            kg.oneof([layers.Dense(4), layers.Dense(4, activation="tanh"), layers.Identity()]),
            layers.Dense(2),
        ]
    )
    x = np.ones((2, 4), "float32")
    model(x)
    logits = tf.Variable([0.1, 0.2, -0.3])
    with tf.GradientTape() as tape:
        weights = tf.nn.softmax(logits)
        with sharing_of(model).given(Decisions(np.zeros(1, "int32"), weights={0: weights})):
            mixed = model(x)
    switch, head = model.layers
    expected = head(
        sum(w * branch(x) for w, branch in zip(weights.numpy(), switch.branches, strict=True))
    )
    np.testing.assert_allclose(mixed, expected, rtol=1e-5)
    assert np.abs(tape.gradient(mixed, logits)).max() > 0


def test_a_relaxed_width_is_the_mixture_of_the_next_layers_results() -> None:
    model = kg.Sequential([layers.Dense(kg.oneof([2, 4]), activation="relu"), layers.Dense(3)])
    x = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    model(x)
    each = []
    for dna in kg.SearchSpace(model):
        model.decide(dna)
        each.append(np.asarray(model(x)))
    relaxed = Decisions(np.zeros(1, "int32"), weights={0: np.array([0.3, 0.7], "float32")})
    with sharing_of(model).given(relaxed):
        np.testing.assert_allclose(model(x), 0.3 * each[0] + 0.7 * each[1], atol=1e-6)


def test_a_straight_through_choice_runs_one_branch_and_has_a_gradient_for_all() -> None:
    model = kg.Sequential(
        [kg.oneof([layers.Dense(4), layers.Dense(4, activation="tanh")]), layers.Dense(2)]
    )
    x = np.ones((2, 4), "float32")
    logits = tf.Variable([0.0, 1.0])
    model.decide(DNA((1,)))
    plain = model(x)
    with tf.GradientTape() as tape:
        soft = tf.nn.softmax(logits)
        hard = tf.one_hot(1, 2) - tf.stop_gradient(soft) + soft
        given = Decisions(np.array([1], "int32"), weights={0: hard}, mixing="chosen")
        with sharing_of(model).given(given):
            result = model(x)
    np.testing.assert_allclose(result, plain, rtol=1e-5)
    assert np.abs(tape.gradient(result, logits)).max() > 0


def test_scores_are_those_of_the_child_on_the_batch_statistics() -> None:
    Counting.traces = 0
    model = compiled(net(Counting))
    model.fit(X, Y, batch_size=16, verbose=0)
    before = [v.numpy().copy() for v in model.variables]
    dnas = list(kg.SearchSpace(model))
    scores = model.evaluate_dna(dnas, (X, Y), recalibrate=1, batch_size=16)
    for variable, value in zip(model.variables, before, strict=True):
        if "seed" not in variable.path:
            np.testing.assert_array_equal(variable.numpy(), value)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    for dna, score in zip(dnas, scores, strict=True):
        expected = loss(Y, model.child(dna)(X, training=True))
        np.testing.assert_allclose(score["loss"], expected, rtol=2e-2)  # variance is unbiased
    traces = Counting.traces
    plain = model.evaluate_dna(dnas, (X, Y), batch_size=16)
    assert plain != scores and Counting.traces == traces


def test_a_loaded_supernet_has_the_same_children(tmp_path: Path) -> None:
    sequential = kg.Sequential(
        [
            layers.Dense(kg.oneof([2, 4])),
            kg.oneof([layers.Dense(4), layers.Identity()]),
            layers.Dense(1),
        ]
    )
    rows = np.ones((2, 3), "float32")
    for model, x in ((compiled(), X), (sequential, rows)):
        model(x)
        if model.compiled:
            model.fit(X, Y, verbose=0)
        model.save(tmp_path / "model.keras")
        loaded = keras.models.load_model(tmp_path / "model.keras")
        for dna in kg.SearchSpace(model):
            np.testing.assert_array_equal(model.child(dna)(x), loaded.child(dna)(x))


def test_a_child_without_inheritance_is_made_anew() -> None:
    model = net()
    child = model.child(DNA((0, 1)), inherit=False)
    assert not child.built and child.stem.filters == 8
    with pytest.raises(NotShareableError, match="built"):
        model.child(DNA((1, 0)))
    with pytest.raises(DNAError):
        model.decide(DNA((5, 0)))


@register_node_kind
class Letters(CustomValue):
    """A decision that is a text."""

    def first(self) -> str:
        return "a"

    def draw(self, rng: Any) -> str:
        return "a"

    def mutate(self, text: str, rng: Any) -> str:
        return text + "a"

    def decode(self, text: str) -> str:
        return text

    def encode(self, concrete: Any) -> str | None:
        return concrete if isinstance(concrete, str) else None


class Deep(kg.Model):
    def __init__(self, depth: Any) -> None:
        super().__init__()
        self.parts = [layers.Dense(4) for _ in range(depth)]


class Asks(kg.Model):
    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.part = layers.Dense(4) if kind == "dense" else layers.Identity()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Deep(kg.intv(1, 3)), "at `depth`.*Repeat"),
        (lambda: Asks(kg.oneof(["dense", "none"])), "at `kind`.*kg.program"),
        (
            lambda: kg.Sequential(
                [
                    layers.Dense(4, kernel_initializer=keras.initializers.Zeros()),
                    layers.Dense(4, kernel_regularizer=kg.regularizers.L2(kg.floatv(0.1, 0.2))),
                ]
            ),
            "L2",
        ),
        (lambda: kg.Sequential([layers.Conv2D(4, (kg.oneof([1, 3]), 3))]), "kernel_size"),
        (lambda: kg.Sequential([kg.oneof([layers.Dense(4), "relu"])]), "candidate 1"),
        (lambda: Asks(Letters()), "a choice or a number"),
    ],
)
def test_what_cannot_be_shared_is_refused_when_it_is_made(make: Any, said: str) -> None:
    with pytest.raises(NotShareableError, match=said):
        make()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: kg.Sequential([layers.Conv2D(4, kg.oneof([1, 3]))]), "same"),
        (lambda: kg.Sequential([kg.oneof([layers.Conv2D(4, 3), layers.Flatten()])]), "one shape"),
        (lambda: kg.Sequential([layers.Conv2D(4, 3, strides=kg.oneof([1, 2]))]), "one shape"),
        (
            lambda: kg.Sequential(
                [layers.Conv2D(kg.oneof([4, 6]), 3), layers.Conv2D(4, 3, groups=2)]
            ),
            "groups",
        ),
        (lambda: kg.Sequential([layers.Dense(kg.oneof([4, 6]), activation="softmax")]), "softmax"),
        (
            lambda: kg.Sequential([layers.Dense(kg.oneof([4, 6])), layers.Lambda(lambda x: x)]),
            "known to work",
        ),
    ],
)
def test_what_cannot_be_shared_is_refused_when_it_is_called(make: Any, said: str) -> None:
    with pytest.raises(NotShareableError, match=said):
        make()(X)


def test_verify_compares_numbers() -> None:
    model = kg.Sequential([layers.Dense(kg.oneof([4, 8])), layers.Dense(2)])
    rows = np.ones((2, 3), "float32")
    model(rows)
    model.verify(list(kg.SearchSpace(model)), rows)
    with pytest.raises(NotShareableError, match="differ"):
        model.verify([DNA((0,))], rows, tolerance=-1.0)


def test_decisions_of_several_choices_are_distinct_and_sorted() -> None:
    model = kg.Sequential(
        kg.manyof(
            2, [layers.Dense(3), layers.Dense(3, activation="tanh"), layers.Identity()], sorted=True
        )
    )
    model(np.ones((2, 3), "float32"))
    assert len(list(kg.SearchSpace(model))) == 3
    for wrong in ((0, 0), (2, 0)):
        with pytest.raises(DNAError):
            model.decide(DNA(wrong))
        with pytest.raises(DNAError):
            model.child(DNA(wrong))


def test_what_is_inside_a_closed_branch_counts_for_nothing() -> None:
    inner = layers.Dense(kg.oneof([2, 4], name="inner"))
    model = kg.Sequential([kg.oneof([layers.Dense(4), inner], name="outer"), layers.Dense(2)])
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    model(x)
    sharing = sharing_of(model)
    outer, inside = (
        [point.name for point in sharing.space.points].index(name) for name in ("outer", "inner")
    )
    formula = multiply_adds(model)
    found = []
    for value in (0, 1):
        indices = np.zeros(2, "int32")
        indices[outer], indices[inside] = 0, value
        decisions = Decisions(indices)
        with sharing.given(decisions), tf.GradientTape() as tape:
            loss = tf.reduce_sum(model(x) ** 2)
        closed = model.layers[0].branches[1].kernel
        gradient = tape.gradient(loss, closed.value)
        assert gradient is None or not np.abs(gradient).max()
        found.append((float(loss), float(formula.tensor(decisions))))
    assert found[0] == found[1]


def test_only_the_public_part_of_keras_is_imported() -> None:
    room = Path(weight_sharing.__file__).parent
    private = [path.name for path in room.rglob("*.py") if "keras.src" in path.read_text()]
    assert private == []


@pytest.mark.parametrize(
    ("options", "shared"),
    [
        ({"strides": kg.oneof([1, 2])}, [True, True]),
        ({"dilation_rate": kg.oneof([1, 2])}, [True, True]),
        ({"strides": kg.oneof([1, 2], share="none")}, [False, False]),
        ({"groups": kg.oneof([1, 2])}, [False, True]),
    ],
)
def test_variants_hold_one_set_of_the_weights_of_equal_shapes(options: Any, shared: Any) -> None:
    model = kg.Sequential([layers.Conv1D(4, 3, padding="same", **options)])
    model(np.ones((2, 8, 2), "float32"))
    one, two = model.layers[0].branches
    assert [one.kernel is two.kernel, one.bias is two.bias] == shared

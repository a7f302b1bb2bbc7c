"""Every class of `keras.layers`, symbolic: nothing is lost, and spaces of it work."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import keras_glove as kg
from keras_glove.errors import ArgumentError
from keras_glove.hyper import Template
from keras_glove.symbolic import Program, SymbolicConstructor
from tests.live.table import ADAPTERS, CASES, PLAIN, Case, examples, model_of

PUBLIC = {name: value for name, value in vars(keras.layers).items() if isinstance(value, type)}

every = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
every_to_build = pytest.mark.parametrize(
    "case", [c for c in CASES if c.name not in ADAPTERS], ids=lambda case: case.name
)
every_to_call = pytest.mark.parametrize(
    "case", [c for c in CASES if c.example is not None], ids=lambda case: case.name
)


def made(case: Case) -> Any:
    """The layer of a case, by its symbolic constructor."""
    return getattr(kg.layers, case.name)(**kg.build(case.arguments))


def space(case: Case) -> Any:
    """The program of a case, one argument open."""
    arguments = {**case.arguments, case.opened: kg.oneof(case.candidates)}
    return getattr(kg.layers, case.name)(**arguments)


def assert_same(expected: Any, received: Any) -> None:
    for left, right in zip(keras.tree.flatten(expected), keras.tree.flatten(received), strict=True):
        np.testing.assert_allclose(np.asarray(left), np.asarray(right), rtol=1e-6, atol=1e-6)


def test_every_public_layer_is_in_the_table() -> None:
    listed = {getattr(keras.layers, name) for name in PLAIN | {case.name for case in CASES}}
    assert set(PUBLIC.values()) - listed == set()


def test_every_name_of_keras_is_there() -> None:
    names = {n for n in vars(keras.layers) if not n.startswith("_")}
    assert names == {*kg.layers.__all__} - {"Repeat"}  # the one addition
    assert all(isinstance(getattr(kg.layers, n), SymbolicConstructor) for n in {*PUBLIC} - PLAIN)


@every_to_build
def test_concrete_call_gives_the_layer_of_keras_and_remembers_its_program(case: Case) -> None:
    layer = made(case)
    cls = getattr(keras.layers, case.name)
    assert type(layer) is cls
    assert kg.program(layer) == kg.program(cls, **case.arguments)
    assert not [name for name in vars(layer) if "program" in name or "sym" in name]


@every
def test_open_call_gives_a_space_of_layers(case: Case) -> None:
    program = space(case)
    assert isinstance(program, Program)
    template = Template(program)
    assert template.space.size == 2
    assert kg.from_json(json.loads(json.dumps(kg.to_json(program)))) == program
    assert kg.clone(program) == program
    for dna in template.space:
        child = template.materialize(dna)
        assert template.encode(child) == dna
        if case.name not in ADAPTERS:
            layer = kg.build(child)
            assert type(layer) is getattr(keras.layers, case.name)
            assert kg.program(layer) == child


@every
def test_unknown_keyword_is_refused_when_the_space_is_written(case: Case) -> None:
    with pytest.raises(ArgumentError, match="no_such_argument"):
        getattr(kg.layers, case.name)(
            **{**case.arguments, case.opened: kg.oneof(case.candidates)}, no_such_argument=1
        )


@every_to_call
def test_lives_as_any_layer_of_keras(case: Case, tmp_path: Path) -> None:
    data = examples(case)
    layer = case.within(made(case))
    model = model_of(layer, data)
    expected = model(data, training=False)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert type(loaded.layers[-1]) is type(layer)
    assert_same(expected, loaded(data, training=False))
    model.save_weights(tmp_path / "model.weights.h5")
    twin = keras.models.clone_model(model)
    twin.load_weights(tmp_path / "model.weights.h5")
    assert_same(expected, twin(data, training=False))


@every_to_build
def test_config_pickle_and_copies(case: Case) -> None:
    layer = made(case)
    for other in (
        type(layer).from_config(layer.get_config()),
        pickle.loads(pickle.dumps(layer)),
        copy.deepcopy(layer),
    ):
        assert type(other) is type(layer) and other is not layer
        assert other.get_config().keys() == layer.get_config().keys()


@every_to_call
def test_described_from_keras_alone(case: Case) -> None:
    """A layer that Keras made, without record, in a space: children compute the same."""
    data = examples(case)
    plain = getattr(keras.layers, case.name)(**kg.build(case.arguments))
    child = kg.build(kg.materialize([plain, kg.oneof([1])], kg.DNA((0,))))[0]
    assert type(child) is type(plain) and child is not plain
    model, twin = model_of(case.within(plain), data), model_of(case.within(child), data)
    twin.set_weights(model.get_weights())
    assert_same(model(data, training=False), twin(data, training=False))


@every
def test_signature_and_documentation_are_those_of_keras(case: Case) -> None:
    symbolic, cls = getattr(kg.layers, case.name), getattr(keras.layers, case.name)
    assert inspect.signature(symbolic) == inspect.signature(cls)
    assert symbolic.__doc__ == cls.__doc__ and symbolic.__name__ == cls.__name__
    assert pickle.loads(pickle.dumps(symbolic)) == symbolic

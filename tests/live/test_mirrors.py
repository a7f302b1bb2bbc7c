"""The other modules of Keras, symbolic: optimizers, losses, metrics and the like."""

from __future__ import annotations

import inspect
import json
from types import FunctionType, ModuleType
from typing import Any

import keras
import numpy as np
import pytest

import keras_glove as kg
from keras_glove import layers
from keras_glove.hyper import Template
from keras_glove.symbolic import Program, SymbolicConstructor

MODULES = {
    "optimizers": keras.optimizers,
    "optimizers.schedules": keras.optimizers.schedules,
    "losses": keras.losses,
    "metrics": keras.metrics,
    "regularizers": keras.regularizers,
    "initializers": keras.initializers,
    "constraints": keras.constraints,
    "ops": keras.ops,
}

# What their classes cannot do without.
REQUIRED: dict[str, Any] = {
    "class_id": 0,
    "num_classes": 2,
    "target_class_ids": [0],
    "inner_optimizer": kg.program(keras.optimizers.SGD),
    "fn": keras.losses.mean_squared_error,
    "initial_learning_rate": 0.1,
    "decay_steps": 10,
    "decay_rate": 0.5,
    "first_decay_steps": 10,
    "boundaries": [10],
    "values": [0.1, 0.01],
    "p": 1.0,
    "recall": 0.5,
    "precision": 0.5,
    "sensitivity": 0.5,
    "specificity": 0.5,
    "stddev": 0.1,
    "fft_length": 8,
}
if hasattr(keras.optimizers, "OptimizerMap"):  # in newer versions
    REQUIRED["default_optimizer"] = kg.program(keras.optimizers.SGD)
    REQUIRED["optimizer_map"] = kg.program(keras.optimizers.OptimizerMap, kg.optimizers.SGD(0.1))
BASES = {"Optimizer", "Loss", "Metric", "Regularizer", "Initializer", "Constraint"} | {
    "LearningRateSchedule"
}


def symbolic(module: str) -> Any:
    found: Any = kg
    for name in module.split("."):
        found = getattr(found, name)
    return found


def public(module: ModuleType) -> dict[str, Any]:
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }


def classes() -> list[tuple[str, str]]:
    made: dict[type, tuple[str, str]] = {}
    for module, of_keras in MODULES.items():
        for name, value in public(of_keras).items():
            if isinstance(value, type) and name not in BASES:
                made.setdefault(value, (module, name))
    return list(made.values())


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_is_there(module: str) -> None:
    for name, value in public(MODULES[module]).items():
        mine = getattr(symbolic(module), name)
        assert mine == value or mine.__symbolic_target__ is value
        assert isinstance(mine, SymbolicConstructor) == isinstance(value, type)


@pytest.mark.parametrize(("module", "name"), classes())
def test_class_records_and_opens(module: str, name: str) -> None:
    cls = getattr(MODULES[module], name)
    parameters = inspect.signature(cls).parameters.values()
    needed = {
        p.name: REQUIRED[p.name]
        for p in parameters
        if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD
    }
    made = getattr(symbolic(module), name)(**kg.build(needed))
    assert type(made) is cls
    assert kg.program(made) == kg.program(cls, **needed)
    option = next((p.name for p in parameters if p.name not in needed and p.default != p.empty), "")
    if not option:
        return
    default = next(p.default for p in parameters if p.name == option)
    space = getattr(symbolic(module), name)(
        **needed, **{option: kg.oneof([default, kg.oneof([default], name="again")])}
    )
    assert isinstance(space, Program)
    assert kg.from_json(json.loads(json.dumps(kg.to_json(space)))) == space
    template = Template(space)
    assert type(kg.build(template.materialize(template.space.first()))) is cls


def test_functions_of_ops_are_symbolic_and_those_of_losses_are_values() -> None:
    space = kg.ops.add(kg.oneof([1, 2]), 3)
    assert isinstance(space, Program)
    assert int(kg.build(kg.materialize(space, kg.DNA((1,))))) == 5
    assert int(kg.ops.add(1, 2)) == 3
    assert kg.losses.mean_squared_error is keras.losses.mean_squared_error
    assert isinstance(kg.ops.relu, FunctionType) and kg.ops.relu.__name__ == "relu"
    assert inspect.signature(kg.ops.mean) == inspect.signature(keras.ops.mean)


def test_functions_as_values_are_saved() -> None:
    for function in (keras.activations.gelu, keras.losses.binary_crossentropy):
        space = kg.layers.Dense(kg.oneof([1, 2]), activation=function)
        assert kg.from_json(kg.to_json(space)).activation is function


def test_name_that_keras_does_not_have() -> None:
    with pytest.raises(AttributeError, match=r"keras\.layers.*'Dens'.*'Dense'"):
        _ = layers.Dens
    with pytest.raises(ImportError):
        from keras_glove.optimizers import NoSuch  # noqa: F401


def test_optimizer_is_searched_with_its_schedule() -> None:
    space = kg.optimizers.SGD(
        kg.optimizers.schedules.CosineDecay(kg.floatv(1e-3, 1.0, scale="log"), 10),
        momentum=kg.oneof([0.0, 0.9]),
    )
    template = Template(space)
    assert [p.name for p in template.space.points] == [
        "learning_rate.initial_learning_rate",
        "momentum",
    ]
    optimizer = kg.build(template.materialize(template.space.first()))
    np.testing.assert_allclose(float(optimizer.learning_rate), 1e-3, rtol=1e-5)
    assert type(optimizer) is keras.optimizers.SGD


def test_live_optimizer_in_a_space_is_fresh_for_each_child() -> None:
    optimizer = keras.optimizers.Adam(0.01)
    optimizer.build([keras.Variable(np.ones(2), trainable=True)])
    first, second = (
        kg.build(kg.materialize({"optimizer": optimizer, "n": kg.oneof([1])}, kg.DNA((0,))))
        for _ in range(2)
    )
    assert first["optimizer"] is not second["optimizer"] is not optimizer
    assert not first["optimizer"].built
    assert first["optimizer"].get_config()["learning_rate"] == pytest.approx(0.01)

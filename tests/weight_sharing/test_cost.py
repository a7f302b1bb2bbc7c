"""Formulas of cost give what counting on the built child gives."""

from __future__ import annotations

import numpy as np
import pytest

import keras_glove as kg
from keras_glove.weight_sharing import cost
from keras_glove.weight_sharing.decisions import Decisions
from keras_glove.weight_sharing.supernet import sharing_of

from .checks import architectures, built
from .table import CASES, Case


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_formulas_equal_counts(case: Case) -> None:
    model, _ = built(case)
    sharing = sharing_of(model)
    args, kwargs = sharing.example()
    formulas = [cost.parameters(model), cost.multiply_adds(model), cost.activations(model)]
    for dna in architectures(model, 3):
        child = model.child(dna)
        found = [formula(dna) for formula in formulas]
        assert found[0] == kg.cost.parameters(child), dna
        assert found[1] == kg.cost.multiply_adds(child, case.shape), dna
        assert found[2] == cost.count_activations(child, *args, **kwargs), dna
        decisions = sharing.codec.decisions(dna)
        np.testing.assert_allclose([f.tensor(decisions) for f in formulas], found, rtol=1e-5)


def test_under_relaxed_decisions_a_formula_is_the_expectation() -> None:
    model = kg.Sequential([kg.layers.Dense(kg.oneof([2, 4])), kg.layers.Dense(3)])
    model(np.ones((1, 5), "float32"))
    formula = cost.multiply_adds(model)
    relaxed = Decisions(np.zeros(1, "int32"), weights={0: np.array([0.25, 0.75], "float32")})
    expected = 0.25 * formula(kg.DNA((0,))) + 0.75 * formula(kg.DNA((1,)))
    np.testing.assert_allclose(formula.tensor(relaxed), expected)

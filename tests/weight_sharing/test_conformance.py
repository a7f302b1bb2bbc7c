"""Supernets are their children, for every layer over which weights are shared."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from keras_glove.weight_sharing.constructing import ELASTIC, notes_of
from keras_glove.weight_sharing.plans import LAYER_RULES
from keras_glove.weight_sharing.supernet import sharing_of

from .checks import architectures, built, gradients_agree
from .table import CASES, Case

TOLERANCE = 1e-5


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_supernet_is_each_of_its_children(case: Case) -> None:
    model, x = built(case)
    for dna in architectures(model):
        model.decide(dna)
        child = model.child(dna)
        assert close(model(x), child(x)) < TOLERANCE, dna
        if not case.random:
            assert gradients_agree(model, child, dna, x) < TOLERANCE, dna
            assert close(model(x), child(x)) < TOLERANCE, dna  # statistics moved alike


def close(shared: Any, own: Any) -> float:
    """The largest difference, in units of the largest value; what the child has not is zero."""
    shared, own = np.asarray(shared), np.asarray(own)
    whole = np.zeros(shared.shape, shared.dtype)
    whole[tuple(slice(0, n) for n in own.shape)] = own
    return float(np.abs(shared - whole).max() / max(1.0, np.abs(own).max()))


@pytest.mark.slow
def test_the_table_holds_every_rule_and_every_open_argument() -> None:
    planned, opened = set(), set()
    for case in CASES:
        model, _ = built(case)
        sharing = sharing_of(model)
        for layer in model._flatten_layers():
            opened |= {(type(layer), name) for name in notes_of(layer)}
        pending = [sharing.graph(*sharing.example())]
        while pending:
            for step in pending.pop().steps:
                if step.plan is not None:
                    planned.add(type(step.operation))
                    pending += step.plan.graphs
    assert set(LAYER_RULES) - planned == set()
    assert {(cls, name) for cls, names in ELASTIC.items() for name in names} - opened == set()

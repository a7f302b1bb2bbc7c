"""Scripts that were written for the official library."""

from __future__ import annotations

import copy
import pickle
import random
from pathlib import Path

import numpy as np
import pytest

from keras_glove.benchmarks.nasbench101 import api
from keras_glove.benchmarks.nasbench101.hashing import module_hash
from tests.nasbench101 import reference

OPS = reference.OPERATIONS


def test_the_official_example(record_file: Path) -> None:
    nasbench = api.NASBench(str(record_file))
    model_spec = api.ModelSpec(
        matrix=[[0, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]],
        ops=["input", "conv1x1-bn-relu", "conv3x3-bn-relu", "output"],
    )
    data = nasbench.query(model_spec)
    assert data["module_adjacency"].shape == (4, 4)
    assert nasbench.get_budget_counters() == (data["training_time"], 108)
    for unique_hash in nasbench.hash_iterator():
        fixed_metrics, computed_metrics = nasbench.get_metrics_from_hash(unique_hash)
        assert set(fixed_metrics) == {
            "module_adjacency",
            "module_operations",
            "trainable_parameters",
        }
        for epochs in nasbench.valid_epochs:
            for repeat_index in range(len(computed_metrics[epochs])):
                assert "final_validation_accuracy" in computed_metrics[epochs][repeat_index]
    with pytest.raises(api.OutOfDomainError):
        nasbench.query(model_spec, epochs=7)


def _random_spec(nasbench: api.NASBench) -> api.ModelSpec:
    """As in the official notebook, at four vertices."""
    while True:
        matrix = np.triu(np.random.choice([0, 1], size=(4, 4)), 1)
        ops = np.random.choice(OPS, size=4).tolist()
        ops[0], ops[-1] = "input", "output"
        spec = api.ModelSpec(matrix=matrix, ops=ops)
        if nasbench.is_valid(spec):
            return spec


def _mutate_spec(nasbench: api.NASBench, old_spec: api.ModelSpec) -> api.ModelSpec:
    while True:
        new_matrix = copy.deepcopy(old_spec.original_matrix)
        new_ops = copy.deepcopy(old_spec.original_ops)
        for src in range(3):
            for dst in range(src + 1, 4):
                if random.random() < 1 / 4:
                    new_matrix[src, dst] = 1 - new_matrix[src, dst]
        for ind in range(1, 3):
            if random.random() < 1 / 2:
                new_ops[ind] = random.choice([o for o in OPS if o != new_ops[ind]])
        new_spec = api.ModelSpec(new_matrix, new_ops)
        if nasbench.is_valid(new_spec):
            return new_spec


def test_the_evolution_of_the_official_notebook(record_file: Path) -> None:
    runs = []
    for _ in range(2):
        np.random.seed(0)
        nasbench = api.NASBench(str(record_file), seed=0)  # seeds Python's generator as well
        population = []
        for _ in range(10):
            spec = _random_spec(nasbench)
            population.append((nasbench.query(spec)["validation_accuracy"], spec))
        for _ in range(50):
            best = max(random.sample(population, 5), key=lambda i: i[0])[1]
            spec = _mutate_spec(nasbench, best)
            population.append((nasbench.query(spec)["validation_accuracy"], spec))
            population.pop(0)
        runs.append([accuracy for accuracy, _ in population])
        assert nasbench.get_budget_counters()[1] == 60 * 108
    assert runs[0] == runs[1]


def test_the_seed_is_that_of_pythons_generator(record_file: Path) -> None:
    api.NASBench(str(record_file), seed=5)
    drawn = random.random()
    random.seed(5)
    assert random.random() == drawn


def test_model_specs() -> None:
    spec = api.ModelSpec(np.array(reference.INCEPTION), reference.INCEPTION_OPERATIONS)
    assert spec.valid_spec
    assert spec.hash_spec(OPS) == reference.INCEPTION_HASH == spec.hash
    assert spec.ops == spec.original_ops == reference.INCEPTION_OPERATIONS
    assert (spec.original_matrix == reference.INCEPTION).all()
    assert spec.data_format == "channels_last"
    assert spec.visualize().svg.startswith("<svg")
    for other in (copy.deepcopy(spec), pickle.loads(pickle.dumps(spec))):
        assert other == spec
        assert other.data_format == spec.data_format
    lost = api.ModelSpec([[0, 0], [0, 0]], ["input", "output"])
    assert (lost.valid_spec, lost.matrix, lost.ops) == (False, None, None)
    with pytest.raises(api.OutOfDomainError):
        lost.hash_spec(OPS)
    for wrong in ([[0, 1]], [[0, 1], [1, 0]]):
        with pytest.raises(ValueError, match="matrix"):
            api.ModelSpec(wrong, ["input", "output"])


def test_hashes_beyond_the_limits_and_in_another_order() -> None:
    """`hash_spec` asks only for a connected cell, and for the operations to be known to it."""
    operations = ["input", *["identity"] * 6, "output"]
    spec = api.ModelSpec(np.eye(8, k=1, dtype=int), operations)
    parents = (0, *[1 << v for v in range(7)])
    assert spec.valid_spec
    assert not spec.is_valid
    assert spec.hash_spec(["a", "identity"]) == module_hash(parents, (-1, *[1] * 6, -2))
    with pytest.raises(ValueError, match="identity"):
        spec.hash_spec(OPS)

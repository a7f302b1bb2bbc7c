"""Cells as a program, and the samplers over it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import keras_glove as kg
from keras_glove.algorithms import RegularizedEvolution, Uniform
from keras_glove.benchmarks.nasbench101 import (
    Cell,
    CellArray,
    CellMutation,
    NASBench,
    UniformOverEncodings,
    UniformOverTable,
    cell,
    cell_space,
    enumerate_cells,
)
from keras_glove.benchmarks.nasbench101.space import Encoding
from keras_glove.errors import AlgorithmError, CellError, OutOfDomainError, SpaceError
from keras_glove.hyper import SearchSpace, Template
from tests.nasbench101 import reference


def test_the_space_is_a_program() -> None:
    space = SearchSpace(cell_space())
    assert space.size == 2**21 * 3**5 == 509_607_936
    assert [point.hints for point in space.points] == ["edge"] * 21 + ["op"] * 5
    assert space.points[20].name == "edge_5_6"
    program = kg.rebind(cell_space(3), {"operations[0]": "maxpool3x3"})
    assert len(SearchSpace(program)) == 3
    assert kg.from_json(kg.to_json(cell_space())) == cell_space()


@pytest.mark.parametrize("vertices", range(2, 8))
def test_dna_and_cells(vertices: int) -> None:
    template = Template(cell_space(vertices))
    encoding = Encoding.of(template.space)
    for dna in template.space.sample(200, seed=0):
        child = kg.build(template.materialize(dna))
        assert child == encoding.cell(dna)
        assert child.is_valid == encoding.is_valid(dna.values)
        if child.is_valid:
            again = encoding.dna(child)
            template.space.validate(again)
            assert encoding.cell(again).code == child.code


def test_a_cell_by_its_edges_is_that_of_its_matrix() -> None:
    matrix = reference.INCEPTION
    edges = [matrix[x][y] for y in range(1, 7) for x in range(y)]
    made = cell(edges, reference.INCEPTION_OPERATIONS[1:-1])
    assert made == Cell(matrix, reference.INCEPTION_OPERATIONS)


@pytest.mark.parametrize(
    ("edges", "operations", "message"),
    [
        ([1, 0], ["a"], "1, 3, 6, 10, 15, 21 edges"),
        ([1, 0, 2], ["a"], "each 0 or 1"),
        ([1, 0, 0.5], ["a"], "each 0 or 1"),
        (None, ["a"], "each 0 or 1"),
        ([1, 0, 1], ["a", "b"], "1 operations for 3 edges"),
    ],
)
def test_edges_that_are_none(edges: Any, operations: Any, message: str) -> None:
    with pytest.raises(CellError, match=message):
        cell(edges, operations)


@pytest.mark.parametrize("vertices", [1, 8, None])
def test_spaces_that_cannot_be(vertices: Any) -> None:
    with pytest.raises(CellError, match="from 2 to 7"):
        cell_space(vertices)


def _proposals(algorithm: Any, count: int, vertices: int = 7) -> list[Cell]:
    space = SearchSpace(cell_space(vertices))
    algorithm.setup(space)
    encoding = Encoding.of(space)
    return [encoding.cell(algorithm.propose()) for _ in range(count)]


def test_uniform_over_encodings_draws_small_cells() -> None:
    cells = _proposals(UniformOverEncodings(seed=0), 3000)
    assert all(each.is_valid for each in cells)
    shares = np.bincount([each.num_vertices for each in cells], minlength=8) / len(cells)
    # Of 6,000 draws of the official code 7.3, 14.9, 20.2, 21.9, 8.9 and 0.2 in a hundred were
    # valid cells of 2 to 7 vertices.
    expected = np.array([0, 0, 7.3, 14.9, 20.2, 21.9, 8.9, 0.2]) / 73.4
    np.testing.assert_allclose(shares, expected, atol=0.03)


def test_uniform_over_the_table_draws_all_alike() -> None:
    cells = _proposals(UniformOverTable(enumerate_cells(3), seed=0), 3500, vertices=5)
    _, counts = np.unique(CellArray.of_cells(cells).hashes(), return_counts=True)
    assert len(counts) == 7
    assert abs(counts - 500).max() < 100
    assert np.mean([c.num_vertices == 7 for c in _proposals(UniformOverTable(seed=0), 500)]) > 0.8


def test_a_table_of_other_cells() -> None:
    with pytest.raises(AlgorithmError, match="received none"):
        UniformOverTable(CellArray([]))
    with pytest.raises(AlgorithmError, match="at most 3 vertices"):
        UniformOverTable(enumerate_cells(4)[7:]).setup(SearchSpace(cell_space(3)))
    with pytest.raises(OutOfDomainError, match="at most 2 vertices"):
        Encoding(2).dna(enumerate_cells(3)[3])


@pytest.mark.parametrize("algorithm", [UniformOverEncodings(), UniformOverTable()])
def test_another_space(algorithm: Any) -> None:
    for space in ({"width": kg.oneof([1, 2])}, {f"p{i}": kg.oneof([0, 1]) for i in range(26)}):
        with pytest.raises(SpaceError, match="cell_space"):
            algorithm.setup(SearchSpace(space))


def test_the_mutation_of_the_notebook() -> None:
    space = SearchSpace(cell_space())
    encoding = Encoding.of(space)
    rng = np.random.default_rng(0)
    parent = encoding.dna(Cell(reference.INCEPTION, reference.INCEPTION_OPERATIONS))
    children = [CellMutation()._mutate(parent, space, rng) for _ in range(2000)]
    changed = np.array([[a != b for a, b in zip(c, parent, strict=True)] for c in children])
    assert all(encoding.is_valid(child.values) for child in children)
    for child in children[:200]:
        space.validate(child)
    assert changed[:, :21].mean() == pytest.approx(1 / 7, abs=0.02)
    assert changed[:, 21:].mean() == pytest.approx(1 / 5, abs=0.02)
    operations = {child.values[21] for child in children}
    assert operations == {0, 1, 2}


@pytest.mark.parametrize("kind", [UniformOverEncodings, UniformOverTable])
def test_the_seed_and_the_state_fix_the_draws(kind: Any) -> None:
    space = SearchSpace(cell_space(5))
    first, second, third = kind(seed=4), kind(), kind()
    first.setup(space)
    second.setup(space, seed=4)
    third.setup(space)
    drawn = [first.propose() for _ in range(20)]
    assert drawn == [second.propose() for _ in range(20)]
    third.set_state(second.get_state())
    assert [first.propose() for _ in range(20)] == [third.propose() for _ in range(20)]
    assert kind(seed=4).__repr__().endswith("seed=4)")


@pytest.mark.parametrize(
    "mutator", [CellMutation(), Uniform("op") >> Uniform("edge", times=3), None]
)
def test_a_search_of_the_table(table: NASBench, mutator: Any) -> None:
    runs = []
    for _ in range(2):
        bench = NASBench.of_columns(table.columns, seed=0)
        samples = kg.sample(cell_space(4), RegularizedEvolution(20, 5, mutator), 200, seed=0)
        for child, feedback in samples:
            if child.is_valid:
                feedback(bench.query(child)["validation_accuracy"])
            else:
                feedback.skip(child.problem)
        runs.append([trial.reward for trial in samples.study.trials])
        # A good cell of 91; which is best by one drawn training is chance.
        assert samples.study.best_value > np.quantile(bench.mean(bench.cells)["test_accuracy"], 0.8)
        assert bench.total_epochs_spent == 108 * sum(r is not None for r in runs[-1])
    assert runs[0] == runs[1]

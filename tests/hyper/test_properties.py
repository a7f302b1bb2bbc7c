"""What holds for every space, on random ones."""

from __future__ import annotations

import itertools
import json
import math
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import assume, given

from keras_glove.errors import EncodeError
from keras_glove.hyper import DNA, SearchSpace, Template
from keras_glove.hyper.sweeping import sweep
from keras_glove.symbolic import Program, build, equal, from_json, is_open, to_json, walk
from tests.hyper.samples import spaces

SMALL = 400
seeds = st.integers(0, 2**31)


def small(space: SearchSpace) -> SearchSpace:
    assume(space.size <= SMALL)
    return space


def draw(space: SearchSpace, seed: int) -> DNA:
    return space.random(np.random.default_rng(seed))


@given(spaces(with_floats=True), seeds)
def test_encode_is_the_inverse_of_materialize(value: Program, seed: int) -> None:
    template = Template(value)
    dna = draw(template.space, seed)
    made = template.materialize(dna)
    assert not is_open(made)
    assert template.encode(made) == dna


@given(spaces(with_floats=True), seeds)
def test_encode_needs_no_memory(value: Program, seed: int) -> None:
    template = Template(value)
    made = template.materialize(draw(template.space, seed))
    read = from_json(json.loads(json.dumps(to_json(made))))
    assert equal(template.materialize(template.encode(read)), made)


@given(spaces())
def test_encode_takes_the_first_of_equals(value: Program) -> None:
    template = Template(value)
    small(template.space)
    first: list[tuple[Any, DNA]] = []
    for dna in template.space:
        made = from_json(to_json(template.materialize(dna)))
        known = next((d for other, d in first if equal(other, made)), None)
        if known is None:
            first.append((made, dna))
        assert template.encode(made) == (known or dna)
        assume(len(first) < 60)


@given(spaces(), seeds)
def test_what_is_no_member_is_refused(value: Program, seed: int) -> None:
    template = Template(value)
    made = template.materialize(draw(template.space, seed))
    made.__arguments__["parts"] = (*made.__arguments__["parts"], "more")
    with pytest.raises(EncodeError):
        template.encode(made)


@given(spaces(with_floats=True), seeds)
def test_children_share_nothing_mutable(value: Program, seed: int) -> None:
    template = Template(value)
    dna = draw(template.space, seed)
    one, two = template.materialize(dna), template.materialize(dna)
    assert equal(one, two)
    mutable = (Program, list, dict)
    ids = [{id(v) for _, v in walk(made) if isinstance(v, mutable)} for made in (one, two, value)]
    assert not ids[0] & ids[1] and not ids[0] & ids[2]
    build(one)


@given(spaces())
def test_size_is_the_count_of_iteration(value: Program) -> None:
    space = SearchSpace(value)
    small(space)
    every = list(space)
    assert len(every) == space.size == sweep(space._structure)
    assert len(set(every)) == len(every)
    keys = [[-1 if v is None else v for v in dna] for dna in every]
    assert keys == sorted(keys)
    assert every[0] == space.first()
    assert [space.next(dna) for dna in every] == [*every[1:], None]
    for dna in every:
        space.validate(dna)


@given(spaces())
def test_iteration_leaves_nothing_out(value: Program) -> None:
    """Against all vectors over the values of the points."""
    space = SearchSpace(value)
    options = []
    for point in space.points:
        numbers = range(point.num_candidates or 0)
        if point.kind == "int":
            assert point.low is not None and point.high is not None
            numbers = range(int(point.low), int(point.high) + 1)
        options.append([None, *numbers])
    assume(math.prod(map(len, options)) <= 3000)
    valid = [dna for dna in map(DNA, itertools.product(*options)) if fits(space, dna)]
    assert len(valid) == space.size
    assert set(valid) == set(space)


def fits(space: SearchSpace, dna: DNA) -> bool:
    try:
        space.validate(dna)
    except ValueError:
        return False
    return True


@given(spaces(with_floats=True), seeds)
def test_slots_are_distinct_and_sorted(value: Program, seed: int) -> None:
    space = SearchSpace(value)
    rng = np.random.default_rng(seed)
    dna = space.random(rng)
    for _ in range(6):
        for point in space.points:
            group = point.group
            slots = [dna[i] for i in group.indices] if group else []
            if group is None or slots[0] is None:
                assert slots.count(None) == len(slots)
                continue
            assert not group.distinct or len(set(slots)) == len(slots)
            assert not group.sorted or slots == sorted(slots)  # type: ignore[type-var]
        active = [i for i, v in enumerate(dna) if v is not None]
        if active:
            dna = space.mutate_point(dna, active[int(rng.random() * len(active))], rng)


@given(spaces(with_floats=True), seeds)
def test_mutations_change_and_stay_valid(value: Program, seed: int) -> None:
    space = SearchSpace(value)
    rng = np.random.default_rng(seed)
    dna = space.random(rng)
    single = space.size == 1
    for index, old in enumerate(dna):
        if old is not None:
            changed = space.validate(space.mutate_point(dna, index, rng))
            assert (changed == dna) == single


@given(spaces(with_floats=True), seeds, st.data())
def test_complete_keeps_what_it_can(value: Program, seed: int, data: st.DataObject) -> None:
    space = SearchSpace(value)
    rng = np.random.default_rng(seed)
    dna = space.random(rng)
    assert space.complete(dna, rng) == dna
    anything = st.one_of(st.none(), st.integers(-3, 9), st.floats(-1e6, 1e6))
    values = data.draw(st.lists(anything, min_size=len(space), max_size=len(space)))
    completed = space.validate(space.complete(values, rng))
    if any(point.group for point in space.points):
        return  # slots move what is below them
    for point, wanted, got in zip(space.points, values, completed, strict=True):
        if wanted is not None and got is not None and point.kind == "categorical":
            assert got == wanted or wanted not in range(point.num_candidates or 0)


@given(spaces(with_floats=True), seeds, st.integers(0, 9))
def test_batches_draw_what_single_draws_do(value: Program, seed: int, n: int) -> None:
    space = SearchSpace(value)
    rng = np.random.default_rng(seed)
    single = [space.random(rng) for _ in range(n)]
    assert space.sample(n, seed) == single
    array = space.sample_array(n, seed)
    assert array.shape == (n, len(space))
    assert [space.from_vector(row) for row in array] == single


@given(spaces(with_floats=True), seeds)
def test_forms_of_a_dna_read_back(value: Program, seed: int) -> None:
    space = SearchSpace(value)
    dna = draw(space, seed)
    assert DNA.from_string(str(dna)) == dna
    assert DNA.from_json(json.loads(json.dumps(dna.to_json()))) == dna
    assert space.from_tree(json.loads(json.dumps(space.tree(dna)))) == dna
    assert space.from_vector(space.vector(dna)) == dna
    decisions = space.decisions(dna)
    assert list(decisions) == [
        p.name for p, v in zip(space.points, dna, strict=True) if v is not None
    ]


@given(spaces(with_floats=True), spaces(with_floats=True), seeds)
def test_equality_and_hash_agree(left: Program, right: Program, seed: int) -> None:
    a, b = SearchSpace(left), SearchSpace(right)
    assert a == SearchSpace(left) and hash(a) == hash(SearchSpace(left))
    if a == b:
        assert hash(a) == hash(b) and a.to_json() == b.to_json()
    else:
        assert a.to_json() != b.to_json()
    one, two = draw(a, seed), draw(b, seed)
    assert (one == two) == (str(one) == str(two))
    assert one != two or hash(one) == hash(two)


@given(spaces(with_floats=True), seeds)
def test_spaces_read_back(value: Program, seed: int) -> None:
    space = SearchSpace(value)
    read = SearchSpace.from_json(json.loads(json.dumps(space.to_json())))
    assert read == space and hash(read) == hash(space)
    assert [p.hints for p in read.points] == [p.hints for p in space.points]
    assert read.sample(3, seed) == space.sample(3, seed)


@given(spaces(with_floats=True), seeds)
def test_a_part_of_a_space_is_decided(value: Program, seed: int) -> None:
    """`where` leaves the others open, and deciding these afterwards gives the same children."""
    rng = np.random.default_rng(seed)
    seen: dict[int, bool] = {}

    def some(hyper: Any) -> bool:
        return seen.setdefault(id(hyper), bool(rng.random() < 0.5))

    template = Template(value, where=some)
    partly = template.materialize(draw(template.space, seed))
    assert template.encode(partly) is not None
    rest = Template(partly)
    made = rest.materialize(draw(rest.space, seed))
    assert not is_open(made)
    whole = Template(value)
    assert equal(whole.materialize(whole.encode(made)), made)

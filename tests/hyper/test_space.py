from __future__ import annotations

import json
import math
import pickle
import subprocess
import sys
from collections import Counter
from typing import Any

import numpy as np
import pytest

from keras_glove.errors import SerializationError
from keras_glove.hyper import DNA, SearchSpace, floatv, intv, manyof, oneof, permutate
from keras_glove.symbolic import fingerprint, program
from keras_glove.testing import SPACES
from tests.hyper.samples import Layer, Net

SIZES = {
    "flat": 6,
    "single": 1,
    "conditional": 42,
    "blocks": 343,
    "distinct": 20,
    "sorted": 10,
    "multiset": 10,
    "permutation": 24,
    "numbers": math.inf,
    "mixed": math.inf,
    "large": 5**26,
}

#: Fingerprints of the JSON documents: a change of the format, or of names, shows here.
GOLDEN_DOCUMENTS = {
    "flat": "bc91a1f783c5ffcb10c3cde84ad7461a",
    "single": "9948bf320823a04fc104b2d5c2db5b6e",
    "conditional": "e045a9d16303ca396f734ad1230fc923",
    "blocks": "55919f9559db2cb33af08b04e51f98e7",
    "distinct": "6af1ddcead7002caf5f241a758a2708f",
    "sorted": "d7ff1023d15fb5f2582250da623ed0d7",
    "multiset": "851947d6708d274958974d860a8e4070",
    "permutation": "1cd5d6a7f824da8c108b43b54461aa6b",
    "numbers": "d3ed1e4f8b232742b05ceda8f22136e4",
    "mixed": "dd29c45052b843266046cf587ef02cc1",
    "large": "4d1199a4a91b88a21c6740bcfa37ab69",
}
#: The first of `sample(1, seed=0)`: a change of how random numbers are used shows here.
GOLDEN_SAMPLES = {
    "flat": "1,0",
    "single": "0",
    "conditional": "1,-,-,0,1,4,1",
    "blocks": "1,0,0,-,-,-,1,-,-,1,-,-",
    "distinct": "3,2",
    "sorted": "2,3",
    "multiset": "1,1,1",
    "permutation": "2,1,0,3",
    "numbers": "0.015304122616866646,0.6701635909756452,0.020486761968097345,4,18",
    "mixed": "1,-,-,0,1,4,1,2,0,1,0.12002391000117159,0.5018917549338074,0.4287021382937847,4,16",
    "large": "3,1,0,0,4,4,3,3,2,4,4,0,4,0,3,0,4,2,1,2,0,0,3,3,3,1",
}


@pytest.mark.parametrize("name", SPACES)
def test_sizes(name: str) -> None:
    assert SearchSpace(SPACES[name]()).size == SIZES[name]


@pytest.mark.parametrize("name", SPACES)
def test_golden(name: str) -> None:
    space = SearchSpace(SPACES[name]())
    assert fingerprint(space.to_json()) == GOLDEN_DOCUMENTS[name]
    assert str(space.sample(1, seed=0)[0]) == GOLDEN_SAMPLES[name]


def test_golden_document() -> None:
    space = SearchSpace([oneof([{"n": intv(1, 5, step=2)}, "skip"], hints="op"), floatv(0, 1)])
    assert space.to_json() == {
        "format": "keras_glove.space",
        "version": 1,
        "points": [
            {
                "name": "[0]",
                "path": "[0]",
                "kind": "categorical",
                "candidates": ["{'n': intv(...)}", "skip"],
                "hints": "op",
            },
            {
                "name": "[0]=#0.n",
                "path": "[0].candidates[0].n",
                "kind": "int",
                "low": 1,
                "high": 5,
                "step": 2,
                "scale": "linear",
                "conditions": [[0, 0]],
            },
            {
                "name": "[1]",
                "path": "[1]",
                "kind": "float",
                "low": 0.0,
                "high": 1.0,
                "scale": "linear",
            },
        ],
    }


@pytest.mark.slow
def test_spaces_are_the_same_in_another_process() -> None:
    code = (
        "import json; from keras_glove.hyper import SearchSpace; "
        "from keras_glove.testing import SPACES; "
        "s = [SearchSpace(make()) for make in SPACES.values()]; "
        "print(json.dumps([[x.to_json(), [str(d) for d in x.sample(5, 3)]] for x in s]))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    here = [SearchSpace(make()) for make in SPACES.values()]
    assert json.loads(run.stdout) == [
        [space.to_json(), [str(dna) for dna in space.sample(5, 3)]] for space in here
    ]


# -- names ---------------------------------------------------------------------------------


def names(value: Any) -> list[str]:
    return [point.name for point in SearchSpace(value).points]


def test_names() -> None:
    assert names(oneof([1, 2])) == ["value"]
    assert names({"a b": [oneof([1, 2])], "c": oneof([1, 2])}) == ["['a b'][0]", "c"]
    assert names(program(Net, program(Layer, units=intv(1, 2)))) == ["parts[0].units"]
    choice = oneof([program(Layer, units=intv(1, 2)), program(Net, oneof([1, 2]))], name="block")
    assert names([choice]) == ["block", "block=Layer.units", "block=Net.parts[0]"]
    twice = oneof([program(Layer, intv(1, 2)), program(Layer, oneof([1, 2]))], name="block")
    assert names([twice]) == ["block", "block=Layer#0.units", "block=Layer#1.units"]
    slots = manyof(2, [[oneof([1, 2], name="w")], "end"], name="blocks")
    assert names(slots) == ["blocks[0]", "blocks[1]", "blocks[0].w", "blocks[1].w"]
    assert names({"a": oneof([1, 2]), "b": oneof([1, 2], name="a")}) == ["a#2", "a"]


def test_one_value_in_two_places_is_one_decision() -> None:
    width = oneof([16, 32])
    space = SearchSpace([width, {"again": width}])
    assert (len(space), space.size, space.points[0].path) == (1, 2, "[0]")
    block = [oneof([1, 2]), width]
    shared = SearchSpace(manyof(2, [block, "end", width], distinct=False))
    assert len(shared) == 2 + 2 + 1  # a block of its own for each slot, one width for all


def test_texts_of_candidates_do_not_change_with_addresses() -> None:
    point = SearchSpace(oneof([object(), object(), len])).points[0]
    assert point.candidates == ("<object object> #0", "<object object> #1", "len")


def test_hints_do_not_tell_spaces_apart_by_hash_only() -> None:
    one, two = (SearchSpace(oneof([1, 2], hints=hints)) for hints in ({"a": [1]}, {"a": [2]}))
    assert one != two and len({one, two}) == 2


# -- drawing and moving ----------------------------------------------------------------------


def histogram(value: Any, draws: int = 20_000) -> np.ndarray[Any, Any]:
    return SearchSpace(value).sample_array(draws, seed=1)[:, 0]


def test_choices_are_drawn_alike() -> None:
    counts = Counter(histogram(oneof(list("abcde"))).tolist())
    assert all(abs(count / 20_000 - 0.2) < 0.015 for count in counts.values())


@pytest.mark.parametrize(
    ("scale", "middle"), [("linear", 500.5), ("log", 31.6), ("reverse_log", 1001 - 31.6)]
)
def test_scales_of_floats(scale: Any, middle: float) -> None:
    """Half of the draws lie below the middle of the scale."""
    drawn = histogram(floatv(1.0, 1000.0, scale=scale))
    assert abs(float((drawn < middle).mean()) - 0.5) < 0.02
    assert drawn.min() >= 1.0 and drawn.max() <= 1000.0


@pytest.mark.parametrize("scale", ["linear", "log", "reverse_log"])
def test_scales_of_integers(scale: Any) -> None:
    """A value has the mass of its cell, as documented."""
    drawn = Counter(histogram(intv(1, 7, step=2, scale=scale), 40_000).tolist())
    masses = {v: math.log((v + 2) / v) / math.log(9) for v in (1, 3, 5, 7)}
    if scale == "linear":
        masses = dict.fromkeys(masses, 0.25)
    if scale == "reverse_log":
        masses = {8 - v: mass for v, mass in masses.items()}
    for value, mass in masses.items():
        assert abs(drawn[value] / 40_000 - mass) < 0.01


@pytest.mark.parametrize("scale", ["linear", "log", "reverse_log"])
def test_mutation_moves_on_the_scale(scale: Any) -> None:
    """From the middle of its scale a number goes up as often as down, to either end."""
    space = SearchSpace(floatv(1.0, 10_000.0, scale=scale))
    middle = {"linear": 5000.5, "log": 100.0, "reverse_log": 9901.0}[scale]
    rng = np.random.default_rng(0)
    moved = np.array([space.mutate_point(DNA((middle,)), 0, rng)[0] for _ in range(4000)])
    assert abs(float((moved < middle).mean()) - 0.5) < 0.03
    steps = {"linear": moved, "log": np.log(moved), "reverse_log": np.log(10_001 - moved)}[scale]
    low, high = {"linear": (1.0, 10_000.0)}.get(scale, (0.0, math.log(10_000)))
    assert abs(float(steps.std()) / (high - low) - 0.2) < 0.02


def test_mutation_of_a_choice_takes_each_other_candidate_alike() -> None:
    space = SearchSpace(oneof(list("abcd")))
    rng = np.random.default_rng(0)
    moved = Counter(space.mutate_point(DNA((1,)), 0, rng)[0] for _ in range(9000))
    assert set(moved) == {0, 2, 3}
    assert all(abs(count / 9000 - 1 / 3) < 0.02 for count in moved.values())


@pytest.mark.parametrize(
    "value",
    [
        lambda: manyof(2, list("abcd")),
        lambda: manyof(2, list("abcd"), sorted=True),
        lambda: manyof(3, list("abc"), distinct=False),
        lambda: manyof(3, list("abc"), distinct=False, sorted=True),
        lambda: permutate(list("abcd")),
    ],
)
def test_arrangements_are_drawn_alike(value: Any) -> None:
    space = SearchSpace(value())
    drawn = Counter(space.sample(12_000, seed=2))
    assert len(drawn) == space.size
    expected = 12_000 / space.size
    assert sum((n - expected) ** 2 / expected for n in drawn.values()) < 2.2 * space.size


def test_a_space_of_one_dna_has_no_mutation() -> None:
    space = SearchSpace([oneof(["only"]), permutate(["one"])])
    rng = np.random.default_rng(0)
    assert space.mutate_point(space.first(), 0, rng) == space.first() == next(iter(space))


def test_slots_carry_what_is_below_them() -> None:
    """Swapping two blocks keeps the decisions inside each."""
    blocks = permutate([{"width": intv(1, 100)}, {"rate": floatv(0.0, 1.0)}])
    space = SearchSpace(blocks)
    dna = space.random(np.random.default_rng(0))
    swapped = space.mutate_point(dna, 0, np.random.default_rng(0))
    inside = [sorted(v for v in one[2:] if v is not None) for one in (dna, swapped)]
    assert swapped[:2] == dna[1::-1] and inside[0] == inside[1]


# -- saved -----------------------------------------------------------------------------------


def test_pickle() -> None:
    space = SearchSpace(SPACES["mixed"]())
    assert pickle.loads(pickle.dumps(space)) == space


def document(**changes: Any) -> dict[str, Any]:
    made = SearchSpace([oneof([{"n": intv(1, 5, step=2)}, "skip"]), manyof(2, [1, 2])]).to_json()
    made.update(changes.pop("top", {}))
    for place, change in changes.items():
        point = made["points"][int(place[1:])]
        for key, value in change.items():
            point.pop(key, None) if value is ... else point.update({key: value})
    return made


def test_the_document_itself_is_read() -> None:
    assert len(SearchSpace.from_json(document())) == 4


@pytest.mark.parametrize(
    "bad",
    [
        None,
        [],
        document(top={"format": "keras_glove"}),
        document(top={"version": 9}),
        document(top={"points": None}),
        document(top={"points": [1]}),
        document(p0={"kind": "eval"}),
        document(p0={"kind": ["int"]}),
        document(p0={"candidates": []}),
        document(p0={"candidates": [[1]]}),
        document(p0={"candidates": "ab"}),
        document(p0={"name": ""}),
        document(p0={"name": 3}),
        document(p0={"path": None}),
        document(p0={"hints": {1: 2}}),
        document(p0={"conditions": [[1, 0]]}),
        document(p1={"conditions": [[0, 5]]}),
        document(p1={"conditions": [[0]]}),
        document(p1={"conditions": [["0", 0]]}),
        document(p1={"conditions": [[True, 0]]}),
        document(p1={"also": [[]]}),
        document(p1={"conditions": ..., "also": [[[0, 0]]]}),
        document(p1={"low": 9}),
        document(p1={"step": 3}),
        document(p1={"scale": "ln"}),
        document(p1={"high": ...}),
        document(p1={"name": "[0]"}),
        document(p2={"group": {"k": 3, "distinct": True, "sorted": False}}),
        document(p2={"group": {"k": 2, "distinct": 1, "sorted": False}}),
        document(p3={"candidates": [1, 3]}),
        document(p3={"group": {"k": 2, "distinct": True, "sorted": False}}),
    ],
)
def test_documents_that_are_none(bad: Any) -> None:
    with pytest.raises(SerializationError):
        SearchSpace.from_json(bad)


def test_documents_end_with_their_groups() -> None:
    cut = document()
    del cut["points"][3]
    with pytest.raises(SerializationError, match="all slots of a group"):
        SearchSpace.from_json(cut)

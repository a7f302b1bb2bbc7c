from __future__ import annotations

import copy
import math
import pickle
import sys
from typing import Any

import numpy as np
import pytest

from keras_glove.errors import DNAError, SerializationError, SpaceError
from keras_glove.hyper import DNA, SearchSpace, floatv, intv, manyof, oneof, permutate

SPACE = SearchSpace(
    {
        "op": oneof([{"width": intv(1, 5, step=2)}, "skip"], name="op"),
        "rate": floatv(0.0, 1.0),
        "order": permutate(["a", "b"]),
        "aug": manyof(2, ["x", "y", "z"], sorted=True),
    }
)


def test_golden_forms() -> None:
    dna = DNA((2, 0, None, 0.5, -3, 1e-07))
    assert str(dna) == "2,0,-,0.5,-3,1e-07"
    assert repr(dna) == "DNA((2, 0, None, 0.5, -3, 1e-07))"
    assert dna.to_json() == {
        "format": "keras_glove.dna",
        "version": 1,
        "values": [2, 0, None, 0.5, -3, 1e-07],
    }
    assert DNA.from_json({"format": "keras_glove.dna", "version": 1, "values": [1]}) == DNA((1,))


def test_it_is_a_value() -> None:
    dna = DNA(np.array([1, 2]))
    assert dna == DNA([1, 2]) and hash(dna) == hash(DNA((1, 2)))
    assert dna != DNA((1, 3)) and dna != (1, 2)
    assert [*dna] == [1, 2] and dna[1] == 2 and dna[:1] == (1,) and len(dna) == 2
    assert all(type(value) is int for value in dna)
    assert pickle.loads(pickle.dumps(dna)) == dna == copy.deepcopy(dna)
    with pytest.raises(AttributeError, match="immutable"):
        dna.values = (1,)
    with pytest.raises(AttributeError, match="immutable"):
        del dna.values


def test_it_takes_little_memory() -> None:
    dna = SearchSpace([oneof(list(range(5))) for _ in range(200)]).random(np.random.default_rng(0))
    assert sys.getsizeof(dna) + sys.getsizeof(dna.values) < 2048


@pytest.mark.parametrize(
    "values",
    ["12", [True], [math.nan], [math.inf], [1 + 2j], [[1]], [object()], [np.bool_(True)]],
)
def test_bad_values(values: Any) -> None:
    with pytest.raises(DNAError):
        DNA(values)


@pytest.mark.parametrize(
    "text",
    ["1;2", "1, 2", "nan", "inf", "1_0", "a", "--", "1,", "0x1", "٣", "1e999", None, 3, b"1"],
)
def test_bad_strings(text: Any) -> None:
    with pytest.raises(DNAError):
        DNA.from_string(text)


def test_the_empty_dna() -> None:
    assert str(DNA(())) == "" and DNA.from_string("") == DNA(())


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"format": "keras_glove.space", "version": 1, "values": []},
        {"format": "keras_glove.dna", "version": 2, "values": []},
        {"format": "keras_glove.dna", "version": True, "values": []},
        {"format": "keras_glove.dna", "version": 1},
        {"format": "keras_glove.dna", "version": 1, "values": "12"},
        {"format": "keras_glove.dna", "version": 1, "values": [True]},
        {"format": "keras_glove.dna", "version": 1, "values": [{}]},
    ],
)
def test_bad_documents(document: Any) -> None:
    with pytest.raises(SerializationError):
        DNA.from_json(document)


# -- DNA of another space ------------------------------------------------------------------

GOOD = (0, 3, 0.5, 1, 0, 0, 2)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (GOOD[:-1], "7 values, one per decision point, received 6"),
        ((*GOOD, 0), "received 8. The DNA belongs to another space"),
        ((2, 3, 0.5, 1, 0, 0, 2), "'op' .*index of one of 2 candidates .*received 2"),
        ((0.0, 3, 0.5, 1, 0, 0, 2), "'op' .*received 0.0"),
        ((-1, 3, 0.5, 1, 0, 0, 2), "'op' .*received -1"),
        ((0, None, 0.5, 1, 0, 0, 2), "int from 1 to 5 in steps of 2, received None"),
        ((0, 2, 0.5, 1, 0, 0, 2), "in steps of 2, received 2"),
        ((1, 3, 0.5, 1, 0, 0, 2), r"None \(inactive under the other decisions\), received 3"),
        ((0, 3, 1.5, 1, 0, 0, 2), "float from 0.0 to 1.0, received 1.5"),
        ((0, 3, 1, 1, 0, 0, 2), "float from 0.0 to 1.0, received 1"),
        ((0, 3, 0.5, 1, 1, 0, 2), r"'order\[1\]'.*no other slot"),
        ((0, 3, 0.5, 1, 0, 2, 0), r"'aug\[1\]'.*sorted"),
    ],
)
def test_dna_that_does_not_fit(values: Any, message: str) -> None:
    assert SPACE.validate(DNA(GOOD)) == DNA(GOOD)
    with pytest.raises(DNAError, match=message):
        SPACE.validate(DNA(values))


def test_errors_name_the_place() -> None:
    with pytest.raises(DNAError, match=r"at `op.candidates\[0\].width`: .*'op=#0.width'"):
        SPACE.validate(DNA((0, 2, 0.5, 1, 0, 0, 2)))


@pytest.mark.parametrize(
    "use",
    [
        lambda: SPACE.validate((1, 2)),  # type: ignore[arg-type]
        lambda: SPACE.mutate_point(DNA(GOOD), 7, np.random.default_rng(0)),
        lambda: SPACE.mutate_point(DNA(GOOD), -1, np.random.default_rng(0)),
        lambda: SPACE.mutate_point(DNA((1, None, *GOOD[2:])), 1, np.random.default_rng(0)),
        lambda: SPACE.mutate_point(DNA((1,)), 0, np.random.default_rng(0)),
        lambda: SPACE.complete([1], np.random.default_rng(0)),
        lambda: SPACE.complete(["a"] * 7, np.random.default_rng(0)),
        lambda: SPACE.from_vector([1.0]),
        lambda: SPACE.from_vector([0.5] * 7),
        lambda: SPACE.from_tree([]),
        lambda: SPACE.from_tree({"op": 1}),
        lambda: SPACE.from_tree({"other": 1}),
        lambda: SPACE.from_tree({"op": {"value": 0}}),
    ],
)
def test_bad_use(use: Any) -> None:
    with pytest.raises(DNAError):
        use()


def test_floats_are_not_enumerated() -> None:
    assert SPACE.size == math.inf
    for use in (lambda: list(SPACE), lambda: SPACE.next(DNA(GOOD))):
        with pytest.raises(SpaceError, match="expected decisions that can be enumerated"):
            use()


def test_views() -> None:
    dna = DNA(GOOD)
    assert SPACE.decisions(dna) == {
        "op": "{'width': intv(...)}",
        "op=#0.width": 3,
        "rate": 0.5,
        "order[0]": "b",
        "order[1]": "a",
        "aug[0]": "x",
        "aug[1]": "z",
    }
    assert SPACE.tree(dna) == {
        "op": {"value": 0, "below": {"op=#0.width": 3}},
        "rate": 0.5,
        "order[0]": 1,
        "order[1]": 0,
        "aug[0]": 0,
        "aug[1]": 2,
    }
    inactive = DNA((1, None, *GOOD[2:]))
    assert np.isnan(SPACE.vector(inactive)[1])
    assert SPACE.from_vector(SPACE.vector(inactive)) == inactive

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from keras_glove.errors import (
    HyperValueError,
    KerasGloveError,
    OpenValueError,
    SerializationError,
    SpaceError,
)
from keras_glove.hyper import (
    FloatV,
    IntV,
    ManyOf,
    OneOf,
    Permutate,
    SearchSpace,
    floatv,
    intv,
    manyof,
    oneof,
    permutate,
)
from keras_glove.symbolic import equal, fingerprint, from_json, program, to_code, to_json

VALUES: dict[str, tuple[Callable[[], Any], type]] = {
    "oneof([16, 'a', None], name='w', hints=['op'])": (
        lambda: oneof([16, "a", None], name="w", hints=["op"]),
        OneOf,
    ),
    "manyof(2, [1, 2, 3])": (lambda: manyof(2, [1, 2, 3]), ManyOf),
    "manyof(4, [1, 2], distinct=False, sorted=True)": (
        lambda: manyof(4, [1, 2], distinct=False, sorted=True),
        ManyOf,
    ),
    "permutate(['a', 'b'])": (lambda: permutate(["a", "b"]), Permutate),
    "intv(1, 9, step=2, scale='log')": (lambda: intv(1, 9, step=2, scale="log"), IntV),
    "floatv(0.1, 2.0, scale='reverse_log')": (
        lambda: floatv(0.1, 2, scale="reverse_log"),
        FloatV,
    ),
}
HASHES = {
    "oneof([16, 'a', None], name='w', hints=['op'])": "82a01f9fbd4c5bd7b4e5b1d2f8e3d1d7",
}


@pytest.mark.parametrize("text", VALUES)
def test_values_read_as_code_and_are_saved(text: str) -> None:
    make, kind = VALUES[text]
    value = make()
    assert repr(value) == text
    assert type(value) is kind
    assert f"kg.{text}" in to_code(value)
    assert equal(from_json(to_json(value)), value)
    assert equal(pickle.loads(pickle.dumps(value)), value)
    assert equal(copy.deepcopy(value), value)
    assert fingerprint(value) == fingerprint(make())


def test_numpy_numbers_become_plain() -> None:
    value = oneof([np.int64(1), {"a": (np.float32(0.5), np.bool_(True))}])
    assert value.candidates == (1, {"a": (0.5, True)})
    assert type(value.candidates[0]) is int and type(value.candidates[1]["a"][0]) is float
    whole = intv(np.int64(1), np.int32(5))
    assert type(whole.low) is int and type(whole.high) is int
    assert type(floatv(np.float32(0.5), 1).low) is float


USES: dict[str, Callable[[Any], Any]] = {
    "add": lambda v: v + 1,
    "radd": lambda v: 1 + v,
    "compare": lambda v: v < 3,
    "bool": bool,
    "int": int,
    "float": float,
    "range": range,
    "len": len,
    "iterate": list,
    "index": lambda v: [1, 2][v],
    "item": lambda v: v[0],
    "in": lambda v: 1 in v,
    "array": lambda v: np.asarray(v, dtype=float),
    "round": round,
    "negative": lambda v: -v,
    "f-string number": lambda v: f"{v:d}",
}


@pytest.mark.parametrize("use", USES)
def test_an_open_value_is_no_number(use: str) -> None:
    """`f"{value}"` stays allowed: messages show open values."""
    with pytest.raises(TypeError) as caught:
        USES[use](intv(1, 3))
    if use != "f-string number":
        assert isinstance(caught.value, OpenValueError)
        assert "intv(1, 3)" in str(caught.value)


BAD: list[tuple[Callable[[], Any], str]] = [
    (lambda: oneof([]), "at least one candidate"),
    (lambda: oneof("abc"), r"Put the texts into a list: \['abc'\]"),
    (lambda: oneof({"a": 1}), r"list\(d.values\(\)\)"),
    (lambda: oneof({1, 2}), "sorted list"),
    (lambda: oneof(np.array([1, 2])), "tolist"),
    (lambda: oneof(range(3)), "intv"),
    (lambda: oneof(x for x in [1]), "list or tuple"),
    (lambda: oneof([1, 2, 1]), "index 0 and again at index 2"),
    (lambda: oneof([{"a": 1}, {"a": 1}]), "candidates that differ"),
    (lambda: oneof([1, 2], name=""), "non-empty text"),
    (lambda: oneof([1, 2], name=3), "non-empty text"),  # type: ignore[arg-type]
    (lambda: oneof([1, 2], hints={1: 2}), "hints"),
    (lambda: oneof([1, 2], hints=[math.nan]), "hints"),
    (lambda: manyof(3, [1, 2]), "k of at most 2"),
    (lambda: manyof(0, [1, 2]), "at least 1"),
    (lambda: manyof(True, [1, 2]), "at least 1"),
    (lambda: manyof(1.0, [1, 2]), "at least 1"),  # type: ignore[arg-type]
    (lambda: manyof(1, []), "at least one candidate"),
    (lambda: manyof(1, [1, 2], distinct=None), "True or False"),  # type: ignore[arg-type]
    (lambda: permutate([]), "at least one candidate"),
    (lambda: intv(3, 1), "Swap them"),
    (lambda: intv(3, 3), "no decision"),
    (lambda: intv(1.0, 3), "expected an int for `low`"),  # type: ignore[arg-type]
    (lambda: intv(True, 3), "expected an int for `low`"),
    (lambda: intv(1, "3"), "expected an int for `high`"),  # type: ignore[arg-type]
    (lambda: intv(1, 10, step=4), "high=9 or high=13"),
    (lambda: intv(1, 10, step=0), "step of at least 1"),
    (lambda: intv(0, 10, scale="log"), "low above 0"),
    (lambda: intv(0, 10, scale="ln"), "a scale among"),  # type: ignore[arg-type]
    (lambda: intv(0, 2**60), r"2\*\*53"),
    (lambda: floatv(1, 0), "Swap them"),
    (lambda: floatv(1, 1), "no decision"),
    (lambda: floatv(0, 1, scale="log"), "low above 0"),
    (lambda: floatv(-1, 1, scale="reverse_log"), "low above 0"),
    (lambda: floatv(0, math.inf), "finite number for `high`"),
    (lambda: floatv(math.nan, 1), "finite number for `low`"),
    (lambda: floatv("a", 1), "finite number"),  # type: ignore[arg-type]
    (lambda: floatv(-1e308, 1e308), "difference are finite"),
    (lambda: floatv(0, 10**400), "finite number"),
]


@pytest.mark.parametrize(("make", "message"), BAD, ids=[message for _, message in BAD])
def test_bad_definitions(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(HyperValueError, match=message) as caught:
        make()
    assert isinstance(caught.value, ValueError) and isinstance(caught.value, KerasGloveError)


def test_hyper_values_are_immutable() -> None:
    value = oneof([1, 2], hints={"a": [1]})
    with pytest.raises(AttributeError, match="rebind"):
        value.name = "x"
    with pytest.raises(AttributeError, match="rebind"):
        del value.name
    hints = {"a": [1]}
    value = oneof([1, 2], hints=hints)
    hints["a"].append(2)
    assert value.hints == {"a": [1]}


@pytest.mark.parametrize(
    "value",
    [
        lambda: [oneof([1, 2], name="w"), oneof([1, 2], name="w")],
        lambda: [oneof([1, 2], name="w"), intv(1, 2, name="w")],
        lambda: [oneof([1, 2], name="w"), [oneof([3, 4], name="w")]],
        lambda: oneof([oneof([1, 2], name="w"), [oneof([1, 2], name="w")]]),
        lambda: [manyof(2, [1, 2], name="w"), oneof([1, 2], name="w[0]")],
    ],
)
def test_duplicate_names(value: Callable[[], Any]) -> None:
    with pytest.raises(SpaceError, match="Expected names that differ"):
        SearchSpace(value())


def test_a_program_that_holds_itself() -> None:
    inner = program(dict, a=oneof([1, 2]))
    inner.__arguments__["b"] = [inner]
    with pytest.raises(SpaceError, match="without cycles"):
        SearchSpace(inner)


def test_hostile_documents() -> None:
    document = to_json(oneof([1, 2]))
    empty = {**document, "value": {**document["value"], "candidates": []}}
    with pytest.raises(SerializationError):
        from_json(empty)
    unknown = {**document, "value": {**document["value"], "$node": "Popen"}}
    with pytest.raises(SerializationError):
        from_json(unknown)

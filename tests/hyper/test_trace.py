from __future__ import annotations

import itertools
import json
import math
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from keras_glove.errors import DNAError, EncodeError, HyperValueError, SpaceError
from keras_glove.hyper import (
    DNA,
    SearchSpace,
    Traced,
    floatv,
    intv,
    manyof,
    oneof,
    permutate,
    trace,
)
from keras_glove.hyper.values import TRACER
from keras_glove.symbolic import Program, program

ROOT = Path(__file__).parents[2]


def straight() -> Any:
    width = oneof([16, 32])
    return width, intv(1, 3, name="depth")


def loop() -> Any:
    return [oneof(["a", "b"]) for _ in range(intv(1, 4, name="n"))]


def branch() -> Any:
    kind = oneof(["conv", "pool", "skip"])
    if kind == "conv":
        width = oneof([1, 2])
        return kind, width
    if kind == "pool":
        width = intv(1, 3)
        return kind, width
    return (kind,)


def nested_loops() -> Any:
    rows, columns = intv(1, 3, name="rows"), intv(1, 2, name="columns")
    return [[oneof([0, 1]) for _ in range(columns)] for _ in range(rows)]


def same_variable() -> Any:
    found = []
    rows, columns = intv(1, 2, name="rows"), intv(1, 2, name="columns")
    for _ in range(rows):
        for _ in range(columns):
            found.append((len(found), oneof([0, 1])))
    return rows, columns, found


def conjunction() -> Any:
    a, b, c = oneof([0, 1, 2]), oneof([0, 1, 2]), oneof([0, 1, 2])
    deep = oneof(["x", "y"], name="deep") if (a, b, c) == (1, 2, 1) else None
    either = oneof(["p", "q"], name="either") if a == 2 or b == 2 else None
    neither = oneof(["r", "s"], name="neither") if not (a == 0 or c == 0) else None
    return a, b, c, deep, either, neither


def in_two_branches() -> Any:
    a = oneof([0, 1])
    if a == 0:
        return a, oneof([1, 2], name="w")
    b = oneof([0, 1])
    return (a, b) if b == 0 else (a, b, oneof([1, 2], name="w"))


def asked_in_any_order() -> Any:
    return [(kind, oneof([1, 2], name=kind)) for kind in permutate(["a", "b", "c"])]


def below_slots() -> Any:
    kinds = manyof(2, ["conv", "pool"], distinct=False)
    return [(k, oneof([1, 2], name="w")) if k == "conv" else (k,) for k in kinds]


def moving_bounds() -> Any:
    most = oneof([2, 4])
    return most, intv(1, most)


def recursion() -> Any:
    def node(depth: int) -> Any:
        operation = oneof(["leaf", "+"]) if depth else "leaf"
        if operation == "leaf":
            return oneof(["x", "y"])
        left = node(depth - 1)
        right = node(depth - 1)
        return left, right

    return node(2)


def helpers() -> Any:
    def block() -> Any:
        width = oneof([1, 2])
        return width

    stem = block()
    blocks = [block() for _ in range(intv(1, 2, name="depth"))]
    return stem, blocks, block()


def objects() -> Any:
    found = []
    for layer in (object(), object()):
        kind = oneof(["conv", "pool"])
        width = oneof([1, 2]) if kind == "conv" else layer.__class__.__name__
        found.append((kind, width))
    return found


def while_loop() -> Any:
    found: list[Any] = []
    while len(found) < intv(1, 3, name="n"):
        op = oneof([1, 2])
        found.append(op)
    return found


def generator() -> Any:
    return list(oneof([1, 2]) for _ in range(2))  # noqa: C400


def may_raise() -> Any:
    a = oneof([0, 1, 2])
    if a == 1:
        raise ValueError("this one makes no program")
    return a, oneof([1, 2], name="b")


#: function -> (size, names)
FUNCTIONS: dict[Callable[[], Any], tuple[int, str]] = {
    straight: (6, "width depth"),
    loop: (30, "n oneof[0] oneof[1] oneof[2] oneof[3]"),
    branch: (6, "kind width width#2"),
    nested_loops: (
        2 + 4 + 4 + 16 + 8 + 64,
        "rows columns oneof[0][0] oneof[0][1] oneof[1][0] oneof[1][1] oneof[2][0] oneof[2][1]",
    ),
    same_variable: (
        2 + 4 + 4 + 16,
        "rows columns oneof[0][0] oneof[0][1] oneof[1][0] oneof[1][1]",
    ),
    conjunction: (66, "oneof oneof#2 oneof#3 deep either neither"),
    in_two_branches: (5, "a b w"),
    asked_in_any_order: (6 * 8, "permutate[0] permutate[1] permutate[2] a b c"),
    below_slots: (7, "kinds[0] kinds[1] w"),
    moving_bounds: (6, "most intv intv#2"),
    recursion: (
        38,
        "node.operation node.oneof node.left.operation node.left.oneof node.left.left.oneof "
        "node.left.right.oneof node.right.operation node.right.oneof node.right.left.oneof "
        "node.right.right.oneof",
    ),
    helpers: (24, "stem.width depth block[0].width block[1].width block#2.width"),
    objects: (9, "kind[0] width[0] kind[1] width[1]"),
    while_loop: (14, "n op[0] op[1] op[2]"),
    generator: (4, "oneof[0] oneof[1]"),
    may_raise: (6, "a b"),
}


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_spaces_of_functions(function: Callable[[], Any]) -> None:
    traced = trace(function)
    size, _ = FUNCTIONS[function]
    assert traced.space.size == size
    assert len(set(traced.space)) == size


@pytest.mark.parametrize(
    "function", [f for f in FUNCTIONS if f is not may_raise], ids=lambda f: f.__name__
)
def test_each_dna_gives_a_value_of_its_own(function: Callable[[], Any]) -> None:
    traced = trace(function)
    values = {repr(traced.materialize(dna)) for dna in traced.space}
    assert len(values) == traced.space.size


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_names(function: Callable[[], Any]) -> None:
    _, names = FUNCTIONS[function]
    assert [point.name for point in trace(function).space.points] == names.split()


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_spaces_are_saved_and_drawn_from(function: Callable[[], Any]) -> None:
    space = trace(function).space
    assert SearchSpace.from_json(space.to_json()) == space
    rng = np.random.default_rng(0)
    drawn = space.sample(50, 1)
    again = np.random.default_rng(1)
    assert drawn == [space.random(again) for _ in range(50)]
    for dna in drawn:
        assert space.from_tree(space.tree(dna)) == dna
        for index, value in enumerate(dna):
            if value is not None:
                changed = space.validate(space.mutate_point(dna, index, rng))
                assert changed != dna
                assert space.validate(space.complete(changed.values, rng)) == changed


# -- functions at random, against all that they can do ------------------------------------


@st.composite
def machines(draw: st.DrawFn) -> Callable[[], Any]:
    """A function that asks, in each state, and goes to a state that depends on the answers."""
    count = draw(st.integers(1, 5))
    kinds = draw(st.lists(st.integers(2, 3), min_size=count, max_size=count))
    parents = st.lists(st.integers(0, count - 1), max_size=2)
    rules = draw(st.lists(st.tuples(parents, st.integers(0, 8)), min_size=count, max_size=count))

    def function() -> Any:
        answers: dict[int, int] = {}
        for state in range(count):
            watched, wanted = rules[state]
            seen = [answers.get(w, 2) for w in watched if w < state]
            if sum(seen) % 3 == wanted % 3 or not seen:
                answers[state] = oneof(list(range(kinds[state])))
        return answers

    return function


def brute_force(function: Callable[[], Any]) -> list[Any]:
    """All that a function can return, by following every answer."""
    found = []

    def follow(told: list[int]) -> None:
        asked: list[int] = []

        class Told:
            def decide(self, value: Any) -> Any:
                asked.append(len(value.candidates))
                place = len(asked) - 1
                return value.candidates[told[place] if place < len(told) else 0]

        token = TRACER.set(Told())
        try:
            found.append(function())
        finally:
            TRACER.reset(token)
        for place in range(len(told), len(asked)):
            for answer in range(1, asked[place]):
                follow([*told, *[0] * (place - len(told)), answer])

    follow([])
    return found


@settings(max_examples=60)
@given(machines())
def test_all_that_a_function_can_do_is_found(function: Callable[[], Any]) -> None:
    expected = sorted(map(repr, brute_force(function)))
    traced = trace(function, checks=250)
    assert traced.space.size == len(expected)
    assert sorted(repr(traced.materialize(dna)) for dna in traced.space) == expected


# -- what it is told ------------------------------------------------------------------------


def test_a_name_is_one_decision() -> None:
    traced = trace(lambda: [oneof([1, 2], name="w"), oneof([1, 2], name="w")])
    assert [traced.materialize(dna) for dna in traced.space] == [[1, 1], [2, 2]]


def test_numbers_and_many() -> None:
    def function() -> Any:
        return floatv(1e-3, 1.0, scale="log", name="rate"), manyof(2, [1, 2, 3], sorted=True)

    traced = trace(function)
    assert traced.space.size == math.inf
    assert traced.materialize(DNA((0.5, 0, 2))) == (0.5, [1, 3])


def test_programs_remember_and_encode() -> None:
    traced = trace(lambda: program(dict, a=oneof([1, 2], name="a")))
    made = traced.materialize(DNA((1,)))
    assert isinstance(made, Program)
    assert made.__origin__ is not None and made.__origin__.detail == DNA((1,))
    assert traced.encode(made) == DNA((1,))
    assert traced.encode(program(dict, a=1)) == DNA((0,))
    with pytest.raises(EncodeError, match="under some DNA"):
        traced.encode(program(dict, a=3))


def test_encode_says_where_it_gives_up() -> None:
    traced = trace(lambda: [oneof(list(range(10))) for _ in range(8)], max_runs=1000)
    with pytest.raises(SpaceError, match="Keep the DNA beside"):
        traced.encode([0] * 8)


def test_candidates_are_not_copied() -> None:
    layers = [object(), object()]
    traced = trace(lambda: oneof(layers))
    assert traced.materialize(DNA((1,))) is layers[1]


def test_large_ranges_open_loops() -> None:
    traced = trace(lambda: [oneof([0, 1], name=f"o{i}") for i in range(intv(1, 50, name="n"))])
    assert traced.space.size == sum(2**n for n in range(1, 51))


def test_traced_can_be_pickled() -> None:
    traced = pickle.loads(pickle.dumps(trace(branch)))
    assert isinstance(traced, Traced) and traced.space == trace(branch).space
    assert repr(traced) == "Traced(branch, 3 decision points)"


@pytest.mark.slow
def test_it_is_the_same_in_another_process() -> None:
    code = (
        "import json; from tests.hyper.test_trace import *; "
        "print(json.dumps([trace(f).space.to_json() for f in FUNCTIONS]))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert json.loads(run.stdout) == [trace(f).space.to_json() for f in FUNCTIONS]


# -- bad input ------------------------------------------------------------------------------


def two_kinds() -> Any:
    return oneof([1, 2], name="x"), intv(1, 3, name="x")


def two_kinds_in_two_runs() -> Any:
    return oneof([1, 2], name="x") if oneof([0, 1]) else intv(1, 3, name="x")


def on_a_float() -> Any:
    return oneof([1, 2]) if floatv(0.0, 1.0, name="rate") > 0.4 else 0


CALLS = itertools.count()


def of_its_own_mind() -> Any:
    return oneof([1, 2]) if next(CALLS) % 2 else 0


def endless() -> Any:
    return [oneof([1, 2]) for _ in range(intv(1, 100_000))]


def counted_only() -> Any:
    flags = [oneof([True, False]) for _ in range(18)]
    return [oneof([1, 2]) for flag in flags if flag]


def made_outside() -> Any:
    return [OUTSIDE, oneof([1, 2])]


OUTSIDE = oneof([1, 2])


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (two_kinds, "one kind of hyper-value for the name 'x'"),
        (two_kinds_in_two_runs, "one kind of hyper-value for the name 'x'"),
        (on_a_float, "some values of floatv.*'rate'"),
        (of_its_own_mind, "same decisions whenever"),
        (endless, "10000 runs are enough"),
        (counted_only, "name them after the turn"),
    ],
)
def test_functions_that_cannot_be_traced(function: Callable[[], Any], message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        trace(function)


def test_open_values_from_outside() -> None:
    with pytest.raises(SpaceError, match="inside the function"):
        trace(made_outside).materialize(DNA((0,)))


def test_errors_of_the_function() -> None:
    with pytest.raises(ZeroDivisionError):
        trace(lambda: 1 // 0)
    traced = trace(may_raise)
    with pytest.raises(ValueError, match="no program"):
        traced.materialize(DNA((1, 0)))
    with pytest.raises(HyperValueError, match="at least one candidate"):
        trace(lambda: oneof([]))
    with pytest.raises(DNAError):
        traced.materialize(DNA((1,)))


def test_what_was_not_foreseen_is_told() -> None:
    def function() -> Any:
        rate = floatv(0.0, 1.0)
        if rate == 0.123:
            return rate, oneof([1, 2])
        return (rate,) if rate == 0.456 else (rate, oneof([1, 2], name="usual"))

    traced = trace(function)
    assert traced.materialize(DNA((0.5, 1))) == (0.5, 2)
    with pytest.raises(SpaceError, match="asks for oneof"):
        traced.materialize(DNA((0.123, 1)))
    with pytest.raises(SpaceError, match="does not ask for 'usual'"):
        traced.materialize(DNA((0.456, 1)))

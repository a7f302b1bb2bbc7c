from __future__ import annotations

import json
import math
import pickle
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import assume, given

from keras_glove.algorithms import Random, RegularizedEvolution
from keras_glove.errors import (
    EncodeError,
    HyperValueError,
    NotRegisteredError,
    SerializationError,
    SpaceError,
)
from keras_glove.hyper import (
    DNA,
    SearchSpace,
    View,
    between,
    constrain,
    floatv,
    forbid,
    intv,
    manyof,
    oneof,
    only,
    require,
    satisfies,
    trace,
)
from keras_glove.search import search
from keras_glove.symbolic import Program, equal, from_json, program, symbolize, to_json
from tests.hyper.samples import Layer, Net, spaces


def network() -> Any:
    """An open program that touches each kind of decision."""
    conv = program(
        Layer, units=oneof([16, 32, 64], name="width"), options=intv(1, 7, step=2, name="kernel")
    )
    return program(
        Net,
        oneof([conv, program(Net), "skip"], name="op"),
        {"rate": floatv(1e-4, 1e-1, scale="log", name="rate"), "depth": intv(1, 4, name="depth")},
        manyof(2, ["flip", "crop", "blur"], name="aug"),
    )


def decisions_of(value: Any, *constraints: Any) -> list[dict[str, Any]]:
    space = SearchSpace(value).constrain(*constraints)
    return [space.decisions(dna) for dna in filter(space.allows, space)]


FLAT = {
    "op": oneof(["conv", "pool", True, 1], name="op"),
    "width": intv(8, 32, step=8, name="width"),
}


@pytest.mark.parametrize(
    ("constraint", "refused"),
    [
        (forbid(op="pool", width=32), {("pool", 32)}),
        (forbid({"op": ["pool", "conv"]}, width=between(24, 99)), {
            ("pool", 24), ("pool", 32), ("conv", 24), ("conv", 32)}),
        (forbid(op=1, width=[8, 16]), {(1, 8), (1, 16)}),
        (forbid(op=True, width=8), {(True, 8)}),
        (forbid(op=["pool", 1], width=between(20, 31)), {("pool", 24), (1, 24)}),
        (require({"op": "conv"}, {"width": [16, 24]}), {("conv", 8), ("conv", 32)}),
        (satisfies(lambda op, width: op != "conv" or width > 8, "op", "width"), {("conv", 8)}),
        (satisfies(lambda d: d["width"] != 8 or d["op"] != "pool"), {("pool", 8)}),
    ],
)  # fmt: skip
def test_what_constraints_refuse(constraint: Any, refused: set[Any]) -> None:
    def key(pair: Any) -> Any:
        return [(type(v), v) for v in pair]

    space = SearchSpace(FLAT).constrain(constraint)
    pairs = [tuple(space.decisions(dna).values()) for dna in space if not space.allows(dna)]
    assert sorted(map(repr, map(key, pairs))) == sorted(map(repr, map(key, refused)))
    assert space.size == 16
    if "satisfies" not in repr(constraint):
        assert space.allowed_size == 16 - len(refused)


def test_names_tell_slots_and_patterns() -> None:
    value = {"a": manyof(2, ["x", "y"], distinct=False, name="ops"), "b": oneof(["x", "z"])}
    assert SearchSpace(value).constrain(forbid(ops="x")).allowed_size == 2
    assert SearchSpace(value).constrain(forbid({"ops[0]": "x"})).allowed_size == 4
    assert SearchSpace(value).constrain(forbid({"*": "x"})).allowed_size == 1
    assert SearchSpace(value).constrain(require({"b": "x"}, {"ops": "y"})).allowed_size == 5


def test_candidates_that_are_programs_are_told_by_what_they_call() -> None:
    for told in ("Layer", Layer):
        space = SearchSpace(network()).constrain(forbid(op=told))
        assert {space.decisions(d)["op"] for d in filter(space.allows, space.sample(60, 0))} == {
            "Net()",
            "skip",
        }


def test_inactive_decisions_have_no_value() -> None:
    space = SearchSpace(network())
    skip = DNA((2, None, None, 0.01, 1, 0, 1))
    assert space.constrain(forbid(width=[16, 32, 64])).allows(skip)
    assert space.constrain(require({"depth": 1}, {"width": 64})).allows(skip)
    seen: list[Any] = []
    ask = satisfies(
        lambda *arguments: bool(seen.append(arguments) or True), "width", "aug", "aug[1]"
    )
    assert space.constrain(ask).allows(skip)
    assert seen == [(None, ["flip", "crop"], "crop")]


def test_broken_tells_which() -> None:
    one, two = forbid(op="pool"), forbid(width=8)
    space = SearchSpace(FLAT).constrain(one).constrain(two)
    assert space.constraints == (one, two)
    assert space.broken(DNA((1, 16))) == [one]
    assert space.broken(DNA((1, 8))) == [one, two]
    assert space.broken(DNA((0, 16))) == []
    assert repr(space) == "SearchSpace(2 decision points: op, width; 2 constraints)"


def test_programs_and_children_are_asked() -> None:
    built: list[Any] = []

    def small(child: Any) -> bool:
        built.append(child)
        return child.units <= 32

    view = constrain(program(Layer, units=oneof([16, 32, 64])), satisfies(small, of="child"))
    assert [view.space.allows(dna) for dna in view.space] == [True, True, False]
    assert view.space.allows(DNA((0,))) and len(built) == 3  # asked once for each
    assert isinstance(built[0], Layer)

    def narrow(concrete: Any) -> bool:
        assert isinstance(concrete, Program)
        return concrete.units != 16

    view = constrain(view, satisfies(narrow, of="program"))
    assert [view.space.allows(dna) for dna in view.space] == [False, True, False]


@given(spaces(), st.data())
def test_allowed_size_is_a_count(value: Program, data: st.DataObject) -> None:
    space = SearchSpace(value)
    assume(len(space) > 0 and space.size <= 400)
    points = st.sampled_from(space.points)

    def some() -> dict[str, Any]:
        chosen = data.draw(st.lists(points, min_size=1, max_size=2))
        return {p.name: data.draw(st.lists(values_of(p), min_size=1, max_size=2)) for p in chosen}

    constraints = [forbid(some()), require(some(), some())]
    constrained = space.constrain(*constraints[: data.draw(st.integers(1, 2))])
    allowed = list(filter(constrained.allows, space))
    assert constrained.allowed_size == len(allowed)
    assert all(not constrained.broken(dna) for dna in allowed)
    read = SearchSpace.from_json(json.loads(json.dumps(constrained.to_json())))
    assert read == constrained and hash(read) == hash(constrained) and read != space
    assert [read.allows(dna) for dna in space] == [constrained.allows(dna) for dna in space]
    assert pickle.loads(pickle.dumps(constrained)) == constrained


def values_of(point: Any) -> st.SearchStrategy[Any]:
    if point.kind == "categorical":
        return st.sampled_from(point.literals)
    return st.sampled_from(range(point.low, point.high + 1, point.step))


@given(spaces(), st.data())
def test_restricting_is_filtering(value: Program, data: st.DataObject) -> None:
    """A view under `only` gives the programs that the whole space gives with these values."""
    space = SearchSpace(value)
    free = [p for p in space.points if p.group is None]
    assume(free and space.size <= 300)
    keep = {
        p.name: data.draw(st.lists(values_of(p), min_size=1, max_size=3))
        for p in data.draw(st.lists(st.sampled_from(free), min_size=1, max_size=2))
    }
    view, whole = constrain(value, only(keep)), constrain(value)
    wide = [dna for dna in space if all(
        v is None or any(same(p.readable(v), k) for k in keep.get(p.name, [p.readable(v)]))
        for p, v in zip(space.points, dna, strict=True))]  # fmt: skip
    narrow = list(view.space)
    assert len(narrow) == view.space.size == len(wide)
    made = [view.materialize(dna) for dna in narrow]
    assert all(map(equal, made, [whole.materialize(dna) for dna in wide]))
    assert [view.encode(program) for program in made] == narrow
    forgotten = [from_json(to_json(program)) for program in made]
    assert all(map(equal, map(view.materialize, map(view.encode, forgotten)), made))
    assert SearchSpace.from_json(view.space.to_json()) == view.space
    assert view.space.points == space.restrict(keep).points


def same(left: Any, right: Any) -> bool:
    return type(left) is type(right) and left == right


def test_only_narrows_numbers_and_slots() -> None:
    view = constrain(network(), only(rate=between(1e-3, 1e-2), depth=[1, 3], aug=["crop", "blur"]),
                     only(op=["Layer", "skip"], kernel=between(3, 5)))  # fmt: skip
    points = {point.name: point for point in view.space.points}
    assert (points["rate"].low, points["rate"].high, points["rate"].scale) == (1e-3, 1e-2, "log")
    assert (points["depth"].low, points["depth"].high, points["depth"].step) == (1, 3, 2)
    assert (points["kernel"].low, points["kernel"].high) == (3, 5)
    assert points["aug[1]"].literals == ("crop", "blur") and points["op"].num_candidates == 2
    made = view.materialize(view.space.sample(1, 0)[0])
    assert view.encode(made) == view.space.sample(1, 0)[0]
    with pytest.raises(EncodeError, match="expected one of|no member"):
        view.encode(constrain(network()).materialize(DNA((1, None, None, 0.005, 1, 1, 2))))


def test_what_cannot_be_reached_any_more_is_left_out() -> None:
    space = SearchSpace(network()).constrain(forbid(width=64, depth=4), forbid(aug="flip"))
    smaller = space.restrict(op=["skip", "Net"], rate=1e-2)
    assert [point.name for point in smaller.points] == ["op", "rate", "depth", "aug[0]", "aug[1]"]
    assert smaller.points[1].literals == (0.01,)
    assert smaller.constraints == space.constraints
    assert smaller.allowed_size == 2 * 4 * 2  # what speaks of the width is never the case


def test_spaces_are_renamed_hinted_and_combined() -> None:
    space = SearchSpace(network()).constrain(forbid(width=64, aug="flip"))
    other = space.rename({"width": "units", "aug": "order"})
    names = [point.name for point in other.points]
    assert names == ["op", "units", "kernel", "rate", "depth", "order[0]", "order[1]"]
    assert other.constraints == (forbid(units=64, order="flip"),)
    dna = DNA((0, 2, 3, 0.01, 1, 0, 1))
    assert not space.allows(dna) and not other.allows(dna)
    assert space.rename(str.upper).points[0].name == "OP"
    hinted = space.hint({"*width": "w", "aug": ["a"]})
    assert [point.hints for point in hinted.points] == [None, "w", None, None, None, ["a"], ["a"]]
    both = SearchSpace.combine({"stem": space, "head": SearchSpace([oneof([1, 2])])})
    assert [point.name for point in both.points][-3:] == ["stem.aug[0]", "stem.aug[1]", "head[0]"]
    assert both.validate(DNA((*dna, 1))) and not both.allows(DNA((*dna, 1)))
    assert both.points[1].conditions == ((0, 0),) and both.points[5].group is not None
    twice = SearchSpace.combine({"a": space, "b": space})
    assert twice.allows(DNA((2, None, None, 0.1, 1, 1, 2) * 2))
    assert not twice.allows(DNA((2, None, None, 0.1, 1, 1, 2, *dna)))
    assert twice.points[8].conditions == ((7, 0),)


def test_functions_and_views_are_constrained() -> None:
    def function() -> Any:
        return [oneof([1, 2, 3], name=f"w{i}") for i in range(intv(1, 2, name="depth"))]

    view = constrain(
        constrain(trace(function), only(w0=[2, 3])), forbid(w0=3, w1=3), only(w1=[1, 3])
    )
    made = [view.materialize(dna) for dna in filter(view.space.allows, view.space)]
    assert made == [[2], [3], [2, 1], [2, 3], [3, 1]]
    assert view.encode([2, 3]) == DNA((2, 0, 1))
    assert isinstance(constrain(function, only(w0=1)), View)


@symbolize(name="tests.hyper.not_two")
def not_two(width: Any) -> bool:
    return bool(width != 2)


@pytest.mark.parametrize("algorithm", [Random(seed=0), RegularizedEvolution(8, 3, seed=0)])
def test_algorithms_propose_what_is_allowed(algorithm: Any) -> None:
    value = {"op": oneof(["conv", "pool"], name="op"), "width": oneof([1, 2, 3, 4], name="width")}
    view = constrain(value, forbid(op="pool", width=[3, 4]), satisfies(not_two, "width"))
    study = search(view, lambda made: made["width"], algorithm, num_trials=30)
    assert {str(trial.dna) for trial in study.trials} <= {"0,0", "0,2", "0,3", "1,0"}
    assert study.best_program == {"op": "conv", "width": 4}
    assert algorithm.num_rejected > 0


# -- saved ----------------------------------------------------------------------------------


@symbolize(name="tests.hyper.wide")
def wide(width: Any) -> bool:
    return width != 8


def test_golden_document_of_constraints() -> None:
    space = SearchSpace(FLAT).constrain(
        forbid(op="pool", width=between(8, 16)),
        require({"op": True}, {"width": [8, 32]}),
        satisfies(wide, "width"),
    )
    assert space.to_json()["constraints"] == [
        {"kind": "forbid", "when": [["op", ["pool"]], ["width", {"between": [8, 16]}]]},
        {"kind": "require", "when": [["op", [True]]], "then": [["width", [8, 32]]]},
        {
            "kind": "satisfies",
            "function": "tests.hyper.wide",
            "names": ["width"],
            "of": "decisions",
        },
    ]
    read = SearchSpace.from_json(json.loads(json.dumps(space.to_json())))
    assert read == space
    assert [read.allows(dna) for dna in space] == [space.allows(dna) for dna in space]


def test_functions_without_a_name_are_not_saved() -> None:
    space = SearchSpace(FLAT).constrain(satisfies(lambda width: True, "width"))
    with pytest.raises(NotRegisteredError, match=r"at the constraint satisfies.*kg.symbolize"):
        space.to_json()


def test_a_space_that_was_read_knows_no_programs() -> None:
    view = constrain(FLAT, satisfies(wide, of="program"))
    assert view.space.allows(DNA((0, 8)))
    read = SearchSpace.from_json(view.space.to_json())
    assert read == view.space
    with pytest.raises(SpaceError, match=r"constrain\(program"):
        read.allows(DNA((0, 8)))
    again = pickle.loads(pickle.dumps(view))
    assert again.space == view.space and again.space.allows(DNA((0, 8)))


@pytest.mark.parametrize(
    "constraints",
    [
        {},
        [1],
        [{}],
        [{"kind": "eval", "function": "os.system"}],
        [{"kind": "forbid"}],
        [{"kind": "forbid", "when": []}],
        [{"kind": "forbid", "when": [["op"]]}],
        [{"kind": "forbid", "when": [["op", "pool"]]}],
        [{"kind": "forbid", "when": [["op", [[1]]]]}],
        [{"kind": "forbid", "when": [["op", {"between": [2, 1]}]]}],
        [{"kind": "forbid", "when": [["op", ["a"]], ["op", ["b"]]]}],
        [{"kind": "forbid", "when": [[1, ["a"]]]}],
        [{"kind": "satisfies", "function": "os.system", "names": [], "of": "decisions"}],
        [{"kind": "satisfies", "function": "tests.hyper.wide", "names": [], "of": "shell"}],
        [{"kind": "satisfies", "function": "tests.hyper.wide", "names": [1], "of": "decisions"}],
    ],
)
def test_hostile_constraints(constraints: Any) -> None:
    document = SearchSpace(FLAT).to_json()
    document["constraints"] = constraints
    with pytest.raises(SerializationError):
        SearchSpace.from_json(document)


# -- bad input ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: forbid(), "each once"),
        (lambda: forbid({"op": 1}, op=2), "each once"),
        (lambda: forbid({1: 2}), "names of decisions"),
        (lambda: forbid(op=[]), "a value as `space.decisions` shows it"),
        (lambda: forbid(op=[[1]]), "a value as `space.decisions` shows it"),
        (lambda: forbid(op={"a": 1}), "a value as `space.decisions` shows it"),
        (lambda: require({}, {"a": 1}), "require"),
        (lambda: between(2, 1), "Swap them"),
        (lambda: between("a", 1), "numbers as bounds"),  # type: ignore[arg-type]
        (lambda: between(math.nan, 1), "numbers as bounds"),
        (lambda: between(True, 1), "numbers as bounds"),
        (lambda: satisfies(3), "expected a function"),  # type: ignore[arg-type]
        (lambda: satisfies(wide, of="model"), "expected a function"),  # type: ignore[arg-type]
        (lambda: satisfies(wide, "width", of="program"), "expected a function"),
    ],
)
def test_bad_constraints(make: Any, message: str) -> None:
    with pytest.raises(HyperValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda s: s.constrain(forbid(widht=64)), "Did you mean 'width'"),
        (lambda s: s.constrain(forbid({"*.x": 1})), "the name of a decision"),
        (lambda s: s.constrain(forbid(width=48)), r"one of its values \(\[16, 32, 64\]\)"),
        (lambda s: s.constrain(forbid(width=[16, 48])), "received 48"),
        (lambda s: s.constrain(forbid(kernel=2)), "1 to 7 in steps of 2"),
        (lambda s: s.constrain(forbid(kernel=between(8, 9))), "one of its values"),
        (lambda s: s.constrain(require({"op": "skip"}, {"rate": 5})), "one of its values"),
        (lambda s: s.constrain(satisfies(wide, "weight")), "the name of a decision"),
        (lambda s: s.constrain(only(width=16)), "Use `restrict`"),
        (lambda s: s.restrict(width=48), "one of its values"),
        (lambda s: s.restrict({"aug[0]": "flip"}), "for all 2 slots"),
        (lambda s: s.restrict(aug=["flip"]), "leaves 1"),
        (lambda s: s.restrict(rate=between(1, 2)), "one of its values"),
        (
            lambda s: constrain(
                network(), only(rate=between(0, 1e-3)), only(rate=between(1e-2, 1))
            ),
            "leave none",
        ),
        (lambda s: s.rename({"width": "kernel"}), "names that differ"),
        (lambda s: s.rename({"weight": "kernel"}), "the name of a decision"),
        (lambda s: s.hint({"weight": 1}), "the name of a decision"),
        (lambda s: s.constrain(satisfies(lambda d: True)).allowed_size, "counted"),
        (lambda s: constrain([1, 2]), "hyper-values"),
        (lambda s: constrain(3), "hyper-values"),
        (lambda s: constrain(FLAT, lambda d: True), "Expected constraints made by"),
    ],
)
def test_what_a_space_does_not_have(make: Any, message: str) -> None:
    space = SearchSpace(network()) if "counted" not in message else SearchSpace(FLAT)
    with pytest.raises(SpaceError, match=message):
        make(space)


def test_predicates_that_say_nothing() -> None:
    space = SearchSpace(FLAT).constrain(satisfies(lambda decisions: None))
    with pytest.raises(SpaceError, match="to return True or False, received None"):
        space.allows(DNA((0, 8)))
    numpy_bool = SearchSpace(FLAT).constrain(satisfies(lambda width: np.bool_(width > 8), "width"))
    assert not numpy_bool.allows(DNA((0, 8)))

"""Searching a part of a space, loops inside loops, and the flows made of them."""

from __future__ import annotations

import itertools
import runpy
from pathlib import Path
from typing import Any

import pytest

from keras_glove.algorithms import Random, RegularizedEvolution, Sweep
from keras_glove.errors import SpaceError
from keras_glove.hyper import (
    FloatV,
    HyperValue,
    IntV,
    Template,
    floatv,
    intv,
    oneof,
    permutate,
)
from keras_glove.search import flows, sample
from keras_glove.search.where import hinted
from keras_glove.symbolic import is_open, program
from tests.naming import named

EXAMPLE = "examples/hardware_codesign.py"
FLOWS = [flows.joint, flows.separate, flows.factorized, flows.hybrid]


class Chip:
    def __init__(self, tile: int, clock: float) -> None:
        self.tile = tile
        self.clock = clock


def space() -> dict[str, Any]:
    return {
        "hardware": program(Chip, tile=oneof([8, 16], hints="chip"), clock=floatv(0.5, 1.0)),
        "blocks": [oneof([{"width": intv(1, 4), "op": oneof(["conv", "pool"])}, "skip"])],
        "order": permutate(["a", "b"], name="order", hints=["chip", "late"]),
    }


def names(where: Any) -> list[str]:
    return [point.name for point in sample(space(), Random(), where=where).study.space.points]


ALL = [
    "hardware.tile", "hardware.clock", "blocks[0]", "blocks[0]=#0.width", "blocks[0]=#0.op",
    "order[0]", "order[1]",
]  # fmt: skip


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("*", ALL),
        ("hardware.*", ALL[:2]),
        ("blocks[0]", ALL[2:3]),
        # The parent stays open, so it is no decision to name them by.
        ("blocks[0]=*", [f"blocks[0].candidates[0].{name}" for name in ("width", "op")]),
        ("order", ALL[5:]),
        (FloatV, ALL[1:2]),
        (hinted("chip"), [ALL[0], *ALL[5:]]),
        (lambda value: isinstance(value, IntV), ["blocks[0].candidates[0].width"]),
        (["*.tile", FloatV], ALL[:2]),
    ],
    ids=named,
)
def test_where(where: Any, expected: list[str]) -> None:
    assert names(where) == expected


@pytest.mark.parametrize("where", ["none.*", "hardware", hinted("none"), lambda value: False, []])
def test_where_that_fits_nothing(where: Any) -> None:
    with pytest.raises(SpaceError, match=r"fits none of the decisions \['hardware.tile'"):
        sample(space(), Random(), where=where)


@pytest.mark.parametrize("where", [3, int, {"hardware"}])
def test_where_that_is_none(where: Any) -> None:
    with pytest.raises(SpaceError, match="pattern for names"):
        sample(space(), Random(), where=where)


@pytest.mark.parametrize("closed", [lambda: oneof([1, 2]), Template(oneof([1, 2])), {"a": 1}])
def test_parts_of_what_has_none(closed: Any) -> None:
    with pytest.raises(SpaceError, match="with `where` a program"):
        sample(closed, Random(), where="*")


def test_loops_nest_to_any_depth() -> None:
    seen = []
    for one, first in sample(space(), Sweep(), where="*.tile"):
        assert is_open(one)
        for two, second in sample(one, Sweep(), where=["blocks*", "order"]):
            assert is_open(two)
            for child, third in sample(two, Random(seed=0), 3):
                assert isinstance(child["hardware"], Chip)
                seen.append((child["hardware"].tile, repr(child["blocks"]), tuple(child["order"])))
                third(1.0)
            second(1.0)
        first(1.0)
    assert len(seen) == 2 * (4 * 2 + 1) * 2 * 3
    assert len(set(seen)) == len(seen) // 3


def test_an_inner_part_may_be_decided_before_the_outer() -> None:
    tops = oneof([{"conv": oneof([1, 2], name="n")}, "skip"], name="op")
    seen = [
        (child if isinstance(child, str) else child["conv"])
        for half_open, outer in sample({"top": tops}, Sweep(), where="n")
        for child in drawn(half_open, outer)
    ]
    assert seen == [1, "skip", 2, "skip"]


def drawn(half_open: Any, outer: Any) -> Any:
    for child, feedback in sample(half_open, Sweep()):
        yield child["top"]
        feedback(1.0)
    outer(1.0)


# --- flows --------------------------------------------------------------------------


def run(flow: Any, program: Any, where: Any, total: int, **settings: Any) -> list[Any]:
    seen = []
    for child, feedback in flow(program, where, Random, total, **settings):
        seen.append((dict(child), feedback.trial.number))
        feedback(float(child["a"] * 10 + child["b"]))
    return seen


NUMBERS = {"a": intv(0, 9, name="a"), "b": intv(0, 9, name="b")}


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("total", [1, 2, 7, 20, 33])
def test_each_flow_draws_as_many_children(flow: Any, total: int) -> None:
    seen = run(flow, NUMBERS, "a", total, seed=3)
    assert len(seen) == total
    assert seen == run(flow, NUMBERS, "a", total, seed=3)
    if total > 6:
        assert seen != run(flow, NUMBERS, "a", total, seed=4)


def test_separate_keeps_the_best_first_part() -> None:
    seen = [child for child, _ in run(flows.separate, NUMBERS, "a", 30, seed=1)]
    best = max(seen[:15], key=lambda child: child["a"] * 10 + child["b"])
    assert {child["a"] for child in seen[15:]} == {best["a"]}
    assert len({child["a"] for child in seen[:15]}) > 3


def test_factorized_searches_the_rest_for_each_first_part() -> None:
    seen = [child["a"] for child, _ in run(flows.factorized, NUMBERS, "a", 20, seed=1, inner=6)]
    lengths = [len(list(same)) for _, same in itertools.groupby(range(20), lambda i: i // 6)]
    assert lengths == [6, 6, 6, 2]
    assert all(len(set(seen[i : i + 6])) == 1 for i in (0, 6, 12, 18))
    assert len(set(seen)) > 1


def test_hybrid_is_factorized_and_then_fixed() -> None:
    seen = [child for child, _ in run(flows.hybrid, NUMBERS, "a", 32, seed=1, inner=4)]
    best = max(seen[:16], key=lambda child: child["a"] * 10 + child["b"])
    assert {child["a"] for child in seen[16:]} == {best["a"]}
    assert len({seen[i]["a"] for i in range(4)}) == 1


@pytest.mark.parametrize("flow", FLOWS)
def test_flows_minimise(flow: Any) -> None:
    seen = [child for child, _ in run(flow, NUMBERS, "a", 60, seed=1, direction="minimize")]
    if flow in (flows.separate, flows.hybrid):
        best = min(seen[:30], key=lambda child: child["a"] * 10 + child["b"])
        assert {child["a"] for child in seen[30:]} == {best["a"]}


@pytest.mark.parametrize("flow", FLOWS)
def test_where_nothing_is_left_open(flow: Any) -> None:
    conditional = {"op": oneof(["skip", {"width": intv(1, 4)}], name="op")}
    count = 0
    for child, feedback in flow(conditional, "op", lambda: RegularizedEvolution(4, 2), 24, seed=2):
        count += 1
        assert not is_open(child)
        assert not isinstance(child["op"], HyperValue)
        feedback(5.0 if child["op"] == "skip" else child["op"]["width"])
    assert 12 <= count <= 24


@pytest.mark.parametrize("flow", FLOWS[1:])
def test_first_parts_whose_children_all_fail_are_passed_over(flow: Any) -> None:
    for child, feedback in flow(NUMBERS, "a", Random, 40, seed=0):
        feedback.skip() if child["a"] < 5 else feedback(float(child["b"]))


def test_the_example_shows_every_flow(capsys: pytest.CaptureFixture[str]) -> None:
    example = runpy.run_path(str(Path(__file__).absolute().parents[2] / EXAMPLE))
    example["main"](12, 2)
    shown = capsys.readouterr().out
    assert all(flow.__name__ in shown for flow in FLOWS)
    assert "the best of all" in shown


def test_the_models_of_the_example() -> None:
    example = runpy.run_path(str(Path(__file__).absolute().parents[2] / EXAMPLE))
    chip = {"tile": 16, "memory_kb": 512, "clock_ghz": 1.0}
    layer = example["Layer"](pixels=64, patch=32, out=48)
    # 2 * 3 tiles, each 64 + 2 * 16 cycles at 1 GHz; 6656 bytes at 8 GB/s are over before.
    assert example["latency_ms"](chip, layer) == pytest.approx(max(576 / 1e6, 6656 / 8e6))
    small = {**chip, "memory_kb": 1}  # activations are read once for each of three columns.
    assert example["latency_ms"](small, layer) == pytest.approx((1536 + 3 * 5120) / 8e6)
    assert example["area_mm2"](chip) < example["area_mm2"]({**chip, "tile": 32})

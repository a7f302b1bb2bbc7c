"""Latencies: what is timed, what lies between, what is kept in a file, what a child costs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import keras
import numpy as np
import pytest

from keras_glove import oneof
from keras_glove.cost import Latencies, LatencyTable, measure
from keras_glove.errors import CostError
from keras_glove.hyper import SearchSpace, intv
from keras_glove.weight_sharing import Codec, Decisions, given_costs


def clock(times: list[float]) -> Callable[[], float]:
    """Ticks so that successive calls take these seconds, over and over."""
    now, asked = 0.0, 0

    def read() -> float:
        nonlocal now, asked
        if asked % 2:
            now += times[asked // 2 % len(times)]
        asked += 1
        return now

    return read


class Counted(keras.layers.Layer):
    """Notes with which widths layers were made."""

    made: ClassVar[list[float]] = []

    def __init__(self, width: float) -> None:
        super().__init__()
        self.made.append(width)

    def call(self, x: Any) -> Any:
        return x


def test_the_median_of_the_repeats_counts() -> None:
    found = measure(
        {"op": (Counted, [[3, 1]])},
        "CPU:0",
        input_shapes={"op": lambda width: (width,)},
        repeats=3,
        clock=clock([0.001, 0.009, 0.002]),
    )
    assert Counted.made == [1, 3]  # ascending
    table = found["op"]
    assert table.sizes == ((1, 3),)
    np.testing.assert_allclose(table.ms, (2.0, 2.0))


def test_a_layer_without_numbers_has_one_time() -> None:
    found = measure(
        {"op": keras.layers.Identity()}, input_shapes=(2,), repeats=1, clock=clock([0.004])
    )
    assert found["op"]() == pytest.approx(4.0)


GRID = LatencyTable(((8.0, 16.0, 32.0), (3.0, 5.0)), (1.0, 2.0, 2.0, 4.0, 6.0, 8.0))


@pytest.mark.parametrize(
    ("numbers", "ms"),
    [
        ((8, 3), 1.0),
        ((32, 5), 8.0),
        ((12, 3), 1.5),
        ((24, 3), 4.0),
        ((16, 4), 3.0),
        ((12, 4), 2.25),
    ],
)
def test_between_what_was_measured_lies_a_line(numbers: Any, ms: float) -> None:
    assert GRID(*numbers) == pytest.approx(ms)


@pytest.mark.parametrize("numbers", [(7, 3), (33, 3), (8, 6), (8,), (8, 3, 1)])
def test_beyond_it_nothing_is_made_up(numbers: Any) -> None:
    with pytest.raises(CostError):
        GRID(*numbers)


def test_a_file_gives_them_back(tmp_path: Path) -> None:
    latencies = Latencies("a CPU", "2.21", 4, {"grid": GRID})
    latencies.save(tmp_path / "ms.json")
    assert Latencies.load(tmp_path / "ms.json") == latencies
    content = json.loads((tmp_path / "ms.json").read_text())
    assert (content["version"], content["device"], content["tensorflow"]) == (1, "a CPU", "2.21")


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"tables": {"grid": {"sizes": [[1, 2]], "ms": [1.0]}}},
        {"tables": {"grid": {"sizes": [[2, 1]], "ms": [1.0, 2.0]}}},
        {"tables": {"grid": {"sizes": [[1, 2]], "ms": [1.0, "x"]}}},
        {"tables": None},
        {"batch_size": None},
    ],
)
def test_files_that_claim_something_else_are_refused(tmp_path: Path, change: Any) -> None:
    path = tmp_path / "ms.json"
    Latencies("a CPU", "2.21", 4, {"grid": GRID}).save(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(CostError):
        Latencies.load(path)


def test_no_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ms.json").write_text("{")
    with pytest.raises(CostError, match=r"Latencies\.save"):
        Latencies.load(tmp_path / "ms.json")


@pytest.mark.parametrize(
    "settings", [{"device": "TPU:7"}, {"repeats": 0}, {"batch_size": 0}, {"warm_up": -1}]
)
def test_what_cannot_be_measured_is_refused(settings: Any) -> None:
    with pytest.raises(CostError):
        measure({"op": keras.layers.Identity()}, input_shapes=(2,), **settings)


def space() -> SearchSpace:
    conv = {"kernel": oneof([3, 5], name="kernel"), "width": oneof([8, 32], name="width")}
    return SearchSpace([oneof([conv, "pool"], name="op"), intv(1, 3, name="depth")])


COSTS: dict[Any, Any] = {
    ("width", "kernel"): GRID,
    "depth": {1: 0.5, 2: 1.5, 3: 4.5},
    "op": [0.0, 0.25],
}


def expected(decisions: dict[str, Any]) -> float:
    conv = "width" in decisions
    block = GRID(decisions["width"], decisions["kernel"]) if conv else 0.25
    return float(block + {1: 0.5, 2: 1.5, 3: 4.5}[decisions["depth"]] + 0.125)


def test_costs_of_children_outside_and_in_the_graph() -> None:
    where = space()
    formula, codec = given_costs(where, COSTS, base=0.125), Codec(where)
    for dna in where:
        number = expected(where.decisions(dna))
        assert formula(dna) == pytest.approx(number)
        assert float(formula.tensor(codec.decisions(dna))) == pytest.approx(number)


def test_relaxed_decisions_give_the_expectation() -> None:
    where = space()
    formula = given_costs(where, {"depth": COSTS["depth"]})
    place = next(point.index for point in where.points if point.name == "depth")
    weights = {place: np.array([0.5, 0.25, 0.25], "float32")}
    relaxed = Decisions(np.zeros(len(where), "int32"), weights=weights)
    assert float(formula.tensor(relaxed)) == pytest.approx(0.25 + 0.375 + 1.125)


@pytest.mark.parametrize(
    "costs",
    [{"height": [1.0]}, {"op": [1.0]}, {"op": {"pool": 1.0}}, {"depth": lambda n: float("nan")},
     {"depth": lambda n: "much"}, {("op", "depth"): [1.0, 2.0]}],
)  # fmt: skip
def test_costs_that_do_not_fit_are_refused(costs: Any) -> None:
    with pytest.raises(CostError):
        given_costs(space(), costs)

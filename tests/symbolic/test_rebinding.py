from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, strategies as st

from keras_glove.errors import ArgumentError, PathError
from keras_glove.symbolic import (
    MISSING,
    Program,
    clone,
    equal,
    get,
    missing,
    program,
    rebind,
    to_json,
    walk,
)

from .samples import Conv, Net, Pick, chain, net, programs


class TestPlaces:
    def test_one_path(self):
        p = net()
        assert rebind(p, "blocks[0].filters", 7) is p and p.blocks[0].filters == 7
        assert rebind(p, ("blocks", 1, "kernel"), 9).blocks[1].kernel == 9
        assert rebind(p, "blocks[-1].kernel", 8).blocks[1].kernel == 8
        assert get(p, "blocks[-1].kernel") == 8

    @pytest.mark.parametrize(
        ("pattern", "filters"),
        [("blocks[*].filters", [5, 5]), ("**.filters", [5, 5]), ("blocks[1].*s", None)],
    )
    def test_patterns(self, pattern, filters):
        if filters is None:
            with pytest.raises(PathError):
                rebind(net(), pattern, 5)
        else:
            assert [b.filters for b in rebind(net(), pattern, 5).blocks] == filters

    def test_a_pattern_that_matches_nothing_is_told(self):
        p = net()
        with pytest.raises(PathError, match=re.escape("matches something in it, received '**.no'")):
            rebind(p, {"width": 1, "**.no": 2})
        assert p == net()

    def test_calls_and_tuples(self):
        p = program(Conv, 1)((2, program(Conv, 3)), training=True)
        rebind(p, {"function.filters": 4, "args[0][1].filters": 5, "args[0][0]": 6}, training=False)
        assert p == program(Conv, 4)((6, program(Conv, 5)), training=False)

    def test_positional_arguments_stay_a_tuple(self):
        p = program(chain, 1, 2)
        p.parts = [3, 4]
        assert p == program(chain, 3, 4)


class TestRemoval:
    def test_arguments_and_items(self):
        p = program(Net, [1, 2, 3, 4], width=3, extra={"a": 1, "b": 2})
        rebind(p, {"blocks[0]": MISSING, "blocks[2]": MISSING, "extra.a": MISSING}, width=MISSING)
        assert p == program(Net, [2, 4], extra={"b": 2}) and p.width == 8

    def test_indices_are_those_before_the_change(self):
        p = [[1, 2], [3, 4], 5]
        changes = {"[0]": MISSING, "[1][0]": MISSING, "[1][1]": 6, "[2]": 7}
        assert rebind(p, changes) == [[6], 7]

    def test_a_required_argument_leaves_a_gap(self):
        p = rebind(net(), "blocks[0].filters", MISSING)
        assert missing(p) == ["blocks[0].filters"]
        assert repr(p.blocks[0]) == "Conv(filters=MISSING)"

    @pytest.mark.parametrize("path", ["blocks[7]", "extra.nothing", "extra.k[0]"])
    def test_what_cannot_be_removed(self, path):
        p = net()
        with pytest.raises(PathError):
            rebind(p, {"width": MISSING, path: MISSING})
        assert p == net()


class TestByFunction:
    def test_changes_in_place(self):
        p = net()
        first = p.blocks[0]
        made = rebind(p, lambda v: v * 2 if type(v) is int else v, width=1)
        assert made is p and p.blocks[0] is first
        assert (first.filters, p.blocks[1].kernel, p.width) == (32, 10, 1)

    def test_can_put_a_program_around_each(self):
        p = program(Net, [program(Conv, 1), program(Conv, 2)])
        conv = p.blocks[0]

        def wrapped(value):
            is_conv = isinstance(value, Program) and value.__target__ is Conv
            return program(Net, value) if is_conv else value

        rebind(p, wrapped)
        assert p == program(Net, [program(Net, program(Conv, 1)), program(Net, program(Conv, 2))])
        assert p.blocks[0].blocks is conv

    def test_a_shared_node_is_changed_once(self):
        c = program(Conv, 1)
        p = rebind(program(Net, [c, [c]]), lambda v: v + 1 if type(v) is int else v)
        assert p.blocks[0] is p.blocks[1][0] is c and c.filters == 2

    def test_an_error_takes_everything_back(self):
        p = net()

        def fails(value):
            if value == 8:
                raise KeyError("mine")
            return value + 1 if type(value) is int else value

        p.blocks.append(8)
        before = clone(p)
        with pytest.raises(KeyError, match="mine"):
            rebind(p, fails)
        assert p == before

    def test_a_cycle_takes_everything_back(self):
        p = net()
        with pytest.raises(ArgumentError, match="hold"):
            rebind(p, lambda v: p if v == 16 else v)
        assert p == net()

    def test_live_objects_become_programs(self):
        p = rebind(net(), lambda v: Conv(5) if v == 16 else v)
        assert p.blocks[0].filters == program(Conv, 5)


class TestImmutableNodes:
    def test_stay_one_decision(self):
        pick = Pick([1, program(Conv, 2)])
        p = program(Net, [pick, program(Conv, pick)], width={"a": (pick,)})
        rebind(p, "blocks[1].filters.candidates[0]", 3)
        new = p.blocks[0]
        assert new is not pick and pick.candidates[0] == 1
        assert new is p.blocks[1].filters is p.width["a"][0] and new.candidates[0] == 3

    def test_programs_inside_change_in_place(self):
        pick = Pick([1, program(Conv, 2)])
        p = rebind(program(Net, pick), {"blocks.candidates[1].filters": 5})
        assert p.blocks is pick and pick.candidates[1].filters == 5

    def test_nested_and_as_the_root(self):
        inner = Pick([1])
        root = Pick([inner, [inner]])
        made = rebind(root, "candidates[0].candidates[0]", 2)
        assert made.candidates[0] is made.candidates[1][0] and made.candidates[0].candidates == [2]
        assert root.candidates[0].candidates == [1]


class TestErrors:
    @pytest.mark.parametrize(
        ("changes", "error"),
        [(3, ArgumentError), (program(Conv, 1), ArgumentError), ("a..b", PathError)],
    )
    def test_what_is_no_change(self, changes, error):
        with pytest.raises(error):
            rebind(net(), changes)

    def test_a_cycle_through_a_new_value(self):
        p = net()
        with pytest.raises(ArgumentError, match="cycle"):
            rebind(p, {"width": 1, "blocks[0].filters": [p]})
        assert p == net()


@given(programs, st.integers(0, 10**6), st.integers())
def test_what_was_put_is_there_and_the_rest_as_before(root, place, new):
    paths = [path for path, value in walk(root) if path and path[-1] != "candidates"]
    path = paths[place % len(paths)]
    before = clone(root)
    rebind(root, {path: new})
    assert get(root, path) == new
    rebind(root, {path: get(before, path)})
    if "$shared" not in json.dumps(to_json(before)):
        assert equal(root, before)


@given(programs)
def test_a_function_that_changes_nothing_changes_nothing(root):
    before = clone(root)
    assert rebind(root, lambda v: v) is root and equal(root, before)

from __future__ import annotations

import copy
import json
import pickle

import pytest

from keras_glove.errors import SerializationError
from keras_glove.symbolic import (
    MISSING,
    Origin,
    build,
    clone,
    derive,
    diff,
    from_json,
    lineage,
    patch,
    program,
    rebind,
    to_json,
)

from .samples import Conv, Label, Net, net


def child():
    p = program(Conv, 16)
    derive(p, "materialize", Label("0,1"), source="a space of 2 points")
    derive(p, "mutate", "wider", source="trial 7")
    return p


def test_lineage_is_told_from_the_latest_step_on():
    assert lineage(rebind(child(), kernel=5, filters=3)).splitlines() == [
        "Conv(filters=3, kernel=5)",
        "  by rebind: kernel=5, filters=3",
        "  by mutate of trial 7: wider",
        "  by materialize of a space of 2 points: Label('0,1')",
    ]
    assert lineage(net()) == repr(net()), "written by hand"
    assert lineage(rebind(net(), width=1)).splitlines()[-1] == "  by rebind: width=1"
    assert "by mutate" in lineage(build(child())), "a live object is described by its program"


def test_changes_join():
    p = child()
    for width in range(100):
        p.filters = width
    rebind(p, {"kernel": 1}, name=MISSING)
    steps = list(p.__origin__.steps())
    assert len(steps) == 3
    assert steps[0].detail == {"filters": "99", "kernel": "1", "name": "MISSING"}
    rebind(p, lambda v: v)
    assert "every value=" in str(p.__origin__)


@pytest.mark.parametrize(
    "copied", [clone, copy.copy, copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))]
)
def test_copies_keep_it(copied):
    assert copied(child()).__origin__ == child().__origin__


def test_a_patch_is_a_step_and_equality_asks_for_none():
    p = patch(child(), diff(child(), program(Conv, 17)))
    assert p.__origin__.operation == "patch" and p.__origin__.parent == child().__origin__
    assert child() == program(Conv, 16) and hash(child()) == hash(program(Conv, 16))


def test_is_saved_when_asked():
    p = program(Net, [child()], width=child())
    assert "origin" not in json.dumps(to_json(p))
    read = from_json(json.loads(json.dumps(to_json(p, origin=True))))
    assert read == p and lineage(read.width) == lineage(child())
    assert read.blocks[0].__origin__ == child().__origin__


@pytest.mark.parametrize("origin", [3, [3], [{"operation": 1, "detail": None}], [{}], {"a": 1}])
def test_bad_origins(origin):
    document = to_json(child())
    document["value"]["$origin"] = origin
    with pytest.raises(SerializationError):
        from_json(document)


def test_an_origin_without_a_json_form_is_told():
    p = program(Conv, 1)
    derive(p, "mutate", object())
    with pytest.raises(SerializationError, match=r"at `\['\$origin'\]\[0\].detail`"):
        to_json(p, origin=True)
    assert isinstance(p.__origin__, Origin) and to_json(p)

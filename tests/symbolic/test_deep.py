"""Programs as deep as the models of very many layers: nothing recurses over them."""

from __future__ import annotations

import copy
import json

import pytest

from keras_glove.errors import ArgumentError, SerializationError
from keras_glove.symbolic import (
    build,
    clone,
    diff,
    equal,
    fingerprint,
    format_program,
    from_json,
    get,
    merge,
    patch,
    program,
    query,
    rebind,
    sort_key,
    symbolize,
    to_code,
    to_html,
    to_json,
    transform,
    tree,
)
from keras_glove.symbolic.traversal import nodes

from .samples import Conv, Net, tower
from .test_text import run

HEIGHT = 1000


@pytest.fixture(scope="module")
def deep():
    return tower(HEIGHT)


def test_compare(deep):
    copied = clone(deep)
    assert copied == deep and hash(copied) == hash(deep) and copied is not deep
    assert fingerprint(copied) == fingerprint(deep) and sort_key(copied) == sort_key(deep)
    assert not diff(deep, copied) and equal(copy.deepcopy(deep), deep)


def test_change(deep):
    place = "args[0]." * (HEIGHT - 1) + "function.filters"
    assert get(deep, place) == 0
    changed = rebind(clone(deep), place, 7)
    assert list(diff(deep, changed)) == [place] and patch(deep, diff(deep, changed)) == changed
    assert merge(deep, changed) == changed and len(query(deep, type=Conv)) == HEIGHT + 1
    doubled = rebind(clone(deep), lambda v: v * 2 if type(v) is int else v)
    assert transform(deep, lambda v: v * 2 if type(v) is int else v) == doubled != deep


def test_save(deep):
    document = json.loads(json.dumps(to_json([deep, deep])))
    read = from_json(document)
    assert read == [deep, deep] and read[0] is read[1]
    assert document == to_json(read), "equal programs have equal documents"


def test_show(deep):
    assert repr(deep).startswith("Conv(filters=999)(") and "..." in repr(deep)
    assert "Conv(filters=950)" in format_program(deep, depth=10**6)
    assert equal(run(to_code(deep)), deep)
    assert to_html(deep).count("<details") > 400 and tree(deep).children


def test_build():
    @symbolize
    class Step:
        def __init__(self, by):
            self.by = by

        def __call__(self, x):
            return x + self.by

    x = program(int, "0")
    for _ in range(HEIGHT):
        x = program(Step, 1)(x)
    assert build(x) == HEIGHT


def test_containers_have_a_limit():
    nested = []
    for _ in range(300):
        nested = [nested]
    with pytest.raises(SerializationError, match="at most 100 levels"):
        to_json(nested)


@pytest.mark.parametrize("operation", [build, clone, to_json, nodes, lambda v: transform(v, id)])
def test_a_program_that_holds_itself(operation):
    p = program(Net, [1])
    p.blocks.append(p)  # past all checks
    with pytest.raises((ArgumentError, SerializationError), match="hold|levels"):
        operation(p)

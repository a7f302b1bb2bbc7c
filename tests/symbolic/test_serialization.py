from __future__ import annotations

import contextlib
import json
import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from keras_glove.errors import (
    KerasGloveError,
    NotRegisteredError,
    RegistrationError,
    SerializationError,
)
from keras_glove.symbolic import (
    MISSING,
    equal,
    from_json,
    program,
    register,
    register_value_kind,
    symbolize,
    to_json,
)

from .samples import Conv, Label, Net, Pick, net, values


@given(values)
def test_round_trip_through_text(value):
    assert equal(from_json(json.loads(json.dumps(to_json(value)))), value)


@pytest.mark.parametrize(
    "value",
    [
        np.arange(6, dtype="float32").reshape(2, 3),
        np.array(3),
        np.array([], "int8"),
        Conv,
        [len],
        {"$x": 1},
        1j,
        complex(math.nan, -math.inf),
        MISSING,
        Label("x"),
        Pick([1, (2, program(Conv, 3))], name="p"),
    ],
    ids=str,
)
def test_other_leaves(value):
    register(len, "builtins.len")
    assert equal(from_json(json.loads(json.dumps(to_json([value])))), [value])


def test_arguments_of_any_name():
    value = program(Net, [], **{"$id": 1, "$x": [2], "": 3, "a b": 4})
    document = to_json(value)
    assert document["value"]["$arguments"][1:] == [["", 3], ["$id", 1], ["$x", [2]], ["a b", 4]]
    assert from_json(json.loads(json.dumps(document, sort_keys=True))) == value


def test_numpy_scalars_become_python():
    assert to_json([np.int64(3), np.float32(0.5), np.bool_(True)])["value"] == [3, 0.5, True]


def test_sharing_and_golden_document():
    c = program(Conv, 1)
    document = to_json(program(Net, [c, c], width=math.inf))
    assert document == {
        "format": "keras_glove",
        "version": 1,
        "value": {
            "$program": "tests.symbolic.samples.Net",
            "blocks": [
                {"$program": "tests.symbolic.samples.Conv", "filters": 1, "$id": 0},
                {"$shared": 0},
            ],
            "width": {"$float": "inf"},
        },
    }
    read = from_json(document)
    assert read.blocks[0] is read.blocks[1]


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ({"a": [object()]}, SerializationError, r"at `a\[0\]`: expected a value with a JSON form"),
        ([lambda: 1], SerializationError, "Decorate the class or function"),
        ([program(lambda x: x, 1)], NotRegisteredError, r"at `\[0\]`: Expected a registered"),
        (np.array([object()]), SerializationError, "JSON form"),
    ],
)
def test_what_cannot_be_written(value, error, message):
    with pytest.raises(error, match=message):
        to_json(value)


def _document(value):
    return {"format": "keras_glove", "version": 1, "value": value}


BAD = {
    "no dict": 3,
    "other format": {"format": "x"},
    "newer version": {"format": "keras_glove", "version": 2, "value": 1},
    "bool version": {"format": "keras_glove", "version": True, "value": 1},
    "no value": {"format": "keras_glove", "version": 1},
    "unknown key": _document({"$object": 1}),
    "only an id": _document({"$id": 1}),
    "unknown target": _document({"$program": "os.system", "command": "x"}),
    "target no text": _document({"$program": ["os"]}),
    "unknown argument": _document({"$program": "tests.symbolic.samples.Conv", "x": 1}),
    "argument no text": _document({"$program": "tests.symbolic.samples.Net", 3: 1}),
    "arguments no pairs": _document({"$program": "tests.symbolic.samples.Net", "$arguments": 3}),
    "further key": _document({"$program": "tests.symbolic.samples.Conv", "$x": 1}),
    "unknown kind": _document({"$node": "Popen"}),
    "unknown callable": _document({"$callable": "os.system"}),
    "dangling": _document({"$shared": 0}),
    "bad base64": _document({"$bytes": "%%"}),
    "object array": _document({"$array": "", "dtype": "O", "shape": [1]}),
    "wrong shape": _document({"$array": "", "dtype": "<f4", "shape": [7]}),
    "bad float": _document({"$float": "1e"}),
    "unhashable key": _document({"$dict": [[[], 1]]}),
    "tuple of text": _document({"$tuple": "abc"}),
    "a set": _document({1, 2}),
    "keys no texts": _document({"a": {1: 2}}),
    "unknown value": _document({"$value": [], "kind": "Popen"}),
    "unknown enum": _document({"$member": "X", "enum": "os.Flags"}),
    "no enum": _document({"$member": "__class__", "enum": "tests.symbolic.samples.Conv"}),
    "complex of texts": _document({"$complex": ["1", 2]}),
    "nodes no list": {**_document(1), "nodes": {}},
    "nodes of one number": {
        **_document(1),
        "nodes": [{"$node": "Pick", "candidates": [], "$id": 0}] * 2,
    },
    "bad fields": _document({"$node": "Pick", "x": 1}),
    "shared before": _document([{"$shared": 1}]),
}


@pytest.mark.parametrize("document", BAD.values(), ids=BAD)
def test_bad_documents(document):
    with pytest.raises(SerializationError):
        from_json(document)


@pytest.mark.parametrize("make", [lambda v: [v], lambda v: {"a": v}, lambda v: {"$tuple": [v]}])
def test_depth_is_limited_both_ways(make):
    deep = 1
    for _ in range(300):
        deep = make(deep)
    with pytest.raises(SerializationError, match="at most 100 levels"):
        from_json(_document(deep))
    nested = []
    for _ in range(300):
        nested = [nested]
    with pytest.raises(SerializationError, match="at most 100 levels"):
        to_json(nested)


_KEYS = ["$program", "$node", "$shared", "$tuple", "$dict", "$float", "$array", "$value", "$id",
         "$arguments", "$origin", "filters", "candidates", "kind", "shape", "dtype"]  # fmt: skip
_TEXTS = ["tests.symbolic.samples.Conv", "tests.symbolic.samples.Net", "Pick", "Label", "nan"]
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(_KEYS), inner | st.sampled_from(_TEXTS), max_size=4)
    ),
    max_leaves=10,
)


@given(_json)
def test_any_json_gives_a_value_or_a_typed_error(data):
    with contextlib.suppress(KerasGloveError):
        from_json(_document(data))


def test_names_belong_to_one_definition():
    def one(): ...

    def two(): ...

    register(one, "tests.unique")
    with pytest.raises(RegistrationError, match="is taken by"):
        register(two, "tests.unique")

    def make():
        @symbolize
        class Again: ...

        return Again

    first, second = make(), make()  # a notebook cell that runs twice
    assert equal(from_json(to_json(program(second))), program(second)) and first is not second


def test_kinds_of_values_have_one_name_each():
    class Label: ...

    with pytest.raises(RegistrationError, match="is taken by tests.symbolic.samples.Label"):
        register_value_kind(Label, vars, lambda data: Label())


@given(values)
def test_equal_programs_have_equal_documents(value):
    document = to_json(value)
    assert to_json(from_json(document)) == document or "nan" in json.dumps(document).lower()


def test_registered_program_is_read_back():
    assert from_json(to_json(net())) == net()

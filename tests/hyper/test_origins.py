"""Where a materialized program came from, told and saved."""

from __future__ import annotations

import json

import pytest

from keras_glove.errors import SerializationError
from keras_glove.hyper import DNA, Template, intv, oneof
from keras_glove.symbolic import from_json, lineage, program, rebind, symbolize, to_json


@symbolize(name="tests.hyper.origins.layer")
def layer(width, kernel=3): ...


def child():
    return Template(program(layer, oneof([16, 32]), kernel=intv(1, 5))).materialize(DNA((1, 4)))


def test_lineage_names_the_space_the_dna_and_later_changes():
    assert lineage(rebind(child(), width=64)).splitlines() == [
        "layer(width=64, kernel=4)",
        "  by rebind: width=64",
        "  by materialize of a space of 2 decision points: 1,4",
    ]


def test_a_saved_lineage_is_read_back():
    read = from_json(json.loads(json.dumps(to_json(child(), origin=True))))
    assert read == child() and read.__origin__ == child().__origin__


def test_a_bad_dna_in_a_lineage_is_told():
    document = to_json(child(), origin=True)
    document["value"]["$origin"][0]["detail"]["$value"]["values"] = "x"
    with pytest.raises(SerializationError):
        from_json(document)

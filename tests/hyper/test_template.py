from __future__ import annotations

import pickle
from collections import OrderedDict, namedtuple
from typing import Any

import pytest

from keras_glove.errors import DNAError, EncodeError
from keras_glove.hyper import (
    DNA,
    OneOf,
    Template,
    encode,
    floatv,
    intv,
    manyof,
    materialize,
    oneof,
    permutate,
)
from keras_glove.symbolic import Program, equal, is_open, program
from tests.hyper.samples import Layer, Net

Pair = namedtuple("Pair", "left right")


def only_choices(value: Any) -> bool:
    return isinstance(value, OneOf)


@pytest.mark.parametrize(
    ("value", "values", "made"),
    [
        (oneof([1, 2]), (1,), 2),
        ([oneof([1, 2]), (oneof(["a"]), 3)], (0, 0), [1, ("a", 3)]),
        ({"b": intv(1, 3), "a": floatv(0, 1)}, (2, 0.5), {"b": 2, "a": 0.5}),
        (oneof([[oneof([1, 2])], "x"]), (1, None), "x"),
        (oneof([[oneof([1, 2])], "x"]), (0, 1), [2]),
        (manyof(2, [[intv(1, 2)], "x"], distinct=False), (0, 0, 2, 1), [[2], [1]]),
        (permutate(["a", "b", "c"]), (2, 0, 1), ["c", "a", "b"]),
        (Pair(oneof([1, 2]), [3]), (1,), Pair(2, [3])),
        (OrderedDict(z=oneof([1, 2])), (0,), OrderedDict(z=1)),
    ],
)
def test_materialize_and_encode(value: Any, values: Any, made: Any) -> None:
    dna = DNA(values)
    assert equal(materialize(value, dna), made)
    assert encode(value, made) == dna


def test_order_of_dict_keys_does_not_matter() -> None:
    value = {"a": oneof([1, 2]), "b": oneof([3, 4])}
    assert encode(value, {"b": 4, "a": 1}) == DNA((0, 1))


def test_sharing_is_kept() -> None:
    layer = program(Layer, units=oneof([1, 2]))
    template = Template(program(Net, layer, [layer]))
    made = template.materialize(DNA((1,)))
    assert made.parts[0] is made.parts[1][0]
    other = program(Net, program(Layer, units=2), [program(Layer, units=2)])
    with pytest.raises(EncodeError, match="nodes to be shared"):
        template.encode(other)


def test_what_is_made_remembers_its_dna() -> None:
    template = Template([program(Layer, units=oneof([1, 2]))])
    [layer] = template.materialize(DNA((1,)))
    assert isinstance(layer, Program) and layer.__origin__ is not None
    assert (layer.__origin__.operation, layer.__origin__.detail) == ("materialize", DNA((1,)))


def test_the_origin_decides_between_equals() -> None:
    choice = oneof([program(Layer, oneof([1, 2])), program(Layer, oneof([2, 3]))])
    template = Template(program(Net, choice))
    first, second = DNA((0, 1, None)), DNA((1, None, 0))
    made = template.materialize(second)
    assert template.encode(made) == second
    assert template.encode(program(Net, program(Layer, 2))) == first


def test_an_origin_that_no_longer_holds_is_no_guide() -> None:
    template = Template(program(Layer, units=oneof([1, 2])))
    made = template.materialize(DNA((0,)))
    made.units = 2
    assert template.encode(made) == DNA((1,))


def test_a_snapshot_is_taken() -> None:
    value = {"a": [oneof([1, 2])]}
    template = Template(value)
    value["a"].append(3)
    assert template.materialize(DNA((0,))) == {"a": [1]}


def test_where_decides_a_part() -> None:
    template = Template([oneof([1, 2]), intv(1, 3)], where=only_choices)
    made = template.materialize(DNA((1,)))
    assert made[0] == 2 and is_open(made[1])
    assert template.encode(made) == DNA((1,))
    assert Template(made).materialize(DNA((3,))) == [2, 3]


def test_pickle() -> None:
    template = pickle.loads(pickle.dumps(Template([oneof([1, 2])], where=only_choices)))
    assert template.materialize(DNA((1,))) == [2]
    assert repr(template) == "Template([oneof([1, 2])])"


def test_without_hyper_values_there_is_one_dna() -> None:
    template = Template([1, 2])
    assert list(template.space) == [DNA(())]
    assert template.materialize(DNA(())) == [1, 2] and template.encode([1, 2]) == DNA(())


@pytest.mark.parametrize(
    ("value", "concrete", "message"),
    [
        (oneof([1, 2]), 3, r"at `the root`: expected one of 1 \| 2, received 3 \(int\)"),
        (oneof([1, 2]), True, r"received True \(bool\)"),
        (oneof([1, 2]), 1.0, r"received 1.0 \(float\)"),
        ([oneof(["a", "b"])], ["c"], r"at `\[0\]`: .*received 'c'"),
        ([oneof([1, 2]), 3], [1, 4], r"at `\[1\]`: expected 3, received 4"),
        ([oneof([1, 2])], (1,), "expected a list of 1"),
        ([oneof([1, 2])], [1, 2], "expected a list of 1"),
        ({"a": oneof([1, 2])}, {"b": 1}, r"dict with the keys \['a'\]"),
        ({"a": {"b": intv(1, 5, step=2)}}, {"a": {"b": 2}}, r"at `a.b`: .*in steps of 2"),
        ({"r": floatv(0, 1)}, {"r": 1}, r"float from 0.0 to 1.0, received 1 \(int\)"),
        (manyof(2, [1, 2, 3]), [1, 1], "differ from slot to slot"),
        (manyof(2, [1, 2, 3], sorted=True), [2, 1], "in the order of the candidates"),
        (manyof(2, [1, 2, 3]), [1], "expected a list of 2 candidates"),
        (permutate([1, 2]), (1, 2), "expected a list of 2 candidates"),
        (oneof([[oneof([1, 2])], [3, oneof([4, 5])]]), [[3, 6]], "no member of the space"),
    ],
)
def test_what_is_no_member(value: Any, concrete: Any, message: str) -> None:
    with pytest.raises(EncodeError, match=message):
        encode(value, concrete)


def test_programs_that_are_no_members() -> None:
    template = Template(program(Net, program(Layer, units=oneof([1, 2]), options={"a": 1})))
    layer = program(Layer, units=1, options={"a": 2})
    with pytest.raises(EncodeError, match=r"at `parts\[0\].options.a`: expected 1, received 2"):
        template.encode(program(Net, layer))
    with pytest.raises(EncodeError, match=r"at `parts\[0\]`: expected Layer.*received Net"):
        template.encode(program(Net, program(Net)))
    with pytest.raises(EncodeError, match="with the arguments"):
        template.encode(program(Net, program(Layer, units=1)))


def test_two_places_have_to_agree() -> None:
    width = oneof([1, 2])
    with pytest.raises(EncodeError, match="one decision for all its places, which hold 1, 2"):
        encode([width, width], [1, 2])


@pytest.mark.parametrize("dna", [DNA(()), DNA((2,)), DNA((0, 0)), (0,), None])
def test_dna_of_another_space(dna: Any) -> None:
    with pytest.raises(DNAError):
        materialize([oneof([1, 2])], dna)

from __future__ import annotations

import re

import pytest

from keras_glove.errors import ArgumentError, BuildError, OpenValueError
from keras_glove.symbolic import (
    OpenValue,
    Program,
    build,
    call,
    clone,
    diff,
    format_program,
    from_json,
    partial,
    patch,
    program,
    query,
    rebind,
    symbolize,
    to_code,
    to_json,
)

from .samples import Conv, Net, net
from .test_build import Open


@symbolize
class Adder:
    """Something that is called once made, like a layer."""

    made = 0

    def __init__(self, amount):
        self.amount = amount
        Adder.made += 1

    def __call__(self, x, *, times=1):
        return x + self.amount * times


def test_a_call_is_a_program_of_what_is_called_and_its_arguments():
    adder = program(Adder, 2)
    p = adder(5, times=3)
    assert isinstance(p, Program) and p.__target__ is call
    assert p.function is adder and p.args == (5,) and p.times == 3
    assert build(p) == 11 and build(adder(adder(1))) == 5
    assert call(len, "abc") == 3 and call(adder, 5, times=3) == p
    assert build(call(len, program(list, "abcd"))) == 4


def test_what_is_called_twice_is_built_once():
    adder = program(Adder, 2)
    before = Adder.made
    assert build([adder(1), adder(2), adder(adder(3))]) == [3, 4, 7]
    assert Adder.made == before + 1


def test_operations_reach_into_a_call():
    adder = program(Adder, 2)
    p = program(Net, [adder(1), adder(2)], width=adder(3, times=4))
    assert list(query(p, "**.amount")) == ["blocks[0].function.amount"]
    other = rebind(clone(p), {"blocks[0].function.amount": 7, "width.times": 5, "width.args[0]": 6})
    assert build(other).blocks == [8, 9] and build(other).width == 41
    assert {"blocks[0].function.amount", "width.times"} <= set(diff(p, other))
    assert patch(p, diff(p, other)) == other != p
    assert from_json(to_json(p)) == p and hash(from_json(to_json(p))) == hash(p)
    assert to_json(adder(1))["value"]["$program"] == "keras_glove.call"


def test_prints_as_the_call_it_is():
    adder = program(Adder, 2)
    assert repr(adder(adder(1), times=3)) == "Adder(amount=2)(Adder(amount=2)(1), times=3)"
    code = to_code([adder(1), adder(2)])
    assert code.endswith("[adder_1(1), adder_1(2)]") and code.count("amount=2") == 1
    assert to_code(adder(1)).endswith("\nkg.program(Adder, amount=2)(1)")
    assert repr(call(len, program(Adder, 1))) == "call(len, Adder(amount=1))"
    assert repr(partial(call)) == "call(MISSING)"
    long = format_program(net()(1, training=True), width=40).splitlines()
    assert long[-4:] == [")(", "    1,", "    training=True,", ")"]


def test_an_open_value_is_called_when_it_is_chosen():
    value = Open()
    p = value(1, training=True)
    assert isinstance(p, Program) and p.function is value and repr(p) == "Open()(1, training=True)"
    with pytest.raises(OpenValueError, match="at `function`"):
        build(p)
    assert isinstance(value, OpenValue) and isinstance(value(), Program)


def test_what_cannot_be_called_is_noticed_when_built():
    message = re.escape("Expected something to call, such as a layer or a function, received 3")
    with pytest.raises(BuildError, match=message):
        build(program(int, "3")(1))
    with pytest.raises(BuildError, match=message):
        call(3)


@pytest.mark.parametrize("name", ["function", "args"])
def test_names_that_a_call_needs_itself(name):
    with pytest.raises(ArgumentError, match=name):
        program(Conv, 1)(2, **{name: 3})
    with pytest.raises(ArgumentError, match=name):
        program(Conv, 1)(**{name: 3})

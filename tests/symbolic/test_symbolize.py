"""`symbolize` on all that Python calls: each stays what it was, and is a program when asked."""

from __future__ import annotations

import copy
import datetime
import enum
import functools
import inspect
import json
import pickle
from collections.abc import Callable
from dataclasses import KW_ONLY, InitVar, dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pytest

from keras_glove.errors import ArgumentError, NotRegisteredError, RegistrationError
from keras_glove.symbolic import (
    Program,
    SymbolicConstructor,
    build,
    describe,
    equal,
    from_json,
    program,
    query,
    symbolize,
    to_code,
    to_json,
)
from tests.naming import named

from . import elsewhere
from .samples import Conv
from .test_build import Open
from .test_text import run


@symbolize
@dataclass
class Plain:
    width: int
    parts: list[int] = field(default_factory=list)
    _: KW_ONLY
    rate: float = 0.5


@symbolize
@dataclass(frozen=True)
class Frozen:
    width: int
    rate: float = 0.5


@symbolize
@dataclass(slots=True)
class Slotted:
    width: int
    rate: float = 0.5


@symbolize
@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    width: int
    rate: float = 0.5


@dataclass
@symbolize
class Below:
    width: int
    rate: float = 0.5


@symbolize
class Ordinary:
    def __init__(self, width: int, rate: float = 0.5) -> None:
        self.width, self.rate = width, rate

    @classmethod
    @symbolize
    def narrow(cls, rate: float = 0.1) -> Ordinary:
        return cls(1, rate)

    @symbolize
    @staticmethod
    def wide() -> Ordinary:
        return Ordinary(100)

    @symbolize
    def scaled(self, factor: int) -> list[int]:
        return [self.width * factor]


@symbolize
class Color(enum.Enum):
    RED = 1
    BLUE = 2


@symbolize
def stacked(width: int, *, depth: int = 2) -> list[int]:
    """A function of the user."""
    return [width] * depth


CLASSES = [Plain, Frozen, Slotted, Closed, Below, Ordinary]


@pytest.mark.parametrize("cls", CLASSES)
class TestClasses:
    def test_stays_the_class_it_was(self, cls):
        live = cls(width=3)
        assert type(live) is cls and isinstance(cls, type) and (live.width, live.rate) == (3, 0.5)
        if cls is not Below:
            assert next(iter(inspect.signature(cls).parameters)) == "width"
        for copied in (pickle.loads(pickle.dumps(live)), copy.copy(live), copy.deepcopy(live)):
            assert type(copied) is cls and copied.width == 3

    def test_records_calls(self, cls):
        p = cls(width=Open())
        assert isinstance(p, Program) and p.__target__ is cls and p.rate == 0.5
        live = cls(width=3, rate=0.25)
        assert describe(live) == program(cls, width=3, rate=0.25)
        assert build(program(list, [live]))[0] is not live, "each child gets one of its own"
        assert build(program(cls, width=3)).width == 3

    def test_is_saved_and_written_as_code(self, cls):
        p = program(cls, width=4)
        assert from_json(json.loads(json.dumps(to_json(p)))) == p
        assert run(to_code(p)) == p
        assert pickle.loads(pickle.dumps(p)) == p

    def test_subclasses_are_symbolic(self, cls):
        class Child(cls):
            def __init__(self, extra):
                super().__init__(width=extra)

        assert Child(7).width == 7
        assert isinstance(Child(Open()), Program)


class TestDataclasses:
    def test_default_factories_are_made_anew(self):
        p = program(Plain, 1)
        assert p.parts == [] and p.parts is not p.parts
        assert "parts=[]" in __import__("keras_glove.symbolic").symbolic.format_program(
            p, defaults=True
        )
        assert build(p).parts == [] and build(p).parts is not build(p).parts

    @pytest.mark.parametrize("cls", [Plain, Slotted])
    def test_is_described_as_it_is_now(self, cls):
        live = cls(1)
        live.rate = 0.75
        assert describe(live) == program(cls, 1, rate=0.75)
        live.width = 2
        assert describe(live) == program(cls, 2, rate=0.75)

    def test_one_object_stays_one_node(self):
        live = Plain(1)
        p = program(list, [live, live])
        first, second = p.__arguments__[next(iter(p.__arguments__))][0]
        assert first is second

    def test_what_the_fields_do_not_tell_is_as_it_was_called(self):
        @symbolize
        @dataclass
        class Derived:
            width: InitVar[int]
            double: int = field(init=False)

            def __post_init__(self, width):
                self.double = 2 * width

        live = Derived(3)
        live.double = 100
        assert describe(live) == program(Derived, 3)

    def test_slots_below_are_told(self):
        @dataclass(slots=True)
        @symbolize
        class Copied:
            width: int

        with pytest.raises(ArgumentError, match="`@kg.symbolize` above `@dataclass"):
            Copied(1)


class TestFunctions:
    def test_stays_the_function_it_was(self):
        assert stacked(1) == [1, 1] and stacked.__doc__ == "A function of the user."
        assert list(inspect.signature(stacked).parameters) == ["width", "depth"]
        assert pickle.loads(pickle.dumps(stacked)) is stacked
        p = stacked(Open(), depth=3)
        assert isinstance(p, Program) and p.depth == 3
        assert pickle.loads(pickle.dumps(program(stacked, 1))) == program(stacked, 1)

    def test_partial(self):
        twice = symbolize(functools.partial(stacked, depth=4))
        assert twice(1) == [1] * 4 and twice(1, depth=1) == [1]
        assert twice(Open()).depth == 4 and twice(Open(), depth=1).depth == 1
        p = program(functools.partial(functools.partial(stacked, 5), depth=4))
        assert p == program(stacked, 5, depth=4) and build(p) == [5] * 4
        assert from_json(to_json(p)) == p

    def test_methods_of_objects(self):
        live = Ordinary(3)
        assert live.scaled(2) == [6]
        p = live.scaled(Open())
        assert isinstance(p, Program) and p.self == program(Ordinary, 3)
        q = program(live.scaled, 2)
        assert q == program(Ordinary(3).scaled, 2) and build(q) == [6]
        assert from_json(to_json(q)) == q and run(to_code(q)) == q

    def test_methods_of_objects_that_others_wrote(self):
        live = symbolize(elsewhere.Ready)(3)
        scaled = symbolize(live.scaled)
        assert scaled(2) == 6
        p = scaled(Open())
        assert p.self == program(elsewhere.Ready, 3) and p.factor is p.__arguments__["factor"]
        assert build(program(live.scaled, 4)) == 12

    def test_methods_that_are_constructors(self):
        assert type(Ordinary.narrow()) is Ordinary and Ordinary.narrow().width == 1
        p = Ordinary.narrow(Open())
        assert isinstance(p, Program) and p.cls is Ordinary
        q = program(Ordinary.narrow, 0.25)
        assert build(q).rate == 0.25 and from_json(to_json(q)) == q
        assert Ordinary.wide().width == 100 and isinstance(program(Ordinary.wide), Program)

    def test_constructors_that_others_wrote(self):
        symbolize(elsewhere.Ready)
        p = program(elsewhere.Ready.small, rate=0.2)
        assert p.__target__ is program(elsewhere.Ready.small).__target__
        assert build(p).size == 1 and query(p, type=elsewhere.Ready)
        with pytest.raises(NotRegisteredError):
            to_json(p)
        small = symbolize(elsewhere.Ready.small)
        assert small(0.3).rate == 0.3 and isinstance(small(Open()), Program)
        assert from_json(to_json(p)) == p and run(to_code(p)) == p
        assert pickle.loads(pickle.dumps(p)) == p

    def test_functions_that_others_wrote(self):
        mine = symbolize(elsewhere.ready)
        assert elsewhere.ready is not mine and mine().size == 3
        assert isinstance(mine(Open()), Program)
        p = program(elsewhere.ready, 4)
        assert p == program(mine, 4) and from_json(to_json(p)) == p and run(to_code(p)) == p

    def test_twice_is_once(self):
        assert symbolize(stacked) is stacked and symbolize(Plain) is Plain


class TestClassesThatOthersWrote:
    def test_the_class_is_not_touched(self):
        before = dict(vars(elsewhere.Ready))
        mine = symbolize(elsewhere.Ready)
        assert isinstance(mine, SymbolicConstructor) and vars(elsewhere.Ready) == before
        assert not isinstance(elsewhere.Ready(Open()), Program), "others see what they wrote"
        assert mine.__doc__ == elsewhere.Ready.__doc__ and mine.__name__ == "Ready"
        assert inspect.signature(mine) == inspect.signature(elsewhere.Ready)

    def test_instances_are_ordinary(self):
        live = symbolize(elsewhere.Ready)(3)
        assert type(live) is elsewhere.Ready and isinstance(live, symbolize(elsewhere.Ready))
        assert pickle.loads(pickle.dumps(live)).size == 3
        assert describe(live) == program(elsewhere.Ready, 3)

    def test_calls_are_recorded_and_saved(self):
        p = symbolize(elsewhere.Ready)(Open(), rate=0.1)
        assert isinstance(p, Program) and p.__target__ is elsewhere.Ready
        q = program(elsewhere.Ready, 3)
        assert from_json(to_json(q)) == q and run(to_code(q)) == q

    def test_as_a_base(self):
        class Child(symbolize(elsewhere.Ready)):
            pass

        assert Child(3).size == 3 and issubclass(Child, elsewhere.Ready)

    def test_classes_written_in_c(self):
        delta = symbolize(datetime.timedelta)
        assert delta(days=1) == datetime.timedelta(1) and isinstance(delta(Open()), Program)
        assert build(program(delta, days=2)).days == 2


class TestArguments:
    def test_enums(self):
        p = program(Conv, Color.RED, kernel=[Color.BLUE])
        assert Color(1) is Color.RED and p.filters is Color.RED
        assert from_json(json.loads(json.dumps(to_json(p)))) == p and run(to_code(p)) == p

    def test_numpy_numbers_become_python_ones(self):
        p = program(Conv, np.int64(3), kernel=(np.float32(0.5), np.bool_(True)))
        assert type(p.filters) is int and p == program(Conv, 3, kernel=(0.5, True))
        p.kernel = np.int8(2)
        assert type(p.kernel) is int

    def test_symbolic_callables_stand_for_what_they_call(self):
        p = program(Conv, stacked, kernel=symbolize(elsewhere.Ready))
        assert p.filters is stacked.__symbolic_target__ and p.kernel is elsewhere.Ready
        assert equal(from_json(to_json(p)), p) and run(to_code(p)) == p

    def test_named_tuples(self):
        class Size(NamedTuple):
            height: int
            width: Any

        p = program(Conv, Size(1, program(Conv, 2)))
        assert p.filters.width == program(Conv, 2) and type(build(p).filters) is Size


@pytest.mark.parametrize("bad", [3, "text", None, Conv(1), program(Conv, 1)], ids=named)
def test_what_cannot_be_symbolized(bad):
    if bad is None:
        assert isinstance(symbolize(), Callable)
    else:
        with pytest.raises(ArgumentError, match="Expected a class or a function to symbolize"):
            symbolize(bad)


def test_names_of_earlier_versions_are_read():
    @symbolize(name="tests.new_name", aliases=["tests.old_name"])
    def renamed(x): ...

    document = to_json(program(renamed, 1))
    assert document["value"]["$program"] == "tests.new_name"
    document["value"]["$program"] = "tests.old_name"
    assert from_json(document) == program(renamed, 1)
    with pytest.raises(RegistrationError, match="tests.old_name"):
        symbolize(Conv, name="tests.another", aliases=["tests.old_name"])

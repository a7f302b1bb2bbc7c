from __future__ import annotations

import copy
import pickle

import pytest

from keras_glove.errors import ArgumentError
from keras_glove.symbolic import Program, SymbolicConstructor, describe, program


class Plain:
    """A class of another package."""

    kind = "plain"

    def __init__(self, size, rate=0.5):
        self.size, self.rate = size, rate

    @classmethod
    def make(cls):
        return cls(1)


Symbolic = SymbolicConstructor(Plain)


def test_stands_where_the_class_stood():
    live = Symbolic(3)
    assert type(live) is Plain and isinstance(live, Symbolic) and issubclass(Plain, Symbolic)
    assert describe(live) == program(Plain, 3) == program(Symbolic, 3)
    assert Symbolic.kind == "plain" and Symbolic.make().size == 1 and Symbolic.__name__ == "Plain"
    assert Symbolic.__doc__ == Plain.__doc__ and Symbolic == Plain and hash(Symbolic) == hash(Plain)
    assert isinstance(None, Symbolic | None) and isinstance(live, int | Symbolic)
    assert "test_constructor.Plain" in repr(Symbolic)


def test_open_arguments_give_a_program():
    p = Symbolic([program(Plain, 1)])
    assert isinstance(p, Program) and p.__target__ is Plain
    with pytest.raises(ArgumentError, match="Did you mean 'rate'"):
        Symbolic([program(Plain, 1)], rat=1)


def test_subclassing():
    class Child(Symbolic):
        def __init__(self):
            super().__init__(7)

    assert Child.__mro__[1] is Plain and Child().size == 7 and isinstance(Child(), Symbolic)
    assert issubclass(Child, Symbolic)


def test_pickle_copy_and_signature():
    import inspect

    assert pickle.loads(pickle.dumps(Symbolic)) == Symbolic
    assert copy.deepcopy(Symbolic) == Symbolic
    assert list(inspect.signature(Symbolic).parameters) == ["size", "rate"]


def test_the_error_of_the_class_itself_stays():
    with pytest.raises(TypeError, match="unexpected keyword"):
        Symbolic(1, nothing=2)

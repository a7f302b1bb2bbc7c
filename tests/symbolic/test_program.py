from __future__ import annotations

import copy
import pickle
import re

import pytest

from keras_glove.errors import ArgumentError
from keras_glove.symbolic import (
    Program,
    close_keywords,
    describe,
    partial,
    program,
    signature_of,
    symbolize,
)

from .samples import Conv, Net, chain, net


def test_reads_arguments_and_defaults():
    p = program(Conv, 16)
    assert (p.filters, p.kernel, p.name) == (16, 3, None)
    assert dir(p)[:1] == ["filters"] and "kernel" in dir(p)


def test_sets_and_deletes_arguments():
    p = program(Conv, 16, name="x")
    p.kernel = 5
    assert list(p.__arguments__) == ["filters", "kernel", "name"], "canonical order"
    del p.kernel
    assert p.kernel == 3 and p == program(Conv, 16, name="x")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: program(Conv, 16, filter=3),
            r"Conv: expected arguments among .*received 'filter'. Did you mean 'filters'",
        ),
        (
            lambda: program(Conv),
            r"Conv: expected a value for 'filters', received only no arguments",
        ),
        (lambda: program(Conv, 1, 2, 3), r"at most 2 positional arguments .*received 3"),
        (lambda: program(Conv, 1, filters=2), r"received the argument 'filters' twice"),
        (lambda: program(3), r"Expected a class, a function"),
        (lambda: setattr(program(Conv, 1), "kernels", 3), r"Did you mean 'kernel'"),
        (lambda: symbolize(3), r"Expected a class or a function to symbolize, received 3"),
    ],
)
def test_bad_arguments_are_noticed_at_once(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


def test_unknown_attribute_is_an_attribute_error():
    with pytest.raises(AttributeError, match="expected one of the arguments"):
        _ = program(Conv, 1).nothing
    with pytest.raises(AttributeError, match="'filters' has no value yet"):
        _ = partial(Conv).filters


def test_a_cycle_is_refused_and_changes_nothing():
    p = net()
    with pytest.raises(ArgumentError, match="cycle"):
        p.blocks = [p]
    with pytest.raises(ArgumentError, match="cycle"):
        p.blocks[0].filters = {"deep": [p]}
    assert p == net()


def test_arguments_are_copied_into_the_program():
    blocks = [program(Conv, 1)]
    p = program(Net, blocks)
    blocks.append("later")
    assert len(p.blocks) == 1 and p.blocks[0] is blocks[0]


def test_copy_deepcopy_and_pickle():
    p = net()
    assert copy.copy(p) == p and copy.copy(p).blocks is p.blocks
    deep = copy.deepcopy(p)
    assert deep == p and deep.blocks[0] is not p.blocks[0]
    assert pickle.loads(pickle.dumps(p)) == p


def test_var_positional_and_open_keywords():
    p = program(chain, 1, 2, repeat=2)
    assert p.__arguments__ == {"parts": (1, 2), "repeat": 2}
    assert repr(p) == "chain(1, 2, repeat=2)"
    assert program(Net, [], b=1, a=2).__arguments__ == {"blocks": [], "a": 2, "b": 1}


class TestSymbolize:
    def test_class_stays_itself(self):
        c = Conv(16, kernel=5)
        assert type(c) is Conv and isinstance(c, Conv) and c.filters == 16
        assert Conv.__doc__ == "A stand-in for a layer."
        assert describe(c) == program(Conv, 16, kernel=5)

    def test_call_with_a_program_gives_a_program(self):
        p = Net([Conv(1), {"x": program(Conv, 2)}])
        assert isinstance(p, Program)
        assert p.blocks[0] == program(Conv, 1), "the live object counts as its program"

    def test_one_live_object_is_one_node(self):
        c = Conv(1)
        p = program(Net, [c, c])
        assert p.blocks[0] is p.blocks[1]

    def test_subclasses_are_symbolic_and_own_new_is_kept(self):
        class Wide(Conv):
            def __new__(cls, *args, **kwargs):
                made = super().__new__(cls, *args, **kwargs)
                if isinstance(made, cls):
                    made.marked = True
                return made

            def __init__(self, filters):
                super().__init__(filters * 2)

        assert Wide(3).filters == 6 and Wide(3).marked
        assert describe(Wide(3)) is not None
        w = Wide(4)
        assert describe(w) == program(Wide, 4)
        assert isinstance(Wide(program(Conv, 1)), Program)

    def test_copies_of_live_objects_do_not_claim_default_arguments(self):
        @symbolize
        class Box:
            def __init__(self, size=1):
                self.size = size

        box = Box(size=5)
        assert not isinstance(describe(copy.deepcopy(box)), Program)

    def test_python_errors_of_the_class_stay(self):
        with pytest.raises(TypeError, match=re.escape("missing 1 required positional argument")):
            Conv()

    def test_function(self):
        assert chain(1, 2, repeat=2) == [1, 2, 1, 2]
        assert chain.__name__ == "chain"
        p = chain(program(Conv, 1), 2)
        assert isinstance(p, Program) and p.parts[1] == 2

    def test_classmethods_and_dataclasses(self):
        from dataclasses import dataclass

        @symbolize
        @dataclass
        class Settings:
            rate: float
            steps: int = 10

        assert Settings(0.1) == Settings(0.1, 10)
        assert Settings(program(Conv, 1)).steps == 10


class TestSignature:
    def test_keywords_of_parents_are_known_and_unknown_ones_refused(self):
        class Base:
            def __init__(self, *, name=None, **kwargs):
                self.name = name

        class Child(Base):
            def __init__(self, units, **kwargs):
                super().__init__(**kwargs)

        close_keywords(Base, ["legacy"])
        assert program(Child, 3, name="n", legacy=1).name == "n"
        with pytest.raises(ArgumentError, match="received 'nam'. Did you mean 'name'"):
            program(Child, 3, nam="n")

    def test_constructors_that_hand_everything_on_are_looked_through(self):
        class Base:
            def __init__(self, units, rate=0.5): ...

        class Child(Base):
            def __init__(self, *args, **kwargs):
                super().__init__(*args, **kwargs)

        assert program(Child, 3).units == 3
        assert signature_of(Child).positional == ("units", "rate")

    def test_positional_only(self):
        def f(a, b=2, /, c=3): ...

        p = program(f, 1, c=4)
        assert repr(p) == "f(1, c=4)"
        assert signature_of(f).call_arguments(p.__arguments__) == ([1], {"c": 4})

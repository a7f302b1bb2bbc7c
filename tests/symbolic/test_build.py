from __future__ import annotations

import sys
import traceback

import pytest

from keras_glove.errors import BuildError, OpenValueError
from keras_glove.symbolic import OpenValue, build, describe, is_open, partial, program, rebind

from .samples import Conv, Net, chain, net


class Open(OpenValue):
    """An open value without a domain."""

    def __children__(self):
        return {}

    def __rebuild__(self, children):
        return self

    def __fields__(self):
        return {}


def test_build_is_fresh_and_shares_what_is_shared():
    c = program(Conv, 1)
    p = program(Net, [c, c, program(Conv, 1)])
    first, second = build(p), build(p)
    assert isinstance(first, Net) and first.blocks[0] is first.blocks[1]
    assert first.blocks[2] is not first.blocks[0] and second.blocks[0] is not first.blocks[0]
    assert build(program(chain, 1, 2, repeat=2)) == [1, 2, 1, 2]


def test_what_is_built_is_described_as_it_was_then():
    p = net()
    live = build(p)
    rebind(p, width=99)
    assert describe(live) == net() and describe(live.blocks[0]) == program(Conv, 16)


def test_errors_name_the_path():
    with pytest.raises(OpenValueError, match=r"at `blocks\[0\]`: .* open value Open\(\)"):
        build(program(Net, [Open()]))
    with pytest.raises(
        BuildError, match=r"at `blocks\[0\]`: Conv expected values for \['filters'\]"
    ):
        build(program(Net, [partial(Conv)]))


def test_an_error_of_the_class_keeps_its_type_and_gains_the_path():
    def fail(x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine") as info:
        build(program(Net, {"a": [program(fail, 1)]}))
    text = (
        "".join(traceback.format_exception(info.value))
        if sys.version_info >= (3, 11)
        else str(info.value)
    )
    assert "while building `blocks.a[0]`" in text and text.count("while building") == 1


OPERATIONS = {
    "bool": lambda v: bool(v), "int": int, "float": float, "complex": complex, "len": len, "iter": iter,  # noqa: E501
    "index": lambda v: [1, 2][v], "range": range, "add": lambda v: v + 1, "radd": lambda v: 1 + v,
    "mul": lambda v: v * 2, "rdiv": lambda v: 1 / v, "pow": lambda v: 2**v, "neg": lambda v: -v,
    "less": lambda v: v < 1, "in": lambda v: 1 in v, "getitem": lambda v: v[0],
    "round": round, "mod": lambda v: v % 2, "divmod": lambda v: divmod(v, 2), "abs": abs,
}  # fmt: skip


@pytest.mark.parametrize("use", OPERATIONS.values(), ids=OPERATIONS)
def test_an_open_value_is_no_number(use):
    with pytest.raises(OpenValueError, match="Expected a concrete value"):
        use(Open())


def test_is_open():
    assert is_open({"a": [program(Net, (Open(),))]}) and not is_open(net())
    assert Open() == Open() or Open() is not Open()

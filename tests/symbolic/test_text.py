from __future__ import annotations

import ast
import collections
import io
import math
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from rich.console import Console

import tests.symbolic.samples as samples
from keras_glove import symbolic
from keras_glove.errors import SerializationError
from keras_glove.symbolic import (
    equal,
    format_program,
    partial,
    program,
    rebind,
    to_code,
    to_html,
    tree,
)
from keras_glove.symbolic.imports import Imports
from tests.naming import named

from .samples import Conv, Net, Pick, chain, closed_values, net, tower, values


def test_repr_breaks_long_lines():
    assert repr(program(Conv, 1)) == "Conv(filters=1)"
    long = program(Net, [program(Conv, i, name="a long name for it") for i in range(3)])
    assert repr(long).splitlines()[:3] == [
        "Net(", "    blocks=[", "        Conv(filters=0, name='a long name for it'),",
    ]  # fmt: skip
    assert format_program(program(Conv, 1), defaults=True) == "Conv(filters=1, kernel=3, name=None)"


def run(code: str) -> Any:
    """The value of the last expression of some code."""
    *statements, last = ast.parse(code.replace("import keras_glove as kg", "")).body
    names: dict[str, Any] = {"kg": symbolic}
    exec(compile(ast.Module(statements, []), "code", "exec"), names)
    return eval(ast.unparse(last), names)


@given(closed_values)
def test_code_makes_an_equal_program(value):
    assert equal(run(to_code(value)), value)


def test_code_refuses_what_it_cannot_name():
    with pytest.raises(SerializationError, match="class or function that a module holds"):
        to_code(program(Conv, lambda x: x))
    assert to_code(partial(Conv)).endswith("kg.partial(Conv)")
    assert samples.Conv is Conv


class Size(NamedTuple):
    height: int
    width: Any


@pytest.mark.parametrize(
    "value",
    [
        [math.inf, -math.inf, math.nan, complex(math.nan, 1.5), -0.0],
        {math.inf: 1, 2: 3, "a b": 4, (1,): 5},
        np.arange(6, dtype="float32").reshape(2, 3),
        np.array([True, False]),
        np.array(2.5),
        Size(1, program(Conv, Size(2, 3))),
        [collections.OrderedDict, Conv, chain, np.mean, len],
        program(dict, {"if": 1, "x y": 2}),
        program(chain, program(chain), (), repeat=2),
    ],
    ids=named,
)
def test_code_of_other_values(value):
    assert equal(run(to_code(value)), value)


def test_code_of_an_open_value_for_all_positional_arguments():
    pick = Pick([(1, 2)])
    p = rebind(program(chain, 1, repeat=3), parts=pick)
    assert repr(p) == "chain(*Pick(candidates=[(1, 2)], name=None), repeat=3)"
    assert to_code(p, imports=False) == (
        "kg.rebind(kg.program(chain, repeat=3), parts=kg.Pick(candidates=[(1, 2)], name=None))"
    )


def test_imports_are_the_shortest_and_names_do_not_clash():
    from . import test_calling

    code = to_code([program(Conv, 1), program(test_calling.Adder, 2), collections.deque])
    assert code.splitlines()[:4] == [
        "import keras_glove as kg",
        "from collections import deque",
        "from tests.symbolic.samples import Conv",
        "from tests.symbolic.test_calling import Adder",
    ]
    assert "import" not in to_code([program(Conv, 1)], imports=False)
    imports = Imports()
    assert imports.name(Conv) == "Conv" and imports.new_name("conv") == "conv_1"

    class conv_1: ...  # noqa: N801

    assert imports.name(dict) == "dict" and imports.name(len) == "len"
    assert imports.new_name("conv") == "conv_2"
    imports.new_name("chain")
    assert imports.name(chain) == "chain"


def test_many_levels_get_lines_of_their_own():
    code = to_code(tower(20)).splitlines()
    assert sum(line.startswith("conv_") for line in code) == 2 and len(code) < 120


def test_missing_and_default_arguments_are_shown():
    p = partial(Conv, name="c")
    assert repr(p) == "Conv(filters=MISSING, name='c')"
    assert format_program(p, defaults=True) == "Conv(filters=MISSING, kernel=3, name='c')"
    assert equal(run(to_code(p)), p)
    shown = shown_tree(p, defaults=True)
    assert "filters: MISSING" in shown and "kernel: 3" in shown
    assert "kernel" not in shown_tree(p)
    page = to_html(p, defaults=True)
    assert '<span class="missing">MISSING</span>' in page
    assert '<span class="default">3</span>' in page


def shown_tree(value: Any, **options: Any) -> str:
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(tree(value, **options))
    return console.export_text()


def test_tree_folds_small_parts_into_a_line():
    op = Pick([program(Conv, 1), program(Net, [Pick([1, 2])])], "op")
    shared = program(Conv, "x" * 55)
    lines = shown_tree(program(Net, [op, shared, [shared]], extra={"k": (1, 2.5)})).splitlines()
    assert [line.strip("│├└─ ") for line in lines] == [
        "Net",
        "blocks: list of 3",
        "[0]: Pick(name='op')",
        "candidates[0]: Conv(filters=1)",
        "candidates[1]: Net",
        "blocks: list of 1",
        "[0]: Pick(candidates=[1, 2], name=None)",
        "[1]: Conv",
        f"filters: {'x' * 55!r}",
        "[2]: list of 1",
        "[0]: Conv (the one above)",
        "extra: {'k': (1, 2.5)}",
    ]


@given(values)
def test_html_is_well_formed_and_hides_no_markup(value):
    page = to_html([value, "<b>"])
    assert "&lt;b&gt;" in page and "<b>" not in page
    assert page.count("<details") == page.count("</details>") == page.count("<summary>")
    assert page.count("<div") == page.count("</div>") and page.count("<span") == page.count(
        "</span>"
    )


def test_html_tells_open_values_and_those_that_are_folded_away():
    page = to_html(program(Net, [[Pick([1]), Pick([2])]], width=Pick([3])))
    assert page.count('class="open"') == 3
    assert page.count(">3 open<") == 1 and page.count(">2 open<") == 2
    assert net()._repr_html_() == to_html(net())
    assert "... and 15 more values" in to_html(
        [program(Conv, "x" * 55)] * 1 + [[i] for i in range(20)], limit=8
    )

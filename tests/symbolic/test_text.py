from __future__ import annotations

import ast
import io
from typing import Any

import pytest
from hypothesis import given
from rich.console import Console

import tests.symbolic.samples as samples
from keras_glove import symbolic
from keras_glove.errors import SerializationError
from keras_glove.symbolic import equal, format_program, partial, program, to_code, to_html, tree

from .samples import Conv, Net, closed_values, net


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


def test_tree_and_html():
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(tree(net()))
    text = console.export_text()
    assert "└── extra: {'k': (1, 2.5)}" in text and "├── width: 4" in text
    shared = program(Conv, "<b>")
    page = to_html([shared, shared])
    assert "&lt;b&gt;" in page and "<b>" not in page and "(the one above)" in page
    assert net()._repr_html_() == to_html(net())

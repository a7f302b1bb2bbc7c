"""Classes, functions and random programs that the tests of the symbolic core share."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from keras_glove.symbolic import (
    OpenValue,
    Program,
    program,
    register_node_kind,
    register_value_kind,
    symbolize,
)


@symbolize
class Conv:
    """A stand-in for a layer."""

    def __init__(self, filters: int, kernel: int = 3, *, name: str | None = None) -> None:
        self.filters, self.kernel, self.name = filters, kernel, name


@symbolize
class Net:
    def __init__(self, blocks: Any, width: int = 8, **options: Any) -> None:
        self.blocks, self.width, self.options = blocks, width, options


@symbolize
def chain(*parts: Any, repeat: int = 1) -> list[Any]:
    return [*parts] * repeat


@register_node_kind
class Pick(OpenValue):
    """A stand-in for a hyper-value."""

    __slots__ = ("candidates", "name")

    def __init__(self, candidates: list[Any], name: str | None = None) -> None:
        self.candidates, self.name = list(candidates), name

    def __children__(self) -> dict[str, Any]:
        return {"candidates": self.candidates}

    def __rebuild__(self, children: dict[str, Any]) -> Pick:
        return Pick(**children, name=self.name)

    def __fields__(self) -> dict[str, Any]:
        return {"candidates": self.candidates, "name": self.name}


class Label:
    """A small object of another room."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Label) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Label({self.text!r})"


register_value_kind(Label, lambda label: label.text, Label)


def net() -> Program:
    return program(
        Net, [program(Conv, 16), program(Conv, 32, 5, name="c")], width=4, extra={"k": (1, 2.5)}
    )


_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=4),
    st.binary(max_size=4),
)


def _containers(inner: st.SearchStrategy[Any], *, opened: bool) -> st.SearchStrategy[Any]:
    keys = st.one_of(st.text(max_size=3), st.integers(0, 3))
    kinds = [
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(keys, inner, max_size=3),
        st.builds(lambda f, k: program(Conv, f, k), inner, inner),
        st.builds(lambda b, x: program(Net, b, extra=x), inner, inner),
        st.lists(inner, max_size=3).map(lambda parts: program(chain, *parts)),
        # one node in two places
        st.builds(lambda v: (lambda n: program(Net, [n, n]))(program(Conv, v)), inner),
        # a layer that is called twice
        st.builds(lambda v, x: (lambda n: n(n(x), training=v))(program(Conv, v)), inner, inner),
    ]
    if opened:
        kinds.append(st.lists(inner, max_size=3).map(Pick))
        kinds.append(st.builds(lambda v, x: Pick([v])(x), inner, inner))
    return st.one_of(kinds)


values = st.recursive(_scalars, lambda inner: _containers(inner, opened=True), max_leaves=12)
programs = st.builds(lambda b, w: program(Net, b, w), values, values)
closed_values = st.recursive(
    _scalars, lambda inner: _containers(inner, opened=False), max_leaves=12
)


def tower(height: int) -> Program:
    """Calls in calls, as the layers of a deep functional model stand in each other."""
    x = program(Conv, 0)
    for level in range(height):
        x = program(Conv, level)(x, training=level % 2 == 0)
    return x

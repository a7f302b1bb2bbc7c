"""Classes, functions and random programs that the tests of the symbolic core share."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from keras_glove.symbolic import Program, program, symbolize


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


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    keys = st.one_of(st.text(max_size=3), st.integers(0, 3))
    return st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(keys, inner, max_size=3),
        st.builds(lambda f, k: program(Conv, f, k), inner, inner),
        st.builds(lambda b, x: program(Net, b, extra=x), inner, inner),
        st.lists(inner, max_size=3).map(lambda parts: program(chain, *parts)),
        # one node in two places
        st.builds(lambda v: (lambda n: program(Net, [n, n]))(program(Conv, v)), inner),
    )


values = st.recursive(_scalars, _containers, max_leaves=12)
programs = st.builds(lambda b, w: program(Net, b, w), values, values)

"""Random programs with hyper-values, for the property tests of spaces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import hypothesis.strategies as st

from keras_glove.hyper import floatv, intv, manyof, oneof, permutate
from keras_glove.symbolic import Program, equal, program, symbolize


@symbolize(name="tests.hyper.Layer")
class Layer:
    def __init__(self, units: Any = 1, options: Any = None) -> None:
        self.units, self.options = units, options


@symbolize(name="tests.hyper.Net")
class Net:
    def __init__(self, *parts: Any) -> None:
        self.parts = parts


def differing(values: Sequence[Any]) -> list[Any]:
    """The values without those that equal an earlier one."""
    kept: list[Any] = []
    for value in values:
        if not any(equal(value, other) for other in kept):
            kept.append(value)
    return kept


SCALES = st.sampled_from(["linear", "log", "reverse_log"])
scalars = st.one_of(st.none(), st.booleans(), st.integers(-3, 9), st.text("ab", max_size=2))


def integers() -> st.SearchStrategy[Any]:
    return st.builds(
        lambda low, count, step, scale: intv(low, low + count * step, step=step, scale=scale),
        st.integers(1, 9),
        st.integers(1, 3),
        st.integers(1, 3),
        SCALES,
    )


def floats() -> st.SearchStrategy[Any]:
    return st.builds(
        lambda low, width, scale: floatv(low, low + width, scale=scale),
        st.floats(1e-4, 10),
        st.floats(1e-3, 1e3),
        SCALES,
    )


def many(k: int, candidates: list[Any], distinct: bool, in_order: bool) -> Any:
    k = min(k, len(candidates)) if distinct else k
    return manyof(k, candidates, distinct=distinct, sorted=in_order)


def choices(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    some = st.lists(inner, min_size=1, max_size=3).map(differing)
    return st.one_of(
        st.builds(oneof, some),
        st.builds(many, st.integers(1, 3), some, st.booleans(), st.booleans()),
        st.builds(permutate, some),
    )


def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.lists(inner, max_size=2),
        st.tuples(inner, inner),
        st.dictionaries(st.sampled_from(["a", "b", "c d"]), inner, max_size=2),
        st.builds(lambda units, options: program(Layer, units, options), inner, inner),
        # one value, hyper-value or node in two places
        st.builds(lambda value: program(Net, value, [value]), inner),
        st.builds(lambda value, other: [value, oneof([{"in": value}, other])], inner, scalars),
    )


def values(*, with_floats: bool) -> st.SearchStrategy[Any]:
    leaves = [scalars, integers(), *([floats()] if with_floats else [])]
    return st.recursive(
        st.one_of(*leaves),
        lambda inner: st.one_of(choices(inner), choices(inner), containers(inner)),
        max_leaves=8,
    )


def spaces(*, with_floats: bool = False) -> st.SearchStrategy[Program]:
    """Programs of any shape; some have no hyper-value at all."""
    inner = values(with_floats=with_floats)
    return st.lists(inner, min_size=1, max_size=2).map(lambda parts: program(Net, *parts))

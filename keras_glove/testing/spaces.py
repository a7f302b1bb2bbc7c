"""A table of small programs that cover what search spaces can be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from keras_glove.hyper import (
    SearchSpace,
    constrain,
    evolve,
    floatv,
    forbid,
    intv,
    manyof,
    oneof,
    permutate,
    satisfies,
)


def _flat() -> Any:
    return {"width": oneof([8, 16, 32]), "activation": oneof(["relu", "gelu"])}


def _single() -> Any:
    return {"only": oneof(["one"])}


def _conditional() -> Any:
    conv = {"filters": oneof([8, 16, 32]), "kernel": intv(1, 7, step=2)}
    pool = {"kind": oneof(["max", "average"]), "more": oneof([None, {"size": intv(2, 4)}])}
    return [oneof([conv, pool, "identity"]), oneof([True, False])]


def _blocks() -> Any:
    block = oneof([{"op": oneof(["conv", "pool"], hints="op")}, "skip"], hints="edge")
    return {"blocks": manyof(3, [block, "end", oneof([1, 2, 3])], distinct=False)}


def _numbers() -> Any:
    return {
        "rate": floatv(1e-5, 1.0, scale="log"),
        "momentum": floatv(0.5, 0.999, scale="reverse_log"),
        "dropout": floatv(0.0, 0.5),
        "units": intv(4, 512, scale="log"),
        "even": intv(2, 20, step=2),
    }


def _large() -> Any:
    return [oneof(list(range(5))) for _ in range(26)]


#: Functions that each make a program; every call makes a new one.
SPACES: dict[str, Callable[[], Any]] = {
    "flat": _flat,
    "single": _single,
    "conditional": _conditional,
    "blocks": _blocks,
    "distinct": lambda: manyof(2, list(range(5))),
    "sorted": lambda: manyof(2, list(range(5)), sorted=True),
    "multiset": lambda: manyof(3, list(range(3)), distinct=False, sorted=True),
    "permutation": lambda: permutate(list(range(4))),
    "numbers": _numbers,
    "mixed": lambda: {"cell": _conditional(), "order": permutate(list("abc")), **_numbers()},
    "large": _large,
}


def _constrained() -> SearchSpace:
    program = {
        "op": oneof(["conv", "pool"], name="op"),
        "more": oneof([{"width": oneof([8, 16, 32], name="width")}, None]),
        "order": permutate(list("abc")),
        "depth": intv(1, 4),
    }
    return constrain(program, forbid(op="pool", width=32), satisfies(_small, of="program")).space


def _small(program: Any) -> bool:
    more = program["more"]
    return more is None or bool(more["width"] * program["depth"] <= 64)


def _evolved() -> SearchSpace:
    return SearchSpace({"layers": evolve([1, 2], [_longer, _shorter]), "rate": oneof([0.1, 0.5])})


def _longer(layers: list[int], rng: np.random.Generator) -> list[int]:
    return [*layers, int(rng.integers(9))]


def _shorter(layers: list[int], rng: np.random.Generator) -> list[int] | None:
    return layers[:-1] or None


#: Functions that each make a space which is more than its program: one with constraints, of
#: which one asks for the program, and one with a decision point of its own kind.
SPECIAL_SPACES: dict[str, Callable[[], SearchSpace]] = {
    "constrained": _constrained,
    "evolved": _evolved,
}

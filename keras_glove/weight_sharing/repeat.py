"""`Repeat`: a block several times in a row, as often as a search decides."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import keras
import numpy as np

from keras_glove.errors import ArgumentError
from keras_glove.live.bases import base_of
from keras_glove.symbolic import build, program
from keras_glove.weight_sharing.open_values import Open
from keras_glove.weight_sharing.switch import Switch

__all__ = ["COPIER", "Repeat"]


Copier = Callable[[Any, int], "list[Any]"]

COPIER: ContextVar[Copier | None] = ContextVar("keras_glove_copier", default=None)
"""Copies blocks while a supernet is made, where no program describes them."""


class Repeat(*base_of(keras.layers.Layer)):  # type: ignore[misc]
    """A block `times` times in a row, each time with weights of its own.

    With open `times`, such as `intv(1, 4)`, a supernet holds as many blocks as there can be, and
    runs the first `times` of them. Decisions inside the block are common to all copies.

    Args:
      block: a layer; its output has the shape of its input, or that of the next one's.
      times: how often, at least 0.

    Raises:
      ArgumentError: `block` is no layer, or `times` no such number.

    >>> import keras
    >>> from keras_glove import layers
    >>> deep = Repeat(layers.Dense(4), 3)
    >>> len(deep.blocks), deep(keras.ops.ones((2, 4))).shape
    (3, TensorShape([2, 4]))
    """

    def __init__(self, block: Any, times: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(block, keras.Layer):
            raise ArgumentError(f"Expected a layer to repeat, received {block!r}.")
        count = times.table.max() if isinstance(times, Open) else times
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise ArgumentError(
                f"Expected a number of times to repeat a block, 0 or more, received {times!r}."
            )
        self.blocks = _chain(_copies(block, count), times)

    def call(self, x: Any) -> Any:
        for block in self.blocks:
            x = block(x)
        return x


def _copies(block: Any, count: int) -> list[Any]:
    copier = COPIER.get()
    if copier is not None:
        return copier(block, count)
    return [block, *(build(program(block)) for _ in range(count - 1))][:count]


def _left_out(place: int, counts: Any) -> Any:
    return np.asarray(counts <= place).astype(np.int64)


def _chain(blocks: list[Any], times: Any) -> list[Any]:
    """The blocks, those that not every child has behind a switch."""
    if not isinstance(times, Open):
        return blocks
    table, chain = times.table, []
    for place, block in enumerate(blocks):
        left_out = table.map(functools.partial(_left_out, place))
        always = not left_out.values.any()
        chain.append(block if always else Switch(left_out, [block, None], times.place))
    return chain

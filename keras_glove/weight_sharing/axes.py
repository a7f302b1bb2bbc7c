"""`Axis`: what of an axis of a tensor or weight is in use, under which decisions.

Tensors of a supernet have the shape that they have in its largest child. Which channels of an axis
a child has is written down as masks, one for each value of the decisions that it depends on. An
axis is a row of parts, since concatenation puts independent ones side by side, and the row can be
repeated, since flattening does that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from keras_glove.weight_sharing.decisions import Decisions
from keras_glove.weight_sharing.tables import Table, combine

__all__ = ["Axes", "Axis", "centre", "mask_of", "prefix"]


@dataclass(frozen=True)
class Axis:
    """Masks of an axis of which not all is in use.

    Attributes:
      parts: tables of bool masks, side by side.
      tiles: how often the row of parts is repeated.
    """

    parts: tuple[Table, ...]
    tiles: int = 1

    @property
    def length(self) -> int:
        """How long the axis is, in use or not."""
        return self.tiles * sum(part.entry_shape[0] for part in self.parts)

    def mask(self, decisions: Decisions, dtype: str) -> Any:
        """A tensor of shape `(length,)` of ones and zeros, or shares under relaxed decisions."""
        masks = [part.tensor(decisions, dtype) for part in self.parts]
        row = masks[0] if len(masks) == 1 else ops.concatenate(masks)
        return row if self.tiles == 1 else ops.tile(row, (self.tiles,))

    def indices(self, decided: Sequence[Any]) -> np.ndarray[Any, Any]:
        """The places in use, for one index per decision point."""
        row = np.concatenate([np.asarray(part.at(decided)) for part in self.parts])
        return np.flatnonzero(np.tile(row, self.tiles))

    def counts(self) -> list[Table]:
        """How many places are in use: tables that add up to it."""
        return [part.map(lambda mask: mask.sum(-1)) * self.tiles for part in self.parts]

    def count(self, decisions: Decisions, dtype: str) -> Any:
        """How many places are in use, as a scalar tensor."""
        return sum(table.tensor(decisions, dtype) for table in self.counts())

    @property
    def is_prefix(self) -> bool:
        """Whether what is in use always comes first."""
        if len(self.parts) > 1 or self.tiles > 1:
            return False
        values = self.parts[0].values.astype(np.int8)
        return bool((np.diff(values, axis=-1) <= 0).all())

    def tiled(self, times: int) -> Axis:
        """The axis several times in a row."""
        return Axis(self.parts, self.tiles * times)

    def repeated(self, times: int) -> Axis:
        """The axis with each place several times in a row."""
        parts = tuple(part.map(lambda mask: np.repeat(mask, times, axis=-1)) for part in self.parts)
        return Axis(parts, self.tiles)

    def joined(self) -> Table:
        """All parts as one table."""
        table = self.parts[0]
        for part in self.parts[1:]:
            table = combine(_concatenated, table, part)
        return table.map(lambda mask: np.tile(mask, (1,) * (mask.ndim - 1) + (self.tiles,)))

    def outer(self, inner: Axis) -> Axis:
        """The axis of pairs, the inner place running faster."""

        def product(first: Any, second: Any) -> Any:
            both = first[..., :, None] & second[..., None, :]
            return both.reshape(*both.shape[:-2], -1)

        return Axis((combine(product, self.joined(), inner.joined()),))


Axes = tuple[Axis | None, ...]
"""For each axis of a tensor what of it is in use; None where all of it."""


def _concatenated(*masks: Any) -> Any:
    shape = np.broadcast_shapes(*(mask.shape[:-1] for mask in masks))
    return np.concatenate([np.broadcast_to(m, (*shape, m.shape[-1])) for m in masks], axis=-1)


def prefix(width: Table, length: int | None = None) -> Axis | None:
    """The axis of which the first `width` places are in use; None where that is all of it."""
    length = int(width.max()) if length is None else length
    table = width.map(lambda widths: np.arange(length) < widths[..., None])
    return None if bool(table.values.all()) else Axis((table,))


def full(length: int) -> Axis:
    """An axis that is in use as a whole, to stand beside others."""
    return Axis((Table((), np.ones(length, dtype=bool)),))


def centre(size: Table, offsets: Table, length: int) -> Axis | None:
    """The axis of which `size` places from `offsets` on are in use; None where all of it."""

    def mask(sizes: Any, starts: Any) -> Any:
        place = np.arange(length)
        return (place >= starts[..., None]) & (place < (starts + sizes)[..., None])

    table = combine(mask, size, offsets)
    return None if bool(table.values.all()) else Axis((table,))


def mask_of(axes: Axes, decisions: Decisions, dtype: str) -> Any:
    """A mask that broadcasts to a tensor of these axes; None where all of it is in use."""
    result: Any = None
    for place, axis in enumerate(axes):
        if axis is None:
            continue
        shape = [1] * len(axes)
        shape[place] = axis.length
        mask = ops.reshape(axis.mask(decisions, dtype), shape)
        result = mask if result is None else result * mask
    return result

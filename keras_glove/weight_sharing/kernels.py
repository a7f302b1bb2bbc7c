"""`KernelTransform`: small kernels made of the centre of larger ones by learned matrices.

After Once-for-All (Cai et al. 2020, arXiv:1908.09791, section 3.2 and figure 3): the centre of a
kernel may have to be another one as a kernel of its own than as a part of the larger. So it is
multiplied, over all places of the window, with a matrix that all channels of the layer share; from
7x7 to 5x5 one of 25x25, from 5x5 to 3x3 one of 9x9, each the identity at first.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_glove.errors import NotShareableError
from keras_glove.weight_sharing.axes import Axes, Axis
from keras_glove.weight_sharing.decisions import Decisions
from keras_glove.weight_sharing.open_values import Open
from keras_glove.weight_sharing.tables import Table

__all__ = ["KernelTransform", "SizedKernel"]

Size = tuple[int, ...]


class KernelTransform(keras.layers.Layer):
    """The matrices of one layer, held by it in a supernet; a child has none.

    Args:
      sizes: of the kernels, each an int or one for each axis.
      place: the path of the hyper-value, for people.

    Attributes:
      sizes: from the smallest to the largest; a matrix leads to each but the largest.
    """

    def __init__(self, sizes: Sequence[Any], place: str, rank: int) -> None:
        super().__init__(name="kernel_transform")
        wide = {size if isinstance(size, tuple) else (int(size),) * rank for size in sizes}
        self.sizes: list[Size] = sorted(wide)
        for small, large in zip(self.sizes, self.sizes[1:], strict=False):
            if any(one > other for one, other in zip(small, large, strict=True)):
                raise NotShareableError(
                    f"at `{place}`: expected kernel sizes each of which lies inside the next "
                    f"larger one for share='transform', received {small} and {large}. Use "
                    "share='slice'."
                )
        self.matrices = [
            self.add_weight(
                shape=(math.prod(small), math.prod(small)),
                initializer="identity",
                name="to_" + "x".join(map(str, small)),
            )
            for small in self.sizes[:-1]
        ]
        for matrix in self.matrices:
            matrix.is_of_supernet = True
        self.built = True


class SizedKernel:
    """A kernel under decisions of its size.

    Args:
      transform: its matrices.
      size: the open size.
      spatial: what of the spatial axes of the largest kernel is in use.
      lengths: of these axes.
    """

    def __init__(
        self, transform: KernelTransform, size: Open, spatial: Axes, lengths: Sequence[int]
    ) -> None:
        self._transform = transform
        self._lengths = tuple(lengths)
        rank, sizes = len(lengths), transform.sizes

        def index(values: Any) -> Any:
            wide = [v if isinstance(v, tuple) else (int(v),) * rank for v in values.reshape(-1)]
            return np.array([sizes.index(one) for one in wide]).reshape(values.shape)

        self.selector = size.table.map(index)
        self._starts = [self._start(spatial, place) for place in range(len(sizes))]

    def _start(self, spatial: Axes, place: int) -> Size:
        """Where a size begins in the largest kernel."""
        first = np.argwhere(self.selector.values == place)[0]
        decided = dict(zip(self.selector.points, first.tolist(), strict=True))
        return tuple(
            0 if axis is None else int(axis.parts[0].at(decided).argmax()) for axis in spatial
        )

    def __call__(self, kernel: Any, decisions: Decisions) -> Any:
        """The kernel, as large as the largest, zeros around a smaller one."""
        shares = self.selector.map(self._one_hot).tensor(decisions, kernel.dtype)
        return sum(one * shares[place] for place, one in enumerate(self.kernels(kernel)))

    def _one_hot(self, places: Any) -> Any:
        return np.eye(len(self._transform.sizes))[places]

    def decided(self, kernel: Any, decided: Sequence[Any]) -> np.ndarray[Any, Any]:
        """The kernel for one index per decision point."""
        made = self.kernels(ops.convert_to_tensor(kernel))[self.selector.at(decided)]
        return np.asarray(ops.convert_to_numpy(made))

    def kernels(self, kernel: Any) -> list[Any]:
        """The kernel of each size, from the smallest on, each as large as the largest."""
        sizes, starts, rank = self._transform.sizes, self._starts, len(self._lengths)
        found, current, origin = [kernel], kernel, starts[-1]
        rest = tuple(kernel.shape[rank:])
        for place in reversed(range(len(sizes) - 1)):
            size, start = sizes[place], starts[place]
            inside = tuple(
                slice(a - b, a - b + n) for a, b, n in zip(start, origin, size, strict=True)
            )
            matrix = ops.cast(self._transform.matrices[place], kernel.dtype)
            flat = ops.matmul(matrix, ops.reshape(current[inside], (math.prod(size), -1)))
            current, origin = ops.reshape(flat, (*size, *rest)), start
            found.append(ops.pad(current, [*self._around(start, size), *((0, 0) for _ in rest)]))
        return found[::-1]

    def _around(self, start: Size, size: Size) -> list[tuple[int, int]]:
        return [
            (before, length - before - own)
            for before, own, length in zip(start, size, self._lengths, strict=True)
        ]

    def moved(self) -> list[tuple[Any, Axes]]:
        """Which of the matrices a step moves: those on the way to the size."""
        pairs: list[tuple[Any, Axes]] = []
        for place, matrix in enumerate(self._transform.matrices):
            length = int(matrix.shape[0])
            used = self.selector.map(functools.partial(_on_the_way, place, length))
            pairs.append((matrix, (Axis((used,)), None)))
        return pairs

    def spatial_moved(self) -> Axes:
        """What of the spatial axes a step moves: all that the first matrix is applied to."""
        start, size = self._starts[-2], self._transform.sizes[-2]
        return tuple(
            self._moved_along(first, own, length)
            for first, own, length in zip(start, size, self._lengths, strict=True)
        )

    def _moved_along(self, start: int, size: int, length: int) -> Axis | None:
        inner = (np.arange(length) >= start) & (np.arange(length) < start + size)
        largest = len(self._transform.sizes) - 1
        table: Table = self.selector.map(lambda at: inner | (at == largest)[..., None])
        return None if bool(table.values.all()) else Axis((table,))


def _on_the_way(place: int, length: int, chosen: Any) -> Any:
    return np.repeat(np.asarray(chosen <= place)[..., None], length, axis=-1)

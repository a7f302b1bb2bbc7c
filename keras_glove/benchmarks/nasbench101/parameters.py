"""Channels and trainable parameters of a network of cells, told without building it."""

from __future__ import annotations

from dataclasses import dataclass

from keras_glove.benchmarks.nasbench101.cells import Cell
from keras_glove.benchmarks.nasbench101.graphs import Parents
from keras_glove.benchmarks.nasbench101.limits import CONV1X1, CONV3X3, OPERATIONS
from keras_glove.errors import CellError

__all__ = ["Network", "count_parameters", "vertex_channels"]

_KERNEL_AREAS = {CONV3X3: 9, CONV1X1: 1}


@dataclass(frozen=True)
class Network:
    """The skeleton around a cell: a stem, and stacks of cells with pooling between them.

    The defaults are those of the benchmark (Ying et al. 2019, arXiv:1902.09635, figure 1).

    Attributes:
        stem_channels: of the 3x3 convolution at the beginning; they double with each stack.
        num_stacks: stacks of cells.
        cells_per_stack: cells in each stack.
        num_classes: units of the dense layer at the end.
        image_channels: of the images.

    Raises:
        CellError: for numbers below 1.
    """

    stem_channels: int = 128
    num_stacks: int = 3
    cells_per_stack: int = 3
    num_classes: int = 10
    image_channels: int = 3

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if type(value) is not int or value < 1:
                raise CellError(f"expected {name} to be an int of at least 1, received {value!r}.")


def vertex_channels(parents: Parents, output_channels: int) -> list[int]:
    """The channels of the vertices of a pruned cell; None for the input, which has its own.

    The output concatenates the interior vertices that lead to it, so these share its channels,
    the first ones getting one more where they do not divide evenly. Any other interior vertex
    has as many as the largest of those it leads to.

    Raises:
        CellError: if the output has fewer channels than vertices to concatenate.
    """
    last = len(parents) - 1
    joined = [v for v in range(1, last) if parents[last] >> v & 1]
    channels = [0] * last + [output_channels]
    if not joined:
        return channels
    each, left = divmod(output_channels, len(joined))
    if not each:
        raise CellError(
            f"expected at least {len(joined)} channels, as many as vertices lead to the output, "
            f"received {output_channels}. Give the network more channels."
        )
    for place, v in enumerate(joined):
        channels[v] = each + (place < left)
    for v in range(last - 1, 0, -1):
        if not channels[v]:
            channels[v] = max([channels[y] for y in range(v + 1, last) if parents[y] >> v & 1])
    return channels


def count_parameters(cell: Cell, network: Network | None = None) -> int:
    """How many trainable parameters the network of a cell has.

    Args:
        cell: any valid cell.
        network: the skeleton around it; None for that of the benchmark.

    Raises:
        OutOfDomainError: if the cell is not valid.
        CellError: if the network has too few channels for the cell.

    >>> cell = Cell([[0, 1], [0, 0]], ["input", "output"])
    >>> count_parameters(cell)
    882570
    """
    network = network or Network()
    width = network.stem_channels
    total = _convolution(9, network.image_channels, width)
    channels = width
    for stack in range(network.num_stacks):
        width = network.stem_channels << stack
        for _ in range(network.cells_per_stack):
            total += _cell_parameters(cell, channels, width)
            channels = width
    return total + (channels + 1) * network.num_classes


def _convolution(area: int, before: int, after: int) -> int:
    """A convolution without bias, and its normalization's scale and offset."""
    return area * before * after + 2 * after


def _cell_parameters(cell: Cell, before: int, after: int) -> int:
    parents = cell.graph
    channels = vertex_channels(parents, after)
    total = sum(
        [_convolution(1, before, channels[v]) for v, mask in enumerate(parents) if mask & 1]
    )
    for v, label in enumerate(cell.labels, start=1):
        area = _KERNEL_AREAS.get(OPERATIONS[label])
        if area is not None:
            total += _convolution(area, channels[v], channels[v])
    return total

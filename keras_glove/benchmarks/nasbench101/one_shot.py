"""One network that holds the weights of all cells: `cell_supernet`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras
from keras import ops

from keras_glove.benchmarks.nasbench101.cells import Cell
from keras_glove.benchmarks.nasbench101.limits import MAX_VERTICES, OPERATIONS
from keras_glove.benchmarks.nasbench101.model import KERNEL_SIZES, build_model, convolution_layers
from keras_glove.benchmarks.nasbench101.open_cells import OpenCell, Part, PartAxis
from keras_glove.benchmarks.nasbench101.parameters import Network
from keras_glove.benchmarks.nasbench101.space import cell as cell_of, cell_space
from keras_glove.errors import CellError
from keras_glove.models import Model
from keras_glove.symbolic import symbolize
from keras_glove.symbolic.making import any_node
from keras_glove.training.lifting import pooling_again
from keras_glove.weight_sharing.decisions import current
from keras_glove.weight_sharing.models import of_config, supernet
from keras_glove.weight_sharing.plans import Plan, Site, rule_for

__all__ = ["CellSupernet", "cell_model", "cell_supernet"]


def cell_supernet(
    max_vertices: int = MAX_VERTICES,
    network: Network | None = None,
    *,
    image_size: tuple[int | None, int | None] = (32, 32),
    norm_momentum: float = 0.997,
) -> Any:
    """A supernet over the cells of `cell_space(max_vertices)`, with the same decisions.

    Set to the DNA of a cell, it computes what `build_model` of the cell does with the weights
    that `child` cuts out. Each vertex has a 3x3 and a 1x1 convolution and a projection of the
    input, each with its normalization, as wide as the cell's output; a cell whose vertex has fewer
    channels uses the first so many, in and out. How many these are depends on how many vertices
    lead to the output, as in the benchmark, so half of a weight is shared by other cells than all
    of it. What the output concatenates lies where it does in the child; the weights that read it
    are shared whatever vertex it came from. NAS-Bench-1Shot1 (Zela et al. 2020, arXiv:2001.10422)
    instead keeps the number of vertices that lead to the output fixed, in three spaces that are
    parts of this one.

    Only the chosen operation of each vertex runs, and pruned vertices do not run at all. Where
    input and output are not connected, cells give zeros, and there is no child; nor is there one
    of more than 9 edges. Relaxed decisions are refused.

    Args:
        max_vertices: input and output included, 2 to 7.
        network: the skeleton around the cells; None for that of the benchmark.
        image_size: height and width of the images, in pixels; None where they vary.
        norm_momentum: see `build_model`.

    Returns:
        A `keras_glove.Model` from images, `(batch, height, width, channels)`, to logits,
        `(batch, classes)`.

    Raises:
        CellError: for another number of vertices, or fewer channels than interior vertices.

    >>> import numpy as np
    >>> from keras_glove import SearchSpace
    >>> network = Network(stem_channels=8, num_stacks=1, cells_per_stack=1, image_channels=1)
    >>> model = cell_supernet(4, network, image_size=(8, 8))
    >>> space = SearchSpace(model)
    >>> from keras_glove.benchmarks.nasbench101.space import Encoding
    >>> cell = Cell([[0, 1, 1], [0, 0, 1], [0, 0, 0]], ["input", "conv3x3-bn-relu", "output"])
    >>> dna = Encoding.of(space).dna(cell)
    >>> model.decide(dna)
    >>> images = np.ones((2, 8, 8, 1), "float32")
    >>> child = model.child(dna)
    >>> bool(np.allclose(model(images), child(images), atol=1e-5))
    True
    """
    space = cell_space(max_vertices)
    model = supernet(
        cell_model,
        edges=space.edges,
        operations=space.operations,
        network=vars(network or Network()),
        image_size=image_size,
        norm_momentum=norm_momentum,
    )
    channels = (network or Network()).image_channels
    model(keras.ops.zeros((1, *[size or 8 for size in image_size], channels)))
    return model


@symbolize(name="keras_glove.nasbench101.cell_model")
def cell_model(
    edges: Sequence[Any],
    operations: Sequence[Any],
    network: Mapping[str, int],
    image_size: tuple[int | None, int | None] = (32, 32),
    norm_momentum: float = 0.997,
) -> Any:
    """The model of a cell by its edges and operations; where these are open, a supernet.

    Args:
        edges, operations: as for `space.cell`.
        network: the attributes of a `Network` by name, so that a supernet is saved with them.
        image_size, norm_momentum: as for `build_model`.

    Raises:
        CellError, OutOfDomainError: as `build_model`.
    """
    skeleton = Network(**network)
    if any_node((tuple(edges), tuple(operations)), {}):
        return CellSupernet(OpenCell(edges, operations), skeleton, norm_momentum)
    cell: Cell = cell_of(list(edges), list(operations))
    return build_model(cell, skeleton, image_size=image_size, norm_momentum=norm_momentum)


class CellSupernet(Model):
    """The supernet that `cell_supernet` makes.

    Args:
        cell: its edges and operations.
        network: the skeleton around the cells.
        norm_momentum: of moving statistics.
    """

    def __init__(self, cell: OpenCell, network: Network, norm_momentum: float) -> None:
        super().__init__(name="nasbench101_supernet")
        self.body = _Body(cell, network, norm_momentum)

    def call(self, images: Any, training: bool | None = None) -> Any:
        return self.body(images, training=training)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """A supernet from its config, without weights; only registered classes are built."""
        return of_config(config)

    def pairs_with(self, child: Any) -> Iterator[tuple[Any, Any]]:
        """The layers of a child beside those that hold their weights here: they have one name."""
        for layer in child.layers:
            if layer.weights:
                yield self.body.parts[layer.name], layer


class _Body(keras.layers.Layer):
    """All of the supernet in one layer, which reads decisions itself.

    Attributes:
        parts: the layers that have weights, by name.
        shared: of those layers whose width is open what they are in their cells, by name.
        widths: says that not all of the weights is in use.
    """

    def __init__(self, cell: OpenCell, network: Network, norm_momentum: float) -> None:
        super().__init__(name="body")
        if network.stem_channels < cell.last - 1:
            raise CellError(
                f"expected at least {cell.last - 1} channels at the stem, as many as vertices can "
                f"lead to the output, received {network.stem_channels}."
            )
        self._cell, self._network, self._momentum = cell, network, norm_momentum
        self.parts: dict[str, Any] = {}
        self.shared: dict[str, tuple[Part, int]] = {}
        self.widths = True
        self._pool = keras.layers.MaxPooling2D(3, strides=1, padding="same", name="pool")
        object.__setattr__(self._pool, "call", pooling_again(self._pool.call))
        self._downsample = keras.layers.MaxPooling2D(2, padding="same", name="downsample")
        self._average = keras.layers.GlobalAveragePooling2D(name="average")
        self._make_parts()

    def _make_parts(self) -> None:
        network = self._network
        made: dict[str, Any] = {}
        shared: dict[str, Any] = {}

        def add(channels: int, size: int, name: str, part: Part | None = None) -> None:
            for layer in convolution_layers(channels, size, name, self._momentum):
                made[layer.name] = layer
            if part is not None:
                shared[name] = part

        add(network.stem_channels, 3, "stem")
        for name, channels in self._cells():
            for v in range(1, self._cell.last):
                for operation, size in KERNEL_SIZES.items():
                    part = Part(self._cell, v, OPERATIONS.index(operation), channels)
                    add(channels, size, f"{name}_vertex{v}_{size}x{size}", part)
                add(channels, 1, f"{name}_input_to_{v}", Part(self._cell, v, None, channels))
            last = Part(self._cell, self._cell.last, None, channels)
            add(channels, 1, f"{name}_input_to_output", last)
        made["logits"] = keras.layers.Dense(network.num_classes, name="logits")
        self.parts, self.shared = made, shared

    def _cells(self) -> list[tuple[str, int]]:
        """The name of each cell and the channels of its output."""
        network = self._network
        return [
            (f"stack{stack}_cell{number}", network.stem_channels << stack)
            for stack in range(network.num_stacks)
            for number in range(network.cells_per_stack)
        ]

    def build(self, input_shape: Any) -> None:
        """Makes all weights here, outside of any branch."""
        channels = self._network.stem_channels
        self._build_part("stem", input_shape[-1], channels)
        before = channels
        for name, width in self._cells():
            for v in range(1, self._cell.last):
                for size in KERNEL_SIZES.values():
                    self._build_part(f"{name}_vertex{v}_{size}x{size}", width, width)
                self._build_part(f"{name}_input_to_{v}", before, width)
            self._build_part(f"{name}_input_to_output", before, width)
            before = width
        self.parts["logits"].build((None, before))
        self.built = True

    def _build_part(self, name: str, before: int, after: int) -> None:
        self.parts[f"{name}_conv"].build((None, None, None, before))
        self.parts[f"{name}_norm"].build((None, None, None, after))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return (input_shape[0], self._network.num_classes)

    def compute_output_spec(self, images: Any, training: Any = None) -> Any:
        return keras.KerasTensor(self.compute_output_shape(images.shape), dtype=self.compute_dtype)

    def call(self, images: Any, training: bool | None = None) -> Any:
        x = self._convolution("stem", images, None, training)
        before = self._network.stem_channels
        for name, channels in self._cells():
            if channels != before:
                x = self._downsample(x)
            x = self._run_cell(name, x, channels, training)
            before = channels
        return self.parts["logits"](self._average(x))

    def _run_cell(self, name: str, x: Any, channels: int, training: bool | None) -> Any:
        pruned, last = self._cell.pruned(current()), self._cell.last
        widths, begins = pruned.channels(channels)
        zeros = ops.zeros_like(x[..., :1]) * ops.zeros((channels,), x.dtype)

        def project(label: str, flag: Any, mask: Any) -> Any:
            run = self._runner(f"{name}_input_to_{label}", mask, training)
            return ops.switch(flag, [lambda given: zeros, run], x)

        total = project("output", pruned.edges[0, last], None)
        values: list[Any] = []
        for v in range(1, last):
            mask = ops.cast(ops.arange(channels) < widths[v - 1], x.dtype)
            joined = project(str(v), pruned.edges[0, v], mask)
            for u, value in enumerate(values, start=1):
                joined = joined + value * ops.cast(pruned.edges[u, v], x.dtype)
            values.append(self._operate(f"{name}_vertex{v}", joined * mask, v, mask, training))
            placed = ops.roll(values[-1], begins[v - 1], axis=-1)
            total = total + placed * ops.cast(pruned.edges[v, last], x.dtype)
        return total

    def _operate(self, name: str, x: Any, v: int, mask: Any, training: bool | None) -> Any:
        """The chosen operation of a vertex; zeros where it is pruned."""
        branches: list[Callable[..., Any]] = [
            self._runner(f"{name}_{size}x{size}", mask, training)
            if (size := KERNEL_SIZES.get(operation))
            else self._pool
            for operation in OPERATIONS
        ]
        label = self._cell.pruned(current()).labels[v - 1]
        return ops.switch(label, [*branches, ops.zeros_like], x)

    def _runner(self, name: str, mask: Any, training: bool | None) -> Callable[[Any], Any]:
        return lambda x: self._convolution(name, x, mask, training)

    def _convolution(self, name: str, x: Any, mask: Any, training: bool | None) -> Any:
        """What is not in use of the output is zero, and its statistics stay what they are."""
        norm = self.parts[f"{name}_norm"]
        statistics = [norm.moving_mean, norm.moving_variance] if training else []
        before = [ops.copy(variable) for variable in statistics]
        x = ops.relu(norm(self.parts[f"{name}_conv"](x), training=training))
        if mask is None:
            return x
        for variable, old in zip(statistics, before, strict=True):
            variable.assign(ops.where(mask > 0, variable, ops.cast(old, variable.dtype)))
        return x * mask


@rule_for(_Body, always=True)
def _body(site: Site) -> Plan:
    """What is in use of each weight; the layer masks what it computes itself."""
    body = site.operation
    weights = [pair for name, part in body.shared.items() for pair in _weights(body, name, part)]

    def run(decisions: Any, call: Any, args: Any, kwargs: Any) -> Any:
        return body(*args, **kwargs)

    return Plan([(None, None)], weights, run=run)


def _weights(body: _Body, name: str, part: Part) -> list[tuple[Any, Any]]:
    norm, axis = body.parts[f"{name}_norm"], PartAxis(part)
    inner = None if part.label is None else axis
    kernel = body.parts[f"{name}_conv"].kernel
    vectors = (norm.gamma, norm.beta, norm.moving_mean, norm.moving_variance)
    return [(kernel, (None, None, inner, axis)), *[(vector, (axis,)) for vector in vectors]]

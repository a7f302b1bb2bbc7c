"""Keras models of cells, as the benchmark builds them."""

from __future__ import annotations

from typing import Any, Final

import keras

from keras_glove.benchmarks.nasbench101.cells import Cell
from keras_glove.benchmarks.nasbench101.limits import CONV1X1, CONV3X3, MAXPOOL3X3
from keras_glove.benchmarks.nasbench101.parameters import Network, vertex_channels

__all__ = ["KERNEL_SIZES", "build_model", "convolution_layers"]

KERNEL_SIZES: Final = {CONV3X3: 3, CONV1X1: 1}
"""Of the operations that are convolutions, in pixels."""


def build_model(
    cell: Cell,
    network: Network | None = None,
    *,
    image_size: tuple[int | None, int | None] = (32, 32),
    norm_momentum: float = 0.997,
) -> keras.Model:
    """The network of a cell, with the layers and the trainable parameters of the benchmark.

    Between stacks, images are halved by 2x2 max pooling and channels double. Inside a cell,
    edges from the input are 1x1 convolutions, other edges are added, with channels cut off where
    there is one too many, and the output concatenates. Every convolution is without bias and is
    followed by normalization and ReLU.

    Args:
        cell: any valid cell.
        network: the skeleton around it; None for that of the benchmark.
        image_size: height and width of the images, in pixels; None where they vary.
        norm_momentum: of the moving statistics; the benchmark's 0.997 takes over a thousand
            steps to forget the initial ones, so short trainings want less.

    Returns:
        A functional model of plain Keras layers from images, `(batch, height, width, channels)`,
        to logits, `(batch, classes)`.

    Raises:
        OutOfDomainError: if the cell is not valid.
        CellError: if the network has too few channels for the cell.
    """
    network = network or Network()
    layers = _Layers(norm_momentum)
    images = keras.Input((*image_size, network.image_channels), name="images")
    x = layers.convolution(images, network.stem_channels, 3, "stem")
    for stack in range(network.num_stacks):
        if stack:
            x = keras.layers.MaxPooling2D(2, padding="same", name=f"downsample{stack}")(x)
        for number in range(network.cells_per_stack):
            name = f"stack{stack}_cell{number}"
            x = layers.cell(x, cell, network.stem_channels << stack, name)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    logits = keras.layers.Dense(network.num_classes, name="logits")(x)
    return keras.Model(images, logits, name="nasbench101")


def convolution_layers(
    channels: int, size: int, name: str, norm_momentum: float
) -> tuple[keras.layers.Layer, keras.layers.Layer]:
    """A convolution and its normalization, as the benchmark has them."""
    convolution = keras.layers.Conv2D(
        channels,
        size,
        padding="same",
        use_bias=False,
        kernel_initializer=keras.initializers.VarianceScaling(),
        name=f"{name}_conv",
    )
    norm = keras.layers.BatchNormalization(
        momentum=norm_momentum, epsilon=1e-5, name=f"{name}_norm"
    )
    return convolution, norm


class _Layers:
    """Makes the parts of a network."""

    def __init__(self, norm_momentum: float) -> None:
        self._momentum = norm_momentum

    def convolution(self, x: Any, channels: int, size: int, name: str) -> Any:
        for layer in convolution_layers(channels, size, name, self._momentum):
            x = layer(x)
        return keras.layers.ReLU(name=f"{name}_relu")(x)

    def operation(self, x: Any, operation: str, channels: int, name: str) -> Any:
        if operation == MAXPOOL3X3:
            return keras.layers.MaxPooling2D(3, strides=1, padding="same", name=f"{name}_pool")(x)
        size = KERNEL_SIZES[operation]
        return self.convolution(x, channels, size, f"{name}_{size}x{size}")

    def cell(self, x: Any, cell: Cell, output_channels: int, name: str) -> Any:
        parents, operations = cell.graph, cell.operations
        assert operations is not None
        channels = vertex_channels(parents, output_channels)
        numbers = cell.kept_vertices  # layers are named by the vertices that the user gave
        last = len(parents) - 1
        values = [x]
        for v in range(1, last):
            inputs = [_cut(values[u], channels[v]) for u in range(1, v) if parents[v] >> u & 1]
            if parents[v] & 1:
                inputs.append(self.convolution(x, channels[v], 1, f"{name}_input_to_{numbers[v]}"))
            joined = keras.layers.add(inputs) if len(inputs) > 1 else inputs[0]
            vertex = f"{name}_vertex{numbers[v]}"
            values.append(self.operation(joined, operations[v], channels[v], vertex))
        outputs = [values[v] for v in range(1, last) if parents[last] >> v & 1]
        joined = keras.layers.concatenate(outputs) if len(outputs) > 1 else None
        if outputs and joined is None:
            joined = outputs[0]
        if parents[last] & 1:
            skipped = self.convolution(x, output_channels, 1, f"{name}_input_to_output")
            joined = skipped if joined is None else keras.layers.add([joined, skipped])
        return joined


def _cut(x: Any, channels: int) -> Any:
    """The first channels only; a vertex has at most one more than the next."""
    return x if x.shape[-1] == channels else x[..., :channels]

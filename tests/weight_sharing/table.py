"""The conformance table: small models for every layer over which weights are shared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from keras import ops

import keras_glove as kg
from keras_glove import layers

__all__ = ["CASES", "Case"]


@dataclass(frozen=True)
class Case:
    """A supernet to try.

    Attributes:
      name: what it is about.
      build: makes it.
      shape: of one example; or several, for a model of a list of inputs.
      integers: whether the inputs are indices below 10.
      random: whether training draws random numbers, so that only inference is compared.
    """

    name: str
    build: Callable[[], Any]
    shape: Any
    integers: bool = False
    random: bool = False


def sequence(*parts: Any) -> Callable[[], Any]:
    """A model of layers in a row; each part makes one."""
    return lambda: kg.Sequential([part() for part in parts])


def width() -> Any:
    return kg.oneof([4, 6, 8])


def size() -> Any:
    return kg.oneof([1, 3, 5])


def kernel() -> Any:
    return kg.oneof([3, 5, 7], share="transform")


def dense(units: int = 3) -> Callable[[], Any]:
    return lambda: layers.Dense(units)


def conv(rank: int = 2, **more: Any) -> Callable[[], Any]:
    cls = {1: layers.Conv1D, 2: layers.Conv2D, 3: layers.Conv3D}[rank]
    return lambda: cls(width(), 3, padding="same", **more)


def after(rank: int, *inner: Callable[[], Any]) -> Callable[[], Any]:
    """Layers between a convolution of open width and a dense one."""
    return sequence(conv(rank), *inner, lambda: layers.Flatten(), dense())


IMAGE, LINE, VOLUME, ROW = (8, 8, 2), (8, 2), (4, 4, 4, 2), (5,)


class Reuse(kg.Model):
    """An operation between two layers of open width."""

    def __init__(self, width: Any, operation: Any, flat: bool = True) -> None:
        super().__init__()
        self.first = layers.Dense(width, activation="tanh")
        self.second = layers.Dense(width, activation="sigmoid")
        self.operation = operation
        self.head = layers.Dense(3)

    def call(self, x: Any) -> Any:
        return self.head(self.operation(self.first(x), self.second(x)))


def between(operation: Any) -> Callable[[], Any]:
    return lambda: Reuse(width(), operation)


class Merge(kg.Model):
    """A layer that puts two tensors of open width together."""

    def __init__(self, width: Any, merge: Any) -> None:
        super().__init__()
        self.first = layers.Dense(width, activation="tanh")
        self.second = layers.Dense(width)
        self.merge = merge
        self.head = layers.Dense(3)

    def call(self, x: Any) -> Any:
        return self.head(self.merge([self.first(x), self.second(x)]))


class Attend(kg.Model):
    """Attention of a sequence to itself, after a layer of open width."""

    def __init__(self, attention: Any, width: Any = 6) -> None:
        super().__init__()
        self.enter = layers.Dense(width)
        self.attention = attention
        self.head = layers.Dense(3)

    def call(self, x: Any, training: Any = None) -> Any:
        x = self.enter(x)
        return self.head(x + self.attention(x, x, training=training))


class DotAttend(kg.Model):
    """Attention without weights of its own."""

    def __init__(self, width: Any, attention: Any) -> None:
        super().__init__()
        self.query, self.value = layers.Dense(width), layers.Dense(width)
        self.attention = attention
        self.head = layers.Dense(3)

    def call(self, x: Any) -> Any:
        return self.head(self.attention([self.query(x), self.value(x)]))


class Residual(layers.Layer):
    """A block of the user's own with an open width inside."""

    def __init__(self, inner: Any, kernel: Any) -> None:
        super().__init__()
        self.expand = layers.Conv2D(inner, 1, activation="relu")
        self.depthwise = layers.DepthwiseConv2D(kernel, padding="same")
        self.norm = layers.BatchNormalization()
        self.project = layers.Conv2D(4, 1)

    def call(self, x: Any, training: Any = None) -> Any:
        y = self.norm(self.depthwise(self.expand(x)), training=training)
        return x + self.project(ops.relu(y))


def blocks() -> Any:
    """Candidates with decisions of their own."""
    return kg.oneof(
        [
            Residual(kg.oneof([4, 8]), kg.oneof([3, 5])),
            layers.Conv2D(4, 3, padding="same"),
            layers.Identity(),
        ]
    )


class Deep(kg.Model):
    """Repeats a block that it is given."""

    def __init__(self, block: Any, depth: Any) -> None:
        super().__init__()
        self.enter = layers.Conv2D(4, 1)
        self.blocks = layers.Repeat(block, depth)
        self.pool = layers.GlobalAveragePooling2D()

    def call(self, x: Any) -> Any:
        return self.pool(self.blocks(self.enter(x)))


class Slots(kg.Model):
    """Several choices, added up."""

    def __init__(self, parts: Any) -> None:
        super().__init__()
        self.parts = parts
        self.norm = layers.Dense(3)

    def call(self, x: Any) -> Any:
        return self.norm(ops.concatenate([x, *(part(x) for part in self.parts)], axis=-1))


def ops_case(name: str, operation: Any, shape: Any = (5, 4)) -> Case:
    return Case(f"ops.{name}", between(operation), shape)


CASES: list[Case] = [
    # -- Dense and the like
    Case("Dense", sequence(lambda: layers.Dense(width(), activation="sigmoid"), dense()), ROW),
    Case("Dense output", sequence(dense(4), lambda: layers.Dense(width())), ROW),
    Case("Dense derived", sequence(lambda: layers.Dense(kg.intv(2, 6)), dense()), ROW),
    Case(
        "EinsumDense",
        sequence(
            lambda: layers.EinsumDense("abc,cde->abde", (5, 2, 4), bias_axes="de"),
            lambda: layers.EinsumDense("abde,def->abf", kg.oneof([(5, 4), (5, 6)]), bias_axes="f"),
            lambda: layers.EinsumDense("abf,fg->abg", (5, 3), bias_axes="g"),
        ),
        (5, 4),
    ),
    Case(
        "Embedding",
        sequence(
            lambda: layers.Embedding(10, width()), lambda: layers.GlobalAveragePooling1D(), dense()
        ),
        ROW,
        integers=True,
    ),
    Case(
        "Embedding masked",
        sequence(
            lambda: layers.Embedding(10, width(), mask_zero=True),
            lambda: layers.LSTM(kg.oneof([3, 5]), return_sequences=True),
            lambda: layers.Dense(width()),
            lambda: layers.GlobalAveragePooling1D(),
            dense(),
        ),
        ROW,
        integers=True,
    ),
    # -- convolutions
    Case(
        "Conv1D",
        sequence(
            lambda: layers.Conv1D(width(), size(), padding="same"),
            lambda: layers.Flatten(),
            dense(),
        ),
        LINE,
    ),
    Case(
        "Conv1D causal",
        sequence(
            lambda: layers.Conv1D(width(), size(), padding="causal", dilation_rate=2),
            lambda: layers.Flatten(),
            dense(),
        ),
        LINE,
    ),
    Case(
        "Conv2D",
        sequence(
            lambda: layers.Conv2D(width(), size(), padding="same"),
            lambda: layers.Conv2D(3, 3, padding="same"),
            lambda: layers.Flatten(),
            dense(),
        ),
        IMAGE,
    ),
    Case(
        "Conv2D stride",
        sequence(
            lambda: layers.Conv2D(width(), size(), strides=2, padding="same"),
            lambda: layers.Conv2D(3, size(), strides=2, padding="same"),
            lambda: layers.Flatten(),
            dense(),
        ),
        (7, 8, 2),
    ),
    Case(
        "Conv2D dilation",
        sequence(
            lambda: layers.Conv2D(width(), kg.oneof([1, 3]), dilation_rate=2, padding="same"),
            lambda: layers.Flatten(),
            dense(),
        ),
        IMAGE,
    ),
    Case(
        "Conv2D sides",
        sequence(
            lambda: layers.Conv2D(4, kg.oneof([(1, 3), (3, 1), (5, 5)]), padding="same"),
            lambda: layers.Flatten(),
            dense(),
        ),
        IMAGE,
    ),
    Case(
        "Conv3D",
        sequence(
            lambda: layers.Conv3D(width(), kg.oneof([1, 3]), padding="same"),
            lambda: layers.Flatten(),
            dense(),
        ),
        VOLUME,
    ),
    Case(
        "Conv1DTranspose",
        sequence(
            lambda: layers.Conv1DTranspose(width(), size(), strides=2, padding="same"),
            lambda: layers.Flatten(),
            dense(),
        ),
        LINE,
    ),
    Case(
        "Conv2DTranspose",
        sequence(
            lambda: layers.Conv2DTranspose(width(), size(), strides=2, padding="same"),
            lambda: layers.Conv2DTranspose(3, 3, padding="same"),
            lambda: layers.Flatten(),
            dense(),
        ),
        (4, 4, 2),
    ),
    Case(
        "Conv3DTranspose",
        sequence(
            lambda: layers.Conv3DTranspose(width(), kg.oneof([1, 3]), padding="same"),
            lambda: layers.Flatten(),
            dense(),
        ),
        VOLUME,
    ),
    Case(
        "DepthwiseConv1D",
        after(
            1,
            lambda: layers.DepthwiseConv1D(
                size(), padding="same", depth_multiplier=kg.oneof([1, 2])
            ),
        ),
        LINE,
    ),
    Case(
        "DepthwiseConv2D",
        after(
            2,
            lambda: layers.DepthwiseConv2D(
                size(), padding="same", depth_multiplier=kg.oneof([1, 2, 3])
            ),
        ),
        IMAGE,
    ),
    Case(
        "SeparableConv1D",
        after(
            1,
            lambda: layers.SeparableConv1D(
                width(), size(), padding="same", depth_multiplier=kg.oneof([1, 2])
            ),
        ),
        LINE,
    ),
    Case(
        "SeparableConv2D",
        after(
            2,
            lambda: layers.SeparableConv2D(
                kg.oneof([2, 5]), size(), padding="same", depth_multiplier=kg.oneof([1, 2])
            ),
        ),
        IMAGE,
    ),
    *(
        Case(
            f"{cls.__name__} transform",
            after(rank, lambda cls=cls, args=args: cls(*args, kernel(), padding="same")),
            shape,
        )
        for cls, args, rank, shape in (
            (layers.Conv1D, (width(),), 1, LINE),
            (layers.Conv2D, (width(),), 2, IMAGE),
            (layers.Conv2DTranspose, (3,), 2, (4, 4, 2)),
            (layers.DepthwiseConv2D, (), 2, IMAGE),
            (layers.SeparableConv2D, (3,), 2, IMAGE),
        )
    ),
    # -- recurrent
    Case(
        "LSTM",
        sequence(
            lambda: layers.LSTM(width(), return_sequences=True),
            lambda: layers.LSTM(kg.oneof([3, 5])),
            dense(),
        ),
        (4, 3),
    ),
    Case(
        "GRU",
        sequence(
            lambda: layers.GRU(width(), return_sequences=True),
            lambda: layers.GRU(kg.oneof([3, 5])),
            dense(),
        ),
        (4, 3),
    ),
    Case(
        "Bidirectional",
        sequence(
            lambda: layers.Bidirectional(layers.LSTM(width(), return_sequences=True)),
            lambda: layers.Bidirectional(layers.GRU(kg.oneof([2, 3])), merge_mode="sum"),
            dense(),
        ),
        (4, 3),
    ),
    Case(
        "Bidirectional after",
        sequence(
            lambda: layers.Dense(width()), lambda: layers.Bidirectional(layers.LSTM(3)), dense()
        ),
        (4, 3),
    ),
    Case(
        "TimeDistributed",
        sequence(
            lambda: layers.TimeDistributed(layers.Dense(width(), activation="tanh")),
            lambda: layers.TimeDistributed(
                kg.Sequential([layers.Dense(kg.oneof([3, 5])), layers.LayerNormalization()])
            ),
            dense(),
        ),
        (4, 3),
    ),
    Case(
        "Masking",
        sequence(lambda: layers.Dense(width()), lambda: layers.Masking(), lambda: layers.LSTM(3)),
        (4, 3),
    ),
    Case("SimpleRNN", sequence(lambda: layers.SimpleRNN(width()), dense()), (4, 3)),
    # -- attention
    Case(
        "MultiHeadAttention",
        lambda: Attend(layers.MultiHeadAttention(kg.oneof([1, 2, 3]), kg.oneof([2, 4]))),
        (5, 4),
    ),
    Case(
        "MultiHeadAttention width",
        lambda: Attend(
            layers.MultiHeadAttention(2, 3, value_dim=kg.oneof([2, 3]), use_bias=False), width()
        ),
        (5, 4),
    ),
    Case(
        "GroupQueryAttention",
        lambda: Attend(layers.GroupQueryAttention(kg.oneof([2, 4]), kg.oneof([4, 8]), 2), width()),
        (5, 4),
    ),
    Case(
        "GroupQueryAttention groups",
        lambda: Attend(layers.GroupQueryAttention(4, kg.oneof([4, 8]), kg.oneof([1, 2, 4]))),
        (5, 4),
    ),
    Case("Attention", lambda: DotAttend(width(), layers.Attention(use_scale=True)), (5, 4)),
    Case("AdditiveAttention", lambda: DotAttend(width(), layers.AdditiveAttention()), (5, 4)),
    Case(
        "AdditiveAttention plain",
        lambda: DotAttend(width(), layers.AdditiveAttention(use_scale=False)),
        (5, 4),
    ),
    # -- normalizations
    Case("BatchNormalization", after(2, lambda: layers.BatchNormalization()), IMAGE),
    Case("LayerNormalization", after(2, lambda: layers.LayerNormalization()), IMAGE),
    Case(
        "LayerNormalization axes", after(2, lambda: layers.LayerNormalization(axis=[1, 3])), IMAGE
    ),
    Case("RMSNormalization", after(2, lambda: layers.RMSNormalization()), IMAGE),
    Case("GroupNormalization", after(2, lambda: layers.GroupNormalization(groups=2)), IMAGE),
    Case("UnitNormalization", after(2, lambda: layers.UnitNormalization()), IMAGE),
    # -- activations, dropout, noise
    Case("Activation", after(2, lambda: layers.Activation("gelu")), IMAGE),
    Case("ReLU", after(2, lambda: layers.ReLU()), IMAGE),
    Case("LeakyReLU", after(2, lambda: layers.LeakyReLU()), IMAGE),
    Case("ELU", after(2, lambda: layers.ELU()), IMAGE),
    Case(
        "PReLU", after(2, lambda: layers.PReLU(shared_axes=[1, 2], alpha_initializer="ones")), IMAGE
    ),
    Case("Softmax", after(2, lambda: layers.Softmax()), IMAGE),
    Case("ActivityRegularization", after(2, lambda: layers.ActivityRegularization(0.1)), IMAGE),
    Case("Identity", after(2, lambda: layers.Identity()), IMAGE),
    Case("Rescaling", after(2, lambda: layers.Rescaling(2.0)), IMAGE),
    Case("Dropout", after(2, lambda: layers.Dropout(kg.oneof([0.0, 0.5]))), IMAGE, random=True),
    Case(
        "Dropout float", after(2, lambda: layers.Dropout(kg.floatv(0.1, 0.5))), IMAGE, random=True
    ),
    Case("GaussianNoise", after(2, lambda: layers.GaussianNoise(0.1)), IMAGE, random=True),
    Case("GaussianDropout", after(2, lambda: layers.GaussianDropout(0.1)), IMAGE, random=True),
    Case("AlphaDropout", after(2, lambda: layers.AlphaDropout(0.1)), IMAGE, random=True),
    Case("SpatialDropout1D", after(1, lambda: layers.SpatialDropout1D(0.1)), LINE, random=True),
    Case("SpatialDropout2D", after(2, lambda: layers.SpatialDropout2D(0.1)), IMAGE, random=True),
    Case("SpatialDropout3D", after(3, lambda: layers.SpatialDropout3D(0.1)), VOLUME, random=True),
    # -- merging
    *(
        Case(name, lambda name=name: Merge(width(), getattr(layers, name)()), ROW)
        for name in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate")
    ),
    Case("Dot", lambda: Merge(width(), layers.Dot(axes=-1)), ROW),
    # -- shapes
    *(
        Case(
            f"{kind}Pooling{rank}D",
            after(rank, lambda kind=kind, rank=rank: getattr(layers, f"{kind}Pooling{rank}D")(2)),
            (4,) * rank + (2,),
        )
        for kind in ("Max", "Average")
        for rank in (1, 2, 3)
    ),
    *(
        Case(
            f"Adaptive{kind}Pooling{rank}D",
            after(
                rank,
                lambda kind=kind, rank=rank: getattr(layers, f"Adaptive{kind}Pooling{rank}D")(2),
            ),
            (4,) * rank + (2,),
        )
        for kind in ("Max", "Average")
        for rank in (1, 2, 3)
    ),
    *(
        Case(
            f"Global{kind}Pooling{rank}D",
            after(
                rank,
                lambda kind=kind, rank=rank: getattr(layers, f"Global{kind}Pooling{rank}D")(
                    keepdims=rank == 2
                ),
            ),
            (4,) * rank + (2,),
        )
        for kind in ("Max", "Average")
        for rank in (1, 2, 3)
    ),
    *(
        Case(
            f"{kind}{rank}D",
            after(rank, lambda kind=kind, rank=rank, n=n: getattr(layers, f"{kind}{rank}D")(n)),
            (4,) * rank + (2,),
        )
        for kind, n in (("UpSampling", 2), ("ZeroPadding", 1), ("Cropping", 1))
        for rank in (1, 2, 3)
    ),
    Case(
        "Reshape",
        sequence(
            conv(), lambda: layers.Reshape((64, -1)), dense(), lambda: layers.Flatten(), dense()
        ),
        IMAGE,
    ),
    Case(
        "Permute",
        sequence(
            lambda: layers.Dense(width()),
            lambda: layers.Permute((2, 1)),
            lambda: layers.Permute((2, 1)),
            dense(),
        ),
        (5, 4),
    ),
    Case(
        "RepeatVector",
        sequence(lambda: layers.Dense(width()), lambda: layers.RepeatVector(3), dense()),
        ROW,
    ),
    # -- switches
    Case(
        "Switch",
        lambda: kg.Sequential([conv()(), blocks_after(), layers.Flatten(), layers.Dense(3)]),
        IMAGE,
    ),
    Case(
        "Switch nested",
        lambda: kg.Sequential([layers.Conv2D(4, 1), blocks(), layers.Flatten(), layers.Dense(3)]),
        IMAGE,
    ),
    Case(
        "Switch widths",
        lambda: kg.Sequential(
            [
                kg.oneof([layers.Dense(4), layers.Dense(kg.oneof([2, 7]))]),
                layers.LayerNormalization(),
                layers.Dense(3),
            ]
        ),
        ROW,
    ),
    Case(
        "share none",
        lambda: kg.Sequential([layers.Dense(kg.oneof([4, 6], share="none")), layers.Dense(3)]),
        ROW,
    ),
    Case(
        "variants",
        lambda: kg.Sequential(
            [
                layers.Conv2D(
                    width(),
                    3,
                    padding="same",
                    activation=kg.oneof(["relu", "gelu"]),
                    dilation_rate=kg.oneof([1, 2]),
                ),
                layers.Flatten(),
                layers.Dense(3),
            ]
        ),
        IMAGE,
    ),
    Case(
        "variants strides",
        lambda: kg.Sequential(
            [
                layers.Conv1D(4, 3, strides=kg.oneof([1, 2]), padding="same"),
                layers.Flatten(),
                layers.Dense(3),
            ]
        ),
        LINE,
    ),
    Case(
        "variants groups",
        lambda: kg.Sequential(
            [
                layers.Conv2D(4, 3, groups=kg.oneof([1, 2]), padding="same"),
                layers.Flatten(),
                layers.Dense(3),
            ]
        ),
        IMAGE,
    ),
    Case(
        "variants dilation",
        sequence(
            lambda: layers.Conv2D(
                width(), kg.oneof([1, 3]), dilation_rate=kg.oneof([1, 2]), padding="same"
            ),
            lambda: layers.SeparableConv2D(
                4,
                3,
                dilation_rate=kg.oneof([1, 2]),
                padding="same",
                depth_multiplier=kg.oneof([1, 2]),
            ),
            lambda: layers.Conv2DTranspose(4, 3, dilation_rate=kg.oneof([1, 2]), padding="same"),
            lambda: layers.Flatten(),
            dense(),
        ),
        IMAGE,
    ),
    Case(
        "Repeat",
        lambda: kg.Sequential(
            [
                layers.Dense(4),
                layers.Repeat(layers.Dense(4, activation="tanh"), kg.intv(1, 3)),
                layers.Dense(3),
            ]
        ),
        ROW,
    ),
    Case(
        "Repeat open block",
        lambda: kg.Sequential(
            [
                layers.Conv2D(4, 1),
                layers.Repeat(blocks(), kg.oneof([0, 2])),
                layers.Flatten(),
                layers.Dense(3),
            ]
        ),
        IMAGE,
    ),
    Case("Repeat inside", lambda: Deep(blocks(), kg.intv(1, 3)), IMAGE),
    Case(
        "manyof",
        lambda: Slots(
            kg.manyof(2, [layers.Dense(4), layers.Dense(kg.oneof([4, 6])), layers.Identity()])
        ),
        (4,),
    ),
    # -- operations
    ops_case("Add", lambda a, b: a + b),
    ops_case("Divide", lambda a, b: a / (b + 0.1)),
    ops_case("Maximum", lambda a, b: ops.maximum(ops.exp(a), b)),
    ops_case("Concatenate", lambda a, b: ops.concatenate([a, b, a], axis=-1)),
    ops_case("Softmax", lambda a, b: ops.softmax(a) * ops.log_softmax(b)),
    ops_case("Sum", lambda a, b: a * ops.sum(b, axis=-1, keepdims=True)),
    ops_case("Mean", lambda a, b: a - ops.mean(b, axis=(1, 2), keepdims=True)),
    ops_case(
        "Max", lambda a, b: a * ops.max(b, axis=-1)[..., None] + ops.min(b, axis=-1)[..., None]
    ),
    ops_case(
        "Any", lambda a, b: b + a * ops.cast(ops.any(b > 0.5, axis=-1, keepdims=True), "float32")
    ),
    ops_case(
        "All", lambda a, b: b + a * ops.cast(ops.all(b > 0.2, axis=-1, keepdims=True), "float32")
    ),
    ops_case("Transpose", lambda a, b: ops.swapaxes(ops.transpose(a, (0, 2, 1)), 1, 2) + b),
    ops_case("Reshape", lambda a, b: ops.reshape(a * b, (-1, a.shape[1] * a.shape[2]))),
    ops_case("Squeeze", lambda a, b: ops.squeeze(ops.expand_dims(a, 1), 1) + b[:, :]),
    ops_case("GetItem", lambda a, b: a[:, 1:] + b[:, :-1]),
    ops_case("Matmul", lambda a, b: ops.matmul(a, ops.transpose(b, (0, 2, 1)))),
    ops_case("Einsum", lambda a, b: ops.einsum("btc,bsc->bts", a, b)),
]


def blocks_after() -> Any:
    """Candidates of different widths after an open one."""
    return kg.oneof(
        [
            layers.Conv2D(kg.oneof([3, 4]), 3, padding="same"),
            layers.SeparableConv2D(6, 3, padding="same"),
            layers.MaxPooling2D(3, 1, padding="same"),
        ]
    )

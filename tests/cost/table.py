"""One line for every public Keras layer: a layer, the shape of an example, its multiply-adds.

Expected numbers are written as the products that a reader can check: positions
x taps x channels in x channels out, and the like. No batch axis in the shapes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
from keras import layers


class Case(NamedTuple):
    name: str  # of the class, then what is special about the case
    make: Callable[[], keras.Layer]
    shape: Any
    expected: int


CASES = [
    Case("Dense", lambda: layers.Dense(3), (8,), 8 * 3),
    Case("Dense sequence", lambda: layers.Dense(3), (5, 8), 5 * 8 * 3),
    Case(
        "EinsumDense",
        lambda: layers.EinsumDense("abc,cde->abde", (None, 2, 3)),
        (5, 8),
        5 * 8 * 2 * 3,
    ),
    Case("EinsumDense ellipsis", lambda: layers.EinsumDense("...x,xy->...y", 4), (5, 8), 5 * 8 * 4),
    Case("Conv1D", lambda: layers.Conv1D(4, 3), (10, 2), 8 * 3 * 2 * 4),
    Case("Conv2D", lambda: layers.Conv2D(4, 3), (8, 8, 2), 6 * 6 * 9 * 2 * 4),
    Case("Conv2D same", lambda: layers.Conv2D(4, 3, padding="same"), (8, 8, 2), 64 * 9 * 2 * 4),
    Case(
        "Conv2D strides",
        lambda: layers.Conv2D(4, (3, 5), strides=2, padding="same"),
        (7, 8, 2),
        4 * 4 * 15 * 2 * 4,
    ),
    Case("Conv2D groups", lambda: layers.Conv2D(4, 3, groups=2), (8, 8, 6), 36 * 9 * 3 * 4),
    Case("Conv2D dilated", lambda: layers.Conv2D(4, 3, dilation_rate=2), (8, 8, 2), 16 * 9 * 2 * 4),
    Case("Conv3D", lambda: layers.Conv3D(4, 2), (3, 4, 5, 2), 2 * 3 * 4 * 8 * 2 * 4),
    Case("Conv1DTranspose", lambda: layers.Conv1DTranspose(4, 3), (10, 2), 10 * 3 * 2 * 4),
    Case(
        "Conv2DTranspose",
        lambda: layers.Conv2DTranspose(4, 3, strides=2, padding="same"),
        (5, 5, 2),
        25 * 9 * 2 * 4,
    ),
    Case("Conv3DTranspose", lambda: layers.Conv3DTranspose(4, 2), (3, 3, 3, 2), 27 * 8 * 2 * 4),
    Case(
        "DepthwiseConv1D",
        lambda: layers.DepthwiseConv1D(3, depth_multiplier=2),
        (10, 4),
        8 * 3 * 4 * 2,
    ),
    Case("DepthwiseConv2D", lambda: layers.DepthwiseConv2D(3), (8, 8, 4), 36 * 9 * 4),
    Case("SeparableConv1D", lambda: layers.SeparableConv1D(5, 3), (10, 4), 8 * (3 * 4 + 4 * 5)),
    Case(
        "SeparableConv2D",
        lambda: layers.SeparableConv2D(5, 3, depth_multiplier=2, strides=2, padding="same"),
        (8, 8, 4),
        16 * (9 * 8 + 8 * 5),
    ),
    Case("SimpleRNN", lambda: layers.SimpleRNN(3), (7, 4), 7 * 3 * (4 + 3)),
    Case("GRU", lambda: layers.GRU(3), (7, 4), 7 * 3 * 3 * (4 + 3)),
    Case("LSTM", lambda: layers.LSTM(3), (7, 4), 7 * 4 * 3 * (4 + 3)),
    Case("LSTM unrolled", lambda: layers.LSTM(3, unroll=True), (7, 4), 7 * 4 * 3 * (4 + 3)),
    Case("RNN", lambda: layers.RNN(layers.LSTMCell(3)), (7, 4), 7 * 4 * 3 * (4 + 3)),
    Case(
        "StackedRNNCells",
        lambda: layers.RNN(layers.StackedRNNCells([layers.GRUCell(3), layers.SimpleRNNCell(2)])),
        (7, 4),
        7 * (3 * 3 * (4 + 3) + 2 * (3 + 2)),
    ),
    Case(
        "Bidirectional",
        lambda: layers.Bidirectional(layers.LSTM(3)),
        (7, 4),
        2 * 7 * 4 * 3 * (4 + 3),
    ),
    Case("ConvLSTM1D", lambda: layers.ConvLSTM1D(3, 3), (7, 9, 2), 7 * 7 * 3 * 4 * 3 * (2 + 3)),
    Case(
        "ConvLSTM2D",
        lambda: layers.ConvLSTM2D(3, 3, return_sequences=True, return_state=True, padding="same"),
        (7, 5, 5, 2),
        7 * 25 * 9 * 4 * 3 * (2 + 3),
    ),
    Case("ConvLSTM3D", lambda: layers.ConvLSTM3D(2, 2), (3, 3, 3, 3, 1), 3 * 8 * 8 * 4 * 2 * 3),
    Case(
        "TimeDistributed",
        lambda: layers.TimeDistributed(layers.Conv2D(4, 3)),
        (5, 8, 8, 2),
        5 * 36 * 9 * 2 * 4,
    ),
    Case(
        "Attention",
        lambda: layers.Attention(use_scale=True),
        [(5, 8), (6, 3), (6, 8)],
        5 * 6 * 8 + 5 * 6 * 3,
    ),
    Case("AdditiveAttention", lambda: layers.AdditiveAttention(), [(5, 8), (6, 8)], 2 * 5 * 6 * 8),
    Case(
        "MultiHeadAttention",
        lambda: layers.MultiHeadAttention(2, 3),
        {"query": (5, 8), "value": (5, 8)},
        4 * 5 * 8 * 2 * 3 + 2 * 2 * 5 * 5 * 3,
    ),
    Case(
        "GroupedQueryAttention",
        lambda: layers.GroupQueryAttention(3, 4, 2),
        {"query": (5, 8), "value": (5, 8)},
        2 * 5 * 8 * 4 * 3 + 2 * 5 * 8 * 2 * 3 + 2 * 4 * 5 * 5 * 3,
    ),
    Case("Dot", lambda: layers.Dot(axes=2), [(5, 8), (6, 8)], 5 * 6 * 8),
    Case(
        "STFTSpectrogram", lambda: layers.STFTSpectrogram("real", 64, 32, 64), (96, 1), 2 * 64 * 33
    ),
    Case("SpectralNormalization", lambda: layers.SpectralNormalization(layers.Dense(3)), (8,), 24),
    Case("BatchNormalization", layers.BatchNormalization, (8, 8, 4), 0),
    Case("Embedding", lambda: layers.Embedding(10, 4), keras.KerasTensor((1, 5), "int32"), 0),
    Case("GroupNormalization", lambda: layers.GroupNormalization(2), (8, 8, 4), 0),
    Case("LayerNormalization", layers.LayerNormalization, (8, 4), 0),
    Case("Normalization", layers.Normalization, (4,), 0),
    Case("PReLU", layers.PReLU, (4,), 0),
]


def _new(name: str, case: Case) -> None:
    """Adds a case for a class that not every supported Keras has."""
    if hasattr(layers, name):
        CASES.append(case)


_new("RMSNormalization", Case("RMSNormalization", lambda: layers.RMSNormalization(), (8, 4), 0))
_new(
    "ReversibleEmbedding",
    Case(
        "ReversibleEmbedding",
        lambda: layers.ReversibleEmbedding(10, 4),
        keras.KerasTensor((1, 5), "int32"),
        0,
    ),
)

# Without weights and products: nothing to count, and no rule.
FREE = [
    "Activation",
    "ActivityRegularization",
    "AdaptiveAveragePooling1D",
    "AdaptiveAveragePooling2D",
    "AdaptiveAveragePooling3D",
    "AdaptiveMaxPooling1D",
    "AdaptiveMaxPooling2D",
    "AdaptiveMaxPooling3D",
    "Add",
    "AlphaDropout",
    "AugMix",
    "AutoContrast",
    "Average",
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "CategoryEncoding",
    "CenterCrop",
    "Concatenate",
    "ContrastLimitedAdaptiveHistogramEqualization",
    "Cropping1D",
    "Cropping2D",
    "Cropping3D",
    "CutMix",
    "Discretization",
    "Dropout",
    "ELU",
    "Equalization",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
    "HashedCrossing",
    "Hashing",
    "Identity",
    "InputLayer",
    "IntegerLookup",
    "LeakyReLU",
    "Masking",
    "MaxNumBoundingBoxes",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
    "Maximum",
    "MelSpectrogram",
    "Minimum",
    "MixUp",
    "Multiply",
    "Permute",
    "Pipeline",
    "RandAugment",
    "RandomBrightness",
    "RandomColorDegeneration",
    "RandomColorJitter",
    "RandomContrast",
    "RandomCrop",
    "RandomElasticTransform",
    "RandomErasing",
    "RandomFlip",
    "RandomGaussianBlur",
    "RandomGrayscale",
    "RandomHue",
    "RandomInvert",
    "RandomPerspective",
    "RandomPosterization",
    "RandomRotation",
    "RandomSaturation",
    "RandomSharpness",
    "RandomShear",
    "RandomTranslation",
    "RandomZoom",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Resizing",
    "Softmax",
    "Solarization",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "StringLookup",
    "Subtract",
    "TextVectorization",
    "UnitNormalization",
    "UpSampling1D",
    "UpSampling2D",
    "UpSampling3D",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "ZeroPadding3D",
]

# Bases and adapters: what they compute is the user's, and refused when it holds weights.
OPEN = [
    "FlaxLayer",
    "InputSpec",
    "JaxLayer",
    "Lambda",
    "Layer",
    "TFSMLayer",
    "TorchModuleWrapper",
    "Wrapper",
]
CELLS = ["GRUCell", "LSTMCell", "SimpleRNNCell"]  # within RNN above

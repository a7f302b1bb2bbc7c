"""One line for every public Keras layer: its arguments, one of them open, and an example for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_glove import layers
from keras_glove.symbolic import register


class Case(NamedTuple):
    name: str  # in keras.layers
    arguments: dict[str, Any]  # layers among them are programs, so that each test has its own
    opened: str  # the argument that is open in a space
    candidates: list[Any]
    example: Any  # shape without the batch axis, structure of shapes, or arrays with it
    within: Callable[[Any], Any] = lambda layer: layer  # what to call in the layer's place


BATCH = 2
SEED = ("seed", [1, 2])
IMAGE = (8, 8, 3)
SIGNAL = (8, 3)
VOLUME = (4, 4, 4, 2)
INTEGERS = np.array([[1, 2, 3], [4, 5, 0]])
WORDS = np.array([["a"], ["c"]])
PIXELS = {"value_range": (0.0, 1.0)}


@keras.saving.register_keras_serializable("tests")
def double(x: Any) -> Any:
    return x * 2


@keras.saving.register_keras_serializable("tests")
def halve(x: Any) -> Any:
    return x / 2


register(double, "tests.double")
register(halve, "tests.halve")


def p(name: str, **arguments: Any) -> Any:
    """A program of a layer."""
    from keras_glove import program

    return program(getattr(layers, name), **arguments)


def _case(name: str, opened: str, candidates: list[Any], example: Any, **arguments: Any) -> Case:
    return Case(name, {opened: candidates[0], **arguments}, opened, candidates, example)


def _within(case: Case, within: Callable[[Any], Any]) -> Case:
    return case._replace(within=within)


def _dimensions(name: str, opened: str, candidates: list[Any], numbers: str, **rest: Any) -> Any:
    examples = {"1": SIGNAL, "2": IMAGE, "3": VOLUME}
    prefix, _, suffix = name.partition("*")
    return [
        _case(f"{prefix}{n}D{suffix}", opened, candidates, examples[n], **rest) for n in numbers
    ]


CASES = [
    # core
    _case("Dense", "units", [4, 6], (3,), activation="relu"),
    _case("EinsumDense", "output_shape", [4, 6], (3,), equation="ab,bc->ac"),
    _case("Embedding", "output_dim", [2, 3], INTEGERS, input_dim=6),
    _case("ReversibleEmbedding", "output_dim", [2, 3], INTEGERS, input_dim=6),
    _case("Identity", "dtype", ["float32", "float64"], (3,)),
    _case("InputLayer", "batch_size", [None, 2], None, shape=(3,)),
    _case("Lambda", "function", [double, halve], (3,), output_shape=(3,)),
    _case("Masking", "mask_value", [0.0, 1.0], (4, 3)),
    _case("Activation", "activation", ["relu", "tanh"], (3,)),
    _case("ELU", "alpha", [1.0, 0.5], (3,)),
    _case("LeakyReLU", "negative_slope", [0.3, 0.1], (3,)),
    _case("PReLU", "alpha_initializer", ["zeros", "ones"], (3,)),
    _case("ReLU", "max_value", [6.0, 2.0], (3,)),
    _case("Softmax", "axis", [-1, 1], (3, 3)),
    # attention
    _case("AdditiveAttention", "use_scale", [True, False], [(5, 4), (6, 4)]),
    _case("Attention", "use_scale", [True, False], [(5, 4), (6, 4)]),
    _case("MultiHeadAttention", "num_heads", [2, 1], {"query": (5, 4), "value": (5, 4)}, key_dim=2),
    _case(
        "GroupQueryAttention",
        "head_dim",
        [2, 3],
        {"query": (5, 4), "value": (5, 4)},
        num_query_heads=4,
        num_key_value_heads=2,
    ),
    # convolutions
    *_dimensions("Conv*", "filters", [2, 4], "123", kernel_size=2),
    *_dimensions("Conv*Transpose", "filters", [2, 4], "123", kernel_size=2),
    *_dimensions("DepthwiseConv*", "kernel_size", [2, 3], "12"),
    *_dimensions("SeparableConv*", "filters", [2, 4], "12", kernel_size=2),
    # recurrent
    _case("SimpleRNN", "units", [2, 3], (4, 3)),
    _case("GRU", "units", [2, 3], (4, 3)),
    _case("LSTM", "units", [2, 3], (4, 3)),
    _within(_case("SimpleRNNCell", "units", [2, 3], (4, 3)), keras.layers.RNN),
    _within(_case("GRUCell", "units", [2, 3], (4, 3)), keras.layers.RNN),
    _within(_case("LSTMCell", "units", [2, 3], (4, 3)), keras.layers.RNN),
    _case("RNN", "cell", [p("LSTMCell", units=2), p("GRUCell", units=3)], (4, 3)),
    _within(
        _case(
            "StackedRNNCells",
            "cells",
            [[p("GRUCell", units=2)], [p("GRUCell", units=2), p("SimpleRNNCell", units=2)]],
            (4, 3),
        ),
        keras.layers.RNN,
    ),
    _case("Bidirectional", "layer", [p("LSTM", units=2), p("GRU", units=3)], (4, 3)),
    _case("ConvLSTM1D", "filters", [2, 3], (3, 4, 2), kernel_size=2),
    _case("ConvLSTM2D", "filters", [2, 3], (3, 4, 4, 2), kernel_size=2),
    _case("ConvLSTM3D", "filters", [1, 2], (2, 3, 3, 3, 1), kernel_size=2),
    _case("TimeDistributed", "layer", [p("Dense", units=2), p("ReLU")], (4, 3)),
    # merging
    *[
        _case(name, "dtype", ["float32", "float64"], [(3,), (3,)])
        for name in ("Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract")
    ],
    _case("Concatenate", "axis", [-1, 1], [(3, 2), (3, 2)]),
    _case("Dot", "axes", [1, 2], [(3, 3), (3, 3)]),
    # normalization and regularization
    _case("BatchNormalization", "momentum", [0.9, 0.99], IMAGE),
    _case("GroupNormalization", "groups", [3, 1], IMAGE),
    _case("LayerNormalization", "epsilon", [1e-3, 1e-5], IMAGE),
    _case("RMSNormalization", "epsilon", [1e-3, 1e-5], IMAGE),
    _case("UnitNormalization", "axis", [-1, 1], IMAGE),
    _case("SpectralNormalization", "layer", [p("Dense", units=2), p("Dense", units=3)], (3,)),
    _case("ActivityRegularization", "l2", [0.1, 0.2], (3,)),
    _case("AlphaDropout", "rate", [0.1, 0.2], (3,)),
    _case("Dropout", "rate", [0.1, 0.2], (3,)),
    _case("GaussianDropout", "rate", [0.1, 0.2], (3,)),
    _case("GaussianNoise", "stddev", [0.1, 0.2], (3,)),
    *_dimensions("SpatialDropout*", "rate", [0.1, 0.2], "123"),
    # pooling and shapes
    *_dimensions("AdaptiveAveragePooling*", "output_size", [2, 4], "123"),
    *_dimensions("AdaptiveMaxPooling*", "output_size", [2, 4], "123"),
    *_dimensions("AveragePooling*", "pool_size", [2, 3], "123"),
    *_dimensions("MaxPooling*", "pool_size", [2, 3], "123"),
    *_dimensions("GlobalAveragePooling*", "keepdims", [True, False], "123"),
    *_dimensions("GlobalMaxPooling*", "keepdims", [True, False], "123"),
    *_dimensions("Cropping*", "cropping", [1, 0], "123"),
    *_dimensions("UpSampling*", "size", [2, 3], "123"),
    *_dimensions("ZeroPadding*", "padding", [1, 2], "123"),
    _case("Flatten", "data_format", ["channels_last", None], IMAGE),
    _case("Permute", "dims", [(2, 1), (1, 2)], (3, 4)),
    _case("RepeatVector", "n", [2, 3], (3,)),
    _case("Reshape", "target_shape", [(2, 3), (3, 2)], (6,)),
    # preprocessing
    _case("CategoryEncoding", "output_mode", ["multi_hot", "count"], INTEGERS, num_tokens=6),
    _case("Discretization", "bin_boundaries", [[0.0, 0.5], [0.1]], (3,)),
    _case("HashedCrossing", "num_bins", [4, 5], [np.array([[1], [2]]), np.array([[3], [4]])]),
    _case("Hashing", "num_bins", [4, 5], INTEGERS),
    _case("IntegerLookup", "output_mode", ["int", "multi_hot"], INTEGERS, vocabulary=[1, 2, 3]),
    _case("StringLookup", "output_mode", ["int", "multi_hot"], WORDS, vocabulary=["a", "b"]),
    _case("TextVectorization", "output_mode", ["int", "count"], WORDS, vocabulary=["a", "b"]),
    _case("Normalization", "mean", [0.5, 0.1], (3,), variance=2.0),
    _case("Rescaling", "scale", [0.5, 2.0], (3,)),
    _case("MelSpectrogram", "num_mel_bins", [4, 8], (64,), fft_length=32, sequence_stride=16),
    _case("STFTSpectrogram", "frame_length", [16, 32], (64, 1), frame_step=8, fft_length=32),
    _case("MaxNumBoundingBoxes", "max_number", [3, 4], None),
    # images
    _case("CenterCrop", "height", [4, 5], IMAGE, width=4),
    _case("Resizing", "height", [4, 5], IMAGE, width=4),
    _case("RandomCrop", "height", [4, 5], IMAGE, width=4),
    _case("RandomFlip", "mode", ["horizontal", "vertical"], IMAGE),
    _case("RandomRotation", "factor", [0.1, 0.2], IMAGE),
    _case("RandomTranslation", "height_factor", [0.1, 0.2], IMAGE, width_factor=0.1),
    _case("RandomZoom", "height_factor", [0.1, 0.2], IMAGE),
    # Keras writes a single factor to the config as a pair that it then refuses.
    _case("RandomShear", "x_factor", [(0.0, 0.1), (0.0, 0.2)], IMAGE),
    _case("RandomPerspective", "factor", [0.1, 0.2], IMAGE),
    _case("RandomGrayscale", "factor", [0.1, 0.2], IMAGE),
    _case("MixUp", "alpha", [0.1, 0.2], IMAGE),
    _case("CutMix", "factor", [0.1, 0.2], IMAGE),
    _case("RandomContrast", "factor", [0.1, 0.2], IMAGE, **PIXELS),
    *[
        _case(name, "factor", [0.1, 0.2], IMAGE, **PIXELS)
        for name in (
            "AugMix",
            "RandAugment",
            "RandomBrightness",
            "RandomColorDegeneration",
            "RandomElasticTransform",
            "RandomErasing",
            "RandomGaussianBlur",
            "RandomHue",
            "RandomInvert",
            "RandomSaturation",
            "RandomSharpness",
        )
    ],
    _case("RandomColorJitter", "hue_factor", [0.1, 0.2], IMAGE, **PIXELS),
    _case("RandomPosterization", "factor", [4, 6], IMAGE, **PIXELS),
    _case("Solarization", "addition_factor", [0.1, 0.2], IMAGE, **PIXELS),
    _case("AutoContrast", "value_range", [(0, 1), (0, 255)], IMAGE),
    # Keras gives its input as its output in a functional model, and then finds a cycle.
    _within(
        _case("Equalization", "bins", [256, 128], IMAGE, **PIXELS),
        lambda layer: keras.layers.Pipeline([layer]),
    ),
    _case(
        "ContrastLimitedAdaptiveHistogramEqualization",
        "clip_limit",
        [4.0, 2.0],
        IMAGE,
        tile_grid_size=(2, 2),
        **PIXELS,
    ),
    _case("Pipeline", "layers", [[p("Dense", units=2)], [p("ReLU"), p("Dense", units=3)]], (3,)),
    # bases and adapters, which are not called here
    _case("Layer", "trainable", [True, False], None),
    _case("Wrapper", "layer", [p("Dense", units=2), p("ReLU")], None),
    _case("JaxLayer", "seed", [1, 2], None, call_fn=keras.ops.abs),
    _case("FlaxLayer", "method", ["a", "b"], None, module=keras.ops.abs),
    _case("TorchModuleWrapper", "output_shape", [(1,), (2,)], None, module=keras.ops.abs),
    _case("TFSMLayer", "call_endpoint", ["a", "b"], None, filepath="nowhere"),
]

# Not to be had without another framework, or a file.
ADAPTERS = {"FlaxLayer", "JaxLayer", "TFSMLayer", "TorchModuleWrapper"}
PLAIN = {"InputSpec"}  # passed on as it is: no layer

CASES = [case for case in CASES if hasattr(keras.layers, case.name)]


def examples(case: Case) -> Any:
    """The arrays that a case is called on."""

    def array(example: Any) -> Any:
        if isinstance(example, np.ndarray):
            return example
        size = int(np.prod(example)) * BATCH
        return (np.arange(size).reshape(BATCH, *example) % 7 / 7).astype("float32")

    if isinstance(case.example, dict):
        return {key: array(example) for key, example in case.example.items()}
    if isinstance(case.example, list):
        return [array(example) for example in case.example]
    return array(case.example)


def model_of(layer: Any, data: Any) -> keras.Model:
    """A functional model that calls the layer on tensors like the data."""

    def tensor(array: Any, name: str | None = None) -> Any:
        dtype = "string" if array.dtype.kind == "U" else array.dtype.name
        return keras.Input(array.shape[1:], dtype=dtype, name=name)

    if isinstance(data, dict):
        inputs: Any = {key: tensor(array, key) for key, array in data.items()}
    else:
        inputs = keras.tree.map_structure(tensor, data)
    outputs = layer(**inputs) if isinstance(inputs, dict) else layer(inputs)
    return keras.Model(inputs, outputs)

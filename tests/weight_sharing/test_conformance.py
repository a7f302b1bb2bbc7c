"""Supernets are their children, for every layer over which weights are shared."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import keras_glove as kg
from keras_glove import layers
from keras_glove.errors import NotShareableError
from keras_glove.weight_sharing.constructing import ELASTIC, notes_of
from keras_glove.weight_sharing.plans import LAYER_RULES
from keras_glove.weight_sharing.supernet import sharing_of

from .checks import architectures, built, gradients_agree
from .table import CASES, Case

TOLERANCE = 1e-5


#: Cases that take more than two seconds.
SLOW = {"Bidirectional", "Repeat inside", "GRU", "GroupQueryAttention"}


def marked(case: Case) -> Any:
    return pytest.param(case, marks=pytest.mark.slow) if case.name in SLOW else case


@pytest.mark.parametrize("case", [marked(case) for case in CASES], ids=lambda case: case.name)
def test_a_supernet_is_each_of_its_children(case: Case) -> None:
    model, x = built(case)
    for dna in architectures(model):
        model.decide(dna)
        child = model.child(dna)
        assert close(model(x), child(x)) < TOLERANCE, dna
        if not case.random:
            assert gradients_agree(model, child, dna, x) < TOLERANCE, dna
            assert close(model(x), child(x)) < TOLERANCE, dna  # statistics moved alike


def close(shared: Any, own: Any) -> float:
    """The largest difference, in units of the largest value; what the child has not is zero."""
    shared, own = np.asarray(shared), np.asarray(own)
    whole = np.zeros(shared.shape, shared.dtype)
    whole[tuple(slice(0, n) for n in own.shape)] = own
    return float(np.abs(shared - whole).max() / max(1.0, np.abs(own).max()))


#: Layers that stand before any weight, on images, texts and tables.
OF_DATA = {
    "AugMix", "AutoContrast", "CategoryEncoding", "CenterCrop",
    "ContrastLimitedAdaptiveHistogramEqualization", "CutMix", "Discretization", "Equalization",
    "HashedCrossing", "Hashing", "IntegerLookup", "MaxNumBoundingBoxes", "MelSpectrogram", "MixUp",
    "Normalization", "Pipeline", "RandAugment", "RandomBrightness", "RandomColorDegeneration",
    "RandomColorJitter", "RandomContrast", "RandomCrop", "RandomElasticTransform", "RandomErasing",
    "RandomFlip", "RandomGaussianBlur", "RandomGrayscale", "RandomHue", "RandomInvert",
    "RandomPerspective", "RandomPosterization", "RandomRotation", "RandomSaturation",
    "RandomSharpness", "RandomShear", "RandomTranslation", "RandomZoom", "Resizing",
    "STFTSpectrogram", "Solarization", "StringLookup", "TextVectorization",
}  # fmt: skip
#: Bases, inputs, and layers that run somebody else's code.
OF_OTHERS = {
    "FlaxLayer", "InputLayer", "JaxLayer", "Lambda", "Layer", "TFSMLayer", "TorchModuleWrapper",
    "Wrapper",
}  # fmt: skip
#: Layers whose weights are not shared over widths; where one is open, NotShareableError.
REFUSED = {
    "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "GRUCell", "LSTMCell", "RNN", "ReversibleEmbedding",
    "SimpleRNNCell", "SpectralNormalization", "StackedRNNCells",
}  # fmt: skip


def test_every_layer_of_keras_has_a_rule_or_is_named_here() -> None:
    public = {
        cls.__name__
        for cls in vars(keras.layers).values()
        if isinstance(cls, type) and issubclass(cls, keras.Layer)
    }
    # By this name it is an alias, and the class has another.
    ruled = {cls.__name__ for cls in LAYER_RULES}
    assert public - ruled == OF_DATA | OF_OTHERS | REFUSED


@pytest.mark.parametrize(
    ("shape", "make"),
    [
        ((4, 3), lambda: layers.RNN(keras.layers.LSTMCell(3))),
        ((4, 4, 4, 3), lambda: layers.ConvLSTM2D(3, 3)),
        ((3,), lambda: layers.Normalization()),
        ((3,), lambda: layers.SpectralNormalization(layers.Dense(3))),
        ((4, 3), lambda: layers.TimeDistributed(layers.BatchNormalization())),
        ((4, 3), lambda: layers.Bidirectional(layers.RNN(keras.layers.LSTMCell(3)))),
    ],
)
def test_a_layer_without_a_rule_is_refused_after_an_open_width(shape: Any, make: Any) -> None:
    model = kg.Sequential([layers.Dense(kg.oneof([2, 4])), make()])
    with pytest.raises(NotShareableError, match="at '"):
        model(np.ones((2, *shape), "float32"))


def test_a_wrapper_without_a_rule_is_refused_around_an_open_width() -> None:
    model = kg.Sequential([layers.SpectralNormalization(layers.Dense(kg.oneof([2, 4])))])
    with pytest.raises(NotShareableError, match="spectral_normalization"):
        model(np.ones((2, 3), "float32"))


@pytest.mark.slow
def test_the_table_holds_every_rule_and_every_open_argument() -> None:
    planned, opened = set(), set()
    for case in CASES:
        model, _ = built(case)
        sharing = sharing_of(model)
        for layer in model._flatten_layers():
            opened |= {(type(layer), name) for name in notes_of(layer)}
        pending = [sharing.graph(*sharing.example())]
        while pending:
            for step in pending.pop().steps:
                if step.plan is not None:
                    planned.add(type(step.operation))
                    pending += step.plan.graphs
    of_benchmarks = {kind for kind in LAYER_RULES if "benchmarks" in kind.__module__}
    assert set(LAYER_RULES) - planned - of_benchmarks == set()
    assert {(cls, name) for cls, names in ELASTIC.items() for name in names} - opened == set()

"""The handwritten digits of scikit-learn as a TensorFlow data set that downloads nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from keras_glove.errors import DependencyError

__all__ = ["SPLITS", "SklearnDigits"]

#: Share of the examples of each class in each split.
SPLITS = {"train": 0.6, "validation": 0.2, "test": 0.2}
_SEED = 0


class SklearnDigits(tfds.core.GeneratorBasedBuilder):
    """1,797 grey images of digits, 8 x 8 pixels, values 0 to 16, in ten classes.

    The test set of Alpaydin and Kaynak 1998, "Optical Recognition of Handwritten Digits" (UCI
    repository, doi:10.24432/C50P49), as `sklearn.datasets.load_digits` ships it. Splits are fixed
    and alike in their classes: 1,078 examples to train, 360 to validate, 359 to test.
    """

    name = "sklearn_digits"
    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "The first."}  # noqa: RUF012 (the form that the base class has)

    def _info(self) -> Any:
        return self.dataset_info_from_configs(
            description="Handwritten digits, 8 x 8 pixels, of scikit-learn.",
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Tensor(shape=(8, 8, 1), dtype=np.uint8),
                    "label": tfds.features.ClassLabel(num_classes=10),
                }
            ),
            supervised_keys=("image", "label"),
            homepage="https://doi.org/10.24432/C50P49",
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        images, labels = _load()
        return {
            split: self._generate_examples(images, labels, indices)
            for split, indices in _split(labels).items()
        }

    def _generate_examples(
        self, images: Any, labels: Any, indices: Any
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        for index in indices.tolist():
            yield index, {"image": images[index], "label": int(labels[index])}


def _load() -> tuple[Any, Any]:
    """Images of shape (1797, 8, 8, 1) as uint8, and labels of shape (1797,)."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise DependencyError(
            "The digits are those that scikit-learn ships, which is not installed. Install it: "
            "pip install 'keras_glove[examples]'."
        ) from error
    pixels, labels = load_digits(return_X_y=True)
    return pixels.reshape(-1, 8, 8, 1).astype(np.uint8), labels


def _split(labels: Any) -> dict[str, Any]:
    """For each split the indices of its examples, the same in every process."""
    rng = np.random.default_rng(_SEED)
    parts: dict[str, list[Any]] = {split: [] for split in SPLITS}
    bounds = np.cumsum(list(SPLITS.values()))[:-1]
    for label in np.unique(labels):
        indices = rng.permutation(np.flatnonzero(labels == label))
        cuts = np.round(bounds * len(indices)).astype(int)
        for split, part in zip(parts, np.split(indices, cuts), strict=True):
            parts[split].append(part)
    return {split: rng.permutation(np.concatenate(part)) for split, part in parts.items()}

"""The digits of scikit-learn as a data set of TensorFlow Datasets."""

from __future__ import annotations

import builtins
import socket
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow_datasets as tfds
from sklearn.datasets import load_digits

from keras_glove.data import load
from keras_glove.data.digits import SklearnDigits
from keras_glove.errors import DependencyError


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    SklearnDigits(data_dir=folder).download_and_prepare()
    return folder


def arrays(data_dir: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    data = tfds.load("sklearn_digits", split=split, data_dir=data_dir, as_supervised=True)
    images, labels = zip(*tfds.as_numpy(data), strict=True)
    return np.stack(images), np.stack(labels)


def test_examples_come_through_tfds_as_scikit_learn_has_them(data_dir: Path) -> None:
    images, labels = arrays(data_dir, "train+validation+test")
    assert images.dtype == np.uint8
    assert images.shape == (1797, 8, 8, 1)
    pixels, digits = load_digits(return_X_y=True)

    def rows(images: Any, labels: Any) -> list[Any]:
        return sorted(np.c_[images.reshape(len(images), -1), labels].astype(int).tolist())

    assert rows(images, labels) == rows(pixels, digits)


def test_splits_are_fixed_disjoint_and_alike_in_their_classes(data_dir: Path) -> None:
    info = tfds.builder("sklearn_digits", data_dir=data_dir).info
    sizes = {name: split.num_examples for name, split in info.splits.items()}
    assert sizes == {"train": 1078, "validation": 360, "test": 359}
    shares = {"train": 0.6, "validation": 0.2, "test": 0.2}
    counts = {name: np.bincount(arrays(data_dir, name)[1]) for name in shares}
    total = sum(counts.values())
    for name, share in shares.items():
        assert np.abs(counts[name] - share * total).max() <= 1.0
    assert {name: checksum(arrays(data_dir, name)[0]) for name in shares} == CHECKSUMS


# Where these change, the version of the data set has to: what is on disk is not made again.
CHECKSUMS = {"train": 2328042283, "validation": 4112817670, "test": 330661739}


def checksum(images: np.ndarray) -> int:
    return zlib.crc32(b"".join(sorted(image.tobytes() for image in images)))


def test_what_is_on_disk_is_read_again_without_scikit_learn(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbid_sklearn(monkeypatch)
    assert load("digits", data_dir=data_dir).test[0].shape == (359, 8, 8, 1)


def test_scikit_learn_missing_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbid_sklearn(monkeypatch)
    with pytest.raises(DependencyError, match=r"pip install 'keras_glove\[examples\]'"):
        load("digits", data_dir=tmp_path)
    assert not list(tmp_path.rglob("*.tfrecord*"))


def forbid_sklearn(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def fake(name: str, *args: Any) -> Any:
        if name.partition(".")[0] == "sklearn":
            raise ImportError("no sklearn")
        return real(name, *args)

    monkeypatch.setattr(builtins, "__import__", fake)


def test_preparing_uses_no_network_and_tells_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("the network was asked for")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    images, labels = load("digits", data_dir=tmp_path).train
    assert images.dtype == np.float32
    assert (images.min(), images.max()) == (0.0, 1.0)
    assert labels.dtype == np.int64
    assert caplog.messages == []
    output = capfd.readouterr()
    assert output.out == ""
    assert [
        line for line in output.err.splitlines() if not line.startswith(("I0", "W0", "E0"))
    ] == []

"""Data sets as arrays and batches, split the same way each time."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from keras_glove.data import NAMES, load, preparing
from keras_glove.errors import DataError

SHAPES = {"mnist": (28, 28, 1), "fashion_mnist": (28, 28, 1), "cifar10": (32, 32, 3)}


def examples(shape: tuple[int, ...], count: int, seed: int) -> Iterator[tuple[int, dict[str, Any]]]:
    rng = np.random.default_rng(seed)
    for key in range(count):
        image = rng.integers(0, 256, shape, dtype=np.uint8)
        yield key, {"image": image, "label": key % 10}


@pytest.fixture(params=SHAPES)
def name(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A set of TensorFlow Datasets whose files are made here in place of a download."""
    name: str = request.param

    def generators(builder: Any, manager: Any) -> dict[str, Any]:
        with_id = "id" in builder.info.features
        parts = {"train": (60, 0), "test": (20, 1)}
        return {
            split: (
                (key, {**example, "id": str(key)} if with_id else example)
                for key, example in examples(SHAPES[name], count, seed)
            )
            for split, (count, seed) in parts.items()
        }

    monkeypatch.setattr(tfds.builder_cls(name), "_split_generators", generators)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args: [])
    return name


def test_downloaded_sets_are_scaled_and_split(name: str, tmp_path: Path) -> None:
    splits = load(name, data_dir=tmp_path, validation=0.25)
    assert [len(images) for images, _ in splits] == [40, 20, 20]
    for images, labels in splits:
        assert images.shape == (len(labels), *SHAPES[name])
        assert images.dtype == np.float32
        assert 0.0 <= images.min() < 0.1 < 0.9 < images.max() <= 1.0
    assert np.bincount(splits.validation[1]).tolist() == [2] * 10
    again = load(name, data_dir=tmp_path, validation=0.25)
    for one, other in zip(splits, again, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
    train, validation, test = ({image.tobytes() for image in part[0]} for part in splits)
    assert len(train | validation | test) == 80


def test_batches_hold_the_same_examples(tmp_path: Path) -> None:
    whole = load("digits", data_dir=tmp_path)
    batched = load("digits", data_dir=tmp_path, batch_size=100)
    for arrays, batches in zip(whole, batched, strict=True):
        parts = list(batches.as_numpy_iterator())
        assert [len(labels) for _, labels in parts[:-1]] == [100] * (len(arrays[0]) // 100)
        images, labels = (np.concatenate(part) for part in zip(*parts, strict=True))
        assert images.dtype == np.float32
        first, second = np.argsort(labels, kind="stable"), np.argsort(arrays[1], kind="stable")
        np.testing.assert_array_equal(labels[first], arrays[1][second])
        np.testing.assert_allclose(images.sum(), arrays[0].sum(), rtol=1e-5)
    np.testing.assert_array_equal(images, arrays[0])  # the test set, in its order


def test_training_batches_come_in_a_new_order_each_epoch(tmp_path: Path) -> None:
    def epochs() -> list[list[int]]:
        tf.random.set_seed(3)
        train = load("digits", data_dir=tmp_path, batch_size=200).train
        return [[int(y) for _, labels in train for y in labels] for _ in range(2)]

    first, second = epochs()
    assert first != second
    assert sorted(first) == sorted(second)
    assert epochs() == [first, second]


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "name": ({"name": "imagenet"}, "one of the data sets .*'digits'.*, received 'imagenet'"),
    "share": ({"name": "mnist", "validation": 1.0}, "share between 0 and 1 .* received 1.0"),
    "no share": ({"name": "mnist", "validation": 0}, "share between 0 and 1"),
    "batch size": ({"name": "digits", "batch_size": 0}, "batch size of at least 1, received 0"),
    "half": ({"name": "digits", "batch_size": 0.5}, "batch size of at least 1, received 0.5"),
}


@pytest.mark.parametrize("case", BAD)
def test_arguments_are_checked(case: str) -> None:
    arguments, message = BAD[case]
    with pytest.raises(DataError, match=message):
        load(**arguments)


@pytest.mark.parametrize("error", [OSError("no route"), tfds.download.DownloadError("gone")])
@pytest.mark.parametrize("name", SHAPES, indirect=True)
def test_failed_downloads_say_what_to_do(
    name: str, error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(builder: Any, manager: Any) -> Any:
        raise error

    monkeypatch.setattr(tfds.builder_cls(name), "_split_generators", fail)
    with pytest.raises(DataError, match=f"'{name}' could not be .*{error}.*`data_dir`.*'digits'"):
        load(name, data_dir=tmp_path)


def test_without_a_network_it_fails_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(host: str, port: int) -> Any:
        raise socket.gaierror(f"{host} is not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    monkeypatch.setattr(preparing.urllib.request, "getproxies", dict)
    for name in NAMES[1:]:
        with pytest.raises(DataError, match=f"'{name}' could not be .* is not known"):
            load(name, data_dir=tmp_path)


def test_what_another_process_prepared_meanwhile_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    builder = type(preparing._builder("digits", tmp_path))
    prepare = builder.download_and_prepare

    def second(self: Any, **settings: Any) -> None:
        prepare(type(self)(data_dir=tmp_path), **settings)
        raise OSError("Directory not empty")

    monkeypatch.setattr(builder, "download_and_prepare", second)
    assert load("digits", data_dir=tmp_path).train[0].shape == (1078, 8, 8, 1)

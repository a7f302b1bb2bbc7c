"""Brings a data set to disk, by the builders of TensorFlow Datasets."""

from __future__ import annotations

import contextlib
import io
import os
import socket
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from keras_glove.data.digits import SklearnDigits
from keras_glove.errors import DataError

__all__ = ["NAMES", "prepared"]

_HOSTS = {
    "mnist": "storage.googleapis.com",
    "fashion_mnist": "fashion-mnist.s3-website.eu-central-1.amazonaws.com",
    "cifar10": "www.cs.toronto.edu",
}
#: The data sets that `load` knows. All but the digits are downloaded.
NAMES = ("digits", *_HOSTS)


def prepared(name: str, data_dir: str | Path | None) -> Any:
    """The builder of a data set that is on disk, after this call if not before.

    Raises:
        DataError: if it cannot be downloaded or written.
        DependencyError: for the digits where scikit-learn is not installed.
    """
    builder = _builder(name, data_dir)
    if _is_prepared(builder):
        return builder
    try:
        _check_network(name, builder)
        with _messages(name):
            builder.download_and_prepare(
                download_config=tfds.download.DownloadConfig(try_download_gcs=False)
            )
    except (OSError, tfds.download.DownloadError) as error:
        builder = _builder(name, data_dir)
        if _is_prepared(builder):  # by another process, which was first to name its folder.
            return builder
        raise DataError(
            f"The data set {name!r} could not be downloaded or written ({error}). Give a "
            "`data_dir` that holds it, prepared by TensorFlow Datasets where there is a network; "
            "'digits' needs none."
        ) from error
    return builder


def _builder(name: str, data_dir: str | Path | None) -> Any:
    folder = None if data_dir is None else os.fspath(data_dir)
    if name == "digits":
        return SklearnDigits(data_dir=folder)
    return tfds.builder(name, data_dir=folder, try_gcs=False)


def _is_prepared(builder: Any) -> bool:
    # Asked about a folder that is not there, TensorFlow Datasets warns.
    return bool(builder.data_path.exists() and builder.is_prepared())


def _check_network(name: str, builder: Any) -> None:
    """Raises OSError at once where TensorFlow Datasets would try again for minutes."""
    host = _HOSTS.get(name)
    downloads = Path(builder.data_dir).parent.parent / "downloads" / name
    # A proxy resolves the name itself; and what was downloaded before is not asked for.
    known = downloads.exists() and any(path.is_file() for path in downloads.iterdir())
    if host is None or known or urllib.request.getproxies():
        return
    socket.getaddrinfo(host, 443)


@contextlib.contextmanager
def _messages(name: str) -> Iterator[None]:
    """Of downloads to standard error, which is no result; of the digits, a second's work, none."""
    if name != "digits":
        with contextlib.redirect_stdout(sys.stderr):
            yield
        return
    unread = io.StringIO()
    with contextlib.redirect_stdout(unread), contextlib.redirect_stderr(unread):
        yield

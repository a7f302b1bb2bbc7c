"""Many metrics at once; see `metrics` for the protocol buffer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from keras_glove.benchmarks.nasbench101.metrics import Evaluation, Metrics, decode, encode
from keras_glove.errors import RecordError

__all__ = ["decode_all"]

Array = np.ndarray[Any, Any]

_EVALUATIONS: Final = 3
_SHORT: Final = encode(Metrics((Evaluation(),)))  # one evaluation, one byte of parameters
_SIZE: Final = 47  # of an evaluation
_HEAD: Final = _SIZE * _EVALUATIONS
_PLACES: Final = np.array([0, 1, 2, 11, 20, 29, 38])  # of what is the same in every evaluation
_FIXED: Final = np.frombuffer(_SHORT, dtype=np.uint8)[_PLACES]
_MOST: Final = _HEAD + 1 + 5 + 9  # with a number of parameters of at most five bytes


def decode_all(texts: Sequence[bytes]) -> tuple[Array, Array]:
    """The evaluations of many protocol buffers, and the numbers of trainable parameters.

    Those of the common form, three evaluations with all numbers in order, are read together.

    Returns:
        `(texts, 3, 5)`, float64, in the order of the fields of `Evaluation`; and `(texts,)`,
        int64.

    Raises:
        RecordError: for the first that cannot be read; its second argument is its index.
    """
    lengths = np.array([len(text) for text in texts])
    padded = np.array(texts, dtype=f"S{_MOST}").view(np.uint8).reshape(-1, _MOST)
    head = padded[:, :_HEAD].reshape(-1, _EVALUATIONS, _SIZE)
    common = (head[:, :, _PLACES] == _FIXED).all(axis=(1, 2)) & (lengths <= _MOST)
    numbers = head[:, :, 2:].reshape(-1, _EVALUATIONS, 5, 9)[..., 1:]
    evaluations = np.ascontiguousarray(numbers).view("<f8")[..., 0]
    parameters, length = _varints(padded[:, _HEAD + 1 :])
    common &= (padded[:, _HEAD] == 2 << 3) & (length <= 5)
    common &= lengths == _HEAD + 1 + length + 9
    for index in np.flatnonzero(~common).tolist():
        evaluations[index], parameters[index] = _decode_one(texts[index], index)
    return evaluations, parameters


def _varints(data: Array) -> tuple[Array, Array]:
    """The numbers of up to five bytes that rows begin with, and how many bytes they have."""
    numbers = np.zeros(len(data), dtype=np.int64)
    length = np.zeros(len(data), dtype=np.int64)
    going = np.ones(len(data), dtype=bool)
    for place in range(5):
        byte = data[:, place]
        numbers += np.where(going, (byte & 0x7F).astype(np.int64) << 7 * place, 0)
        length += going
        going &= byte > 0x7F
    return numbers, length + going


def _decode_one(text: bytes, index: int) -> tuple[Array, int]:
    try:
        metrics = decode(text)
    except RecordError as error:
        raise RecordError(str(error), index) from error
    if len(metrics.evaluations) != _EVALUATIONS:
        raise RecordError(
            "expected three evaluations (before the training, at half its epochs, at its end), "
            f"received {len(metrics.evaluations)}.",
            index,
        )
    if metrics.trainable_parameters >= 2**31:  # an int32, whose negative values look so
        raise RecordError(f"expected parameters below 2**31, in {metrics!r}", index)
    return np.array(metrics.evaluations), metrics.trainable_parameters

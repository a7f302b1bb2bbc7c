"""What a training is recorded as: the `ModelMetrics` protocol buffer, read and written by hand.

message ModelMetrics {
  repeated EvaluationData evaluation_data = 1;
  optional int32 trainable_parameters = 2;
  optional double total_time = 3;
}
message EvaluationData {
  optional double current_epoch = 1;
  optional double training_time = 2;
  optional double train_accuracy = 3;
  optional double validation_accuracy = 4;
  optional double test_accuracy = 5;
  optional string checkpoint_path = 6;
}
"""

from __future__ import annotations

import operator
import struct
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from keras_glove.errors import RecordError

__all__ = ["Evaluation", "Metrics", "decode", "encode"]

_NUMBERS: Final = 5
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_EVALUATION: Final = struct.Struct("<" + "Bd" * _NUMBERS)
_DOUBLE: Final = struct.Struct("<d")


class Evaluation(NamedTuple):
    """The state of a training at one moment.

    Attributes:
        epoch: epochs trained, in the course of one possibly a fraction.
        training_time: seconds of training from its start, without evaluation.
        train_accuracy: fraction of correct answers, 0 to 1; likewise the others.
    """

    epoch: float = 0.0
    training_time: float = 0.0
    train_accuracy: float = 0.0
    validation_accuracy: float = 0.0
    test_accuracy: float = 0.0


class Metrics(NamedTuple):
    """The record of one training of one cell.

    Attributes:
        evaluations: before the training, at half its epochs, and at its end.
        trainable_parameters: of the network.
        total_time: seconds, evaluation included.
    """

    evaluations: tuple[Evaluation, ...]
    trainable_parameters: int = 0
    total_time: float = 0.0


def encode(metrics: Metrics) -> bytes:
    """The protocol buffer of metrics.

    >>> decode(encode(Metrics((Evaluation(4.0, 1.5, 0.5, 0.25, 0.125),), 12, 2.0))).total_time
    2.0
    """
    parts = []
    for numbers in metrics.evaluations:
        tagged = [part for tag, number in enumerate(numbers, 1) for part in (tag << 3 | 1, number)]
        parts.append(bytes([1 << 3 | _BYTES, _EVALUATION.size]) + _EVALUATION.pack(*tagged))
    parts.append(bytes([2 << 3 | _VARINT]) + _varint(metrics.trainable_parameters))
    parts.append(bytes([3 << 3 | _FIXED64]) + _DOUBLE.pack(metrics.total_time))
    return b"".join(parts)


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def decode(data: bytes) -> Metrics:
    """The metrics in a protocol buffer; fields that it lacks are 0, unknown ones passed over.

    Raises:
        RecordError: if it is not one.
    """
    evaluations: list[Evaluation] = []
    parameters, total_time = 0, 0.0
    try:
        for number, value in _fields(data):
            if number == 1:
                evaluations.append(_evaluation(value))
            elif number == 2:
                parameters = operator.index(value)
            elif number == 3:
                total_time = _real(value)
    except (IndexError, struct.error, TypeError, ValueError) as error:
        raise RecordError(f"expected the protocol buffer ModelMetrics: {error}.") from error
    return Metrics(tuple(evaluations), parameters, total_time)


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """The number and value of each field."""
    position, end = 0, len(data)
    while position < end:
        tag, position = _read_varint(data, position)
        kind = tag & 7
        if kind == _VARINT:
            value, position = _read_varint(data, position)
            yield tag >> 3, value
        elif kind == _FIXED64:
            yield tag >> 3, _DOUBLE.unpack_from(data, position)[0]
            position += 8
        elif kind == _BYTES:
            length, position = _read_varint(data, position)
            if position + length > end:
                raise ValueError(f"it ends {position + length - end} bytes too early")
            yield tag >> 3, data[position : position + length]
            position += length
        elif kind == _FIXED32:
            position += 4
        else:
            raise ValueError(f"no field has the wire type {kind}")
    if position > end:
        raise ValueError(f"it ends {position - end} bytes too early")


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    byte = data[position]
    if byte < 0x80:  # nearly always
        return byte, position + 1
    number, shift = byte & 0x7F, 7
    while True:
        position += 1
        byte = data[position]
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, position + 1
        shift += 7
        if shift > 63:
            raise ValueError("a number has over 64 bits")


def _evaluation(data: bytes) -> Evaluation:
    # The common form, all numbers in order, is read several times faster at once.
    if len(data) == _EVALUATION.size and data[::9] == _TAGS:
        return Evaluation(*_EVALUATION.unpack(data)[1::2])
    numbers = [0.0] * _NUMBERS
    for number, value in _fields(data):
        if 1 <= number <= _NUMBERS:
            numbers[number - 1] = _real(value)
    return Evaluation(*numbers)


def _real(value: Any) -> float:
    if type(value) is not float:
        raise TypeError(f"a number was expected, not {value!r}")
    return value


_TAGS: Final = bytes([number << 3 | _FIXED64 for number in range(1, _NUMBERS + 1)])

"""Record files: framing, checksums, and the metrics in a row."""

from __future__ import annotations

import contextlib
import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from keras_glove.benchmarks.nasbench101 import Cell
from keras_glove.benchmarks.nasbench101.checksums import crc32c, masked_crc32c
from keras_glove.benchmarks.nasbench101.decoding import decode_all
from keras_glove.benchmarks.nasbench101.metrics import Evaluation, Metrics, decode, encode
from keras_glove.benchmarks.nasbench101.records import frame, frame_all, read_records
from keras_glove.benchmarks.nasbench101.rows import format_row, parse_row
from keras_glove.errors import RecordError

NUMBERS = st.floats(0, 1e6)
EVALUATIONS = st.builds(Evaluation, NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS)
METRICS = st.builds(
    Metrics, st.tuples(EVALUATIONS, EVALUATIONS, EVALUATIONS), st.integers(0, 2**31 - 1), NUMBERS
)


def _crc32c(data: bytes) -> int:
    """Bit by bit, as the checksum is defined."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def test_the_checksum_of_the_standard() -> None:
    # RFC 3720, B.4, and the nine digits that every CRC is checked with.
    for data, expected in [
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
    ]:
        array = np.frombuffer(data, dtype=np.uint8)
        assert crc32c(array, np.array([0]), np.array([len(data)])).tolist() == [expected]


@given(st.binary(max_size=200), st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200))))
def test_checksums_of_many_pieces(data: bytes, pairs: list[tuple[int, int]]) -> None:
    pieces = [(min(a, b, len(data)), min(max(a, b), len(data))) for a, b in pairs]
    starts, stops = np.array(pieces, dtype=np.int64).reshape(-1, 2).T
    checksums = crc32c(np.frombuffer(data, dtype=np.uint8), starts, stops)
    assert checksums.tolist() == [_crc32c(data[a:b]) for a, b in pieces]


def _read(data: bytes) -> list[bytes]:
    return [record for chunk in read_records(io.BytesIO(data), "f") for record in chunk.records]


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=20))
def test_what_is_framed_is_read(records: list[bytes]) -> None:
    data = frame_all(records)
    assert data == b"".join(map(frame, records))
    assert _read(data) == records


def test_tensorflow_reads_and_writes_the_same(tmp_path: Path) -> None:
    tf = pytest.importorskip("tensorflow")
    records = [b"", b"1", bytes(range(256)) * 5]
    path = tmp_path / "a.tfrecord"
    path.write_bytes(frame_all(records))
    assert [r.numpy() for r in tf.data.TFRecordDataset(str(path))] == records
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)
    assert path.read_bytes() == frame_all(records)


def test_chunks_tell_where_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keras_glove.benchmarks.nasbench101.records._CHUNK", 64)
    records = [bytes([n]) * (n % 7) for n in range(50)]
    data = frame_all(records)
    counted: list[int] = []
    chunks = list(read_records(io.BytesIO(data), "f", counted.append))
    assert sum(counted) == len(data) == chunks[-1].end
    assert len(chunks) > 5
    for chunk in chunks:
        assert chunk.records == records[chunk.first : chunk.first + len(chunk.records)]
        assert chunk.end == len(frame_all(records[: chunk.first + len(chunk.records)]))


def test_a_record_larger_than_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keras_glove.benchmarks.nasbench101.records._CHUNK", 64)
    assert _read(frame_all([b"a" * 1000, b"b"])) == [b"a" * 1000, b"b"]


RECORDS = [b"first", b"second", b"third"]
SECOND = len(frame(b"first"))


def _flipped(place: int) -> bytes:
    data = bytearray(frame_all(RECORDS))
    data[place] ^= 4
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "good", "message"),
    [
        (b"", 0, "empty"),
        (b"\x1f\x8b\x08\x00" + bytes(20), 0, "compressed.*gunzip"),
        (b'{"format": "json", "a": 1}', 0, "another format"),
        (bytes(40), 0, "another format"),
        (b"\x05", 0, "row 0 is cut off"),
        (frame_all(RECORDS)[:-1], 2, "row 2 is cut off"),
        (frame_all(RECORDS)[: SECOND + 3], 1, f"row 1 is cut off.*3 bytes.*byte {SECOND}"),
        (_flipped(0), 0, "another format"),
        (_flipped(SECOND), 1, f"row 1, at byte {SECOND}.*length"),
        (_flipped(SECOND + 7), 1, f"row 1, at byte {SECOND}.*length"),
        (_flipped(SECOND + 8), 1, f"row 1, at byte {SECOND}.*length"),
        (_flipped(SECOND + 12), 1, f"row 1, at byte {SECOND}.*data"),
        (_flipped(SECOND + 12 + 6), 1, f"row 1, at byte {SECOND}.*data"),
    ],
)
def test_files_that_cannot_be_read(data: bytes, good: int, message: str) -> None:
    seen: list[bytes] = []
    chunks = read_records(io.BytesIO(data), "f")
    with pytest.raises(RecordError, match=message):
        seen.extend(record for chunk in chunks for record in chunk.records)
    assert seen == RECORDS[:good]


# --- metrics -------------------------------------------------------------------------


@given(METRICS)
def test_metrics_are_read_as_they_were_written(metrics: Metrics) -> None:
    assert decode(encode(metrics)) == metrics
    evaluations, parameters = decode_all([encode(metrics)] * 2)
    assert evaluations.tolist() == [[list(e) for e in metrics.evaluations]] * 2
    assert parameters.tolist() == [metrics.trainable_parameters] * 2


def test_metrics_as_protocol_buffers_writes_them() -> None:
    """The official schema, made here, serializes to and reads the same bytes."""
    message_type = _official_message()
    message = message_type(trainable_parameters=2694282, total_time=1234.5)
    for epoch in (0.0, 54.0, 108.0):
        message.evaluation_data.add(
            current_epoch=epoch,
            training_time=epoch * 10,
            train_accuracy=0.5,
            validation_accuracy=0.25,
            test_accuracy=0.125,
        )
    ours = Metrics(
        tuple([Evaluation(e, e * 10, 0.5, 0.25, 0.125) for e in (0.0, 54.0, 108.0)]),
        2694282,
        1234.5,
    )
    assert encode(ours) == message.SerializeToString()
    assert decode(message.SerializeToString()) == ours
    # With a path, as the schema allows, and without what is zero.
    message.evaluation_data[0].checkpoint_path = "gs://bucket/model.ckpt-0" * 10
    message.evaluation_data[0].ClearField("training_time")
    assert decode(message.SerializeToString()) == ours
    evaluations, _ = decode_all([encode(ours), message.SerializeToString()])
    assert evaluations[0].tolist() == evaluations[1].tolist()


def _official_message() -> Any:
    descriptor_pb2 = pytest.importorskip("google.protobuf.descriptor_pb2")
    from google.protobuf import descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name="m.proto", package="nasbench", syntax="proto2")
    data, metrics = file.message_type.add(), file.message_type.add()
    data.name, metrics.name = "EvaluationData", "ModelMetrics"
    numbers = ["current_epoch", "training_time"]
    numbers += [f"{part}_accuracy" for part in ("train", "validation", "test")]
    for number, name in enumerate(numbers, 1):
        data.field.add(name=name, number=number, type=1, label=1)
    data.field.add(name="checkpoint_path", number=6, type=9, label=1)
    metrics.field.add(
        name="evaluation_data", number=1, type=11, label=3, type_name=".nasbench.EvaluationData"
    )
    metrics.field.add(name="trainable_parameters", number=2, type=5, label=1)
    metrics.field.add(name="total_time", number=3, type=1, label=1)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("nasbench.ModelMetrics"))


def test_unknown_fields_are_passed_over() -> None:
    metrics = Metrics((Evaluation(1.0),) * 3, 5, 6.0)
    extra = bytes([9 << 3 | 0, 0x96, 0x01, 10 << 3 | 5, 1, 2, 3, 4, 11 << 3 | 2, 2, 65, 66])
    assert decode(encode(metrics) + extra) == metrics


@pytest.mark.parametrize(
    "data",
    [
        b"\x0a\x2d\x09",  # cut off
        b"\x0a",
        b"\x10\xff",
        b"\x10" + b"\xff" * 11,
        b"\x0b",  # a wire type of old
        b"\x19\x00\x00",
        struct.pack("<Bd", 2 << 3 | 5, 1.0)[:3],
    ],
)
def test_bytes_that_are_no_metrics(data: bytes) -> None:
    with pytest.raises(RecordError, match="ModelMetrics"):
        decode(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_metrics_or_refused(data: bytes) -> None:
    for read in (decode, lambda text: decode_all([text])):
        with contextlib.suppress(RecordError):
            read(data)


@given(st.data())
def test_damaged_metrics_are_read_or_refused(draw: st.DataObject) -> None:
    text = bytearray(encode(Metrics((Evaluation(1.0, 2.0, 0.5, 0.25, 0.125),) * 3, 5, 6.0)))
    for _ in range(draw.draw(st.integers(1, 4))):
        text[draw.draw(st.integers(0, len(text) - 1))] = draw.draw(st.integers(0, 255))
    with contextlib.suppress(RecordError):
        decode_all([bytes(text)])


def test_a_record_that_is_too_large_to_be_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keras_glove.benchmarks.nasbench101.records._CHUNK", 64)
    monkeypatch.setattr("keras_glove.benchmarks.nasbench101.records._LARGEST", 500)
    with pytest.raises(RecordError, match="row 1.*more than 500 bytes"):
        _read(frame_all([b"a", b"b" * 1000]))


def test_rows_are_read_as_they_were_written() -> None:
    cell = Cell([[0, 1, 1], [0, 0, 1], [0, 0, 0]], ["input", "maxpool3x3", "output"])
    metrics = Metrics((Evaluation(1.0),) * 3, 5, 6.0)
    row = parse_row(format_row(cell, 108, metrics))
    assert row == (cell.hash, 108, "011001000", "input,maxpool3x3,output", metrics)


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{}", b"[1,2,3,4,5]", b'["h", 4, "0", "", 7]', b"[" * 100_000],
    ids=["empty", "list", "dict", "numbers", "no text", "deep"],
)
def test_records_that_are_no_rows(data: bytes) -> None:
    with pytest.raises(RecordError, match="JSON list"):
        parse_row(data)


def test_a_single_checksum() -> None:
    assert masked_crc32c(b"") == masked_crc32c(b"")
    assert masked_crc32c(b"a") != masked_crc32c(b"b")

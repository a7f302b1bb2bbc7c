"""From record files to tables: every row is checked, the file is made whole or not at all."""

from __future__ import annotations

import base64
import gzip
import json
import os
import struct
import subprocess
import sys
import textwrap
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_glove.benchmarks.nasbench101 import NASBench, convert, enumerate_cells, table_path
from keras_glove.benchmarks.nasbench101.columns import Columns
from keras_glove.benchmarks.nasbench101.metrics import decode, encode
from keras_glove.benchmarks.nasbench101.records import frame_all
from keras_glove.benchmarks.nasbench101.rows import parse_row
from keras_glove.errors import RecordError, TableError, TableNotFoundError
from tests.nasbench101.tables import rows_of, write_table

ROWS = rows_of(enumerate_cells(3), epochs=(4, 108))  # 7 cells, 6 rows each


def test_all_that_is_in_the_rows_is_in_the_table(record_file: Path) -> None:
    table = NASBench(record_file)
    rows = [parse_row(record) for record in rows_of()]
    assert len(table) == 91
    assert table.columns.header.epochs == (4, 108)
    assert table.columns.header.num_repeats == 3
    for first in range(0, len(rows), 6):
        fixed, computed = table.get_metrics_from_hash(rows[first].module_hash)
        assert "".join(map(str, fixed["module_adjacency"].ravel())) == rows[first].adjacency
        assert ",".join(fixed["module_operations"]) == rows[first].operations
        assert fixed["trainable_parameters"] == rows[first].metrics.trainable_parameters
        for budget, place in ((4, first), (108, first + 3)):
            for row, training in zip(rows[place : place + 3], computed[budget], strict=True):
                _, half, final = row.metrics.evaluations
                assert training == {
                    **{f"halfway_{k}": v for k, v in half._asdict().items() if k != "epoch"},
                    **{f"final_{k}": v for k, v in final._asdict().items() if k != "epoch"},
                }
    assert list(table.hash_iterator()) == [row.module_hash for row in rows[::6]]


def test_accuracies_take_four_bytes_where_that_loses_nothing(tmp_path: Path) -> None:
    name = "final_test_accuracy"
    exact = NASBench(write_table(tmp_path / "a", rows=ROWS)).columns.arrays[name]
    assert exact.dtype == np.float32
    changed = _with_metrics(3, lambda e: e[2]._replace(test_accuracy=0.1))
    table = NASBench(write_table(tmp_path / "b", rows=changed))
    assert table.columns.arrays[name].dtype == np.float64
    assert table.columns.arrays[name][0, 1, 0] == 0.1


def test_rows_in_another_order(tmp_path: Path) -> None:
    order = np.random.default_rng(0).permutation(len(ROWS))
    table = NASBench(write_table(tmp_path / "a", rows=[ROWS[i] for i in order]))
    sorted_table = NASBench(write_table(tmp_path / "b", rows=ROWS))
    assert list(table.hash_iterator()) == list(sorted_table.hash_iterator())
    for name in ("final_training_time", "halfway_test_accuracy"):
        both = [np.sort(t.columns.arrays[name], axis=-1) for t in (table, sorted_table)]
        assert (both[0] == both[1]).all()
    of_rows = [parse_row(ROWS[i]) for i in order]
    first = of_rows[0]
    trainings = table.get_metrics_from_hash(first.module_hash)[1][first.epochs]
    expected = [
        row.metrics.evaluations[2].training_time
        for row in of_rows
        if (row.module_hash, row.epochs) == (first.module_hash, first.epochs)
    ]
    assert [training["final_training_time"] for training in trainings] == expected


# --- rows that cannot be -------------------------------------------------------------


def _with(row: int, place: int, value: Any) -> list[bytes]:
    fields = json.loads(ROWS[row])
    fields[place] = value
    return [*ROWS[:row], json.dumps(fields).encode(), *ROWS[row + 1 :]]


def _with_metrics(row: int, change: Callable[[Any], Any]) -> list[bytes]:
    metrics = parse_row(ROWS[row]).metrics
    changed = metrics._replace(
        evaluations=(*metrics.evaluations[:2], change(metrics.evaluations)),
    )
    return _with(row, 4, base64.b64encode(encode(changed)).decode())


def _without_evaluation(row: int) -> list[bytes]:
    metrics = parse_row(ROWS[row]).metrics
    two = metrics._replace(evaluations=metrics.evaluations[:2])
    return _with(row, 4, base64.b64encode(encode(two)).decode())


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([*ROWS[:5], b"no json", *ROWS[6:]], "row 5: expected a JSON list"),
        ([*ROWS[:5], b'["a", 1]', *ROWS[6:]], "row 5: expected a JSON list"),
        ([*ROWS[:5], b"\xff\xfe", *ROWS[6:]], "row 5: expected a JSON list"),
        (_with(7, 0, "0" * 32), "row 7.*expected the hash .*, a wrong one"),
        (_with(7, 0, "abc"), "row 7.*32 hexadecimal digits"),
        (_with(7, 0, 12), "row 7"),
        (_with(7, 1, "108"), "row 7.*epochs"),
        (_with(7, 1, 0), "row 7.*epochs"),
        (_with(7, 1, 108.5), "row 7.*epochs"),
        (_with(7, 2, "01100"), "row 7.*square matrix"),
        (_with(7, 2, "012000100"), "row 7.*square matrix"),
        (_with(7, 2, "010101000"), "row 7.*upper triangular"),
        (_with(7, 2, "0"), "row 7.*one operation"),
        (_with(7, 3, "input,output"), "row 7"),
        (_with(7, 3, "input,conv5x5,output"), "row 7.*conv5x5"),
        (_with(7, 3, ["input"]), "row 7"),
        (_with(7, 4, "!"), "row 7"),
        (_with(7, 4, "AAAA"), "row 7.*ModelMetrics"),
        (_with(7, 4, None), "row 7"),
        (_without_evaluation(7), "row 7.*three evaluations.*received 2"),
        (_with_metrics(7, lambda e: e[2]._replace(test_accuracy=1.5)), "row 7.*from 0 to 1.*1.5"),
        (_with_metrics(7, lambda e: e[2]._replace(test_accuracy=-0.5)), "row 7.*from 0 to 1"),
        (
            _with_metrics(7, lambda e: e[2]._replace(validation_accuracy=float("nan"))),
            "row 7.*from 0 to 1.*nan",
        ),
        (_with_metrics(7, lambda e: e[2]._replace(training_time=-1.0)), "row 7.*seconds"),
        (_with_metrics(7, lambda e: e[2]._replace(training_time=float("inf"))), "row 7.*seconds"),
        ([*ROWS[:8], *ROWS[9:]], "row 7: expected 3 trainings of the cell .* at 4.*received 2"),
        (ROWS[:-1], "row 40: expected 3 trainings .* at 108 epochs.*received 2"),
        (ROWS[:-3], "row 38: expected 3 trainings .* at 108 epochs.*received 0"),
        ([*ROWS, ROWS[-1]], "row 42: expected 3 trainings .* at 108 epochs.*received 4"),
    ],
)
def test_a_wrong_row_is_told_by_its_number(tmp_path: Path, rows: list[bytes], message: str) -> None:
    source = write_table(tmp_path / "a.tfrecord", rows=rows)
    with pytest.raises(RecordError, match=message) as caught:
        convert(source)
    assert str(caught.value).count(str(source)) == 1
    assert [path.name for path in tmp_path.iterdir() if ".lock" not in path.name] == ["a.tfrecord"]


def test_a_wrong_hash_is_found_in_any_row_of_its_cell(tmp_path: Path) -> None:
    other = json.loads(ROWS[12])
    fields = json.loads(ROWS[8])
    fields[2], fields[3] = other[2], other[3]
    rows = [*ROWS[:8], json.dumps(fields).encode(), *ROWS[9:]]
    with pytest.raises(RecordError, match="row 8.*a wrong one"):
        convert(write_table(tmp_path / "a", rows=rows))


def test_metrics_in_another_form(tmp_path: Path) -> None:
    """Field order and paths are free in a protocol buffer."""
    metrics = parse_row(ROWS[9]).metrics
    parts = encode(metrics)
    head, tail = parts[:141], parts[141:]
    path = b"\x32\x05" + b"a/b/c"
    long = b"\x0a" + bytes([head[1] + len(path)]) + head[2:47] + path + head[47:]
    text = base64.b64encode(tail + long).decode()
    assert decode(tail + long) == metrics
    odd = convert(write_table(tmp_path / "odd", rows=_with(9, 4, text)))
    plain = convert(write_table(tmp_path / "plain", rows=ROWS))
    for name, array in Columns.open(odd).arrays.items():
        assert (array == Columns.open(plain).arrays[name]).all()


# --- files that cannot be --------------------------------------------------------------


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(TableNotFoundError, match=r"nasbench_only108.tfrecord.*none") as caught:
        NASBench(tmp_path / "none")
    assert isinstance(caught.value, FileNotFoundError)


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="received a folder"):
        NASBench(tmp_path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (gzip.compress(frame_all(ROWS)), "gunzip"),
        (frame_all(ROWS)[: len(frame_all(ROWS)) // 2], "row 2[01] is cut off"),
        (b"<!DOCTYPE html><html>404</html>", "another format"),
    ],
    ids=["empty", "gzip", "half a download", "html"],
)
def test_files_of_another_kind(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(RecordError, match=message):
        NASBench(tmp_path / "a")
    assert not table_path(tmp_path / "a").exists()


# --- where the table is kept -----------------------------------------------------------


def test_a_file_is_converted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_table(tmp_path / "a", rows=ROWS)
    target = convert(source)
    assert target == table_path(source) == tmp_path / "a.table"
    made = target.stat().st_mtime_ns
    assert len(NASBench(source)) == 7
    assert len(NASBench(target)) == 7  # the table itself does as well
    assert target.stat().st_mtime_ns == made
    convert(source, force=True)
    assert target.stat().st_mtime_ns > made


@pytest.mark.parametrize("damage", ["older", "cut off", "header", "version", "magic"])
def test_a_table_that_does_not_fit_is_made_anew(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    source = write_table(tmp_path / "a", rows=ROWS)
    target = convert(source)
    data = bytearray(target.read_bytes())
    if damage == "older":
        os.utime(source, ns=(1, 1))
    elif damage == "cut off":
        del data[-8:]
    else:
        data[{"header": 60, "version": 24, "magic": 3}[damage]] ^= 2
    target.write_bytes(data)
    assert len(NASBench(source)) == 7
    assert "anew" in caplog.text
    Columns.verify(target)


def test_a_damaged_column_is_found_by_verify(tmp_path: Path) -> None:
    target = convert(write_table(tmp_path / "a", rows=ROWS))
    data = bytearray(target.read_bytes())
    data[-1] ^= 1
    target.write_bytes(data)
    Columns.open(target)
    with pytest.raises(RecordError, match="'index_row'.*checksum"):
        Columns.verify(target)


def _with_header(target: Path, change: Callable[[Any], Any]) -> None:
    """Rewrites the header of a table, checksum and all, as an attacker would."""
    data = target.read_bytes()
    prefix = struct.Struct("<24sIII")
    magic, version, length, _ = prefix.unpack_from(data)
    document = json.loads(data[prefix.size : prefix.size + length])
    text = json.dumps(change(document)).encode()
    head = prefix.pack(magic, version, len(text), zlib.crc32(text))
    target.write_bytes(head + text + data[prefix.size + length :])


def _column(**changed: Any) -> Callable[[Any], Any]:
    return lambda d: {**d, "columns": [{**d["columns"][0], **changed}, *d["columns"][1:]]}


@pytest.mark.parametrize(
    "change",
    [
        lambda d: [],
        lambda d: {},
        lambda d: {**d, "columns": 7},
        lambda d: {**d, "columns": []},
        _column(dtype="O"),
        _column(dtype="S4"),
        _column(dtype="x"),
        _column(shape=[-1]),
        _column(shape=[2**70]),
        _column(shape="x"),
        _column(name="other"),
        _column(shape=[1]),
        lambda d: {**d, "epochs": "12"},
        lambda d: {**d, "epochs": [4]},
        lambda d: {**d, "num_repeats": 0},
    ],
)
def test_a_hostile_header_is_refused(tmp_path: Path, change: Callable[[Any], Any]) -> None:
    target = convert(write_table(tmp_path / "a", rows=ROWS))
    _with_header(target, change)
    with pytest.raises(RecordError, match=r"a\.table"):
        Columns.open(target)


def test_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "records").mkdir()
    source = write_table(tmp_path / "records" / "a", rows=ROWS)
    assert convert(source, tmp_path / "x" / "y") == tmp_path / "x" / "y" / "a.table"
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    cached = convert(source)
    assert cached.parent == tmp_path / "cache" / "keras_glove" / "nasbench101"
    assert not table_path(source, None).with_name("a.table").exists()
    assert len(NASBench(source)) == 7


def _run(code: str, *arguments: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files by `resource`")
def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    source = write_table(tmp_path / "a", rows=ROWS)
    process = _run(
        """
        import resource, sys
        from keras_glove.benchmarks.nasbench101 import convert
        from keras_glove.errors import TableError
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            convert(sys.argv[1])
        except TableError as error:
            sys.exit("refused: " + str(error))
        """,
        source,
    )
    assert "free some space" in process.communicate()[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "a.table.lock"]


@pytest.mark.slow
def test_two_processes_at_once(tmp_path: Path) -> None:
    source = write_table(tmp_path / "a")
    code = """
        import sys, time
        from keras_glove.benchmarks.nasbench101 import conversion
        real = conversion._write
        def slow(columns, target):
            print("writes")
            time.sleep(1)
            real(columns, target)
        conversion._write = slow
        print(len(conversion.open_table(sys.argv[1])))
        """
    processes = [_run(code, source) for _ in range(2)]
    texts = [process.communicate()[0].split() for process in processes]
    assert sorted(texts) == [["91"], ["writes", "91"]]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "a.table", "a.table.lock"]


@pytest.mark.slow
def test_a_killed_conversion_leaves_no_table(tmp_path: Path) -> None:
    source = write_table(tmp_path / "a", rows=ROWS)
    process = _run(
        """
        import os, signal, sys
        from keras_glove.benchmarks.nasbench101 import conversion
        conversion.os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)
        conversion.convert(sys.argv[1])
        """,
        source,
    )
    process.communicate()
    assert process.returncode < 0
    assert not table_path(source).exists()
    start = time.monotonic()
    assert len(NASBench(source)) == 7
    assert time.monotonic() - start < 30  # the lock of the dead process does not hold


def test_the_file_does_not_depend_on_when_it_is_made(tmp_path: Path) -> None:
    source = write_table(tmp_path / "a", rows=ROWS)
    first = convert(source).read_bytes()
    assert convert(source, force=True).read_bytes() == first

"""`keras-glove nasbench101`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from keras_glove.benchmarks.nasbench101 import NASBench, enumerate_cells
from keras_glove.command_line import main
from keras_glove.command_line.commands import FAILED, MISUSED
from tests.nasbench101.tables import write_table

CELL = enumerate_cells(3)[4]


@pytest.fixture
def records(tmp_path: Path) -> Path:
    return write_table(tmp_path / "small.tfrecord")


def _json(capsys: pytest.CaptureFixture[str], *argv: Any) -> Any:
    assert main(["nasbench101", *map(str, argv), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_convert(records: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = _json(capsys, "convert", records)
    assert data["table"] == str(records) + ".table"
    assert (data["cells"], data["epochs"], data["repeats"]) == (91, [4, 108], 3)
    made = Path(data["table"]).stat().st_mtime_ns
    assert main(["nasbench101", "convert", str(records)]) == 0
    assert "91 cells at 4, 108 epochs" in capsys.readouterr().out
    assert Path(data["table"]).stat().st_mtime_ns == made
    _json(capsys, "convert", records, "--force")
    assert Path(data["table"]).stat().st_mtime_ns > made
    assert _json(capsys, "convert", records, "--folder", tmp_path / "x")["table"] == str(
        tmp_path / "x" / "small.tfrecord.table"
    )


def test_info(records: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = _json(capsys, "info", records, "--verify")
    cell, accuracy = NASBench(records).best()
    assert data["best"]["108"] == {"hash": cell.hash, "test_accuracy": accuracy}
    assert data["complete_up_to"] == 4
    assert data["verified"] is True
    assert main(["nasbench101", "info", str(records)]) == 0
    assert cell.hash in capsys.readouterr().out


def test_query(records: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert CELL.matrix is not None
    matrix = ",".join("".join(map(str, row)) for row in CELL.matrix.tolist())
    operations = ",".join(CELL.operations or ())
    data = _json(capsys, "query", records, "--matrix", matrix, "--ops", operations)
    assert data == _json(capsys, "query", records, "--hash", CELL.hash)
    _, computed = NASBench(records).get_metrics_from_spec(CELL)
    assert data["trainings"]["108"] == computed[108]
    picture = tmp_path / "cell.svg"
    argv = ["nasbench101", "query", str(records), "--hash", CELL.hash, "--svg", str(picture)]
    assert main(argv) == 0
    assert f"{computed[4][2]['final_test_accuracy']:.4f}" in capsys.readouterr().out
    assert picture.read_text().startswith("<svg")


def test_search(records: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["search", records, "--setting", "random", "--setting", "reinforce", "--runs", 2]
    picture = tmp_path / "regret.png"
    lines = _json(capsys, *argv, "--queries", 20, "--plot", picture)
    assert [line["setting"] for line in lines] == ["random", "reinforce"]
    assert [line["queries"] for line in lines] == [20, 20]
    assert lines == _json(capsys, *argv, "--queries", 20, "--seed", 0)
    assert lines != _json(capsys, *argv, "--queries", 20, "--seed", 1)
    assert picture.exists()
    short = _json(capsys, *argv, "--seconds", 5000, "--epochs", 4, "--max-vertices", 3)
    assert all(line["queries"] < 100 for line in short)
    assert main(["nasbench101", *map(str, argv), "--queries", "3"]) == 0
    assert "reinforce" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (["info", "none.tfrecord"], "none.tfrecord"),
        (["info", "."], "folder"),
        (["query", "{records}", "--hash", "xx"], "'xx'"),
        (["query", "{records}", "--matrix", "011,001,000"], "--ops"),
        (["query", "{records}", "--matrix", "012,001,000", "--ops", "a,b,c"], "zeros and ones"),
        (["query", "{records}", "--matrix", "01,001,000", "--ops", "a,b,c"], "square"),
        (["query", "{records}", "--matrix", "010,001,000", "--ops", "input,x,output"], "'x'"),
        (["search", "{records}", "--setting", "unknown"], "evolution-50-10"),
        (["search", "{records}", "--epochs", "7"], "4, 108"),
        (["search", "{records}", "--runs", "0"], "runs"),
        (["search", "{records}", "--max-vertices", "8"], "2 to 7"),
    ],
)
def test_what_cannot_be_done(
    records: Path, argv: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [each.format(records=records) for each in argv]
    assert main(["nasbench101", *given]) == FAILED
    error = capsys.readouterr().err
    assert error.startswith("keras-glove: ")
    assert text in error


@pytest.mark.parametrize("argv", [["query", "x"], ["convert"], ["search", "--runs", "many"]])
def test_misuse(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nasbench101", *argv]) == MISUSED
    assert "usage" in capsys.readouterr().err

"""What a running search shows."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from keras_glove.algorithms import Random, Sweep
from keras_glove.hyper import oneof
from keras_glove.search import Study, progress, search
from keras_glove.search.progress import Bar, Lines, Summary

SPACE = oneof([1, 2, 3])


def found() -> Study:
    return search(SPACE, float, Sweep(), progress=False)


def test_one_line_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    search(SPACE, lambda child: child / 7, Random(seed=0), 20)
    captured = capsys.readouterr()
    assert captured.out == ""
    line = r"search: 20/20 trials, best 0.42857 \(trial \d+\), \d:\d\d elapsed\n"
    assert re.fullmatch(line, captured.err)


def test_silent_if_asked(capsys: pytest.CaptureFixture[str]) -> None:
    found()
    assert capsys.readouterr() == ("", "")


def test_lines_come_by_time() -> None:
    file = io.StringIO()
    lines = Lines(Summary(found(), None), file, period=0.0)
    lines.update()
    lines.close()
    assert file.getvalue().count("search: 3 trials, best 3 (trial 2)") == 2
    rare = io.StringIO()
    Lines(Summary(found(), None), rare, period=3600.0).update()
    assert rare.getvalue() == ""


def test_bar_on_a_terminal() -> None:
    file = io.StringIO()
    bar = Bar(Summary(found(), 6), Console(file=file, force_terminal=True, width=120))
    bar.update()
    bar.close()
    assert "3/6 trials, best 3 (trial 2)" in file.getvalue()


def test_time_left_comes_from_this_run(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    study = Study()
    search(SPACE, float, Sweep(), 1, study=study, progress=False)
    summary = Summary(study, 3)
    assert summary.text() == "1/3 trials, best 1 (trial 0), 0:00 elapsed"
    search(SPACE, float, num_trials=2, study=study, progress=False)
    now = 3761.0
    assert summary.text() == "2/3 trials, best 2 (trial 1), 1:01:01 elapsed, 1:01:01 left"


def test_nothing_complete_is_said() -> None:
    assert Summary(Study(), 3).text() == "0/3 trials, none complete, 0:00 elapsed"

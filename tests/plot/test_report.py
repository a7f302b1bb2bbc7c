"""The report of a study is one page that holds all of it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from keras_glove.algorithms import Random
from keras_glove.errors import SearchError
from keras_glove.hyper import oneof
from keras_glove.search import Study, search

from .test_plot import SPACE, TWO, one, two

VOID = {"meta", "br", "img", "link"}


class Page(HTMLParser):
    """Checks that elements close, and collects identities, links and texts."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.loads: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        values = dict(attrs)
        self.ids += [values["id"]] if "id" in values else []
        self.loads += [values[key] for key in ("src", "href", "xlink:href") if key in values]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def read(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text("utf-8"))
    assert not page.open
    return page


@pytest.mark.parametrize("objective", [one, two])
def test_a_report_is_whole_and_needs_nothing_else(objective: Any, tmp_path: Path) -> None:
    record = Study("<b>widths</b>", direction=TWO if objective is two else None, seed=0)
    study = search(SPACE, objective, Random(), 20, study=record)
    page = read(study.report(tmp_path / "report.html"))
    assert len(page.ids) == len(set(page.ids))
    inside = [link for link in page.loads if not link.startswith("data:")]
    assert inside
    assert all(link[0] == "#" and link[1:] in page.ids for link in inside)
    text = "".join(page.texts)
    assert "<b>widths</b>" in text  # as text, not as an element
    for trial in study.pareto():
        assert f"trial-{trial.number}" in page.ids
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_its_table_can_be_sorted_by_numbers(tmp_path: Path) -> None:
    study = search(SPACE, one, Random(), 12, seed=0)
    source = study.report(tmp_path / "report.html").read_text("utf-8")
    table = ET.fromstring(re.search(r"<table>.*</table>", source, re.DOTALL).group())  # type: ignore[union-attr]
    head = [cell.find("button").text for cell in table.findall("./thead/tr/th")]  # type: ignore[union-attr]
    place = head.index("reward")
    sorts = [float(row[place].get("data-sort")) for row in table.findall("./tbody/tr")]  # type: ignore[arg-type]
    assert sorts == [trial.reward for trial in study.trials]


def test_failed_trials_show_their_errors(tmp_path: Path) -> None:
    def fails(child: Any, trial: Any) -> float:
        if child["width"] == 8:
            raise ValueError("<too narrow>")
        return one(child, trial)

    study = search(SPACE, fails, Random(), 12, seed=0)
    assert "ValueError: <too narrow>" in "".join(read(study.report(tmp_path / "r.html")).texts)


def test_nothing_is_written_without_a_trial_or_a_folder(tmp_path: Path) -> None:
    with pytest.raises(SearchError, match="complete trial"):
        Study().report(tmp_path / "report.html")
    study = search({"a": oneof([1, 2])}, lambda child, trial: 1.0, Random(), 2, seed=0)
    with pytest.raises(SearchError, match="a folder that exists"):
        study.report(tmp_path / "none" / "report.html")
    assert not list(tmp_path.iterdir())

"""Pictures of cells."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from keras_glove.benchmarks.nasbench101 import Cell, enumerate_cells
from tests.nasbench101 import reference

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("index", [0, 5, 90, 2531, 60_000, 423_623])
def test_each_vertex_and_edge_is_drawn_inside_the_picture(index: int) -> None:
    cell = enumerate_cells()[index]
    picture = ElementTree.fromstring(cell.draw().svg)
    boxes = picture.findall(f"{SVG}rect")
    assert [text.text for text in picture.iter(f"{SVG}text")] == list(cell.operations or ())
    assert len(picture.findall(f"{SVG}path")) == cell.num_edges
    places = {(box.get("x"), box.get("y")) for box in boxes}
    assert len(places) == cell.num_vertices
    for box in boxes:
        for side, size in (("x", "width"), ("y", "height")):
            low = float(box.get(side) or "nan")
            assert 0 <= low <= float(picture.get(size) or "nan") - float(box.get(size) or "nan")


def test_saved_and_shown_in_notebooks(tmp_path: Path) -> None:
    drawing = Cell(reference.INCEPTION, reference.INCEPTION_OPERATIONS).draw()
    drawing.save(tmp_path / "cell.svg")
    assert (tmp_path / "cell.svg").read_text() == drawing._repr_svg_() == drawing.svg
    assert drawing.dot.count("->") == 9
    assert '1 [label="conv1x1-bn-relu" shape=box]' in drawing.dot

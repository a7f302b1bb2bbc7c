"""Pictures show what the study holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from keras_glove import plot
from keras_glove.algorithms import Random
from keras_glove.errors import PolicyError, SearchError
from keras_glove.hyper import DNA, floatv, manyof, oneof
from keras_glove.search import Study, search
from keras_glove.symbolic import program

SPACE = {
    "width": oneof([8, 16, 32], name="width"),
    "noise": oneof(["a", "b"], name="noise"),
    "rate": floatv(0.0, 1.0, name="rate"),
}
TWO = {"score": "maximize", "cost": "minimize"}


def one(child: Any, trial: Any) -> float:
    return float(child["width"]) + child["rate"]


def two(child: Any, trial: Any) -> dict[str, Any]:
    broken = {"constraints": {"size": child["width"] - 16.0}}
    return {"score": child["width"] + child["rate"], "cost": float(child["width"]), **broken}


@pytest.fixture(scope="module")
def study() -> Study:
    return search(SPACE, one, Random(), 40, seed=3)


@pytest.fixture(scope="module")
def pair() -> Study:
    return search(SPACE, two, Random(), 30, study=Study(direction=TWO, seed=0))


def test_history_rises_to_the_best_value(study: Study) -> None:
    axes = plot.history(study).axes[0]
    best = axes.lines[0].get_ydata()
    assert best[-1] == study.best_value
    assert list(best) == sorted(best)
    assert len(axes.collections[0].get_offsets()) == 40


def test_history_of_less_is_better_falls() -> None:
    study = search(SPACE, one, Random(), 10, study=Study(direction="minimize", seed=1))
    best = plot.history({"random": study}).axes[0].lines[0].get_ydata()
    assert list(best) == sorted(best, reverse=True)


def test_pareto_draws_the_front_and_broken_constraints(pair: Study) -> None:
    axes = plot.pareto(pair).axes[0]
    front = [(trial.rewards["score"], trial.rewards["cost"]) for trial in pair.pareto()]
    assert list(zip(*axes.lines[0].get_data(), strict=True)) == front
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["dominated", "broke a constraint", "Pareto front"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == (
        "score (more is better)",
        "cost (less is better)",
    )


def test_importance_finds_what_matters(study: Study) -> None:
    shares = plot.effects(study)
    assert next(iter(shares)) == "width"
    assert shares["width"] > 0.95
    assert shares["noise"] < 0.1
    bars = plot.importance(study, most=2).axes[0].patches
    assert [bar.get_width() for bar in bars] == list(shares.values())[:2]


def test_parallel_has_a_line_for_each_trial(study: Study) -> None:
    axes = plot.parallel(study).axes[0]
    lines = [line for line in axes.lines if len(line.get_xdata()) == 3]
    assert len(lines) == 40
    shown = {text.get_text() for text in axes.texts}
    assert {"8", "16", "32", "a", "b"} <= shown


def test_probabilities_draws_each_value_over_epochs() -> None:
    epochs = [{"op": np.array([0.5, 0.5])}, {"op": np.array([0.8, 0.2])}]
    axes = plot.probabilities(epochs, {"op": ["conv", "pool"]}).axes[0]
    assert [line.get_label() for line in axes.lines] == ["conv", "pool"]
    assert list(axes.lines[1].get_ydata()) == [0.5, 0.2]


def test_a_tree_lights_what_was_chosen() -> None:
    inner = oneof([program(dict, a=1), program(dict, b=oneof([2, 3], name="b"))], name="outer")
    space = program(dict, x=inner, many=manyof(2, [program(list), 7, program(set)], name="many"))
    axes = plot.tree(space, DNA((1, 2, 0, None))).axes[0]
    dark = {text.get_text() for text in axes.texts if text.get_color() != "#b0b0b0"}
    pale = {text.get_text() for text in axes.texts} - dark
    assert any("dict(a=1)" in text for text in dark)
    assert any("list()" in text for text in pale)
    assert any("set()" in text for text in dark)
    assert any("oneof([2, 3]" in text for text in pale)


def test_differences_mark_both_sides() -> None:
    first, second = program(dict, a=1, b=2, c=3), program(dict, a=1, b=4, d=5)
    left, right = plot.differences(first, second).axes
    marked = [
        [t.get_text() for t in side.texts if t.get_text()[0] in "~+-"] for side in (left, right)
    ]
    assert marked == [["~ b: 2", "- c: 3"], ["~ b: 4", "+ d: 5"]]


@pytest.mark.parametrize(
    ("draw", "error"),
    [
        (lambda study, pair: plot.history(pair), SearchError),
        (lambda study, pair: plot.pareto(study), SearchError),
        (lambda study, pair: plot.importance(study, "speed"), SearchError),
        (lambda study, pair: plot.effects(Study()), SearchError),
        (lambda study, pair: plot.probabilities([]), PolicyError),
    ],
)
def test_bad_input_is_refused(draw: Any, error: type, study: Study, pair: Study) -> None:
    with pytest.raises(error, match=r"expected"):
        draw(study, pair)


def test_pictures_leave_the_settings_of_matplotlib_alone(study: Study) -> None:
    import matplotlib as mpl

    before = mpl.rcParams["axes.grid"], mpl.rcParams["legend.frameon"]
    plot.history(study)
    assert (mpl.rcParams["axes.grid"], mpl.rcParams["legend.frameon"]) == before

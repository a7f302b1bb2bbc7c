"""The loop in the user's hands."""

from __future__ import annotations

import gc
import itertools
import logging
import weakref
from typing import Any

import numpy as np
import pytest

from keras_glove.algorithms import Algorithm, Random, RegularizedEvolution, Sweep
from keras_glove.errors import AlgorithmError, FeedbackError, RewardError, SearchError, SpaceError
from keras_glove.hyper import DNA, Template, oneof, trace
from keras_glove.search import Feedback, Samples, Study, sample
from keras_glove.search.programs import may_draw
from keras_glove.search.results import Result
from keras_glove.symbolic import program


class Child:
    def __init__(self, width: int, parts: Any = None) -> None:
        if width < 0:
            raise ArithmeticError(f"no width of {width}")
        self.width = width


def space() -> Any:
    return program(Child, width=oneof([1, 2, 3]))


def shared() -> Any:
    return oneof([1, 2]) + 10 * oneof([1, 2])  # a function to trace.


@pytest.mark.parametrize(
    ("searched", "value"),
    [
        (space(), lambda child: child.width),
        ({"child": space()}, lambda child: child["child"].width),
        (Template(space()), lambda child: child.width),
        (lambda: program(Child, width=oneof([1, 2, 3])), lambda child: child.width),
        (lambda: Child(oneof([1, 2, 3])), lambda child: child.width),
        (trace(lambda: oneof([1, 2, 3])), lambda child: child),
        (oneof([1, 2, 3]), lambda child: child),
    ],
    ids=["program", "container", "template", "open function", "function", "trace", "value"],
)
def test_what_can_be_searched(searched: Any, value: Any) -> None:
    seen = []
    samples = sample(searched, Sweep())
    for child, feedback in samples:
        seen.append(value(child))
        feedback(-float(abs(seen[-1] - 2)))
    assert seen == [1, 2, 3]
    assert samples.study.best_dna == DNA([1])
    assert samples.study.best_value == 0.0


@pytest.mark.parametrize(
    "closed", [program(Child, width=3), {"a": 1}, [], 3, None, lambda: 3, Template({"a": 1})]
)
def test_a_program_without_hyper_values(closed: Any) -> None:
    with pytest.raises(SpaceError, match="hyper-value"):
        sample(closed, Random())


def test_children_are_fresh() -> None:
    samples = sample(space(), Sweep())
    children = []
    for child, feedback in itertools.chain(samples, sample(space(), Sweep())):
        children.append(child)
        feedback(0.0)
    assert len({id(child) for child in children}) == 6


def test_nothing_keeps_a_child() -> None:
    samples = sample(space(), Sweep())
    child, feedback = next(samples)
    gone = weakref.ref(child)
    feedback(1.0)
    del child
    gc.collect()
    assert gone() is None


def test_feedback_tells_what_is_asked() -> None:
    for number, (child, feedback) in enumerate(sample(space(), Sweep())):
        assert feedback.trial.number == number
        assert feedback.dna == DNA([number])
        assert feedback.program.width == child.width
        assert list(feedback.trial.decisions.values()) == [child.width]
        feedback({"reward": np.float32(0.5), "parameters": np.int64(12)})
        assert feedback.trial.reward == 0.5
        assert feedback.trial.metrics == {"parameters": 12}
        assert type(feedback.trial.metrics["parameters"]) is int


# --- order of use -------------------------------------------------------------------


def test_next_without_feedback() -> None:
    samples = sample(space(), Sweep())
    next(samples)
    _, feedback = next_after(samples, 1.0)
    with pytest.raises(FeedbackError, match="trial 1 .*2"):
        next(samples)
    feedback(1.0)  # late, but not lost.
    assert next(samples)[1].trial.number == 2


def next_after(samples: Samples, reward: float) -> tuple[Any, Feedback]:
    samples._loop.complete(samples.study.trials[-1], Result(reward))
    return next(samples)


def test_the_last_child_needs_feedback_too() -> None:
    with pytest.raises(FeedbackError, match="trial 0"):
        for _ in sample(space(), Sweep(), 1):
            pass


def test_feedback_twice() -> None:
    _, feedback = next(sample(space(), Sweep()))
    feedback(1.0)
    for again in (lambda: feedback(2.0), feedback.skip):
        with pytest.raises(FeedbackError, match="trial 0"):
            again()
    assert feedback.trial.reward == 1.0


@pytest.mark.parametrize(
    "reward",
    [float("nan"), float("-inf"), None, "0.5", True, [0.5], np.zeros(2), {"accuracy": 0.5}, {}],
    ids=repr,
)
def test_reward_that_is_none(reward: Any) -> None:
    samples = sample(space(), RegularizedEvolution(2, seed=0), 2)
    _, feedback = next(samples)
    with pytest.raises(RewardError):
        feedback(reward)
    assert feedback.trial.state == "failed"
    assert feedback.trial.error.startswith("RewardError: ")
    _, feedback = next(samples)
    feedback(-1.0)
    assert samples.study.best_trial.number == 1


def test_a_metric_that_cannot_be_kept() -> None:
    child, feedback = next(sample(space(), Sweep()))
    with pytest.raises(RewardError, match="'model'"):
        feedback({"reward": 1.0, "model": child})


def test_skipped() -> None:
    samples = sample(space(), Sweep())
    for _, feedback in samples:
        feedback.skip("too large") if feedback.trial.number else feedback(-5.0)
    assert [trial.state for trial in samples.study.trials] == ["complete", "pruned", "pruned"]
    assert samples.study.trials[1].error == "too large"
    assert samples.study.best_value == -5.0


# --- children that cannot be built --------------------------------------------------


def test_a_child_that_cannot_be_built_is_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    samples = sample(program(Child, width=oneof([1, -2, 3])), Sweep())
    with caplog.at_level(logging.WARNING, "keras_glove"):
        widths = [give(child, feedback) for child, feedback in samples]
    assert widths == [1, 3]
    failed = samples.study.trials[1]
    assert failed.state == "failed"
    assert "ArithmeticError: no width of -2" in failed.error
    assert "in __init__" in failed.traceback
    assert "trial 1 failed" in caplog.text


def give(child: Child, feedback: Feedback) -> int:
    feedback(0.0)
    return child.width


@pytest.mark.parametrize("count", [4, 5])
def test_when_all_of_the_first_cannot_be_built(count: int) -> None:
    candidates = [*range(-count, 0), 1]
    samples = sample(program(Child, width=oneof(candidates)), Sweep())
    if count < 5:
        assert next(samples)[0].width == 1
        return
    with pytest.raises(SearchError, match=r"first 5 .*\n.*width of -5(.*\n)+.*width of -1"):
        next(samples)
    assert len(samples.study.trials) == 5


# --- how long, and going on ---------------------------------------------------------


@pytest.mark.parametrize("number", [0, -1, 2.5, True, "3"])
def test_bad_number(number: Any) -> None:
    with pytest.raises(SearchError, match="at least 1"):
        sample(space(), Random(), number)


def test_number_is_the_total_of_the_study() -> None:
    study = Study(seed=0)
    for total in (4, 10, 7):
        for _, feedback in sample(space(), Random(), total, study=study):
            feedback(1.0)
    assert [trial.number for trial in study.trials] == list(range(10))


def test_an_algorithm_goes_on_with_its_study() -> None:
    whole, parts = Study(seed=1), Study(seed=1)
    algorithm = RegularizedEvolution(4, 2, seed=0)
    fill(whole, RegularizedEvolution(4, 2, seed=0), 20)
    fill(parts, algorithm, 7)
    fill(parts, algorithm, 20)
    assert [t.dna for t in whole.trials] == [t.dna for t in parts.trials]


def test_another_algorithm_learns_what_was_found() -> None:
    study = Study(seed=0, direction="minimize")
    first, second = Sweep(), RegularizedEvolution(9, 2, seed=0)
    fill(study, first, 2)
    fill(study, second, 3)
    fill(study, first, 4)  # knows its own two, and is told of the third.
    rewards = [rewards[0] for _, rewards, *_ in second.get_state()["state"]["population"]]
    assert rewards == [-0.0, -1.0, -2.0]
    assert len(study.trials) in (3, 4)
    assert len({trial.dna for trial in study.trials if trial.number != 2}) == len(study.trials) - 1


def fill(study: Study, algorithm: Algorithm, total: int) -> None:
    for _, feedback in sample(space(), algorithm, total, study=study):
        feedback(float(feedback.trial.number))


def test_study_seed_seeds_algorithms_without_one() -> None:
    runs = [Study(seed=5), Study(seed=5), Study(seed=6)]
    for study in runs:
        fill(study, Random(), 12)
    drawn = [[trial.dna for trial in study.trials] for study in runs]
    assert drawn[0] == drawn[1] != drawn[2]


def test_an_algorithm_of_another_space() -> None:
    algorithm = Random()
    sample(space(), algorithm)
    with pytest.raises(AlgorithmError, match="another space"):
        sample(oneof([1, 2]), algorithm)


def test_a_study_of_another_space() -> None:
    study = Study()
    sample(space(), Random(), study=study)
    with pytest.raises(SpaceError, match="another space"):
        sample(program(Child, width=oneof([1, 2, 4])), Random(), study=study)


def test_seed_beside_another_study() -> None:
    with pytest.raises(SearchError, match="seed=0"):
        sample(space(), Random(), study=Study(seed=0), seed=1)


def test_an_algorithm_class_instead_of_an_algorithm() -> None:
    with pytest.raises(AlgorithmError, match=r"write Random\(\.\.\.\)"):
        sample(space(), Random)  # type: ignore[arg-type]


# --- what need not be seeded ----------------------------------------------------------


def draws(width: int) -> int:
    return int(np.random.randint(10**6)) + width


def draws_nothing(width: int) -> int:
    return int(np.random.randint(10**6)) + width  # it does, to show that nothing is seeded.


draws_nothing.__draws_nothing__ = True  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("program_of", "seeds"), [(draws, True), (draws_nothing, False), (Child, True)]
)
def test_children_are_built_by_seeds_unless_they_draw_nothing(program_of: Any, seeds: bool) -> None:
    searched = [program(program_of, width=oneof([1])), program(draws_nothing, oneof([1, 2]))]
    assert may_draw(Template(searched)) is seeds
    drawn = []
    for state in (0, 1):
        np.random.seed(state)
        drawn.append(next(sample(searched, Sweep(), seed=0))[0][1])
    assert (drawn[0] == drawn[1]) is seeds

"""Searches that are broken off and gone on with, whatever the algorithm, and wherever."""

from __future__ import annotations

import random
import signal
import time
import zlib
from pathlib import Path
from typing import Any

import pytest

from keras_glove.algorithms import Random, RegularizedEvolution, Sweep
from keras_glove.errors import SearchError
from keras_glove.hyper import DNA, Template, floatv, oneof
from keras_glove.search import Study, Trial, course, sample, search
from keras_glove.testing import SPACES, AlgorithmContract
from tests.algorithms.test_contract import CONTRACTS
from tests.search import broken_off

SPACE = broken_off.SPACE


def reward(dna: DNA) -> float:
    return zlib.crc32(str(dna).encode()) / 2**32


def run(
    study: Study, contract: type[AlgorithmContract], total: int, *, stop: int | None = None
) -> None:
    """Goes on to `total` trials, or stops in the middle of number `stop`."""
    template = Template(SPACES[space_of(contract)]())
    for _, feedback in sample(template, contract().make(5), total, study=study):
        if feedback.trial.number == stop:
            return
        if reward(feedback.dna) < 0.1:
            feedback.skip()
        else:
            feedback(reward(feedback.dna))


def space_of(contract: type[AlgorithmContract]) -> str:
    return next(name for name in ("mixed", "blocks", "flat") if name in contract.spaces)


def history(study: Study) -> list[Any]:
    return [(str(trial.dna), trial.seed, trial.state, trial.value) for trial in study.trials]


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.__name__)
def test_resumed_is_uninterrupted(contract: type[AlgorithmContract], tmp_path: Path) -> None:
    whole = Study(seed=3)
    run(whole, contract, 30)
    for stop in (0, 1, 9, 23):
        study = Study("s", tmp_path / "x.db", seed=3)
        run(study, contract, 30, stop=stop)
        study.close()
    study = Study("s", tmp_path / "x.db")
    run(study, contract, 30)
    assert history(study) == history(whole)
    study.close()


def test_in_every_storage(storage: str) -> None:
    contract = next(c for c in CONTRACTS if c.__name__ == "TestRegularizedEvolution")
    whole = Study(seed=3)
    run(whole, contract, 20)
    for stop in (0, 4, 4, 13):
        study = Study("s", storage, seed=3)
        run(study, contract, 20, stop=stop)
        study.close()
    study = Study("s", storage)
    run(study, contract, 20)
    assert history(study) == history(whole)
    study.close()


def test_in_one_process_without_a_storage() -> None:
    contract = next(c for c in CONTRACTS if c.__name__ == "TestRegularizedEvolution")
    whole, parts = Study(seed=3), Study(seed=3)
    run(whole, contract, 20)
    for stop in (0, 4, 13, None):
        run(parts, contract, 20, stop=stop)
    assert history(parts) == history(whole)


def test_from_a_state_instead_of_the_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = next(c for c in CONTRACTS if c.__name__ == "TestRegularizedEvolution")
    whole = Study(seed=3)
    run(whole, contract, 30)
    study = Study("s", tmp_path / "x.db", seed=3)
    with monkeypatch.context() as patch:
        patch.setattr(course, "STATE_AFTER_S", 0.0)
        patch.setattr(course, "_STATE_FACTOR", 0.0)
        run(study, contract, 30, stop=20)
    kept = study.store.load_state(0)
    assert kept is not None
    assert kept[0] == 20
    study.close()
    repeated = []
    monkeypatch.setattr(course.Course, "_repeat", lambda self, trial: repeated.append(trial))
    study = Study("s", tmp_path / "x.db")
    run(study, contract, 30)
    assert repeated == []
    assert history(study) == history(whole)
    study.close()


def test_the_default_algorithm_goes_on(tmp_path: Path) -> None:
    space = {"x": floatv(-1.0, 1.0)}
    whole = search(space, lambda c: c["x"] ** 2, num_trials=30, seed=1, progress=False)
    for stop in (3, 12):

        def objective(child: Any, trial: Trial, stop: int = stop) -> float:
            if trial.number == stop:
                raise KeyboardInterrupt
            return child["x"] ** 2

        study = Study("s", tmp_path / "x.db", seed=1)
        with pytest.raises(KeyboardInterrupt):
            search(space, objective, num_trials=30, study=study, progress=False)
        study.close()
    study = Study("s", tmp_path / "x.db")
    # Fitted to the 30 trials that it was begun for.
    search(space, lambda c: c["x"] ** 2, num_trials=31, study=study, progress=False)
    assert history(study)[:30] == history(whole)
    study.close()


def test_a_given_algorithm_is_asked_for_again(tmp_path: Path) -> None:
    study = Study("s", tmp_path / "x.db", seed=1)
    search(oneof([1, 2]), float, Random(), 2, study=study, progress=False)
    study.close()
    study = Study("s", tmp_path / "x.db", seed=1)
    with pytest.raises(SearchError, match=r"algorithm of the study, Random\(seed=None\)"):
        search(oneof([1, 2]), float, num_trials=4, study=study, progress=False)
    study.close()


def test_an_algorithm_that_has_changed_says_so(tmp_path: Path) -> None:
    study = Study("s", tmp_path / "x.db", seed=1)
    search(SPACE, broken_off.objective, Random(), 4, study=study, progress=False)
    study.close()
    study = Study("s", tmp_path / "x.db")
    known = Random().seed([{"x": 0.5}])
    with pytest.raises(SearchError, match="as it did before"):
        search(SPACE, broken_off.objective, known, 6, study=study, progress=False)
    study.close()


def test_other_algorithms_are_told_of_all(tmp_path: Path) -> None:
    study = Study("s", tmp_path / "x.db", seed=1)
    for total in (4, 8, 12):
        for algorithm in (Random(), RegularizedEvolution(3, 2), Sweep(grid=9)):
            search(SPACE, broken_off.objective, algorithm, total, study=study, progress=False)
            total += 4
    told = [
        number
        for trial in study.trials
        if trial.course == 1
        for number in course.told_before(trial)
    ]
    assert told == list(range(max(told) + 1))
    assert len(study.courses) == 3
    study.close()


# --- really killed ------------------------------------------------------------------


@pytest.mark.slow
def test_killed_at_random_points(storage: str) -> None:
    whole = Study(seed=9)
    search(SPACE, broken_off.objective, broken_off.algorithm(), 30, study=whole, progress=False)
    rng = random.Random(1)
    for _ in range(8):
        process = broken_off.start(storage, "--trials", "30", "--seconds", "0.1")
        process.stdout.readline()  # it has begun: long enough to end a trial, not all.
        time.sleep(rng.uniform(0.15, 0.5))
        process.kill()
        process.communicate()
    process = broken_off.start(storage, "--trials", "30")
    process.communicate()
    assert process.returncode == 0
    study = Study("s", storage)
    assert history(study) == history(whole)
    study.close()


@pytest.mark.slow
def test_a_trial_that_kills_its_process_fails_at_last(tmp_path: Path) -> None:
    storage = str(tmp_path / "x.db")
    for _ in range(3):
        assert ended(storage, "--trials", "4", "--deadly", "2") == -signal.SIGKILL
    assert ended(storage, "--trials", "4", "--deadly", "2") == 0
    study = Study("s", storage)
    assert [trial.state for trial in study.trials] == ["complete", "complete", "failed", "complete"]
    assert "died in each of 3 attempts" in str(study.trials[2].error)
    study.close()


def ended(storage: str, *arguments: str) -> int:
    process = broken_off.start(storage, *arguments)
    process.communicate()
    return process.returncode

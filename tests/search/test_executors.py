"""Searches whose children are judged elsewhere."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from keras_glove.algorithms import Random, RegularizedEvolution
from keras_glove.errors import AlgorithmError, SearchError
from keras_glove.search import MedianPruner, Study, executors, search
from keras_glove.search.executors import Executor, Processes, Ray, Serial
from keras_glove.search.loop import Loop
from tests.search import working

#: Seconds after which a test hangs; where the machine is busy, a worker takes 20 to start.
LIMIT_S = 180.0 + 2.0 * working.FRAGILE_TRIALS
pytestmark = pytest.mark.usefixtures("time_limit")


@pytest.fixture(params=["serial", "processes", "ray"])
def one(request: pytest.FixtureRequest) -> Executor:
    """Each executor, running one trial at a time."""
    if request.param == "ray":
        request.getfixturevalue("ray")
    kinds = {"serial": Serial(), "processes": Processes(1), "ray": Ray(n=1)}
    return kinds[request.param]


@pytest.mark.slow
def test_each_gives_the_same_study(one: Executor, tmp_path: Path) -> None:
    def searched(executor: Executor, files: Path) -> list[Any]:
        study = Study(seed=4, files=files, pruner=MedianPruner(2))
        algorithm = RegularizedEvolution(5, 2)
        search(
            working.SPACE, working.full, algorithm, 25, study=study, progress=False,
            executor=executor,
        )  # fmt: skip
        kept = {path.parent.name: path.read_text() for t in study.trials for path in t.files
                if path.name == "log.txt"}  # fmt: skip
        assert len(kept) == 3
        rows = study.rows()
        for row in rows:
            row.pop("duration_s")
            row["metrics"].pop("pid", None)
            row["traceback"] = row["traceback"] and "in full" in row["traceback"]
        return [rows, kept]

    assert searched(one, tmp_path / "one") == searched(Serial(), tmp_path / "two")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["processes", "ray"])
def test_workers_that_die_are_replaced(kind: str, request: pytest.FixtureRequest) -> None:
    if kind == "ray":
        request.getfixturevalue("ray")
    executor = Processes(2, threads=1) if kind == "processes" else Ray(n=2)
    study = search(
        working.SPACE, working.deadly, Random(seed=0), 8, progress=False, executor=executor
    )
    states = [trial.state for trial in study.trials]
    assert states == ["complete", "failed", *["complete"] * 6]
    assert "died in each of 3 attempts" in str(study.trials[1].error)
    assert study.trials[3].attempt == 2
    alone = search(working.SPACE, working.product, Random(seed=0), 8, progress=False)
    assert [trial.dna for trial in study.trials] == [trial.dna for trial in alone.trials]


@pytest.mark.slow
def test_workers_without_room_on_the_cluster_are_not_waited_for(ray: None) -> None:
    executor = Ray(n=4, resources={"num_cpus": 2})  # there is room for one.
    study = search(
        working.SPACE, working.product, Random(seed=0), 6, progress=False, executor=executor
    )
    assert [trial.state for trial in study.trials] == ["complete"] * 6


@pytest.mark.slow
@pytest.mark.parametrize(
    ("executor", "objective", "message"),
    [
        (Ray(resources={"num_gpus": 1}, patience_s=3), working.product, "within 3 seconds.*num_g"),
        (Ray(n=1), working.Unreadable(), "could not be started by Ray.*here only"),
    ],
    ids=["no room", "no start"],
)
def test_a_cluster_that_has_no_workers(
    ray: None, executor: Executor, objective: Any, message: str, tmp_path: Path
) -> None:
    study = Study("s", tmp_path / "x.db", seed=0)
    with pytest.raises(SearchError, match=f"(?s){message}"):
        search(working.SPACE, objective, Random(), 3, study=study, progress=False,
               executor=executor)  # fmt: skip
    assert len(study.trials) == 0
    study.close()


@pytest.mark.parametrize(
    ("address", "message"),
    [
        (None, "could not be started on this machine.*timed out"),
        ("ray://h:1", "'ray://h:1' cannot"),
    ],
)
def test_a_cluster_that_does_not_start(
    address: str | None, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, left = [], []

    def init(**settings: Any) -> None:
        given.append(settings)
        raise Exception("The current node timed out during startup.")

    fake = SimpleNamespace(
        is_initialized=lambda: False, init=init, shutdown=lambda: left.append(True)
    )
    monkeypatch.setitem(sys.modules, "ray", fake)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with pytest.raises(SearchError, match=message):
        search(working.SPACE, working.product, Random(), 3, progress=False, executor=Ray(address))
    assert ("num_cpus" in given[0]) == (address is None)
    assert left == [True]


@pytest.mark.slow
def test_workers_keep_to_their_threads_and_devices() -> None:
    executor = Processes(2, threads=1, devices=[3, 5])
    study = search(working.SPACE, working.settings, Random(), 20, progress=False, executor=executor)
    found = {trial.metrics["pid"]: dict(trial.metrics) for trial in study.trials}
    assert len(found) == 2
    assert os.getpid() not in found
    assert {m["CUDA_VISIBLE_DEVICES"] for m in found.values()} == {"3", "5"}
    assert {m["TF_NUM_INTRAOP_THREADS"] for m in found.values()} == {"1"}
    assert "CUDA_VISIBLE_DEVICES" not in os.environ


@pytest.mark.slow
def test_an_interrupted_driver_leaves_its_trials_to_the_next(tmp_path: Path) -> None:
    study = Study("s", tmp_path / "x.db", seed=0)
    loop = Loop(working.SPACE, Random(), study, 20)
    with pytest.raises(KeyboardInterrupt):
        Processes(2).run(loop, working.product, working.Interrupting(5))
    left = [trial.number for trial in study.trials if trial.state == "running"]
    assert all(study.store[number].owner is None for number in left)
    study.close()
    study = Study("s", tmp_path / "x.db")
    search(working.SPACE, working.product, Random(), 20, study=study, progress=False)
    alone = search(working.SPACE, working.product, Random(), 20, seed=0, progress=False)
    assert [(t.dna, t.reward) for t in study.trials] == [(t.dna, t.reward) for t in alone.trials]
    study.close()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["processes", "ray"])
@pytest.mark.parametrize("where", ["sqlite", "postgresql"])
def test_workers_are_killed_at_random(
    kind: str, where: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    if kind == "ray":
        request.getfixturevalue("ray")
    url = request.getfixturevalue("postgresql") if where == "postgresql" else tmp_path / "x.db"
    executor = Processes(2, threads=1) if kind == "processes" else Ray(n=2)
    study = Study("s", url, seed=0)
    search(
        working.SPACE, working.fragile, RegularizedEvolution(6, 3), working.FRAGILE_TRIALS,
        study=study, progress=False, executor=executor,
    )  # fmt: skip
    study.close()
    study = Study("s", url)
    assert [trial.number for trial in study.trials] == list(range(working.FRAGILE_TRIALS))
    assert {trial.state for trial in study.trials} == {"complete"}
    assert sum(trial.attempt - 1 for trial in study.trials) >= 2  # so many were killed.
    assert study.best_value == max(trial.reward for trial in study.trials)
    for trial in study.trials:
        assert trial.reward == working.product(trial.decisions)
    study.close()


def test_what_cannot_be_sent_is_refused() -> None:
    with pytest.raises(SearchError, match="top level of a module"):
        search(working.SPACE, lambda child: 1.0, Random(), 3, progress=False, executor=Processes(1))


@pytest.mark.parametrize("executor", ["threads", None, 3, Processes])
def test_what_is_no_executor(executor: Any) -> None:
    with pytest.raises(SearchError, match="'serial', 'processes'"):
        search(working.SPACE, working.product, Random(), 3, executor=executor)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Processes(0),
        lambda: Processes(threads=0),
        lambda: Ray(n=0),
        lambda: Ray(patience_s=0),
    ],
)
def test_bad_settings(make: Any) -> None:
    with pytest.raises(AlgorithmError, match="at least 1|above 0"):
        make()


def test_names() -> None:
    assert isinstance(executors.as_executor("serial"), Serial)
    assert (
        repr(executors.as_executor("processes")) == "Processes(n=None, threads=None, devices=None)"
    )


def test_ray_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(SearchError, match=r"keras_glove\[ray\]"):
        search(working.SPACE, working.product, Random(), 3, progress=False, executor=Ray())

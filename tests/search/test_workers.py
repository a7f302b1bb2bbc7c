"""Several processes on one storage: they propose without collision, and notice their dead."""

from __future__ import annotations

import os
import random
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from keras_glove.algorithms import Random
from keras_glove.search import Study, claims, search
from keras_glove.search.claims import Claim, Owner
from keras_glove.search.ledger import MAX_ATTEMPTS
from keras_glove.search.storage import heartbeats
from tests.search import broken_off

#: For how long `test_workers_are_killed_at_random` goes on; 3 minutes before a release.
FAULT_SECONDS = float(os.environ.get("KERAS_GLOVE_TEST_FAULT_SECONDS", "20"))
#: Seconds after which a test hangs.
LIMIT_S = 180.0 + 2.0 * FAULT_SECONDS
pytestmark = pytest.mark.usefixtures("time_limit")


def check(storage: str, total: int) -> None:
    """Every trial is there once, the best is the best, and all of it can be repeated."""
    study = Study("s", storage)
    assert [trial.number for trial in study.trials] == list(range(total))
    complete = [trial for trial in study.trials if trial.state == "complete"]
    for trial in complete:
        decisions = trial.decisions
        assert trial.reward == decisions["x"] * decisions.get("z", 1.0)
        assert len(trial.intermediate) == 3
    # Whose process was killed in each of three attempts has failed, and nothing else has.
    for trial in set(study.trials) - set(complete):
        assert (trial.state, trial.attempt) == ("failed", MAX_ATTEMPTS)
        assert "died in each of 3 attempts" in str(trial.error)
    assert len(complete) >= 0.95 * total
    assert study.best_value == max(trial.reward for trial in complete)
    # One more proposal: the algorithm is brought to this point from the trials alone.
    search(
        broken_off.SPACE, broken_off.objective, broken_off.algorithm(), total + 1, study=study,
        progress=False,
    )  # fmt: skip
    study.close()


@pytest.mark.slow
def test_four_processes_make_two_hundred_trials(storage: str) -> None:
    processes = [broken_off.start(storage, "--trials", "200") for _ in range(4)]
    shares = [process.communicate()[0].count(b"\n") for process in processes]
    assert [process.returncode for process in processes] == [0] * 4  # no error reached them.
    assert sum(shares) == 200
    check(storage, 200)


@pytest.mark.slow
def test_workers_are_killed_at_random(storage: str) -> None:
    rng = random.Random(2)
    end = time.monotonic() + FAULT_SECONDS
    workers: list[subprocess.Popen[bytes]] = []
    kills = 0
    while time.monotonic() < end:
        while len(workers) < 3:
            workers.append(broken_off.start(storage, "--trials", "100000", "--seconds", "0.05"))
        victim = workers.pop(rng.randrange(len(workers)))
        if rng.random() < 0.7:  # else it may be anywhere, making tables too.
            victim.stdout.readline()
        time.sleep(rng.uniform(0.0, 0.7))
        kill(victim)
        kills += 1
    for worker in workers:
        kill(worker)
    study = Study("s", storage)
    total = len(study.trials)
    assert min(total, kills) > 3
    study.close()
    rest = broken_off.start(storage, "--trials", str(total))
    rest.communicate()
    assert rest.returncode == 0
    check(storage, total)


def kill(worker: subprocess.Popen[bytes]) -> None:
    worker.kill()
    worker.communicate()


# --- on another machine -------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("dies", [True, False])
def test_a_silent_machine_is_taken_for_dead(storage: str, dies: bool) -> None:
    arguments = ["--trials", "1", "--seconds", "4", "--machine", "another", "--patience", "1.2"]
    process = broken_off.start(storage, *arguments)
    process.stdout.readline()
    if dies:
        process.kill()
    study = Study("s", storage, seed=9, patience_s=1.2)
    here: list[int] = []
    search(
        broken_off.SPACE, lambda child, trial: here.append(trial.number) or 1.0,
        broken_off.algorithm(), 1, study=study, progress=False,
    )  # fmt: skip
    process.communicate()
    assert here == ([0] if dies else [])
    assert study.trials[0].attempt == 1 + dies
    assert study.trials[0].state == "complete"
    study.close()


def test_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(heartbeats.time, "monotonic", lambda: now)
    watch = heartbeats.Watch(10.0)
    assert not watch.is_silent(0)  # never seen.
    watch.see(0, "a")
    now = 109.0
    watch.see(0, "a")
    assert not watch.is_silent(0)
    now = 111.0
    assert watch.is_silent(0)
    watch.see(0, "b")
    assert not watch.is_silent(0)


def test_what_comes_after_the_trial_was_given_away(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    study = Study("s", tmp_path / "x.db", seed=0)
    other = Study("s", tmp_path / "x.db", seed=0)
    claimed: list[Claim] = []

    def objective(child: Any, trial: Any) -> float:
        other.refresh()
        taken = other.trials[0]
        claimed.append(Claim(taken))
        taken.owner = claimed[-1].owner
        other.store.claim(taken)
        trial.report(0, 0.5)  # not kept: it is not this one's to report.
        return 1.0

    search(broken_off.SPACE, objective, Random(), 1, study=study, progress=False)
    assert "given to another process" in caplog.text
    assert [trial.state for trial in other.trials] == ["running"]
    assert other.trials[0].intermediate == {}
    study.close()
    other.close()


# --- claims -------------------------------------------------------------------------


def test_where_a_process_is_seen() -> None:
    study = Study()
    claim = Claim(study.start(broken_off_dna()).trial)
    here = claim.owner
    assert claims.is_here(here)
    assert claims.is_gone(here) is False
    assert claims.is_gone(here._replace(machine="another")) is None
    assert claims.is_gone(here._replace(started="1")) is True  # the number is used again.
    ended = subprocess.Popen(["true"])
    ended.wait()
    assert claims.is_gone(Owner(here.machine, ended.pid, "1", 0)) is True
    parent = os.getppid()
    assert claims.is_gone(Owner(here.machine, parent, claims._start_of(parent), 0)) is False
    del claim
    assert claims.is_gone(here) is True


def broken_off_dna() -> Any:
    from keras_glove.hyper import SearchSpace

    return SearchSpace(broken_off.SPACE).first()

"""The contract that every search algorithm keeps, as tests to inherit."""

from __future__ import annotations

import copy
import functools
import importlib
import importlib.util
import inspect
import json
import os
import subprocess
import sys
import warnings
import zlib
from collections import deque
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import pytest

from keras_glove.algorithms import Algorithm
from keras_glove.errors import (
    AlgorithmError,
    FeedbackError,
    RewardError,
    SerializationError,
    SpaceError,
    StopSearch,
)
from keras_glove.hyper import DNA, SearchSpace, oneof
from keras_glove.testing.spaces import SPACES, SPECIAL_SPACES

_LENGTH = 40


class AlgorithmContract:
    """Tests of any `Algorithm`; subclass as `Test...` in a file that pytest collects.

    Implement `make`, which must give an algorithm that proposes within its first dozens
    of trials whatever it is able to (a population of 8 rather than of 100). Leave out
    of `spaces` those that the algorithm refuses by SpaceError.

    >>> from keras_glove.algorithms import Random
    >>> class TestRandom(AlgorithmContract):
    ...     def make(self, seed):
    ...         return Random(seed=seed)
    """

    #: Names of `keras_glove.testing.SPACES` to test on.
    spaces: ClassVar[tuple[str, ...]] = tuple(SPACES)

    def make(self, seed: int | None) -> Algorithm:
        """A new algorithm with this seed."""
        raise NotImplementedError(f"{type(self).__name__} must implement make(seed).")

    # --- proposals -----------------------------------------------------------------

    def test_proposals_are_valid(self, space: SearchSpace) -> None:
        """Every proposal answers its space."""
        algorithm = self.started(space)
        for dna in drive(algorithm):
            space.validate(dna)

    def test_same_seed_same_proposals(self, space: SearchSpace) -> None:
        """Two algorithms with one seed propose the same."""
        first, second = (texts(drive(self.started(space))) for _ in range(2))
        assert first == second

    def test_same_proposals_in_another_process(self, space: SearchSpace, space_name: str) -> None:
        """And so does one in a process with other string hashes."""
        elsewhere = _proposals_elsewhere(inspect.getfile(type(self)))
        here = texts(drive(self.started(space)))
        assert elsewhere[type(self).__qualname__][space_name] == here

    def test_setup_gives_the_seed_if_there_is_none(self, space: SearchSpace) -> None:
        """The seed of `setup` counts like one of its own."""
        unseeded = self.make(None)
        unseeded.setup(space, seed=3)
        assert texts(drive(unseeded)) == texts(drive(self.started(space)))

    def test_leaves_global_random_state_alone(self, space: SearchSpace) -> None:
        """Chance comes from the algorithm's own generator only."""
        before = np.random.get_state(legacy=False)
        drive(self.started(space))
        np.testing.assert_equal(np.random.get_state(legacy=False), before)

    def test_end_is_final(self, space: SearchSpace) -> None:
        """Once there is nothing left to propose, it stays so."""
        algorithm = self.started(space)
        if len(drive(algorithm)) < _LENGTH:
            with pytest.raises(StopSearch):
                algorithm.propose()

    # --- feedback ------------------------------------------------------------------

    @pytest.mark.parametrize("lag", [1, 8, _LENGTH])
    def test_feedback_may_come_late(self, space: SearchSpace, lag: int) -> None:
        """Many proposals may be open, and be settled in any order."""
        for dna in drive(self.started(space), lag=lag):
            space.validate(dna)

    @pytest.mark.parametrize("fail_every", [1, 2, 3])
    def test_trials_may_fail(self, space: SearchSpace, fail_every: int) -> None:
        """Proposals stay valid when some or all trials fail."""
        for dna in drive(self.started(space), fail_every=fail_every):
            space.validate(dna)

    def test_feedback_needs_a_proposal(self, any_space: SearchSpace) -> None:
        """A proposal is settled once."""
        algorithm = self.started(any_space)
        dna = algorithm.propose()
        algorithm.feedback(dna, 1.0)
        with pytest.raises(FeedbackError):
            algorithm.feedback(dna, 1.0)
        with pytest.raises(FeedbackError):
            algorithm.fail(dna)

    @pytest.mark.parametrize("reward", [float("nan"), float("inf"), None, "0.5", True, [0.5]])
    def test_reward_is_a_finite_number(self, any_space: SearchSpace, reward: Any) -> None:
        """Anything else is refused, and the proposal stays open."""
        algorithm = self.started(any_space)
        dna = algorithm.propose()
        with pytest.raises(RewardError):
            algorithm.feedback(dna, reward)
        algorithm.feedback(dna, 0.5)  # the proposal is still open.

    def test_takes_evaluations_made_elsewhere(self, space: SearchSpace) -> None:
        """It can be told of DNA that it did not propose."""
        algorithm = self.started(space)
        for number, dna in enumerate(space.sample(12, seed=5)):
            algorithm.observe(dna, float(number))
        for dna in drive(algorithm):
            space.validate(dna)

    def test_violations_are_taken(self, space: SearchSpace) -> None:
        """Children that broke constraints on outcomes are no reason to stop."""
        algorithm = self.started(space)
        for dna in drive(algorithm, violate_every=2):
            space.validate(dna)

    @pytest.mark.parametrize("violation", [-1.0, float("nan"), float("inf"), None, "much"])
    def test_violation_is_a_number_of_at_least_zero(
        self, any_space: SearchSpace, violation: Any
    ) -> None:
        """Anything else is refused, and the proposal stays open."""
        algorithm = self.started(any_space)
        dna = algorithm.propose()
        with pytest.raises(RewardError):
            algorithm.feedback(dna, 1.0, violation=violation)
        algorithm.feedback(dna, 1.0, violation=2.0)

    def test_lineage_names_what_was_evaluated(self, space: SearchSpace) -> None:
        """Each proposal says how it came about, and its parents are points with a reward."""
        algorithm, known = self.started(space), set[DNA]()
        for _ in range(_LENGTH):
            try:
                dna = algorithm.propose()
            except StopSearch:
                break
            how, parents = algorithm.lineage
            assert how
            assert known.issuperset(parents)
            algorithm.feedback(dna, _rewards(algorithm, dna))
            known.add(dna)

    # --- constraints and known points ------------------------------------------------

    def test_constraints_are_kept(self, space: SearchSpace) -> None:
        """What the space refuses is not proposed, but counted."""
        constrained = _Constrained.of_points(space.points)
        if not any(map(constrained.allows, space.sample(100, seed=0))):
            pytest.skip("the constraint leaves nothing of this space.")
        algorithm = self.started(constrained)
        proposed = drive(algorithm)
        assert all(map(constrained.allows, proposed))
        assert algorithm.num_proposed == len(proposed) > 0
        state = json.loads(json.dumps(algorithm.get_state()))
        resumed = self.started(constrained)
        resumed.set_state(state)
        assert resumed.num_rejected == algorithm.num_rejected
        assert resumed.num_proposed == algorithm.num_proposed

    @pytest.mark.parametrize("special", SPECIAL_SPACES)
    def test_special_spaces(self, special: str) -> None:
        """Constraints and decisions of the user's kind are searched, or refused by SpaceError."""
        space = SPECIAL_SPACES[special]()
        if special == "evolved" and not self.make(3).custom_decisions:
            with pytest.raises(SpaceError, match="a decision point of its own kind"):
                self.started(space)
            return
        proposed = drive(self.started(space), fail_every=5)
        assert all(map(space.allows, map(space.validate, proposed)))
        assert texts(proposed) == texts(drive(self.started(space), fail_every=5))
        stopped, open_proposals = self.started(space), deque[DNA]()
        drive(stopped, 12, lag=3, open_proposals=open_proposals)
        state = json.loads(json.dumps(stopped.get_state()))
        resumed = self.started(SPECIAL_SPACES[special](), seed=99)
        resumed.set_state(state)
        following = texts(drive(stopped, lag=3, open_proposals=deque(open_proposals)))
        assert texts(drive(resumed, lag=3, open_proposals=open_proposals)) == following
        assert (resumed.num_rejected, resumed.lineage) == (stopped.num_rejected, stopped.lineage)

    def test_known_points_come_first(self, space: SearchSpace) -> None:
        """What is given to `seed`, before or after `setup`, in its order; then others."""
        first, second, third = space.sample(3, seed=8)
        algorithm = self.make(3).seed([first, space.decisions(second)])
        algorithm.setup(space)
        algorithm.seed([third])
        assert drive(algorithm, 2) == [first, second]
        resumed = self.started(space)
        resumed.set_state(json.loads(json.dumps(algorithm.get_state())))
        followed = drive(resumed)
        assert followed[0] == third
        assert texts(drive(algorithm)) == texts(followed)

    # --- several objectives ----------------------------------------------------------

    def test_objectives_are_taken_or_refused(self, space: SearchSpace) -> None:
        """Several rewards from start to end, or an error at `setup`."""
        if not self.make(3).multi_objective:
            with pytest.raises(AlgorithmError, match="one objective"):
                self.make(3).setup(space, objectives=2)
            return
        algorithm = self.started(space, objectives=2)
        for dna in drive(algorithm, violate_every=3, fail_every=5):
            space.validate(dna)
        resumed = self.started(space, seed=99, objectives=2)
        resumed.set_state(json.loads(json.dumps(algorithm.get_state())))
        assert texts(drive(resumed, lag=2)) == texts(drive(algorithm, lag=2))

    @pytest.mark.parametrize("reward", [0.5, [0.5], [0.5, None], [1.0, 2.0, 3.0], "ab", {}])
    def test_rewards_are_as_many_as_objectives(self, any_space: SearchSpace, reward: Any) -> None:
        """Anything else is refused, and the proposal stays open."""
        if self.make(3).multi_objective:
            algorithm = self.started(any_space, objectives=2)
            dna = algorithm.propose()
            with pytest.raises(RewardError):
                algorithm.feedback(dna, reward)
            algorithm.feedback(dna, [0.5, 1])

    # --- state ---------------------------------------------------------------------

    @pytest.mark.parametrize("cut", [0, 5, 23])
    @pytest.mark.parametrize("lag", [0, 3])
    def test_resumed_is_uninterrupted(self, space: SearchSpace, cut: int, lag: int) -> None:
        """State through JSON into a new algorithm: the same proposals follow."""
        stopped, open_proposals = self.started(space), deque[DNA]()
        drive(stopped, cut, lag=lag, open_proposals=open_proposals)
        state = json.loads(json.dumps(stopped.get_state()))
        expected = texts(drive(stopped, lag=lag, open_proposals=deque(open_proposals)))
        resumed = self.started(space, seed=99)
        resumed.set_state(state)
        assert texts(drive(resumed, lag=lag, open_proposals=open_proposals)) == expected
        assert resumed.lineage == stopped.lineage

    @pytest.mark.parametrize("state", [None, {}, {"algorithm": "Other"}])
    def test_state_of_another_is_refused(self, any_space: SearchSpace, state: Any) -> None:
        """What is not a state of this algorithm is refused."""
        with pytest.raises(SerializationError):
            self.started(any_space).set_state(state)

    def test_state_is_a_versioned_document(self, any_space: SearchSpace) -> None:
        """It is JSON in the strict sense, and one of another version is refused."""
        algorithm = self.started(any_space)
        drive(algorithm, 12, lag=2)
        kept = algorithm.get_state()
        state = json.loads(json.dumps(kept, allow_nan=False))
        assert (state["format"], state["version"]) == ("keras_glove.algorithm", 1)
        drive(algorithm, 12)
        assert json.loads(json.dumps(kept)) == state  # what was given out does not change.
        for version in (0, 2, "1", None):
            with pytest.raises(SerializationError, match="version"):
                self.started(any_space).set_state({**state, "version": version})

    def test_damaged_state_is_refused_or_works(self, any_space: SearchSpace) -> None:
        """Whatever stands in a state: it is refused and changes nothing, or can be gone on from."""
        stopped = self.started(any_space)
        drive(stopped, 12, lag=2)
        state = json.loads(json.dumps(stopped.get_state()))
        fresh = texts(drive(self.started(any_space), 3))
        paths = list(_paths(state))
        for number, place in enumerate(np.random.default_rng(0).permutation(len(paths))[:20]):
            algorithm = self.started(any_space)
            damaged = _damaged(state, paths[place], _JUNK[number % len(_JUNK)])
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that it may go on in another way.
                try:
                    algorithm.set_state(damaged)
                except SerializationError:
                    assert texts(drive(algorithm, 3)) == fresh
                else:
                    drive(algorithm, 3)

    # --- setup ---------------------------------------------------------------------

    def test_needs_setup(self) -> None:
        """Nothing is proposed before `setup`."""
        with pytest.raises(AlgorithmError, match="setup"):
            self.make(0).propose()

    def test_refuses_a_space_without_points(self) -> None:
        """A space needs a decision."""
        with pytest.raises(SpaceError):
            self.make(0).setup(SearchSpace({"width": 8}))

    def test_keeps_to_one_space(self, any_space: SearchSpace) -> None:
        """`setup` again changes nothing, and with another space is refused."""
        algorithm = self.started(any_space)
        before = texts(drive(algorithm, 5))
        algorithm.setup(any_space)
        assert texts(drive(self.started(any_space), 10))[:5] == before
        with pytest.raises(AlgorithmError, match="another space"):
            algorithm.setup(SearchSpace([oneof(list("ab")), oneof(list("abc"))]))

    def test_repr_names_the_settings(self) -> None:
        """`repr` shows the settings and nothing that changes."""
        algorithm = self.make(7)
        assert repr(algorithm).startswith(f"{type(algorithm).__name__}(")
        assert repr(algorithm) == repr(self.make(7))

    # --- fixtures ------------------------------------------------------------------

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Runs each test that takes `space` on every space of the table."""
        if "space_name" in metafunc.fixturenames:
            metafunc.parametrize("space_name", self.spaces)

    @pytest.fixture
    def space(self, space_name: str) -> SearchSpace:
        """Each space in turn."""
        return _space(space_name)

    @pytest.fixture
    def any_space(self) -> SearchSpace:
        """One space, where more would show nothing new."""
        return _space(self.spaces[0])

    def started(self, space: SearchSpace, seed: int = 3, objectives: int = 1) -> Algorithm:
        """An algorithm that is set up."""
        algorithm = self.make(seed)
        algorithm.setup(space, objectives=objectives)
        return algorithm


def drive(
    algorithm: Algorithm,
    length: int = _LENGTH,
    *,
    lag: int = 0,
    fail_every: int | None = None,
    violate_every: int | None = None,
    open_proposals: deque[DNA] | None = None,
) -> list[DNA]:
    """Proposals of an algorithm that is told rewards drawn from the DNA itself.

    Args:
        algorithm: set up already.
        length: how many proposals, or as many as the algorithm has.
        lag: how many stay without feedback while more are proposed; they are settled out
            of order.
        fail_every: every so many of them fail; 1 for all.
        violate_every: every so many of them break constraints on outcomes.
        open_proposals: those open from before; holds those open at the end.

    """
    waiting = deque() if open_proposals is None else open_proposals
    proposed: list[DNA] = []
    for number in range(length):
        try:
            proposed.append(algorithm.propose())
        except StopSearch:
            break
        waiting.append(proposed[-1])
        if len(waiting) > lag:
            dna = waiting.pop() if _hash(waiting[0]) % 2 else waiting.popleft()
            if fail_every is not None and number % fail_every == 0:
                algorithm.fail(dna)
            else:
                broken = violate_every is not None and number % violate_every == 0
                algorithm.feedback(dna, _rewards(algorithm, dna), violation=float(broken))
    return proposed


class _Constrained(SearchSpace):
    """A space that refuses a third of its DNA."""

    def allows(self, dna: DNA) -> bool:
        return _hash(dna) % 3 != 0


def _rewards(algorithm: Algorithm, dna: DNA) -> float | list[float]:
    found = [zlib.crc32(f"{i} {dna}".encode()) / 2**32 for i in range(algorithm.objectives)]
    return found if len(found) > 1 else _hash(dna) / 2**32


_JUNK: tuple[Any, ...] = (None, -1, "x", [], {}, 10**400, float("nan"))


def _paths(data: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where anything stands in JSON, but for the whole."""
    items = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in items:
        yield (*above, key)
        if isinstance(value, dict | list):
            yield from _paths(value, (*above, key))


def _damaged(data: Any, path: tuple[Any, ...], junk: Any) -> Any:
    """A copy of JSON with something else at a path."""
    copied = copy.deepcopy(data)
    holder = functools.reduce(lambda inside, key: inside[key], path[:-1], copied)
    holder[path[-1]] = junk
    return copied


def _hash(dna: DNA) -> int:
    return zlib.crc32(str(dna).encode())


@functools.cache
def _space(name: str) -> SearchSpace:
    return SearchSpace(SPACES[name]())


@functools.cache
def _proposals_elsewhere(file: str) -> dict[str, dict[str, list[str]]]:
    """What the contracts in a test file propose in a new process, with other string hashes."""
    paths = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, "-m", __name__, file],
        env={**os.environ, "PYTHONPATH": paths, "PYTHONHASHSEED": "1234"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{file} could not be run in another process:\n{done.stderr}")
    result: dict[str, dict[str, list[str]]] = json.loads(done.stdout)
    return result


def _print_proposals(file: str) -> None:
    """Prints the proposals of all contracts in a test file; the other process runs it."""
    spec = importlib.util.spec_from_file_location("contracts_of_another_process", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    # Under -m this file runs a second time, as __main__: take the class that tests import.
    contract = importlib.import_module("keras_glove.testing.algorithms").AlgorithmContract
    found: list[Any] = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, contract) and value is not contract
    ]
    result = {
        cls.__qualname__: {name: texts(drive(cls().started(_space(name)))) for name in cls.spaces}
        for cls in found
    }
    sys.stdout.write(json.dumps(result))


def texts(proposals: list[DNA]) -> list[str]:
    """DNA as strings, which show where they differ."""
    return [str(dna) for dna in proposals]


if __name__ == "__main__":
    _print_proposals(sys.argv[1])

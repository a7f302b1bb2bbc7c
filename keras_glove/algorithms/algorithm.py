"""What every search algorithm is: it proposes DNA and learns from rewards."""

from __future__ import annotations

import abc
import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_glove.algorithms import checks
from keras_glove.errors import AlgorithmError, FeedbackError, SerializationError, SpaceError
from keras_glove.hyper import DNA, SearchSpace


class Algorithm(abc.ABC):
    """Proposes DNA for one search space and learns from their rewards.

    An algorithm sees a `SearchSpace`, never a program and never Keras. Rewards are
    always maximised; who minimises turns the sign before telling the algorithm.
    Feedback may come in any order and any number of proposals may be open at once.

    To write one, subclass, keep each constructor argument under its own name with a
    leading underscore (`repr` reads it there), and implement the hooks: `_propose`,
    usually `_setup` and `_feedback`, and for what has to survive a restart
    `_get_state` and `_set_state`. Draw random numbers from `self._rng` only: its state
    is saved with the rest. `keras_glove.testing.AlgorithmContract` tests the result.

    Args:
        seed: a non-negative integer fixes every proposal, in any process. None lets
            `setup` decide (a search hands on its own seed).

    Raises:
        AlgorithmError: for a seed that is not a non-negative integer.
    """

    def __init__(self, *, seed: int | None = None) -> None:
        if seed is not None:
            checks.integer("seed", seed, low=0)
        self._seed = seed
        self._space: SearchSpace | None = None
        self._pending: dict[DNA, int] = {}
        self._rng = np.random.default_rng(seed)

    # --- what a search calls -------------------------------------------------------

    @property
    def space(self) -> SearchSpace | None:
        """The space of `setup`, or None before it."""
        return self._space

    def setup(self, space: SearchSpace, *, seed: int | None = None) -> None:
        """Begins a search over `space`; again with an equal space it changes nothing.

        Args:
            space: the decision points to answer.
            seed: used when the algorithm was made without a seed of its own.

        Raises:
            SpaceError: if the space has no decision points, or the algorithm cannot
                search it.
            AlgorithmError: if the algorithm already searches another space.
        """
        if not isinstance(space, SearchSpace):
            raise AlgorithmError(
                f"setup expected a SearchSpace, received {type(space).__name__}; "
                "use `SearchSpace(program)`."
            )
        if not len(space):
            raise SpaceError(
                f"{type(self).__name__} expected a space with at least one decision point, "
                "received one with none; put a hyper-value such as `oneof([...])` in the program."
            )
        if self._space is not None:
            if self._space == space:
                return
            raise AlgorithmError(
                f"{self!r} already searches another space ({len(self._space)} decision points; "
                f"received one with {len(space)}); make a new algorithm for each space."
            )
        self._rng = np.random.default_rng(self._seed if self._seed is not None else seed)
        self._setup(space)
        self._space = space

    def propose(self) -> DNA:
        """The next DNA to evaluate.

        Raises:
            StopSearch: if there is nothing left to propose.
            AlgorithmError: before `setup`.
        """
        space = self._ready("propose")
        dna = self._propose()
        if not isinstance(dna, DNA) or len(dna) != len(space):
            raise AlgorithmError(
                f"{type(self).__name__}._propose must return a DNA of {len(space)} values, "
                f"returned {dna!r}."
            )
        self._pending[dna] = self._pending.get(dna, 0) + 1
        return dna

    def feedback(self, dna: DNA, reward: float) -> None:
        """Tells the reward (to be maximised) of a proposed DNA.

        Raises:
            RewardError: if the reward is not a finite number.
            FeedbackError: if the DNA was not proposed, or was already settled.
        """
        value = checks.reward(reward)
        self._settle(dna, "feedback")
        self._feedback(dna, value)

    def fail(self, dna: DNA) -> None:
        """Tells that a proposed DNA got no reward: it failed, or was pruned.

        By default nothing is learnt from it.

        Raises:
            FeedbackError: if the DNA was not proposed, or was already settled.
        """
        self._settle(dna, "fail")
        self._fail(dna)

    def observe(self, dna: DNA, reward: float) -> None:
        """Tells of an evaluation that this algorithm did not propose (a warm start).

        Raises:
            RewardError: if the reward is not a finite number.
            DNAError: if the DNA does not belong to the space.
        """
        value = checks.reward(reward)
        self._ready("observe").validate(dna)
        self._observe(dna, value)

    def get_state(self) -> dict[str, Any]:
        """All that was learnt, as JSON: a resumed algorithm proposes what this one would."""
        self._ready("get_state")
        return {
            "algorithm": type(self).__name__,
            "rng": self._rng.bit_generator.state,
            "pending": [[str(dna), count] for dna, count in self._pending.items()],
            "state": self._get_state(),
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Goes on from `get_state` of an algorithm with the same settings and space.

        Raises:
            SerializationError: if `state` is not one of this kind of algorithm.
        """
        self._ready("set_state")
        name = type(self).__name__
        if not isinstance(state, Mapping) or state.get("algorithm") != name:
            found = state.get("algorithm") if isinstance(state, Mapping) else state
            raise SerializationError(f"expected the state of {name}, received that of {found!r}.")
        try:
            self._rng.bit_generator.state = state["rng"]
            self._pending = {self._dna(text): count for text, count in state["pending"]}
            self._set_state(state["state"])
        except (KeyError, TypeError, ValueError) as error:
            raise SerializationError(
                f"the state of {name} is damaged: {type(error).__name__}: {error}; "
                "expected what get_state() returned."
            ) from error

    def __repr__(self) -> str:
        names = inspect.signature(type(self).__init__).parameters
        shown = [f"{name}={getattr(self, '_' + name)!r}" for name in names if name != "self"]
        return f"{type(self).__name__}({', '.join(shown)})"

    # --- what an algorithm implements ----------------------------------------------

    def _setup(self, space: SearchSpace) -> None:  # noqa: B027  may be left as it is.
        """Prepares for the space, which then stays in `self._space`."""

    @abc.abstractmethod
    def _propose(self) -> DNA:
        """A valid DNA, or raises StopSearch."""

    def _feedback(self, dna: DNA, reward: float) -> None:  # noqa: B027
        """Learns from a finite reward of a proposed DNA."""

    def _fail(self, dna: DNA) -> None:  # noqa: B027
        """Learns from a proposed DNA that got no reward."""

    def _observe(self, dna: DNA, reward: float) -> None:
        """Learns from a DNA that was not proposed here."""
        self._feedback(dna, reward)

    def _get_state(self) -> dict[str, Any]:
        """The JSON-able part of the state that the subclass owns."""
        return {}

    def _set_state(self, state: Mapping[str, Any]) -> None:  # noqa: B027
        """Takes what `_get_state` gave."""

    # --- helpers -------------------------------------------------------------------

    def _ready(self, method: str) -> SearchSpace:
        if self._space is None:
            raise AlgorithmError(f"{method}() was called before setup(space); call that first.")
        return self._space

    def _dna(self, text: str) -> DNA:
        """A DNA from its string in a state, checked against the space."""
        dna = DNA.from_string(text)
        self._ready("set_state").validate(dna)
        return dna

    def _settle(self, dna: DNA, method: str) -> None:
        """Takes one proposal of `dna` off the open ones."""
        self._ready(method)
        count = self._pending.get(dna, 0)
        if not count:
            raise FeedbackError(
                f"{method}() was called for a DNA with no open proposal: {dna}; give feedback "
                "once for each proposal, and use observe() for evaluations made elsewhere."
            )
        if count == 1:
            del self._pending[dna]
        else:
            self._pending[dna] = count - 1

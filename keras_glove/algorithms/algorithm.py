"""What every search algorithm is: it proposes DNA and learns from rewards."""

from __future__ import annotations

import abc
import inspect
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

import numpy as np

from keras_glove.algorithms import checks
from keras_glove.algorithms.known import to_dna
from keras_glove.algorithms.lineage import Lineage
from keras_glove.algorithms.outcomes import Outcome, Proposals
from keras_glove.errors import AlgorithmError, SearchError, SerializationError, SpaceError
from keras_glove.hyper import DNA, SearchSpace
from keras_glove.hyper.dna import check_document

#: Of the document that `get_state` gives.
FORMAT = "keras_glove.algorithm"
VERSION = 1

#: What reading a damaged document can come to.
_MALFORMED = (
    AlgorithmError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)

_Self = TypeVar("_Self", bound="Algorithm")


class Algorithm(abc.ABC):
    """Proposes DNA for one search space and learns from their rewards.

    An algorithm sees a `SearchSpace`, never a program and never Keras. Rewards are
    always maximised; who minimises turns the sign before telling the algorithm.
    Feedback may come in any order and any number of proposals may be open at once.

    **Several objectives.** `setup(space, objectives=n)` announces that every reward is a
    sequence of n numbers, all of them to be maximised, in an order that never changes;
    with n above 1 an algorithm whose `multi_objective` is false refuses. A search turns
    the signs and keeps the order (`Objectives` does it for a mapping of names).

    **Constraints** on decisions belong to the space: a draft that `space.allows` refuses
    is thrown away and the algorithm asked again, and counted in `num_rejected`.
    Constraints on outcomes (a child turned out too large) are told with the reward, as
    its `violation`.

    To write one, subclass, keep each constructor argument under its own name with a
    leading underscore (`repr` reads it there), and implement the hooks: `_propose`,
    usually `_setup` and `_feedback`, and for what has to survive a restart
    `_get_state` and `_set_state`. One that makes proposals of earlier ones tells of which
    in `self._lineage`, set by `_propose`. Draw random numbers from `self._rng` only: its state
    is saved with the rest. `keras_glove.testing.AlgorithmContract` tests the result.

    Args:
        seed: a non-negative integer fixes every proposal, in any process. None lets
            `setup` decide (a search hands on its own seed).

    Raises:
        AlgorithmError: for a seed that is not a non-negative integer.
    """

    #: How many drafts in a row the constraints of a space may refuse before `propose`
    #: gives up; None for an algorithm that comes to an end by itself.
    max_rejections: ClassVar[int | None] = 10_000

    #: How its proposals come about, where `_propose` does not say more in `self._lineage`.
    how: ClassVar[str] = "proposed"

    def __init__(self, *, seed: int | None = None) -> None:
        if seed is not None:
            checks.integer("seed", seed, low=0)
        self._seed = seed
        self._setup_seed = seed
        self._space: SearchSpace | None = None
        self._objectives = 1
        self._proposals = Proposals()
        self._seeds: deque[Any] = deque()  # DNA once there is a space.
        self._encode: Callable[[Any], DNA] | None = None
        self._num_proposed = 0
        self._num_rejected = 0
        self._lineage = Lineage(self.how)
        self._refused = 0  # drafts in a row, within one call of `propose`.
        self._rng = np.random.default_rng(seed)

    # --- what it is ----------------------------------------------------------------

    @property
    def space(self) -> SearchSpace | None:
        """The space of `setup`, or None before it."""
        return self._space

    @property
    def multi_objective(self) -> bool:
        """Whether it can search for several objectives at once."""
        return False

    @property
    def custom_decisions(self) -> bool:
        """Whether it can search spaces with decision points of the user's own kind.

        It can where it changes DNA by the methods of the space alone.
        """
        return True

    @property
    def objectives(self) -> int:
        """How many numbers a reward has: that of `setup`, 1 before it."""
        return self._objectives

    @property
    def num_proposed(self) -> int:
        """How many DNA `propose` has given out."""
        return self._num_proposed

    @property
    def num_rejected(self) -> int:
        """How many drafts the constraints of the space refused.

        The share refused is `num_rejected / (num_proposed + num_rejected)`.
        """
        return self._num_rejected

    @property
    def lineage(self) -> Lineage:
        """How the last proposal came about, and of which evaluations it was made."""
        return self._lineage

    # --- what a search calls -------------------------------------------------------

    def setup(
        self,
        space: SearchSpace,
        *,
        seed: int | None = None,
        objectives: int = 1,
        encode: Callable[[Any], DNA] | None = None,
    ) -> None:
        """Begins a search over `space`; again with an equal space it changes nothing.

        Args:
            space: the decision points to answer.
            seed: used when the algorithm was made without a seed of its own.
            objectives: how many numbers each reward has.
            encode: the DNA of a concrete program, for programs given to `seed`.

        Raises:
            SpaceError: if the space has no decision points, or the algorithm cannot
                search it, or its constraints refuse a point given to `seed`.
            DNAError: if such a point does not belong to the space.
            AlgorithmError: if the algorithm already searches another space, or knows only
                one objective.
        """
        self._check_setup(space, objectives)
        if self._space is not None:
            return
        self._setup_seed = self._seed if self._seed is not None else seed
        self._rng = np.random.default_rng(self._setup_seed)
        self._objectives = objectives
        self._encode = encode
        known = deque(to_dna(space, point, self._rng, encode) for point in self._seeds)
        self._setup(space)
        self._space, self._seeds = space, known

    def seed(self: _Self, known: Iterable[Any]) -> _Self:
        """Proposes known points first, in their order (a warm start).

        Their rewards teach like those of evaluations made elsewhere. A point that
        `observe` tells of before its turn is not proposed any more.

        Args:
            known: each a DNA; a mapping of decisions by name, as `space.decisions` gives
                them, whose missing ones are drawn; or, in a search, a concrete program.

        Returns:
            The algorithm itself: `RegularizedEvolution().seed([...])`.

        Raises:
            AlgorithmError: for what is none of these.
            DNAError: for decisions that do not belong to the space; before `setup`, which
                then raises it.
            SpaceError: for a point that the constraints of the space refuse; likewise.

        >>> from keras_glove.algorithms import Random
        >>> from keras_glove.hyper import SearchSpace, oneof
        >>> algorithm = Random(seed=0).seed([{"width": 32}])
        >>> algorithm.setup(SearchSpace({"width": oneof([8, 16, 32])}))
        >>> algorithm.propose()
        DNA((2,))
        """
        if isinstance(known, Mapping | str | DNA):
            raise AlgorithmError(f"expected a list of known points, received {known!r}.")
        points = list(known)
        if self._space is not None:
            points = [to_dna(self._space, point, self._rng, self._encode) for point in points]
        self._seeds.extend(points)
        return self

    def propose(self) -> DNA:
        """The next DNA to evaluate.

        Raises:
            StopSearch: if there is nothing left to propose.
            SearchError: if the constraints of the space refused `max_rejections` drafts in
                a row.
            AlgorithmError: before `setup`.
        """
        space = self._ready("propose")
        known = bool(self._seeds)
        if known:
            self._lineage = Lineage("seeded")
        dna: DNA = self._seeds.popleft() if known else self._draft(space)
        self._proposals.open(dna, known=known)
        self._num_proposed += 1
        return dna

    def feedback(
        self, dna: DNA, reward: float | Sequence[float], *, violation: float = 0.0
    ) -> None:
        """Tells the reward of a proposed DNA.

        Args:
            dna: an open proposal.
            reward: a number to be maximised; with several objectives a sequence of them.
            violation: how far the child broke constraints on outcomes, 0 if it kept them:
                by the rule of Deb et al. 2002 (NSGA-II, definition 1) any child that
                keeps them is better than any that does not, and of two that do not the
                smaller violation. Algorithms without such a rule learn nothing from
                children that broke them, as from failed ones.

        Raises:
            RewardError: if a reward is not a finite number, or their number is wrong, or
                the violation is negative or not finite.
            FeedbackError: if the DNA was not proposed, or was already settled.
        """
        rewards = checks.rewards(reward, self._objectives)
        broken = checks.violation(violation)
        self._ready("feedback")
        known = self._proposals.settle(dna, "feedback")
        self._learn(dna, Outcome(rewards, broken, proposed=not known))

    def fail(self, dna: DNA) -> None:
        """Tells that a proposed DNA got no reward: it failed, or was pruned.

        By default nothing is learnt from it.

        Raises:
            FeedbackError: if the DNA was not proposed, or was already settled.
        """
        self._ready("fail")
        if not self._proposals.settle(dna, "fail"):
            self._fail(dna)

    def observe(self, dna: DNA, reward: float | Sequence[float], *, violation: float = 0.0) -> None:
        """Tells of an evaluation that this algorithm did not propose (a warm start).

        Args:
            dna: of the space; its constraints may refuse it.
            reward: as for `feedback`.
            violation: as for `feedback`.

        Raises:
            RewardError: as for `feedback`.
            DNAError: if the DNA does not belong to the space.
        """
        rewards = checks.rewards(reward, self._objectives)
        broken = checks.violation(violation)
        self._ready("observe").validate(dna)
        while dna in self._seeds:
            self._seeds.remove(dna)
        self._learn(dna, Outcome(rewards, broken, proposed=False))

    def get_state(self) -> dict[str, Any]:
        """All that was learnt, as JSON: a resumed algorithm proposes what this one would.

        The page on programs tells the schema of the document.

        >>> from keras_glove.algorithms import Random
        >>> from keras_glove.hyper import SearchSpace, oneof
        >>> algorithm = Random(seed=0)
        >>> algorithm.setup(SearchSpace({"width": oneof([8, 16, 32])}))
        >>> state = algorithm.get_state()
        >>> state["format"], state["version"], state["algorithm"]
        ('keras_glove.algorithm', 1, 'Random')
        """
        self._ready("get_state")
        return {
            "format": FORMAT,
            "version": VERSION,
            "algorithm": type(self).__name__,
            "rng": self._rng.bit_generator.state,
            "objectives": self._objectives,
            "num_proposed": self._num_proposed,
            "num_rejected": self._num_rejected,
            "seeds": [str(dna) for dna in self._seeds],
            "proposals": self._proposals.to_json(),
            "state": self._get_state(),
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Goes on from `get_state` of an algorithm with the same settings and space.

        All or nothing: an algorithm that refuses a state goes on as it was.

        Raises:
            SerializationError: if `state` is not one of this kind of algorithm, is damaged or
                of a newer version, or was made for another number of objectives.
        """
        self._ready("set_state")
        self._check_state(state)
        before = self.get_state()
        try:
            self._restore(state)
        except _MALFORMED as error:
            self._restore(before)
            raise SerializationError(
                f"the state of {type(self).__name__} is damaged: {type(error).__name__}: {error}; "
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
        """A valid DNA, or raises StopSearch. Whether constraints allow it is looked at after."""

    def _feedback(self, dna: DNA, reward: float) -> None:  # noqa: B027
        """Learns from a finite reward of a proposed DNA."""

    def _fail(self, dna: DNA) -> None:  # noqa: B027
        """Learns from a proposed DNA that got no reward."""

    def _reject(self, dna: DNA) -> None:  # noqa: B027
        """Takes back a draft that the constraints refused; the next is asked for at once."""

    def _observe(self, dna: DNA, reward: float) -> None:
        """Learns from a DNA that was not proposed here."""
        self._feedback(dna, reward)

    def _learn(self, dna: DNA, outcome: Outcome) -> None:
        """Learns from any outcome; to implement where `_feedback` and `_observe` are too narrow.

        That is for several objectives, and to learn from violations.
        """
        if outcome.violation:
            if outcome.proposed:
                self._fail(dna)
        elif outcome.proposed:
            self._feedback(dna, outcome.rewards[0])
        else:
            self._observe(dna, outcome.rewards[0])

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

    def _check_setup(self, space: SearchSpace, objectives: int) -> None:
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
        if not self.custom_decisions:
            checks.no_custom_decisions(type(self).__name__, space)
        checks.integer("objectives", objectives, low=1)
        if objectives > 1 and not self.multi_objective:
            raise AlgorithmError(
                f"{type(self).__name__} expected one objective, received {objectives}; use an "
                "algorithm for several, such as `NSGA2()`, or weigh them into one number."
            )
        if self._space is None:
            return
        if self._space != space:
            raise AlgorithmError(
                f"{self!r} already searches another space ({len(self._space)} decision points; "
                f"received one with {len(space)}); make a new algorithm for each space."
            )
        if self._objectives != objectives:
            raise AlgorithmError(
                f"{self!r} already searches for {self._objectives} objective(s), received "
                f"{objectives}; make a new algorithm."
            )

    def _draft(self, space: SearchSpace) -> DNA:
        """A proposal that the constraints allow."""
        self._refused = 0
        while True:
            self._lineage = Lineage(self.how)
            dna = self._propose()
            if not isinstance(dna, DNA) or len(dna) != len(space):
                raise AlgorithmError(
                    f"{type(self).__name__}._propose must return a DNA of {len(space)} values, "
                    f"returned {dna!r}."
                )
            if space.allows(dna):
                return dna
            self._refused += 1
            self._num_rejected += 1
            self._reject(dna)
            if self._refused == self.max_rejections:
                raise SearchError(
                    f"expected a draft that the constraints of the space allow, but they refused "
                    f"{self._refused} drafts of {type(self).__name__} in a row; loosen them, or "
                    "build them into the program (conditions, fewer candidates)."
                )

    def _check_state(self, state: Any) -> None:
        document = dict(state) if isinstance(state, Mapping) else state
        check_document(document, FORMAT, VERSION, "Algorithm.get_state")
        name = type(self).__name__
        if state.get("algorithm") != name:
            raise SerializationError(
                f"expected the state of {name}, received that of {state.get('algorithm')!r}."
            )
        if state.get("objectives") != self._objectives:
            raise SerializationError(
                f"expected the state of a search for {self._objectives} objective(s), received "
                f"that of one for {state.get('objectives')!r}."
            )

    def _restore(self, state: Mapping[str, Any]) -> None:
        self._rng.bit_generator.state = state["rng"]
        self._num_proposed = checks.count("num_proposed", state["num_proposed"])
        self._num_rejected = checks.count("num_rejected", state["num_rejected"])
        self._seeds = deque(map(self._dna, state["seeds"]))
        self._proposals = Proposals.from_json(state["proposals"], self._dna)
        self._set_state(state["state"])

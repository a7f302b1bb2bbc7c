"""Every sampler of Optuna as an algorithm."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from keras_glove.algorithms import checks
from keras_glove.algorithms.algorithm import Algorithm
from keras_glove.algorithms.lineage import Lineage
from keras_glove.algorithms.outcomes import Outcome
from keras_glove.errors import AlgorithmError, StopSearch
from keras_glove.hyper import DNA, SearchSpace

if TYPE_CHECKING:
    from optuna.trial import Trial

_NAMES = ("tpe", "gp", "cmaes", "nsga2", "nsga3", "qmc", "random", "grid", "brute_force")
_REFUSALS = 32


class Optuna(Algorithm):
    """A sampler of Optuna (Akiba et al. 2019, arXiv:1907.10902) over the space.

    Each active decision is a parameter under its readable name, with its scale and step;
    a decision that is inactive is not asked for, so conditional spaces are searched as
    Optuna means them. Numbers on a reverse log scale are mirrored, log integers with a
    step are positions from 0 to 1, and slots of a `manyof` that come out invalid are
    repaired and told as they have become; `keras_glove.algorithms.optuna_study` has the
    rules. The study behind it lives in memory.

    Args:
        sampler: "tpe" (also None), "gp" (needs torch and scipy), "cmaes" (needs cmaes;
            choices are drawn at random), "nsga2", "nsga3", "qmc" (needs scipy), "random",
            "grid" (five values of each float) or "brute_force"; or a sampler class, or
            any function that takes a `seed` and gives a sampler; or a sampler, which
            keeps its own seed.
        options: further arguments for the sampler, such as `{"multivariate": True}`.
        seed: see `Algorithm`.

    Raises:
        AlgorithmError: for an unknown name, or, from `setup`, options that do not fit.
        DependencyError: if a package that the sampler needs is not installed.

    A state holds all that the sampler was asked and told, and `set_state` does it again,
    which takes as long as the sampler took. Where another version of Optuna then proposes
    something else, there is a warning, and the search goes on from what is known. That is
    also so for a sampler object without a fixed seed.

    Where the constraints of the space refuse 32 drafts in a row, random points are
    proposed, as if the sampler had. Of violations "tpe", "nsga2" and "nsga3" learn; for
    others they are failures.

    >>> from keras_glove.algorithms import Optuna
    >>> from keras_glove.hyper import SearchSpace, floatv, oneof
    >>> algorithm = Optuna("tpe", seed=0)
    >>> algorithm.setup(SearchSpace({"rate": floatv(1e-4, 1.0, scale="log")}))
    >>> best = -1.0
    >>> for _ in range(50):
    ...     dna = algorithm.propose()
    ...     algorithm.feedback(dna, -abs(dna[0] - 0.01))
    ...     best = max(best, -abs(dna[0] - 0.01))
    >>> best > -0.001
    True
    """

    how = "optuna"

    def __init__(
        self,
        sampler: Any = None,
        options: Mapping[str, Any] | None = None,
        *,
        seed: int | None = None,
    ) -> None:
        super().__init__(seed=seed)
        self._sampler = "tpe" if sampler is None else sampler
        self._options = dict(options or {})
        if isinstance(sampler, str) and sampler not in _NAMES:
            raise AlgorithmError(f"expected a sampler of {list(_NAMES)}, got {sampler!r}.")
        asked = isinstance(self._sampler, str) or callable(self._sampler)
        if not asked and not hasattr(self._sampler, "sample_relative"):
            raise AlgorithmError(
                f"expected the name of a sampler, its class, or one of them, got {sampler!r}."
            )
        if not asked and self._options:
            raise AlgorithmError("expected options with a name or class, received a sampler.")

    @property
    def multi_objective(self) -> bool:
        """True, but for "cmaes"; of samplers that were not named Optuna finds out itself."""
        return self._sampler != "cmaes"

    @property
    def custom_decisions(self) -> bool:
        return False

    def _setup(self, space: SearchSpace) -> None:
        seed = self._setup_seed
        self._begin(space, int(self._rng.integers(2**31)) if seed is None else seed)

    def _begin(self, space: SearchSpace, seed: int) -> None:
        from keras_glove.algorithms.optuna_study import OptunaStudy

        seed %= 2**32  # as far as NumPy's older generators go.
        self._study_seed = seed
        self._study = OptunaStudy(space, self._sampler, self._options, self.objectives, seed)
        self._open: dict[DNA, deque[Trial]] = {}
        self._log: list[list[Any]] = []  # all that was asked and told, for `_set_state`.

    def _propose(self) -> DNA:
        if self._study.stopped:
            raise StopSearch("the sampler has nothing left to propose.")
        if self._refused < _REFUSALS:
            return self._ask(None)
        self._lineage = Lineage("random")
        return self._ask(self._study.random())

    def _ask(self, fixed: DNA | None) -> DNA:
        dna, trial = self._study.ask(fixed)
        self._open.setdefault(dna, deque()).append(trial)
        self._log.append(["ask" if fixed is None else "fix", str(dna)])
        return dna

    def _learn(self, dna: DNA, outcome: Outcome) -> None:
        rewards, violation, proposed = outcome
        if proposed:
            self._study.tell(self._trial(dna), rewards, violation)
        else:
            self._study.add(dna, rewards, violation)
        self._log.append(["tell" if proposed else "add", str(dna), [*rewards], violation])

    def _fail(self, dna: DNA) -> None:
        self._study.fail(self._trial(dna))
        self._log.append(["fail", str(dna)])

    def _reject(self, dna: DNA) -> None:
        self._study.reject(self._trial(dna))
        self._log.append(["reject", str(dna)])

    def _trial(self, dna: DNA) -> Trial:
        """Takes off the oldest open trial of a DNA."""
        trials = self._open[dna]
        trial = trials.popleft()
        if not trials:
            del self._open[dna]
        return trial

    def _get_state(self) -> dict[str, Any]:
        return {"seed": self._study_seed, "log": list(self._log)}

    def _set_state(self, state: Mapping[str, Any]) -> None:
        self._begin(self._ready("set_state"), checks.count("seed", state["seed"]))
        same = True
        for event, text, *told in state["log"]:
            dna = self._dna(text)
            if event == "ask" and same:
                same = self._ask(None) == dna
                if not same:
                    self._forget_last()
                    self._ask(dna)
            elif event in ("ask", "fix"):
                if event == "fix":
                    self._study.random()  # was drawn then, so that the next draw is the same.
                self._ask(dna)
            elif event in ("tell", "add"):
                rewards, violation = told
                found = tuple(map(checks.reward, rewards))
                self._learn(dna, Outcome(found, checks.violation(violation), event == "tell"))
            elif event == "fail":
                self._fail(dna)
            elif event == "reject":
                self._reject(dna)
            else:
                raise ValueError(f"expected an event of a search, received {event!r}")
        if not same:
            warnings.warn(
                "the Optuna sampler did not propose again what it had proposed (another version, "
                "or a sampler without a seed); it goes on from all that is known, but not as an "
                "uninterrupted search would.",
                RuntimeWarning,
                stacklevel=2,
            )

    def _forget_last(self) -> None:
        """Ends a trial that was asked for by mistake."""
        _, text = self._log.pop()
        self._study.fail(self._open[DNA.from_string(text)].pop())

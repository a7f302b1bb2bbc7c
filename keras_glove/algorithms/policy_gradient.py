"""REINFORCE on DNA."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keras_glove.algorithms import checks
from keras_glove.algorithms.algorithm import Algorithm
from keras_glove.algorithms.heads import Heads
from keras_glove.errors import AlgorithmError
from keras_glove.hyper import DNA, SearchSpace


class PolicyGradient(Algorithm):
    """Policy gradient over independent decisions (Williams 1992, REINFORCE).

    Each decision has a softmax of its own, as in the REINFORCE of Ying et al. 2019
    (NAS-Bench-101, arXiv:1902.09635, section 4 and its code in automl/nas_benchmarks),
    whose constants are the defaults; only decisions that are active in a DNA are learnt
    from (Bender et al. 2020, TuNAS). With reward R and baseline b, an average of rewards
    that decays exponentially, without bias at the start and with R already in it:

        logits += learning_rate * (R - b) * gradient of log p(dna)

    A step moves in proportion to R - b, so rewards should vary by about 1; where they do
    not, `normalize=True` divides by their standard deviation. Numbers are learnt as
    parts of their scale. The gradient of a late reward is taken at the present logits.

    Args:
        learning_rate: above 0.
        baseline_decay: how much of the baseline is kept at each reward, from 0 below 1.
        entropy: weight of the entropy of the decisions, which keeps them open.
        bins: parts that the scale of a float, or of an int of more values, is cut into.
        normalize: divides R - b by the standard deviation of the rewards.
        seed: see `Algorithm`.

    Raises:
        AlgorithmError: for settings out of range.

    >>> from keras_glove.algorithms import PolicyGradient
    >>> from keras_glove.hyper import SearchSpace, oneof
    >>> algorithm = PolicyGradient(seed=0)
    >>> algorithm.setup(SearchSpace({"width": oneof([8, 16, 32])}))
    >>> for _ in range(300):
    ...     dna = algorithm.propose()
    ...     algorithm.feedback(dna, float(dna[0] == 1))
    >>> algorithm.probabilities()["width"][1] > 0.9
    True
    """

    how = "policy"

    def __init__(
        self,
        learning_rate: float = 0.1,
        baseline_decay: float = 0.9,
        entropy: float = 0.0,
        bins: int = 10,
        normalize: bool = False,
        *,
        seed: int | None = None,
    ) -> None:
        super().__init__(seed=seed)
        checks.positive("learning_rate", learning_rate)
        checks.integer("bins", bins, low=2)
        for name, value in {"baseline_decay": baseline_decay, "entropy": entropy}.items():
            if value != 0:
                checks.positive(name, value)
        if baseline_decay >= 1:
            raise AlgorithmError(f"expected baseline_decay below 1, got {baseline_decay!r}.")
        self._learning_rate = learning_rate
        self._baseline_decay = baseline_decay
        self._entropy = entropy
        self._bins = bins
        self._normalize = normalize

    def probabilities(self) -> dict[str, list[float]]:
        """The learnt probabilities by the name of the decision.

        Of candidates, of the values of an int, or of the parts of a scale, in their order.

        Raises:
            AlgorithmError: before `setup`.
        """
        self._ready("probabilities")
        return self._heads.probabilities()

    @property
    def custom_decisions(self) -> bool:
        return False

    def _setup(self, space: SearchSpace) -> None:
        self._heads = Heads(space, self._bins)
        self._mean = _Average(self._baseline_decay)
        self._square = _Average(self._baseline_decay)

    def _propose(self) -> DNA:
        return self._heads.draw(self._rng)

    def _feedback(self, dna: DNA, reward: float) -> None:
        self._mean.update(reward)
        self._square.update(reward * reward)
        advantage = reward - self._mean.value
        if self._normalize:
            variance = self._square.value - self._mean.value**2
            advantage = advantage / variance**0.5 if variance > 1e-12 else 0.0
        by_log_p, by_entropy = self._heads.gradient(dna)
        step = advantage * by_log_p + self._entropy * by_entropy
        self._heads.logits += self._learning_rate * step

    def _get_state(self) -> dict[str, Any]:
        return {
            "logits": self._heads.to_json(),
            "mean": [self._mean.sum, self._mean.weight],
            "square": [self._square.sum, self._square.weight],
        }

    def _set_state(self, state: Mapping[str, Any]) -> None:
        self._heads.set(state["logits"])
        self._mean.sum, self._mean.weight = map(checks.reward, state["mean"])
        self._square.sum, self._square.weight = map(checks.reward, state["square"])


class _Average:
    """An exponential moving average without the bias of its start at 0."""

    def __init__(self, decay: float) -> None:
        self._decay = decay
        self.sum = 0.0
        self.weight = 0.0

    def update(self, value: float) -> None:
        self.sum = self._decay * self.sum + (1 - self._decay) * value
        self.weight = self._decay * self.weight + (1 - self._decay)

    @property
    def value(self) -> float:
        return self.sum / self.weight

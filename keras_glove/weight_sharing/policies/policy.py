"""What every policy is: it draws architectures in the graph and learns from search batches."""

from __future__ import annotations

import abc
import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import keras
import numpy as np

from keras_glove.errors import PolicyError
from keras_glove.hyper import DNA, SearchSpace
from keras_glove.training.replicas import gradients_are_reduced
from keras_glove.weight_sharing.policies.choices import Choices

if TYPE_CHECKING:
    from keras_glove.weight_sharing.search_step import SearchStep

_Self = TypeVar("_Self", bound="Policy")


class Policy(abc.ABC):
    """Says which architecture each step of a supernet trains, and learns which are good.

    A policy works inside the train step, in the graph: it sees tensors and a `Choices`, never a
    layer. `SearchCallback` gives it to `fit`.

    To write one, subclass, keep each constructor argument under its own name with a leading
    underscore, and implement `step`; usually `_build`, which makes its variables by `add_weight`,
    and `logits`, by which the most likely child and all reports are known. `trains_only=True`
    tells that it has no opinion on architectures: the callback then searches on the trained
    supernet.

    Args:
        seed: fixes every draw. None takes that of the search.
        per_replica: whether each replica draws an architecture of its own.

    >>> from keras_glove.weight_sharing.policies import Policy
    >>> class Greedy(Policy):
    ...     def _build(self, choices):
    ...         self.scores = self.add_weight("scores", choices.shape)
    ...     def logits(self):
    ...         return self.choices.base + self.scores
    ...     def step(self, step):
    ...         draw = self.choices.draw(self.logits(), step.noise())
    ...         logs = step.train(draw.decisions)
    ...         logs["reward"] = step.judge(draw.decisions).reward
    ...         return logs
    """

    #: Whether it only trains the shared weights, and has no opinion on architectures.
    trains_only: bool = False

    #: Whether it follows gradients by decisions, which floats do not have.
    relaxes: bool = False

    def __init__(self, *, seed: int | None = None, per_replica: bool = True) -> None:
        if seed is not None and (not isinstance(seed, int) or isinstance(seed, bool) or seed < 0):
            raise PolicyError(f"Expected seed to be a non-negative integer, received {seed!r}.")
        self._seed = seed
        self._per_replica = per_replica
        self._choices: Choices | None = None
        self._weights: list[keras.Variable] = []
        self._optimizers: list[keras.optimizers.Optimizer] = []

    # --- what a search calls -------------------------------------------------------

    def setup(self, space: SearchSpace) -> None:
        """Begins a search over a space; with an equal space again it changes nothing.

        Raises:
            PolicyError: it cannot search this space, or searches another one already.
        """
        if self._choices is not None:
            if self._choices.space != space:
                raise PolicyError(
                    f"{self!r} already searches another space ({len(self._choices.space)} decision "
                    f"points; received one with {len(space)}). Make a new policy for each space."
                )
            return
        self._check(space)
        choices = Choices(space)
        self._choices = choices
        self._build(choices)

    @abc.abstractmethod
    def step(self, step: SearchStep) -> dict[str, Any]:
        """One step of weights and policy, in the graph and in replica context.

        Args:
            step: the batches, and what can be done with them.

        Returns:
            Scalars to be shown by name; those of `step.train` among them.
        """

    # --- what it knows -------------------------------------------------------------

    @property
    def choices(self) -> Choices:
        """The decisions of the space.

        Raises:
            PolicyError: before `setup`.
        """
        if self._choices is None:
            raise PolicyError(f"{type(self).__name__} was used before setup(space); call it first.")
        return self._choices

    def logits(self) -> Any:
        """The present logits, `choices.base` included: a tensor of shape `choices.shape`."""
        return self.choices.base

    def best(self) -> DNA:
        """The most likely architecture, one decision after the other."""
        return self.choices.dna(self.choices.highest(self.logits()).decisions)

    def sample(self, count: int, seed: int = 0) -> list[DNA]:
        """Architectures drawn from what it has learnt."""
        rng = np.random.default_rng(seed)
        points, values = self.choices.shape
        noise = rng.random((count, points, values + 1), dtype="float32")
        logits = self.logits()
        return [self.choices.dna(self.choices.draw(logits, one).decisions) for one in noise]

    def probabilities(self) -> dict[str, np.ndarray[Any, Any]]:
        """For each discrete decision the probabilities of its values, by its name.

        Of slots of a `manyof` as if no other slot had chosen yet.
        """
        return self.choices.by_name(self.choices.probabilities(self.logits()))

    @property
    def seed(self) -> int | None:
        """Of every draw; None for that of the search."""
        return self._seed

    @property
    def per_replica(self) -> bool:
        """Whether each replica draws an architecture of its own."""
        return self._per_replica

    # --- its variables -------------------------------------------------------------

    def add_weight(
        self, name: str, shape: Sequence[int], initializer: Any = "zeros", dtype: str = "float32"
    ) -> keras.Variable:
        """Makes a variable that is saved with the policy."""
        made = keras.Variable(
            keras.initializers.get(initializer),
            shape=tuple(shape),
            dtype=dtype,
            trainable=dtype.startswith("float"),
            name=name,
            aggregation="mean",  # replicas give it equal values; this says which one to take
        )
        self._weights.append(made)
        return made

    def add_optimizer(
        self, optimizer: keras.optimizers.Optimizer, variables: Sequence[keras.Variable]
    ) -> keras.optimizers.Optimizer:
        """Builds an optimizer whose slots are saved with the policy.

        It is to be given means over replicas, as `SearchStep.gradients` are.
        """
        optimizer.build(list(variables))
        gradients_are_reduced(optimizer)
        self._optimizers.append(optimizer)
        return optimizer

    @property
    def variables(self) -> list[keras.Variable]:
        """All that training changes, slots of optimizers included, in the order of their making."""
        return [*self._weights, *(v for one in self._optimizers for v in one.variables)]

    def get_state(self) -> dict[str, np.ndarray[Any, Any]]:
        """The values of its variables, numbered and by name; `np.savez` can hold them."""
        return {f"{i}/{v.name}": np.asarray(v.value) for i, v in enumerate(self.variables)}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Takes what `get_state` gave.

        Raises:
            PolicyError: it is the state of another policy or space. Nothing has changed then.
        """
        expected = self.get_state()
        shapes = {name: value.shape for name, value in expected.items()}
        received = {name: np.shape(value) for name, value in state.items()}
        if shapes != received:
            raise PolicyError(
                f"Expected the state of a {type(self).__name__} with variables {shapes}, received "
                f"{received}."
            )
        for variable, name in zip(self.variables, expected, strict=True):
            variable.assign(np.asarray(state[name]))

    # --- its settings --------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor by name."""
        return {name: getattr(self, f"_{name}") for name in _settings(type(self))}

    @classmethod
    def from_config(cls: type[_Self], config: Mapping[str, Any]) -> _Self:
        """A new policy with these arguments."""
        return cls(**config)

    def __repr__(self) -> str:
        signature = inspect.signature(type(self).__init__).parameters
        given = (
            f"{name}={value!r}"
            for name, value in self.get_config().items()
            if value != signature[name].default
        )
        return f"{type(self).__name__}({', '.join(given)})"

    # --- for subclasses ------------------------------------------------------------

    def _build(self, choices: Choices) -> None:  # noqa: B027
        """Makes the variables."""

    def _check(self, space: SearchSpace) -> None:
        """Refuses what it cannot search."""
        if not isinstance(space, SearchSpace) or not len(space):
            raise PolicyError(f"Expected a space with decisions, received {space!r}.")
        floats = [point.name for point in space.points if point.kind == "float"]
        if self.relaxes and floats:
            raise PolicyError(
                f"Expected decisions over finitely many values, received the floats {floats}, of "
                f"which {type(self).__name__} has no gradient. Give a list by `oneof`, or use a "
                "policy that draws, such as `UniformSampling`."
            )


def _settings(cls: type) -> list[str]:
    parameters = inspect.signature(cls.__init__).parameters  # type: ignore[misc]
    return [name for name in parameters if name != "self"]

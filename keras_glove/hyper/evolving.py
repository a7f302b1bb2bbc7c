"""`evolve`: a decision whose values are programs, each a mutation of another."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from keras_glove.errors import HyperValueError, KerasGloveError, SerializationError
from keras_glove.hyper.custom import CustomValue
from keras_glove.hyper.naming import short
from keras_glove.hyper.rules import Rule
from keras_glove.hyper.values import opened
from keras_glove.symbolic import clone, from_json, is_open, register_node_kind, to_json
from keras_glove.symbolic.recording import normalize
from keras_glove.symbolic.targets import target_of

__all__ = ["Evolve", "evolve"]

_TRIES = 100
"""How often a mutation is tried until one gives another program."""

AnyRule = Rule | Callable[[Any, np.random.Generator], Any]


@register_node_kind
class Evolve(CustomValue):
    """Programs reached from one by rules; see `evolve`."""

    program: Any
    rules: list[AnyRule]
    spread: int

    def __init__(
        self,
        program: Any,
        rules: Sequence[AnyRule],
        *,
        spread: int = 5,
        name: str | None = None,
        hints: Any = None,
    ) -> None:
        program = normalize(program)
        _check(program, rules, spread)
        plain = [target_of(rule) for rule in rules]
        super().__init__(program=program, rules=plain, spread=spread, name=name, hints=hints)
        weights = np.array([getattr(rule, "weight", 1.0) for rule in plain], dtype=np.float64)
        object.__setattr__(self, "_shares", np.cumsum(weights / weights.sum()).tolist())

    def _form(self) -> tuple[list[Any], dict[str, tuple[Any, Any]]]:
        return [self.program, self.rules], {"spread": (self.spread, 5)}

    def first(self) -> str:
        return _to_text(self.program)

    def draw(self, rng: np.random.Generator) -> str:
        text = self.first()
        for _ in range(int(rng.random() * (self.spread + 1))):
            text = self.mutate(text, rng)
        return text

    def mutate(self, text: str, rng: np.random.Generator) -> str:
        program = _from_text(text)
        for _ in range(_TRIES):
            made = self._changed(clone(program), rng)
            if made is not None:
                new = _to_text(made)
                if new != text:
                    return new
        return self.first()  # a dead end

    def _changed(self, program: Any, rng: np.random.Generator) -> Any | None:
        pick = rng.random()
        index = next((i for i, share in enumerate(self._shares) if pick < share), -1)
        rule = self.rules[index]
        made = rule.apply(program, rng) if isinstance(rule, Rule) else rule(program, rng)
        if made is not None and is_open(made):
            raise HyperValueError(
                f"evolve: expected rules to make concrete programs, received {short(made)}, which "
                "is open. Decide its hyper-values, or give it to `insert` or `replace`."
            )
        return made

    _shares: list[float]

    def decode(self, text: str) -> Any:
        return clone(_from_text(text))

    def encode(self, concrete: Any) -> str | None:
        try:
            return None if is_open(concrete) else _to_text(normalize(concrete))
        except SerializationError:
            return None

    def problem(self, text: str) -> str | None:
        try:
            _from_text(text)
        except KerasGloveError:
            return "the text of a program as `kg.to_json` writes it"
        return None

    def readable(self, text: str) -> str:
        return short(_from_text(text))


def _to_text(program: Any) -> str:
    return json.dumps(to_json(program), separators=(",", ":"))


@lru_cache(maxsize=1024)
def _from_text(text: str) -> Any:
    """The program of a text, to be copied by who changes it."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise SerializationError(f"Expected JSON, received {text[:80]!r}.") from error
    return from_json(document)


def _check(program: Any, rules: Any, spread: Any) -> None:
    if is_open(program):
        raise HyperValueError(
            f"evolve: expected a concrete program to begin with, received {short(program)}, which "
            "holds hyper-values. Decide them, or let a rule draw them."
        )
    if not isinstance(rules, (list, tuple)) or not rules:
        raise HyperValueError(f"evolve: expected a list of at least one rule, received {rules!r}.")
    for rule in rules:
        if not isinstance(rule, Rule) and not callable(rule):
            raise HyperValueError(
                "evolve: expected rules made by `insert`, `delete` and `replace`, or functions of "
                f"a program and a generator, received {rule!r}."
            )
    if isinstance(spread, bool) or not isinstance(spread, int) or spread < 0:
        raise HyperValueError(
            f"evolve: expected a spread of at least 0 (int), received {spread!r}."
        )
    try:
        _to_text(program)
    except SerializationError as error:
        raise HyperValueError(f"evolve: expected a program that can be saved. {error}") from error


def evolve(
    program: Any,
    rules: Sequence[AnyRule],
    *,
    spread: int = 5,
    name: str | None = None,
    hints: Any = None,
) -> Any:
    """Any program that rules make of one, step by step: what evolution runs over.

    A mutation takes one of the rules, by weight, and applies it once; so a child differs from its
    parent by one step, and programs may grow as far as the rules let them. The DNA holds the
    program itself, in JSON. A program that no rule can change any more is followed by the one that
    the search began with.

    Args:
      program: concrete, made of registered classes and functions: what the search begins with.
      rules: made by `insert`, `delete` and `replace`; or functions of a concrete program, which
        they may change, and of a `numpy.random.Generator`, which return the changed one, or None
        where there is nothing to change. Symbolized by `kg.symbolize` a function can be saved.
      spread: how many steps a random draw is away from `program`, at most (each number alike).
      name: what to call the decision; by default its place in the program.
      hints: JSON-able notes for algorithms and tools.

    Raises:
      HyperValueError: a program that is open or cannot be saved, or no rules.

    >>> from keras_glove.hyper import SearchSpace, delete, insert
    >>> cell = evolve(["conv"], [insert(["conv", "pool"], at_most=4), delete(str, at_least=1)])
    >>> space = SearchSpace({"cell": cell})
    >>> dna = space.first()
    >>> rng = np.random.default_rng(0)
    >>> for _ in range(3):
    ...     dna = space.mutate_point(dna, 0, rng)
    ...     print(space.decisions(dna)["cell"])
    ['pool', 'conv']
    ['pool']
    ['pool', 'pool']
    """
    return opened(Evolve(program, rules, spread=spread, name=name, hints=hints))

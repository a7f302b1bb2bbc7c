"""Define-by-run: a plain function that asks for its hyper-values while it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras_glove.errors import EncodeError, SpaceError
from keras_glove.hyper.dna import DNA
from keras_glove.hyper.matching import Left
from keras_glove.hyper.naming import short
from keras_glove.hyper.origins import recall_dna, remember_dna
from keras_glove.hyper.space import SearchSpace
from keras_glove.hyper.tracing.decisions import Answer, Key
from keras_glove.hyper.tracing.discovery import Discovery
from keras_glove.hyper.tracing.runs import Run
from keras_glove.hyper.values import HyperValue
from keras_glove.symbolic import equal, is_open
from keras_glove.symbolic.recording import normalize

__all__ = ["Traced", "trace"]

MAX_RUNS = 10_000
CHECKS = 100


class Traced:
    """A function whose hyper-values are decided while it runs; `trace` makes it.

    Used as a `Template` is: `space` holds its decisions, `materialize` runs it under a DNA.
    """

    def __init__(
        self, function: Callable[[], Any], *, max_runs: int = MAX_RUNS, checks: int = CHECKS
    ) -> None:
        self.function = function
        self._limits = {"max_runs": max_runs, "checks": checks}
        found = Discovery(function, max_runs, checks)
        self._decisions = {decision.key: decision for decision in found.decisions}
        self.space = SearchSpace.of_points(found.points)

    def materialize(self, dna: DNA) -> Any:
        """What the function returns under the decisions of a DNA, made by a run of its own.

        The outermost programs in it remember the DNA in their `__origin__`.

        Raises:
          DNAError: the DNA is of another space.
          SpaceError: the function asks for other decisions than tracing has found, or returns
            an open value.
          Exception: whatever the function raises.
        """
        self.space.validate(dna)

        def answer(key: Key, value: HyperValue, before: dict[Key, Answer]) -> Answer:
            decision = self._decisions.get(key)
            told = None if decision is None else decision.answer(dna)
            if told is None:
                raise SpaceError(_unforeseen(f"asks for {value!r}", dna))
            return told

        run = Run(answer)
        made = run.call(self.function)
        for key, decision in self._decisions.items():
            if key not in run.answers and decision.answer(dna) is not None:
                raise SpaceError(_unforeseen(f"does not ask for {decision.name!r}", dna))
        if is_open(made):
            raise SpaceError(
                f"Expected a function that returns no open value, received {short(made)}. Make "
                "hyper-values inside the function; those made before stay open."
            )
        remember_dna(made, dna, self.space)
        return made

    def encode(
        self, concrete: Any, *, preferred: DNA | None = None, left: Left | None = None
    ) -> DNA:
        """The DNA under which the function returns `concrete`.

        What `materialize` has made is known by its origin; anything else is looked for among all
        DNAs of the space, the first in the order of iteration. For the arguments see
        `Template.encode`.

        Raises:
          EncodeError: the function does not return it.
          SpaceError: the space is too large to look through.
        """
        concrete = normalize(concrete)
        origin = preferred or recall_dna(concrete)
        if origin is not None and _among(origin, left) and self._gives(origin, concrete):
            return origin
        limit = self._limits["max_runs"]
        if self.space.size > limit:
            raise SpaceError(
                f"Expected a program that `materialize` has made, or a space of at most {limit} "
                f"DNAs to look through, received {short(concrete)} and a space of "
                f"{self.space.size}. Keep the DNA beside the program."
            )
        for dna in self.space:
            if _among(dna, left) and self._gives(dna, concrete):
                return dna
        raise EncodeError(
            f"Expected a value that the function returns under some DNA, received "
            f"{short(concrete)} ({type(concrete).__name__})."
        )

    def _gives(self, dna: DNA, concrete: Any) -> bool:
        try:
            return equal(normalize(self.materialize(dna)), concrete)
        except Exception:  # answers under which the function fails make no program at all
            return False

    def __repr__(self) -> str:
        name = getattr(self.function, "__qualname__", None) or repr(self.function)
        return f"Traced({name}, {len(self.space)} decision points)"

    def __reduce__(self) -> tuple[Any, ...]:
        return (_remake, (self.function, self._limits))


def _among(dna: DNA, left: Left | None) -> bool:
    values = enumerate(dna.values)
    return left is None or all(value is None or left(place, value) for place, value in values)


def _remake(function: Callable[[], Any], limits: dict[str, int]) -> Traced:
    return Traced(function, **limits)


def _unforeseen(what: str, dna: DNA) -> str:
    return (
        f"Expected a function that asks for the decisions found by tracing, received one that "
        f"{what} under {dna}. Trace it with more `checks`, so that rare branches are met; a "
        "branch must not depend on a float or on anything that is not decided in the function."
    )


def trace(function: Callable[[], Any], *, max_runs: int = MAX_RUNS, checks: int = CHECKS) -> Traced:
    """The space and the programs of a function that calls `oneof` and the like inside.

    The function is run many times to find all its decisions and what they depend on: loops over a
    decision, branches, decisions that several others open together. A run should be cheap and
    leave nothing behind. Where it raises, that is left for the trial with those decisions.

    A decision is told by its name: asked for twice, it is one decision. One without a name is
    told by its place in the code, and named after the variable or attribute that it is assigned
    to, else after its kind; in loops with a count (`width[2]`), in helper functions with what
    their result is assigned to before it (`stem.width`).

    Args:
      function: takes no arguments (use `functools.partial` or a lambda).
      max_runs: how often the function may be run.
      checks: on how many DNAs what was found is tried: on each one of a space of this size or
        less, else on random ones.

    Raises:
      SpaceError: one name for two kinds of hyper-value, decisions that depend on a float, more
        branches than `max_runs` can follow, or a function that does not ask for the same
        decisions each time.
      Exception: whatever the function raises when all its decisions have their first value.

    >>> from keras_glove.hyper import intv, oneof
    >>> def network():
    ...     widths = [oneof([16, 32]) for _ in range(intv(1, 3, name="depth"))]
    ...     return {"widths": widths}
    >>> traced = trace(network)
    >>> [point.name for point in traced.space.points], traced.space.size
    (['depth', 'oneof[0]', 'oneof[1]', 'oneof[2]'], 14)
    >>> traced.materialize(DNA((2, 0, 1, None)))
    {'widths': [16, 32]}
    """
    return Traced(function, max_runs=max_runs, checks=checks)

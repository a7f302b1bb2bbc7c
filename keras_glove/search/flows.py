"""Flows of search: which part of a program is searched when, and inside which other search.

Each is a generator of (child, feedback), like `sample`, over the same number of children;
the line that names the flow is all that changes. They are short, so that another flow is
written by copying one. The idea is that of PyGlove (Peng et al. 2020, arXiv:2101.08809,
section 3.3); what is here called hybrid is factorized at first and separate then.

A program is split by `where` into a first part, such as the hardware, and the rest, such as
the architecture that runs on it.

>>> from keras_glove.algorithms import Random
>>> from keras_glove.hyper import oneof
>>> program = {"tile": oneof([8, 16, 32], name="tile"), "width": oneof([1, 2, 3], name="width")}
>>> for flow in (joint, separate, factorized, hybrid):
...     rewards = []
...     for child, feedback in flow(program, "tile", Random, 20, seed=0):
...         rewards.append(child["tile"] * child["width"])
...         feedback(rewards[-1])
...     print(flow.__name__, len(rewards), max(rewards))
joint 20 96
separate 20 96
factorized 20 96
hybrid 20 96
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from keras_glove.algorithms import Algorithm, Random, checks
from keras_glove.search.ledger import Direction
from keras_glove.search.sampling import Feedback, sample
from keras_glove.search.study import Study
from keras_glove.search.where import Where, hinted
from keras_glove.symbolic import is_open

__all__ = ["factorized", "hinted", "hybrid", "joint", "separate"]

#: Makes an algorithm; each search of a flow needs its own.
MakeAlgorithm = Callable[[], Algorithm]
Flow = Iterator[tuple[Any, Feedback]]


def joint(
    program: Any,
    where: Where,
    algorithm: MakeAlgorithm,
    num_examples: int,
    *,
    direction: Direction = "maximize",
    seed: int | None = None,
) -> Flow:
    """Searches both parts at once.

    Args:
        program: a program or a container with hyper-values.
        where: the first part; see `sample`. It has no meaning here.
        algorithm: makes an algorithm, such as `Random` or `lambda: NSGA2(20)`.
        num_examples: how many children to draw.
        direction: whether larger or smaller rewards are better.
        seed: fixes all that is drawn.

    Yields:
        (child, feedback), each of which needs feedback before the next.
    """
    study = Study(direction=direction, seed=seed)
    yield from sample(program, algorithm(), num_examples, study=study)


def separate(
    program: Any,
    where: Where,
    algorithm: MakeAlgorithm,
    num_examples: int,
    *,
    direction: Direction = "maximize",
    seed: int | None = None,
) -> Flow:
    """Searches the first part, then the rest for the best first part.

    Half of the children go to each. In the first half the rest is drawn at random anew for
    each child. Arguments and what is yielded are those of `joint`.
    """
    first = Study(direction=direction, seed=seed)
    half = max(1, num_examples // 2)
    for partial, outer in sample(program, algorithm(), half, where=where, study=first):
        inner = Study(direction=direction, seed=outer.trial.seed)
        yield from _inside(partial, outer, Random(), 1, inner)
    yield from _rest(first, algorithm, num_examples - half, direction)


def factorized(
    program: Any,
    where: Where,
    algorithm: MakeAlgorithm,
    num_examples: int,
    *,
    inner: int | None = None,
    direction: Direction = "maximize",
    seed: int | None = None,
) -> Flow:
    """Searches the rest anew for each choice of the first part, which has the best as its reward.

    Arguments and what is yielded are those of `joint`, and:

    Args:
        inner: how many children to draw for each choice of the first part; None for about
            the square root of all.
    """
    yield from _factorized(Study(direction=direction, seed=seed), program, where, algorithm,
                           num_examples, _inner(inner, num_examples), direction)  # fmt: skip


def hybrid(
    program: Any,
    where: Where,
    algorithm: MakeAlgorithm,
    num_examples: int,
    *,
    inner: int | None = None,
    direction: Direction = "maximize",
    seed: int | None = None,
) -> Flow:
    """Factorized for half of the children, then the rest for the best first part found.

    Arguments and what is yielded are those of `factorized`.
    """
    first = Study(direction=direction, seed=seed)
    half = max(1, num_examples // 2)
    per_choice = _inner(inner, half)
    yield from _factorized(first, program, where, algorithm, half, per_choice, direction)
    yield from _rest(first, algorithm, num_examples - half, direction)


def _factorized(
    outer_study: Study,
    program: Any,
    where: Where,
    algorithm: MakeAlgorithm,
    num_examples: int,
    inner: int,
    direction: Direction,
) -> Flow:
    left = num_examples
    for partial, outer in sample(program, algorithm(), where=where, study=outer_study):
        study = Study(direction=direction, seed=outer.trial.seed)
        yield from _inside(partial, outer, algorithm(), min(inner, left), study)
        left -= max(1, len(study.trials))
        if left <= 0:
            return


def _inside(
    partial: Any, outer: Feedback, algorithm: Algorithm, num_examples: int, study: Study
) -> Flow:
    """Searches what a first part leaves open, and rewards that by the best."""
    if not is_open(partial):  # nothing is left: a conditional part was not chosen.
        yield partial, outer
        return
    yield from sample(partial, algorithm, num_examples, study=study)
    best = study.best_or_none
    if best is None:
        outer.skip("no trial of the rest was complete")
    else:
        outer(best.reward)


def _rest(first: Study, algorithm: MakeAlgorithm, num_examples: int, direction: Direction) -> Flow:
    """Searches what the best first part leaves open."""
    partial = first.best_program
    if num_examples > 0 and is_open(partial):
        study = Study(direction=direction, seed=first.trial_seed(len(first.trials)))
        yield from sample(partial, algorithm(), num_examples, study=study)


def _inner(inner: int | None, num_examples: int) -> int:
    if inner is None:
        return max(1, round(math.sqrt(num_examples)))
    checks.integer("inner", inner, low=1)
    return inner

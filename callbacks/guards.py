"""Warnings of searches that go wrong without an error."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from keras_glove.callbacks.costs import Cost
from keras_glove.hyper import DNA
from keras_glove.weight_sharing.supernet import sharing_of
from keras_glove.weight_sharing.switch import Switch

__all__ = ["SearchWarning", "warn_of_collapse", "warn_of_constant_reward", "warn_of_entropy"]
__all__ += ["warn_of_target"]

EMPTY_SHARE = 0.75
"""From this share of choices on that have no parameters a search has collapsed."""

ENTROPY_SHARE = 0.95
"""Of the greatest entropy; a policy that is still above has learnt next to nothing."""


FEW_STEPS = 100
"""After fewer nobody expects a policy to have learnt."""


class SearchWarning(UserWarning):
    """A search goes on, but its result will hardly be of use."""


def warn_of_target(cost: Cost, target: float, shape: str) -> None:
    """Warns if no architecture comes near the target, or the target asks for nothing."""
    low, high = cost.range()
    if target < low or (target > high and shape == "absolute"):
        _warn(
            f"the target of {target:,.0f} {cost.name} is out of reach: architectures of this space "
            f"have {low:,.0f} to {high:,.0f}. Give a target in between, or widen the space."
        )
    elif target > high:
        _warn(
            f"the target of {target:,.0f} {cost.name} asks for nothing: architectures of this "
            f"space have {high:,.0f} at most. Give a smaller one, or leave cost out."
        )


def warn_of_constant_reward(change: float | None, epoch: int) -> None:
    """Warns if all rewards of an epoch were the same, by how much they changed between steps."""
    if change == 0:
        _warn(
            f"the rewards of epoch {epoch + 1} are all the same, so that nothing can be learnt "
            "from them. Train the weights first (`warm_up`), reward what moves sooner (the loss), "
            "or take larger search batches."
        )


def warn_of_entropy(probabilities: Mapping[str, Any], steps: int) -> None:
    """Warns if a policy is still as good as uniform after so many steps of learning."""
    if steps < FEW_STEPS or not probabilities:
        return
    entropies = [(_entropy(row), math.log(len(row))) for row in probabilities.values()]
    total, greatest = (sum(column) for column in zip(*entropies, strict=True))
    if greatest and total > ENTROPY_SHARE * greatest:
        _warn(
            f"the entropy of the policy did not fall: it is {total:.2f} of at most {greatest:.2f} "
            "nats, so the architecture found is as good as a random one. Search for more epochs, "
            "learn faster (the policy's learning rate), or reward what tells architectures apart."
        )


def warn_of_collapse(model: Any, dna: DNA) -> None:
    """Warns if an architecture nearly always takes what has no parameters where it could have."""
    empty = list(_empty_choices(model, dna))
    if len(empty) >= 3 and np.mean(empty) >= EMPTY_SHARE:
        _warn(
            f"the architecture has collapsed: {sum(empty)} of {len(empty)} choices took a "
            "candidate without parameters (skipping, pooling). Such are learnt first: warm up "
            "longer, sample paths (`Reinforce`) in place of mixing them (`DARTS`), or set a target "
            "for the cost."
        )


def _empty_choices(model: Any, dna: DNA) -> Iterator[bool]:
    """For each choice among candidates with and without parameters whether it took one without."""
    sharing = sharing_of(model)
    decided = sharing.codec.arrays(dna)[0].tolist()
    for layer in model._flatten_layers():
        if not isinstance(layer, Switch):
            continue
        if any(dna.values[point] is None for point in layer.selector.points):
            continue
        empty = [
            branch is None or not getattr(branch, "weights", None) for branch in layer.branches
        ]
        if any(empty) and not all(empty):
            yield empty[int(layer.selector.at(decided))]


def _entropy(row: Any) -> float:
    shares = np.asarray(row, "float64")
    shares = shares[shares > 0]
    return float(-(shares * np.log(shares)).sum())


def _warn(message: str) -> None:
    warnings.warn(f"SearchCallback: {message}", SearchWarning, stacklevel=2)

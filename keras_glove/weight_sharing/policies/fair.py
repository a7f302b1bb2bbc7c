"""FairNAS: every candidate is trained equally often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras import ops

from keras_glove.errors import PolicyError
from keras_glove.weight_sharing.policies.choices import LOWEST, Choices, Draw
from keras_glove.weight_sharing.policies.policy import Policy

if TYPE_CHECKING:
    from keras_glove.weight_sharing.search_step import SearchStep

MOST_PATHS = 64
"""More architectures in one step are taken for a mistake."""


class FairNAS(Policy):
    """Trains every candidate of every decision equally often (Chu et al. 2021, FairNAS).

    Each step draws a permutation of the candidates of each decision; the k-th architecture takes
    the k-th of each (strict fairness, algorithm 1). Their gradients are
    summed up, and the weights updated once. It learns nothing of architectures.

    Decisions differ in how many candidates they have, which the paper does not treat. Here a step
    trains `paths` architectures; a decision of n candidates goes through permutation after
    permutation, so each candidate is used `paths // n` times, or once more. Slots of a `manyof`
    with `distinct` go through one permutation, each one place further. A decision below another is
    fair among the architectures in which it is active.

    Args:
        paths: architectures per step; by default as many as the choice with most candidates has.
        seed, per_replica: see `Policy`.

    Raises:
        PolicyError: `paths` is no number from 1 to 64; or, at `setup`, would be above it.

    >>> FairNAS(paths=4)
    FairNAS(paths=4)
    """

    trains_only = True

    def __init__(
        self, paths: int | None = None, *, seed: int | None = None, per_replica: bool = True
    ) -> None:
        super().__init__(seed=seed, per_replica=per_replica)
        self._paths = paths
        if paths is not None:
            _require_few(paths)

    def _build(self, choices: Choices) -> None:
        kinds = [point.kind for point in choices.space.points]
        sizes = list(zip(kinds, choices.columns, strict=True))
        of_choices = [size for kind, size in sizes if kind == "categorical"]
        self._count = self._paths or max(of_choices or choices.columns)
        _require_few(self._count)

    def step(self, step: SearchStep) -> dict[str, Any]:
        return step.train_together([draw.decisions for draw in self.draws(step)])

    def draws(self, step: SearchStep) -> list[Draw]:
        """The architectures of a step."""
        rows = self._rows(step)
        places = step.uniform((self._count, self.choices.shape[0]), stream=1)
        return [
            self.choices.drawn(ops.stack([row[path] for row in rows]), places=places[path])
            for path in range(self._count)
        ]

    def _rows(self, step: SearchStep) -> list[Any]:
        """For each decision its column in each architecture."""
        points, columns = self.choices.shape
        rounds = -(-self._count // min(self.choices.columns))
        noise = step.uniform((points, rounds, columns))
        order = ops.argsort(ops.where(self.choices.base[:, None] > LOWEST, noise, 2.0), axis=-1)
        order = ops.cast(order, "int32")
        rows: list[Any] = []
        for point, count in zip(self.choices.space.points, self.choices.columns, strict=True):
            group = point.group
            if group is None or not (group.distinct or group.sorted):
                rows.append(self._sequence(order[point.index], count))
                continue
            first, slot = group.indices[0], point.index - group.indices[0]
            # One permutation for all slots would be one candidate for all: each is one further.
            source = first if group.distinct else point.index
            shifted = ops.roll(self._whole(order[source], count), -slot if group.distinct else 0, 1)
            rows.append(ops.reshape(shifted, (-1,))[: self._count])
        return self._sorted(rows)

    def _whole(self, order: Any, count: int) -> Any:
        return order[: -(-self._count // count), :count]

    def _sequence(self, order: Any, count: int) -> Any:
        return ops.reshape(self._whole(order, count), (-1,))[: self._count]

    def _sorted(self, rows: list[Any]) -> list[Any]:
        for point in self.choices.space.points:
            group = point.group
            if group is not None and group.sorted and point.index == group.indices[0]:
                ordered = ops.sort(ops.stack([rows[i] for i in group.indices]), axis=0)
                for place, index in enumerate(group.indices):
                    rows[index] = ordered[place]
        return rows


def _require_few(paths: Any) -> None:
    if isinstance(paths, bool) or not isinstance(paths, int) or not 1 <= paths <= MOST_PATHS:
        raise PolicyError(
            f"Expected from 1 to {MOST_PATHS} architectures per step, received {paths!r}. Give "
            "FairNAS fewer `paths`."
        )

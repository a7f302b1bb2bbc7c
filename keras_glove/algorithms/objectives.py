"""Several objectives at once: dominance, fronts, crowding and hypervolume.

Rewards are rows of numbers, shape `(points, objectives)`, all of them to be maximised;
`Objectives` turns a mapping of names into such a row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_glove.algorithms import checks
from keras_glove.errors import AlgorithmError, RewardError

__all__ = [
    "Objectives",
    "crowding_distance",
    "dominates",
    "hypervolume",
    "non_dominated_sort",
    "pareto_front",
]

_Array = np.ndarray[Any, np.dtype[np.float64]]
_SIGNS = {"maximize": 1.0, "minimize": -1.0}


class Objectives:
    """Names and directions of several objectives, and the order that they have in a row.

    Args:
        directions: for each name "maximize" or "minimize".

    Raises:
        AlgorithmError: for an unknown direction, or without any name.

    >>> objectives = Objectives({"accuracy": "maximize", "parameters": "minimize"})
    >>> objectives.rewards({"parameters": 1000, "accuracy": 0.9})
    (0.9, -1000.0)
    >>> objectives.values((0.9, -1000.0))
    {'accuracy': 0.9, 'parameters': 1000.0}
    """

    def __init__(self, directions: Mapping[str, str]) -> None:
        if not isinstance(directions, Mapping) or not directions:
            raise AlgorithmError(
                "expected a mapping of objectives such as {'accuracy': 'maximize'}, received "
                f"{directions!r}."
            )
        for name, direction in directions.items():
            if direction not in _SIGNS:
                raise AlgorithmError(
                    f"expected the direction of {name!r} to be 'maximize' or 'minimize', received "
                    f"{direction!r}."
                )
        self.directions = dict(directions)

    def __len__(self) -> int:
        return len(self.directions)

    def __repr__(self) -> str:
        return f"Objectives({self.directions!r})"

    def rewards(self, values: Mapping[str, Any]) -> tuple[float, ...]:
        """The row for these values, all to be maximised; other names are left out.

        Raises:
            RewardError: if a value is missing, or not a finite number.
        """
        missing = [name for name in self.directions if name not in values]
        if missing:
            raise RewardError(
                f"expected a value for each of {list(self.directions)}, received none for "
                f"{missing[0]!r}."
            )
        return tuple(
            _SIGNS[direction] * checks.reward(values[name])
            for name, direction in self.directions.items()
        )

    def values(self, rewards: Sequence[float]) -> dict[str, float]:
        """The values by name, with their own signs, of a row."""
        pairs = zip(self.directions.items(), rewards, strict=True)
        return {name: _SIGNS[direction] * reward for (name, direction), reward in pairs}


def dominates(a: Sequence[float], b: Sequence[float]) -> bool:
    """Whether `a` is nowhere worse than `b` and somewhere better.

    >>> dominates((1, 2), (1, 1)), dominates((1, 2), (2, 1)), dominates((1, 2), (1, 2))
    (True, False, False)
    """
    return all(x >= y for x, y in zip(a, b, strict=True)) and tuple(a) != tuple(b)


def non_dominated_sort(rewards: Any, violations: Sequence[float] | None = None) -> list[list[int]]:
    """Sorts points into fronts, the best first; each front in the order of its indices.

    No point of a front is dominated by one of the same or of a later front (Deb et al.
    2002, section III-A). Computed by the sequential search of Zhang et al. 2015 (ENS-BS).

    Args:
        rewards: shape `(points, objectives)`.
        violations: for each point how far it breaks the constraints; 0 if it keeps them.
            Points that break them come after all others, the smaller violation first
            (constrained domination, definition 1 of Deb et al. 2002).

    Raises:
        RewardError: if an entry is not finite, or the shapes do not fit.

    >>> non_dominated_sort([(1, 4), (2, 2), (4, 1), (1, 1)])
    [[0, 1, 2], [3]]
    >>> non_dominated_sort([(1, 1), (2, 2), (3, 3)], violations=[0, 0, 5])
    [[1], [0], [2]]
    """
    table = _table(rewards)
    broken = _violations(violations, len(table))
    kept = np.flatnonzero(broken == 0)
    fronts = [sorted(kept[front].tolist()) for front in _fronts(table[kept])]
    for violation in np.unique(broken[broken > 0]):
        fronts.append(np.flatnonzero(broken == violation).tolist())
    return fronts


def pareto_front(rewards: Any, violations: Sequence[float] | None = None) -> list[int]:
    """The indices of the points that no other dominates; among equals all.

    Points that break constraints are never on it. Arguments as for `non_dominated_sort`.

    >>> pareto_front([(1, 4), (2, 2), (4, 1), (1, 1)])
    [0, 1, 2]
    """
    table = _table(rewards)
    kept = np.flatnonzero(_violations(violations, len(table)) == 0)
    found: list[int] = kept[_first_front(table[kept])].tolist()
    return sorted(found)


def crowding_distance(rewards: Any) -> _Array:
    """How lonely each point of a front is (Deb et al. 2002, section III-B), shape `(points,)`.

    Infinite for the extremes of each objective; for others the sum over the objectives of
    the distance between the two neighbours, as a fraction of the range of the front.

    >>> crowding_distance([(0, 4), (1, 3), (4, 0)]).tolist()
    [inf, 2.0, inf]
    """
    table = _table(rewards)
    distance = np.zeros(len(table))
    for column in table.T:
        order = np.argsort(column, kind="stable")
        ordered = column[order]
        spread = ordered[-1] - ordered[0] if len(order) else 0.0
        if spread > 0:  # else the objective tells nothing apart.
            distance[order[[0, -1]]] = np.inf
            distance[order[1:-1]] += (ordered[2:] - ordered[:-2]) / spread
    return distance


def hypervolume(rewards: Any, reference: Sequence[float]) -> float:
    """The volume that the points dominate, down to `reference`; exact for any number.

    By exclusive volumes with slicing (While et al. 2012, "A fast way of calculating exact
    hypervolumes", equation 4): points in falling order of the last objective each add
    their own box less what the points before them take of it, which is a hypervolume of
    one dimension less.

    Args:
        rewards: shape `(points, objectives)`; points that are not better than the
            reference in every objective add nothing.
        reference: a poor value of each objective, shape `(objectives,)`.

    Raises:
        RewardError: if an entry is not finite, or the shapes do not fit.

    >>> hypervolume([(1, 3), (2, 2), (3, 1)], reference=(0, 0))
    6.0
    """
    table, corner = _table(rewards), _table([reference])[0]
    if not len(table):
        return 0.0
    if len(corner) != table.shape[1]:
        raise RewardError(
            f"expected a reference of {table.shape[1]} numbers, received {len(corner)}."
        )
    return _volume(table[(table > corner).all(axis=1)] - corner)


def _volume(points: _Array) -> float:
    """The volume above the origin."""
    if not len(points):
        return 0.0
    if points.shape[1] == 1:
        return float(points.max())
    points = points[np.argsort(-points[:, -1], kind="stable")]
    if points.shape[1] == 2:
        reached = np.maximum.accumulate(points[:, 0])
        steps = np.diff(reached, prepend=0.0)
        return float(steps @ points[:, 1])
    points = points[sorted(_first_front(points))]
    boxes = points[:, :-1].prod(axis=1)
    return float(
        sum(
            point[-1] * (box - _volume(np.minimum(points[:k, :-1], point[:-1])))
            for k, (point, box) in enumerate(zip(points, boxes, strict=True))
        )
    )


def _fronts(table: _Array) -> list[list[int]]:
    """Fronts of indices; a point is only ever dominated by one that sorts before it."""
    fronts: list[list[int]] = []
    rows: list[_Array] = []  # of each front, with room to grow.
    for index in np.lexsort(-table.T[::-1]).tolist():
        low, high = 0, len(fronts)
        while low < high:  # the first front without a point that dominates it.
            middle = (low + high) // 2
            if _dominated(table[index], rows[middle][: len(fronts[middle])]):
                low = middle + 1
            else:
                high = middle
        if low == len(fronts):
            fronts.append([])
            rows.append(np.empty((4, table.shape[1])))
        if len(fronts[low]) == len(rows[low]):
            rows[low] = np.concatenate([rows[low], np.empty_like(rows[low])])
        rows[low][len(fronts[low])] = table[index]
        fronts[low].append(index)
    return fronts


def _first_front(table: _Array) -> list[int]:
    """The indices of the points that no other dominates."""
    found: list[int] = []
    left = np.lexsort(-table.T[::-1])
    while len(left):  # the best of those left is on the front: take off what it dominates.
        best = table[left[0]]
        equal = (table[left] == best).all(axis=1)
        found += left[equal].tolist()
        left = left[(table[left] > best).any(axis=1)]
    return found


def _dominated(row: _Array, others: _Array) -> bool:
    above = (others >= row).all(axis=1)
    return bool((above & (others > row).any(axis=1)).any())


def _table(rewards: Any) -> _Array:
    try:
        table = np.array(rewards, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise RewardError(f"expected rows of numbers, one for each point: {error}.") from error
    if table.size == 0:
        return table.reshape(len(table), -1) if table.ndim == 2 else np.empty((0, 1))
    if table.ndim != 2:
        raise RewardError(
            f"expected rewards of shape (points, objectives), received shape {table.shape}."
        )
    if not np.isfinite(table).all():
        raise RewardError("expected finite rewards, received a NaN or an infinity among them.")
    return table


def _violations(violations: Sequence[float] | None, points: int) -> _Array:
    if violations is None:
        return np.zeros(points)
    broken = np.array([checks.violation(violation) for violation in violations], dtype=np.float64)
    if len(broken) != points:
        raise RewardError(f"expected {points} violations, received {len(broken)}.")
    return broken

"""Grid search: every point of a space, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from keras_glove.algorithms import checks
from keras_glove.algorithms.algorithm import Algorithm
from keras_glove.algorithms.outcomes import Outcome
from keras_glove.errors import SpaceError, StopSearch
from keras_glove.hyper import DNA, DecisionPoint, SearchSpace
from keras_glove.hyper.domains import domain_of


class Sweep(Algorithm):
    """Proposes every point once, in lexicographic order, and then ends the search.

    DNA that it is told of from elsewhere (`observe`), and those that the constraints of the
    space refuse, are left out.

    Args:
        grid: how many values each `floatv` is tried at, evenly spaced on its own scale,
            both bounds included (one value is the middle). None refuses floats.
        seed: accepted like that of any other algorithm; there is nothing random.

    Raises:
        AlgorithmError: for a grid below 1.
        SpaceError: at `setup`, for a space with floats if there is no grid.

    >>> from keras_glove.algorithms import Sweep
    >>> from keras_glove.hyper import SearchSpace, floatv, oneof
    >>> sweep = Sweep(grid=3)
    >>> sweep.setup(SearchSpace([oneof(["a", "b"]), floatv(0.0, 1.0)]))
    >>> [str(sweep.propose()) for _ in range(4)]
    ['0,0.0', '0,0.5', '0,1.0', '1,0.0']
    """

    max_rejections = None  # it ends by itself.

    how = "sweep"

    def __init__(self, grid: int | None = None, *, seed: int | None = None) -> None:
        super().__init__(seed=seed)
        if grid is not None:
            checks.integer("grid", grid, low=1)
        self._grid = grid

    @property
    def multi_objective(self) -> bool:
        """True: it learns from none."""
        return True

    @property
    def custom_decisions(self) -> bool:
        return False

    def _setup(self, space: SearchSpace) -> None:
        floats = [point for point in space.points if point.kind == "float"]
        if floats and self._grid is None:
            raise SpaceError(
                f"at `{floats[0].path}`: expected decisions that can be enumerated, received "
                f"{floats[0].name!r}, a float; use `Sweep(grid=5)` to try 5 values of each."
            )
        self._values = {point.index: self._on_grid(point) for point in floats}
        # The space with places on the grid instead of the numbers can be enumerated.
        self._places = SearchSpace.of_points([self._as_place(p) for p in space.points])
        self._last: DNA | None = None
        self._ended = False
        self._known: set[DNA] = set()

    def _propose(self) -> DNA:
        while not self._ended:
            following = (
                self._places.next(self._last) if self._last is not None else self._places.first()
            )
            if following is None:
                self._ended = True
                break
            self._last = following
            dna = self._numbers(following)
            if dna not in self._known:
                return dna
        raise StopSearch("every point of the space has been proposed.")

    def _learn(self, dna: DNA, outcome: Outcome) -> None:
        if not outcome.proposed:
            self._known.add(dna)

    def _get_state(self) -> dict[str, Any]:
        return {
            "last": None if self._last is None else str(self._last),
            "ended": self._ended,
            "known": sorted(map(str, self._known)),
        }

    def _set_state(self, state: Mapping[str, Any]) -> None:
        self._last = None if state["last"] is None else DNA.from_string(state["last"])
        if self._last is not None:
            self._places.validate(self._last)
        self._ended = bool(state["ended"])
        self._known = set(map(self._dna, state["known"]))

    def _on_grid(self, point: DecisionPoint) -> list[float]:
        count = self._grid or 1
        domain = domain_of(point)
        if count == 1:
            return [float(domain.draw(0.5))]
        inside = [float(domain.draw(place / (count - 1))) for place in range(1, count - 1)]
        return [float(point.low or 0), *inside, float(point.high or 0)]

    def _as_place(self, point: DecisionPoint) -> DecisionPoint:
        if point.index not in self._values:
            return point
        high = len(self._values[point.index]) - 1
        return replace(point, kind="int", low=0, high=high, step=1, scale="linear")

    def _numbers(self, places: DNA) -> DNA:
        if not self._values:
            return places
        return DNA(
            self._values[index][int(value)]
            if index in self._values and value is not None
            else value
            for index, value in enumerate(places)
        )

"""Define-by-run: a plain function that asks for its hyper-values while it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras_glove.errors import SpaceError
from keras_glove.hyper.dna import DNA
from keras_glove.hyper.points import DecisionPoint
from keras_glove.hyper.space import SearchSpace
from keras_glove.hyper.template import Template
from keras_glove.hyper.values import TRACER, HyperValue

__all__ = ["Traced", "trace"]


class _Run:
    """Answers what is asked in one run: as told, else by the first value."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.asked: dict[str, HyperValue] = {}

    def decide(self, value: HyperValue) -> Any:
        name = value.name or f"decision{len(self.asked)}"
        self.asked[name] = value
        template = Template(value)
        dna = self.answers.setdefault(name, template.space.first())
        return template.materialize(dna)


class Traced:
    """A function whose hyper-values are decided while it runs; see `trace`."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self.function = function
        run = _Run({})
        self._run(run)
        points: list[DecisionPoint] = []
        for name, value in run.asked.items():
            for point in SearchSpace({name: value}).points:
                if point.group is not None:
                    raise SpaceError(f"Expected single decisions, received {value!r}.")
                fields = {key: getattr(point, key) for key in DecisionPoint.__slots__}
                points.append(DecisionPoint(**{**fields, "index": len(points), "name": name}))
        self.space = SearchSpace.of_points(points)

    def _run(self, run: _Run) -> Any:
        token = TRACER.set(run)
        try:
            return self.function()
        finally:
            TRACER.reset(token)

    def materialize(self, dna: DNA) -> Any:
        """What the function returns under the decisions of a DNA."""
        self.space.validate(dna)
        answers = {p.name: DNA((v,)) for p, v in zip(self.space.points, dna.values, strict=True)}
        return self._run(_Run(answers))


def trace(function: Callable[[], Any]) -> Traced:
    """The space and the programs of a function that calls `oneof` and the like inside.

    >>> from keras_glove.hyper import oneof
    >>> traced = trace(lambda: {"width": oneof([16, 32], name="width")})
    >>> traced.materialize(traced.space.first())
    {'width': 16}
    """
    return Traced(function)

"""Decision points as JSON, so that a space can be read without the program it was made of.

The document is `{"format": "keras_glove.space", "version": 1, "points": [...]}`. A point holds
"name", "path", "kind"; for a choice "candidates" (literals as they are, others as short
texts) and, for the first slot of a `manyof`, "group": {"k", "distinct", "sorted"}; for
a number "low", "high", "scale" and, for an int, "step"; for a custom point "custom", its node as
`kg.to_json` writes it; and where they are not empty "hints" and
"conditions" (pairs of point and value) and "also" (further lists of such pairs; a value of null
stands for a point that is inactive). Points are in order, so they carry no index.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from keras_glove.errors import HyperValueError, SerializationError
from keras_glove.hyper import checks
from keras_glove.hyper.custom import CustomValue
from keras_glove.hyper.dna import check_document
from keras_glove.hyper.points import DecisionPoint, Group
from keras_glove.symbolic import from_json, to_json

__all__ = ["points_from_json", "points_to_json"]

FORMAT = "keras_glove.space"
VERSION = 1


def points_to_json(points: tuple[DecisionPoint, ...]) -> dict[str, Any]:
    """The document of decision points."""
    return {"format": FORMAT, "version": VERSION, "points": [_write(point) for point in points]}


def _write(point: DecisionPoint) -> dict[str, Any]:
    data: dict[str, Any] = {"name": point.name, "path": point.path, "kind": point.kind}
    if point.kind == "categorical":
        data["candidates"] = list(point.literals)
    elif point.kind == "custom":
        data["custom"] = to_json(point.custom)
    else:
        data |= {"low": point.low, "high": point.high, "scale": point.scale}
    if point.kind == "int":
        data["step"] = point.step
    if point.group is not None and point.group.indices[0] == point.index:
        group = point.group
        data["group"] = {
            "k": len(group.indices),
            "distinct": group.distinct,
            "sorted": group.sorted,
        }
    if point.hints is not None:
        data["hints"] = point.hints
    if point.conditions:
        data["conditions"] = [list(pair) for pair in point.conditions]
    if point.also:
        data["also"] = [[list(pair) for pair in clause] for clause in point.also]
    return data


def points_from_json(document: Any) -> tuple[DecisionPoint, ...]:
    """The decision points of a document; raises `SerializationError` for anything else."""
    listed = check_document(document, FORMAT, VERSION, "SearchSpace.to_json").get("points")
    points: list[DecisionPoint] = []
    names: set[str] = set()
    try:
        for index, data in enumerate(_typed(listed, list, "points")):
            point = _read(_typed(data, dict, "point"), index, points)
            if point.name in names:
                raise ValueError(f"the name {point.name!r} twice")
            names.add(point.name)
            points.append(point)
        if points and points[-1].group is not None:
            _expect(points[-1].group.indices[-1] < len(points), "all slots of a group")
    except (KeyError, TypeError, ValueError, HyperValueError) as error:
        raise SerializationError(
            f"Expected decision points as `SearchSpace.to_json` writes them, received at point "
            f"{len(points)} something else ({type(error).__name__}: {error})."
        ) from error
    return tuple(points)


def _read(data: Mapping[str, Any], index: int, before: list[DecisionPoint]) -> DecisionPoint:
    kind: Any = data["kind"]
    readers = {
        "categorical": _read_choice,
        "int": _read_int,
        "float": _read_float,
        "custom": _read_custom,
    }
    reader = readers.get(kind) if type(kind) is str else None
    if reader is None:
        raise ValueError(f"expected a kind among {sorted(readers)}, received {kind!r}")
    pairs = tuple([_condition(pair, before) for pair in data.get("conditions", ())])
    also = tuple([tuple([_condition(p, before) for p in c]) for c in data.get("also", ())])
    _expect(all(also) and (bool(pairs) or not also), "conditions that are not empty")
    fields = reader(data)
    group = _group(data, index, before, fields)
    if group is not None and group.indices[0] != index:
        first = before[group.indices[0]]
        _expect(
            kind == "categorical"
            and (pairs, also) == (first.conditions, first.also)
            and fields["candidates"] == first.candidates,
            "slots of a group that are alike",
        )
    return DecisionPoint(
        index,
        checks.checked_name("point", _typed(data["name"], str, "name")) or "",
        _typed(data["path"], str, "path"),
        kind,
        hints=checks.checked_hints("point", data.get("hints")),
        conditions=pairs,
        also=also,
        group=group,
        **fields,
    )


def _read_choice(data: Mapping[str, Any]) -> dict[str, Any]:
    literals = tuple(_typed(data["candidates"], list, "candidates"))
    _expect(bool(literals), "at least one candidate")
    for value in literals:
        finite = not isinstance(value, float) or math.isfinite(value)
        _expect(finite and isinstance(value, (type(None), bool, int, float, str)), "literals")
    texts = tuple([v if type(v) is str else repr(v) for v in literals])
    return {"num_candidates": len(literals), "candidates": texts, "literals": literals}


def _read_int(data: Mapping[str, Any]) -> dict[str, Any]:
    return checks.checked_int_range(data["low"], data["high"], data["step"], data["scale"])


def _read_float(data: Mapping[str, Any]) -> dict[str, Any]:
    return checks.checked_float_range(data["low"], data["high"], data["scale"])


def _read_custom(data: Mapping[str, Any]) -> dict[str, Any]:
    value = from_json(data["custom"])
    _expect(isinstance(value, CustomValue), "a custom value")
    return {"custom": value}


def _condition(pair: Any, before: list[DecisionPoint]) -> tuple[int, int | None]:
    parent, value = _typed(pair, list, "condition")
    _expect(type(parent) is int and 0 <= parent < len(before), "conditions on earlier points")
    point = before[parent]
    if value is None:
        return parent, value
    countable = point.kind in ("categorical", "int")
    _expect(type(value) is int and countable, "conditions on ints and choices")
    if point.num_candidates is not None:
        _expect(0 <= value < point.num_candidates, "conditions on candidates that exist")
    else:
        assert point.low is not None
        assert point.high is not None
        assert point.step is not None
        on_grid = point.low <= value <= point.high and (value - point.low) % point.step == 0
        _expect(on_grid, "conditions on values that exist")
    return parent, value


def _group(
    data: Mapping[str, Any], index: int, before: list[DecisionPoint], fields: dict[str, Any]
) -> Group | None:
    last = before[-1].group if before else None
    if last is not None and index <= last.indices[-1]:
        _expect("group" not in data, "no group inside a group")
        return last
    if "group" not in data:
        return None
    form = _typed(data["group"], dict, "group")
    size = fields["num_candidates"]
    distinct = checks.checked_flag("group", "distinct", form["distinct"])
    k = checks.checked_count("group", form["k"], size, distinct)
    in_order = checks.checked_flag("group", "sorted", form["sorted"])
    return Group(tuple(range(index, index + k)), size, distinct, in_order)


def _typed(value: Any, kind: type, what: str) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"expected a {kind.__name__} for {what!r}, received {value!r}")
    return value


def _expect(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(f"expected {what}")

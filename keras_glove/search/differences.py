"""In what two search spaces differ, for messages."""

from __future__ import annotations

from collections.abc import Iterator

from keras_glove.hyper import DecisionPoint, SearchSpace

_FIELDS = ("kind", "candidates", "low", "high", "step", "scale", "hints", "path")
_RULES = ("distinct", "sorted")


def describe_difference(old: SearchSpace | None, new: SearchSpace) -> str:
    """The decisions that are gone, new, or changed, and how.

    >>> from keras_glove.hyper import oneof
    >>> old = SearchSpace({"op": oneof(["conv", "pool"]), "width": oneof([8, 16])})
    >>> new = SearchSpace({"op": oneof(["conv", "skip"]), "depth": oneof([1, 2])})
    >>> print(describe_difference(old, new))
    'width' is gone; 'depth' is new; 'op' had candidates ('conv', 'pool'), now ('conv', 'skip')
    """
    before = {} if old is None else {point.name: point for point in old.points}
    after = {point.name: point for point in new.points}
    parts = [f"{name!r} is gone" for name in before if name not in after]
    parts += [f"{name!r} is new" for name in after if name not in before]
    parts += [f"{name!r} {change}" for name in before if name in after
              for change in _changes(before[name], after[name])]  # fmt: skip
    if parts:
        return "; ".join(parts[:5]) + (f"; and {len(parts) - 5} more" if len(parts) > 5 else "")
    if list(before) != list(after):
        return (
            f"the decisions come in another order, {list(after)[:5]} instead of {list(before)[:5]}"
        )
    return "when its decisions are asked for, or its constraints"


def _changes(before: DecisionPoint, after: DecisionPoint) -> Iterator[str]:
    for field in _FIELDS:
        old, new = getattr(before, field), getattr(after, field)
        if old != new:
            yield f"had {field} {old!r}, now {new!r}"
            if field == "kind":
                return
    for rule in _RULES:
        old, new = getattr(before.group, rule, None), getattr(after.group, rule, None)
        if old != new:
            yield f"had {rule}={old}, now {new}"

"""`merge`: one program with the arguments of two."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from keras_glove.errors import ArgumentError
from keras_glove.symbolic.copying import clone
from keras_glove.symbolic.equality import equal
from keras_glove.symbolic.path import Path, format_path
from keras_glove.symbolic.patterns import matches
from keras_glove.symbolic.program import Program
from keras_glove.symbolic.rebinding import rebind

__all__ = ["merge"]

Rule = str | Callable[[str, Any, Any], Any]
_Decide = Callable[[Path, Any, Any], Any]


def merge(base: Any, override: Any, *, conflict: Rule | Mapping[str, Rule] = "override") -> Any:
    """A program with the arguments of both, down to the places where they conflict.

    Programs of the same class or function, and dicts, are merged name by name; everything
    else is a value, and where both sides give different ones they conflict.

    Args:
      base: a program or dict; not changed.
      override: another of the same kind; not changed.
      conflict: "override" takes the value of `override`, "base" that of `base`, "error" raises
        `ArgumentError`; or a function of (path, base value, override value). Or a mapping of
        patterns, as in `query`, to such rules: the first that matches the path holds, and
        "override" where none does.

    Raises:
      ArgumentError: a conflict under the rule "error", or a rule that there is not.

    >>> from keras_glove.symbolic import program
    >>> old, new = program(dict, a=1, b={"x": 1}), program(dict, b={"x": 2, "y": 2}, a=3)
    >>> merge(old, new)
    dict(a=3, b={'x': 2, 'y': 2})
    >>> merge(old, new, conflict={"b.*": "base"})
    dict(a=3, b={'x': 1, 'y': 2})
    """
    return _merge(clone(base), clone(override), (), _decider(conflict))


def _decider(conflict: Rule | Mapping[str, Rule]) -> _Decide:
    rules = conflict if isinstance(conflict, Mapping) else {"**": conflict}
    checked = [(pattern, _checked(rule)) for pattern, rule in rules.items()]

    def decide(path: Path, base: Any, override: Any) -> Any:
        for pattern, rule in checked:
            if matches(path, pattern):
                return rule(format_path(path), base, override)
        return override

    return decide


def _checked(rule: Any) -> Callable[[str, Any, Any], Any]:
    rules = {"override": lambda p, a, b: b, "base": lambda p, a, b: a, "error": _refuse}
    found = rules.get(rule) if isinstance(rule, str) else rule
    if not callable(found):
        raise ArgumentError(
            f"Expected conflict to be one of {list(rules)}, a function, or a mapping of patterns "
            f"to these, received {rule!r}."
        )
    return found


def _refuse(path: str, base: Any, override: Any) -> Any:
    raise ArgumentError(
        f"at `{path or 'the root'}`: expected programs that agree, received {base!r} and "
        f"{override!r}. Choose with `conflict`."
    )


def _merge(base: Any, override: Any, path: Path, decide: _Decide) -> Any:
    if isinstance(base, Program) and isinstance(override, Program):
        if base.__target__ == override.__target__:
            merged = _merge_dicts(base.__arguments__, override.__arguments__, path, decide)
            return rebind(base, {(name,): value for name, value in merged.items()})
    elif isinstance(base, dict) and isinstance(override, dict):
        return _merge_dicts(base, override, path, decide)
    return base if equal(base, override) else decide(path, base, override)


def _merge_dicts(
    base: dict[Any, Any], override: dict[Any, Any], path: Path, decide: _Decide
) -> dict[Any, Any]:
    merged = dict(base)
    for key, value in override.items():
        merged[key] = _merge(base[key], value, (*path, key), decide) if key in base else value
    return merged

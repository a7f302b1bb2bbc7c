"""`rebind`: change a program at given paths, all or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from keras_glove.errors import PathError
from keras_glove.symbolic.path import Path, format_path, parse_path
from keras_glove.symbolic.program import Program, check_argument, put_argument
from keras_glove.symbolic.recording import normalize
from keras_glove.symbolic.traversal import children, transform, with_children

__all__ = ["get", "rebind"]


def get(value: Any, path: str | Path) -> Any:
    """The value at a path; raises `PathError` where there is none.

    >>> get({"blocks": [{"filters": 16}]}, "blocks[0].filters")
    16
    """
    keys = parse_path(path) if isinstance(path, str) else path
    for depth, key in enumerate(keys):
        value = _child(value, key, keys[: depth + 1])
    return value


def _child(value: Any, key: Any, path: Path) -> Any:
    below = children(value)
    found = dict(below) if below is not None else {}
    if key in found:
        return found[key]
    if isinstance(value, Program):
        try:
            return getattr(value, str(key))
        except AttributeError as error:
            raise PathError(f"at `{format_path(path)}`: {error}") from None
    raise PathError(
        f"at `{format_path(path)}`: expected one of {list(found)}, received {key!r}."
        if found
        else f"at `{format_path(path)}`: {value!r} is a leaf and has nothing inside."
    )


def rebind(
    value: Any,
    changes: Mapping[str | Path, Any] | Callable[[Any], Any] | None = None,
    /,
    **arguments: Any,
) -> Any:
    """Changes a program in place and returns it; where any change is bad, nothing changes.

    Args:
      value: a program; or a container or hyper-value, of which a changed copy is returned.
      changes: a mapping of paths to new values; or a function that gets every value
        inside, children first, and returns what stands in its place (then a changed
        copy is returned).
      **arguments: new values for arguments of the program itself.

    Raises:
      PathError: a path does not exist.
      ArgumentError: a name that the class or function does not take, or a cycle.

    >>> from keras_glove.symbolic import program
    >>> rebind(program(dict, a=1, b=[1, 2]), {"b[0]": 5}, a=2)
    dict(a=2, b=[5, 2])
    """
    if callable(changes) and not isinstance(changes, Mapping):
        return rebind(transform(value, changes), **arguments)
    wanted: dict[Path, Any] = {}
    for path, new in (*(changes or {}).items(), *arguments.items()):
        wanted[parse_path(path) if isinstance(path, str) else tuple(path)] = normalize(new)
    plan = _Plan(value)
    for path, new in wanted.items():
        plan.add(path, new)
    return plan.carry_out()


class _Plan:
    """Changes that are checked one after another before the first is made."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._arguments: dict[tuple[int, str], tuple[Program, str, Any]] = {}

    def add(self, path: Path, new: Any) -> None:
        if not path:
            self._root = new
            return
        holder, depth = self._holder(path)
        if holder is None:
            self._root = _replaced(self._root, path, new, ())
            return
        name = str(path[depth])
        if depth + 1 < len(path):
            new = _replaced(
                self._pending(holder, name, path), path[depth + 1 :], new, path[: depth + 1]
            )
        check_argument(holder, name, new)
        self._arguments[id(holder), name] = (holder, name, new)

    def carry_out(self) -> Any:
        for holder, name, new in self._arguments.values():
            put_argument(holder, name, new)
        return self._root

    def _pending(self, holder: Program, name: str, path: Path) -> Any:
        planned = self._arguments.get((id(holder), name))
        return planned[2] if planned else _child(holder, name, path)

    def _holder(self, path: Path) -> tuple[Program | None, int]:
        """The innermost program on the way to `path`, and how deep it stands."""
        value: Any = self._root
        found: tuple[Program | None, int] = (None, 0)
        for depth, key in enumerate(path):
            if isinstance(value, Program):
                found = (value, depth)
                if depth + 1 == len(path):
                    break
                value = self._pending(value, str(key), path[: depth + 1])
            elif depth + 1 < len(path):
                value = _child(value, key, path[: depth + 1])
        return found


def _replaced(value: Any, path: Path, new: Any, above: Path) -> Any:
    """A copy of a container or hyper-value with the value at `path` replaced."""
    if not path:
        return new
    key, here = path[0], (*above, path[0])
    below = children(value)
    if isinstance(value, dict) and len(path) == 1:
        return {**value, key: new}
    _child(value, key, here)
    return with_children(
        value,
        [
            _replaced(child, path[1:], new, here) if name == key else child
            for name, child in below or ()
        ],
    )

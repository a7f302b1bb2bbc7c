"""`rebind`: change a program at given paths, all or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from keras_glove.errors import ArgumentError, PathError
from keras_glove.symbolic.editing import Edit, child_at
from keras_glove.symbolic.node import MISSING, Node
from keras_glove.symbolic.origin import note_changes
from keras_glove.symbolic.path import Path, parse_path, path_of, text_of_path
from keras_glove.symbolic.patterns import entries, is_pattern
from keras_glove.symbolic.recording import normalize

__all__ = ["get", "in_order", "rebind"]

Change = tuple[str | Path, Any]


def get(value: Any, path: str | Path) -> Any:
    """The value at a path; raises `PathError` where there is none.

    >>> get({"blocks": [{"filters": 16}]}, "blocks[0].filters")
    16
    """
    keys = parse_path(path) if isinstance(path, str) else path
    for depth, key in enumerate(keys):
        value = child_at(value, key, keys[: depth + 1])
    return value


def rebind(
    value: Any,
    changes: str | Path | Mapping[str | Path, Any] | Callable[[Any], Any] | None = None,
    new: Any = MISSING,
    /,
    **arguments: Any,
) -> Any:
    """Changes a program in place and returns it; where any change is bad, nothing changes.

    Args:
      value: a program; or a container or hyper-value, of which a changed copy is returned.
      changes: a path, whose new value follows; or a mapping of paths to new values; or a
        function that gets every value inside, children first, and returns what stands in
        its place. A path may be a pattern, as in `query`: all that it matches gets the value.
      new: the new value, where `changes` is one path. `MISSING`, here as in a mapping, removes
        an argument, or an item of a list or dict.
      **arguments: new values for arguments of the program itself.

    Raises:
      PathError: a path does not exist, or a pattern matches nothing.
      ArgumentError: a name that the class or function does not take, or a cycle.

    >>> from keras_glove.symbolic import program
    >>> net = program(dict, a=1, b=[1, 2], c=program(dict, b=3))
    >>> rebind(net, {"b[0]": 5}, a=2)
    dict(a=2, b=[5, 2], c=dict(b=3))
    >>> rebind(net, "**.b", None)
    dict(a=2, b=None, c=dict(b=None))
    >>> rebind(net, lambda v: v * 10 if isinstance(v, int) else v)
    dict(a=20, b=None, c=dict(b=None))
    """
    if callable(changes) and not isinstance(changes, Node):
        function, listed = changes, []
    else:
        function, listed = None, _listed(changes, new)
    listed += arguments.items()
    edit = Edit(value)
    try:
        made = _made(edit, function, listed)
    except BaseException:
        edit.undo()
        raise
    note_changes(edit.root, "rebind", made)
    return edit.root


def _made(edit: Edit, function: Callable[[Any], Any] | None, listed: list[Change]) -> list[Any]:
    """Makes the changes; returns what was changed, in words, and the new values."""
    made: list[Any] = []
    if function is not None:
        edit.change(function)
        made.append(("every value", function))
    for path, new in in_order([(p, new) for text, new in listed for p in _paths(edit, text)]):
        edit.put(path, new if new is MISSING else normalize(new))
        made.append((text_of_path(path), new))
    return made


def _listed(changes: Any, new: Any) -> list[Change]:
    if changes is None:
        return []
    if isinstance(changes, str | tuple):
        return [(changes, new)]
    if isinstance(changes, Mapping):
        return list(changes.items())
    raise ArgumentError(
        "Expected a path and its new value, a mapping of paths to new values, or a function, "
        f"received {changes!r}."
    )


def in_order(changes: list[tuple[Path, Any]]) -> list[tuple[Path, Any]]:
    """Changes so that none moves what another one names: what goes from a list goes last."""
    if all(new is not MISSING for _, new in changes):
        return changes
    removed = [change for change in changes if change[1] is MISSING]
    removed.sort(key=lambda change: (len(change[0]), _place(change[0])), reverse=True)
    return [change for change in changes if change[1] is not MISSING] + removed


def _place(path: Path) -> int:
    return path[-1] if path and type(path[-1]) is int else -1


def _paths(edit: Edit, path: str | Path) -> list[Path]:
    """The paths that a text names, in the program as it is before the changes."""
    if not isinstance(path, str):
        return [tuple(path)]
    if not is_pattern(path):
        return [parse_path(path)]
    found = [path_of(link) for link, _ in entries(edit.root, path)]
    if not found:
        raise PathError(f"Expected a pattern that matches something in it, received {path!r}.")
    return found

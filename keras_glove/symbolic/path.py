"""Paths: where a value stands in a program, e.g. `model.blocks[2].filters`."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterable
from typing import Any

from keras_glove.errors import PathError

__all__ = ["Key", "Link", "Path", "format_path", "parse_path", "path_of", "text_of_path"]

Key = str | int
Path = tuple[Key, ...]
Link = Any
"""A path, from its end: None for the root, else the link of the holder and the last key.

Made in no time for however deep a place; a path is only made of those that are asked for.
"""

_STEP = re.compile(
    r"""\.?(?P<name>[^\W\d]\w*)             # .name
      | \[(?P<index>-?\d+)\]                # [3]
      | \[(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\]  # ['any text'], as repr writes it
    """,
    re.VERBOSE,
)


def format_path(path: Iterable[Key]) -> str:
    """The text of a path.

    >>> format_path(("model", "blocks", 2, "filters"))
    'model.blocks[2].filters'
    """
    text = ""
    for key in path:
        if isinstance(key, str) and key.isidentifier():
            text += f".{key}" if text else key
        else:
            text += f"[{key!r}]"
    return text


@functools.lru_cache(maxsize=1024)
def text_of_path(path: Path) -> str:
    """`format_path`, for the same few paths again and again."""
    return format_path(path)


@functools.lru_cache(maxsize=1024)
def parse_path(text: str) -> Path:
    """The path that a text names.

    Raises `PathError` where the text is no path.

    >>> parse_path("model.blocks[2].filters")
    ('model', 'blocks', 2, 'filters')
    """
    keys: list[Key] = []
    position = 0
    while position < len(text):
        step = _STEP.match(text, position)
        if step is None or (position == 0 and text.startswith(".")):
            raise PathError(
                f"Expected a path such as 'model.blocks[2].filters', received {text!r}: "
                f"cannot read it from character {position} on ({text[position:]!r})."
            )
        if step["name"] is not None:
            keys.append(step["name"])
        elif step["index"] is not None:
            keys.append(int(step["index"]))
        else:
            keys.append(ast.literal_eval(step["text"]))
        position = step.end()
    return tuple(keys)


def path_of(link: Link) -> Path:
    """The path that a link stands for.

    >>> path_of(((None, "blocks"), 2))
    ('blocks', 2)
    """
    keys: list[Key] = []
    while link is not None:
        link, key = link
        keys.append(key)
    return tuple(reversed(keys))

"""`DNA`: one answer to every decision point of a search space."""

from __future__ import annotations

import functools
import json
import math
import operator
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn, overload

from keras_glove.errors import DNAError, SerializationError
from keras_glove.symbolic.origin import Origin

__all__ = ["DNA", "Value", "trusted"]

Value = int | float | str | None
"""What one slot holds: a candidate's index or an int, a float, the text of a custom decision point
(`CustomValue`), or None where it is inactive."""

FORMAT = "keras_glove.dna"
VERSION = 1

# Also keeps out what `int` and `float` would read: "1_0", "nan", " 1", digits of other scripts.
_READABLE = re.compile(r"[0-9eE+.,-]*")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[0-9eE+.-]+')
_set = object.__setattr__


class Text(str):
    """A text in a DNA; written as JSON, so that it can hold commas, and no "None" of its own."""

    __slots__ = ()

    def __str__(self) -> str:
        return json.dumps(self.plain).replace("None", "\\u004eone")

    @classmethod
    def of(cls, text: str) -> Text:
        """The same text as it stands in a DNA."""
        return text if isinstance(text, cls) else cls(text)

    @property
    def plain(self) -> str:
        """The text itself, whose `str` is as of any other."""
        return str.__str__(self)


class DNA:
    """A fixed-length vector of decisions; immutable, hashable, and free of its space.

    Slot i answers decision point i: the index of a candidate for a choice, the number itself
    for `intv` and `floatv`, a text for a custom decision point, and None for a point that the
    other decisions leave inactive.

    Args:
      values: one int, float, str or None per decision point (NumPy numbers are converted).

    Raises:
      DNAError: a value is of another type, or not finite.

    >>> dna = DNA((2, 0, None, 0.5))
    >>> str(dna), dna[0], len(dna)
    ('2,0,-,0.5', 2, 4)
    >>> DNA.from_string("2,0,-,0.5") == dna
    True
    """

    __slots__ = ("_origin", "values")
    values: tuple[Value, ...]

    def __init__(self, values: Iterable[Value]) -> None:
        if isinstance(values, str):
            raise DNAError(
                f"Expected a sequence of int, float or None, received the text {values!r}. "
                "Use `DNA.from_string`."
            )
        _set(self, "values", tuple([_plain(value, i) for i, value in enumerate(values)]))

    @property
    def origin(self) -> Origin | None:
        """How an algorithm made it of others, in this process: "mutate" or "recombine".

        No part of what the DNA is: equality, texts and documents leave it aside. `lineage` of the
        program that is made of the DNA tells it.
        """
        noted: Callable[[DNA], Origin] | None = getattr(self, "_origin", None)
        return None if noted is None else noted(self)

    @classmethod
    def from_string(cls, text: str) -> DNA:
        """Reads what `str(dna)` wrote; raises `DNAError` for another text."""
        if isinstance(text, str) and '"' in text:
            return trusted(tuple([_read(token) for token in _tokens(text)]))
        if not isinstance(text, str) or _READABLE.fullmatch(text) is None:
            raise _unreadable(text)
        return trusted(tuple([_read(token) for token in text.split(",")]) if text else ())

    def __str__(self) -> str:
        return (_pattern(len(self.values)) % self.values).replace("None", "-")

    def __repr__(self) -> str:
        return f"DNA({self.values!r})"

    def to_json(self) -> dict[str, Any]:
        """A JSON-able document.

        >>> DNA((1, None)).to_json()
        {'format': 'keras_glove.dna', 'version': 1, 'values': [1, None]}
        """
        return {"format": FORMAT, "version": VERSION, "values": list(self.values)}

    @classmethod
    def from_json(cls, document: Any) -> DNA:
        """Reads what `to_json` wrote; raises `SerializationError` for anything else."""
        values = check_document(document, FORMAT, VERSION, "DNA.to_json").get("values")
        if not isinstance(values, list):
            raise SerializationError(f"Expected a list of 'values', received {values!r}.")
        try:
            return cls(values)
        except DNAError as error:
            raise SerializationError(str(error)) from error

    @overload
    def __getitem__(self, index: int) -> Value: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Value, ...]: ...
    def __getitem__(self, index: int | slice) -> Value | tuple[Value, ...]:
        return self.values[index]

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[Value]:
        return iter(self.values)

    def __eq__(self, other: object) -> bool:
        return self.values == other.values if isinstance(other, DNA) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.values)

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError("A DNA is immutable; make another one with `DNA(values)`.")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("A DNA is immutable; make another one with `DNA(values)`.")

    def __reduce__(self) -> tuple[Any, ...]:
        return (DNA, (self.values,))


@functools.lru_cache(maxsize=64)
def _pattern(length: int) -> str:
    return ",".join(["%s"] * length)


def trusted(values: tuple[Value, ...]) -> DNA:
    """A DNA of values that are known to be plain; saves a look at each of them."""
    dna = object.__new__(DNA)
    _set(dna, "values", values)
    return dna


def check_document(document: Any, form: str, version: int, writer: str) -> dict[str, Any]:
    """The document itself; raises `SerializationError` for another format or version."""
    if not isinstance(document, dict) or document.get("format") != form:
        shown = repr(document)
        raise SerializationError(
            f"Expected a document made by `{writer}` (a dict whose 'format' is {form!r}), "
            f"received {shown if len(shown) <= 80 else shown[:77] + '...'}."
        )
    found = document.get("version")
    if type(found) is not int or not 1 <= found <= version:
        raise SerializationError(
            f"Expected a document of version 1 to {version}, received version {found!r}. A newer "
            "keras_glove wrote it: upgrade keras_glove to read it."
        )
    return document


def _plain(value: Any, index: int) -> Value:
    kind = type(value)
    if value is None or kind is int or (kind is float and math.isfinite(value)):
        return value  # type: ignore[no-any-return]
    if isinstance(value, str):
        return Text.of(value)
    plain = value.item() if hasattr(value, "dtype") and hasattr(value, "item") else value
    if type(plain) is float and math.isfinite(plain):
        return plain
    try:
        if not isinstance(plain, bool):
            return operator.index(plain)
    except TypeError:
        pass
    raise DNAError(
        f"Expected an int, a finite float, a str or None at index {index} of a DNA, received "
        f"{value!r}."
    )


def _unreadable(text: Any) -> DNAError:
    return DNAError(
        f"Expected a text such as '2,0,-,0.5', received {text!r}. It holds one int, float, text in "
        "JSON or '-' (inactive) per decision, split by commas."
    )


def _tokens(text: str) -> Iterator[str]:
    """What stands between the commas that are in no JSON text."""
    place = 0
    while True:
        found = _TOKEN.match(text, place)
        if found is None:
            raise _unreadable(text)
        yield found[0]
        place = found.end() + 1
        if found.end() == len(text):
            return
        if text[found.end()] != ",":
            raise _unreadable(text)


def _read(token: str) -> Value:
    if token == "-":
        return None
    if token.startswith('"'):
        try:
            return Text(json.loads(token))
        except ValueError:
            raise _unreadable(token) from None
    try:
        return int(token)
    except ValueError:
        pass
    try:
        number = float(token)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise DNAError(f"Expected an int, a finite float or '-', received {token!r}.")
    return number

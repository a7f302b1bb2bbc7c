"""Programs as JSON, and back, by registered names: nothing is imported, nothing evaluated.

The document is `{"format": "keras_glove", "version": 1, "value": ...}`. In a value, None,
bool, int, finite float, str and list are themselves, and so is a dict whose keys are
strings without a leading "$". Everything else is an object with one of these keys:

| key | its value | further keys |
| --- | --- | --- |
| "$program" | registered name of a class or function | the arguments, by name |
| "$node" | name of a kind of node, such as "OneOf" | its fields, by name |
| "$shared" | "$id" of a program or node that was written before | |
| "$tuple" | list of items | |
| "$dict" | list of pairs of key and value | |
| "$float" | "nan", "inf" or "-inf" | |
| "$complex" | pair of real and imaginary part | |
| "$bytes" | base64 | |
| "$array" | base64 of the bytes in C order, little-endian | "dtype" and "shape" as NumPy's |
| "$callable" | registered name of a class or function | |
| "$member" | name of a member of an enum | "enum": its registered name |
| "$missing" | null: the value `MISSING` | |
| "$value" | data of a small object | "kind": name of its kind, such as "DNA" |

Programs and nodes also have "$id", a number, where they stand in several places. Programs have
"$arguments", pairs of name and value, where a name begins with "$"; and, if asked for, "$origin",
the steps by which they were derived, the latest first, each with "operation", "detail" and,
where it is known, "source".

Where programs stand in each other more than a hundred levels deep, the document has "nodes" too: a
list of programs that are read before the value, each with an "$id".
"""

from __future__ import annotations

from typing import Any

from keras_glove.errors import SerializationError
from keras_glove.symbolic.leaves import shown
from keras_glove.symbolic.reading import read
from keras_glove.symbolic.writing import write

__all__ = ["from_json", "to_json"]

FORMAT = "keras_glove"
VERSION = 1


def to_json(value: Any, *, origin: bool = False) -> dict[str, Any]:
    """A JSON-able document of a program, space or plain value.

    Args:
      value: the value. Equal ones give equal documents.
      origin: also write where programs were derived from; see `lineage`.

    Raises:
      SerializationError: something has no JSON form (or `NotRegisteredError`: no name); the
        message names its path.

    >>> to_json({"a": (1, 2)})["value"]
    {'a': {'$tuple': [1, 2]}}
    """
    return {"format": FORMAT, "version": VERSION, **write(value, origin=origin)}


def from_json(document: Any) -> Any:
    """The value of a document that `to_json` wrote.

    Raises:
      SerializationError: the document is anything else.
      NotRegisteredError: it names what is not registered in this process.

    >>> from_json(to_json({"a": (1, 2)}))
    {'a': (1, 2)}
    """
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise SerializationError(
            "Expected a document made by `kg.to_json` (a dict whose 'format' is "
            f"{FORMAT!r}), received {shown(document)}."
        )
    version = document.get("version")
    if type(version) is not int or not 1 <= version <= VERSION:
        raise SerializationError(
            f"Expected a document of version 1 to {VERSION}, received version {version!r}. A newer "
            "keras_glove wrote it: upgrade keras_glove to read it."
        )
    if "value" not in document:
        raise SerializationError("Expected a document with a 'value', received one without.")
    return read(document)

"""Programs as JSON, and back, by registered names: nothing is imported, nothing evaluated.

The document is `{"format": "keras_glove", "version": 1, "value": ...}`. In a value, None,
bool, int, finite float, str and list are themselves, and so is a dict whose keys are
strings without a leading "$". Everything else is an object with a "$type":

| "$type" | other keys |
| --- | --- |
| "program" | "target": registered name, "arguments"; "id" where it stands in several places; \
"origin", if asked for: its steps, the latest first, each with "operation", "detail", "source" |
| "node" | "kind": name of the node class, "fields", and "id" likewise |
| "shared" | "id" of a program or node that was written before |
| "tuple" | "items" |
| "dict" | "items": pairs of key and value |
| "float" | "value": "nan", "inf" or "-inf" |
| "complex" | "value": pair of real and imaginary part |
| "bytes" | "value": base64 |
| "array" | "dtype", "shape", "value": base64 of the bytes in C order, little-endian |
| "callable" | "name": registered name |
| "member" | "enum": registered name, "name" of the member |
| "missing" | none: the value `MISSING` |
| "value" | "kind": name of a kind of small object, such as "DNA", "value": its own JSON form |

Where programs stand in each other more than a hundred levels deep, the document has "nodes" too: a
list of programs that are read before the value, each with an "id".
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
    {'a': {'$type': 'tuple', 'items': [1, 2]}}
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

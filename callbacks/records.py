"""The files of a search: what it found so far, and the state from which it goes on.

Each epoch has one file of arrays, `state-<epoch>.npz`, and `search.json` names it. Both are
written beside their places and moved there, so that a kill at any moment leaves a whole pair.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_glove.errors import TrainingError

__all__ = ["FORMAT", "VERSION", "SearchFiles"]

FORMAT = "keras_glove.search"
VERSION = 1

Arrays = dict[str, np.ndarray[Any, Any]]


class SearchFiles:
    """`search.json` and the newest state, in one folder.

    The document has the keys `format`, `version`, `space` (the fingerprint of the search space),
    `policy` (its class and settings), `epochs` (how many are done), `step`, `state` (the name of
    the file of arrays), `history` (for each epoch what was shown, with `epoch`), `probabilities`
    (for each epoch those of each decision, by name) and `best` (the most likely architecture: `dna`
    as a string, and `decisions`).

    Args:
        directory: the folder, made if there is none.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory)

    @property
    def document(self) -> Path:
        """Where `search.json` is."""
        return self.directory / "search.json"

    def read(self) -> dict[str, Any] | None:
        """The document; None for a search that has not begun.

        Raises:
            TrainingError: the file is damaged, or of another kind or a newer version.
        """
        if not self.document.exists():
            return None
        try:
            found = json.loads(self.document.read_text(encoding="utf-8"))
            known = found["format"], found["version"]
        except (ValueError, KeyError, TypeError) as error:
            raise TrainingError(
                f"{self.document} is damaged ({error}); delete it to begin anew."
            ) from error
        if known != (FORMAT, VERSION):
            raise TrainingError(
                f"Expected {self.document} to be a {FORMAT!r} of version {VERSION}, received "
                f"{known}. Give another directory."
            )
        return dict(found)

    def write(self, document: Mapping[str, Any], state: Arrays) -> None:
        """Writes the state, then the document that names it, then drops older states."""
        self.directory.mkdir(parents=True, exist_ok=True)
        name = f"state-{document['epochs']:05d}.npz"
        arrays: dict[str, Any] = dict(state)
        self._whole(self.directory / name, lambda stream: np.savez(stream, **arrays))
        whole = {"format": FORMAT, "version": VERSION, **document, "state": name}
        text = json.dumps(whole, indent=1, allow_nan=False).encode()
        self._whole(self.document, lambda stream: stream.write(text))
        for old in self.directory.glob("state-*.npz"):
            if old.name != name:
                old.unlink()

    def state(self, document: Mapping[str, Any]) -> Arrays:
        """The arrays that a document names."""
        path = self.directory / Path(str(document["state"])).name
        try:
            with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as arrays:
                return {name: arrays[name] for name in arrays.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise TrainingError(
                f"Expected the state of the search in {path}, received {error}. Delete "
                f"{self.document} to begin anew."
            ) from error

    def _whole(self, path: Path, write: Any) -> None:
        """Writes a file so that it is there as a whole, or not at all."""
        partial = path.with_name(path.name + ".partial")
        with open(partial, "wb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(partial, path)


def values_of(variables: Sequence[keras.Variable], prefix: str) -> Arrays:
    """The values of variables, numbered."""
    return {f"{prefix}/{place}": _array(variable) for place, variable in enumerate(variables)}


def assign_values(
    variables: Sequence[keras.Variable], prefix: str, state: Mapping[str, Any]
) -> None:
    """Gives variables what `values_of` took.

    Raises:
        TrainingError: these are others. Nothing has changed then.
    """
    mine = values_of(variables, prefix)
    theirs = {name: value for name, value in state.items() if name.startswith(f"{prefix}/")}
    shapes = [{name: value.shape for name, value in one.items()} for one in (mine, theirs)]
    if shapes[0] != shapes[1]:
        raise TrainingError(
            f"Expected the saved {prefix} of a search to be those of this model, received others "
            f"({len(theirs)} arrays, and here there are {len(mine)}). Give another directory."
        )
    for variable, name in zip(variables, mine, strict=True):
        variable.assign(theirs[name])


def _array(variable: keras.Variable) -> np.ndarray[Any, Any]:
    """A value as NumPy can write it, which has no bfloat16."""
    array = keras.ops.convert_to_numpy(variable.value)
    return array.astype("float32") if array.dtype.name == "bfloat16" else array

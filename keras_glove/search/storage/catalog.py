"""The studies that a storage holds."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from os import fspath
from typing import Any

from optuna.storages import BaseStorage

from keras_glove.errors import SearchError
from keras_glove.search.storage.databases import open_database
from keras_glove.search.storage.durable import HEADER
from keras_glove.search.storage.journals import journal_storage
from keras_glove.search.storage.opening import file_of, is_journal


def study_names(storage: Any) -> list[str]:
    """The names of the studies in a storage that keras_glove wrote, in the order of their making.

    Raises:
        SearchError: if there is no such storage.
    """
    with _opened(storage) as opened:
        return [s.study_name for s in opened.get_all_studies() if HEADER in s.system_attrs]


def existing_name(storage: Any, name: str | None) -> str:
    """The name of a study that exists: `name`, or that of the only one.

    Raises:
        SearchError: if there is none of this name, or several and no name is given.
    """
    names = study_names(storage)
    if name is None and len(names) == 1:
        return names[0]
    if name is None or name not in names:
        wanted = "the name of a study" if name is None else f"a study named {name!r}"
        raise SearchError(f"expected {wanted} in {storage!r}, which holds {names}.")
    return name


def delete_study(storage: Any, name: str) -> None:
    """Removes a study and its trials, not the files of the trials.

    Raises:
        SearchError: if there is none of this name.
    """
    existing_name(storage, name)
    with _opened(storage) as opened:
        opened.delete_study(opened.get_study_id_from_name(name))


@contextlib.contextmanager
def _opened(storage: Any) -> Iterator[BaseStorage]:
    if isinstance(storage, BaseStorage):
        yield storage
        return
    path = file_of(storage)
    if path is not None and not path.is_file():
        raise SearchError(f"expected a storage that exists, but there is no file {str(path)!r}.")
    if path is not None and is_journal(path):
        yield journal_storage(path)
        return
    database = open_database(fspath(storage) if path is None else f"sqlite:///{path}")
    try:
        yield database
    finally:
        database.remove_session()
        database.engine.dispose()

"""Converting a record file into a table, once."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from keras_glove.benchmarks.nasbench101.collecting import Collector
from keras_glove.benchmarks.nasbench101.columns import MAGIC, Columns
from keras_glove.benchmarks.nasbench101.locking import locked
from keras_glove.benchmarks.nasbench101.records import read_records
from keras_glove.errors import RecordError, TableError, TableNotFoundError

__all__ = ["convert", "open_table", "read_columns", "table_path"]

_logger = logging.getLogger("keras_glove")

_SUFFIX: Final = ".table"


def table_path(
    records: str | os.PathLike[str], folder: str | os.PathLike[str] | None = None
) -> Path:
    """Where the table of a record file is kept: beside it, or in the user's cache.

    Args:
        records: the record file.
        folder: to keep it in; None for the record file's own where that can be written, or
            else `keras_glove/nasbench101` in the user's cache (`$XDG_CACHE_HOME`, by default
            `~/.cache`; `%LOCALAPPDATA%` on Windows), under a name with the whole path's hash.
    """
    source = Path(records).absolute()
    if folder is not None:
        return Path(folder) / (source.name + _SUFFIX)
    if os.access(source.parent, os.W_OK):
        return source.with_name(source.name + _SUFFIX)
    local = os.environ.get("LOCALAPPDATA") if sys.platform == "win32" else None
    cache = Path(os.environ.get("XDG_CACHE_HOME") or local or Path.home() / ".cache")
    digest = hashlib.sha256(str(source).encode()).hexdigest()[:12]
    return cache / "keras_glove" / "nasbench101" / f"{source.name}-{digest}{_SUFFIX}"


def open_table(
    path: str | os.PathLike[str],
    folder: str | os.PathLike[str] | None = None,
    *,
    progress: bool = True,
) -> Columns:
    """Opens the table of a record file, converting the file unless that was done before.

    Args:
        path: a record file, or a table that was made of one.
        folder: see `table_path`.
        progress: shows a bar while converting, on standard error.

    Raises:
        TableError: if a file cannot be read or written, for want of space for example.
        RecordError: if the record file is damaged, incomplete, or of another format.
    """
    source = Path(path)
    if _begins_like_a_table(source):
        return Columns.open(source)
    target = convert(source, folder, progress=progress)
    return Columns.open(target)


def convert(
    records: str | os.PathLike[str],
    folder: str | os.PathLike[str] | None = None,
    *,
    force: bool = False,
    progress: bool = True,
) -> Path:
    """Converts a record file into a table, unless there is one of this very file already.

    The table gets its name when it is whole. A second process waits for the first one.

    Args:
        records: the record file.
        folder: see `table_path`.
        force: converts in any case.
        progress: shows a bar on a terminal, on standard error.

    Returns:
        The path of the table.

    Raises:
        TableError: if a file cannot be read or written, for want of space for example.
        RecordError: if the record file is damaged, incomplete, or of another format.
    """
    source = Path(records)
    origin = _origin(source)
    target = table_path(source, folder)
    if not force and _is_table_of(target, origin):
        return target
    with _file_errors(target), suppress(FileExistsError):
        target.parent.mkdir(parents=True, exist_ok=True)
    with _file_errors(target), locked(target):
        if force or not _is_table_of(target, origin):
            columns = _read_file(source, origin, progress)
            _write(columns, target)
    return target


def read_columns(
    stream: BinaryIO, name: str, on_read: Callable[[int], None] | None = None
) -> Columns:
    """The columns of an open record file, in memory.

    Raises:
        RecordError: if it is damaged, incomplete, or of another format.
    """
    return _collect(stream, name, {}, on_read)


def _collect(
    stream: BinaryIO, name: str, origin: dict[str, Any], on_read: Callable[[int], None] | None
) -> Columns:
    collector = Collector(name)
    for chunk in read_records(stream, name, on_read):
        collector.add(chunk.records)
    return collector.finish(origin)


def _origin(source: Path) -> dict[str, Any]:
    """What tells this file from another one of its name."""
    if source.is_dir():
        raise TableError(
            errno.EISDIR,
            "expected a record file such as nasbench_only108.tfrecord, received a folder",
            str(source),
        )
    with _file_errors(source):
        status = source.stat()
    return {"name": source.name, "size": status.st_size, "modified": status.st_mtime_ns}


def _begins_like_a_table(path: Path) -> bool:
    if not path.is_file():
        return False
    with _file_errors(path), open(path, "rb") as stream:
        return stream.read(len(MAGIC)) == MAGIC


def _is_table_of(target: Path, origin: dict[str, Any]) -> bool:
    """Whether there is a usable table of this very record file; says why if there is another."""
    if not target.exists():
        return False
    try:
        same = Columns.open(target).header.source == origin
        why = "it is of an older state of the record file"
    except RecordError as error:
        same, why = False, str(error)
    if not same:
        _logger.warning("making %s anew: %s", target, why)
    return same


def _read_file(source: Path, origin: dict[str, Any], show: bool) -> Columns:
    columns = (
        TextColumn("converting {task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    hidden = not (show and console.is_terminal)
    with Progress(*columns, console=console, disable=hidden) as bar, open(source, "rb") as stream:
        task = bar.add_task(source.name, total=origin["size"])
        return _collect(stream, str(source), origin, lambda count: bar.advance(task, count))


def _write(columns: Columns, target: Path) -> None:
    """Whole or not at all."""
    temporary = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as stream:
            columns.write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, target)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


@contextmanager
def _file_errors(path: Path) -> Iterator[None]:
    """Turns errors of the system into `TableError`, with the path and what to do."""
    try:
        yield
    except TableError:
        raise
    except OSError as error:
        number = error.errno or errno.EIO
        raise _typed(number)(
            number,
            f"{error.strerror or error}; {_ADVICE.get(number, 'look at the path and its rights')}",
            str(error.filename or path),
        ) from error


def _typed(number: int) -> type[TableError]:
    return TableNotFoundError if number == errno.ENOENT else TableError


_ADVICE = {
    errno.ENOENT: "give the path of a record file, such as nasbench_only108.tfrecord",
    errno.ENOSPC: "free some space, or give another folder for the table",
    errno.EFBIG: "free some space, or give another folder for the table",
}

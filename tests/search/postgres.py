"""A PostgreSQL server for the tests: installed if need be, started, and stopped at the end.

To run the tests without one, set KERAS_GLOVE_TEST_POSTGRES=skip. To use a server that runs,
set it to its URL, such as postgresql://user@host/database.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests import packages

VARIABLE = "KERAS_GLOVE_TEST_POSTGRES"
HOW_TO_SKIP = f"set {VARIABLE}=skip to run the tests without PostgreSQL"


@contextlib.contextmanager
def server() -> Iterator[str]:
    """The URL of a database on a server that runs meanwhile."""
    given = os.environ.get(VARIABLE)
    if given:
        yield given
        return
    binaries = _binaries() or _install()
    folder = Path(tempfile.mkdtemp(prefix="keras_glove_postgres_"))
    port = _free_port()
    try:
        if os.geteuid() == 0:  # the server refuses to run as root.
            shutil.chown(folder, "postgres")
        data, settings = folder / "data", f"-p {port} -k {folder} -c fsync=off"
        _run(binaries / "initdb", "-D", data, "-U", "tests", "--auth=trust")
        _run(binaries / "pg_ctl", "-D", data, "-l", folder / "log", "-w", "-o", settings, "start")
        try:
            yield f"postgresql://tests@localhost:{port}/postgres"
        finally:
            _run(binaries / "pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(*command: object) -> None:
    words = [str(word) for word in command]
    if os.geteuid() == 0:
        words = ["runuser", "-u", "postgres", "--", *words]
    done = subprocess.run(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/"
    )
    if done.returncode:
        raise RuntimeError(f"{words} failed; {HOW_TO_SKIP}:\n{done.stdout.decode()}")


def _binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    elsewhere = shutil.which("initdb")
    return None if elsewhere is None else Path(elsewhere).resolve().parent


def _install() -> Path:
    """By Debian's packages, where this may install."""
    packages.install("postgresql")
    found = _binaries()
    if found is None:
        raise RuntimeError(
            "the tests need PostgreSQL: install it "
            f"({' '.join(packages.command('postgresql'))}); or {HOW_TO_SKIP}"
        )
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port: int = probe.getsockname()[1]
        return port

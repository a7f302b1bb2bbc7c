"""Who works on a running trial, and whether it still does."""

from __future__ import annotations

import itertools
import os
import socket
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from keras_glove.search.trial import Trial


class Owner(NamedTuple):
    """The place where a trial runs.

    Attributes:
        machine: of this boot, and of this container.
        pid: the process.
        started: when the process began, since numbers of processes are used again.
        token: which of the claims of the process.
    """

    machine: str
    pid: int
    started: str
    token: int


class Claim:
    """The right, and the duty, to end a running trial.

    Who works on a trial holds its claim. A claim that nobody holds any more, since its loop
    was left or its process died, frees the trial to be tried again.

    Attributes:
        trial: the running trial.
        owner: this place.
    """

    __slots__ = ("__weakref__", "owner", "trial")

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        here, pid, started = _place(os.getpid())
        self.owner = owner = Owner(here, pid, started, next(_tokens))
        _held[owner.token] = self


_tokens = itertools.count()
_held: WeakValueDictionary[int, Claim] = WeakValueDictionary()


def is_here(owner: Owner) -> bool:
    """Whether a place is in this process."""
    return owner[:3] == _place(os.getpid())


def is_gone(owner: Owner) -> bool | None:
    """Whether nobody works at a place any more; None if it cannot be seen from here."""
    if is_here(owner):
        return owner.token not in _held
    if owner.machine != machine():
        return None
    return _start_of(owner.pid) != owner.started


@cache
def machine() -> str:
    """A name for what shares process numbers with this process: a boot of a host, a container."""
    parts = [socket.gethostname()]
    boot = Path("/proc/sys/kernel/random/boot_id")
    if boot.exists():
        parts.append(boot.read_text().strip())
    if os.path.lexists("/proc/self/ns/pid"):
        parts.append(os.readlink("/proc/self/ns/pid"))
    return "|".join(parts)


@cache
def _place(pid: int) -> tuple[str, int, str]:
    """This process as the first three fields of an owner; asked by number, as forks have others."""
    return machine(), pid, _start_of(pid) or ""


def _start_of(pid: int) -> str | None:
    """When a process of this machine began, or None if there is none of this number."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        # The name, in brackets, may hold anything. After it: state, parent, ..., 20th the start.
        fields = stat.read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        if Path("/proc/self/stat").exists():
            return None
        return _exists(pid)
    return None if fields[0] in "ZX" else fields[19]


def _exists(pid: int) -> str | None:
    """The same without /proc (macOS): whether there is such a process, whenever it began."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        return ""
    return ""

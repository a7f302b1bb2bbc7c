"""Programs that tests need, installed by Debian's packages where that is allowed."""

from __future__ import annotations

import os
import shutil
import subprocess

__all__ = ["command", "install"]


def command(package: str) -> list[str]:
    """What installs a package; it waits for others who are installing."""
    wait = ["-o", "DPkg::Lock::Timeout=300"]
    return ["apt-get", *wait, "install", "-y", "--no-install-recommends", package]


def install(package: str) -> None:
    """Tries to; whoever needs the package looks afterwards whether it is there."""
    if os.geteuid() == 0 and shutil.which("apt-get") is not None:
        quiet = subprocess.DEVNULL
        subprocess.run(command(package), check=False, timeout=600, stdout=quiet, stderr=quiet)

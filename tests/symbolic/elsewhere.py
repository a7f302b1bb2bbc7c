"""Stands for a package that knows nothing of symbolic programming."""

from __future__ import annotations


class Ready:
    """A class that others wrote."""

    def __init__(self, size: int, *, rate: float = 0.5) -> None:
        self.size, self.rate = size, rate

    @classmethod
    def small(cls, rate: float = 0.1) -> Ready:
        return cls(1, rate=rate)

    def scaled(self, factor: int) -> int:
        return self.size * factor


def ready(size: int = 3) -> Ready:
    """A function that others wrote."""
    return Ready(size)

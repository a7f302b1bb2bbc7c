"""Errors as text, so that nothing of a child outlives its trial."""

from __future__ import annotations

import traceback


def describe_error(error: BaseException) -> tuple[str, str]:
    """The error's type, text and notes; and its traceback. Frees what the error holds."""
    lines = "".join(traceback.format_exception(error))
    # The frames hold the child, which may be what filled the memory.
    traceback.clear_frames(error.__traceback__)
    notes = getattr(error, "__notes__", ())  # where in the program it happened.
    return "\n".join([f"{type(error).__name__}: {error}", *map(str, notes)]), lines

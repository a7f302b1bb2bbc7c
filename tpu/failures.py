"""How a failure inside TensorFlow is quoted in a message of ours."""

from __future__ import annotations


def first_line(error: BaseException) -> str:
    """What TensorFlow says, without the page of operation attributes that may follow."""
    line = (str(error).strip() or "without a message").splitlines()[0][:200]
    return f"{type(error).__name__}: {line.rstrip('.')}."

"""Names of test cases that are the same in every process, as side by side runs need."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["named"]


def named(value: Any) -> str:
    """The text of a value, without addresses, and sets in order; for `ids=` of `parametrize`."""
    if isinstance(value, set | frozenset):
        return f"{{{', '.join(sorted(map(named, value)))}}}"
    text = value if isinstance(value, str) else repr(value)
    return re.sub(r" at 0x[0-9a-f]+", "", text)

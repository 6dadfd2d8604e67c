"""What the reading of both providers' webhooks shares.

1. Headers are found whatever their case.
2. What is kept of a report can be stored: no character that a database refuses, and no number that JSON does
   not have.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

_ODD = {0: "\ufffd", **dict.fromkeys(range(0xD800, 0xE000), "\ufffd")}  # NUL and halves of surrogate pairs


def header(headers: Mapping[str, str], name: str) -> str:
    """The value of a header, "" where there is none."""
    wanted = name.lower()
    return next((value for key, value in headers.items() if key.lower() == wanted), "")


def storable(value: Any) -> Any:
    """JSON that PostgreSQL and SQLite both keep: odd characters become U+FFFD, NaN and infinities None."""
    if isinstance(value, str):
        return value.translate(_ODD)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [storable(each) for each in value]
    if isinstance(value, dict):
        return {storable(key): storable(each) for key, each in value.items()}
    return value

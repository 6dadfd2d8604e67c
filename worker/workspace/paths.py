"""Paths into JSON: where a value stands in a message.

Rules
1. `payload.startTime` goes into objects by name, `[0]` into a list by place, `[]` into each of its items. `header NAME` is a header of the call.
2. A path that leads nowhere finds nothing; that is no mistake of the message.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

HEADER: Final = "header "
PATTERN: Final = r"(?:header [A-Za-z0-9-]+|(?:[^\s.\[\]]+|\[[0-9]*\])(?:\.[^\s.\[\]]+|\[[0-9]*\])*)"
_WHOLE: Final = re.compile(PATTERN)
_STEP: Final = re.compile(r"\[([0-9]*)\]|([^\s.\[\]]+)")


def parse_path(text: str) -> str | None:
    """The path, if it is one."""
    plain = text.strip()
    return plain if _WHOLE.fullmatch(plain) else None


def found_at(message: Any, path: str, headers: Mapping[str, str] | None = None) -> list[Any]:
    """The values that a path leads to, in their order; none where it leads nowhere. `headers` by their names in small letters."""
    if path.startswith(HEADER):
        value = (headers or {}).get(path.removeprefix(HEADER).lower())
        return [] if value is None else [value]
    values = [message]
    for step in _steps(path):
        if step is None:
            values = [item for value in values if isinstance(value, list) for item in value]
        elif isinstance(step, int):
            values = [value[step] for value in values if isinstance(value, list) and step < len(value)]
        else:
            values = [value[step] for value in values if isinstance(value, dict) and step in value]
    return values


@lru_cache(maxsize=4096)
def _steps(path: str) -> tuple[str | int | None, ...]:
    """A name, a place in a list, or None for each item."""
    return tuple(
        name or (int(place) if place else None)
        for place, name in (match.groups() for match in _STEP.finditer(path))
    )

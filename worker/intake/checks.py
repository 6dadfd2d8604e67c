"""What every check of an event's values shares: what it may know, how it refuses, how it prints a value."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationInfo
from pydantic_core import PydanticCustomError

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(slots=True)
class Door:
    """What a check may need besides its value: the clinic's country and zone, its clock (None: no clock), the
    event's time once known.
    """

    country: str
    timezone: str
    now: datetime | None
    time: datetime | None = None


def door_of(info: ValidationInfo[Any]) -> Door:
    """The Door that this check was given."""
    door: Door = info.context
    return door


def refuse(why: str) -> PydanticCustomError:
    """The refusal of a value, with its sentence (`<what is wrong>; <the way out>`)."""
    return PydanticCustomError("told", "{why}", {"why": why})


def shown(value: object) -> str:
    """A value as an error may print it: short, on one line."""
    if isinstance(value, str):
        text = CONTROL.sub("\N{REPLACEMENT CHARACTER}", value.encode("utf-8", "replace").decode("utf-8"))
        return f"'{text}'" if len(text) <= 60 else f"'{text[:57]}...'"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return str(value) if abs(value) < 10**20 else "a number of more than 20 digits"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return "a list"
    return "an object" if isinstance(value, dict) else "this"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that the author probably meant."""
    close = difflib.get_close_matches(word[:100].lower(), list(known), n=1, cutoff=0.6)
    return close[0] if close else None

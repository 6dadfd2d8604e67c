"""The sample clinic's book, moved in time so that its last days are these days.

It moves by whole weeks, in wall-clock time: a Tuesday stays a Tuesday and ten o'clock stays ten o'clock, on either side of a DST change.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

BOOK_END = date(2026, 10, 31)
"""The Saturday on which the book in the file ends."""


@dataclass(frozen=True, slots=True)
class Told:
    """An event of the book with its new time."""

    at: datetime
    event: dict[str, Any]


def find_book() -> Traversable:
    """The book: in the wheel's data, or in the source tree that this runs in."""
    packed = resources.files("worker").joinpath("sample", "book.jsonl.gz")
    return packed if packed.is_file() else Path(__file__).resolve().parents[2] / "sample" / "book.jsonl.gz"


def weeks_to(today: date) -> int:
    """By how many weeks to move the book so that it covers `today` and ends within a week of it."""
    return -((BOOK_END - today).days // 7)


def read_book(today: date, tz: tzinfo) -> Iterator[Told]:
    """The book's events in order of time, moved to these days."""
    move = timedelta(weeks=weeks_to(today))
    with find_book().open("rb") as packed, gzip.open(packed, "rt", encoding="utf-8") as lines:
        for line in lines:
            event: dict[str, Any] = json.loads(line)
            at = _moved(event["time"], move, tz)
            event["time"] = at.isoformat()
            data = event["data"]
            if data.get("starts_at"):
                data["starts_at"] = _moved(data["starts_at"], move, tz).isoformat()
            until = data.get("until")
            if until:
                data["until"] = (
                    (date.fromisoformat(until) + move).isoformat()
                    if len(until) == 10
                    else _moved(until, move, tz).isoformat()
                )
            yield Told(at, event)


def _moved(text: str, move: timedelta, tz: tzinfo) -> datetime:
    wall = datetime.fromisoformat(text).astimezone(tz).replace(tzinfo=None) + move
    return wall.replace(tzinfo=tz).astimezone(tz)

"""The lifecycle of a patient, defined on a page and apart from the program that is judged by it.

It knows only what the files contract says: stages in order, first match wins, anchors clamped to the end of a
short month, clinic-local days. Choices where that text leaves room:

- A patient is unknown before the first event, so the first line is `entered new` alone: no `left prospect`.
- A visit on day d is "in 12 months" while today is before d + 12 months; then it is "at least 12 months ago".
"""

from __future__ import annotations

import calendar
import functools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo


class Visit(NamedTuple):
    """One completed appointment: its instant (UTC) and its clinic-local day."""

    at: datetime
    day: date


class Move(NamedTuple):
    """One line of `--emit transitions`, its `at` as an instant in UTC."""

    at: datetime
    patient: str
    segment: str
    change: str
    cause: str


@functools.cache
def add_months(anchor: date, months: int) -> date:
    """The same day of the month, `months` later; the last day of that month where it is shorter."""
    years, month = divmod(anchor.month - 1 + months, 12)
    year, month = anchor.year + years, month + 1
    return date(year, month, min(anchor.day, calendar.monthrange(year, month)[1]))


def stage(visit_days: set[date], today: date) -> str:
    """The lifecycle of the contract, top to bottom."""
    if not visit_days:
        return "prospect"
    last = max(visit_days)
    if today >= add_months(last, 12):
        return "inactive_12"
    if today >= add_months(last, 6):
        return "inactive_6"
    if len(visit_days) == 1:
        return "new"
    if sum(1 for day in visit_days if today < add_months(day, 12)) >= 2:
        return "regular"
    return "returning"


def every_day(visits: Sequence[Visit], last_day: date) -> list[date]:
    """Each day from the first visit to `last_day`, inclusive."""
    first = visits[0].day
    return [first + timedelta(days=n) for n in range((last_day - first).days + 1)]


def days_that_matter(visits: Sequence[Visit], last_day: date) -> list[date]:
    """The days on which a stage can change, and perhaps others.

    `stage` looks at today only by comparing it with a visit day plus 6 or plus 12 months, and at the visit
    days, which grow only on a visit day. On any other day each comparison answers as it did the day before.
    """
    visited = {visit.day for visit in visits}
    days = visited | {add_months(day, months) for day in visited for months in (6, 12)}
    return sorted(day for day in days if day <= last_day)


def moves(patient: str, visits: Sequence[Visit], zone: ZoneInfo, days: Iterable[date]) -> list[Move]:
    """All moves of one patient; visits and days ascend, the days hold every day of a visit."""
    found: list[Move] = []
    by_day: dict[date, list[Visit]] = defaultdict(list)
    for visit in visits:
        by_day[visit.day].append(visit)
    known: set[date] = set()
    current: str | None = None

    def move(to: str, at: datetime, cause: str) -> None:
        nonlocal current
        if to != current:
            if current is not None:
                found.append(Move(at, patient, current, "left", cause))
            found.append(Move(at, patient, to, "entered", cause))
            current = to

    for day in days:
        if current is not None:
            move(stage(known, day), datetime.combine(day, time(), zone).astimezone(UTC), "time")
        for visit in by_day.get(day, ()):
            known.add(day)
            move(stage(known, day), visit.at, "event")
    return found

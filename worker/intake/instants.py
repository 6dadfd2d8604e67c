"""Moments and days of an event. Each check returns the canonical value, or refuses with one sentence.

Rules
1. An instant is RFC 3339 with an offset. Without one it could be any of 26 hours, so it is refused, never
   guessed.
2. Nothing but a date of birth lies before 1950, nothing after 2199: such dates come from swapped fields and
   from placeholders such as 0001-01-01.
3. Canonical values are fixed points of their own check.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

from pydantic import ValidationInfo

from worker.domain.calendar import add_months, local_day, zone
from worker.intake.checks import Door, door_of, refuse, shown

EARLIEST: Final = datetime(1950, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
AHEAD: Final = timedelta(hours=24)
"""How far a sender's clock may run before ours, and a visit's start after the event that completes it."""
BOOKING_MONTHS: Final = 60
AGE_YEARS: Final = 120

_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,12})?(Z|[+-][0-9]{2}:[0-9]{2})?"
)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _instant(text: str, door: Door) -> datetime:
    upper = text.upper()
    match = _INSTANT.fullmatch(upper)
    try:
        instant = datetime.fromisoformat(upper) if match else None
    except ValueError:
        instant = None
    if instant is None or match is None:
        raise refuse(f"{shown(text)} is not an instant; write it like 2026-03-29T10:00:00+03:00")
    if match[2] is None:
        raise refuse(f"{shown(text)} has no offset; {_with_offset(instant, door.timezone)}")
    # The years alone settle nearly every instant, at a tenth of the cost of comparing across offsets.
    if instant.year <= EARLIEST.year and instant < EARLIEST:
        raise refuse(f"{match[1]} lies before 1950; check the date order")
    if instant.year >= LATEST.year - 1 and instant >= LATEST:
        raise refuse(f"{match[1]} lies after 2199; check the date order")
    return instant


def _with_offset(naive: datetime, timezone: str) -> str:
    if EARLIEST.year < naive.year < LATEST.year:
        local = naive.replace(tzinfo=zone(timezone))
        offset = local.utcoffset()
        # Some zones once had seconds in their offsets, which RFC 3339 cannot write.
        if offset is not None and offset.seconds % 60 == 0:
            return f"write {local.isoformat()} if it is the time of {timezone}, or end it with Z if it is UTC"
    return "add the clinic's offset, such as +03:00, or end it with Z if it is UTC"


def event_time(value: str, info: ValidationInfo) -> datetime:
    """The envelope's `time` in UTC; at most 24 hours ahead of the clinic's clock, where it has one."""
    door = door_of(info)
    instant = _instant(value, door).astimezone(UTC)
    if door.now is not None and instant - door.now > AHEAD:
        raise refuse(
            f"{instant.date()} lies in the future (more than a day ahead of this clinic's clock); "
            "check the date"
        )
    return instant


def visit_start(value: str, info: ValidationInfo) -> str:
    """`starts_at` of a visit that has taken place: at most 24 hours after the event's time. Keeps the given
    offset.
    """
    door = door_of(info)
    instant = _instant(value, door)
    if door.time is not None and instant - door.time > AHEAD:
        raise refuse(
            f"{instant.date()} lies more than a day after the event's time, but a completed visit is over; "
            "check the date, or send booking.created"
        )
    return instant.isoformat()


def booking_start(value: str, info: ValidationInfo) -> str:
    """`starts_at` of any other appointment: at most five years after the event's time. Keeps the given
    offset.
    """
    if not value:
        return value
    door = door_of(info)
    instant = _instant(value, door)
    if door.time is not None and instant > door.time:
        last = datetime.combine(add_months(door.time.date(), BOOKING_MONTHS), door.time.timetz())
        if instant > last:
            raise refuse(
                f"{instant.date()} lies more than 5 years after the event's time; check the date order"
            )
    return instant.isoformat()


def hold_end(value: str, info: ValidationInfo) -> str:
    """The end of a hold: an instant with offset, or a clinic-local day."""
    if not value or len(value) != 10:
        return value and _instant(value, door_of(info)).isoformat()
    day = _day(value)
    if not EARLIEST.year <= day.year < LATEST.year:
        raise refuse(f"{day} lies before 1950 or after 2199; check the date order")
    return value


def _day(text: str) -> date:
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise refuse(f"{shown(text)} is not a date; write it like 1990-02-28 (year, month, day)")


def birth_date(value: str, info: ValidationInfo) -> str:
    """A date of birth: not in the future, and at most 120 years before the event."""
    if not value:
        return value
    door = door_of(info)
    born, today = _day(value), door.now or door.time
    if today is not None and born.year >= today.year and born > local_day(today, zone(door.timezone)):
        raise refuse(f"{born} lies in the future; check the date order, or leave it out")
    oldest = door.time.year - AGE_YEARS if door.time is not None else 0
    if door.time is not None and born.year <= oldest and born < add_months(door.time.date(), -12 * AGE_YEARS):
        raise refuse(f"{born} is more than 120 years before the event; check the date order, or leave it out")
    return value

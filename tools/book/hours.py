"""When the sample clinic is open: Athens, 10 to 20 on weekdays, 10 to 15 on Saturdays, closed on holidays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

ZONE: Final = ZoneInfo("Europe/Athens")

BOOK_START: Final = date(2023, 11, 1)
BOOK_END: Final = date(2026, 10, 31)
"""The last day that the book knows, a Saturday with appointments; shifted by whole weeks it stays one."""

FORESEEN: Final = timedelta(weeks=6)
"""How far beyond BOOK_END there are bookings."""

_FIXED_HOLIDAYS: Final = frozenset(
    {(1, 1), (1, 6), (3, 25), (5, 1), (8, 15), (10, 28), (12, 24), (12, 25), (12, 26), (12, 31)}
)
_EASTER_HOLIDAYS: Final = (
    -48,
    -2,
    -1,
    1,
    50,
)  # Clean Monday, Good Friday, Holy Saturday, Easter and Whit Monday
_SUMMER_BREAK: Final = range(10, 17)  # of August


def orthodox_easter(year: int) -> date:
    """Easter Sunday of the Greek church, 1900 to 2099: Meeus's Julian rule, 13 days later in our calendar."""
    d = (19 * (year % 19) + 15) % 30
    e = (2 * (year % 4) + 4 * (year % 7) - d + 34) % 7
    month, day = divmod(d + e + 114, 31)
    return date(year, month, day + 1) + timedelta(days=13)


@cache
def is_open(day: date) -> bool:
    """Whether the clinic sees anybody on `day`."""
    if day.weekday() == 6 or (day.month, day.day) in _FIXED_HOLIDAYS:
        return False
    if day.month == 8 and day.day in _SUMMER_BREAK:
        return False
    return (day - orthodox_easter(day.year)).days not in _EASTER_HOLIDAYS


def opening(day: date) -> tuple[int, int]:
    """Opening and closing of an open day, in minutes after midnight."""
    return 10 * 60, (15 if day.weekday() == 5 else 20) * 60


def open_days(first: date, last: date) -> Iterator[date]:
    """The open days from `first` to `last`, both included."""
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        if is_open(day):
            yield day


def at(day: date, minutes: int) -> datetime:
    """The wall-clock time of `day` in Athens, with the offset of that day."""
    return datetime.combine(day, time(minutes // 60, minutes % 60), ZONE)


def book_closes() -> datetime:
    """The moment after which the book knows nothing."""
    return at(BOOK_END, 21 * 60)

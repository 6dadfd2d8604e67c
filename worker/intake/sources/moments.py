"""Dates and times as exports write them.

Rules
1. ISO dates and dates with the month as a word (English or Greek) are read in any case; others by the order that the mapping says. Nothing is guessed.
2. A time without a zone is of the mapping's zone. Where DST skips it, it is the hour after; where DST repeats it, the first of the two.
3. 24:00 is the midnight that the day ends with.
4. A year of two digits is one of 1970 to 2069; that of a birth is never later than the year that the caller says.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final, Literal

from worker.domain.calendar import at_local

Order = Literal["ymd", "dmy", "mdy"]
_ISO: Final = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_DIGITS: Final = re.compile(r"(\d{1,2})\s*[-/.]\s*(\d{1,2})\s*[-/.]\s*(\d{4}|\d{2})")
_COMPACT: Final = re.compile(r"(\d{4})(\d{2})(\d{2})")
_TIME: Final = re.compile(
    r"(?:^|[ t,]+)(\d{1,2})(?:[:.](\d{2}))?(?:[:.](\d{2})(?:[.,](\d+))?)?\s*(am|pm|πμ|μμ)?\s*(z|utc|gmt|[+-]\d{2}:?\d{2})?$"
)
_MONTHS: Final = {
    "jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12,
    "ιαν": 1, "φεβ": 2, "μαρ": 3, "απρ": 4, "μαι": 5, "ιουν": 6, "ιουλ": 7, "αυγ": 8, "σεπ": 9, "οκτ": 10, "νοε": 11, "δεκ": 12,
}  # fmt: skip
_ORDERS: Final = {
    "ymd": "year-month-day",
    "dmy": "day/month/year",
    "mdy": "month/day/year",
}


class NotAMoment(ValueError):
    """The text is no date or time; its text says what was expected."""


def day_of(text: str, order: Order, *, latest: int = 2069) -> date:
    """The date of a text that may go on with a time, which is passed over; `latest` is the last year that two digits may mean. Raises NotAMoment."""
    found, _ = _parted(text, order)
    return _century(found, latest)


def moment_of(text: str, order: Order, zone: tzinfo) -> datetime:
    """The instant of a date with a time; without one it is the day's first minute. In the zone's own offset. Raises NotAMoment."""
    found, rest = _parted(text, order)
    return _at(_century(found), rest, zone, text)


def moment_on(day: str, clock: str, order: Order, zone: tzinfo) -> datetime:
    """The instant of a date and a time that stand in two cells. Raises NotAMoment."""
    found, rest = _parted(day, order)
    return _at(_century(found), _plain(clock) or rest, zone, clock or day)


def _at(day: date, clock: str, zone: tzinfo, written: str) -> datetime:
    if not clock:
        return at_local(day, time(), zone).astimezone(zone)
    match = _TIME.search(clock)
    if match is None or match.start() > 0:
        raise NotAMoment(f"`{_short(written)}` is not a time; for example 14:30")
    hour, minute, second, part, half, offset = match.groups()
    hours = int(hour)
    if half is not None:
        if not 1 <= hours <= 12:
            raise NotAMoment(f"`{_short(written)}` is not a time of the half day")
        hours = hours % 12 + (12 if half in ("pm", "μμ") else 0)
    elif minute is None:
        raise NotAMoment(f"`{_short(written)}` is not a time; for example 14:30")
    minutes, seconds = int(minute or 0), int(second or 0)
    later = 0
    if hours == 24 and not minutes and not seconds:
        hours, later = 0, 1
    if hours > 23 or minutes > 59 or seconds > 59:
        raise NotAMoment(f"`{_short(written)}` is not a time; the day ends at 24:00")
    day += timedelta(days=later)
    clock_time = time(hours, minutes, seconds, int((part or "0").ljust(6, "0")[:6]))
    if offset is not None:
        return datetime.combine(day, clock_time, tzinfo=_offset(offset))
    return at_local(day, clock_time, zone).astimezone(zone)


def _offset(text: str) -> tzinfo:
    if text[0] not in "+-":
        return UTC
    digits = text[1:].replace(":", "")
    ahead = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    if ahead >= timedelta(hours=24):
        raise NotAMoment(f"`{text}` is not an offset")
    return timezone(ahead if text[0] == "+" else -ahead)


@lru_cache(maxsize=8192)
def _parted(text: str, order: Order) -> tuple[tuple[int, int, int], str]:
    """Year (as written), month and day; and what stands after the date."""
    plain = _plain(text)
    if not plain:
        raise NotAMoment("is empty")
    for pattern in (_ISO, _DIGITS, _COMPACT):
        match = pattern.match(plain)
        if match is None or (pattern is _DIGITS and plain[match.end() : match.end() + 1].isdigit()):
            continue
        parts = [int(part) for part in match.groups()]
        if pattern is _DIGITS:
            if order == "ymd":
                raise NotAMoment(
                    f"`{_short(text)}` may be read in two ways; write `date_order: dmy` or `mdy` into the mapping"
                )
            first, second, year = parts
            found = (year, second, first) if order == "dmy" else (year, first, second)
            two = len(match[3]) == 2
        else:
            found, two = (parts[0], parts[1], parts[2]), False
        return _checked(found, text, order, two=two), plain[match.end() :]
    return _with_month(plain, text, order)


def _with_month(plain: str, text: str, order: Order) -> tuple[tuple[int, int, int], str]:
    """`12 Mar 2026 14:30`, `Thursday, March 12, 2026`, `12-Mar-26`."""
    for match in re.finditer(r"[^\W\d_]{3,}", plain):
        month = _month(match[0])
        if month is None:
            continue
        before = re.search(r"(\d{1,2})(?:st|nd|rd|th|ης|η)?[\s./-]*$", plain[: match.start()])
        after = plain[match.end() :]
        if before is not None:
            year = re.match(r"\.?[\s,./-]*(\d{4}|\d{2})(?!\d)", after)
            if year is not None:
                found = (int(year[1]), month, int(before[1]))
                return _checked(found, text, order, two=len(year[1]) == 2), after[year.end() :]
        both = re.match(r"\.?[\s/-]*(\d{1,2})(?:st|nd|rd|th)?[\s,/-]+(\d{4})(?!\d)", after)
        if both is not None:
            found = (int(both[2]), month, int(both[1]))
            return _checked(found, text, order, two=False), after[both.end() :]
    raise NotAMoment(f"`{_short(text)}` is not a date ({_ORDERS[order]})")


def _checked(found: tuple[int, int, int], text: str, order: Order, *, two: bool) -> tuple[int, int, int]:
    year, month, day = found
    try:
        # A year of two digits may still turn out to be either; 2000 has a 29 February, and so has every other candidate that matters.
        date(2000 + year if two else year, month, day)
    except ValueError as error:
        raise NotAMoment(f"`{_short(text)}` is not a date ({_ORDERS[order]})") from error
    return (-1 - year if two else year, month, day)


def _century(found: tuple[int, int, int], latest: int = 2069) -> date:
    year, month, day = found
    if year < 0:
        year = 1999 - year if 1999 - year <= latest else 1899 - year
    try:
        return date(year, month, day)
    except ValueError as error:
        raise NotAMoment(f"{day}/{month}/{year} is not a date") from error


def _month(word: str) -> int | None:
    plain = word.rstrip(".")
    return _MONTHS.get(plain[:4]) or _MONTHS.get(plain[:3])


def _plain(text: str) -> str:
    """In small letters without accents, Greek halves of the day as one word, one space between words."""
    lower = "".join(
        letter
        for letter in unicodedata.normalize("NFD", text.casefold())
        if unicodedata.category(letter) != "Mn"
    )
    lower = re.sub(r"\b([apπμ])\.?\s?([mμ])\b\.?", r"\1\2", lower)
    return " ".join(lower.split())


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."

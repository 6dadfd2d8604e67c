"""Calendar arithmetic: spans, clinic-local days, and the hours in which a message may leave.

Rules
1. Months and years are added to the anchor in one go and clamped to the month's end: 31 August + 6 months is 28 or 29 February.
2. Days, weeks, months and years are wall-clock: the local time of day stays across a DST change. Hours, minutes and seconds are elapsed time.
3. A local time that does not exist (spring) is the same moment after the gap; one that exists twice (autumn) is the first.
4. A window may cross midnight; `24:00` is legal as an end. Its ends are wall-clock.
"""

from __future__ import annotations

import calendar as _calendar
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SECONDS = {"second": 1, "minute": 60, "hour": 3600}
_MONTH_DAYS = (0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_UNITS = "second|minute|hour|day|week|month|year"
_PART = re.compile(rf"(\d{{1,5}})\s+({_UNITS})s?")


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time as people say it: months and days stay apart, since they are not equally long."""

    months: int = 0
    days: int = 0
    seconds: int = 0

    def __str__(self) -> str:
        parts: list[str] = []
        for count, unit in ((self.months, "month"), (self.days, "day"), (self.seconds, "second")):
            if count and unit == "month" and count % 12 == 0:
                count, unit = count // 12, "year"
            elif count and unit == "day" and count % 7 == 0:
                count, unit = count // 7, "week"
            elif count and unit == "second" and count % 3600 == 0:
                count, unit = count // 3600, "hour"
            elif count and unit == "second" and count % 60 == 0:
                count, unit = count // 60, "minute"
            if count:
                parts.append(f"{count} {unit}{'' if count == 1 else 's'}")
        return " and ".join(parts) or "no time"

    @property
    def is_zero(self) -> bool:
        """True for a span of no length."""
        return not (self.months or self.days or self.seconds)

    @property
    def whole_days(self) -> bool:
        """True where the span is made of days, weeks, months or years alone."""
        return not self.seconds


def parse_span(text: str) -> Span | None:
    """`3 weeks`, `18 months`, `1 day and 2 hours`; None where the text is no span."""
    months = days = seconds = 0
    for part in text.strip().lower().split(" and "):
        match = _PART.fullmatch(part.strip())
        if match is None:
            return None
        count, unit = int(match[1]), match[2]
        if unit in _SECONDS:
            seconds += count * _SECONDS[unit]
        elif unit in ("month", "year"):
            months += count * (12 if unit == "year" else 1)
        else:
            days += count * (7 if unit == "week" else 1)
    if months > 1200 or days > 36525:
        return None
    return Span(months, days, seconds)


@lru_cache(maxsize=512)
def zone(name: str) -> ZoneInfo:
    """The IANA zone of that name; raises ValueError where there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, OSError) as error:
        raise ValueError(f"no time zone is called {name!r}") from error


@lru_cache(maxsize=1 << 16)
def add_months(day: date, months: int) -> date:
    """The same day of the month `months` later, clamped to that month's end (rule 1)."""
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    last = 29 if month == 2 and _calendar.isleap(year) else _MONTH_DAYS[month]
    return date(year, month, min(day.day, last))


def add_days(day: date, span: Span) -> date:
    """`day` plus the span's months and days; its hours do not count."""
    if span.months:
        day = add_months(day, span.months)
    return day + timedelta(days=span.days) if span.days else day


def sub_days(day: date, span: Span) -> date:
    """`day` minus the span's months and days."""
    return add_months(day, -span.months) - timedelta(days=span.days)


def at_local(day: date, clock: time, tz: tzinfo) -> datetime:
    """The UTC instant of a wall-clock time (rule 3)."""
    return datetime.combine(day, clock, tzinfo=tz).astimezone(UTC)


def midnight(day: date, tz: tzinfo) -> datetime:
    """The UTC instant at which a local day begins; where DST skips 00:00, the first moment there is."""
    start = datetime.combine(day, time(0), tzinfo=tz).astimezone(UTC)
    local = start.astimezone(tz)
    if local.date() == day and (local.hour or local.minute):
        # The zone skipped midnight. The conversion used the offset before the gap, which lands inside the day by the gap's length.
        return (
            start
            if (start - timedelta(microseconds=1)).astimezone(tz).date() < day
            else _first_moment(start, day, tz)
        )
    return start


def _first_moment(inside: datetime, day: date, tz: tzinfo) -> datetime:
    low, high = inside - timedelta(hours=26), inside
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(tz).date() < day:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)


def local_day(instant: datetime, tz: tzinfo) -> date:
    """The calendar day that an instant falls on there."""
    return instant.astimezone(tz).date()


def add_span(instant: datetime, span: Span, tz: tzinfo) -> datetime:
    """The UTC instant a span later (rules 1 to 3)."""
    if span.months or span.days:
        local = instant.astimezone(tz)
        instant = at_local(add_days(local.date(), span), local.timetz().replace(tzinfo=None), tz)
    return instant + timedelta(seconds=span.seconds)


def sub_span(instant: datetime, span: Span, tz: tzinfo) -> datetime:
    """The UTC instant a span earlier (rules 1 to 3)."""
    if span.months or span.days:
        local = instant.astimezone(tz)
        instant = at_local(sub_days(local.date(), span), local.timetz().replace(tzinfo=None), tz)
    return instant - timedelta(seconds=span.seconds)


@dataclass(frozen=True, slots=True)
class Window:
    """Hours of a local day in minutes after midnight, end exclusive; `end <= start` crosses midnight; (0, 1440) is all day."""

    start: int
    end: int

    def __str__(self) -> str:
        return f"{self.start // 60:02}:{self.start % 60:02} - {self.end // 60:02}:{self.end % 60:02}"

    @property
    def all_day(self) -> bool:
        """True where no minute lies outside."""
        return self.end - self.start >= 1440

    def holds(self, minute: float) -> bool:
        """Whether a minute of the day lies inside."""
        if self.start < self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end


ALL_DAY = Window(0, 1440)
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})")


def parse_clock(text: str) -> int | None:
    """`9:30` as minutes after midnight, 0 to 1440; None where the text is no time of day."""
    match = _CLOCK.fullmatch(text.strip())
    if match is None or int(match[2]) > 59:
        return None
    minutes = int(match[1]) * 60 + int(match[2])
    return minutes if minutes <= 1440 else None


def parse_window(text: str) -> Window | None:
    """`10:00 - 19:00`, `19:00 - 10:00` (across midnight) or `all day`; None otherwise."""
    if text.strip().lower() == "all day":
        return ALL_DAY
    ends = [parse_clock(part) for part in re.split(r"\s*[-–]\s*", text.strip())]
    if len(ends) != 2 or ends[0] is None or ends[1] is None or ends[0] == ends[1] or ends[0] == 1440:
        return None
    return Window(ends[0], ends[1])


Closed = Callable[[date], Sequence[Window]]
"""What a rule closes on a local day; a window that crosses midnight closes the evening and the early morning of that day."""


def next_open(instant: datetime, tz: tzinfo, closed: Closed, *, days: int = 40) -> datetime | None:
    """The first moment at or after `instant` that no closed window holds; None where there is none within `days`."""
    local = instant.astimezone(tz)
    for offset in range(days + 1):
        day = local.date() + timedelta(days=offset)
        windows = closed(day)
        if offset == 0:
            minute = local.hour * 60 + local.minute + local.second / 60 + local.microsecond / 6e7
            if not any(window.holds(minute) for window in windows):
                return instant
        for start in sorted({0, *(w.end % 1440 for w in windows)}):
            if any(window.holds(start) for window in windows):
                continue
            opening = midnight(day, tz) if start == 0 else at_local(day, time(start // 60, start % 60), tz)
            if opening >= instant:
                return opening
    return None


def next_closed(instant: datetime, tz: tzinfo, closed: Closed, *, within: timedelta) -> datetime | None:
    """The first moment after `instant`, which is open, at which a window closes; None where all stays open for `within`."""
    local = instant.astimezone(tz).date()
    ends: list[datetime] = []
    for day in (local + timedelta(days=offset) for offset in range(within.days + 2)):
        for window in closed(day):
            starts = {window.start % 1440} | ({0} if window.all_day or window.end < window.start else set())
            ends += [
                midnight(day, tz) if start == 0 else at_local(day, time(start // 60, start % 60), tz)
                for start in starts
            ]
    return min((end for end in ends if instant < end <= instant + within), default=None)

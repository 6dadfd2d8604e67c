"""Calendar arithmetic, at the ends of months and where clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.build import ATHENS, ZONES, at, clinic, local
from tests.domain.strategies import days, zones
from worker.domain.calendar import (
    ALL_DAY,
    Span,
    Window,
    add_days,
    add_months,
    add_span,
    at_local,
    local_day,
    midnight,
    next_closed,
    next_open,
    parse_clock,
    parse_span,
    parse_window,
    sub_days,
    zone,
)

SANTIAGO = "America/Santiago"


@pytest.mark.parametrize(
    ("anchor", "months", "expected"),
    [
        ("2024-02-29", 6, "2024-08-29"), ("2024-02-29", 12, "2025-02-28"), ("2024-02-29", 48, "2028-02-29"),
        ("2024-08-29", 6, "2025-02-28"), ("2024-08-30", 6, "2025-02-28"), ("2024-08-31", 6, "2025-02-28"), ("2023-08-31", 6, "2024-02-29"),
        ("2025-01-31", 1, "2025-02-28"), ("2025-01-31", 2, "2025-03-31"), ("2025-12-31", 2, "2026-02-28"), ("2025-03-31", -1, "2025-02-28"),
    ],
)  # fmt: skip
def test_months_are_clamped_from_the_anchor(anchor: str, months: int, expected: str) -> None:
    assert add_months(date.fromisoformat(anchor), months) == date.fromisoformat(expected)


def test_two_single_months_are_not_two_months() -> None:
    january = date(2025, 1, 31)
    assert add_months(add_months(january, 1), 1) == date(2025, 3, 28)
    assert add_months(january, 2) == date(2025, 3, 31)


@given(days, st.integers(-200, 200))
def test_a_month_later_is_in_that_month_on_that_day_or_its_last(day: date, months: int) -> None:
    found = add_months(day, months)
    assert (found.year * 12 + found.month) - (day.year * 12 + day.month) == months
    assert found.day == day.day or (found.day < day.day and (found + timedelta(days=1)).month != found.month)


@given(st.lists(days, min_size=2, max_size=6), st.integers(0, 40), st.integers(0, 60))
def test_adding_a_span_keeps_the_order_of_days(found: list[date], months: int, more: int) -> None:
    ends = [add_days(day, Span(months, more)) for day in sorted(found)]
    assert ends == sorted(ends)


@given(days, st.integers(0, 40), st.integers(0, 60))
def test_subtracting_undoes_adding_but_for_the_clamping(day: date, months: int, more: int) -> None:
    span = Span(months, more)
    assert abs((add_days(sub_days(day, span), span) - day).days) <= 3


# -- clocks that change -------------------------------------------------------------------------------------------------------


def test_a_time_that_does_not_exist_is_the_same_moment_after_the_gap() -> None:
    assert (
        local(at_local(date(2026, 3, 8), time(2, 30), zone("America/Los_Angeles")), "America/Los_Angeles")
        == "2026-03-08 03:30"
    )
    assert local(at_local(date(2026, 3, 29), time(3, 30), zone(ATHENS))) == "2026-03-29 04:30"


def test_a_time_that_exists_twice_is_the_first() -> None:
    assert at_local(date(2026, 10, 25), time(3, 30), zone(ATHENS)) == datetime(
        2026, 10, 25, 0, 30, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("tz", "day", "begins"),
    [
        (SANTIAGO, "2026-09-06", "01:00"),
        ("Africa/Cairo", "2026-04-24", "01:00"),
        ("America/Havana", "2026-11-01", "00:00"),
        (ATHENS, "2026-03-29", "00:00"),
    ],
)
def test_a_day_begins_at_its_first_moment(tz: str, day: str, begins: str) -> None:
    start = midnight(date.fromisoformat(day), zone(tz))
    assert local(start, tz) == f"{day} {begins}"
    assert local_day(start - timedelta(microseconds=1), zone(tz)) == date.fromisoformat(day) - timedelta(
        days=1
    )


@pytest.mark.parametrize("tz", [*ZONES, "America/Havana", "Asia/Beirut", "Australia/Lord_Howe"])
def test_every_day_begins_where_the_one_before_ends(tz: str) -> None:
    where = zone(tz)
    found = [date(2024, 1, 1) + timedelta(days=n) for n in range(3 * 366)]
    for day in found:
        start = midnight(day, where)
        assert local_day(start, where) == day
        assert local_day(start - timedelta(seconds=1), where) == day - timedelta(days=1)
    for first, second in pairwise(found):
        assert timedelta(hours=23) <= midnight(second, where) - midnight(first, where) <= timedelta(hours=25)


def test_fifteen_days_across_a_change_of_clocks_keep_the_local_hour() -> None:
    """Case 20: a 15-day delay across DST."""
    assert local(add_span(at("2026-03-20 09:00"), Span(days=15), zone(ATHENS))) == "2026-04-04 09:00"
    assert local(add_span(at("2026-10-20 09:00"), Span(days=15), zone(ATHENS))) == "2026-11-04 09:00"


def test_hours_are_elapsed_time_and_days_are_wall_clock() -> None:
    before = at("2026-03-28 12:00")
    assert add_span(before, Span(seconds=86400), zone(ATHENS)) - before == timedelta(hours=24)
    assert add_span(before, Span(days=1), zone(ATHENS)) - before == timedelta(hours=23)


@settings(max_examples=60)
@given(zones, days, st.integers(0, 23), st.integers(0, 3))
def test_a_day_later_has_the_same_wall_clock_where_that_exists(
    tz: str, day: date, hour: int, quarter: int
) -> None:
    where = zone(tz)
    start = at_local(day, time(hour, quarter * 15), where)
    shown = start.astimezone(where).replace(tzinfo=None)
    later = add_span(start, Span(days=1), where).astimezone(where).replace(tzinfo=None)
    wanted = shown + timedelta(days=1)
    exists = wanted.replace(tzinfo=where).astimezone(UTC).astimezone(where).replace(tzinfo=None) == wanted
    assert later == wanted if exists else timedelta() < later - wanted <= timedelta(hours=1)


# -- windows ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10:00 - 19:00", Window(600, 1140)), ("19:00 - 10:00", Window(1140, 600)), ("9:30-24:00", Window(570, 1440)), ("00:00 – 06:00", Window(0, 360)),
        ("all day", ALL_DAY), ("0:00 - 24:00", ALL_DAY), ("24:00 - 10:00", None), ("10:00", None), ("10:00 - 10:00", None), ("25:00 - 26:00", None),
        ("10:60 - 11:00", None), ("ten - four", None), ("", None), ("10:00 - 12:00 - 14:00", None), ("24:01 - 24:02", None),
    ],
)  # fmt: skip
def test_windows_as_people_write_them(text: str, expected: Window | None) -> None:
    assert parse_window(text) == expected


def test_a_window_ends_before_its_end_and_may_cross_midnight() -> None:
    night, day, late = Window(1140, 600), Window(600, 1140), Window(1200, 1440)
    assert [night.holds(m) for m in (1139, 1140, 0, 599, 600)] == [False, True, True, True, False]
    assert [day.holds(m) for m in (599, 600, 1139, 1140)] == [False, True, True, False]
    assert [late.holds(m) for m in (1199, 1439, 0)] == [False, True, False]


def test_only_whole_clocks_up_to_24_00_are_times_of_day() -> None:
    assert [parse_clock(text) for text in ("9:30", "24:00", "24:01", "9", "9:3", "-1:00")] == [
        570,
        1440,
        None,
        None,
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2026-03-03 12:00", "2026-03-03 12:00"), ("2026-03-03 09:59", "2026-03-03 10:00"), ("2026-03-03 18:59", "2026-03-03 18:59"), ("2026-03-03 19:00", "2026-03-04 10:00"),
        ("2026-03-03 23:59", "2026-03-04 10:00"), ("2026-03-04 00:00", "2026-03-04 10:00"),
        ("2026-03-07 20:00", "2026-03-09 10:00"), ("2026-03-08 12:00", "2026-03-09 10:00"), ("2026-03-28 19:00", "2026-03-30 10:00"),
    ],
)  # fmt: skip
def test_saturday_evening_waits_over_sunday_until_monday_morning(when: str, expected: str) -> None:
    def closed(day: date) -> list[Window]:
        return [Window(1140, 600), *([ALL_DAY] if day.weekday() == 6 else [])]

    found = next_open(at(when), zone(ATHENS), closed)
    assert found is not None
    assert local(found) == expected


def test_sunday_then_a_holiday_then_the_next_morning() -> None:
    def closed(day: date) -> list[Window]:
        return [Window(1140, 600), *([ALL_DAY] if day.weekday() == 6 or day == date(2026, 4, 13) else [])]

    found = next_open(at("2026-04-11 21:00"), zone(ATHENS), closed)
    assert found is not None
    assert local(found) == "2026-04-14 10:00"


def test_the_window_of_the_next_friday() -> None:
    """Case 19: a window 08-10 on Fridays and Saturdays; on Saturday noon it is next Friday 08:00."""

    def closed(day: date) -> list[Window]:
        return [Window(600, 480)] if day.weekday() in (4, 5) else [ALL_DAY]

    found = next_open(at("2026-03-07 12:00"), zone(ATHENS), closed)
    assert found is not None
    assert local(found) == "2026-03-13 08:00"


def test_thursday_is_thursday_where_the_patient_is() -> None:
    """Case 15: Thursday only, in Tokyo."""

    def closed(day: date) -> list[Window]:
        return [] if day.weekday() == 3 else [ALL_DAY]

    found = next_open(at("2026-03-03 12:00"), zone("Asia/Tokyo"), closed)
    assert found is not None
    assert local(found, "Asia/Tokyo") == "2026-03-05 00:00"


def test_where_nothing_is_ever_open_there_is_no_moment() -> None:
    assert next_open(at("2026-03-03 12:00"), zone(ATHENS), lambda _: [ALL_DAY]) is None
    assert (
        next_open(at("2026-03-03 12:00"), zone(ATHENS), lambda _: [Window(600, 1140), Window(1140, 600)])
        is None
    )


def test_a_quiet_end_in_the_hour_that_does_not_exist_opens_after_the_gap() -> None:
    found = next_open(at("2026-03-29 01:00"), zone(ATHENS), lambda _: [Window(1260, 210)])
    assert found is not None
    assert local(found) == "2026-03-29 04:30"


WINDOWS = st.builds(
    lambda start, end: Window(start * 30, end * 30), st.integers(0, 47), st.integers(1, 48)
).filter(lambda w: w.start != w.end)


def _open(moment: datetime, where: ZoneInfo, found: list[Window]) -> bool:
    shown = moment.astimezone(where)
    return not any(window.holds(shown.hour * 60 + shown.minute) for window in found)


@settings(max_examples=80)
@given(
    zones,
    st.one_of(
        days,
        st.sampled_from(
            [date(2025, 3, 30), date(2025, 9, 7), date(2025, 4, 25), date(2025, 11, 2), date(2025, 10, 26)]
        ),
    ),
    st.integers(0, 47),
    st.lists(WINDOWS, min_size=1, max_size=2),
)
def test_the_next_open_moment_is_open(tz: str, day: date, half: int, found: list[Window]) -> None:
    where = zone(tz)
    start = at_local(day, time(half // 2, half % 2 * 30), where)
    opening = next_open(start, where, lambda _: found)
    if opening is not None:
        assert opening >= start
        assert _open(opening, where, found)


@settings(max_examples=80)
@given(zones, days, st.integers(0, 47), st.lists(WINDOWS, min_size=1, max_size=2))
def test_away_from_changes_of_clocks_no_open_moment_is_missed(
    tz: str, day: date, half: int, found: list[Window]
) -> None:
    where = zone(tz)
    start = at_local(day, time(half // 2, half % 2 * 30), where)
    steps = [start + timedelta(minutes=30 * n) for n in range(2 * 49)]
    if len({moment.astimezone(where).utcoffset() for moment in steps}) > 1:
        return
    first = next((moment for moment in steps if _open(moment, where, found)), None)
    assert next_open(start, where, lambda _: found) == first


def test_quiet_hours_are_those_of_the_patient_west_and_east_of_the_clinic() -> None:
    night = Window(1140, 600)
    for tz, expected in (
        ("America/New_York", "2026-03-04 17:00"),
        ("Asia/Tokyo", "2026-03-04 03:00"),
        (ATHENS, "2026-03-04 10:00"),
    ):
        found = next_open(at("2026-03-03 20:00"), zone(tz), lambda _: [night])
        assert found is not None
        assert local(found) == (expected if tz != "America/New_York" else "2026-03-03 20:00")


# -- spans and zones ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3 weeks", Span(days=21)), ("18 months", Span(months=18)), ("1 year", Span(months=12)), ("1 day and 2 hours", Span(days=1, seconds=7200)),
        ("90 Days", Span(days=90)), ("36 hours", Span(seconds=129600)), ("0 days", Span()), ("1 fortnight", None), ("days", None), ("-1 day", None), ("1.5 days", None),
        ("101 years", None), ("99999 days", None), ("", None), ("1 day and", None), ("1  day", Span(days=1)),
    ],
)  # fmt: skip
def test_spans_as_people_write_them(text: str, expected: Span | None) -> None:
    assert parse_span(text) == expected


@given(st.integers(0, 1200), st.integers(0, 36525), st.integers(0, 99999))
def test_a_span_reads_as_it_is_written(months: int, more: int, seconds: int) -> None:
    span = Span(months, more, seconds)
    assert span.is_zero or parse_span(str(span)) == span


@pytest.mark.parametrize(
    "name",
    ["Europe/Nowhere", "", "../etc/passwd", "Europe", "a\0b", "\ud800", "/etc/localtime", "Europe/Athens "],
)
def test_what_is_no_zone_is_a_value_error(name: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        zone(name)


# -- working days -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "days_on", "expected"),
    [
        ("2026-03-04 12:00", 0, "2026-03-04 20:00"), ("2026-03-04 12:00", 1, "2026-03-05 20:00"), ("2026-03-06 12:00", 1, "2026-03-07 15:00"),
        ("2026-03-06 12:00", 2, "2026-03-09 20:00"), ("2026-04-11 12:00", 1, "2026-04-14 20:00"), ("2026-03-08 12:00", 0, "2026-03-09 20:00"),
    ],
)  # fmt: skip
def test_work_is_due_at_the_end_of_a_day_on_which_the_clinic_works(
    when: str, days_on: int, expected: str
) -> None:
    assert local(clinic().working_days_after(at(when), days_on)) == expected


@pytest.mark.parametrize(
    ("windows", "now", "hours", "expected"),
    [
        ([Window(1140, 600)], "2026-03-03 18:00", 10, "2026-03-03 19:00"),
        ([Window(1140, 600)], "2026-03-03 18:00", 1, "2026-03-03 19:00"),
        ([Window(1140, 600)], "2026-03-03 12:00", 6, None),
        ([Window(0, 480)], "2026-03-03 18:00", 10, "2026-03-04 00:00"),
        ([Window(120, 300)], "2026-03-28 20:00", 10, "2026-03-29 02:00"),
        ([Window(1260, 1440)], "2026-10-25 12:00", 10, "2026-10-25 21:00"),
        ([], "2026-03-03 18:00", 10, None),
    ],
)
def test_what_is_open_closes_where_the_next_window_begins(
    windows: list[Window], now: str, hours: int, expected: str | None
) -> None:
    tz = zone("Europe/Athens")
    moment = datetime.fromisoformat(now).replace(tzinfo=tz)
    found = next_closed(moment, tz, lambda _: windows, within=timedelta(hours=hours))
    assert (found.astimezone(tz).strftime("%Y-%m-%d %H:%M") if found else None) == expected


def test_a_day_that_is_closed_begins_at_its_midnight_in_any_zone() -> None:
    for name in ("Europe/Athens", "America/Los_Angeles", "Pacific/Kiritimati"):
        tz = zone(name)
        saturday = datetime(2026, 3, 7, 20, tzinfo=tz)
        found = next_closed(
            saturday, tz, lambda day: [ALL_DAY] if day.weekday() == 6 else [], within=timedelta(hours=10)
        )
        assert found == midnight(date(2026, 3, 8), tz)

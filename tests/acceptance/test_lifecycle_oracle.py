"""The oracle of the lifecycle, on cases worked out by hand: it must be right before it may judge."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from tests.acceptance.lifecycle_oracle import (
    Visit,
    add_months,
    days_that_matter,
    every_day,
    moves,
)

ATHENS, AUCKLAND, LOS_ANGELES = "Europe/Athens", "Pacific/Auckland", "America/Los_Angeles"


def story(zone_name: str, until: str, *visits: str) -> list[tuple[str, str, str, str]]:
    """Moves of one patient by local times without offset: (local time, change, stage, cause)."""
    zone = ZoneInfo(zone_name)
    his = [
        Visit(wall.replace(tzinfo=zone).astimezone(UTC), wall.date())
        for wall in map(datetime.fromisoformat, visits)
    ]
    found = moves("p", his, zone, every_day(his, date.fromisoformat(until)))
    assert found == moves("p", his, zone, days_that_matter(his, date.fromisoformat(until)))
    return [
        (f"{one.at.astimezone(zone):%Y-%m-%d %H:%M}", one.change, one.segment, one.cause) for one in found
    ]


@pytest.mark.parametrize(
    ("anchor", "months", "result"),
    [
        ("2024-02-29", 6, "2024-08-29"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2024-08-29", 6, "2025-02-28"),
        ("2024-08-30", 6, "2025-02-28"),
        ("2024-08-31", 6, "2025-02-28"),
        ("2023-08-31", 6, "2024-02-29"),
        ("2023-02-28", 12, "2024-02-28"),
        ("1997-07-31", 6, "1998-01-31"),
        ("1997-12-31", 6, "1998-06-30"),
        ("1997-06-30", 6, "1997-12-30"),
        ("1997-12-01", 12, "1998-12-01"),
    ],
)
def test_months_are_clamped_from_the_anchor(anchor: str, months: int, result: str) -> None:
    assert add_months(date.fromisoformat(anchor), months) == date.fromisoformat(result)


def test_a_single_visit_on_29_february_drifts_away_in_two_steps() -> None:
    assert story(ATHENS, "2026-12-31", "2024-02-29T12:00") == [
        ("2024-02-29 12:00", "entered", "new", "event"),
        ("2024-08-29 00:00", "left", "new", "time"),
        ("2024-08-29 00:00", "entered", "inactive_6", "time"),
        ("2025-02-28 00:00", "left", "inactive_6", "time"),
        ("2025-02-28 00:00", "entered", "inactive_12", "time"),
    ]


def test_a_visit_on_31_august_is_six_months_old_on_the_last_of_february() -> None:
    assert story(ATHENS, "2024-02-28", "2023-08-31T12:00") == [
        ("2023-08-31 12:00", "entered", "new", "event")
    ]
    assert story(ATHENS, "2024-02-29", "2023-08-31T12:00")[-1] == (
        "2024-02-29 00:00",
        "entered",
        "inactive_6",
        "time",
    )


def test_two_appointments_on_one_day_are_one_visit() -> None:
    assert story(AUCKLAND, "1997-06-30", "1997-03-01T00:00", "1997-03-01T23:59") == [
        ("1997-03-01 00:00", "entered", "new", "event")
    ]
    assert story(AUCKLAND, "1997-06-30", "1997-03-01T23:59", "1997-03-02T00:00")[1:] == [
        ("1997-03-02 00:00", "left", "new", "event"),
        ("1997-03-02 00:00", "entered", "regular", "event"),
    ]


def test_a_regular_becomes_returning_when_the_older_visit_is_a_year_old() -> None:
    assert story(LOS_ANGELES, "1998-03-31", "1997-01-31T12:00", "1997-10-01T12:00")[-2:] == [
        ("1998-01-31 00:00", "left", "regular", "time"),
        ("1998-01-31 00:00", "entered", "returning", "time"),
    ]


def test_midnight_comes_before_a_visit_at_midnight() -> None:
    assert story(ATHENS, "1997-07-01", "1997-01-01T12:00", "1997-07-01T00:00")[1:] == [
        ("1997-07-01 00:00", "left", "new", "time"),
        ("1997-07-01 00:00", "entered", "inactive_6", "time"),
        ("1997-07-01 00:00", "left", "inactive_6", "event"),
        ("1997-07-01 00:00", "entered", "regular", "event"),
    ]


def test_a_visit_after_two_years_alone_makes_a_returning_patient() -> None:
    assert story(ATHENS, "1999-01-02", "1997-01-02T09:00", "1999-01-02T09:00")[-2:] == [
        ("1999-01-02 09:00", "left", "inactive_12", "event"),
        ("1999-01-02 09:00", "entered", "returning", "event"),
    ]


@pytest.mark.parametrize(
    ("zone_name", "summer", "winter"),
    [
        (ATHENS, "1997-06-30T21:00Z", "1997-12-31T22:00Z"),
        (AUCKLAND, "1997-06-30T12:00Z", "1997-12-31T11:00Z"),
        (LOS_ANGELES, "1997-07-01T07:00Z", "1998-01-01T08:00Z"),
    ],
)
def test_local_midnight_follows_the_clock_changes(zone_name: str, summer: str, winter: str) -> None:
    zone, midnights = ZoneInfo(zone_name), []
    for day in (date(1997, 1, 1), date(1997, 7, 1)):
        his = [Visit(datetime.combine(day, time(12), zone).astimezone(UTC), day)]
        midnights.append(moves("p", his, zone, every_day(his, add_months(day, 6)))[-1].at)
    assert midnights == [datetime.fromisoformat(summer), datetime.fromisoformat(winter)]

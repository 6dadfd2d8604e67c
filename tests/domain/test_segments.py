"""Segments: exclusive stages, reasons, and the exact moment at which time alone changes one."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.build import (
    ATHENS,
    SEGMENTS,
    ZONES,
    booking,
    clinic,
    condition_of,
    facts_of,
    journey,
    look_at,
    rules,
    segments_of,
    told,
    visit,
)
from tests.domain.strategies import FIRST, conditions, definitions, events, zones
from worker.domain.calendar import local_day, midnight, zone
from worker.domain.conditions import AllOf
from worker.domain.facts import Facts
from worker.domain.ledger import empty
from worker.domain.segments import Segments

CLINICS = {tz: clinic(tz) for tz in ZONES}
FAR = 800


def by_brute_force(segments: Segments, facts: Facts, today: date, days: int = FAR) -> date | None:
    """The first day on which a look finds other memberships."""
    now = segments.members(segments.look(facts, today))
    return next(
        (
            day
            for n in range(1, days + 1)
            if segments.members(segments.look(facts, day := today + timedelta(days=n))) != now
        ),
        None,
    )


@settings(max_examples=40)
@given(st.data())
def test_the_next_change_is_exactly_the_first_day_on_which_a_look_finds_one(data: st.DataObject) -> None:
    where = CLINICS[data.draw(zones)]
    segments = segments_of(data.draw(definitions()), where)
    watched = data.draw(conditions(("rest", "s0")))
    segments = segments.watching({"j": condition_of(watched, where, "rest", "s0")})
    facts = facts_of(data.draw(events(where.timezone)), where)
    today = FIRST + timedelta(days=data.draw(st.integers(0, 800)))
    look = segments.look(facts, today)
    members = segments.members(look)
    claimed, seen = segments.next_change(look), by_brute_force(segments, facts, today)
    if seen is not None or (claimed is not None and (claimed - today).days <= FAR):
        assert claimed == seen
    elif claimed is not None:
        # A birthday that can never change anything is tried for so many years, then the last one is given: a look in vain, in another century.
        assert segments.members(segments.look(facts, claimed)) != members or claimed.year - today.year > 100
    if claimed is not None:
        assert local_day(midnight(claimed, where.tz), where.tz) == claimed


@settings(max_examples=50)
@given(st.data())
def test_why_not_is_none_exactly_when_the_patient_is_in_the_segment(data: st.DataObject) -> None:
    where = CLINICS[data.draw(zones)]
    segments = segments_of(data.draw(definitions()), where)
    facts = facts_of(data.draw(events(where.timezone)), where)
    today = FIRST + timedelta(days=data.draw(st.integers(0, 800)))
    members = segments.members(segments.look(facts, today))
    for name in segments.named:
        why = segments.why_not(name, segments.look(facts, today))
        assert (why is None) == (name in members), name
        assert why is None or why.strip()
    assert len(members & set(segments.stages)) == 1, "every patient stands in exactly one stage"


@settings(max_examples=20)
@given(st.data())
def test_the_replays_time_transitions_are_those_of_a_daily_look_at_local_midnight(
    data: st.DataObject,
) -> None:
    tz = data.draw(zones)
    these = rules(tz=tz, segments=SEGMENTS + f"segments:\n  s0: {data.draw(conditions())}\n")
    happened = data.draw(events(tz, ends=False, most=4))
    if not happened:
        return
    end = FIRST + timedelta(days=FAR)
    found = told(these, *happened, until=f"{end} 23:59")
    expected: list[tuple[date, frozenset[str]]] = []
    day = local_day(happened[0].time, zone(tz))
    while day <= end:
        before = [one for one in happened if local_day(one.time, zone(tz)) < day]
        if before:
            then = these.segments.members(these.segments.look(facts_of(before, these.clinic), day))
            yesterday = these.segments.members(
                these.segments.look(facts_of(before, these.clinic), day - timedelta(days=1))
            )
            if then != yesterday:
                expected.append((day, then ^ yesterday))
        day += timedelta(days=1)
    by_time: dict[str, set[str]] = {}
    for when, segment, _, cause in found.changes:
        if cause == "time":
            by_time.setdefault(when, set()).add(segment)
    # The clinic's day may begin at 01:00 where DST skips midnight.
    shown = {
        f"{midnight(day, zone(tz)).astimezone(zone(tz)):%Y-%m-%d %H:%M}": set(changed)
        for day, changed in expected
    }
    assert by_time == shown


@pytest.mark.parametrize(
    ("last", "entered_6", "entered_12"),
    [
        ("2023-08-31", "2024-02-29", "2024-08-31"),
        ("2024-08-29", "2025-02-28", "2025-08-29"),
        ("2024-08-30", "2025-02-28", "2025-08-30"),
        ("2024-08-31", "2025-02-28", "2025-08-31"),
        ("2024-02-29", "2024-08-29", "2025-02-28"),
        ("2025-01-31", "2025-07-31", "2026-01-31"),
    ],
)
def test_six_and_twelve_months_are_clamped_from_the_last_visit(
    last: str, entered_6: str, entered_12: str
) -> None:
    """Case 9: time passes without any event."""
    changes = told(rules(), visit(f"{last} 18:00"), until="2027-01-01").changes
    by_time = [
        (when, segment) for when, segment, change, cause in changes if cause == "time" and change == "entered"
    ]
    assert by_time == [(f"{entered_6} 00:00", "inactive_6"), (f"{entered_12} 00:00", "inactive_12")]


def test_a_regular_becomes_returning_when_the_second_visit_leaves_the_year() -> None:
    changes = told(
        rules(), visit("2025-01-10", "a-1"), visit("2025-08-20", "a-2"), until="2026-01-31"
    ).changes
    assert ("2026-01-10 00:00", "regular", "left", "time") in changes
    assert ("2026-01-10 00:00", "returning", "entered", "time") in changes


def test_a_time_transition_comes_before_that_days_events() -> None:
    changes = told(
        rules(), visit("2025-01-10", "a-1"), visit("2025-07-10 00:00", "a-2"), until="2025-07-11"
    ).changes
    assert [c for c in changes if c[0] == "2025-07-10 00:00"] == [
        ("2025-07-10 00:00", "new", "left", "time"), ("2025-07-10 00:00", "inactive_6", "entered", "time"),
        ("2025-07-10 00:00", "inactive_6", "left", "event"), ("2025-07-10 00:00", "regular", "entered", "event"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("tz", "day"),
    [("America/Santiago", "2026-09-06"), ("Africa/Cairo", "2026-04-24"), (ATHENS, "2026-03-29")],
)
def test_a_transition_comes_at_the_first_moment_of_its_day_even_where_midnight_does_not_exist(
    tz: str, day: str
) -> None:
    last = date.fromisoformat(day) - timedelta(days=30)
    these = rules(
        tz=tz, segments="lifecycle: [{rest: otherwise}]\nsegments: {gone: {last_visit: at least 30 days ago}}"
    )
    changes = told(these, visit(f"{last} 12:00", tz=tz), until=f"{day} 23:00").changes
    assert [when for when, name, _, _ in changes if name == "gone"] == [
        f"{day} 00:00" if tz == ATHENS else f"{day} 01:00"
    ]


def test_a_window_that_is_entered_aged_out_of_and_entered_again_gives_two_entries() -> None:
    """Case 10: a windowed segment, entered twice."""
    these = rules(
        segments="lifecycle: [{rest: otherwise}]\nsegments: {lately: {visits: at least 1 in 30 days}}"
    )
    changes = told(these, visit("2026-01-01", "a-1"), visit("2026-06-01", "a-2"), until="2026-12-01").changes
    assert [(when[:10], change) for when, name, change, _ in changes if name == "lately"] == [
        ("2026-01-01", "entered"), ("2026-01-31", "left"), ("2026-06-01", "entered"), ("2026-07-01", "left"),
    ]  # fmt: skip


def test_a_duplicate_does_not_reset_the_clock() -> None:
    """Case 11: the same fact told again."""
    again = visit("2026-01-01 10:00", told="2026-05-01", version=2)
    changes = told(rules(), visit("2026-01-01 10:00"), again, until="2026-12-01").changes
    assert ("2026-07-01 00:00", "inactive_6", "entered", "time") in changes


def test_a_patient_of_whom_nothing_is_known_is_a_prospect_who_never_changes_by_time() -> None:
    segments = rules().segments
    look = segments.look(Facts("p", empty(), clinic()), date(2026, 1, 1))
    assert segments.members(look) == {"prospect"}
    assert segments.next_change(look) is None


def test_a_segment_without_visits_in_a_span_is_the_opposite_of_one_with_them() -> None:
    text = "lifecycle: [{rest: otherwise}]\nsegments:\n  with: {visits: at least 1 in 180 days}\n  without: {visits: at least 1, none_of: [{in: [with]}]}"
    segments = segments_of(text, clinic())
    facts = facts_of([visit("2026-01-01")])
    for n in range(400):
        members = segments.members(segments.look(facts, date(2026, 1, 1) + timedelta(days=n)))
        assert members == {"rest", "with" if n < 180 else "without"}


def test_a_journeys_start_is_watched_like_a_segment_and_never_shown_as_one() -> None:
    these = rules(journey("wb", "{enters: inactive_6, if: {next_booking: none}}", "{id: a, stop: done}"))
    booked = booking("2026-07-20 10:00", "a-2", told="2026-06-01")
    found = told(these, visit("2026-01-05", "a-1"), booked, until="2026-08-01")
    assert not [segment for _, segment, _, _ in found.changes if ":" in segment]
    assert [run.entered_at for run in found.runs()] == [midnight(date(2026, 7, 21), zone(ATHENS))]


def test_nothing_to_ask_means_everybody() -> None:
    assert look_at(AllOf(()), facts_of([]), "2026-01-01") is None

"""A ledger does not depend on the order in which it was told, and it is plain JSON."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.build import (
    at,
    booking,
    clinic,
    event,
    facts_of,
    ledger_of,
    segments_of,
    through_json,
    upserted,
    visit,
    willing,
)
from tests.domain.strategies import FIRST, definitions, events, zones
from worker.domain.calendar import midnight
from worker.domain.clinic import Clinic
from worker.domain.events import CHANNELS, PURPOSES, Event
from worker.domain.facts import Facts
from worker.domain.ledger import Ledger, empty, fold, tag, union
from worker.domain.segments import Segments

CLINICS = {
    tz: clinic(tz)
    for tz in (
        "Europe/Athens",
        "America/Santiago",
        "Asia/Kolkata",
        "Africa/Cairo",
        "America/Los_Angeles",
        "Pacific/Auckland",
    )
}


def view(
    ledger: Ledger, where: Clinic, segments: Segments | None = None, today: date = FIRST + timedelta(days=700)
) -> dict[str, Any]:
    """Everything that a ledger says."""
    facts = Facts("p-1", ledger, where)
    noon = midnight(today, where.tz) + timedelta(hours=12)
    found: dict[str, Any] = {
        name: getattr(facts, name)
        for name in (
            "tz",
            "language",
            "appointments",
            "visits",
            "booked",
            "tags",
            "birth_date",
            "erased",
            "deceased",
        )
    }
    found |= {
        name: facts.profile(name) for name in ("first_name", "phone", "email", "timezone", "date_of_birth")
    }
    found["consent"] = {
        (channel, purpose): facts.consent(channel, purpose) for channel in CHANNELS for purpose in PURPOSES
    }
    found["hold"] = facts.hold_at(noon)
    if segments is not None:
        look = segments.look(facts, today)
        found["members"] = segments.members(look)
        found["next_change"] = segments.next_change(look)
    return found


@settings(max_examples=60)
@given(st.data())
def test_any_order_and_any_duplication_gives_the_same_view(data: st.DataObject) -> None:
    tz = data.draw(zones)
    where = CLINICS[tz]
    segments = segments_of(data.draw(definitions()), where)
    told = data.draw(events(tz))
    again = data.draw(st.lists(st.sampled_from(told), max_size=6)) if told else []
    shuffled = data.draw(st.permutations([*told, *again]))
    today = FIRST + timedelta(days=data.draw(st.integers(0, 800)))
    assert view(ledger_of(shuffled), where, segments, today) == view(ledger_of(told), where, segments, today)


@settings(max_examples=30)
@given(st.data())
def test_any_order_and_any_duplication_gives_the_same_ledger(data: st.DataObject) -> None:
    told = data.draw(events("Europe/Athens"))
    again = data.draw(st.lists(st.sampled_from(told), max_size=6)) if told else []
    assert ledger_of(data.draw(st.permutations([*told, *again]))) == ledger_of(told)


@settings(max_examples=30)
@given(events("Europe/Athens"), st.integers(0, 12))
def test_a_round_trip_through_json_at_any_point_changes_nothing(told: list[Event], point: int) -> None:
    ledger = empty()
    for number, one in enumerate(told):
        ledger = through_json(ledger) if number == point else ledger
        ledger = fold(ledger, one)
    assert ledger == through_json(ledger) == ledger_of(told)


@settings(max_examples=30)
@given(events("Europe/Athens"), st.data())
def test_folding_leaves_its_argument_alone(told: list[Event], data: st.DataObject) -> None:
    ledger = ledger_of(told)
    before = through_json(ledger)
    for one in data.draw(events("Europe/Athens", subject="p-9", most=3)):
        fold(ledger, one)
    assert ledger == before


@settings(max_examples=30)
@given(st.data())
def test_a_union_does_not_depend_on_whether_events_came_before_or_after_it(data: st.DataObject) -> None:
    mine = data.draw(events("Europe/Athens", subject="p-1", ends=False))
    theirs = data.draw(events("Europe/Athens", subject="p-2", ends=False))
    moment = at("2026-06-01")
    whole = union(ledger_of(mine), ledger_of(theirs), alias="p-2", at=moment)
    cut = data.draw(st.integers(0, len(mine)))
    later = union(ledger_of(mine[:cut]), ledger_of(theirs), alias="p-2", at=moment)
    for one in mine[cut:]:
        later = fold(later, one)
    assert later == whole


def test_the_greatest_version_says_what_an_appointment_is_however_late_it_comes() -> None:
    new = visit("2026-03-01 10:00", version=3, net=5000)
    old = booking("2026-03-02 10:00", "a-1", told="2026-03-05", kind="booking.cancelled", version=2)
    assert facts_of([new, old]).appointments[0].status == "completed"


def test_a_missing_version_is_0_and_loses_against_a_given_one() -> None:
    given_one = booking("2026-03-02 10:00", "a-1", told="2026-03-01", kind="booking.cancelled", version=1)
    without = visit("2026-03-02 10:00", told="2026-03-03")
    assert facts_of([given_one, without]).appointments[0].status == "cancelled"


def test_with_equal_versions_the_later_time_wins() -> None:
    first = booking("2026-03-02 10:00", "a-1", told="2026-03-01", version=1)
    second = booking("2026-03-02 10:00", "a-1", told="2026-03-02", kind="booking.no_show", version=1)
    assert facts_of([second, first]).appointments[0].status == "no_show"


def test_with_equal_version_and_time_the_greater_id_wins() -> None:
    told = {"appointment_id": "a-1", "starts_at": "2026-03-02T10:00:00+02:00"}
    low, high = (
        event("booking.cancelled", "2026-03-01", named="e-1", **told),
        event("booking.no_show", "2026-03-01", named="e-2", **told),
    )
    assert (
        facts_of([high, low]).appointments[0].status
        == facts_of([low, high]).appointments[0].status
        == "no_show"
    )


def test_a_field_that_the_greatest_event_leaves_out_is_what_an_earlier_one_says() -> None:
    full = booking("2026-03-02 10:00", "a-1", told="2026-02-01", practitioner="dr-k", net=7000)
    bare = event("booking.no_show", "2026-03-02 18:00", appointment_id="a-1")
    found = facts_of([bare, full]).appointments[0]
    assert (found.status, found.practitioner, found.net, found.starts_at) == (
        "no_show",
        "dr-k",
        7000,
        at("2026-03-02 10:00"),
    )


def test_a_thousand_updates_of_an_appointment_leave_a_small_ledger() -> None:
    told = [
        visit("2026-03-01 10:00", told=f"2026-03-02 {n // 60:02}:{n % 60:02}", net=n) for n in range(1000)
    ]
    ledger = ledger_of(told)
    assert len(ledger["appointments"]["a-1"]) == 1
    assert facts_of(told).appointments[0].net == 999


def test_the_last_profile_field_wins_and_others_stay() -> None:
    facts = facts_of(
        [
            willing("2026-01-01"),
            upserted("2026-02-01", first_name="Helen"),
            upserted("2025-01-01", first_name="H.", language="el"),
        ]
    )
    assert (facts.profile("first_name"), facts.profile("language"), facts.profile("email")) == (
        "Helen",
        "el",
        "eleni@example.com",
    )


def test_nothing_resurrects_an_erased_patient() -> None:
    facts = facts_of(
        [
            visit("2026-01-01"),
            event("patient.erased", "2026-02-01"),
            visit("2026-03-01", "a-2"),
            willing("2026-03-02"),
        ]
    )
    assert facts.erased
    assert not facts.visits
    assert facts.profile("phone") is None


def test_an_erased_patient_stays_erased_after_a_merge_with_either_side() -> None:
    gone, here = ledger_of([event("patient.erased", "2026-02-01")]), ledger_of([visit("2026-01-01")])
    for ledger in (
        union(gone, here, alias="x", at=at("2026-03-01")),
        union(here, gone, alias="x", at=at("2026-03-01")),
    ):
        assert ledger["erased"]
        assert not ledger["appointments"]


def test_a_tag_of_revisits_own_is_not_overwritten_by_a_vendors_list() -> None:
    ledger = tag(ledger_of([upserted("2026-01-01", tags=["vip"])]), "asked", True, at("2026-01-02"), "run-1")
    ledger = fold(ledger, upserted("2026-02-01", tags=[]))
    assert Facts("p-1", ledger, clinic()).tags == {"asked"}


def test_a_tag_that_was_taken_away_later_is_gone_whatever_the_order() -> None:
    on, off = (True, at("2026-01-01"), "a"), (False, at("2026-01-02"), "b")
    for first, second in ((on, off), (off, on)):
        assert not Facts("p-1", tag(tag(empty(), "x", *first), "x", *second), clinic()).tags


def test_two_erasures_leave_the_same_tombstone_in_any_order() -> None:
    early, late = event("patient.erased", "2026-02-01"), event("patient.erased", "2026-03-01")
    assert ledger_of([early, late]) == ledger_of([late, early])

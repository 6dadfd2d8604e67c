"""Replay: one order for all lines, and the same lines however often the patients were put away and taken out again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.build import (
    EITHER,
    POLICY,
    SEGMENTS,
    SMS,
    WILLING,
    at,
    event,
    facts_of,
    journey,
    ledger_of,
    rules,
    told,
    visit,
    willing,
)
from tests.domain.strategies import events, zones
from worker.domain.calendar import local_day
from worker.domain.conditions.circuit import Seen
from worker.domain.events import Event
from worker.domain.history import Enrollment, Message, row
from worker.domain.planner import Patient
from worker.domain.replay import Replay, Sent, is_old

GOAL = "{any_of: [booking.created, visit.completed], within: 60 days}"
JOURNEYS = (
    journey(
        "wb",
        "{enters: inactive_6, if: {next_booking: none}}",
        EITHER,
        "{id: again, wait: 2 weeks, send: email, template: t}",
        expires="5 days",
        goal=GOAL,
        repeat="always",
    ),
    journey(
        "hi",
        "{enters: new}",
        "{id: a, wait: 1 day, send: sms, template: t}",
        "{id: b, wait: 1 month, send: [email, sms], template: t}",
        expires="3 days",
    ),
    journey(
        "ns",
        "{event: booking.no_show}",
        "{id: a, wait: 2 hours, send: sms, template: t}",
        "{id: b, wait: 1 day, task: desk}",
        one_per="appointment",
        purpose="care",
    ),
    journey(
        "v",
        "{event: visit.completed, if: {none_of: [{tags: [complaint]}]}}",
        SMS,
        "{id: end, wait: 3 days, stop: done}",
        repeat="always",
        send_between='"11:00 - 20:00"',
    ),
    journey("left", "{leaves: gone}", "{id: a, task: desk}", repeat="once every 3 months"),
)
GONE = SEGMENTS + "segments: {gone: {last_visit: at least 40 days ago}}\n"
UNTIL = "2026-06-30"


@st.composite
def stories(draw: st.DrawFn, tz: str, *, ends: bool = True) -> list[Event]:
    """What happens to three patients, all of whom may be written to at first; two of them may turn out to be one."""
    found: list[Event] = []
    for number in (1, 2, 3):
        found.append(
            willing(
                "2023-12-20", f"p-{number}", phone=f"+30690000000{number % 2}", email=f"e{number}@example.com"
            )
        )
        found += draw(events(tz, subject=f"p-{number}", ends=ends, most=7))
    if ends and draw(st.booleans()):
        found.append(
            event("patient.merged", draw(st.sampled_from(["2024-08-01", "2025-03-01"])), "p-2", into="p-1")
        )
    return sorted(found, key=lambda one: one.order)


def put_away(value: Any) -> Any:
    """Fields of a run or a message as JSON."""
    if isinstance(value, datetime):
        return {"at": value.isoformat()}
    if isinstance(value, timedelta):
        return {"seconds": value.total_seconds()}
    return list(value) if isinstance(value, tuple) else value


def take_out(value: Any) -> Any:
    """And back."""
    if isinstance(value, dict):
        if "at" in value:
            return datetime.fromisoformat(value["at"])
        return timedelta(seconds=value["seconds"]) if "seconds" in value else value
    return tuple(value) if isinstance(value, list) else value


def through_a_store(patient: Patient) -> None:
    """Put everything that is known of a patient into JSON and take it out again; what was seen only where it was seen of this ledger."""
    seen = patient.seen if patient.seen is not None and patient.seen.ledger is patient.ledger else None
    written = json.dumps(
        {
            "ledger": patient.ledger,
            "members": sorted(patient.members),
            "as_of": put_away(patient.as_of),
            "next_change_at": put_away(patient.next_change_at),
            "rules_version": patient.rules_version,
            "seen": seen.packed() if seen is not None else None,
            "enrollments": [
                {name: put_away(value) for name, value in row(run).items()}
                for run in patient.enrollments.values()
            ],
            "messages": [
                {name: put_away(value) for name, value in row(message).items()}
                for message in patient.messages.values()
            ],
        }
    )
    assert {field.name for field in fields(Patient)} == {
        *json.loads(written),
        "id",
        "contacts",
        "facts",
        "kept",
    }
    back = json.loads(written)
    patient.ledger, patient.facts = back["ledger"], None
    patient.seen = Seen.unpacked(back["seen"], patient.ledger) if back["seen"] is not None else None
    patient.members = frozenset(back["members"])
    patient.as_of, patient.next_change_at, patient.rules_version = (
        take_out(back["as_of"]),
        take_out(back["next_change_at"]),
        back["rules_version"],
    )
    runs = [
        Enrollment(**{name: take_out(value) for name, value in found.items()})
        for found in back["enrollments"]
    ]
    messages = [
        Message(**{name: take_out(value) for name, value in found.items()}) for found in back["messages"]
    ]
    patient.enrollments, patient.messages = (
        {run.id: run for run in runs},
        {message.key: message for message in messages},
    )


def interrupted(replay: Replay, story: Iterable[Event], until: datetime, chance: Random) -> Iterator[Any]:
    """The replay's lines; at random moments every patient goes through a store."""

    def stop() -> None:
        if chance.random() < 0.4:
            for patient in replay.patients.values():
                through_a_store(patient)

    def one_by_one() -> Iterator[Event]:
        for one in story:
            stop()
            yield one
        stop()

    for line in replay.run(one_by_one(), until):
        stop()
        yield line


@settings(max_examples=30)
@given(st.data())
def test_stopping_and_resuming_at_any_moment_changes_no_line(data: st.DataObject) -> None:
    tz = data.draw(zones)
    these = rules(*JOURNEYS, tz=tz, segments=GONE, policy=POLICY)
    story, until = data.draw(stories(tz)), at(UNTIL, tz)
    whole = list(Replay(these).run(story, until))
    chance = Random(data.draw(st.integers(0, 2**16)))
    assert list(interrupted(Replay(these), story, until, chance)) == whole


@settings(max_examples=20)
@given(st.data())
def test_lines_come_in_order_of_time_then_patient_and_no_message_twice(data: st.DataObject) -> None:
    tz = data.draw(zones)
    lines = list(
        Replay(rules(*JOURNEYS, tz=tz, segments=GONE, policy=POLICY)).run(
            data.draw(stories(tz)), at(UNTIL, tz)
        )
    )
    order = [(moment, patient) for moment, patient, _ in lines]
    assert order == sorted(order)
    keys = [line.message.key for _, _, line in lines if isinstance(line, Sent)]
    assert len(keys) == len(set(keys))


@settings(max_examples=30)
@given(st.data())
def test_no_message_leaves_that_must_not(data: st.DataObject) -> None:
    """Consent, hold, age, tags, quiet hours and caps, each looked at from outside, on the facts of the moment of the send."""
    tz = data.draw(zones)
    these = rules(*JOURNEYS, tz=tz, segments=GONE, policy=POLICY)
    story = data.draw(stories(tz, ends=False))
    marketing: dict[str, list[Any]] = {}
    for moment, patient, line in Replay(these).run(story, at(UNTIL, tz)):
        if not isinstance(line, Sent):
            continue
        facts = facts_of(
            [one for one in story if one.subject == patient and one.time <= moment], these.clinic
        )
        message = line.message
        assert facts.allows(message.channel or "", message.purpose)
        assert message.address == facts.profile({"sms": "phone", "email": "email"}[message.channel or ""])
        assert facts.hold_at(moment) is None
        assert "do_not_contact" not in facts.tags
        assert moment <= message.expires_at + timedelta(days=7)
        shown = moment.astimezone(facts.tz)
        if message.purpose == "care":
            assert 8 <= shown.hour < 21
            continue
        assert 10 <= shown.hour < 19
        assert shown.weekday() != 6
        assert message.journey != "v" or shown.hour >= 11
        born = facts.birth_date
        assert born is None or (shown.year - born.year, shown.month, shown.day) >= (
            18,
            born.month,
            min(born.day, 28),
        )
        assert message.journey != "wb" or not facts.bookings_from(local_day(moment, these.clinic.tz))
        for whose in (patient, message.address or ""):
            days = [local_day(earlier, facts.tz) for earlier in marketing.get(whose, [])]
            assert not [day for day in days if (shown.date() - day).days < 7]
            assert len([day for day in days if (shown.date() - day).days < 30]) < 3
            marketing.setdefault(whose, []).append(moment)


@settings(max_examples=20)
@given(st.data())
def test_an_event_told_twice_adds_no_message_and_no_transition(data: st.DataObject) -> None:
    tz = data.draw(zones)
    these = rules(*JOURNEYS, tz=tz, segments=GONE, policy=POLICY)
    story = data.draw(stories(tz, ends=False))
    doubled = [one for two in zip(story, story, strict=True) for one in two]

    def shown(found: list[Event]) -> list[Any]:
        lines = Replay(these).run(found, at(UNTIL, tz))
        return [(moment, patient, line) for moment, patient, line in lines if type(line).__name__ != "Trace"]

    assert shown(doubled) == shown(story)


def test_a_replay_is_live_whatever_the_clinics_mode() -> None:
    these = rules(journey("v", "{event: visit.completed}", SMS), mode="rehearsal")
    assert told(these, willing(), visit("2026-03-03"), until="2026-03-04").sent


def test_without_an_end_the_replay_ends_with_the_last_event() -> None:
    these = rules()
    lines = list(Replay(these).run([visit("2026-01-05", "a-1"), visit("2026-08-05", "a-2")]))
    assert max(moment for moment, _, _ in lines) == at("2026-08-05")
    assert list(Replay(these).run([])) == []


def test_events_after_the_end_are_not_looked_at() -> None:
    found = told(rules(), visit("2026-01-05", "a-1"), visit("2026-02-05", "a-2"), until="2026-02-01")
    assert [segment for _, segment, change, _ in found.changes if change == "entered"] == ["new"]


def test_at_one_instant_time_comes_before_events_and_events_before_what_is_due() -> None:
    text = journey("wb", "{enters: inactive_6}", SMS, goal=GOAL)
    found = told(
        rules(text), willing(), visit("2026-01-05"), visit("2026-07-05 00:00", "a-2"), until="2026-08-01"
    )
    assert not found.sent
    assert found.outcomes() == ["goal"]


def test_a_chain_and_a_circle_of_merges_end_at_one_patient() -> None:
    merges = [
        event("patient.merged", "2026-02-01", "p-1", into="p-2"),
        event("patient.merged", "2026-02-02", "p-2", into="p-3"),
        event("patient.merged", "2026-02-03", "p-3", into="p-1"),
    ]
    visits = [visit("2026-01-05", f"a-{n}", subject=f"p-{n}") for n in (1, 2, 3)]
    found = told(rules(), *visits, *merges, visit("2026-03-05", "a-4", subject="p-1"), until="2026-04-01")
    assert [
        len(ledger["appointments"]) for ledger in (found.replay.patients[f"p-{n}"].ledger for n in (1, 2, 3))
    ] == [0, 0, 4]
    assert found.replay.patients["p-3"].members == {"regular"}


def test_what_is_old_is_measured_from_the_fact_not_from_the_telling() -> None:
    these = rules(policy="feed: {live_window: 7 days}")
    now = at("2026-03-11 12:00")
    assert is_old(visit("2026-03-03 12:00", told="2026-03-11"), these, now)
    assert not is_old(visit("2026-03-04 12:00", told="2026-03-11"), these, now)
    assert is_old(event("booking.cancelled", "2026-03-04 11:59", appointment_id="a"), these, now)
    assert not is_old(visit("2020-01-01"), rules(), now)


def test_the_profile_of_the_stories_may_be_written_to() -> None:
    assert ledger_of([willing()])["profile"]["phone"]["value"] == WILLING["phone"]
    assert replace(Patient("p-1")).contacts == ()

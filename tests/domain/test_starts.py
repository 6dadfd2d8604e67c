"""Who begins when: turns of a journey with a pace, and starts of events that are told late."""

from __future__ import annotations

from typing import Final

import pytest

from tests.domain.build import (
    SEGMENTS,
    SMS,
    Told,
    at,
    event,
    journey,
    local,
    planner,
    rules,
    told,
    upserted,
    visit,
    willing,
)
from worker.domain.history import Contact
from worker.domain.planner import Patient

PACED: Final = journey("j", "{event: visit.completed}", SMS, pace="1 per day")
BOTH: Final = tuple(
    one
    for name in ("p-1", "p-2")
    for one in (
        willing(subject=name, phone=f"+30690000000{name[-1]}"),
        visit("2026-03-03", f"a-{name}", subject=name),
    )
)
KEEN: Final = SEGMENTS + "segments: {keen: {visits: at least 1}}\n"


def turns(found: Told, subject: str) -> list[str]:
    return [local(run.turn_at)[:10] for run in found.runs(subject) if run.turn_at is not None]


@pytest.mark.parametrize("gone", ["p-1", "p-2"])
@pytest.mark.parametrize("how", ["deceased", "merged"])
def test_a_run_that_ends_before_its_turn_takes_nobodys_place(gone: str, how: str) -> None:
    other = "p-2" if gone == "p-1" else "p-1"
    ends = (
        event("patient.deceased", "2026-03-03", gone)
        if how == "deceased"
        else event("patient.merged", "2026-03-03", gone, into=other)
    )
    found = told(rules(PACED), *BOTH, ends, until="2026-03-10")
    assert turns(found, gone) == []
    assert turns(found, other) == ["2026-03-03"]


def test_what_happens_to_a_run_while_it_waits_gives_it_no_second_turn() -> None:
    later = SMS.replace("send:", "wait: 30 days, send:")
    these = rules(journey("j", "{event: visit.completed}", later, pace="1 per day"))
    waits = told(these, *BOTH[:2], until="2026-03-03").runs()[0].id
    answer = event("message.replied", "2026-03-03", enrollment=waits)
    found = told(these, *BOTH[:2], answer, until="2026-03-10")
    assert "message.replied" in found.runs()[0].heard
    assert turns(found, "p-1") == ["2026-03-03"]


@pytest.mark.parametrize(
    ("asked", "sent", "begins"),
    [
        ("none_of: [{got_message: {in: 7 days}}]", "2026-03-01", 0),
        ("none_of: [{got_message: {in: 7 days}}]", "2026-03-04", 1),
        ("got_message: {in: 1 days}", "2026-03-03 08:00", 1),
        ("got_message: {in: 1 days}", "2026-02-28", 0),
    ],
)
def test_a_late_event_starts_what_the_messages_until_then_allow(asked: str, sent: str, begins: int) -> None:
    these = rules(journey("j", f"{{enters: keen, if: {{{asked}}}}}", SMS), segments=KEEN)
    patient = Patient("p-1", contacts=(Contact(at(sent), "care", "sms", "+306900000001", "other", "p-1"),))
    planner(these, patient, "2026-03-05").receive(upserted("2026-03-05"))
    planner(these, patient, "2026-03-05").receive(visit("2026-03-03"))
    assert [run.journey for run in patient.enrollments.values()] == ["j"] * begins


@pytest.mark.parametrize(("other", "begins"), [("2026-03-02", 0), ("2026-03-04", 1)])
def test_a_late_event_starts_what_the_runs_until_then_allow(other: str, begins: int) -> None:
    these = rules(
        journey("j", "{enters: keen, if: {none_of: [{journey: {ever: [k]}}]}}", SMS),
        journey("k", "{event: booking.created}", SMS),
        segments=KEEN,
    )
    patient = Patient("p-1")
    planner(these, patient, "2026-03-05").receive(
        visit("2026-04-01", "b-1", told=other, kind="booking.created")
    )
    planner(these, patient, "2026-03-05").receive(upserted("2026-03-05"))
    planner(these, patient, "2026-03-05").receive(visit("2026-03-03"))
    assert [run.journey for run in patient.enrollments.values()] == ["k"] + ["j"] * begins


@pytest.mark.parametrize("way", ["receive", "absorb"])
@pytest.mark.parametrize(("old", "told_of"), [(True, {"j", "k"}), (False, set())])
def test_what_is_told_too_late_starts_nothing_and_says_so_of_each_journey_and_a_history_says_nothing(
    way: str, old: bool, told_of: set[str]
) -> None:
    these = rules(
        journey("j", "{enters: keen}", SMS),
        journey("k", "{event: visit.completed}", SMS),
        journey("other", "{event: visit.completed}", SMS, status="paused"),
        journey("none", "{event: booking.created}", SMS),
        segments=KEEN,
        policy="feed: {live_window: 7 days}\n",
    )
    patient, past = Patient("p-1"), visit("2023-03-03")
    plans = planner(these, patient, "2026-03-05")
    if way == "receive":
        plans.receive(past, silent=not old, old=old)
    else:
        plans.absorb(past, old=old)
        plans.catch_up(at("2026-03-05"))
    traces = [trace for trace in plans.plan.traces if trace.what == "not started"]
    assert {trace.journey for trace in traces} == told_of
    why = "it was told too late: what is older than 1 week starts nothing"
    assert [trace.why for trace in traces] == [why] * len(told_of)
    assert not patient.enrollments
    assert "keen" in patient.members

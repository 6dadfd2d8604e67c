"""In whatever order a day's events are told before the first message is due, the same messages come of them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from tests.acceptance.clinic import FILES, Raw, athens, booking, person, tell, visit
from worker.domain.events import Event
from worker.domain.planner import Patient, Planner, merge
from worker.workspace.rooms import load

RULES = load(FILES, 1).rules
NOON = athens(6, 1, 12)
DONE = NOON + timedelta(hours=3)
DUE = DONE + timedelta(days=14)
ANNA, BEA = person(), person()
THEN = NOON + timedelta(days=9)


def minute(number: int) -> datetime:
    return NOON + timedelta(minutes=10 * number)


STORIES: dict[str, list[Raw]] = {
    "seen, booked, cancelled": [
        visit(ANNA, minute(1)),
        booking(ANNA, minute(2), THEN, event="b", version=1),
        booking(ANNA, minute(3), THEN, kind="cancelled", event="c", version=2),
    ],
    "booked, seen, cancelled": [
        booking(ANNA, minute(0), THEN, event="b", version=1),
        visit(ANNA, minute(1)),
        booking(ANNA, minute(3), THEN, kind="cancelled", event="c", version=2),
    ],
    "two treatments on one day": [visit(ANNA, minute(1), "x"), visit(ANNA, minute(2), "y")],
    "seen, struck out, seen after all": [
        visit(ANNA, minute(1), code="HYD", version=1),
        tell("visit.voided", ANNA, minute(2), "v", appointment_id=f"{ANNA.id}/visit", version=2),
        visit(ANNA, minute(1), code="HYD", event_time=minute(3), version=3),
    ],
    "a facial that was a laser": [
        visit(ANNA, minute(1), code="HYD", version=1),
        visit(ANNA, minute(1), code="LHR", event_time=minute(3), version=2),
    ],
    "a laser that was a facial": [
        visit(ANNA, minute(1), code="LHR", version=1),
        visit(ANNA, minute(1), code="HYD", event_time=minute(3), version=2),
    ],
    "a visit that was a no-show": [
        visit(ANNA, minute(1), version=1),
        booking(ANNA, minute(2), minute(1), "visit", kind="no_show", event="n", version=2),
    ],
    "both seen, then found to be one": [
        visit(ANNA, minute(1)),
        visit(BEA, minute(2)),
        tell("patient.merged", BEA, minute(3), "m", into=ANNA.id),
    ],
    "one seen, then merged": [
        visit(BEA, minute(1)),
        tell("patient.merged", BEA, minute(3), "m", into=ANNA.id),
    ],
    "seen, then dead": [visit(ANNA, minute(1)), tell("patient.deceased", ANNA, minute(2), "d")],
}


def event(raw: Raw) -> Event:
    at = datetime.fromisoformat(raw["time"])
    return Event(raw["id"], raw["source"], raw["type"], raw["subject"], at, raw["data"])


def outcome(events: Sequence[Event]) -> list[str]:
    """What is scheduled two weeks later, and where the patients stand; each event told alone."""
    patients: dict[str, Patient] = {}
    names: dict[str, str] = {}

    def planner(subject: str, now: datetime = DONE) -> Planner:
        name = names.get(subject, subject)
        return Planner(RULES, patients.setdefault(name, Patient(name)), now)

    for one in events:
        if one.type == "patient.merged":
            into = planner(one.data["into"])
            merge(into, planner(one.subject), one)
            names[one.subject] = into.patient.id
        else:
            planner(one.subject).receive(one)
    found: list[str] = []
    for name, patient in patients.items():
        if name not in names:
            planner(name, DUE).pass_time(DUE)
            found += [f"{m.journey}/{m.step}" for m in patient.messages.values() if m.state == "scheduled"]
            found += [f"{name} in {segment}" for segment in patient.members]
    return sorted(found)


@pytest.mark.parametrize("story", STORIES)
def test_the_order_in_which_events_are_told_changes_no_message(story: str) -> None:
    events = [event(raw) for raw in STORIES[story]]
    wanted = outcome(events)
    for order in itertools.permutations(events):
        assert outcome(order) == wanted, [one.id for one in order]


def test_two_treatments_at_the_first_visit_are_one_visit_and_get_their_message() -> None:
    told = [event(raw) for raw in STORIES["two treatments on one day"]]
    assert "second_visit/plan" in outcome(told)

"""Whatever comes twice, late or in any order comes to the same."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.acceptance.clinic import Person, Raw, booking, person, tell, visit
from tests.acceptance.system import System

FORTNIGHT = timedelta(days=14)
HOUR = timedelta(hours=1)


def stories(who: Sequence[Person], at: datetime) -> list[Raw]:
    """What the book tells of ten patients within a few hours, in the order in which it happened."""
    soon, later, past = at + timedelta(days=5), at + timedelta(days=9), at - timedelta(days=3)
    moments = [at + timedelta(minutes=10 * number) for number in range(1, 7)]
    one, two, three, four, *_ = moments
    return [
        # came once
        visit(who[0], one),
        # came, and the price was corrected twice
        visit(who[1], one, version=1, net={"minor": 9000, "currency": "EUR"}),
        tell("visit.completed", who[1], two, "again", appointment_id=f"{who[1].id}/visit", version=2, starts_at=one.isoformat(), net={"minor": 8000, "currency": "EUR"}),
        tell("payment.refunded", who[1], three, "refund", appointment_id=f"{who[1].id}/visit", net={"minor": 500, "currency": "EUR"}),
        # came, and has booked again
        visit(who[2], one),
        booking(who[2], two, later),
        # a visit that was entered by mistake
        visit(who[3], one, version=1),
        tell("visit.voided", who[3], two, "void", appointment_id=f"{who[3].id}/visit", version=2),
        # said not to have come, which was wrong
        booking(who[4], past, one, "visit", event="booked", version=1, patient=who[4].record),
        booking(who[4], two, one, "visit", kind="no_show", version=2),
        visit(who[4], one, event_time=three, version=3),
        # booked, moved, and came
        booking(who[5], past, soon, "visit", event="booked", version=1, patient=who[5].record),
        booking(who[5], past + HOUR, one, "visit", event="moved", kind="rescheduled", version=2),
        visit(who[5], one, event_time=two, version=3),
        # came and revoked
        visit(who[6], one),
        tell("consent.revoked", who[6], three, "stop", channel="sms", purpose="marketing", basis="explicit"),
        # came, and moved house: other address and language, twice
        visit(who[7], one),
        tell("patient.upserted", who[7], two, "upsert-1", patient={"first_name": "Old", "language": "el"}),
        tell("patient.upserted", who[7], four, "upsert-2", patient={"first_name": "New"}),
        # came on two days
        visit(who[8], past, "first"),
        visit(who[8], one, "second"),
        # held, and released
        visit(who[9], one),
        tell("patient.held", who[9], two, "hold", reason="complaint"),
        tell("patient.released", who[9], four, "release"),
    ]  # fmt: skip


def post_in_batches(house: System, events: Sequence[Raw], size: int) -> int:
    """Post them, each batch done before the next; returns how many were new."""
    accepted = 0
    for start in range(0, len(events), size):
        told = house.post(events[start : start + size])
        assert not told["rejected"]
        accepted += told["accepted"]
        house.settle()
    return accepted


def came_of(house: System, who: Sequence[Person]) -> list[dict[str, Any]]:
    """Facts, segments and messages of each, without what tells one run from another."""
    found = []
    for place, one in enumerate(who):
        ledger = json.dumps(house.ledger(one.id), sort_keys=True)
        for own, common in (
            (one.phone, "phone"),
            (one.email, "email"),
            (f"{one.id}/", f"patient {place}/"),
            (f'"{one.id}"', '"patient"'),
            (f" {one.id}", " patient"),
        ):
            ledger = ledger.replace(own, common)
        sent = sorted(
            (row.message.journey, row.message.step, row.message.state) for row in house.messages(one)
        )
        arrived = (
            sorted(sms.body for sms in house.texts(one)),
            sorted(mail.subject for mail in house.mails(one)),
        )
        changes = house.rows("patients", "stage", "next_change_at", patient_id=one.id)
        found.append(
            {
                "ledger": json.loads(ledger),
                "segments": house.segments(one),
                "changes": changes,
                "messages": sent,
                "arrived": arrived,
            }
        )
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_events_posted_three_times_in_any_order_come_to_the_same_as_once_in_order(
    house: System, seed: int
) -> None:
    today = house.now()
    start = today.replace(hour=12, minute=0, second=0) + timedelta(days=1)
    house.live_through(start + 2 * HOUR)
    plain, mixed = (
        [person(first_name="Eleni") for _ in range(10)],
        [person(first_name="Eleni") for _ in range(10)],
    )

    events = stories(plain, start)
    assert post_in_batches(house, events, 1000) == len(events)
    shuffled = stories(mixed, start) * 3
    random.Random(seed).shuffle(shuffled)
    assert post_in_batches(house, shuffled, 9) == len(events)
    assert [found["ledger"] for found in came_of(house, mixed)] == [
        found["ledger"] for found in came_of(house, plain)
    ]

    house.live_through(start + FORTNIGHT + 3 * HOUR)
    wanted = came_of(house, plain)
    assert came_of(house, mixed) == wanted
    reached = [bool(found["arrived"][0] or found["arrived"][1]) for found in wanted]
    assert reached == [True, True, False, False, True, True, True, True, False, True]


def test_the_same_events_posted_again_after_everything_is_done_change_nothing(house: System) -> None:
    start = house.now().replace(hour=12, minute=0, second=0) + timedelta(days=1)
    house.live_through(start)
    eleni = person()
    house.tell(visit(eleni, start))
    house.live_through(start + FORTNIGHT)
    before = came_of(house, [eleni])
    assert house.post([visit(eleni, start)] * 3) == {"accepted": 0, "duplicates": 3, "rejected": []}
    house.live_through(start + FORTNIGHT + HOUR)
    assert came_of(house, [eleni]) == before
    assert len(house.texts(eleni)) == 1

"""Nothing accepted is lost and nothing is sent twice: the queue flushed, every process killed."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import urllib3
from sqlalchemy import and_, update

from tests.acceptance.clinic import Person, Raw, person, visit
from tests.acceptance.system import PATIENCE, START_PATIENCE, System, kill
from tests.eventually import alive, eventually
from worker.delivery.claiming import LEASE
from worker.domain.history import Message
from worker.store import schema
from worker.store.engine import write
from worker.workspace.house import QUEUE_LEASE

LEASE_OVER = 90.0
"""A claim's lease is at most 45 s, a queued row's 30 s; the rest is for a slow machine."""


def post_until_taken(house: System, events: Sequence[Raw]) -> None:
    """Post as a careful client does: again and again until there is a 202."""

    def taken() -> bool:
        try:
            told = house.post(events)
        except urllib3.exceptions.HTTPError:
            return False
        assert told["accepted"] + told["duplicates"] == len(events)
        return True

    eventually(taken, START_PATIENCE)


def next_noon(house: System) -> None:
    house.live_through(house.now().replace(hour=12, minute=0, second=0) + timedelta(days=1))


def leases_run_out(house: System, given_before: datetime) -> None:
    """What would be so in half a minute or a little more, is so now: nobody who held a lease from before still works by it."""
    with write(house.engine) as conn:
        for table in schema.metadata.tables.values():
            if "queued_until" in table.c:
                over = table.c.queued_until <= given_before + QUEUE_LEASE
                conn.execute(update(table).where(over).values(queued_until=None))
        c = schema.messages.c
        over = and_(c.state == "claimed", c.claimed_until <= given_before + LEASE)
        conn.execute(update(schema.messages).where(over).values(claimed_until=given_before))


def given_up(house: System, who: Person) -> Message | None:
    """The patient's only message, once it is claimed by nobody."""
    message = house.message(who).message
    return None if message.state == "claimed" else message


def test_a_flushed_queue_loses_no_event_and_no_message(house: System) -> None:
    next_noon(house)
    seen = house.now()
    waiting, new = [person() for _ in range(5)], [person() for _ in range(5)]
    house.tell(*(visit(who, seen) for who in waiting))
    worker = house.child(house.main, "worker")
    os.kill(worker, signal.SIGSTOP)
    try:
        # What falls due goes onto the queue, and so do the events, while nobody takes anything from it.
        house.move_clock(seen + timedelta(days=14))
        house.post([visit(who, house.now(), code="HYD") for who in new])
        eventually(
            lambda: all(
                depth.waiting for name, depth in house.depths().items() if name in ("events", "timers")
            ),
            PATIENCE,
        )
        house.redis(lambda queue: queue.flushall())
        leases_run_out(house, datetime.now(UTC))
    finally:
        os.kill(worker, signal.SIGCONT)

    house.settle(LEASE_OVER)
    assert [len(house.texts(who)) for who in [*waiting, *new]] == [1] * 10
    assert {house.message(who).message.state for who in [*waiting, *new]} == {"sent"}


def test_killed_processes_lose_no_message_and_send_none_twice(house: System) -> None:
    next_noon(house)
    seen = house.now()
    unlucky, people = person(channels=("sms",)), [person(channels=("sms",)) for _ in range(40)]

    # The worker dies while Twilio has the message and has not answered: nobody can know, so it is not sent again.
    house.sms.script(["slow"])
    asked = len(house.sms.requests)
    post_until_taken(house, [visit(unlucky, seen, code="HYD")])
    house.sms.await_requests(asked + 1, PATIENCE)
    kill(house.child(house.main, "worker"))

    for start, role in zip(range(0, 40, 10), ("ticker", "web", "valkey", "worker"), strict=True):
        post_until_taken(house, [visit(who, seen, code="HYD") for who in people[start : start + 5]])
        kill(house.child(house.main, role))
        killed_at = datetime.now(UTC)
        post_until_taken(house, [visit(who, seen, code="HYD") for who in people[start + 5 : start + 10]])
    leases_run_out(house, killed_at)
    # At once: a minute later it is found in Twilio's list.
    lost = eventually(partial(given_up, house, unlucky), PATIENCE)
    assert lost is not None
    house.settle(LEASE_OVER)

    assert (lost.state, lost.reason, len(house.texts(unlucky))) == ("unknown", "lease", 1)
    arrived = Counter(sms.to for sms in house.sms.messages)
    ended = {who: house.message(who).message.state for who in people}
    assert set(ended.values()) <= {"sent", "unknown"}
    assert [who for who, state in ended.items() if state == "sent" and arrived[who.phone] != 1] == []
    assert [who for who, state in ended.items() if state == "unknown" and arrived[who.phone] > 1] == []
    # Only what was being sent at the moment of the second kill of the worker may be unknown: at most one for each of its threads.
    assert sum(state == "unknown" for state in ended.values()) <= 8
    assert all(alive(house.child(house.main, role)) for role in ("web", "worker", "ticker", "valkey"))

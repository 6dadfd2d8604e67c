"""Nothing accepted is lost and nothing is sent twice: the queue flushed, every process killed."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import urllib3

from tests.acceptance.clinic import Raw, person, visit
from tests.acceptance.system import PATIENCE, START_PATIENCE, System, kill
from tests.eventually import alive, eventually

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
        post_until_taken(house, [visit(who, seen, code="HYD") for who in people[start + 5 : start + 10]])
    house.settle(LEASE_OVER)

    lost = house.message(unlucky).message
    assert (lost.state, lost.reason, len(house.texts(unlucky))) == ("unknown", "lease", 1)
    arrived = Counter(sms.to for sms in house.sms.messages)
    ended = {who: house.message(who).message.state for who in people}
    assert set(ended.values()) <= {"sent", "unknown"}
    assert [who for who, state in ended.items() if state == "sent" and arrived[who.phone] != 1] == []
    assert [who for who, state in ended.items() if state == "unknown" and arrived[who.phone] > 1] == []
    # Only what was being sent at the moment of the second kill of the worker may be unknown: at most one for each of its threads.
    assert sum(state == "unknown" for state in ended.values()) <= 8
    assert all(alive(house.child(house.main, role)) for role in ("web", "worker", "ticker", "valkey"))

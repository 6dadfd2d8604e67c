"""Processes that are told to stop while they work, that are stopped without being told, and a system that was away for days."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from tests.acceptance.clinic import FILES, Person, athens, person, visit
from tests.acceptance.system import PATIENCE, System
from tests.delivery.live import Live, running
from tests.eventually import eventually
from tests.traces import traces_of
from worker.service import sweeping
from worker.service.accepting import accept
from worker.service.publishing import publish
from worker.service.sweeping import sweep
from worker.store.engine import read

LEADER = "revisit:leader:ticker"
NOON = athens(6, 1, 12)
QUICK: Mapping[str, str] = {
    **FILES,
    "config/policy.yaml": "{}\n",
    "config/channels.yaml": 'sms: {provider: twilio, from: "+15005550006", rate: 30 per second}\nemail: {provider: sendgrid, from: hello@clinic.example.com}\n',
    "journeys/second_visit.yaml": FILES["journeys/second_visit.yaml"].replace("14 days", "60 hours"),
}
MANY = 120
HOURS = 40
LIMIT = 10


def test_told_to_stop_under_load_it_ends_in_time_and_the_rest_goes_on_when_it_is_started_again(
    make_system: Callable[..., System],
) -> None:
    system = make_system(clock=NOON, files=QUICK)
    system.run()
    people = [person(channels=("sms",)) for _ in range(MANY)]
    system.post([visit(who, NOON, code="HYD") for who in people])
    eventually(lambda: len(system.sms.messages) >= 10, PATIENCE, 0.002)

    told = time.monotonic()
    system.main.send_signal(signal.SIGTERM)
    assert system.main.wait(60) == 0, system.said()
    assert time.monotonic() - told < 30
    left = {state for who in people for state in [row.message.state for row in system.messages(who)]}
    assert left <= {"sent", "scheduled"}
    assert len(system.sms.messages) < MANY, "it was all done before it was told to stop"

    system.run()
    system.live_through(NOON + timedelta(minutes=10))
    assert [len(system.texts(who)) for who in people] == [1] * MANY
    assert {system.message(who).message.state for who in people} == {"sent"}


def test_a_ticker_that_was_stopped_while_another_took_over_does_no_harm_when_it_wakes(
    make_system: Callable[..., System], valkey_url: str
) -> None:
    system = make_system(clock=NOON, redis_url=valkey_url, files=QUICK)
    web = system.start("web", "--port", str(system.port))
    system.start("worker")

    def leader() -> bytes | None:
        found: bytes | None = system.redis(lambda queue: queue.get(LEADER))
        return found

    first = system.start("ticker")
    system.await_ready(web)
    lease = eventually(leader, PATIENCE)
    heir = system.start("ticker")
    people = [person(channels=("sms",)) for _ in range(10)]
    system.tell(*(visit(who, NOON) for who in people[:5]))

    os.kill(first.pid, signal.SIGSTOP)
    try:
        eventually(lambda: leader() not in (lease, None), PATIENCE)
        system.live_through(NOON + timedelta(hours=60))
        assert [len(system.texts(who)) for who in people[:5]] == [1] * 5
        system.tell(*(visit(who, system.now()) for who in people[5:]))
        taken_over = leader()
    finally:
        os.kill(first.pid, signal.SIGCONT)

    system.live_through(system.now() + timedelta(hours=60))
    assert [len(system.texts(who)) for who in people] == [1] * 10
    assert leader() == taken_over
    assert (first.poll(), heir.poll()) == (None, None)


class Away(Live):
    """A clinic whose system is not there for days."""

    def catch_up(self) -> list[list[str]]:
        """Who was woken in each sweep, until nothing is left."""
        found: list[list[str]] = []
        while (swept := sweep(self.house)).jobs:
            jobs = list(swept.jobs)
            assert swept.due <= 2 * LIMIT, "as many steps as are taken at once, and as many messages"
            found.append([who for job in jobs if job.kind == "wake" for who in job.ids])
            for job in jobs:
                self.do(job)
            self.wall += timedelta(minutes=1)
        return [woken for woken in found if woken]


@pytest.fixture
def away(database_url: str, tmp_path: Path) -> Iterator[Away]:
    with running(Away, database_url, tmp_path, NOON) as found:
        publish(found.house, QUICK)
        yield found


def test_after_three_days_away_what_is_due_is_caught_up_in_order_and_at_a_bounded_pace_and_what_is_stale_is_skipped_and_says_why(
    away: Away, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One visit an hour; sixty hours later each is due, and a day after that too late.
    people = [
        Person(f"p-{hour}", f"+3069{hour:08}", f"p{hour}@mail.example.com", channels=("sms",))
        for hour in range(1, HOURS)
    ]
    visits = [visit(who, NOON - timedelta(hours=HOURS - hour)) for hour, who in enumerate(people, 1)]
    away.jobs += accept(away.house, "default", visits, "http").jobs
    away.work()
    assert not away.provider.messages

    monkeypatch.setattr(sweeping, "LIMIT", LIMIT)
    away.set(NOON + timedelta(days=3))
    away.wall += timedelta(days=3)
    woken = away.catch_up()

    order = list(dict.fromkeys(who for sweep_ in woken for who in sweep_))
    assert order == [who.id for who in people]
    assert len(woken) >= len(people) // LIMIT
    late = {who for hour, who in enumerate(people, 1) if 72 - 60 + HOURS - hour > 24}
    assert 0 < len(late) < len(people)
    assert {sms.to for sms in away.provider.messages} == {who.phone for who in people if who not in late}
    assert len(away.provider.messages) == len(people) - len(late)
    with read(away.house.engine) as conn:
        for who in late:
            said = {trace.what: trace.why for trace in traces_of(conn, "default", who.id)}
            assert "late" in said["skipped"], said

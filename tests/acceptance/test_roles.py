"""The roles as processes of their own, on one queue; on the real clock where a role stays."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.acceptance.clinic import FILES, athens, person, visit
from tests.acceptance.system import PATIENCE, System, kill
from tests.eventually import eventually

LEADER = "revisit:leader:ticker"
TWO_SECONDS = {
    **FILES,
    "config/policy.yaml": "{}\n",
    "journeys/second_visit.yaml": FILES["journeys/second_visit.yaml"].replace(
        "wait: 14 days", "wait: 2 seconds"
    ),
}


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
def test_one_sweep_and_one_drain_at_a_time_do_all_the_work(
    make_system: Callable[..., System], valkey_url: str
) -> None:
    system = make_system(clock=athens(6, 1, 12), redis_url=valkey_url)
    eleni, *lapsing, other = [person() for _ in range(4)]
    days = (athens(12, 15, year=2025), athens(12, 15, year=2025), athens(2, 1))
    history = [visit(who, day, historical=True) for who, day in zip((*lapsing, other), days, strict=True)]

    taken = system.ingest([*history, visit(eleni, athens(6, 1, 11))])
    assert taken.returncode == 0, taken.stderr
    assert "accepted 4, duplicates 0, rejected 0" in taken.stdout
    assert system.process("worker", "--drain").returncode == 0
    assert system.segments(eleni) == {"new", "body_history"}

    system.move_clock(athens(6, 15, 11))
    told = json.loads(system.process("ticker", "--once").stdout)
    assert told.keys() == {"due", "changed", "queued", "seconds"}
    assert (told["due"], told["changed"], told["queued"]) == (3, 2, 3)
    assert [system.segments(who) for who in (*lapsing, other)] == [{"inactive_6", "body_history"}] * 2 + [
        {"new", "body_history"}
    ]
    assert not system.sms.messages
    assert system.process("worker", "--drain").returncode == 0
    assert [len(system.texts(who)) for who in (eleni, *lapsing, other)] == [1, 1, 1, 0]

    assert json.loads(system.process("ticker", "--once").stdout)["due"] == 0


@pytest.mark.parametrize("new_database", ["postgres"], indirect=True)
def test_separate_roles_send_on_the_real_clock_and_another_ticker_takes_over_when_the_leader_is_killed(
    make_system: Callable[..., System], valkey_url: str
) -> None:
    system = make_system(redis_url=valkey_url, files=TWO_SECONDS)
    web = system.start("web", "--port", str(system.port))
    system.start("worker")
    first = system.start("ticker")
    system.await_ready(web)
    lease = eventually(lambda: system.redis(lambda queue: queue.get(LEADER)), PATIENCE)
    known = len(system.redis(lambda queue: queue.client_list()))
    system.start("ticker")
    eventually(lambda: len(system.redis(lambda queue: queue.client_list())) > known, PATIENCE)

    eleni, before = person(), datetime.now(UTC)
    system.post(visit(eleni, before))
    sms = eventually(lambda: system.texts(eleni), PATIENCE)[0]
    assert sms.received_at >= (before + timedelta(seconds=2)).timestamp()
    assert system.redis(lambda queue: queue.get(LEADER)) == lease

    kill(first.pid)
    eventually(lambda: system.redis(lambda queue: queue.get(LEADER)) not in (lease, None), 10)
    maria = person()
    system.post(visit(maria, datetime.now(UTC)))
    eventually(lambda: system.texts(maria), PATIENCE)
    eventually(lambda: system.message(maria).message.state == "sent", PATIENCE)
    assert len(system.texts(maria)) == 1
    assert len(system.texts(eleni)) == 1

"""Counters that processes share, signs of life, and jobs that are watched."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import dramatiq
import pytest
import redis
import structlog

from tests.eventually import eventually
from worker.queue import pulse
from worker.queue.broker import make_broker, run_worker
from worker.queue.client import connect
from worker.queue.tally import MOST, Counter, Tally, counted
from worker.queue.watched import Watched


@pytest.fixture
def client(valkey_url: str) -> Iterator[redis.Redis]:
    found = connect(valkey_url)
    yield found
    found.close()


def test_what_two_processes_count_adds_up(client: redis.Redis) -> None:
    first, second = Tally(client, every=60), Tally(client, every=60)
    first("jobs", kind="fold")
    first("jobs", 2, kind="wake")
    second("jobs", 3, kind="fold")
    assert counted(client) == {}
    first.close()
    second.close()
    assert counted(client) == {
        Counter("jobs", (("kind", "fold"),)): 4,
        Counter("jobs", (("kind", "wake"),)): 2,
    }


def test_counting_is_handed_on_by_itself(client: redis.Redis) -> None:
    tally = Tally(client, every=0.01)
    tally("sweeps")
    eventually(lambda: counted(client) == {Counter("sweeps"): 1}, 10)
    tally("sweeps")
    eventually(lambda: counted(client) == {Counter("sweeps"): 2}, 10)
    tally.close()


def test_a_queue_that_is_away_loses_no_count(client: redis.Redis) -> None:
    away = connect("redis://127.0.0.1:1/0")
    tally = Tally(away, every=60)
    tally("jobs", 5)
    assert not tally.flush()
    tally._client = client
    assert tally.flush()
    assert counted(client) == {Counter("jobs"): 5}
    tally.close()


def test_labels_without_end_make_no_counters_without_end(client: redis.Redis) -> None:
    tally = Tally(client, every=60)
    for number in range(MOST + 7):
        tally("jobs", kind=f"k{number}")
    tally.close()
    found = counted(client)
    assert (len(found), found[Counter("other")]) == (MOST + 1, 7)


def test_the_last_sweep_is_told_with_its_age(client: redis.Redis) -> None:
    assert (pulse.last_beat(client), pulse.heard(client)) == (None, None)
    pulse.beat(client, 0.25, 12)
    found = pulse.last_beat(client)
    assert found is not None
    assert (found.seconds, found.due) == (0.25, 12)
    assert 0 <= found.age < 60
    # As if it had been a minute ago.
    client.pexpire("revisit:pulse:ticker", pulse.KEPT_MS - 60_000)
    age = pulse.heard(client)
    assert age is not None
    assert 60 <= age < 120


def test_the_oldest_message_of_a_queue_is_told_with_its_age(valkey_url: str) -> None:
    broker = make_broker(valkey_url)
    assert pulse.oldest(broker, ["events", "sends"]) == {"events": 0.0, "sends": 0.0}
    for age in (90, 5):
        message: dramatiq.Message[None] = dramatiq.Message("events", "fold", ("default", []), {}, {})
        broker.enqueue(message.copy(message_timestamp=message.message_timestamp - age * 1000))
    found = pulse.oldest(broker, ["events", "sends"])
    assert 90 <= found["events"] < 120
    assert found["sends"] == 0.0
    broker.close()


def test_jobs_are_counted_and_their_lines_name_them(valkey_url: str) -> None:
    told: list[tuple[str, dict[str, str]]] = []
    lines: list[dict[str, object]] = []
    broker = make_broker(valkey_url)
    broker.add_middleware(Watched(lambda name, _amount=1, **labels: told.append((name, labels))))

    @dramatiq.actor(actor_name="fold", queue_name="events", broker=broker)
    def fold(_clinic: str, ids: list[str]) -> None:
        lines.append(structlog.contextvars.get_contextvars())
        if not ids:
            raise ValueError("nothing to do")

    fold.send("default", ["1", "2"])
    fold.send("default", [])
    run_worker(broker, threads=1, drain=True, stop=threading.Event(), idle_ms=5)
    assert lines == [{"job": "fold", "clinic": "default"}] * 2
    assert sorted(labels["outcome"] for name, labels in told if name == "jobs") == ["done", "failed"]
    assert structlog.contextvars.get_contextvars() == {}
    broker.close()

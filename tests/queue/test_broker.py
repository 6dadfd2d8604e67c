"""The worker: jobs run, are not retried, are given back, and come back from the dead."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import dramatiq
import pytest
import redis
from dramatiq.middleware import TimeLimitExceeded

from tests.eventually import eventually
from tests.queue.scripts import next_line, running
from worker.queue.bell import RungBroker
from worker.queue.broker import QUEUES, Depth, depths, make_broker, run_worker

HOLDER = """
import signal, sys, threading
import dramatiq
from worker.queue.broker import make_broker, run_worker
broker = make_broker(sys.argv[1])

@dramatiq.actor(broker=broker, queue_name="events")
def job(number):
    print("holding")
    threading.Event().wait()

run_worker(broker, threads=1, drain=False, stop=threading.Event())
"""


@pytest.fixture
def broker(valkey_url: str) -> Iterator[RungBroker]:
    broker = make_broker(valkey_url)
    yield broker
    broker.client.close()


def actor(
    broker: RungBroker, run: Callable[..., None], queue: str = "events", name: str = "job"
) -> dramatiq.Actor[Any, Any]:
    return dramatiq.actor(actor_name=name, broker=broker, queue_name=queue)(run)


def drain(broker: RungBroker, threads: int = 2) -> None:
    run_worker(broker, threads=threads, drain=True, stop=threading.Event())


def test_draining_runs_every_job_and_what_follows_from_it(broker: RungBroker) -> None:
    done: list[int] = []

    def run(number: int) -> None:
        if number < 3:
            job.send(number + 1)
        done.append(number)

    job = actor(broker, run)
    for _ in range(100):
        job.send(1)
    drain(broker)
    assert sorted(done) == [1] * 100 + [2] * 100 + [3] * 100
    assert depths(broker) == {name: Depth(0, 0) for name in QUEUES}


def test_draining_an_empty_queue_ends(broker: RungBroker) -> None:
    drain(broker)


def test_draining_waits_for_the_job_that_is_running(broker: RungBroker) -> None:
    started, release, done = threading.Event(), threading.Event(), threading.Event()

    def run() -> None:
        started.set()
        release.wait(10)
        done.set()

    actor(broker, run).send()
    drainer = threading.Thread(target=drain, args=(broker,))
    drainer.start()
    assert started.wait(10)
    assert depths(broker)["events"] == Depth(waiting=0, held=1)
    assert drainer.is_alive()
    release.set()
    drainer.join(10)
    assert not drainer.is_alive()
    assert done.is_set()


def test_a_failed_job_is_not_tried_again(broker: RungBroker) -> None:
    tries: list[int] = []

    def run() -> None:
        tries.append(1)
        raise RuntimeError("on purpose")

    actor(broker, run).send()
    drain(broker)
    drain(broker)
    assert tries == [1]


def test_a_job_over_its_time_limit_is_interrupted(valkey_url: str) -> None:
    broker = make_broker(valkey_url, time_limit_ms=200)
    never, ended = threading.Event(), []

    def run() -> None:
        try:
            for _ in range(1000):
                never.wait(0.01)
        except TimeLimitExceeded:
            ended.append("interrupted")
            raise

    actor(broker, run).send()
    drain(broker)
    assert ended == ["interrupted"]
    broker.client.close()


def test_a_stopped_worker_finishes_its_job_and_gives_the_rest_back(broker: RungBroker) -> None:
    stop, done = threading.Event(), []

    def run() -> None:
        stop.set()
        done.append(1)

    job = actor(broker, run)
    for _ in range(500):
        job.send()
    run_worker(broker, threads=1, drain=False, stop=stop)
    assert depths(broker)["events"] == Depth(waiting=500 - len(done), held=0)
    assert 0 < len(done) < 500


def test_a_message_whose_delivery_was_lost_is_given_back(broker: RungBroker) -> None:
    actor(broker, lambda: None).send()
    broker.do_fetch("events", 1)
    assert depths(broker)["events"] == Depth(waiting=0, held=1)
    stop = threading.Event()
    stop.set()
    run_worker(broker, threads=1, drain=False, stop=stop)
    assert depths(broker)["events"] == Depth(waiting=1, held=0)


def test_a_killed_workers_job_comes_back_within_seconds(valkey_url: str, broker: RungBroker) -> None:
    done: list[int] = []
    job = actor(broker, done.append)
    job.send(7)
    with running(HOLDER, valkey_url) as holder:
        assert next_line(holder) == "holding"
        holder.kill()
        drain(broker)
    assert done == [7]


def test_two_systems_on_one_server_do_not_see_each_other(valkey_url: str, broker: RungBroker) -> None:
    other = make_broker(valkey_url, namespace="other")
    done: list[str] = []
    actor(broker, done.append).send("mine")
    actor(other, done.append)
    drain(other)
    assert done == []
    drain(broker)
    assert done == ["mine"]
    other.client.close()


def test_a_worker_takes_only_the_queues_it_is_given(broker: RungBroker) -> None:
    done: list[str] = []
    actor(broker, done.append, "events", "one").send("event")
    actor(broker, done.append, "sends", "two").send("send")
    run_worker(broker, threads=1, drain=True, stop=threading.Event(), queues=["sends"])
    assert done == ["send"]
    assert depths(broker)["events"] == Depth(waiting=1, held=0)


def test_a_message_queued_while_the_worker_idles_is_picked_up_quickly(broker: RungBroker) -> None:
    stop = threading.Event()
    done: list[int] = []
    job = actor(broker, done.append)
    runner = threading.Thread(
        target=run_worker, args=(broker,), kwargs={"threads": 1, "drain": False, "stop": stop}
    )
    runner.start()
    for number in range(5):
        job.send(number)
        eventually(lambda number=number: number in done, timeout=2)  # type: ignore[misc]
    stop.set()
    runner.join(10)
    assert not runner.is_alive()


def test_an_address_that_is_no_redis_is_refused() -> None:
    with pytest.raises(ValueError, match="scheme"):
        make_broker("http://localhost")


def test_queueing_without_a_server_says_so() -> None:
    broker = make_broker("unix:///nowhere/valkey.sock")
    with pytest.raises(redis.ConnectionError):
        actor(broker, lambda: None).send()


def test_an_idle_worker_waits_longer_and_longer_and_looks_at_once_when_it_rings(valkey_url: str) -> None:
    broker, other = make_broker(valkey_url), make_broker(valkey_url)
    job = actor(other, lambda: None, "sends")
    consumer = broker.consume("sends", 10, 100)
    broker.idle_ms = 10_000

    def look() -> tuple[float, object]:
        began = time.monotonic()
        found = next(consumer)
        return time.monotonic() - began, found

    broker.bell.listen()
    try:
        eventually(lambda: dict(broker.client.pubsub_numsub("revisit:bell")) == {b"revisit:bell": 1}, 5)
        eventually(lambda: look()[0] > 0.6, 10)
        # The next look would be at least 1.2 s away.
        rung = threading.Timer(0.05, job.send)
        rung.start()
        waited, found = look()
        assert waited < 0.6
        assert found is not None
        job.send()
        # So close behind a ring that it was not rung for.
        job.send()
        assert all(eventually(lambda: look()[1], 0.6) for _ in range(2))
        rung.join()
    finally:
        broker.bell.hush()
        broker.bell.close()
        broker.client.close()
        other.client.close()

"""Events from the queue to the commit, against a job that does nothing: both by two worker processes, on one embedded queue, in the same minute.

An event is done when its facts, transitions, decisions and outbox rows are committed, on a database that waits for the disk. It travels in
batches, as the API queues it; the job that does nothing has one event a message. The clock runs from the first message that is queued until
the queue is empty; the events lie in the database by then, as they do when the API answers 202. Sends are not part of it.
"""

from __future__ import annotations

import multiprocessing
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import dramatiq
from sqlalchemy import func, select

from benchmarks import Measure, benchmark
from benchmarks.corpus import ENROLLS, NOW, history, live
from tests.postgres import admin, server, url_of
from worker.actors import Queue, declare
from worker.delivery.senders import Channels, Credentials
from worker.queue.broker import depths, make_broker, run_worker
from worker.queue.embedded import EmbeddedQueue
from worker.service.accepting import accept
from worker.service.folding import fold
from worker.service.jobs import BATCH, Job
from worker.service.publishing import publish
from worker.store.engine import make_engine, read
from worker.store.migrate import upgrade
from worker.store.schema import enrollments, events
from worker.workspace.house import House
from worker.workspace.layout_new import sample_rooms

PATIENTS = 6_000
PROCESSES, THREADS = 2, 8
"""Two processes with as many threads as `revisit worker` has."""
CLINIC = "default"
QUEUE = "events"


def _fixed(at: datetime) -> datetime:
    return at


def _house(url: str, at: datetime) -> House:
    return House(make_engine(url), "secret", "http://127.0.0.1:8000", wall=partial(_fixed, at))


def _work(queue_url: str, database_url: str | None, ready: Any, stop: Any) -> None:
    """One worker process: it folds, or does nothing where there is no database."""
    broker = make_broker(queue_url)
    if database_url is None:
        # Our own workers take few of these long jobs in hand; work that is over at once is fastest without that limit.
        broker.at_hand = {}

        def nothing(_clinic: str, _ids: list[str]) -> None:
            return

        dramatiq.actor(actor_name="fold", queue_name=QUEUE, broker=broker)(nothing)
    else:
        house = _house(database_url, NOW)
        with read(house.engine) as conn:
            house.rooms(conn, CLINIC)
        declare(Queue(broker), house, Channels(Credentials(), Path(), None))
    ended = threading.Event()
    threading.Thread(target=_follow, args=(stop, ended), daemon=True).start()
    ready.wait()
    run_worker(broker, threads=THREADS, drain=False, stop=ended, queues=[QUEUE])


def _follow(stop: Any, ended: threading.Event) -> None:
    stop.wait()
    ended.set()


@contextmanager
def _workers(queue_url: str, database_url: str | None) -> Iterator[None]:
    context = multiprocessing.get_context("spawn")
    ready, stop = context.Barrier(PROCESSES + 1), context.Event()
    processes = [
        context.Process(target=_work, args=(queue_url, database_url, ready, stop)) for _ in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    try:
        ready.wait(60)
        time.sleep(0.5)
        yield
    finally:
        stop.set()
        for process in processes:
            process.join(30)


def _drain(queue_url: str, jobs: Sequence[Job]) -> float:
    """Seconds from the first job queued until none waits and none is worked on."""
    broker = make_broker(queue_url)
    queue = Queue(broker)
    began = time.perf_counter()
    if not queue.put(jobs):
        raise RuntimeError("the queue is away")
    while (depth := depths(broker)[QUEUE]).waiting or depth.held:
        time.sleep(0.002)
    return time.perf_counter() - began


def _nothing(queue_url: str) -> float:
    """Events a second that the job does which does nothing."""
    with _workers(queue_url, None):
        return PATIENTS / _drain(queue_url, [Job("fold", CLINIC, (str(n),)) for n in range(PATIENTS)])


def _accept(house: House, told: Iterable[dict[str, Any]]) -> list[Job]:
    rest, jobs = list(told), list[Job]()
    for index in range(0, len(rest), BATCH):
        taken = accept(house, CLINIC, rest[index : index + BATCH], "http")
        if taken.rejected:
            raise ValueError(f"the corpus is broken: {taken.rejected[0]}")
        jobs += taken.jobs
    return jobs


def _prepare(database_url: str) -> list[Job]:
    """A database with the whole book in it, and the live events stored; returns the jobs that fold them."""
    house = _house(database_url, NOW - timedelta(days=1))
    upgrade(house.engine)
    publish(house, sample_rooms())
    for job in _accept(house, history(PATIENTS)):
        fold(house, CLINIC, [int(key) for key in job.ids])
    house.wall = partial(_fixed, NOW)
    jobs = _accept(house, live(PATIENTS))
    house.engine.dispose()
    return jobs


def _check(database_url: str) -> None:
    """Every event is done, and as many enrolled as the corpus says."""
    engine = make_engine(database_url)
    with read(engine) as conn:
        left = conn.execute(select(func.count()).where(events.c.state != "done")).scalar_one()
        enrolled = conn.execute(select(func.count(func.distinct(enrollments.c.patient_id)))).scalar_one()
    engine.dispose()
    if left or abs(enrolled / PATIENTS - ENROLLS) > 0.02:
        raise RuntimeError(f"{left} events were not folded; {enrolled} of {PATIENTS} enrolled")


def _measure(database_url: str) -> Measure:
    jobs = _prepare(database_url)
    with tempfile.TemporaryDirectory() as folder, EmbeddedQueue(Path(folder)) as queue:
        before = _nothing(queue.url)
        with _workers(queue.url, database_url):
            ours = PATIENTS / _drain(queue.url, jobs)
        after = _nothing(queue.url)
    _check(database_url)
    nothing = (before + after) / 2
    return Measure(
        round(ours / nothing, 3),
        "ratio",
        f"{ours:,.0f} events/s in batches of {BATCH}; a job that does nothing, one event a message, "
        f"{before:,.0f} before and {after:,.0f} after; {PROCESSES} processes",
    )


@benchmark("events_vs_noop_postgres")
def events_vs_noop_postgres() -> Measure:
    """Durable events a second on PostgreSQL, as a share of the messages a second of a job that does nothing."""
    with ExitStack() as stack:
        folder = stack.enter_context(server(durable=True))
        admin(folder, "CREATE DATABASE bench")
        return _measure(url_of(folder, "bench"))


@benchmark("events_vs_noop_sqlite")
def events_vs_noop_sqlite() -> Measure:
    """The same on SQLite, which has one writer at a time."""
    with tempfile.TemporaryDirectory() as folder:
        return _measure(f"sqlite:///{Path(folder) / 'revisit.db'}")

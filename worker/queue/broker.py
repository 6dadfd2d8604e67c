"""The dramatiq broker on Redis or Valkey, and the worker that runs its actors in this process.

A message carries ids only and is short work. The queue delivers at least once and keeps no count of tries, so nothing is retried here: a
failed job is acknowledged and forgotten, and the sweeper queues again what the database still holds to be due. Nothing is ever delayed on
the queue either, because delayed messages sit in a worker's memory. `enqueue` raises `redis.RedisError` when the server is away.
"""

from __future__ import annotations

import gc
import logging
import threading
import time
import weakref
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import redis
from dramatiq import Worker
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import ShutdownNotifications, TimeLimit

from worker.queue.bell import IDLE_MS, Bell, RungBroker
from worker.queue.client import connect

log = logging.getLogger(__name__)

QUEUES: Final = ("events", "timers", "sends")
HEARTBEAT_MS: Final = 5_000
"""A worker silent for so long is dead; its messages go to another. The consumers of the delay queues, always idle, keep a live one heard."""
TIME_LIMIT_MS: Final = 60_000
PREFETCH: Final = 100
AT_HAND: Final = {"events": 2, "sends": 0}
"""Queues whose messages are long work, and how many of them a process takes at once: one to work on, and the next. What it took and has not begun no other process can do. 0: one for each thread."""
LOOK_SECONDS: Final = 0.2
"""How often a thread without a job, and whoever waits for the end, looks whether it has come."""
STOP_MS: Final = 25_000
"""How long running jobs may take to finish once told to stop: less than the supervisor's patience."""
AWAY_SECONDS: Final = 30.0
"""How long a draining worker waits for a server that does not answer."""


@dataclass(frozen=True)
class Depth:
    """One queue: messages waiting, and messages that a worker (live or dead) has fetched and not finished."""

    waiting: int
    held: int


def make_broker(
    url: str,
    *,
    namespace: str = "revisit",
    queues: Collection[str] = QUEUES,
    heartbeat_ms: int = HEARTBEAT_MS,
    time_limit_ms: int = TIME_LIMIT_MS,
) -> RungBroker:
    """A broker on the server at `url`, its queues declared. `namespace` keeps several systems apart on one server.

    Does not connect. Raises ValueError for a URL that is not `redis://`, `rediss://` or `unix://`.
    """
    client = connect(url)
    broker = RungBroker(  # type: ignore[no-untyped-call]
        client=client,
        namespace=namespace,
        # Every command looks for dead workers: by default an idle system would not find one within minutes.
        maintenance_chance=1_000_000,
        heartbeat_timeout=heartbeat_ms,
        middleware=[TimeLimit(time_limit=time_limit_ms), ShutdownNotifications()],
    )
    broker.bell = Bell(client, namespace)
    broker.at_hand = AT_HAND
    for queue in queues:
        broker.declare_queue(queue)
    return broker


def depths(broker: RedisBroker) -> dict[str, Depth]:
    """What lies on each queue, all read at one instant. Raises `redis.RedisError` when the server is away."""
    names = sorted(broker.get_declared_queues())
    with broker.client.pipeline(transaction=True) as pipe:
        for name in names:
            pipe.llen(f"{broker.namespace}:{name}")
            pipe.hlen(f"{broker.namespace}:{name}.msgs")
        counts: list[int] = pipe.execute()
    return {
        name: Depth(waiting=waiting, held=max(0, total - waiting))
        for name, waiting, total in zip(names, counts[::2], counts[1::2], strict=True)
    }


def run_worker(
    broker: RungBroker,
    *,
    threads: int,
    drain: bool,
    stop: threading.Event,
    prefetch: int = PREFETCH,
    queues: Collection[str] | None = None,
    idle_ms: int = IDLE_MS,
) -> None:
    """Run the broker's actors here until `stop` is set or, with `drain`, until no message waits and none is being worked on.

    Jobs that run when it stops are finished (for at most STOP_MS); what was fetched and not begun goes back to its queue. With `drain`,
    raises `redis.RedisError` when the server stays away. Actors must be declared before. One worker per process at a time. Where nobody
    rings for a message, an idle one is found after `idle_ms`.
    """
    worker = Worker(
        broker,
        queues=set(queues) if queues else None,
        worker_timeout=int(LOOK_SECONDS * 1000),
        worker_threads=threads,
    )
    worker.queue_prefetch = prefetch
    broker.at_hand = {queue: most or threads for queue, most in broker.at_hand.items()}
    broker.idle_ms = idle_ms
    _boot(broker)
    broker.bell.listen()
    worker.start()
    with _rare_collections():
        _stay(broker, worker, drain=drain, stop=stop, queues=queues)


def _stay(
    broker: RungBroker, worker: Worker, *, drain: bool, stop: threading.Event, queues: Collection[str] | None
) -> None:
    try:
        done = _Drain(broker, queues) if drain else None
        # `is_set` and sleep, not `wait`: a signal handler that sets the event while this thread waits inside it would lock up.
        while not stop.is_set() and not (done is not None and done()):
            time.sleep(LOOK_SECONDS)
    finally:
        broker.bell.hush()
        worker.stop(timeout=STOP_MS)
        broker.bell.close()
        if not any(thread.is_alive() for thread in worker.workers):
            _give_back(broker)


@contextmanager
def _rare_collections() -> Iterator[None]:
    """A job makes and drops a great many small objects, hardly any in a circle; to look through them all as often as is the default costs a tenth of its time."""
    before = gc.get_threshold()
    gc.set_threshold(50_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*before)


_booted: weakref.WeakSet[RedisBroker] = weakref.WeakSet()


def _boot(broker: RedisBroker) -> None:
    # The time limit's thread starts with this signal, which dramatiq's own command line sends, and can start only once.
    if broker not in _booted:
        _booted.add(broker)
        broker.emit_after("process_boot")


def _give_back(broker: RedisBroker) -> None:
    """Return what this broker fetched and did not finish, rather than leave it to be found when our heartbeat has stopped."""
    try:
        for queue in broker.get_declared_queues():
            ids: Any = broker.client.smembers(f"{broker.namespace}:__acks__.{broker.broker_id}.{queue}")
            if ids:
                broker.do_requeue(queue, *ids)
    except redis.RedisError as error:
        log.warning(
            "messages in hand could not be given back, they return by themselves in a few seconds: %s", error
        )


class _Drain:
    """Whether the queues are empty, jobs in hand included.

    A job queues what follows from it before it is acknowledged, so "no message at one instant" is the end. Messages held by somebody
    else come back when their holder is found dead; if they neither end nor come back, they are left behind.
    """

    def __init__(self, broker: RedisBroker, queues: Collection[str] | None) -> None:
        self._broker = broker
        self._queues = set(queues) if queues else broker.get_declared_queues()
        self._patience = broker.heartbeat_timeout / 1000 + 60
        self._answered = time.monotonic()
        self._stuck: tuple[float, int] | None = None

    def __call__(self) -> bool:
        now = time.monotonic()
        try:
            found = [depth for name, depth in depths(self._broker).items() if name in self._queues]
        except redis.RedisError:
            if now - self._answered > AWAY_SECONDS:
                raise
            return False
        self._answered = now
        waiting, held = sum(depth.waiting for depth in found), sum(depth.held for depth in found)
        if waiting or not held:
            self._stuck = None
            return not waiting
        if self._stuck is None or self._stuck[1] != held:
            self._stuck = (now, held)
        if now - self._stuck[0] > self._patience:
            log.warning(
                "%d messages are held by a worker that neither finishes nor ends; the sweeper will see to them",
                held,
            )
            return True
        return False

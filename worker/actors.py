"""The actors: one line each into `service` or `delivery`. Messages carry ids, in batches; the database is the truth.

A job that fails is forgotten by the queue; the sweeper queues again what the database still holds to be due.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

import dramatiq
import structlog
from redis.exceptions import RedisError

from worker import tracing
from worker.delivery.batch import dispatch_all
from worker.delivery.reconcile import reconcile
from worker.delivery.senders import Channels
from worker.queue.bell import RungBroker
from worker.queue.broker import depths
from worker.service.folding import fold
from worker.service.jobs import Job, batches
from worker.service.probing import probe
from worker.service.waking import wake
from worker.service.whereabouts import place_of
from worker.store.engine import AWAY
from worker.workspace.house import House

log = structlog.get_logger(__name__)
QUEUE = {"fold": "events", "wake": "timers", "dispatch": "sends", "reconcile": "timers", "probe": "timers"}


ROOM = 20
"""How many jobs of files may lie on the queue of events."""
PATIENCE = 5.0
"""Seconds in which nothing is worked off: nobody works, or what is held takes long."""


class Queue:
    """Jobs onto the queue. Needs no database, so any process may hold one."""

    def __init__(self, broker: RungBroker) -> None:
        self.broker = broker

    def put(self, jobs: Sequence[Job]) -> bool:
        """Queue them; False where the queue is away: nothing is lost then, the sweeper finds the rows."""
        context = tracing.carrier()
        traced = {tracing.OPTION: context} if context else {}
        try:
            for job in jobs:
                message: dramatiq.Message[None] = dramatiq.Message(
                    queue_name=QUEUE[job.kind],
                    actor_name=job.kind,
                    args=(job.clinic, list(job.ids)),
                    kwargs={},
                    options=traced,
                )
                self.broker.enqueue(message)
        except RedisError as error:
            log.warning("queue away; the sweeper will queue again", error=type(error).__name__)
            return False
        return True


class Gently:
    """Puts the jobs of a file on the queue no faster than they are worked off, so that another clinic's live events find a short queue."""

    def __init__(self, queue: Queue, stopped: Callable[[], bool] = lambda: False) -> None:
        self._queue, self._stopped = queue, stopped
        self.waits = True

    def put(self, jobs: Sequence[Job]) -> bool:
        """As `Queue.put`, as soon as there is room. Where nobody works the queue off, it waits no more."""
        self._await_room()
        return self._queue.put(jobs)

    def _await_room(self) -> None:
        least, since = None, time.monotonic()
        while self.waits and not self._stopped():
            try:
                depth = depths(self._queue.broker)[QUEUE["fold"]]
            except RedisError:
                return
            left = depth.waiting + depth.held
            if left < ROOM:
                return
            if least is None or left < least:
                least, since = left, time.monotonic()
            self.waits = time.monotonic() - since <= PATIENCE
            time.sleep(0.02)


def _guarded(clinic: str, key: str, work: Callable[[], list[str]]) -> list[str]:
    """One message that fails must not hold up those behind it."""
    try:
        return work()
    except AWAY:
        raise
    except Exception as error:  # noqa: BLE001
        log.error(
            "message failed", clinic=clinic, message=key, error=type(error).__name__, where=place_of(error)
        )
        return []


class _Ends(dramatiq.Middleware):
    """Tells the calls when their worker begins and is told to stop."""

    def __init__(self, end: Callable[[bool], None]) -> None:
        self._end = end

    def before_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        self._end(False)

    def before_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        self._end(True)


def declare(queue: Queue, house: House, channels: Channels) -> None:
    """Make this process able to work: the actors on the queue's broker."""

    queue.broker.add_middleware(_Ends(channels.calls.end))

    def fold_events(clinic: str, ids: list[str]) -> None:
        queue.put(fold(house, clinic, [int(key) for key in ids]))

    def wake_patients(clinic: str, ids: list[str]) -> None:
        queue.put(wake(house, clinic, ids)[1])

    def dispatch_messages(clinic: str, ids: list[str]) -> None:
        for following in dispatch_all(house, channels, clinic, ids, partial(_guarded, clinic)):
            queue.put(batches("dispatch", [(clinic, due) for due in following]))

    def reconcile_messages(clinic: str, ids: list[str]) -> None:
        for key in ids:
            following = _guarded(clinic, key, partial(reconcile, house, channels, clinic, key))
            queue.put(batches("dispatch", [(clinic, due) for due in following]))

    def probe_door(clinic: str, _ids: list[str]) -> None:
        probe(house, clinic)

    for name, work in (
        ("fold", fold_events),
        ("wake", wake_patients),
        ("dispatch", dispatch_messages),
        ("reconcile", reconcile_messages),
        ("probe", probe_door),
    ):
        dramatiq.actor(actor_name=name, queue_name=QUEUE[name], broker=queue.broker)(work)

"""The actors: one line each into `service` or `delivery`. Messages carry ids, in batches; the database is the truth.

A job that fails is forgotten by the queue; the sweeper queues again what the database still holds to be due.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import dramatiq
import structlog
from dramatiq.brokers.redis import RedisBroker
from redis.exceptions import RedisError

from worker.delivery.dispatch import dispatch
from worker.delivery.reconcile import reconcile
from worker.delivery.senders import Channels
from worker.service.folding import fold
from worker.service.jobs import Job, batches
from worker.service.probing import probe
from worker.service.waking import wake
from worker.service.whereabouts import place_of
from worker.store.engine import AWAY
from worker.workspace.house import House

log = structlog.get_logger(__name__)
QUEUE = {"fold": "events", "wake": "timers", "dispatch": "sends", "reconcile": "timers", "probe": "timers"}


class Queue:
    """Jobs onto the queue. Needs no database, so any process may hold one."""

    def __init__(self, broker: RedisBroker) -> None:
        self.broker = broker

    def put(self, jobs: Sequence[Job]) -> bool:
        """Queue them; False where the queue is away: nothing is lost then, the sweeper finds the rows."""
        try:
            for job in jobs:
                message: dramatiq.Message[None] = dramatiq.Message(
                    queue_name=QUEUE[job.kind],
                    actor_name=job.kind,
                    args=(job.clinic, list(job.ids)),
                    kwargs={},
                    options={},
                )
                self.broker.enqueue(message)
        except RedisError as error:
            log.warning("queue away; the sweeper will queue again", error=type(error).__name__)
            return False
        return True


def declare(queue: Queue, house: House, channels: Channels) -> None:
    """Make this process able to work: the actors on the queue's broker."""

    def fold_events(clinic: str, ids: list[str]) -> None:
        queue.put(fold(house, clinic, [int(key) for key in ids]))

    def wake_patients(clinic: str, ids: list[str]) -> None:
        queue.put(wake(house, clinic, ids)[1])

    def each(do: Callable[[House, Channels, str, str], list[str]], clinic: str, ids: list[str]) -> None:
        for key in ids:
            try:
                following = do(house, channels, clinic, key)
            except AWAY:
                raise
            except Exception as error:  # noqa: BLE001 (one message that fails must not hold up those behind it)
                log.error(
                    "message failed",
                    clinic=clinic,
                    message=key,
                    error=type(error).__name__,
                    where=place_of(error),
                )
                continue
            queue.put(batches("dispatch", [(clinic, due) for due in following]))

    def dispatch_messages(clinic: str, ids: list[str]) -> None:
        each(dispatch, clinic, ids)

    def reconcile_messages(clinic: str, ids: list[str]) -> None:
        each(reconcile, clinic, ids)

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

"""Figures of the running house, for a monitoring system: gauges from the database and the queue, counters that all processes share.

Rules
1. The database is the truth, so whatever it knows is read from there; only what it does not keep (calls, jobs, how long they took) is counted by the processes.
2. A look is kept for `KEPT_SECONDS`, and one thread looks at a time: who asks often costs nothing more.
3. What cannot be read is left out and its part says 0 in `revisit_up`: a figure that is not known is not a zero.
4. A clinic stands in a label while there are at most `FEW` of them; above that, the worst of all stands for all. Codes that are rare stand together as `other`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog
from dramatiq.brokers.redis import RedisBroker
from redis.exceptions import RedisError
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from worker.queue.broker import QUEUES, depths
from worker.queue.pulse import last_beat, oldest
from worker.queue.tally import counted
from worker.store import figures as store
from worker.store import rooms as stored_rooms
from worker.store.engine import read
from worker.workspace.house import House

log = structlog.get_logger(__name__)
KEPT_SECONDS: Final = 5.0
FEW: Final = 50
CODES: Final = 60
RECENT: Final = timedelta(minutes=15)
"""What `recent` means: how far back what was decided and reported is counted."""
QUARANTINE: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Figure:
    """One value of one metric."""

    name: str
    value: float
    labels: Mapping[str, str]


class Figures:
    """Looks when it is asked; safe to share between threads."""

    def __init__(
        self, house: House, broker: RedisBroker, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._house, self._broker, self._clock = house, broker, clock
        self._lock = threading.Lock()
        self._kept: tuple[float, list[Figure]] | None = None

    def __call__(self) -> list[Figure]:
        """The figures of now, or of a moment ago."""
        with self._lock:
            if self._kept is None or self._clock() - self._kept[0] >= KEPT_SECONDS:
                found = [*self._part("database", self._stored), *self._part("queue", self._queued)]
                self._kept = (self._clock(), found)
            return self._kept[1]

    def _part(self, name: str, look: Callable[[], Iterable[Figure]]) -> list[Figure]:
        try:
            return [*look(), _figure("revisit_up", 1, part=name)]
        except (SQLAlchemyError, RedisError, OSError) as error:
            log.warning("figures can't be read", code=name, error=type(error).__name__)
            return [_figure("revisit_up", 0, part=name)]

    def _stored(self) -> Iterable[Figure]:
        with read(self._house.engine) as conn:
            return list(_stored(conn, self._house))

    def _queued(self) -> Iterator[Figure]:
        for name, depth in depths(self._broker).items():
            if name in QUEUES:
                yield _figure("revisit_queue_messages", depth.waiting, queue=name, state="waiting")
                yield _figure("revisit_queue_messages", depth.held, queue=name, state="held")
        for name, age in oldest(self._broker, QUEUES).items():
            yield _figure("revisit_queue_oldest_seconds", age, queue=name)
        pulse = last_beat(self._broker.client)
        if pulse is not None:
            yield _figure("revisit_ticker_heartbeat_seconds", pulse.age)
            yield _figure("revisit_sweep_seconds", pulse.seconds)
            yield _figure("revisit_sweep_due", pulse.due)
        for counter, amount in counted(self._broker.client).items():
            yield Figure(f"revisit_{counter.name}_total", amount, dict(counter.labels))


def _stored(conn: Connection, house: House) -> Iterator[Figure]:
    now, wall = house.now(conn), house.wall()
    clinics = stored_rooms.clinic_ids(conn)
    yield _figure("revisit_clinics", len(clinics))
    backlog = store.backlog(conn)
    yield _figure("revisit_events_waiting", backlog.count)
    yield _figure(
        "revisit_events_oldest_seconds", (now - backlog.since).total_seconds() if backlog.since else 0
    )
    for kind, waiting in store.due(conn, now, wall).items():
        yield _figure("revisit_due", waiting.count, kind=kind)
        yield _figure(
            "revisit_due_lag_seconds",
            (now - waiting.since).total_seconds() if waiting.since else 0,
            kind=kind,
        )
    for kind, count in store.quarantined(conn, clinics, now - QUARANTINE).items():
        yield _figure("revisit_quarantined_recent", count, kind=kind)
    doubt = store.in_doubt(conn, clinics, wall)
    yield _figure("revisit_messages_unknown", doubt["unknown"])
    yield _figure("revisit_messages_claimed", doubt["claimed"])
    yield _figure("revisit_claims_expired", doubt["expired"])
    decided = store.decided(conn, clinics, now - RECENT)
    often = sorted({code for _, _, code in decided if code}, key=lambda code: -_sum(decided, code))[:CODES]
    counts: dict[tuple[str, str, str], int] = {}
    for (state, channel, code), count in decided.items():
        key = (state, channel, code if not code or code in often else "other")
        counts[key] = counts.get(key, 0) + count
    for (state, channel, code), count in counts.items():
        yield _figure("revisit_messages_recent", count, state=state, channel=channel, code=code)
    for (provider, status), count in store.reports(conn, wall - RECENT).items():
        yield _figure("revisit_reports_recent", count, provider=provider, status=status)
    for provider, lags in store.report_lags(conn, wall - RECENT).items():
        yield _figure(
            "revisit_report_lag_seconds", sorted(lags)[len(lags) // 2], provider=provider, quantile="0.5"
        )
        yield _figure("revisit_report_lag_seconds", max(lags), provider=provider, quantile="1")
    ages = {clinic: (now - at).total_seconds() for clinic, at in store.feeds(conn).items() if at is not None}
    if len(ages) <= FEW:
        for clinic, age in ages.items():
            yield _figure("revisit_feed_age_seconds", age, clinic=clinic)
    else:
        yield _figure("revisit_feed_age_seconds", max(ages.values()), clinic="worst of all")
    paused = {"sms": 0, "email": 0} | store.paused_senders(conn)
    for channel, count in paused.items():
        yield _figure("revisit_senders_paused", count, channel=channel)
    yield _figure("revisit_journeys_paused", store.paused_journeys(conn))
    yield _figure("revisit_public_address_failing", store.shut_doors(conn))
    yield _figure("revisit_imports_open", store.open_imports(conn))
    yield _figure("revisit_tasks_late", store.late_tasks(conn, clinics, now))


def _sum(decided: Mapping[tuple[str, str, str], int], code: str) -> int:
    return sum(count for (_, _, said), count in decided.items() if said == code)


def _figure(name: str, value: float, **labels: str) -> Figure:
    return Figure(name, value, labels)

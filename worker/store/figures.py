"""Figures of the whole house for those who watch over it: how much waits, for how long, what became of the latest messages.

Rules
1. Every query goes by an index, and counts at most `MOST` rows: looking costs the same whether ten patients are stored or ten million.
2. No figure tells of one patient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Table, func, select

from worker.store.schema import (
    clinics,
    doors,
    enrollments,
    events,
    imports,
    messages,
    patients,
    pauses,
    quarantine,
    receipts,
    senders,
    tasks,
)
from worker.store.sql import among, free, listed

MOST: Final = 50_000
"""More than that is told as that."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is due and not yet taken: how many rows, and since when the oldest of them is due."""

    count: int
    since: datetime | None


def due(conn: Connection, now: datetime, wall: datetime) -> dict[str, Waiting]:
    """What is due and nobody is at work on: `patients` (time changes a segment), `steps` and `messages`."""
    importing = select(imports.c.clinic_id).where(imports.c.closed_at.is_(None))
    p, e, m = patients.c, enrollments.c, messages.c
    changing = (
        p.next_change_at.is_not(None),
        p.next_change_at <= now,
        p.alias_of.is_(None),
        p.clinic_id.not_in(importing),
    )
    return {
        "patients": _waiting(conn, patients, p.next_change_at, wall, *changing),
        "steps": _waiting(
            conn, enrollments, e.due_at, wall, e.outcome.is_(None), e.due_at.is_not(None), e.due_at <= now
        ),
        "messages": _waiting(conn, messages, m.due_at, wall, among(m.state, "scheduled"), m.due_at <= now),
    }


def backlog(conn: Connection) -> Waiting:
    """Events that were accepted and are not folded yet, with the moment at which the oldest came."""
    c = events.c
    oldest = select(c.received_at).where(among(c.state, "new")).order_by(c.seq).limit(1)
    return Waiting(count_of(conn, events, among(c.state, "new")), conn.execute(oldest).scalar_one_or_none())


def quarantined(conn: Connection, clinic_ids: Sequence[str], since: datetime) -> dict[str, int]:
    """What was refused at the door and what could not be folded, since then."""
    q, e = quarantine.c, events.c
    given_up = (among(e.state, "quarantined"), listed(conn, e.clinic_id, clinic_ids), e.done_at >= since)
    return {
        "refused": count_of(conn, quarantine, listed(conn, q.clinic_id, clinic_ids), q.at >= since),
        "failed": count_of(conn, events, *given_up),
    }


def in_doubt(conn: Connection, clinic_ids: Sequence[str], wall: datetime) -> dict[str, int]:
    """Messages of which nobody knows whether they left, those being sent now, and claims whose sender was not heard of again."""
    c = messages.c
    claimed = among(c.state, "claimed")
    return {
        "unknown": count_of(conn, messages, among(c.state, "unknown"), listed(conn, c.clinic_id, clinic_ids)),
        "claimed": count_of(conn, messages, claimed),
        "expired": count_of(conn, messages, claimed, c.claimed_until < wall),
    }


def decided(conn: Connection, clinic_ids: Sequence[str], since: datetime) -> dict[tuple[str, str, str], int]:
    """Messages decided since then by (state, channel, code); the code is that of the state's reason, "" for none."""
    c = messages.c
    latest = (
        select(c.state, c.channel, c.reason)
        .where(listed(conn, c.clinic_id, clinic_ids), c.decided_at >= since)
        .limit(MOST)
        .subquery()
    )
    keys = (latest.c.state, latest.c.channel, latest.c.reason)
    rows = conn.execute(select(*keys, func.count()).group_by(*keys))
    found: dict[tuple[str, str, str], int] = {}
    for state, channel, reason, count in rows:
        key = (state, channel or "none", reason or "")
        found[key] = found.get(key, 0) + count
    return found


def reports(conn: Connection, since: datetime) -> dict[tuple[str, str], int]:
    """What providers reported since then, by (provider, status)."""
    c = receipts.c
    latest = select(c.provider, c.status).where(c.received_at >= since).limit(MOST).subquery()
    rows = conn.execute(
        select(latest.c.provider, latest.c.status, func.count()).group_by(latest.c.provider, latest.c.status)
    )
    return {(provider, status): count for provider, status, count in rows}


def report_lags(conn: Connection, since: datetime, limit: int = 500) -> dict[str, list[float]]:
    """Seconds from what providers say happened to their report, for the latest reports since then, by provider."""
    c = receipts.c
    latest = (
        select(c.provider, c.at, c.received_at)
        .where(c.received_at >= since, c.at.is_not(None))
        .order_by(c.received_at.desc())
        .limit(limit)
    )
    found: dict[str, list[float]] = {}
    for provider, at, received in conn.execute(latest):
        found.setdefault(provider, []).append(max(0.0, (received - at).total_seconds()))
    return found


def feeds(conn: Connection) -> dict[str, datetime | None]:
    """When each clinic's system was last heard of."""
    c = clinics.c
    return {row.clinic_id: row.feed_seen_at for row in conn.execute(select(c.clinic_id, c.feed_seen_at))}


def paused_senders(conn: Connection) -> dict[str, int]:
    """How many clinics' senders are paused, by channel."""
    c = senders.c
    statement = select(c.channel, func.count().label("paused")).where(c.state == "paused").group_by(c.channel)
    return {row.channel: row.paused for row in conn.execute(statement)}


def paused_journeys(conn: Connection) -> int:
    """How many journeys are paused, by a person or by the system."""
    return count_of(conn, pauses, pauses.c.lifted_at.is_(None))


def shut_doors(conn: Connection) -> int:
    """How many clinics' public address did not answer when it was asked last."""
    return count_of(conn, doors, doors.c.why != "")


def open_imports(conn: Connection) -> int:
    """How many imports are open; while one is, time changes nobody of that clinic."""
    return count_of(conn, imports, imports.c.closed_at.is_(None))


def late_tasks(conn: Connection, clinic_ids: Sequence[str], now: datetime) -> int:
    """How many tasks of people are past their time."""
    c = tasks.c
    return count_of(
        conn, tasks, among(c.state, "open"), listed(conn, c.clinic_id, clinic_ids), c.due_at < now
    )


def count_of(conn: Connection, table: Table, *which: ColumnElement[bool]) -> int:
    """How many rows, and no more than `MOST`."""
    some = select(1).select_from(table).where(*which).limit(MOST).subquery()
    return conn.execute(select(func.count()).select_from(some)).scalar_one()


def _waiting(conn: Connection, table: Table, due_at: Any, wall: datetime, *which: Any) -> Waiting:
    idle = (*which, free(table, wall))
    oldest = select(due_at).where(*idle).order_by(due_at).limit(1)
    return Waiting(count_of(conn, table, *idle), conn.execute(oldest).scalar_one_or_none())

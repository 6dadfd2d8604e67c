"""All rows of one patient, table by table, as they are stored. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table, or_, select

from worker.store.schema import (
    attempts,
    consents,
    enrollments,
    events,
    holds,
    link_hits,
    links,
    memberships,
    messages,
    receipts,
    replies,
    tasks,
    traces,
    transitions,
)

Row = dict[str, Any]


def told(conn: Connection, clinic: str, ids: Sequence[str]) -> list[Row]:
    """Events of these patients, in order of time."""
    c = events.c
    return _rows(conn, events, c.clinic_id == clinic, c.subject.in_(ids), order=(c.time, c.seq))


def of_patient(conn: Connection, clinic: str, ids: Sequence[str], what: str) -> list[Row]:
    """Rows of one of the tables that name a patient (`consents`, `holds`, `messages`…), in order of time."""
    table, order = _TABLES[what]
    return _rows(
        conn, table, table.c.clinic_id == clinic, table.c.patient_id.in_(ids), order=(table.c[order],)
    )


def of_messages(conn: Connection, clinic: str, message_ids: Sequence[str], what: str) -> dict[str, list[Row]]:
    """Rows of `attempts`, `receipts`, `links` or `link_hits` by the message that they belong to, in order of time."""
    table, order = _OF_MESSAGES[what]
    found: dict[str, list[Row]] = {}
    which = (table.c.clinic_id == clinic, table.c.message_id.in_(message_ids))
    for row in _rows(conn, table, *which, order=(table.c[order],)):
        found.setdefault(row["message_id"], []).append(row)
    return found


def answers(
    conn: Connection, clinic: str, ids: Sequence[str], message_ids: Sequence[str], hashes: Sequence[str]
) -> list[Row]:
    """What these patients wrote, or somebody unnamed from one of their addresses (given by their hashes)."""
    c = replies.c
    hers = or_(
        c.patient_id.in_(ids),
        c.message_id.in_(message_ids),
        c.patient_id.is_(None) & c.address_hash.in_(hashes),
    )
    return _rows(conn, replies, c.clinic_id == clinic, hers, order=(c.at,))


def _rows(conn: Connection, table: Table, *which: Any, order: Sequence[Any]) -> list[Row]:
    statement = select(table).where(*which).order_by(*order, *table.primary_key.columns)
    return [dict(row) for row in conn.execute(statement).mappings()]


_TABLES = {
    "consents": (consents, "at"),
    "holds": (holds, "at"),
    "transitions": (transitions, "at"),
    "enrollments": (enrollments, "entered_at"),
    "memberships": (memberships, "segment"),
    "messages": (messages, "created_at"),
    "traces": (traces, "at"),
    "tasks": (tasks, "at"),
}
_OF_MESSAGES = {
    "attempts": (attempts, "started_at"),
    "receipts": (receipts, "received_at"),
    "links": (links, "created_at"),
    "link_hits": (link_hits, "at"),
}

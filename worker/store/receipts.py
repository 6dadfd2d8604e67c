"""What providers reported of messages: each report once, as it came and in our words, and how far it moves its message.

Rules
1. `(clinic, provider, key)` is kept once for ever; what is told again changes nothing.
2. A report of a message that we do not know, or in a word that we do not know, is kept all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, select, update

from worker.domain.history import Trace
from worker.store.rows import trace_row
from worker.store.schema import clinics, messages, receipts, traces
from worker.store.sql import insert, many
from worker.store.types import storable


class Told(NamedTuple):
    """What is known of a message from its provider: the furthest word, the provider's id, and whether its fate is still looked for."""

    status: str | None
    provider_id: str | None
    lookup_at: datetime | None


def message_of(conn: Connection, ref: str | None, provider_id: str | None) -> tuple[str, str] | None:
    """The (clinic, id) of the message that a report is about: by our id, which it carries, else by the provider's."""
    c = messages.c
    if ref is not None:
        found = conn.execute(select(c.clinic_id, c.id).where(c.id == ref)).one_or_none()
        if found is not None:
            return found.clinic_id, found.id
    if provider_id is None:
        return None
    # The index begins with the clinic, so the clinics are named.
    known = select(clinics.c.clinic_id)
    asked = select(c.clinic_id, c.id).where(c.clinic_id.in_(known), c.provider_id == provider_id)
    first = conn.execute(asked.order_by(c.id).limit(1)).one_or_none()
    return (first.clinic_id, first.id) if first is not None else None


def keep(
    conn: Connection,
    clinic: str,
    message_id: str | None,
    *,
    provider: str,
    key: str,
    status: str,
    word: str,
    code: str,
    at: datetime | None,
    received_at: datetime,
    raw: Mapping[str, Any],
) -> bool:
    """Keep a report; False where it was told before. `at` is when it happened, None where the provider does not say."""
    row = {
        "clinic_id": clinic, "message_id": message_id, "provider": provider, "key": storable(key), "status": status, "word": storable(word),
        "code": storable(code), "at": at, "received_at": received_at, "raw": dict(raw),
    }  # fmt: skip
    statement = insert(conn, receipts).values(row)
    once = statement.on_conflict_do_nothing(index_elements=["clinic_id", "provider", "key"])
    return conn.execute(once.returning(receipts.c.id)).first() is not None


def silence(conn: Connection, clinic: str, provider: str, key: str) -> None:
    """Keep that a report came, and not what it held."""
    c = receipts.c
    which = (c.clinic_id == clinic, c.provider == provider, c.key == storable(key))
    conn.execute(update(receipts).where(*which).values(raw={}))


def told(conn: Connection, clinic: str, message_id: str) -> Told:
    """What is known of a message that there is."""
    c = messages.c
    asked = select(c.status, c.provider_id, c.lookup_at).where(c.clinic_id == clinic, c.id == message_id)
    return Told(*conn.execute(asked).one())


def tell(conn: Connection, clinic: str, message_id: str, status: str, at: datetime, code: str) -> None:
    """Keep the furthest word of the provider beside the message, with when it happened and the provider's code."""
    _set(conn, clinic, message_id, {"status": status, "status_at": at, "code": storable(code)})


def found(conn: Connection, clinic: str, message_id: str, provider_id: str | None) -> None:
    """The provider has it: its fate need not be looked for any more. A provider's id that is known already stays."""
    _set(conn, clinic, message_id, {"lookup_at": None})
    if provider_id is not None:
        c = messages.c
        which = (c.clinic_id == clinic, c.id == message_id, c.provider_id.is_(None))
        conn.execute(update(messages).where(*which).values(provider_id=storable(provider_id)))


def trace(conn: Connection, clinic: str, line: Trace, now: datetime) -> None:
    """Keep for people to read what became of a message."""
    many(conn, traces.insert(), [trace_row(clinic, line, now)])


def _set(conn: Connection, clinic: str, message_id: str, values: Mapping[str, Any]) -> None:
    which = (messages.c.clinic_id == clinic, messages.c.id == message_id)
    conn.execute(update(messages).where(*which).values(**values))

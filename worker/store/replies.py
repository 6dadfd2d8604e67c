"""What patients wrote to us, each once, and whom we had written to at an address.

Rules
1. `(clinic, provider, key)` is kept once for ever.
2. The address is kept as a keyed hash; the words and the provider's report stand in columns of their own, so that they can be redacted.
3. Only what left, or may have left, counts as written to an address.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, func, select

from worker.store.schema import messages, replies
from worker.store.sql import insert
from worker.store.types import storable

LEFT: Final = ("claimed", "sent", "delivered", "undelivered", "unknown")
"""States of messages that reached their reader, or may have."""
LOOK_BACK: Final = 500
"""How many messages to an address are looked at; a phone that many share still names everybody."""


class Written(NamedTuple):
    """A message that left to an address."""

    message: str
    patient: str
    enrollment: str
    journey: str
    language: str | None


def written_to(conn: Connection, clinic: str, channel: str, address: str) -> list[Written]:
    """What left to this address, the last first."""
    c = messages.c
    statement = (
        select(c.id, c.patient_id, c.enrollment, c.journey, c.language)
        .where(
            c.clinic_id == clinic,
            c.channel == channel,
            c.address == address,
            c.decided_at.is_not(None),
            c.state.in_(LEFT),
        )
        .order_by(c.decided_at.desc(), c.id)
        .limit(LOOK_BACK)
    )
    return [Written(*row) for row in conn.execute(statement)]


def clinics_written_from(conn: Connection, among: Collection[str], channel: str, address: str) -> list[str]:
    """Which of these clinics wrote to this address, the one that wrote last first."""
    c = messages.c
    last = func.max(c.decided_at)
    statement = (
        select(c.clinic_id)
        .where(
            c.clinic_id.in_(sorted(among)), c.channel == channel, c.address == address, c.decided_at.is_not(None), c.state.in_(LEFT),
        )
        .group_by(c.clinic_id)
        .order_by(last.desc(), c.clinic_id)
    )  # fmt: skip
    return list(conn.execute(statement).scalars())


def keep(
    conn: Connection,
    clinic: str,
    *,
    patient: str | None,
    message: str | None,
    channel: str,
    provider: str,
    key: str,
    address_hash: str,
    body: str,
    kind: str,
    keyword: bool,
    harm: Sequence[str],
    at: datetime,
    raw: Mapping[str, Any],
) -> int | None:
    """Keep what somebody wrote; returns its number, None where it was kept before."""
    row = {
        "clinic_id": clinic, "patient_id": patient, "message_id": message, "channel": channel, "provider": provider, "key": storable(key),
        "address_hash": address_hash, "body": storable(body), "kind": kind, "keyword": keyword, "harm": list(harm), "at": at, "raw": dict(raw),
    }  # fmt: skip
    statement = insert(conn, replies).values(row)
    once = statement.on_conflict_do_nothing(index_elements=["clinic_id", "provider", "key"])
    number: int | None = conn.execute(once.returning(replies.c.id)).scalar_one_or_none()
    return number

"""Events that Revisit raises itself because a person of the clinic said something: kept, with a line in the audit, before they are folded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from worker.domain.events import Event
from worker.store import events as stored
from worker.store.audit import note
from worker.workspace.house import QUEUE_LEASE, House


def raise_event(
    conn: Connection,
    house: House,
    clinic: str,
    event: Event,
    now: datetime,
    actor: str,
    action: str,
    detail: Mapping[str, Any],
) -> list[int]:
    """Keep the event and that `actor` did `action`; returns the event's number to fold, nothing where it was told before."""
    seqs = stored.accept(conn, clinic, [event], now, queued_until=house.wall() + QUEUE_LEASE).seqs
    if seqs:
        note(conn, clinic, now, actor, action, detail)
    return list(seqs)

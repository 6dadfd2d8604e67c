"""Events that Revisit raises itself: kept before they are folded, with a line in the audit where a person of the clinic said something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from worker.domain.events import Event
from worker.store import events as stored
from worker.store.audit import note
from worker.workspace.house import QUEUE_LEASE, House


def tell(conn: Connection, house: House, clinic: str, events: Sequence[Event]) -> list[int]:
    """Keep events of our own; the numbers of those that are new. The caller folds them once this is committed."""
    queued_until = house.wall() + QUEUE_LEASE
    return list(stored.accept(conn, clinic, events, house.now(conn), queued_until=queued_until).seqs)


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
    seqs = tell(conn, house, clinic, [event])
    if seqs:
        note(conn, clinic, now, actor, action, detail)
    return seqs

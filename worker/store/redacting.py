"""Words that have been kept long enough, taken out: of messages, of answers, of what providers reported. That there was a message or a report stays.

Rules
1. A batch is bounded; whoever calls goes on until one comes back smaller than its limit.
2. `since` bounds how far back is looked, by an index; None looks at everything.
3. Done twice it changes nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Text, cast, or_, select, update

from worker.store.schema import messages, receipts, replies


def bodies(
    conn: Connection, clinic: str, since: datetime | None, before: datetime, limit: int, at: datetime
) -> int:
    """Take out subject, text and HTML of messages that were decided over before then; returns how many."""
    c = messages.c
    held = or_(c.subject.is_not(None), c.body.is_not(None), c.html.is_not(None))
    which = [c.clinic_id == clinic, *_between(c.decided_at, since, before), c.redacted_at.is_(None), held]
    picked = select(c.id).where(*which).order_by(c.decided_at).limit(limit)
    nothing = {"subject": None, "body": None, "html": None, "redacted_at": at}
    return conn.execute(update(messages).where(c.id.in_(picked.scalar_subquery())).values(**nothing)).rowcount


def answers(
    conn: Connection, clinic: str, since: datetime | None, before: datetime, limit: int, at: datetime
) -> int:
    """Take out what patients wrote before then, and the provider's report of it; returns how many."""
    c = replies.c
    which = [c.clinic_id == clinic, *_between(c.at, since, before), c.redacted_at.is_(None)]
    picked = select(c.id).where(*which).order_by(c.at).limit(limit)
    nothing = {"body": None, "raw": None, "redacted_at": at}
    return conn.execute(update(replies).where(c.id.in_(picked.scalar_subquery())).values(**nothing)).rowcount


def reports(conn: Connection, clinic: str, since: datetime | None, before: datetime, limit: int) -> int:
    """Take out what providers reported before then as it came; its meaning stays. Returns how many."""
    c = receipts.c
    told = cast(c.raw, Text) != "{}"
    which = [c.clinic_id == clinic, *_between(c.received_at, since, before), told]
    picked = select(c.id).where(*which).order_by(c.received_at).limit(limit)
    return conn.execute(update(receipts).where(c.id.in_(picked.scalar_subquery())).values(raw={})).rowcount


def _between(column: Any, since: datetime | None, before: datetime) -> list[ColumnElement[bool]]:
    return [column < before, *([column >= since] if since is not None else [])]

"""The audit: what people and the system did to a clinic's rules and rights, row after row, never changed. Ids and counts, no patient's data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from worker.store.schema import audit


def note(
    conn: Connection, clinic: str, at: datetime, actor: str, action: str, detail: Mapping[str, Any]
) -> None:
    """Keep that `actor` did `action`."""
    conn.execute(
        audit.insert().values(clinic_id=clinic, at=at, actor=actor, action=action, detail=dict(detail))
    )


def last_of(conn: Connection, clinic: str, action: str) -> tuple[datetime, dict[str, Any]] | None:
    """When that was done last, and its detail."""
    c = audit.c
    statement = select(c.at, c.detail).where(c.clinic_id == clinic, c.action == action)
    row = conn.execute(statement.order_by(c.id.desc()).limit(1)).one_or_none()
    return None if row is None else (row.at, dict(row.detail))

"""Whether our public address answers, as it was found last: one row a clinic."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from worker.store.schema import doors
from worker.store.sql import insert


@dataclass(frozen=True, slots=True)
class Door:
    """The address that was asked, when, when it last answered, and what was wrong, "" for nothing."""

    url: str
    checked_at: datetime
    answered_at: datetime | None
    why: str


def door_of(conn: Connection, clinic: str) -> Door | None:
    """What is known; None where nobody has looked yet."""
    c = doors.c
    found = conn.execute(
        select(c.url, c.checked_at, c.answered_at, c.why).where(c.clinic_id == clinic)
    ).one_or_none()
    return Door(*found) if found is not None else None


def keep(conn: Connection, clinic: str, door: Door) -> None:
    """Keep what was found."""
    row = {"url": door.url, "checked_at": door.checked_at, "answered_at": door.answered_at, "why": door.why}
    statement = insert(conn, doors).values(clinic_id=clinic, **row)
    conn.execute(statement.on_conflict_do_update(index_elements=["clinic_id"], set_=row))

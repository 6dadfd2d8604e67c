"""Journeys that the system or a person has paused: at most one open pause each; what was lifted stays as history."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select, text, update

from worker.store.schema import pauses
from worker.store.sql import insert


def paused(conn: Connection, clinic: str) -> dict[str, str]:
    """The journeys that are paused now, with the reason in words."""
    c = pauses.c
    which = (c.clinic_id == clinic, c.lifted_at.is_(None))
    return {row.journey: row.why for row in conn.execute(select(c.journey, c.why).where(*which))}


def pause(
    conn: Connection, clinic: str, journey: str, *, code: str, why: str, actor: str, at: datetime
) -> bool:
    """Pause it; False where it is paused already."""
    row = {"clinic_id": clinic, "journey": journey, "code": code, "why": why, "actor": actor, "at": at}
    statement = insert(conn, pauses).values(row)
    once = statement.on_conflict_do_nothing(
        index_elements=["clinic_id", "journey"], index_where=text("lifted_at IS NULL")
    )
    return conn.execute(once.returning(pauses.c.id)).first() is not None


def resume(conn: Connection, clinic: str, journey: str, *, actor: str, at: datetime) -> bool:
    """Lift the pause; False where there is none."""
    c = pauses.c
    which = (c.clinic_id == clinic, c.journey == journey, c.lifted_at.is_(None))
    return conn.execute(update(pauses).where(*which).values(lifted_at=at, lifted_by=actor)).rowcount == 1

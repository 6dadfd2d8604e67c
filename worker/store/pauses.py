"""Journeys that the system or a person has paused: at most one open pause each; what was lifted stays as history."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select, text, update

from worker.store.schema import journey_versions, pauses
from worker.store.sql import insert


class Paused(NamedTuple):
    """An open pause. `why` is in words; `actor` is `revisit` where the system paused it."""

    journey: str
    why: str
    actor: str
    at: datetime


def opened(conn: Connection, clinic: str) -> list[Paused]:
    """The pauses that are open now, the latest first."""
    c = pauses.c
    which = (c.clinic_id == clinic, c.lifted_at.is_(None))
    statement = select(c.journey, c.why, c.actor, c.at).where(*which).order_by(c.at.desc(), c.journey)
    return [Paused(*row) for row in conn.execute(statement)]


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


def pause_all(conn: Connection, *, code: str, why: str, actor: str, at: datetime) -> int:
    """Pause every journey of every clinic that was ever in force, whether somebody is in it or came into it since; how many were not paused before."""
    c = journey_versions.c
    known = conn.execute(select(c.clinic_id, c.journey).distinct().order_by(c.clinic_id, c.journey)).all()
    return sum(pause(conn, *one, code=code, why=why, actor=actor, at=at) for one in known)


def resume(conn: Connection, clinic: str, journey: str, *, actor: str, at: datetime) -> str | None:
    """Lift the pause; returns its code, None where there is no pause."""
    c = pauses.c
    which = (c.clinic_id == clinic, c.journey == journey, c.lifted_at.is_(None))
    lifted = update(pauses).where(*which).values(lifted_at=at, lifted_by=actor).returning(c.code)
    return conn.execute(lifted).scalar_one_or_none()

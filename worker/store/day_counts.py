"""Numbers of a clinic-local day: what has left, what looked odd. Each is one row that is counted up under the transaction that does the thing."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection, delete, func, select, update

from worker.store.schema import day_counts, patients
from worker.store.sql import insert


def count_of(conn: Connection, clinic: str, day: date, what: str) -> int:
    """How many so far."""
    c = day_counts.c
    which = (c.clinic_id == clinic, c.day == day.isoformat(), c.what == what)
    return conn.execute(select(c.count).where(*which)).scalar_one_or_none() or 0


def add(conn: Connection, clinic: str, day: date, what: str, more: int = 1) -> int:
    """Count up; returns how many there are now."""
    statement = insert(conn, day_counts).values(clinic_id=clinic, day=day.isoformat(), what=what, count=more)
    up = statement.on_conflict_do_update(
        index_elements=["clinic_id", "day", "what"], set_={"count": day_counts.c.count + more}
    )
    total: int = conn.execute(up.returning(day_counts.c.count)).scalar_one()
    return total


def take(conn: Connection, clinic: str, day: date, what: str, limit: int, more: int = 1) -> bool:
    """Count so many more where all of them are within the limit; False, and nothing is counted, where they are not."""
    c = day_counts.c
    blank = insert(conn, day_counts).values(clinic_id=clinic, day=day.isoformat(), what=what, count=0)
    conn.execute(blank.on_conflict_do_nothing())
    which = (c.clinic_id == clinic, c.day == day.isoformat(), c.what == what, c.count <= limit - more)
    return conn.execute(update(day_counts).where(*which).values(count=c.count + more)).rowcount == 1


def forget(conn: Connection, clinic: str, day: date, what: str) -> None:
    """Count from nothing again."""
    c = day_counts.c
    conn.execute(delete(day_counts).where(c.clinic_id == clinic, c.day == day.isoformat(), c.what == what))


def base(conn: Connection, clinic: str) -> int:
    """How many patients a clinic has."""
    c = patients.c
    which = (c.clinic_id == clinic, c.alias_of.is_(None))
    return conn.execute(select(func.count()).select_from(patients).where(*which)).scalar_one()

"""Staff tasks that no journey's step gives: answers to read, harm to look into, messages whose fate is unknown, the system's own trouble.

A task is named by (`origin`, `name`) and made once: told again, nothing changes, even after it was done.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple

from sqlalchemy import Connection, update

from worker.store.schema import tasks
from worker.store.sql import insert

Kind = Literal["journey", "reply", "harm", "unknown", "system"]
SYSTEM = "revisit"
"""The origin of tasks that are about the system."""


class Ticked(NamedTuple):
    """A task that was just done: what made it, and what it is called there."""

    origin: str
    name: str
    kind: str
    patient: str
    journey: str


def add(
    conn: Connection,
    clinic: str,
    *,
    origin: str,
    name: str,
    kind: Kind,
    assignee: str,
    note: str,
    at: datetime,
    due_at: datetime,
    patient: str = "",
    journey: str = "",
    about: str | None = None,
    urgent: bool = False,
) -> bool:
    """Make a task; False where it was made before. `patient` is "" for what is about no patient; `about` is a message's or a reply's id."""
    row = {
        "clinic_id": clinic, "patient_id": patient, "enrollment": origin, "journey": journey, "step": name, "assignee": assignee, "note": note,
        "due_at": due_at, "at": at, "state": "open", "kind": kind, "urgent": urgent, "about": about,
    }  # fmt: skip
    statement = insert(conn, tasks).values(row)
    once = statement.on_conflict_do_nothing(index_elements=["clinic_id", "enrollment", "step"])
    return conn.execute(once.returning(tasks.c.id)).first() is not None


def tick(conn: Connection, clinic: str, number: int, at: datetime) -> Ticked | None:
    """A person has done it; None where it is not open."""
    c = tasks.c
    which = (c.clinic_id == clinic, c.id == number, c.state == "open")
    statement = update(tasks).where(*which).values(state="done", done_at=at)
    found = conn.execute(
        statement.returning(c.enrollment, c.step, c.kind, c.patient_id, c.journey)
    ).one_or_none()
    return Ticked(*found) if found is not None else None


def finish(conn: Connection, clinic: str, *, origin: str, name: str, at: datetime) -> None:
    """It is over by itself: every open task of that name, or whose name begins so where `name` ends with a slash."""
    c = tasks.c
    named = c.step.startswith(name, autoescape=True) if name.endswith("/") else c.step == name
    which = (c.clinic_id == clinic, c.enrollment == origin, named, c.state == "open")
    conn.execute(update(tasks).where(*which).values(state="done", done_at=at))

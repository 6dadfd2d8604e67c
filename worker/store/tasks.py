"""Staff tasks that no journey's step gives: answers to read, harm to look into, messages whose fate is unknown, the system's own trouble.

A task is named by (`origin`, `name`) and made once: told again, nothing changes, even after it was done.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, update

from worker.store.schema import tasks
from worker.store.sql import insert

Kind = Literal["journey", "reply", "harm", "unknown", "system"]
SYSTEM = "revisit"
"""The origin of tasks that are about the system."""


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


def finish(conn: Connection, clinic: str, *, origin: str, name: str, at: datetime) -> bool:
    """It is done; False where it is not open."""
    c = tasks.c
    which = (c.clinic_id == clinic, c.enrollment == origin, c.step == name, c.state == "open")
    return conn.execute(update(tasks).where(*which).values(state="done", done_at=at)).rowcount == 1

"""Work that a person has done: the task is ticked off, and a journey that listens for it goes on.

Rules
1. A task of a journey raises `task.done` for its run; one of the system's or about an answer raises nothing.
2. Done twice changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from worker.service.folding import fold
from worker.service.intervening import Refused
from worker.service.jobs import Job
from worker.service.raising import raise_event
from worker.service.telling import event_of
from worker.store import look, tasks
from worker.store.audit import note
from worker.store.engine import read, write
from worker.workspace.house import House

SOURCE = "/revisit/tasks"


@dataclass(frozen=True, slots=True)
class Open:
    """An open task as a person reads it. `patient` is "" for the system's own."""

    id: int
    patient: str
    note: str
    assignee: str
    due_at: datetime
    urgent: bool


def open_tasks(house: House, clinic: str) -> list[Open]:
    """What is to be done, the most urgent first."""
    with read(house.engine) as conn:
        return [
            Open(one.id, one.patient, one.note, one.assignee, one.due_at, one.urgent)
            for one in look.open_tasks(conn, clinic)
        ]


def done(house: House, clinic: str, number: int, actor: str) -> list[Job]:
    """Tick a task off; returns what is due because of it. Raises Refused for a task that is not open."""
    with write(house.engine) as conn:
        now = house.now(conn)
        task = tasks.tick(conn, clinic, number, now)
        if task is None:
            raise Refused(f"There is no open task {number}. `revisit tasks` lists them.")
        note(conn, clinic, now, actor, "task done", {"task": number})
        if task.kind != "journey":
            return []
        data = {"enrollment": task.origin, "journey": task.journey, "step": task.name}
        event = event_of("task.done", SOURCE, clinic, task.patient, str(number), now, data)
        seqs = raise_event(conn, house, clinic, event, now, actor, "task told", {"task": number})
    return fold(house, clinic, seqs) if seqs else []

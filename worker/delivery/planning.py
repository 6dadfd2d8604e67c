"""The planner of one patient, locked: what every step of a message's way out begins with."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from worker.domain.planner import Planner
from worker.store import patients
from worker.workspace.house import House
from worker.workspace.rooms import Rooms


def planner_of(conn: Connection, house: House, rooms: Rooms, patient: str, now: datetime) -> Planner:
    """Lock the patient that this id stands for, and plan for her. Raises PatientMoved."""
    rules = rooms.rules
    name = patients.resolve(conn, rules.clinic.id, [patient])[patient]
    locked = patients.lock(conn, rules.clinic.id, [name], since=rules.contacts_since(now))
    return Planner(house.pinned(conn, rules, locked.values()), locked[name], now)

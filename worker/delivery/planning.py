"""The planner of one patient, locked: what every step of a message's way out begins with."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from worker.domain.planner import Patient, Planner
from worker.domain.rules import Rules
from worker.store import patients
from worker.workspace.house import House
from worker.workspace.rooms import Rooms


def planner_of(conn: Connection, house: House, rooms: Rooms, patient: str, now: datetime) -> Planner:
    """Lock the patient that this id stands for, and plan for her. Raises PatientMoved."""
    rules = rooms.rules
    name, locked = patients.again_when_moved(lambda: _locked(conn, rules, patient, now))
    return Planner(house.pinned(conn, rules, locked.values()), locked[name], now)


def _locked(conn: Connection, rules: Rules, patient: str, now: datetime) -> tuple[str, dict[str, Patient]]:
    name = patients.resolve(conn, rules.clinic.id, [patient])[patient]
    return name, patients.lock(conn, rules.clinic.id, [name], since=rules.contacts_since(now))

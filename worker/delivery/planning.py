"""The planners of patients, locked: what every step of a message's way out begins with."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection

from worker.domain.planner import Patient, Planner
from worker.domain.rules import Rules
from worker.store import patients
from worker.workspace.house import House
from worker.workspace.rooms import Rooms


def planner_of(
    conn: Connection, house: House, rooms: Rooms, patient: str, now: datetime, *, alone: bool = False
) -> Planner:
    """Lock the patient that this id stands for, and plan for her. `alone` as in `patients.lock`. Raises PatientMoved."""
    return planners_of(conn, house, rooms, [patient], now, alone=alone)[patient]


def planners_of(
    conn: Connection, house: House, rooms: Rooms, ids: Collection[str], now: datetime, *, alone: bool = False
) -> dict[str, Planner]:
    """The same for many, by the ids that were given; two that stand for one patient share her planner."""
    rules = rooms.rules
    names, locked = patients.again_when_moved(lambda: _locked(conn, rules, ids, now, alone=alone))
    pinned = house.pinned(conn, rules, locked.values())
    planners = {name: Planner(pinned, patient, now) for name, patient in locked.items()}
    return {one: planners[name] for one, name in names.items()}


def _locked(
    conn: Connection, rules: Rules, ids: Collection[str], now: datetime, *, alone: bool
) -> tuple[dict[str, str], dict[str, Patient]]:
    names = patients.resolve(conn, rules.clinic.id, ids)
    since = rules.contacts_since(now)
    return names, patients.lock(conn, rules.clinic.id, set(names.values()), since=since, alone=alone)

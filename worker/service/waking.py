"""Time passing for patients: segments that change at midnight, and steps that fall due."""

from __future__ import annotations

from collections.abc import Sequence

from worker.delivery.saving import save
from worker.domain.planner import Planner
from worker.service.guarding import watch_edit
from worker.service.jobs import Job, batches
from worker.store import patients
from worker.store import rooms as stored_rooms
from worker.store.engine import write
from worker.workspace.house import House


def wake(house: House, clinic: str, ids: Sequence[str]) -> tuple[int, list[Job]]:
    """Let time pass for these patients; returns how many changed segments, and what became due. Safe to do twice."""
    with write(house.engine) as conn:
        now = house.now(conn)
        rules = house.rooms(conn, clinic).rules
        names = patients.resolve(conn, clinic, ids)
        locked = patients.lock(conn, clinic, set(names.values()), since=rules.contacts_since(now))
        rules = house.pinned(conn, rules, locked.values())
        held = bool(stored_rooms.open_imports(conn, clinic))
        planners = [Planner(rules, patient, now) for patient in locked.values()]
        for planner in planners:
            if held:
                planner.wake()
            else:
                planner.pass_time(now)
        keys = save(conn, house, rules, planners, now)
        watch_edit(conn, rules, planners, now)
    changed = sum(bool(planner.plan.transitions) for planner in planners)
    return changed, batches("dispatch", [(clinic, key) for key in keys])

"""Time passing for patients: segments that change at midnight, and steps that fall due."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from worker.delivery.saving import save
from worker.domain.planner import Planner
from worker.service.guarding import watch_edit
from worker.service.jobs import Job, batches
from worker.service.whereabouts import place_of
from worker.store import patients
from worker.store import rooms as stored_rooms
from worker.store.engine import AWAY, write
from worker.workspace.house import House

log = structlog.get_logger(__name__)


def wake(house: House, clinic: str, ids: Sequence[str]) -> tuple[int, list[Job]]:
    """Let time pass for these patients; returns how many changed segments, and what became due. Safe to do twice. One who can't be woken does not keep the others asleep."""
    try:
        return patients.again_when_moved(lambda: _wake(house, clinic, ids))
    except AWAY:
        raise
    except Exception as error:  # noqa: BLE001 (whatever it is, the rest of the batch must go on)
        if len(ids) == 1:
            log.error(
                "patient could not be woken",
                clinic=clinic,
                patient=house.opaque(ids[0]),
                error=type(error).__name__,
                where=place_of(error),
            )
            return 0, []
    each = [wake(house, clinic, [one]) for one in ids]
    return sum(changed for changed, _ in each), [job for _, jobs in each for job in jobs]


def _wake(house: House, clinic: str, ids: Sequence[str]) -> tuple[int, list[Job]]:
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

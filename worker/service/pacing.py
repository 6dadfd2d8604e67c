"""Turns: a journey with a `pace` lets so many patients a day begin, by lot; the rest begin on the days that follow.

Rules
1. Who gets which turn is found once, by lot; the planner writes it down under the patient's lock, and only for a run that still waits then.
2. Those who stood at a journey's start before it ran (`worker/domain/existing.py`) come after the others of the day, at the pace of `worker/domain/spread.py`.
3. A few hundred patients a transaction: a journey that starts for thousands does not keep the others' rows locked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import Final

import structlog
from sqlalchemy import Connection

from worker.delivery.saving import save
from worker.domain.calendar import local_day, midnight
from worker.domain.lots import turns
from worker.domain.planner import Planner
from worker.domain.spread import a_day, shut
from worker.service.apart import apart
from worker.service.jobs import Job, batches
from worker.service.whereabouts import place_of
from worker.store import patients
from worker.store import turns as stored
from worker.store.engine import AWAY, read, write
from worker.store.sql import chunks
from worker.workspace.house import House

log = structlog.get_logger(__name__)
NO_PACE: Final = 1_000_000
AT_ONCE: Final = 300
"""How many turns one transaction gives."""


def give_turns(house: House) -> list[Job]:
    """Give a turn to every run that waits for one; returns what may leave because of it. A journey that has lost its pace lets all of them begin."""
    with read(house.engine) as conn:
        if not stored.anybody(conn):
            return []
        now = house.now(conn)
        nobody: list[tuple[stored.Waiting, datetime]] = []
        found = [
            (
                clinic,
                apart(house, clinic, partial(_turns, conn, house, clinic, journey, list(group), now), nobody),
            )
            for (clinic, journey), group in groupby(
                stored.waiting(conn, now), key=lambda one: (one.clinic, one.journey)
            )
        ]
    jobs: list[Job] = []
    for clinic, given in found:
        for part in chunks(given, AT_ONCE):
            jobs += _give(house, clinic, part)
    return jobs


def _turns(
    conn: Connection,
    house: House,
    clinic: str,
    journey: str,
    those: Sequence[stored.Waiting],
    now: datetime,
) -> list[tuple[stored.Waiting, datetime]]:
    """When each of those who wait for one journey may begin, the first first."""
    rules = house.rooms(conn, clinic).rules
    tz, live = rules.clinic.tz, rules.journeys.get(journey)
    begun = stored.given(conn, clinic, journey, midnight(local_day(now, tz), tz))
    taken = Counter(local_day(moment, tz) for moment in begun)
    if live is None:
        return [(one, now) for one in those]
    at: dict[str, datetime] = {}
    for dated_back, some in groupby(
        sorted(those, key=lambda one: one.of_backlog), key=lambda one: one.of_backlog
    ):
        places = [(one.lot, one.id) for one in some]
        if dated_back:
            sharing = stored.sharing(conn, clinic, now)
            pace = a_day(rules, live, house.base(conn, clinic), sharing)
            given = turns(places, taken, pace, now, tz, partial(shut, rules, live))
        else:
            given = turns(places, taken, live.pace or NO_PACE, now, tz)
        taken.update(local_day(moment, tz) for moment in given.values())
        at |= given
    return [(one, at[one.id]) for one in those]


def _give(house: House, clinic: str, given: Sequence[tuple[stored.Waiting, datetime]]) -> list[Job]:
    try:
        with write(house.engine) as conn:
            now = house.now(conn)
            rules = house.rooms(conn, clinic).rules
            names = {one.patient for one, _ in given}
            locked = patients.lock(conn, clinic, names, since=rules.contacts_since(now))
            rules = house.pinned(conn, rules, locked.values())
            planners = {name: Planner(rules, patient, now) for name, patient in locked.items()}
            for one, at in given:
                planners[one.patient].give_turn(one.id, at)
            keys = save(conn, house, rules, list(planners.values()), now)
    except patients.PatientMoved:
        return []  # the run of one of them ended by that merge; the next sweep gives the others theirs
    except AWAY:
        raise
    except Exception as error:  # noqa: BLE001 (one patient who can't be planned for must not keep the others, and the sweep, from going on)
        if len(given) > 1:
            return [job for one in given for job in _give(house, clinic, [one])]
        log.error("turn could not be given", clinic=clinic, error=type(error).__name__, where=place_of(error))
        return []
    return batches("dispatch", [(clinic, key) for key in keys])

"""Turns: a journey with a `pace` lets so many patients a day begin, by lot; the rest begin on the days that follow."""

from __future__ import annotations

from collections import Counter
from itertools import groupby

from worker.domain.calendar import local_day, midnight
from worker.domain.lots import turns
from worker.store import turns as stored
from worker.store.engine import read, write
from worker.workspace.house import House

NO_PACE = 1_000_000


def give_turns(house: House) -> int:
    """Give a turn to every run that waits for one; returns how many. A journey that has lost its pace lets all of them begin."""
    with read(house.engine) as conn:
        if not stored.anybody(conn) or not stored.waiting(conn, house.now(conn)):
            return 0
    count = 0
    with write(house.engine) as conn:
        now = house.now(conn)
        those = stored.waiting(conn, now)
        for (clinic, journey), group in groupby(those, key=lambda one: (one.clinic, one.journey)):
            rules = house.rooms(conn, clinic).rules
            tz, found = rules.clinic.tz, rules.journeys.get(journey)
            begun = stored.given(conn, clinic, journey, midnight(local_day(now, tz), tz))
            taken = Counter(local_day(moment, tz) for moment in begun)
            pace = found.pace if found is not None and found.pace is not None else NO_PACE
            count += stored.give(
                conn, clinic, turns([(one.lot, one.id) for one in group], taken, pace, now, tz)
            )
    return count

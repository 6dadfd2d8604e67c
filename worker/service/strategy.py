"""The strategy of a clinic: what its published journeys say, and what they would do to its base. One snapshot of the database, as of the clinic's clock; nothing is changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from worker.domain.calendar import local_day, midnight
from worker.domain.facts import Facts
from worker.domain.journey import Journey
from worker.domain.ledger import Ledger
from worker.domain.lots import LOTS, lot
from worker.domain.rules import Rules
from worker.results.strategy import DAYS, Ahead, Past, Year, ahead
from worker.store import census
from worker.store import rooms as stored
from worker.store.day_counts import base
from worker.store.engine import read
from worker.workspace.files import Files
from worker.workspace.house import House
from worker.workspace.rooms import Rooms

MOST: Final = 3_000
"""Patients whose year is lived again; of a larger base so many are taken by lot."""
Progress = Callable[[int, int], None]
"""Told now and then: how many patients are done, of how many."""


@dataclass(frozen=True)
class Strategy:
    """`members` are the sizes of the segments now; `part` the part of the base that the estimates were made with; `waiting` the messages that are scheduled already."""

    now: datetime
    rooms: Rooms
    files: Files
    patients: int
    members: Mapping[str, int]
    past: Mapping[str, Past]
    ahead: Ahead
    part: float
    waiting: int

    @property
    def rules(self) -> Rules:
        """The rules in force."""
        return self.rooms.rules

    @property
    def journeys(self) -> tuple[Journey, ...]:
        """The live ones, who goes first before."""
        live = (journey for journey in self.rules.journeys.values() if journey.status == "live")
        return tuple(sorted(live, key=lambda journey: (journey.priority, journey.name)))


def strategy(house: House, clinic: str, progress: Progress = lambda done, whole: None) -> Strategy:
    """The strategy of a clinic by its published rules. Raises NoRooms."""
    with read(house.engine) as conn:
        rooms, now = house.rooms(conn, clinic), house.now(conn)
        rules = rooms.rules
        files = stored.files_of(conn, clinic, rules.version) or {}
        whole = base(conn, clinic)
        part = min(1.0, MOST / whole) if whole else 1.0
        year = Year(rules, now, part)
        segments = replace(rules.segments, watched={})
        today = local_day(now, rules.clinic.tz)
        soon = midnight(today + timedelta(days=DAYS), rules.clinic.tz)
        members: Counter[str] = Counter()
        patients = 0
        coming: list[tuple[str, Ledger]] = []
        for done, told in enumerate(census.everybody(conn, clinic), start=1):
            if not told.ledger.get("erased"):
                patients += 1
                facts = Facts(told.patient, told.ledger, rules.clinic)
                members.update(segments.members(segments.look(facts, today)))
                if lot(clinic, "strategy", told.patient) < part * LOTS:
                    year.add(told.patient, told.ledger)
                    if told.next_change_at is not None and told.next_change_at < soon:
                        coming.append((told.patient, told.ledger))
            if done % 100 == 0:
                progress(done, whole)
        runs = census.runs_of(conn, clinic, [patient for patient, _ in coming])
        waiting = census.waiting(conn, clinic)
    told_of = ((patient, ledger, runs.get(patient, {})) for patient, ledger in coming)
    next_days = ahead(rules, now, told_of, year.journeys, part)
    progress(whole, whole)
    return Strategy(
        now.astimezone(rules.clinic.tz), rooms, files, patients, members, year.journeys, next_days, part, waiting
    )  # fmt: skip

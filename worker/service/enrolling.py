"""Patients who stand where a journey starts are let into it, because a person says so: at a first start, or when a journey is put in force for those who are there already.

Rules
1. Who may, and dated back to when, is the planner's (`worker/domain/existing.py`); a few hundred patients are decided in one transaction, under their locks.
2. Whatever was committed stays. Done again, it goes on where it ended, and nobody is enrolled twice.
3. A dry run decides the same, under the same locks, and takes all of it back.
4. Nobody is enrolled while an import is open, or while the mode is not `live`: what is rehearsed counts for nothing.
5. Whoever waits for the second half of a rollout is left to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from sqlalchemy import Connection

from worker.delivery.saving import save
from worker.domain.existing import Answer, Stood
from worker.domain.journey import Journey
from worker.domain.planner import Planner
from worker.domain.rules import Rules
from worker.service.jobs import Job, batches
from worker.store import patients, rollouts
from worker.store import rooms as stored
from worker.store.audit import note
from worker.store.engine import read, write
from worker.workspace.house import House

log = structlog.get_logger(__name__)
AT_ONCE = 200
"""How many patients are decided in one transaction."""
Progress = Callable[[int], None]
"""Told now and then how many patients were looked at."""


class CannotEnroll(RuntimeError):
    """It can't be done as things stand; the message names the way out. Nothing was changed."""


@dataclass
class Enrolled:
    """What came of it: `looked` patients, `answers` by journey, `waiting` those who were left to a rollout's second half, and what is to be queued."""

    looked: int = 0
    answers: dict[str, Counter[Answer]] = field(default_factory=dict)
    waiting: int = 0
    jobs: list[Job] = field(default_factory=list)

    def add(self, stood: Sequence[Stood]) -> None:
        """Count what was answered for one patient."""
        for one in stood:
            self.answers.setdefault(one.journey, Counter())[one.answer] += 1

    def enrolled(self, journey: str | None = None) -> int:
        """How many entered that journey, or any."""
        return sum(
            found["enrolled"] for name, found in self.answers.items() if journey is None or name == journey
        )


class _TakenBack(Exception):
    """Ends a transaction of a dry run."""


@contextmanager
def tried(house: House, *, dry_run: bool) -> Iterator[Connection]:
    """A write transaction, taken back at its end where that is asked for."""
    try:
        with write(house.engine) as conn:
            yield conn
            if dry_run:
                raise _TakenBack
    except _TakenBack:
        return


def enroll_existing(
    house: House,
    clinic: str,
    actor: str,
    names: Sequence[str] | None = None,
    *,
    dry_run: bool = False,
    progress: Progress = lambda looked: None,
) -> Enrolled:
    """Let those in who stand where these journeys start (None: any that is live and starts on a segment). Raises CannotEnroll, NoRooms."""
    journeys = ready(house, clinic, names, dry_run=dry_run)
    wanted = [journey.name for journey in journeys]
    found = Enrolled()
    if not dry_run:
        _note(house, clinic, actor, "enrolling existing patients began", {"journeys": wanted})
    for ids in everyone(house, clinic, journeys):
        with tried(house, dry_run=dry_run) as conn:
            rules, planners, now = locked(conn, house, clinic, ids)
            waits = rollouts.waiting_of(conn, clinic, [planner.patient.id for planner in planners])
            for planner in planners:
                if planner.patient.id in waits:
                    found.waiting += 1
                else:
                    found.add(planner.enroll_existing(wanted))
            keys = save(conn, house, rules, planners, now)
        found.looked += len(ids)
        if not dry_run:
            found.jobs += batches("dispatch", [(clinic, key) for key in keys])
        progress(found.looked)
    if not dry_run:
        counts = {name: found.enrolled(name) for name in wanted}
        _note(house, clinic, actor, "existing patients enrolled", {"journeys": counts})
        log.info("existing patients enrolled", clinic=clinic, patients=found.enrolled())
    return found


def ready(house: House, clinic: str, names: Sequence[str] | None, *, dry_run: bool) -> list[Journey]:
    """The journeys that may be let in to, by priority. Raises CannotEnroll where one of the names is none of them, or nobody may enter now."""
    with read(house.engine) as conn:
        mode = house.rooms(conn, clinic).rules.clinic.mode
        if stored.open_imports(conn, clinic):
            raise CannotEnroll(
                "An import is open, so nobody knows yet who stands where. Let it end: `revisit run`, or `revisit worker --drain` and `revisit ticker --once`."
            )
    if mode != "live" and not dry_run:
        raise CannotEnroll(
            f"The mode is {mode}; only in `live` does anybody enter for good. Go on with `revisit start`."
        )
    return enterable(house, clinic, names)


def enterable(house: House, clinic: str, names: Sequence[str] | None) -> list[Journey]:
    """The journeys of these names (None: all) that patients may stand at the start of, by priority. Raises CannotEnroll where one of the names is none of them."""
    with read(house.engine) as conn:
        rules = house.rooms(conn, clinic).rules
    able = {
        name: journey
        for name, journey in rules.journeys.items()
        if rules.live(name) and journey.start.kind == "enters"
    }
    for name in names or ():
        if name not in able:
            raise CannotEnroll(_why_not(rules, name, sorted(able)))
    chosen = able.values() if names is None else [able[name] for name in dict.fromkeys(names)]
    return sorted(chosen, key=lambda journey: (journey.priority, journey.name))


def _why_not(rules: Rules, name: str, able: Sequence[str]) -> str:
    known = f"It can be done for {', '.join(able) or 'none'}."
    journey = rules.journeys.get(name)
    if journey is None:
        return f"No journey is called `{name}`. {known}"
    if not rules.live(name):
        return f"The journey `{name}` is {journey.status if journey.status != 'live' else 'paused'}, so nobody enters it. {known}"
    return (
        f"The journey `{name}` does not start on a segment that patients stand in ({journey.start}). {known}"
    )


def everyone(house: House, clinic: str, journeys: Sequence[Journey]) -> Iterator[list[str]]:
    """The ids of those who may stand where one of these journeys starts, a few hundred at a time, in their order."""
    segments = {journey.start.name for journey in journeys}
    after = ""
    while True:
        with read(house.engine) as conn:
            row = stored.clinic_row(conn, clinic)
            version = row.rules_version if row is not None else 0
            ids = rollouts.candidates(conn, clinic, segments, version, house.now(conn), after, AT_ONCE)
        if not ids:
            return
        yield ids
        after = ids[-1]


def locked(
    conn: Connection, house: House, clinic: str, ids: Sequence[str]
) -> tuple[Rules, list[Planner], datetime]:
    """These patients, or those whom they have become, under lock, with all time passed for them."""
    now = house.now(conn)
    rules = house.rooms(conn, clinic).rules
    names = patients.resolve(conn, clinic, ids)
    found = patients.lock(conn, clinic, set(names.values()), since=rules.contacts_since(now))
    rules = house.pinned(conn, rules, found.values())
    planners = [Planner(rules, found[name], now) for name in sorted(found)]
    for planner in planners:
        planner.pass_time(now)
    return rules, planners, now


def _note(house: House, clinic: str, actor: str, action: str, detail: dict[str, object]) -> None:
    with write(house.engine) as conn:
        note(conn, clinic, house.now(conn), actor, action, detail)

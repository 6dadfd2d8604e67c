"""Words are kept as long as the clinic's policy says (`keep` in policy.yaml), and no longer.

Rules
1. It is looked for at most once an hour, in batches of a bounded size: a sweep is never held up by a year's messages.
2. Where one look has found everything, the next begins where that one ended; the first look of a process is at everything.
3. What came of forgotten patients by other doors than the fold goes with it.
4. A link to unsubscribe works for as long as it is valid, whether the message still has its words or not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from weakref import WeakKeyDictionary

import structlog
from sqlalchemy import Connection, Engine

from worker.domain.calendar import Span, at_local, local_day, sub_days
from worker.service.apart import apart
from worker.store import redacting as stored
from worker.store import rooms as stored_rooms
from worker.store.engine import read, write
from worker.store.erasing import stragglers
from worker.workspace.house import House, NoRooms

log = structlog.get_logger(__name__)
EVERY: Final = timedelta(hours=1)
BATCH: Final = 500
BATCHES: Final = 20
"""How many batches of each kind one look does; the rest waits an hour."""
OVERLAP: Final = timedelta(days=2)
"""How far a look goes back before the last one: what was written with an earlier moment than it was committed at."""


@dataclass
class _Progress:
    looked_at: datetime | None = None
    done: dict[tuple[str, str], datetime] = field(default_factory=dict)


_PROGRESS: Final[WeakKeyDictionary[Engine, _Progress]] = WeakKeyDictionary()


def redact_when_due(house: House) -> int:
    """Look, unless this process has looked within the hour. Returns how many rows lost their words."""
    progress = _PROGRESS.setdefault(house.engine, _Progress())
    wall = house.wall()
    if progress.looked_at is not None and wall - progress.looked_at < EVERY:
        return 0
    progress.looked_at = wall
    return redact(house, progress)


def redact(house: House, progress: _Progress | None = None) -> int:
    """Take out what has been kept long enough, of every clinic. Returns how many rows lost their words."""
    found = progress or _Progress()
    with read(house.engine) as conn:
        now = house.now(conn)
        clinics = stored_rooms.clinic_ids(conn)
    return sum(apart(house, clinic, partial(_clinic, house, clinic, now, found), 0) for clinic in clinics)


def _clinic(house: House, clinic: str, now: datetime, progress: _Progress) -> int:
    with read(house.engine) as conn:
        try:
            rules = house.rooms(conn, clinic).rules
        except NoRooms:
            return 0
    tz, keep = rules.clinic.tz, rules.policy

    def before(span: Span) -> datetime:
        # The midnight that begins the day: words of the day itself stay until it is over.
        return at_local(sub_days(local_day(now, tz), span), datetime.min.time(), tz)

    done = 0
    for kind, until in (
        ("bodies", before(keep.keep_bodies)),
        ("answers", before(keep.keep_bodies)),
        ("reports", before(keep.keep_reports)),
    ):
        last = progress.done.get((clinic, kind))
        since = None if last is None or last > until else last - OVERLAP
        for _ in range(BATCHES):
            with write(house.engine) as conn:
                size = _batch(conn, kind, clinic, since, until, house.wall())
            done += size
            if size < BATCH:
                progress.done[clinic, kind] = until
                break
    with write(house.engine) as conn:
        done += stragglers(conn, clinic, now - OVERLAP, BATCH * BATCHES, now)
    if done:
        log.info("words taken out", clinic=clinic, count=done)
    return done


def _batch(
    conn: Connection, kind: str, clinic: str, since: datetime | None, until: datetime, at: datetime
) -> int:
    if kind == "bodies":
        return stored.bodies(conn, clinic, since, until, BATCH, at)
    if kind == "answers":
        return stored.answers(conn, clinic, since, until, BATCH, at)
    return stored.reports(conn, clinic, since, until, BATCH)

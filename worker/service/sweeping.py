"""The sweep: whatever is due by the database's word, and whatever the queue has lost, is queued again.

It decides nothing. A row that is taken is left alone until its lease has run out; so a queue that loses everything costs one lease.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import structlog

from worker.delivery.dispatch import give_up, put_in_doubt
from worker.service.jobs import Job, batches, in_turns, spread
from worker.service.pacing import give_turns
from worker.service.probing import to_probe
from worker.service.redacting import redact_when_due
from worker.service.rollout import begin_second_halves
from worker.service.waking import wake
from worker.service.whereabouts import place_of
from worker.store import due
from worker.store import rooms as stored_rooms
from worker.store.audit import note
from worker.store.engine import AWAY, read, write
from worker.workspace.house import QUEUE_LEASE, House

log = structlog.get_logger(__name__)
T = TypeVar("T")
LIMIT = 2_000
SHARE = 200
"""How many of each other clinic are taken besides, where one has filled the limit."""
A_LITTLE = 40
"""How many messages are taken of each clinic while the queue holds plenty: nobody's backlog grows there, and nobody's first message waits for it."""
PACE = 500
"""How many patients a sweep brings up to new rules."""
ALONE_AFTER = 2
"""An event taken up so often goes alone, so that it can't take others down with it."""


@dataclass(frozen=True, slots=True)
class Swept:
    """One sweep: how much was due, how many patients changed segments in it, what is to be queued."""

    due: int
    changed: int
    jobs: tuple[Job, ...]
    seconds: float

    @property
    def queued(self) -> int:
        """How many ids are to be queued."""
        return spread(self.jobs)


def sweep(
    house: House, *, inline: bool = False, skip_events: bool = False, few_messages: bool = False
) -> Swept:
    """Look once. `inline` lets time pass for patients here instead of queueing them; `skip_events` and `few_messages` where the queue still holds plenty. Clinics take turns."""
    began = time.monotonic()
    _part(close_imports, house, None)
    _part(redact_when_due, house, 0)
    with read(house.engine) as conn:
        now = house.now(conn)
        jobs = to_probe(conn, house)
        if not due.anything(conn, now, house.wall()):
            return Swept(0, 0, tuple(jobs), time.monotonic() - began)
    changed = total = 0
    jobs += _part(begin_second_halves, house, [])
    jobs += _part(give_turns, house, [])
    with write(house.engine) as conn:
        wall = house.wall()
        events = [] if skip_events else due.take_events(conn, now, QUEUE_LEASE, LIMIT, wall=wall, share=SHARE)
        patients = due.take_patients(conn, now, QUEUE_LEASE, LIMIT, wall=wall, share=SHARE)
        patients += due.take_stale_rules(conn, now, QUEUE_LEASE, PACE, wall=wall)
        steps = due.take_enrollments(conn, now, QUEUE_LEASE, LIMIT, wall=wall, share=SHARE)
        messages = due.take_messages(
            conn,
            now,
            QUEUE_LEASE,
            A_LITTLE if few_messages else LIMIT,
            wall=wall,
            share=A_LITTLE if few_messages else SHARE,
        )
        lookups = due.take_lookups(conn, wall, QUEUE_LEASE, LIMIT)
        lost = due.expired_claims(conn, wall, LIMIT)
    total = len(events) + len(patients) + len(steps) + len(messages) + len(lookups) + len(lost)
    jobs += batches("fold", [(clinic, seq) for clinic, seq, tries in events if tries <= ALONE_AFTER])
    jobs += batches("fold", [(clinic, seq) for clinic, seq, tries in events if tries > ALONE_AFTER], 1)
    wakes = batches("wake", dict.fromkeys([*patients, *((clinic, patient) for clinic, patient, _ in steps)]))
    jobs += batches("dispatch", messages)
    jobs += batches("reconcile", lookups, 5)
    jobs += batches(
        "dispatch",
        [(clinic, following) for clinic, key in lost for following in _give_up(house, clinic, key)],
    )
    if inline:
        for job in wakes:
            moved, following = wake(house, job.clinic, job.ids)
            changed += moved
            jobs += following
    else:
        jobs += wakes
    return Swept(total, changed, tuple(in_turns(jobs)), time.monotonic() - began)


def _part(work: Callable[[House], T], house: House, otherwise: T) -> T:
    """A part of the sweep that others need not wait for where it fails."""
    try:
        return work(house)
    except AWAY:
        raise
    except Exception as error:  # noqa: BLE001 (what is due must be queued all the same)
        log.error(
            "part of the sweep failed",
            code=getattr(work, "__name__", "?"),
            error=type(error).__name__,
            where=place_of(error),
        )
        return otherwise


def _give_up(house: House, clinic: str, message_id: str) -> list[str]:
    try:
        return give_up(house, clinic, message_id)
    except AWAY:
        raise
    except Exception as error:  # noqa: BLE001 (one message that fails must not keep all that is due from being queued)
        log.error(
            "claim could not be given up",
            clinic=clinic,
            message=message_id,
            error=type(error).__name__,
            where=place_of(error),
        )
        put_in_doubt(house, clinic, message_id)
        return []


def close_imports(house: House) -> None:
    """Close the imports whose last event has been folded: from then on time changes that clinic's patients again."""
    with read(house.engine) as conn:
        ready = stored_rooms.imports_done(conn)
        if not ready:
            return
    with write(house.engine) as conn:
        for one in stored_rooms.imports_done(conn):
            now = house.now(conn)
            if stored_rooms.close_import(conn, one.clinic, one.id, now):
                note(conn, one.clinic, now, "revisit", "import closed", {"import": one.id})
            log.info("import closed", clinic=one.clinic)


def next_due(house: House, after: datetime) -> datetime | None:
    """The next moment at which anything falls due."""
    with read(house.engine) as conn:
        return due.next_due(conn, after)


def left_to_do(house: House) -> int:
    """How much is due or being done at this moment of the clinic's clock."""
    with read(house.engine) as conn:
        return due.count_due(conn, house.now(conn))

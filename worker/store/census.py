"""Every patient of a clinic once, to count over: read as a stream, a few hundred at a time. Nothing is locked, so nothing is decided on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection, func, select

from worker.domain.history import Enrollment
from worker.domain.ledger import Ledger
from worker.store.rows import ENROLLMENT, enrollment_of
from worker.store.schema import enrollments, ledgers, messages, patients, suppressions
from worker.store.sql import among, chunks

AT_ONCE: Final = 500


class Told(NamedTuple):
    """One patient with all that her events told; of one who was forgotten, a tombstone."""

    patient: str
    ledger: Ledger
    next_change_at: datetime | None


def everybody(conn: Connection, clinic: str) -> Iterator[Told]:
    """All of them, in no order."""
    p, led = patients.c, ledgers.c
    joined = patients.join(ledgers, (led.clinic_id == p.clinic_id) & (led.patient_id == p.patient_id))
    statement = (
        select(p.patient_id, led.data, p.next_change_at)
        .select_from(joined)
        .where(p.clinic_id == clinic, p.alias_of.is_(None))
    )
    for row in conn.execute(statement, execution_options={"yield_per": AT_ONCE}):
        yield Told(*row)


def suppressed(conn: Connection, clinic: str) -> frozenset[tuple[str, str]]:
    """The addresses that must not be written to now, as (channel, keyed hash)."""
    c = suppressions.c
    statement = select(c.channel, c.address_hash).where(c.clinic_id == clinic, c.lifted_at.is_(None))
    return frozenset((channel, digest) for channel, digest in conn.execute(statement))


def runs_of(conn: Connection, clinic: str, wanted: list[str]) -> dict[str, dict[str, Enrollment]]:
    """The runs of these patients through journeys, ended ones too, by patient and id."""
    found: dict[str, dict[str, Enrollment]] = {}
    for part in chunks(wanted):
        which = (enrollments.c.clinic_id == clinic, enrollments.c.patient_id.in_(part))
        for row in conn.execute(select(*ENROLLMENT).where(*which)):
            run = enrollment_of(row)
            found.setdefault(run.patient, {})[run.id] = run
    return found


def under_way(conn: Connection, clinic: str) -> frozenset[str]:
    """The patients who are in a journey."""
    c = enrollments.c
    which = (c.clinic_id == clinic, c.outcome.is_(None))
    return frozenset(conn.execute(select(c.patient_id).distinct().where(*which)).scalars())


def ledgers_of(conn: Connection, clinic: str, wanted: Iterable[str]) -> Iterator[tuple[str, Ledger]]:
    """These patients with what was told of them; of one who is not known, nothing."""
    for part in chunks(sorted(set(wanted))):
        which = (ledgers.c.clinic_id == clinic, ledgers.c.patient_id.in_(part))
        for row in conn.execute(select(ledgers.c.patient_id, ledgers.c.data).where(*which)):
            yield row.patient_id, row.data


def waiting(conn: Connection, clinic: str) -> int:
    """How many messages are scheduled already."""
    c = messages.c
    which = (c.clinic_id == clinic, among(c.state, "scheduled"))
    return conn.execute(select(func.count()).select_from(messages).where(*which)).scalar_one()

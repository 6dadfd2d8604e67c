"""Two patients who were merged and are two again: whose id stands for whom, whose events are whose, whose evidence.

Rules
1. Nothing is deleted. The event that merged them stays, in the state `undone`: it was folded, and it counts no longer.
2. Evidence of consent and holds lies with the patient of whom it was told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select, update

from worker.domain.events import Event
from worker.store.events import Stored
from worker.store.schema import consents, enrollments, events, holds, patients, traces
from worker.store.sql import among, by_bytes, chunks

UNDONE: Final = "undone"


def lock_all(conn: Connection, clinic: str, ids: Iterable[str]) -> None:
    """Hold the rows of these ids until the transaction ends, those too that stand for another."""
    c = patients.c
    for part in chunks(sorted(set(ids))):
        which = (c.clinic_id == clinic, c.patient_id.in_(part))
        conn.execute(
            select(c.patient_id).where(*which).order_by(by_bytes(conn, c.patient_id)).with_for_update()
        ).all()


def folded(conn: Connection, clinic: str, ids: Iterable[str]) -> list[Stored]:
    """Every event that was told of these ids and counts, in the order in which they were accepted."""
    c = events.c
    found: list[Stored] = []
    for part in chunks(sorted(set(ids))):
        statement = select(c.seq, c.event_id, c.source, c.type, c.subject, c.time, c.data, c.tries).where(
            c.clinic_id == clinic, c.subject.in_(part), among(c.state, "done")
        )
        found += [Stored(seq, Event(*rest), tries) for seq, *rest, tries in conn.execute(statement)]
    return sorted(found, key=lambda one: one.seq)


def undone(conn: Connection, clinic: str, source: str, event_id: str, at: datetime) -> None:
    """This event counts no longer."""
    c = events.c
    which = (c.clinic_id == clinic, c.source == source, c.event_id == event_id, among(c.state, "done"))
    conn.execute(update(events).where(*which).values(state=UNDONE, done_at=at))


def stand_for(conn: Connection, clinic: str, now_of: Mapping[str, str]) -> None:
    """Each of these ids stands for the given patient from now on; one that stands for itself is a patient of its own."""
    c = patients.c
    for one, patient in now_of.items():
        alias = None if one == patient else patient
        conn.execute(
            update(patients).where(c.clinic_id == clinic, c.patient_id == one).values(alias_of=alias)
        )


def runs_of(conn: Connection, clinic: str, ids: Iterable[str]) -> list[tuple[str, str, str | None]]:
    """Every run that one of these ids had under its own name, ended ones too: (id, whose, the appointment that started it)."""
    c = enrollments.c
    found: list[tuple[str, str, str | None]] = []
    for part in chunks(sorted(set(ids))):
        statement = select(c.id, c.patient_id, c.appointment).where(
            c.clinic_id == clinic, c.patient_id.in_(part)
        )
        found += [(row.id, row.patient_id, row.appointment) for row in conn.execute(statement)]
    return found


def tagged(conn: Connection, clinic: str, ids: Iterable[str]) -> list[tuple[str, datetime, str, str, str]]:
    """Every tag that a journey set or took away, in order of time: (patient, when, journey, step, the names with `+` or `-`)."""
    c = traces.c
    found: list[tuple[str, datetime, str, str, str]] = []
    for part in chunks(sorted(set(ids))):
        which = (c.clinic_id == clinic, c.patient_id.in_(part), among(c.what, "tagged"))
        statement = select(c.patient_id, c.at, c.journey, c.step, c.why).where(*which).order_by(c.at, c.id)
        found += [(row[0], row[1], row[2], row[3], row[4]) for row in conn.execute(statement)]
    return sorted(found, key=lambda one: one[1])


def move_evidence(conn: Connection, clinic: str, told: Iterable[Event], held_by: str, to: str) -> None:
    """What these events proved was kept with one patient and is another's."""
    by_source: dict[str, list[str]] = defaultdict(list)
    for event in told:
        by_source[event.source].append(event.id)
        if event.type in ("patient.held", "patient.released"):
            h = holds.c
            which = (
                h.clinic_id == clinic,
                h.patient_id == held_by,
                h.at == event.time,
                h.action == event.type.removeprefix("patient."),
            )
            conn.execute(update(holds).where(*which).values(patient_id=to))
    c = consents.c
    for source, ids in by_source.items():
        for part in chunks(ids):
            which = (
                c.clinic_id == clinic,
                c.patient_id == held_by,
                c.event_source == source,
                c.event_id.in_(part),
            )
            conn.execute(update(consents).where(*which).values(patient_id=to))

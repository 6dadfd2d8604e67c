"""Runs of journeys with a pace that wait for their turn."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, func, select, union_all

from worker.domain.history import EXISTING, ROLLOUT
from worker.store.schema import clinics, enrollments, patients

_BACKLOG: Final = (EXISTING, ROLLOUT)


class Waiting(NamedTuple):
    """A run that waits: the lower `lot` goes first."""

    clinic: str
    journey: str
    lot: int
    id: str
    patient: str
    of_backlog: bool


def is_waiting() -> list[ColumnElement[bool]]:
    """What makes a row of `enrollments` one that waits for a turn."""
    c = enrollments.c
    return [c.lot.is_not(None), c.turn_at.is_(None), c.outcome.is_(None)]


def is_behind() -> ColumnElement[bool]:
    """What makes a row of `clinics` one with patients whose facts were computed under earlier rules. The least version is one look into an index; as a join it may be one at all patients."""
    p = patients.c
    least = select(func.min(p.rules_version)).where(p.clinic_id == clinics.c.clinic_id, p.alias_of.is_(None))
    return least.correlate(clinics).scalar_subquery() < clinics.c.rules_version


def anybody(conn: Connection) -> bool:
    """Whether anybody waits at all; a look into an index that is nearly always empty."""
    return conn.execute(_ANYBODY).first() is not None


def waiting(conn: Connection, now: datetime) -> list[Waiting]:
    """Those who wait, of clinics where time has passed for every patient: so a journey that starts for many at once has them all before the lot is drawn."""
    c, p = enrollments.c, patients.c
    behind = select(p.clinic_id).where(p.alias_of.is_(None), p.next_change_at <= now)
    older = select(clinics.c.clinic_id).where(is_behind())
    statement = (
        select(c.clinic_id, c.journey, c.lot, c.id, c.patient_id, c.started_by.in_(_BACKLOG))
        .where(*is_waiting(), c.clinic_id.not_in(behind), c.clinic_id.not_in(older))
        .order_by(c.clinic_id, c.journey, c.lot, c.id)
    )
    return [Waiting(*row)._replace(of_backlog=bool(row[-1])) for row in conn.execute(statement)]


_ANYBODY: Final = select(enrollments.c.id).where(*is_waiting()).limit(1)


def sharing(conn: Connection, clinic: str, now: datetime) -> frozenset[str]:
    """The journeys whose backlog is still being let in: some of it waits for a turn, or has one that is to come."""
    c = enrollments.c
    which = (c.clinic_id == clinic, c.started_by.in_(_BACKLOG), c.outcome.is_(None), c.lot.is_not(None))
    # Two looks into two indexes; as one condition it would be a look at every run of the clinic.
    waits = select(c.journey).where(*which, c.turn_at.is_(None))
    to_come = select(c.journey).where(*which, c.turn_at > now)
    return frozenset(conn.execute(union_all(waits, to_come)).scalars())


def given(conn: Connection, clinic: str, journey: str, since: datetime) -> list[datetime]:
    """The turns of a journey that were given from that moment on, held in the past or still to come."""
    c = enrollments.c
    which = (c.clinic_id == clinic, c.journey == journey, c.turn_at >= since)
    return list(conn.execute(select(c.turn_at).where(*which)).scalars())

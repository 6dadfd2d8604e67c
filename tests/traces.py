"""The reasons that were kept of a patient, as the tests read them."""

from __future__ import annotations

from sqlalchemy import Connection, select

from worker.domain.history import Trace
from worker.store.schema import traces


def traces_of(conn: Connection, clinic: str, patient: str) -> list[Trace]:
    """In the order in which they came about."""
    c = traces.c
    wanted = (c.patient_id, c.journey, c.step, c.at, c.what, c.why)
    statement = select(*wanted).where(c.clinic_id == clinic, c.patient_id == patient).order_by(c.at, c.id)
    return [Trace(*row) for row in conn.execute(statement)]

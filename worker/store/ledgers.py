"""One patient's ledger, to look at: without a lock, so never to decide on."""

from __future__ import annotations

from sqlalchemy import Connection, select

from worker.domain.ledger import Ledger
from worker.store.schema import ledgers


def ledger_of(conn: Connection, clinic: str, patient: str) -> Ledger | None:
    """The ledger of a patient by its own id (see patients.resolve); None where there is none."""
    statement = select(ledgers.c.data).where(ledgers.c.clinic_id == clinic, ledgers.c.patient_id == patient)
    found: Ledger | None = conn.execute(statement).scalar_one_or_none()
    return found

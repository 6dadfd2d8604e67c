"""Whom a command of the clinic's people means: a patient by any id that she ever had."""

from __future__ import annotations

from sqlalchemy import Connection

from worker.store import patients
from worker.store import rooms as stored_rooms
from worker.store.engine import read
from worker.store.erasing import Known, known
from worker.workspace.house import House


class UnknownPatient(LookupError):
    """Nobody ever told of this patient; the message says so, and the way out."""

    def __init__(self, patient: str) -> None:
        super().__init__(
            f"There is no patient `{patient}`. Give the id that the clinic's system has for her (the `subject` of its events); capitals and spaces count."
        )


class NotDone(RuntimeError):
    """What was asked for was kept and is not done yet; the message says what to do."""


def find(conn: Connection, clinic: str, patient: str) -> Known:
    """The patient whom this id, or one that was merged into hers, stands for. Raises UnknownPatient."""
    found = known(conn, clinic, patients.resolve(conn, clinic, [patient])[patient])
    if found is None:
        raise UnknownPatient(patient)
    return found


def known_clinic(house: House, clinic: str) -> bool:
    """Whether anything was ever published for this clinic."""
    with read(house.engine) as conn:
        return stored_rooms.current_version(conn, clinic) is not None

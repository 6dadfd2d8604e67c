"""A hold: nothing is written to this patient for now, because somebody at the clinic says so.

Rules
1. A hold and its end are events like any other, so they are kept, folded in time order, and count for every journey and channel.
2. A new hold takes the place of the one before. Without an end it stands until it is released.
3. The reason is for the clinic's people: it stands with the patient, never in the audit or a log.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from worker.domain.events import Event
from worker.domain.facts import Facts, Hold
from worker.domain.ledger import parse_instant
from worker.service.folding import fold
from worker.service.jobs import Job
from worker.service.raising import raise_event
from worker.service.whom import NotDone, find
from worker.store.engine import read, write
from worker.store.ledgers import ledger_of
from worker.workspace.house import House

SOURCE = "/revisit/hold"


class Forgotten(LookupError):
    """The patient asked to be forgotten: nothing is written to her in any case."""

    def __init__(self, patient: str) -> None:
        super().__init__(
            f"Patient `{patient}` asked to be forgotten: nothing is kept of her, and nothing is written to her."
        )


@dataclass(frozen=True, slots=True)
class Held:
    """The hold that stands now, None where there is none, and the one that stood before. `jobs` are what became due."""

    patient: str
    hold: Hold | None
    before: Hold | None
    jobs: tuple[Job, ...]


def hold(house: House, clinic: str, patient: str, reason: str, until: str | None, actor: str) -> Held:
    """Hold back whatever would be written. `until` is a date (through its end) or an ISO 8601 instant. Raises UnknownPatient, Forgotten, NoRooms, NotDone."""
    data = {"reason": reason, **({"until": until} if until else {})}
    return _tell(house, clinic, patient, "patient.held", data, actor, {"until": until})


def release(house: House, clinic: str, patient: str, actor: str) -> Held:
    """End the hold. Raises as `hold` does."""
    return _tell(house, clinic, patient, "patient.released", {}, actor, {})


def _tell(
    house: House,
    clinic: str,
    patient: str,
    kind: str,
    data: dict[str, Any],
    actor: str,
    detail: dict[str, Any],
) -> Held:
    with write(house.engine) as conn:
        found = find(conn, clinic, patient)
        if found.erased_at is not None:
            raise Forgotten(patient)
        now = house.now(conn)
        name = found.patient
        before = _standing(house, conn, clinic, name, now)
        at = _after_all_told(conn, clinic, name, now)
        event = Event(f"{kind} {name} {at.isoformat()}", SOURCE, kind, name, at, data)
        action = kind.removeprefix("patient.")
        seqs = raise_event(conn, house, clinic, event, now, actor, action, {"patient": name, **detail})
    jobs = fold(house, clinic, seqs)
    with read(house.engine) as conn:
        after = _standing(house, conn, clinic, name, now)
    if (after is None) is not (kind == "patient.released"):
        raise NotDone(
            "It is kept and takes effect as soon as the worker has folded it; nothing is sent to this patient before. Look again in a minute."
        )
    return Held(name, after, before, tuple(jobs))


def _after_all_told(conn: Connection, clinic: str, patient: str, now: datetime) -> datetime:
    # Whatever the clock of the system said that told of the hold before: what a person says now is the last word.
    told = (ledger_of(conn, clinic, patient) or {"holds": {}})["holds"].values()
    last = max((parse_instant(entry["stamp"][0]) for entry in told), default=None)
    return now if last is None else max(now, last + timedelta(microseconds=1))


def _standing(house: House, conn: Connection, clinic: str, patient: str, now: datetime) -> Hold | None:
    ledger = ledger_of(conn, clinic, patient)
    if ledger is None:
        return None
    return Facts(patient, ledger, house.clinic(conn, clinic)).hold_at(now)

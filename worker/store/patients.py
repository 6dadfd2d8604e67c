"""Patients: found under any id that they ever had, locked and loaded whole. What was decided over them is written by `decided`.

Rules
1. Whoever changes a patient locks the row first; rows are locked in the order of their ids, so that two who want the same patients never wait for each other in a circle.
2. What is read under the lock is read after it: nothing that another committed meanwhile is missed.
3. Any number of patients costs the same number of statements, up to `sql.CHUNK` of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, Connection, select, update

from worker.domain.conditions.circuit import Seen
from worker.domain.gate import ADDRESS_FIELD
from worker.domain.history import Contact
from worker.domain.ledger import Ledger, empty
from worker.domain.outbox import REACHED, UNDER_WAY
from worker.domain.planner import Patient
from worker.store.decided import blank, kept
from worker.store.outbox import alone as take_addresses
from worker.store.rows import (
    ENROLLMENT,
    MESSAGE,
    enrollment_of,
    message_of,
)
from worker.store.schema import (
    enrollments,
    ledgers,
    messages,
    patients,
)
from worker.store.sql import add_missing, among, by_bytes, chunks, insert, listed

MOST_MOVES: Final = 5
"""How often work is begun anew because a patient was merged meanwhile; each merge takes a record away for good, so it ends."""
T = TypeVar("T")


class PatientMoved(Exception):
    """Patients were merged into others after they were resolved; resolve again. `ids` are those that gave way."""

    def __init__(self, ids: Sequence[str]) -> None:
        super().__init__(f"{len(ids)} of the patients were merged into others meanwhile; resolve again")
        self.ids = tuple(ids)


def again_when_moved(work: Callable[[], T]) -> T:
    """What a transaction gives, begun anew while patients that it has resolved are being merged into others. Raises PatientMoved where that does not end."""
    for _ in range(MOST_MOVES - 1):
        try:
            return work()
        except PatientMoved:
            continue
    return work()


def resolve(conn: Connection, clinic: str, subjects: Iterable[str]) -> dict[str, str]:
    """Each id with the id of the patient that it stands for now; one that was never merged stands for itself."""
    c = patients.c
    found = set(subjects)
    into: dict[str, str] = {}
    ask = found
    while ask:
        new: dict[str, str] = {}
        for part in chunks(sorted(ask)):
            statement = select(c.patient_id, c.alias_of).where(
                c.clinic_id == clinic, listed(conn, c.patient_id, part), c.alias_of.is_not(None)
            )
            new.update((gone, survivor) for gone, survivor in conn.execute(statement).all())
        into |= new
        ask = set(new.values()) - into.keys()
    return {subject: _end_of(into, subject) for subject in found}


def alias(conn: Connection, clinic: str, gone: str, survivor: str) -> None:
    """From now on `gone` stands for `survivor`, and so does every id that stood for `gone`. Both are survivors until now; raises ValueError where they are the same."""
    if gone == survivor:
        raise ValueError(f"patient {gone} cannot be merged into itself")
    statement = insert(conn, patients).values({**blank(clinic, gone), "alias_of": survivor})
    values = {"alias_of": survivor, "stage": None, "next_change_at": None, "queued_until": None, "tries": 0}
    conn.execute(statement.on_conflict_do_update(index_elements=["clinic_id", "patient_id"], set_=values))
    conn.execute(
        update(patients)
        .where(patients.c.clinic_id == clinic, patients.c.alias_of == gone)
        .values(alias_of=survivor)
    )


def lock(
    conn: Connection,
    clinic: str,
    ids: Iterable[str],
    *,
    since: datetime,
    purposes: Collection[str] | None = None,
    alone: bool = False,
) -> dict[str, Patient]:
    """Lock these patients until the transaction ends and load them; those that are new are made.

    Each comes with all enrollments (those of records that were merged into the patient, too), the messages under way, and the contacts from `since` on, for `purposes` (None: all), of the patient and of every address that the
    patient has now. Raises PatientMoved where one of them has been merged into another. `alone`: nobody else counts or closes these addresses from before they are read (`outbox.alone`).
    """
    wanted = sorted(set(ids))
    _make(conn, clinic, wanted)
    found = _lock_rows(conn, clinic, wanted)
    columns = [ledgers.c.patient_id, ledgers.c.data, ledgers.c.seen, ledgers.c.changes]
    for pid, ledger, seen, changes in _rows(conn, columns, ledgers.c, clinic, wanted):
        patient = found[pid]
        patient.ledger = ledger
        patient.seen = Seen.unpacked(seen, ledger) if seen else None
        patient.kept = kept(patient, changes)
    if alone:
        pairs = [pair for patient in found.values() for pair in _addresses(patient.ledger)]
        take_addresses(conn, clinic, pairs)
    # The runs of a record that has become part of another are that other's patient's.
    now_of = {gone: patient.id for patient in found.values() for gone in patient.ledger["merged"]}
    for row in _rows(conn, ENROLLMENT, enrollments.c, clinic, [*wanted, *now_of]):
        run = enrollment_of(row)
        owner = now_of.get(run.patient)
        if owner is not None:
            run = replace(run, patient=owner)
        found[run.patient].enrollments[run.id] = run
    for row in _rows(conn, MESSAGE, messages.c, clinic, wanted, among(messages.c.state, *sorted(UNDER_WAY))):
        message = message_of(row)
        found[message.patient].messages[message.key] = message
    _load_contacts(conn, clinic, found, now_of, since, purposes)
    return found


def _end_of(into: Mapping[str, str], subject: str) -> str:
    seen: set[str] = set()
    while subject in into and subject not in seen:
        seen.add(subject)
        subject = into[subject]
    return subject


# -- loading ------------------------------------------------------------------------------------------------------------------


def _make(conn: Connection, clinic: str, ids: Sequence[str]) -> None:
    there = {pid for (pid,) in _rows(conn, [patients.c.patient_id], patients.c, clinic, ids)}
    add_missing(conn, patients, [blank(clinic, pid) for pid in ids if pid not in there])


def _lock_rows(conn: Connection, clinic: str, ids: Sequence[str]) -> dict[str, Patient]:
    # Nothing is joined: after a wait PostgreSQL shows the locked row as it is now, but what is joined to it as it was before.
    c = patients.c
    found: dict[str, Patient] = {}
    moved: list[str] = []
    # One for all of whom nothing is known: a ledger is never changed in place.
    nothing = empty()
    for part in chunks(ids):
        statement = (
            select(c.patient_id, c.members, c.as_of, c.next_change_at, c.rules_version, c.alias_of)
            .where(c.clinic_id == clinic, listed(conn, c.patient_id, part))
            .order_by(by_bytes(conn, c.patient_id))
            .with_for_update()
        )
        for pid, members, as_of, next_change_at, rules_version, alias_of in conn.execute(statement).all():
            if alias_of is not None:
                moved.append(pid)
            found[pid] = Patient(
                pid,
                ledger=nothing,
                members=frozenset(members),
                as_of=as_of,
                next_change_at=next_change_at,
                rules_version=rules_version,
            )
    if moved:
        raise PatientMoved(moved)
    return found


def _rows(
    conn: Connection,
    wanted: Sequence[Any],
    c: Any,
    clinic: str,
    ids: Sequence[str],
    *which: ColumnElement[bool],
) -> Iterable[Any]:
    for part in chunks(ids):
        yield from conn.execute(
            select(*wanted).where(c.clinic_id == clinic, listed(conn, c.patient_id, part), *which)
        ).all()


def _load_contacts(
    conn: Connection,
    clinic: str,
    found: Mapping[str, Patient],
    now_of: Mapping[str, str],
    since: datetime,
    purposes: Collection[str] | None,
) -> None:
    c = messages.c
    wanted = [c.id, c.decided_at, c.purpose, c.channel, c.address, c.journey, c.patient_id]
    which = [
        c.clinic_id == clinic,
        c.decided_at >= since,
        c.state.in_(sorted(REACHED)),
        c.address.is_not(None),
    ]
    if purposes is not None:
        which.append(c.purpose.in_(sorted(purposes)))
    rows: dict[str, Contact] = {}
    for part in chunks([*found, *now_of]):
        rows.update(
            (row[0], Contact(*row[1:]))
            for row in conn.execute(select(*wanted).where(*which, listed(conn, c.patient_id, part))).all()
        )
    owners: dict[tuple[str, str], list[str]] = defaultdict(list)
    for patient in found.values():
        for pair in _addresses(patient.ledger):
            owners[pair].append(patient.id)
    for channel in ADDRESS_FIELD:
        for part in chunks(address for of, address in owners if of == channel):
            statement = select(*wanted).where(*which, c.channel == channel, listed(conn, c.address, part))
            rows.update((row[0], Contact(*row[1:])) for row in conn.execute(statement).all())
    whose: dict[str, list[Contact]] = defaultdict(list)
    for _, contact in sorted(rows.items(), key=lambda item: (item[1].at, item[0])):
        patient_id = now_of.get(contact.patient, contact.patient)
        for pid in {patient_id, *owners.get((contact.channel, contact.address), ())}:
            whose[pid].append(contact)
    for patient in found.values():
        patient.contacts = tuple(whose[patient.id])


def _addresses(ledger: Ledger) -> list[tuple[str, str]]:
    entries = ((channel, ledger["profile"].get(name)) for channel, name in ADDRESS_FIELD.items())
    return [(channel, entry["value"]) for channel, entry in entries if entry and entry["value"]]

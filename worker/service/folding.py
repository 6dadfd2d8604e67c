"""Events folded: a batch of numbers becomes facts, transitions, decisions and an outbox, in one transaction.

Rules
1. Events are folded in time order, each into the patient that its subject stands for now.
2. History (`historical`, or older than the policy's live window) changes facts and starts nothing, and neither does the time that passed since.
3. One bad event holds up nothing: what fails is taken up alone, and after `MAX_TRIES` it goes to quarantine with its reason.
4. Where the clinic's rooms can't be read, its events wait until that is put right: it is no fault of theirs, and does not count as a try.
5. Who is forgotten is taken out of every table in the same transaction, and so is whatever is told of her later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from sqlalchemy import Connection

from worker.delivery.saving import save
from worker.domain.events import Event
from worker.domain.planner import Planner, addresses, merge
from worker.domain.replay import is_old
from worker.domain.rules import Rules
from worker.service.apart import tell_engineer
from worker.service.guarding import watch_past
from worker.service.jobs import Job, batches
from worker.service.whereabouts import place_of
from worker.store import events as stored
from worker.store import patients
from worker.store import rooms as stored_rooms
from worker.store.engine import write
from worker.store.erasing import erase
from worker.store.evidence import evidence
from worker.workspace.house import House
from worker.workspace.rooms import BrokenRooms

log = structlog.get_logger(__name__)
MAX_TRIES = 5


def fold(house: House, clinic: str, seqs: Sequence[int]) -> list[Job]:
    """Fold these events; returns what became due. What is folded already, or is with another worker, is passed over."""
    try:
        return patients.again_when_moved(lambda: _fold(house, clinic, seqs))
    except BrokenRooms as error:
        tell_engineer(house, clinic, error)
        with write(house.engine) as conn:
            stored.not_tried(conn, clinic, seqs)
        return []
    except Exception as error:  # noqa: BLE001 (whatever it is, the rest of the batch must go on)
        if len(seqs) > 1:
            return [job for seq in seqs for job in fold(house, clinic, [seq])]
        _failed(house, clinic, seqs[0], error)
        return []


def _failed(house: House, clinic: str, seq: int, error: Exception) -> None:
    with write(house.engine) as conn:
        loaded = stored.load(conn, clinic, [seq])
        # The exception's text may quote the event; its kind and place do not.
        log.error(
            "event could not be folded",
            clinic=clinic,
            number=seq,
            patient=house.opaque(loaded[0].event.subject) if loaded else None,
            error=type(error).__name__,
            where=place_of(error),
        )
        for found in loaded:
            if found.tries >= MAX_TRIES:
                stored.give_up(
                    conn,
                    seq,
                    f"could not be folded after {found.tries} tries ({type(error).__name__} at {place_of(error)})",
                    house.now(conn),
                )


@dataclass
class _Batch:
    rules: Rules
    now: datetime
    held: bool
    names: dict[str, str]
    planners: dict[str, Planner] = field(default_factory=dict)
    history: set[str] = field(default_factory=set)
    told: list[tuple[str, Event]] = field(default_factory=list)
    merged: list[tuple[str, str]] = field(default_factory=list)
    past: int = 0
    forgotten: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def of(self, subject: str) -> Planner:
        name = self.names.get(subject, subject)
        while name in self.names and self.names[name] != name:
            name = self.names[name]
        return self.planners[name]


def _fold(house: House, clinic: str, seqs: Sequence[int]) -> list[Job]:
    with write(house.engine) as conn:
        found = stored.load(conn, clinic, seqs)
        if not found:
            return []
        now = house.now(conn)
        if len(found) == 1 and found[0].tries > MAX_TRIES:
            stored.give_up(conn, found[0].seq, f"taken up {found[0].tries} times and never finished", now)
            return []
        stored.done(conn, [one.seq for one in found], now)
        return fold_within(conn, house, clinic, [one.event for one in found])


def fold_within(conn: Connection, house: House, clinic: str, told: Sequence[Event]) -> list[Job]:
    """Fold events, in the order in which they count, that this very transaction has marked as done. Raises PatientMoved, BrokenRooms, NoRooms."""
    now, rules = house.now(conn), house.rooms(conn, clinic).rules
    subjects = {event.subject for event in told} | {
        event.data["into"] for event in told if event.type == "patient.merged"
    }
    names = patients.resolve(conn, clinic, subjects)
    locked = patients.lock(conn, clinic, names.values(), since=rules.contacts_since(now))
    # A merge may have been taken back while we waited for the rows: then an id stands for itself again.
    if patients.resolve(conn, clinic, subjects) != names:
        raise patients.PatientMoved(sorted(names))
    rules = house.pinned(conn, rules, locked.values())
    batch = _Batch(rules, now, bool(stored_rooms.open_imports(conn, clinic)), dict(names))
    batch.planners = {name: Planner(rules, patient, now) for name, patient in locked.items()}
    for event in told:
        _one(batch, event)
    for name, planner in batch.planners.items():
        planner.catch_up(now)
        if not batch.held or name in batch.history:
            planner.pass_time(now, silent=name in batch.history)
    evidence(conn, clinic, batch.told)
    keys = save(conn, house, rules, list(batch.planners.values()), now)
    for gone, survivor in batch.merged:
        patients.alias(conn, clinic, gone, survivor)
    # After all else: what was told late of somebody who is forgotten goes as well.
    for name, planner in batch.planners.items():
        if planner.patient.ledger.get("erased"):
            erase(conn, clinic, name, batch.forgotten.get(name, ()), house.hashed, now)
    if batch.past:
        watch_past(conn, rules, batch.past, now)
    return batches("dispatch", [(clinic, key) for key in keys])


def _one(batch: _Batch, event: Event) -> None:
    planner = batch.of(event.subject)
    if event.type == "patient.merged":
        into = batch.of(event.data["into"])
        if into is not planner:
            merge(into, planner, event)
            batch.names[planner.patient.id] = into.patient.id
            batch.merged.append((planner.patient.id, into.patient.id))
        return
    if event.type == "patient.erased":
        batch.forgotten.setdefault(planner.patient.id, []).extend(addresses(planner.facts))
    historical = event.historical
    old = not historical and is_old(event, batch.rules, batch.now)
    batch.past += old
    if historical or old:
        batch.history.add(planner.patient.id)
        planner.absorb(event, old=old)
    else:
        planner.receive(event)
    if not planner.patient.ledger.get("erased"):
        batch.told.append((planner.patient.id, event))

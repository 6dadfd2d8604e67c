"""A patient is forgotten: told as an event like any other, folded at once, and taken out of every table in the fold's own transaction.

Rules
1. What a clinic's system tells by `patient.erased` and what a person asks for here go the same way.
2. What was accepted of her and is not folded yet is folded with it, so that nothing of her waits for its turn.
3. It is done when it is done: where another process holds her events, the command says so instead of promising.
"""

from __future__ import annotations

from dataclasses import dataclass

from worker.domain.events import Event
from worker.service.folding import fold
from worker.service.jobs import Job
from worker.service.raising import raise_event
from worker.service.whom import NotDone, find
from worker.store import patients
from worker.store.engine import read, write
from worker.store.erasing import Known, addresses_of, erase, sizes, tidy, unread
from worker.workspace.house import House

SOURCE = "/revisit/forget"


@dataclass(frozen=True, slots=True)
class Asked:
    """Who would be forgotten: her own id, the ids that were merged into it, and how much is stored. `before`: she is forgotten already."""

    patient: str
    also: tuple[str, ...]
    events: int
    messages: int
    before: bool


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was done. `messages` are the ids of all messages to her, for files and providers that keep copies of their own."""

    patient: str
    also: tuple[str, ...]
    addresses: int
    messages: tuple[str, ...]
    jobs: tuple[Job, ...]


def ask(house: House, clinic: str, patient: str) -> Asked:
    """Whom it is about, to be shown before anything is done. Raises UnknownPatient."""
    with read(house.engine) as conn:
        found = find(conn, clinic, patient)
        told, sent = sizes(conn, clinic, found.ids)
        return Asked(found.patient, found.ids[1:], told, sent, found.erased_at is not None)


def forget(house: House, clinic: str, patient: str, actor: str) -> Forgotten:
    """Forget her. Twice is once; the second time takes out what came in between. Raises UnknownPatient, NoRooms, NotDone."""
    with write(house.engine) as conn:
        found = find(conn, clinic, patient)
        now = house.now(conn)
        addresses = len(addresses_of(conn, clinic, found.ids))
        event = Event(f"{found.patient} {now.isoformat()}", SOURCE, "patient.erased", found.patient, now, {})
        seqs = raise_event(conn, house, clinic, event, now, actor, "forgotten", {"patient": found.patient})
        seqs += [seq for seq in unread(conn, clinic, found.ids) if seq not in seqs]
    jobs = fold(house, clinic, seqs)
    found, messages = patients.again_when_moved(lambda: take_rest(house, clinic, found.patient))
    tidy(house.engine)
    return Forgotten(found.patient, found.ids[1:], addresses, messages, tuple(jobs))


def take_rest(house: House, clinic: str, patient: str) -> tuple[Known, tuple[str, ...]]:
    """Take out what was put down by other doors since the fold took out the rest, under the patient's lock: whoever writes of her has written by then, or sees that she is forgotten. Raises NotDone, PatientMoved."""
    with write(house.engine) as conn:
        now = house.now(conn)
        patients.lock(conn, clinic, [find(conn, clinic, patient).patient], since=now)
        found = find(conn, clinic, patient)
        if found.erased_at is None or unread(conn, clinic, found.ids):
            raise NotDone(
                "It is noted that this patient is to be forgotten, and nothing will be sent; but another process is at work on her events. "
                "Give the command again in a minute."
            )
        return found, erase(conn, clinic, found.patient, (), house.hashed, now)

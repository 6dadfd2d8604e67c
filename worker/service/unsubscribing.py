"""A patient ends marketing on a channel, by the link in a message.

Rules
1. The link's signature is the only key; it needs no password, and looking at it changes nothing.
2. Doing it twice changes nothing. After a later grant it counts anew, since then it takes back another leave.
3. It is an event like any other, kept before it is folded: what was told once is not lost, whatever happens in between.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from worker.delivery.links import message_of
from worker.domain.events import Event
from worker.domain.ledger import parse_instant
from worker.service.folding import fold
from worker.service.jobs import Job
from worker.store import events as stored
from worker.store import outbox, patients
from worker.store.audit import note
from worker.store.engine import read, write
from worker.workspace.house import QUEUE_LEASE, House, NoRooms

SOURCE = "/revisit/unsubscribe"


@dataclass(frozen=True, slots=True)
class Link:
    """What an unsubscribe link stands for, without anything about the patient. `language` is the message's."""

    clinic: str
    message: str
    channel: str
    language: str
    clinic_name: str
    clinic_phone: str


def look_up(house: House, token: str) -> Link | None:
    """What this link stands for; None where we have not made it, or its message is gone."""
    found = message_of(house.secret, token)
    if found is None:
        return None
    clinic, message_id = found
    with read(house.engine) as conn:
        rows = outbox.get(conn, clinic, [message_id])
        if not rows:
            return None
        try:
            about = house.rooms(conn, clinic).rules.clinic
        except NoRooms:
            return None
    row = rows[0]
    return Link(
        clinic,
        message_id,
        row.message.channel or "email",
        row.language or about.language,
        about.name,
        about.phone,
    )


def unsubscribe(house: House, token: str) -> tuple[Link, Sequence[Job]] | None:
    """Take the leave for marketing on the link's channel back; what is due because of it comes back too. None where the link is not ours."""
    link = look_up(house, token)
    if link is None:
        return None
    try:
        seqs = _tell(house, link)
    except patients.PatientMoved:
        seqs = _tell(house, link)
    return link, fold(house, link.clinic, seqs) if seqs else ()


def _tell(house: House, link: Link) -> list[int]:
    with write(house.engine) as conn:
        now = house.now(conn)
        row = next(iter(outbox.get(conn, link.clinic, [link.message])), None)
        if row is None:
            return []
        subject = row.message.patient
        name = patients.resolve(conn, link.clinic, [subject])[subject]
        patient = patients.lock(conn, link.clinic, [name], since=now)[name]
        granted = _granted(patient.ledger["consent"], link.channel)
        # One event for each leave that is taken back; and never older than that leave, whatever the clock of the system that told of it said.
        digest = hashlib.sha256(f"{link.clinic} {link.message} {granted}".encode()).hexdigest()[:32]
        at = max(now, parse_instant(granted)) if granted else now
        data = {
            "channel": link.channel,
            "purpose": "marketing",
            "basis": "explicit",
            "source": "unsubscribe link",
        }
        event = Event(digest, SOURCE, "consent.revoked", subject, at, data)
        seqs = stored.accept(conn, link.clinic, [event], now, queued_until=house.wall() + QUEUE_LEASE).seqs
        if seqs:
            note(
                conn,
                link.clinic,
                now,
                "patient",
                "unsubscribed",
                {"message": link.message, "channel": link.channel},
            )
        return seqs


def _granted(consent: Mapping[str, Any], channel: str) -> str:
    """When the last explicit grant was given; empty where there was none."""
    return max(
        (
            entry["stamp"][0]
            for key, entry in consent.items()
            if key.startswith(f"{channel} marketing granted ")
        ),
        default="",
    )

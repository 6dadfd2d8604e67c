"""What a patient allows, told by the link in a message: one button that ends marketing on its channel, and a form for the rest.

Rules
1. The link's signature is the only key; it needs no password, and looking at it changes nothing.
2. Doing it twice changes nothing. After a later grant the button counts anew, since then it takes back another leave.
3. Each change is an event like any other, kept before it is folded: what was told once is not lost, whatever happens in between.
4. The form changes what its reader has changed, and nothing else: a page that was opened before a STOP gives no leave back.
5. A leave that is given here lifts no suppression: an address that was closed by a STOP or by its carrier stays closed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from worker.domain.events import CHANNELS, Event
from worker.domain.facts import Facts
from worker.domain.gate import ADDRESS_FIELD
from worker.domain.ledger import empty, parse_instant
from worker.service.folding import fold
from worker.service.jobs import Job
from worker.service.opening import Dead, Link, open_signed
from worker.service.raising import tell
from worker.service.telling import JUST_AFTER, last_told
from worker.store import outbox, patients
from worker.store.audit import note
from worker.store.engine import read, write
from worker.store.ledgers import ledger_of
from worker.workspace.house import House

SOURCE: Final = "/revisit/unsubscribe"


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing that a patient may allow, and whether she does."""

    channel: str
    purpose: str
    on: bool

    @property
    def key(self) -> str:
        """Its name in a form."""
        return f"{self.channel}.{self.purpose}"


@dataclass(frozen=True, slots=True)
class Choices:
    """All that a patient may choose. `closed` are channels whose address must not be written to whatever she chooses here."""

    listed: tuple[Choice, ...]
    closed: frozenset[str]

    def allows(self, channel: str, purpose: str) -> bool:
        """Whether she allows it."""
        return any((one.channel, one.purpose, one.on) == (channel, purpose, True) for one in self.listed)


def choices(house: House, link: Link) -> Choices:
    """What the patient of a link allows now."""
    with read(house.engine) as conn:
        row = next(iter(outbox.get(conn, link.clinic, [link.message])), None)
        if row is None:
            return Choices((), frozenset())
        name = patients.resolve(conn, link.clinic, [row.message.patient])[row.message.patient]
        ledger = ledger_of(conn, link.clinic, name) or empty()
        facts = Facts(name, ledger, house.clinic(conn, link.clinic))
        if facts.erased:
            return Choices((), frozenset())
        known = {(c, str(facts.profile(field))) for c, field in ADDRESS_FIELD.items() if facts.profile(field)}
        hashes = {(channel, address): house.hashed(channel, address) for channel, address in known}
        closed = {channel for channel, _ in outbox.suppressed(conn, link.clinic, hashes)}
        return Choices(_listed(facts, link.channel), frozenset(closed))


def unsubscribe(house: House, token: str) -> tuple[Link, Sequence[Job]] | Dead:
    """Take the leave for marketing on the link's channel back; what is due because of it comes back too."""
    link = open_signed(house, token)
    if isinstance(link, Dead):
        return link
    seqs = patients.again_when_moved(lambda: _unsubscribe(house, link))
    return link, fold(house, link.clinic, seqs) if seqs else ()


def choose(
    house: House, token: str, shown: Collection[str], wanted: Collection[str], words: Mapping[str, str]
) -> tuple[Link, Sequence[Job]] | Dead:
    """Change what differs between `shown` (on when the form was drawn) and `wanted` (on now), both by `Choice.key`.

    `words` is the sentence that stood beside each choice: its hash is the evidence of what was agreed to.
    """
    link = open_signed(house, token)
    if isinstance(link, Dead):
        return link
    changed = frozenset(shown) ^ frozenset(wanted)
    seqs = patients.again_when_moved(lambda: _choose(house, link, changed, frozenset(wanted), words))
    return link, fold(house, link.clinic, seqs) if seqs else ()


def revoke_marketing(
    conn: Connection, house: House, clinic: str, row: outbox.Row, channel: str, source: str
) -> list[int]:
    """Take back the leave for marketing on a channel from the patient of a message; the numbers of the events that are new. Raises PatientMoved."""
    now = house.now(conn)
    consent = _ledger(conn, clinic, row, now)["consent"]
    granted = last_told(consent, channel, "marketing", ("granted",))
    # One event for each leave that is taken back; and never older than that leave, whatever the clock of the system that told of it said.
    at = max(now, parse_instant(granted)) if granted else now
    event = _event("consent.revoked", _digest(clinic, row.id, granted), row, at, channel, "marketing", source)
    seqs = tell(conn, house, clinic, [event])
    if seqs:
        note(conn, clinic, now, "patient", "unsubscribed", {"message": row.id, "channel": channel})
    return seqs


def _unsubscribe(house: House, link: Link) -> list[int]:
    with write(house.engine) as conn:
        row = next(iter(outbox.get(conn, link.clinic, [link.message])), None)
        if row is None:
            return []
        return revoke_marketing(conn, house, link.clinic, row, link.channel, "unsubscribe link")


def _choose(
    house: House, link: Link, changed: frozenset[str], wanted: frozenset[str], words: Mapping[str, str]
) -> list[int]:
    with write(house.engine) as conn:
        row = next(iter(outbox.get(conn, link.clinic, [link.message])), None)
        if row is None:
            return []
        now = house.now(conn)
        ledger = _ledger(conn, link.clinic, row, now)
        facts = Facts(row.message.patient, ledger, house.clinic(conn, link.clinic))
        told = []
        for choice in _listed(facts, link.channel):
            if choice.key not in changed or choice.on == (choice.key in wanted):
                continue
            against = ("granted", "listed") if choice.on else ("revoked", "unlisted")
            last = last_told(ledger["consent"], choice.channel, choice.purpose, against)
            at = max(now, parse_instant(last) + JUST_AFTER) if last else now
            kind = "consent.revoked" if choice.on else "consent.granted"
            digest = _digest(link.clinic, row.id, kind, choice.key, last)
            said = hashlib.sha256(words[choice.key].encode()).hexdigest() if choice.key in words else None
            told.append(
                _event(kind, digest, row, at, choice.channel, choice.purpose, "preference page", said)
            )
        seqs = tell(conn, house, link.clinic, told)
        if seqs:
            what = {f"{event.data['channel']}.{event.data['purpose']}": event.type for event in told}
            note(conn, link.clinic, now, "patient", "preferences", {"message": row.id, "changed": what})
        return seqs


def _listed(facts: Facts, channel: str) -> tuple[Choice, ...]:
    """What there is to choose: on the link's channel and on those that the patient has an address for; health profiling where it was ever given."""
    consent = facts.ledger["consent"]
    found = []
    for each in CHANNELS:
        if each != channel and not facts.profile(ADDRESS_FIELD[each]):
            continue
        ever = last_told(consent, each, "health_profiling", ("granted", "listed"))
        purposes = ("marketing", "care", *(("health_profiling",) if ever else ()))
        found += [Choice(each, purpose, facts.allows(each, purpose)) for purpose in purposes]
    return tuple(found)


def _ledger(conn: Connection, clinic: str, row: outbox.Row, now: datetime) -> dict[str, Any]:
    """The ledger of a message's patient, under her lock."""
    subject = row.message.patient
    name = patients.resolve(conn, clinic, [subject])[subject]
    return patients.lock(conn, clinic, [name], since=now)[name].ledger


def _digest(*parts: str) -> str:
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:32]


def _event(
    kind: str,
    digest: str,
    row: outbox.Row,
    at: datetime,
    channel: str,
    purpose: str,
    source: str,
    text_hash: str | None = None,
) -> Event:
    data = {"channel": channel, "purpose": purpose, "basis": "explicit", "source": source, "evidence": row.id}
    if text_hash is not None:
        data["text_hash"] = text_hash
    return Event(digest, SOURCE, kind, row.message.patient, at, data)

"""Everything that is stored of a patient who is to be forgotten, taken out; and what a tombstone needs, left.

Rules
1. What goes: the words of every event, facts, segments and moves between them, runs through journeys and why they went as they did, links and clicks, what messages said and where they
   went, what a provider or the patient answered, notes for staff, reasons of holds, and whatever in the quarantine names the patient or an address of hers.
2. What stays: the patient's id, and that it was forgotten, so that what is told again later brings nothing back; the ids of events and the keys of messages, so that nothing is taken or
   sent a second time; the states and times of messages; and of each consent its channel, purpose, action, basis, moment and the hash of its text, which prove that there was one.
3. Every address that she ever had stays as a keyed hash that must not be written to. A suppression that stood for another reason becomes one of this kind: no START lifts it.
4. Done twice it changes nothing; so it is done again after whatever is told late.
5. What SQLite frees is overwritten. PostgreSQL frees it when it vacuums; copies and backups are beyond the reach of either.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Engine, and_, case, delete, func, or_, select, update

from worker.store.schema import (
    attempts,
    consents,
    enrollments,
    events,
    holds,
    ledgers,
    link_hits,
    links,
    memberships,
    messages,
    patients,
    quarantine,
    receipts,
    replies,
    rollout_members,
    suppressions,
    tasks,
    traces,
    transitions,
)
from worker.store.sql import among, chunks, insert

Hashed = Callable[[str, str], str]
"""The keyed hash of (channel, address)."""

ADDRESSES: Final = {"phone": "sms", "email": "email"}
REASON: Final = "erased"
NOTE: Final = "The patient asked to be forgotten."
"""What is left of a note."""
_DELETED: Final = (memberships, transitions, traces, enrollments, rollout_members)


@dataclass(frozen=True, slots=True)
class Known:
    """A patient by its own id, every id that stands for it, and since when it is forgotten."""

    patient: str
    ids: tuple[str, ...]
    erased_at: datetime | None


def known(conn: Connection, clinic: str, patient: str) -> Known | None:
    """The patient with this own id (see patients.resolve); None where nobody ever told of it."""
    c = patients.c
    row = conn.execute(
        select(c.erased_at).where(c.clinic_id == clinic, c.patient_id == patient)
    ).one_or_none()
    if row is None:
        return None
    statement = (
        select(c.patient_id).where(c.clinic_id == clinic, c.alias_of == patient).order_by(c.patient_id)
    )
    return Known(patient, (patient, *conn.execute(statement).scalars()), row.erased_at)


def unread(conn: Connection, clinic: str, ids: Sequence[str]) -> list[int]:
    """The numbers of these patients' events that nobody has folded yet."""
    c = events.c
    which = (c.clinic_id == clinic, c.subject.in_(ids), among(c.state, "new"))
    return list(conn.execute(select(c.seq).where(*which).order_by(c.seq)).scalars())


def sizes(conn: Connection, clinic: str, ids: Sequence[str]) -> tuple[int, int]:
    """How many events were told of these patients, and how many messages were made for them."""
    e = events.c
    told = select(func.count()).where(e.clinic_id == clinic, e.subject.in_(ids))
    made = select(func.count()).where(*_of(messages, clinic, ids))
    return conn.execute(told).scalar_one(), conn.execute(made).scalar_one()


def addresses_of(conn: Connection, clinic: str, ids: Sequence[str]) -> set[tuple[str, str]]:
    """Every (channel, address) pair that was told of these patients, or that they were written to at."""
    e, m = events.c, messages.c
    found: set[tuple[str, str]] = set()
    for data in conn.execute(select(e.data).where(e.clinic_id == clinic, e.subject.in_(ids))).scalars():
        told = data.get("patient") or {}
        found.update((channel, told[name]) for name, channel in ADDRESSES.items() if told.get(name))
    sent = select(m.channel, m.address).where(
        *_of(messages, clinic, ids), m.channel.is_not(None), m.address.is_not(None)
    )
    return found | {(channel, address) for channel, address in conn.execute(sent)}


def erase(
    conn: Connection,
    clinic: str,
    patient: str,
    addresses: Iterable[tuple[str, str]],
    hashed: Hashed,
    at: datetime,
) -> tuple[str, ...]:
    """Take everything out that is stored of the patient with this own id (rules 1 to 3); returns the ids of all messages to her.

    `addresses` are (channel, address) pairs that the caller knows of her.

    The patient's row must be locked, and the ledger be a tombstone already. Events that are not folded yet are left to whoever folds them.
    """
    found = known(conn, clinic, patient)
    if found is None:
        return ()
    ids = found.ids
    pairs = {*addresses, *addresses_of(conn, clinic, ids)}
    hashes = sorted((channel, hashed(channel, address)) for channel, address in pairs)
    with _overwriting(conn):
        own = _messages(conn, clinic, ids, at)
        _answers(conn, clinic, ids, own, [hash_ for _, hash_ in hashes], at)
        _words(conn, clinic, ids, at)
        for table in _DELETED:
            conn.execute(delete(table).where(*_of(table, clinic, ids)))
        conn.execute(delete(ledgers).where(*_of(ledgers, clinic, [one for one in ids if one != patient])))
        if found.erased_at is None:
            _quarantine(conn, clinic, {*ids, *(address for _, address in pairs)})
    _suppress(conn, clinic, hashes, at)
    c = patients.c
    conn.execute(
        update(patients)
        .where(c.clinic_id == clinic, c.patient_id.in_(ids), c.erased_at.is_(None))
        .values(erased_at=at, members=[], stage=None)
    )
    return tuple(own)


def stragglers(conn: Connection, clinic: str, since: datetime, limit: int, at: datetime) -> int:
    """Take out what came of forgotten patients from `since` on by other doors than the fold: reports, answers, and what was put in quarantine. Returns how many rows."""
    p, m, r = patients.c, messages.c, receipts.c
    gone = select(p.patient_id).where(p.clinic_id == clinic, p.erased_at.is_not(None))
    if conn.execute(gone.limit(1)).first() is None:
        return 0
    mine = select(m.id).where(m.clinic_id == clinic, m.patient_id.in_(gone))
    came = (r.clinic_id == clinic, r.received_at >= since)
    done = conn.execute(update(receipts).where(*came, r.message_id.in_(mine)).values(raw={})).rowcount
    e = replies.c
    answered = (e.clinic_id == clinic, e.at >= since, e.redacted_at.is_(None), e.patient_id.in_(gone))
    done += conn.execute(update(replies).where(*answered).values(**_silent(at))).rowcount
    v = events.c
    told = (v.clinic_id == clinic, v.received_at >= since, v.state == "quarantined", v.subject.in_(gone))
    done += conn.execute(update(events).where(*told).values(data={}, error=None)).rowcount
    q = quarantine.c
    put = select(q.id, q.raw).where(q.clinic_id == clinic, q.at >= since).order_by(q.id).limit(limit)
    subjects = {number: set(_subjects(raw)) for number, raw in conn.execute(put)}
    names = {name for each in subjects.values() for name in each}
    forgotten: set[str] = set()
    for part in chunks(sorted(names)):
        forgotten.update(conn.execute(gone.where(p.patient_id.in_(part))).scalars())
    dead = [number for number, each in subjects.items() if each & forgotten]
    for numbers in chunks(dead):
        done += conn.execute(delete(quarantine).where(q.id.in_(numbers))).rowcount
    return done


def tidy(engine: Engine) -> None:
    """Let no older copy of what was erased lie about in SQLite's log. Where a reader is at work it is left to the next checkpoint."""
    if engine.dialect.name == "sqlite":
        raw = engine.raw_connection()
        try:
            raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            raw.close()


# -- part by part -------------------------------------------------------------------------------------------------------------


def _of(table: Any, clinic: str, ids: Sequence[str]) -> list[ColumnElement[bool]]:
    return [table.c.clinic_id == clinic, table.c.patient_id.in_(ids)]


def _messages(conn: Connection, clinic: str, ids: Sequence[str], at: datetime) -> list[str]:
    c = messages.c
    own = list(conn.execute(select(c.id).where(*_of(messages, clinic, ids)).order_by(c.id)).scalars())
    nothing = dict.fromkeys(("address", "subject", "body", "html", "lookup_at"))
    for part in chunks(own):
        conn.execute(update(messages).where(c.id.in_(part)).values(**nothing, redacted_at=at))
        conn.execute(update(attempts).where(attempts.c.message_id.in_(part)).values(why=""))
        conn.execute(update(receipts).where(receipts.c.message_id.in_(part)).values(raw={}))
        for table in (links, link_hits):
            conn.execute(delete(table).where(table.c.message_id.in_(part)))
    return own


def _answers(
    conn: Connection, clinic: str, ids: Sequence[str], own: Sequence[str], hashes: Sequence[str], at: datetime
) -> None:
    c = replies.c
    hers = or_(c.patient_id.in_(ids), and_(c.patient_id.is_(None), c.address_hash.in_(hashes)))
    conn.execute(update(replies).where(c.clinic_id == clinic, hers).values(**_silent(at)))
    for part in chunks(own):
        conn.execute(
            update(replies).where(c.clinic_id == clinic, c.message_id.in_(part)).values(**_silent(at))
        )


def _silent(at: datetime) -> dict[str, Any]:
    return {"body": None, "raw": None, "harm": [], "redacted_at": at}


def _words(conn: Connection, clinic: str, ids: Sequence[str], at: datetime) -> None:
    e = events.c
    read = (e.clinic_id == clinic, e.subject.in_(ids), e.state != "new")
    conn.execute(update(events).where(*read).values(data={}, error=None))
    conn.execute(update(consents).where(*_of(consents, clinic, ids)).values(source=None, evidence=None))
    conn.execute(update(holds).where(*_of(holds, clinic, ids)).values(reason=""))
    t = tasks.c
    undone = t.state == "open"
    ended = {"state": case((undone, "done"), else_=t.state), "done_at": case((undone, at), else_=t.done_at)}
    conn.execute(update(tasks).where(*_of(tasks, clinic, ids)).values(note=NOTE, **ended))


def _suppress(conn: Connection, clinic: str, hashes: Iterable[tuple[str, str]], at: datetime) -> None:
    for channel, address_hash in hashes:
        new = insert(conn, suppressions).values(
            clinic_id=clinic, channel=channel, address_hash=address_hash, reason=REASON, at=at, lifted_at=None
        )
        again = {name: new.excluded[name] for name in ("reason", "at", "lifted_at")}
        keys = ["clinic_id", "channel", "address_hash"]
        conn.execute(
            new.on_conflict_do_update(index_elements=keys, set_=again, where=suppressions.c.reason != REASON)
        )


def _quarantine(conn: Connection, clinic: str, words: set[str]) -> None:
    c = quarantine.c
    spelled = {form for word in words for form in (word, json.dumps(word)[1:-1])}
    dead: list[int] = []
    for part in chunks(sorted(spelled), 100):
        mentions = or_(*(c.raw.contains(form, autoescape=True) for form in part))
        statement = select(c.id, c.raw).where(c.clinic_id == clinic, mentions)
        dead += [number for number, raw in conn.execute(statement) if words & set(_texts(raw))]
    for numbers in chunks(sorted(set(dead))):
        conn.execute(delete(quarantine).where(c.id.in_(numbers)))


def _texts(raw: str) -> Iterator[str]:
    """Every text that stands in a quarantined item; the whole of it where it is no JSON."""
    try:
        found = json.loads(raw)
    except ValueError:
        yield from (raw, *raw.split())
        return
    left = [found]
    while left:
        value = left.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            left += value.values()
        elif isinstance(value, list):
            left += value


def _subjects(raw: str) -> Iterator[str]:
    try:
        found = json.loads(raw)
    except ValueError:
        return
    if isinstance(found, dict) and isinstance(found.get("subject"), str):
        yield found["subject"]


class _overwriting:  # noqa: N801 (reads as a statement)
    """While it lasts, SQLite overwrites what it frees."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn if conn.dialect.name == "sqlite" else None

    def __enter__(self) -> None:
        self._set("ON")

    def __exit__(self, *_: object) -> None:
        self._set("OFF")

    def _set(self, value: str) -> None:
        if self._conn is not None:
            self._conn.exec_driver_sql(f"PRAGMA secure_delete={value}")

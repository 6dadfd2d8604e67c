"""Events as they came in: accepted once, loaded to be folded, done or given up.

Rules
1. `(clinic, source, id)` is accepted once for ever; whoever sends it again is told so and changes nothing.
2. An event is `new` until it is `done` or `quarantined`; only new ones are ever loaded.
3. On PostgreSQL a loaded event is locked until the transaction ends; one that somebody else has is passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from worker.domain.events import Event
from worker.store.schema import clinics, events
from worker.store.schema import quarantine as quarantined
from worker.store.sql import among, chunks, insert, listed, many
from worker.store.types import storable


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of a batch: the numbers of those that are new, and how many were not."""

    seqs: list[int]
    duplicates: int


@dataclass(frozen=True, slots=True)
class Stored:
    """An event with its number and how often it was taken up so far."""

    seq: int
    event: Event
    tries: int


def accept(
    conn: Connection,
    clinic: str,
    batch: Sequence[Event],
    at: datetime,
    *,
    queued_until: datetime | None = None,
) -> Accepted:
    """Keep what is new. `queued_until`: the caller queues them itself, so the sweeper leaves them alone until then."""
    # In one order everywhere: two that post the same events in different orders would else wait for each other.
    rows = [
        {
            "clinic_id": clinic, "source": event.source, "event_id": event.id, "type": event.type, "subject": event.subject, "time": event.time,
            "data": event.data, "received_at": at, "state": "new", "queued_until": queued_until, "tries": 0,
        }
        for event in sorted(batch, key=lambda event: (event.source, event.id))
    ]  # fmt: skip
    if not rows:
        return Accepted([], 0)
    statement = insert(conn, events).on_conflict_do_nothing().returning(events.c.seq)
    seqs = sorted(conn.execute(statement, rows).scalars())
    return Accepted(seqs, len(rows) - len(seqs))


def quarantine(
    conn: Connection, clinic: str, via: str, items: Sequence[tuple[str, Sequence[str]]], at: datetime
) -> None:
    """Keep what could not be understood, as it came, with what is wrong with it. `via` is the door: `http`, a file's name."""
    rows = [
        {"clinic_id": clinic, "at": at, "via": via, "raw": storable(raw), "errors": list(errors)}
        for raw, errors in items
    ]
    many(conn, quarantined.insert(), rows)


def load(conn: Connection, clinic: str, seqs: Iterable[int]) -> list[Stored]:
    """Those of these events that are new and free, in the order in which they are folded."""
    c = events.c
    found: list[Stored] = []
    for part in chunks(sorted(set(seqs))):
        statement = (
            select(c.seq, c.event_id, c.source, c.type, c.subject, c.time, c.data, c.tries)
            .where(listed(conn, c.seq, part), c.clinic_id == clinic, among(c.state, "new"))
            .order_by(c.seq)
            .with_for_update(skip_locked=True)
        )
        found += [Stored(seq, Event(*rest), tries) for seq, *rest, tries in conn.execute(statement)]
    return sorted(found, key=lambda stored: stored.event.order)


def done(conn: Connection, seqs: Iterable[int], at: datetime) -> None:
    """These were folded and everything that follows from them is in this transaction."""
    for part in chunks(sorted(set(seqs))):
        conn.execute(
            update(events)
            .where(listed(conn, events.c.seq, part), among(events.c.state, "new"))
            .values(state="done", done_at=at, queued_until=None, error=None)
        )


def not_tried(conn: Connection, clinic: str, seqs: Iterable[int]) -> None:
    """That these were taken up does not count; they come again when their lease is over."""
    c = events.c
    for part in chunks(sorted(seqs)):
        conn.execute(update(events).where(c.clinic_id == clinic, c.seq.in_(part)).values(tries=0))


def give_up(conn: Connection, seq: int, why: str, at: datetime) -> bool:
    """Put an event aside that can't be folded; False where it was not new any more."""
    statement = (
        update(events)
        .where(events.c.seq == seq, among(events.c.state, "new"))
        .values(state="quarantined", done_at=at, queued_until=None, error=storable(why))
    )
    return conn.execute(statement).rowcount == 1


def subjects(conn: Connection, clinic: str, seqs: Iterable[int]) -> list[str]:
    """The patients, as the events name them, of those of these events that are new; sorted."""
    found: set[str] = set()
    for part in chunks(sorted(set(seqs))):
        statement = select(events.c.subject).where(
            listed(conn, events.c.seq, part), events.c.clinic_id == clinic, among(events.c.state, "new")
        )
        found.update(conn.execute(statement.distinct()).scalars())
    return sorted(found)


def last_seq(conn: Connection, clinic: str) -> int:
    """The number of the last event that a clinic's systems told; 0 where there is none."""
    found = conn.execute(select(func.max(events.c.seq)).where(events.c.clinic_id == clinic)).scalar_one()
    return int(found or 0)


def backlog(conn: Connection, *, at_most: int | None = None) -> int:
    """How many events wait to be folded; counts no further than `at_most`."""
    waiting = select(events.c.seq).where(among(events.c.state, "new")).limit(at_most).subquery()
    return conn.execute(select(func.count()).select_from(waiting)).scalar_one()


def saw(conn: Connection, clinic: str, at: datetime) -> None:
    """The clinic's systems were heard at `at`. Never goes backwards. Locks the clinic's row: call it last in a transaction."""
    new = insert(conn, clinics).values(clinic_id=clinic, rules_version=0, feed_seen_at=at, created_at=at)
    c = clinics.c
    later = c.feed_seen_at.is_(None) | (c.feed_seen_at < new.excluded.feed_seen_at)
    conn.execute(
        new.on_conflict_do_update(
            index_elements=[c.clinic_id], set_={"feed_seen_at": new.excluded.feed_seen_at}, where=later
        )
    )

"""What exports of a system told before: the events of one source, and the imports that brought them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, func, select

from worker.domain.events import APPOINTMENT_STATUS
from worker.store.schema import events, imports, workspace_versions
from worker.store.sql import chunks


@dataclass(frozen=True, slots=True)
class Head:
    """An event without what it says. `id` is the sender's, `received` when it was taken in."""

    seq: int
    id: str
    type: str
    subject: str
    time: datetime
    received: datetime


@dataclass(frozen=True, slots=True)
class PastImport:
    """An import, open or closed; `loaded`: all its events were accepted."""

    id: int
    what: str
    opened_at: datetime
    loaded: bool
    closed: bool


_HEAD = (
    events.c.seq,
    events.c.event_id,
    events.c.type,
    events.c.subject,
    events.c.time,
    events.c.received_at,
)


def heads_of(
    conn: Connection, clinic: str, source: str, subjects: Iterable[str], begins: Collection[str]
) -> list[Head]:
    """The events of a source that tell of these patients and whose ids begin so, in the order in which they were taken in. All of `begins` are as long as the first."""
    c = events.c
    found: list[Head] = []
    length = len(next(iter(begins), ""))
    named = func.substr(c.event_id, 1, length).in_(sorted(begins))
    # Said so that the index of sources and ids can't be used: SQLite takes it for the better one, and would read all events of the source for every part of a file.
    of_source = c.source.concat("") == source
    for part in chunks(sorted(set(subjects))):
        asked = select(*_HEAD).where(c.clinic_id == clinic, c.subject.in_(part), of_source, named)
        found += [Head(*row) for row in conn.execute(asked)]
    return sorted(found, key=lambda head: head.seq)


def booked_from(
    conn: Connection, clinic: str, source: str, types: Collection[str], day: date
) -> Iterator[str]:
    """The ids of the events of these types by which a source told of appointments that start on a day or later, as their start is written."""
    c = events.c
    starts = c.data["starts_at"].as_string() >= day.isoformat()
    asked = select(c.event_id).where(
        c.clinic_id == clinic, c.source == source, c.type.in_(sorted(types)), starts
    )
    yield from conn.execution_options(yield_per=5000).execute(asked).scalars()


def appointment_heads(conn: Connection, clinic: str, source: str) -> Iterator[Head]:
    """All events of a source that tell of appointments, in the order in which they were taken in."""
    c = events.c
    kinds = c.type.in_(sorted(APPOINTMENT_STATUS))
    asked = select(*_HEAD).where(c.clinic_id == clinic, c.source == source, kinds).order_by(c.seq)
    for row in conn.execution_options(yield_per=5000).execute(asked):
        yield Head(*row)


def data_of(conn: Connection, clinic: str, seqs: Iterable[int]) -> dict[int, dict[str, Any]]:
    """What these events say, by their numbers."""
    c = events.c
    found: dict[int, dict[str, Any]] = {}
    for part in chunks(sorted(set(seqs))):
        asked = select(c.seq, c.data).where(c.clinic_id == clinic, c.seq.in_(part))
        found.update((seq, data or {}) for seq, data in conn.execute(asked))
    return found


def imports_named(conn: Connection, clinic: str, start: str) -> list[PastImport]:
    """The clinic's imports whose name starts so, the oldest first."""
    c = imports.c
    named = c.what.startswith(start, autoescape=True)
    asked = select(c.id, c.what, c.opened_at, c.last_seq, c.closed_at).where(c.clinic_id == clinic, named)
    return [
        PastImport(number, what, opened, last is not None, closed is not None)
        for number, what, opened, last, closed in conn.execute(asked.order_by(c.id))
    ]


def published_at(conn: Connection, clinic: str) -> datetime | None:
    """When the clinic's rooms in force were published."""
    c = workspace_versions.c
    asked = select(c.published_at).where(c.clinic_id == clinic).order_by(c.version.desc()).limit(1)
    return conn.execute(asked).scalar_one_or_none()

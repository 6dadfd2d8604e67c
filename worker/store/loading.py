"""Events of a file, a part of it at once; and how far the file was taken in, in the same transaction.

Rules
1. As in `events`: `(clinic, source, id)` is accepted once for ever. Which of a part were known is told, so that what is new can be folded in the same transaction.
2. What a file is known by is a digest of what it says and of how it is read. Its row is gone when the whole of it is in: then the same file is read from its beginning.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, delete, func, select

from worker.domain.events import Event
from worker.store.copying import aside, copies
from worker.store.schema import events, files_under_way
from worker.store.sql import among, chunks, insert, listed, many

FORGOTTEN: Final = timedelta(days=30)
"""A file that was broken off so long ago is read from its beginning."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of a part: the indexes of the events that were known, and the numbers of those that wait to be folded by their indexes."""

    known: frozenset[int]
    waiting: Mapping[int, int]


def load(
    conn: Connection,
    clinic: str,
    batch: Sequence[Event],
    at: datetime,
    *,
    folded: Collection[int],
    queued_until: Sequence[datetime],
) -> Loaded:
    """Keep what is new of a part of a file. `folded` are the indexes of those that the caller folds in this transaction; the others wait, left alone until `queued_until` of their index."""
    first: dict[tuple[str, str], int] = {}
    for index, event in enumerate(batch):
        first.setdefault((event.source, event.id), index)
    twice = frozenset(range(len(batch))) - frozenset(first.values())
    # In one order everywhere: two that take in the same events in different orders would else wait for each other.
    order = [first[key] for key in sorted(first)]
    rows = [
        {
            "clinic_id": clinic, "source": event.source, "event_id": event.id, "type": event.type, "subject": event.subject, "time": event.time,
            "data": event.data, "received_at": at, "state": "done" if index in folded else "new", "done_at": at if index in folded else None,
            "queued_until": None if index in folded else queued_until[index], "tries": 0,
        }
        for index in order
        for event in (batch[index],)
    ]  # fmt: skip
    if not rows:
        return Loaded(twice, {})
    known, waiting = _copied(conn, rows) if copies(conn) else _inserted(conn, clinic, rows)
    return Loaded(twice | {order[n] for n in known}, {order[n]: seq for n, seq in waiting})


_PUT: Final = """
WITH put AS (
  INSERT INTO events ({columns}) SELECT {columns} FROM {aside} ORDER BY n
  ON CONFLICT (clinic_id, source, event_id) DO NOTHING RETURNING seq, state, source, event_id)
SELECT n, seq FROM {aside} LEFT JOIN put USING (source, event_id) WHERE seq IS NULL OR put.state = 'new'
"""


def _copied(conn: Connection, rows: Sequence[Mapping[str, Any]]) -> tuple[list[int], list[tuple[int, int]]]:
    with aside(conn, events, rows) as name:
        told = conn.exec_driver_sql(_PUT.format(columns=", ".join(rows[0]), aside=name)).all()
    return [n for n, seq in told if seq is None], [(n, seq) for n, seq in told if seq is not None]


def _inserted(
    conn: Connection, clinic: str, rows: Sequence[Mapping[str, Any]]
) -> tuple[list[int], list[tuple[int, int]]]:
    # Nobody else writes while this transaction does, so that what is asked for first is still so.
    c = events.c
    there: set[tuple[str, str]] = set()
    for source in sorted({row["source"] for row in rows}):
        for part in chunks(row["event_id"] for row in rows if row["source"] == source):
            asked = select(c.event_id).where(
                c.clinic_id == clinic, c.source == source, listed(conn, c.event_id, part)
            )
            there.update((source, key) for key in conn.execute(asked).scalars())
    place = {(row["source"], row["event_id"]): n for n, row in enumerate(rows)}
    before = conn.execute(select(func.max(c.seq))).scalar_one() or 0
    many(conn, events.insert(), [row for key, row in zip(place, rows, strict=True) if key not in there])
    new = select(c.source, c.event_id, c.seq).where(c.seq > before, among(c.state, "new"))
    waiting = [(place[source, key], seq) for source, key, seq in conn.execute(new)]
    return [place[key] for key in there], waiting


def unfolded(conn: Connection, clinic: str, after: str, at_most: int) -> list[tuple[str, int]]:
    """Subjects and numbers of events that wait to be folded, patient by patient from the one after `after` on: about `at_most`, and none of a patient left out."""
    c = events.c
    if copies(conn):
        # The index by patients is in the order that is asked for. While most of a file is new, the planner knows too little of it to see that anything else costs a sort of all of it, for every part.
        conn.exec_driver_sql("SET LOCAL enable_sort = off")
    # Said so that the indexes of what is new can't be used: they know no order of patients, and all of it would be sorted for every part.
    new = c.state.concat("") == "new"
    which = (c.clinic_id == clinic, new, c.subject > after)
    asked = select(c.subject, c.seq).where(*which).order_by(c.subject, c.time).limit(at_most)
    found = [(subject, seq) for subject, seq in conn.execute(asked)]
    if len(found) < at_most:
        return found
    last = found[-1][0]
    whole = [pair for pair in found if pair[0] != last]
    asked = select(c.subject, c.seq).where(c.clinic_id == clinic, new, c.subject == last)
    return [*whole, *((subject, seq) for subject, seq in conn.execute(asked))]


# -- how far a file was taken in ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reached:
    """The last line of a file whose events are in, and what became of the lines until there."""

    line: int
    counts: dict[str, Any]


def reached(conn: Connection, clinic: str, digest: str) -> Reached | None:
    """How far a file was taken in; None where it was not begun, or is in whole."""
    c = files_under_way.c
    row = conn.execute(
        select(c.line, c.counts).where(c.clinic_id == clinic, c.digest == digest)
    ).one_or_none()
    return None if row is None else Reached(*row)


def reach(
    conn: Connection, clinic: str, digest: str, line: int, counts: Mapping[str, Any], at: datetime
) -> None:
    """A part of a file is in."""
    row = {"clinic_id": clinic, "digest": digest, "line": line, "counts": dict(counts), "at": at}
    new = insert(conn, files_under_way).values(row)
    changed = {name: new.excluded[name] for name in ("line", "counts", "at")}
    conn.execute(new.on_conflict_do_update(index_elements=["clinic_id", "digest"], set_=changed))


def whole(conn: Connection, clinic: str, digests: Collection[str], at: datetime) -> None:
    """These files are in; what was broken off long ago is forgotten, too."""
    c = files_under_way.c
    conn.execute(delete(files_under_way).where(c.clinic_id == clinic, c.digest.in_(sorted(digests))))
    conn.execute(delete(files_under_way).where(c.clinic_id == clinic, c.at < at - FORGOTTEN))

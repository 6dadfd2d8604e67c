"""What is due, taken by one taker at a time.

Rules
1. To take a row is one conditional update: it is marked `queued_until` and counted in `tries`, and nobody else gets it before that has run out. On PostgreSQL rows that
   another is taking at this moment are passed over.
2. The oldest first, at most `limit`; what is returned is in that order.
3. `now` says what is due. `wall` says which leases have run out; it is `now` but for a demo, whose clock stands still while its workers do not.
4. Patients of a clinic with an open import wait, and so do patients that were merged into others, for ever.
5. Where `share` is given and the first lot was full, each clinic that is not in it gives up to `share` rows besides: one clinic's backlog keeps no other waiting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    Table,
    bindparam,
    func,
    literal,
    or_,
    select,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from worker.store.schema import clinics, clock, enrollments, events, imports, messages, patients, rollouts
from worker.store.sql import among, free, insert
from worker.store.turns import is_behind, is_waiting
from worker.store.types import Instant

Moment = datetime | BindParameter[datetime]
ROUNDS: Final = 20
"""How often the clinics that a full lot left out are asked for; each round leaves out those that filled it."""


def take_events(
    conn: Connection,
    now: datetime,
    lease: timedelta,
    limit: int,
    *,
    wall: datetime | None = None,
    share: int = 0,
) -> list[tuple[str, int, int]]:
    """New events as (clinic, number, tries, this one included)."""
    rows = _take(conn, _NEW, [among(events.c.state, "new")], wall or now, lease, limit, share)
    return [(clinic, seq, tries) for clinic, seq, tries, _ in rows]


def take_patients(
    conn: Connection,
    now: datetime,
    lease: timedelta,
    limit: int,
    *,
    wall: datetime | None = None,
    share: int = 0,
) -> list[tuple[str, str]]:
    """Patients whom time alone changes by now, as (clinic, patient)."""
    rows = _take(conn, _CHANGING, _changing(now), wall or now, lease, limit, share)
    return [(clinic, patient) for clinic, patient, _ in rows]


def take_stale_rules(
    conn: Connection, now: datetime, lease: timedelta, limit: int, *, wall: datetime | None = None
) -> list[tuple[str, str]]:
    """Patients whose facts were computed under earlier rules than their clinic's, as (clinic, patient); `limit` is the pace."""
    c = patients.c
    stale = (
        select(clinics.c.clinic_id, clinics.c.rules_version).where(is_behind()).order_by(clinics.c.clinic_id)
    )
    taken: list[tuple[str, str]] = []
    for clinic, version in conn.execute(stale).all():
        which = [c.clinic_id == clinic, c.rules_version < version, c.alias_of.is_(None)]
        rows = _take(conn, _STALE, which, wall or now, lease, limit - len(taken))
        taken += [(clinic, patient) for clinic, patient, _ in rows]
        if len(taken) >= limit:
            break
    return taken


def take_enrollments(
    conn: Connection,
    now: datetime,
    lease: timedelta,
    limit: int,
    *,
    wall: datetime | None = None,
    share: int = 0,
) -> list[tuple[str, str, str]]:
    """Runs whose next step is due, as (clinic, patient, enrollment)."""
    rows = _take(conn, _STEPPING, _stepping(now), wall or now, lease, limit, share)
    return [(clinic, patient, run) for clinic, patient, run, _ in rows]


def take_messages(
    conn: Connection,
    now: datetime,
    lease: timedelta,
    limit: int,
    *,
    wall: datetime | None = None,
    share: int = 0,
) -> list[tuple[str, str]]:
    """Messages that may leave by now, as (clinic, id); among those due together, the lower `priority` goes first."""
    rows = _take(conn, _LEAVING, _leaving(now), wall or now, lease, limit, share)
    return [(clinic, key) for clinic, key, _, _ in rows]


def take_lookups(conn: Connection, wall: datetime, lease: timedelta, limit: int) -> list[tuple[str, str]]:
    """Unknown messages that are to be looked for at their provider, as (clinic, id). Providers live by the wall's clock."""
    c = messages.c
    which = [c.lookup_at.is_not(None), c.lookup_at <= wall]
    rows = _take(conn, _DOUBTFUL, which, wall, lease, limit)
    return [(clinic, key) for clinic, key, _ in rows]


def expired_claims(conn: Connection, now: datetime, limit: int) -> list[tuple[str, str]]:
    """Messages whose sender was not heard of before its lease ran out, as (clinic, id). Takes nothing: `outbox.finish` lets one caller win."""
    c = messages.c
    statement = (
        select(c.clinic_id, c.id)
        .where(among(c.state, "claimed"), c.claimed_until < now)
        .order_by(c.claimed_until, c.id)
        .limit(limit)
    )
    return [(clinic, key) for clinic, key in conn.execute(statement)]


def anything(conn: Connection, now: datetime, wall: datetime) -> bool:
    """Whether there is anything to take at this moment; asked by reading alone, so that an idle system writes nothing."""
    return bool(conn.execute(_ANYTHING, {"now": now, "wall": wall}).scalar_one())


def next_due(conn: Connection, after: datetime) -> datetime | None:
    """The earliest moment later than `after` at which something falls due. Leases are not due times."""
    found = (
        select(func.min(patients.c.next_change_at).label("at")).where(
            patients.c.next_change_at > after, *_may_change()
        ),
        select(func.min(enrollments.c.due_at)).where(
            enrollments.c.outcome.is_(None), enrollments.c.due_at > after
        ),
        select(func.min(messages.c.due_at)).where(
            among(messages.c.state, "scheduled"), messages.c.due_at > after
        ),
        select(func.min(rollouts.c.due_at)).where(rollouts.c.due_at > after),
    )
    return min((at for at in conn.execute(union_all(*found)).scalars() if at is not None), default=None)


def count_due(conn: Connection, now: datetime) -> int:
    """How much is to be done by now, whether somebody is at work on it or not: new events, changes, steps, messages, second halves."""
    return sum(conn.execute(_COUNT, {"now": now}).scalars())


def demo_clock(conn: Connection) -> datetime | None:
    """What the demo's clock shows; None in real life."""
    return conn.execute(_CLOCK).scalar_one_or_none()


def set_demo_clock(conn: Connection, now: datetime) -> None:
    """Set the demo's clock; every process reads it."""
    new = insert(conn, clock).values(id=1, now=now)
    conn.execute(new.on_conflict_do_update(index_elements=[clock.c.id], set_={"now": new.excluded.now}))


def _may_change() -> list[ColumnElement[bool]]:
    importing = select(imports.c.clinic_id).where(imports.c.closed_at.is_(None))
    return [
        patients.c.next_change_at.is_not(None),
        patients.c.alias_of.is_(None),
        patients.c.clinic_id.not_in(importing),
    ]


def _changing(now: Moment) -> list[ColumnElement[bool]]:
    return [patients.c.next_change_at <= now, *_may_change()]


def _stepping(now: Moment) -> list[ColumnElement[bool]]:
    return [enrollments.c.outcome.is_(None), enrollments.c.due_at.is_not(None), enrollments.c.due_at <= now]


def _leaving(now: Moment) -> list[ColumnElement[bool]]:
    return [among(messages.c.state, "scheduled"), messages.c.due_at <= now]


@dataclass(frozen=True, slots=True)
class _Line:
    """The order in which rows of `table` have their turn: by `due`, then by `then` (rule 5), then by `key`. `wanted`, the clinic first, is told of those that are taken."""

    table: Table
    key: tuple[Column[Any], ...]
    due: Column[Any]
    wanted: tuple[Column[Any], ...]
    then: tuple[Column[Any], ...] = ()


def _of_patients(due: Column[Any]) -> _Line:
    whose = (patients.c.clinic_id, patients.c.patient_id)
    return _Line(patients, whose, due, whose)


_NEW: Final = _Line(events, (events.c.seq,), events.c.seq, (events.c.clinic_id, events.c.seq, events.c.tries))
_CHANGING: Final = _of_patients(patients.c.next_change_at)
_STALE: Final = _of_patients(patients.c.rules_version)
_STEPPING: Final = _Line(
    enrollments,
    (enrollments.c.clinic_id, enrollments.c.id),
    enrollments.c.due_at,
    (enrollments.c.clinic_id, enrollments.c.patient_id, enrollments.c.id),
)
_LEAVING: Final = _Line(
    messages,
    (messages.c.id,),
    messages.c.due_at,
    (messages.c.clinic_id, messages.c.id, messages.c.priority),
    (messages.c.priority,),
)
_DOUBTFUL: Final = _Line(
    messages, (messages.c.id,), messages.c.lookup_at, (messages.c.clinic_id, messages.c.id)
)


def _take(
    conn: Connection,
    line: _Line,
    which: Sequence[ColumnElement[bool]],
    wall: datetime,
    lease: timedelta,
    limit: int,
    share: int = 0,
) -> list[Any]:
    """Take the first of a line; of each what is wanted, and its due time. `share`: how many more of each clinic that a full lot left out."""

    def oldest(most: int, *others: ColumnElement[bool]) -> list[Any]:
        rows = conn.execute(_taking(line, [*which, *others, free(line.table, wall)], wall + lease, most))
        return sorted(rows, key=lambda row: (row.due, row[2] if line.then else 0, *map(str, row[:2])))

    rows = oldest(limit)
    more, served = rows, {row[0] for row in rows}
    for _ in range(ROUNDS):
        # Whose rows filled the first lot may have left others out; only then is it asked for them.
        if not share or len(more) < (limit if more is rows else share):
            break
        more = oldest(share, line.table.c.clinic_id.not_in(sorted(served)))
        served |= {row[0] for row in more}
        rows = rows + more
    return rows


def _taking(
    line: _Line, which: Sequence[ColumnElement[bool]], until: datetime, limit: int
) -> ReturningUpdate[Any]:
    table, key = line.table, line.key
    # A WITH that locks is run once; as a plain subquery PostgreSQL may run it again and take more than `limit`.
    picked = (
        select(*key)
        .where(*which)
        .order_by(line.due, *line.then, *key)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("picked")
    )
    mine = key[0].in_(select(picked)) if len(key) == 1 else tuple_(*key).in_(select(picked))
    return (
        update(table)
        .where(mine)
        .values(queued_until=literal(until, table.c.queued_until.type), tries=table.c.tries + 1)
        .returning(*line.wanted, line.due.label("due"))
    )


# What is asked at every beat is put together once: building it costs more than the database needs to answer it.
_NOW: Final = bindparam("now", type_=Instant)
_WALL: Final = bindparam("wall", type_=Instant)
_CLOCK: Final = select(clock.c.now).where(clock.c.id == 1)


def _anything() -> Select[Any]:
    asked = (
        select(events.c.seq).where(among(events.c.state, "new"), free(events, _WALL)),
        select(patients.c.patient_id).where(*_changing(_NOW), free(patients, _WALL)),
        select(enrollments.c.id).where(*_stepping(_NOW), free(enrollments, _WALL)),
        select(messages.c.id).where(*_leaving(_NOW), free(messages, _WALL)),
        select(messages.c.id).where(among(messages.c.state, "claimed"), messages.c.claimed_until < _WALL),
        select(messages.c.id).where(messages.c.lookup_at <= _WALL, free(messages, _WALL)),
        select(clinics.c.clinic_id).where(is_behind()),
        select(enrollments.c.id).where(*is_waiting()),
        select(rollouts.c.id).where(rollouts.c.due_at <= _NOW),
    )
    return select(or_(*(statement.correlate(None).exists() for statement in asked)))


def _count() -> CompoundSelect[Any]:
    counted = (
        (events, [among(events.c.state, "new")]),
        (patients, _changing(_NOW)),
        (enrollments, _stepping(_NOW)),
        (enrollments, is_waiting()),
        (messages, _leaving(_NOW)),
        (messages, [among(messages.c.state, "claimed")]),
        (rollouts, [rollouts.c.due_at <= _NOW]),
    )
    return union_all(*(select(func.count()).select_from(table).where(*which) for table, which in counted))


_ANYTHING: Final = _anything()
_COUNT: Final = _count()

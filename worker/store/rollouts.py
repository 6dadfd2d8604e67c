"""Rollouts of a journey in two halves, who is in which, and the patients who may stand where a journey starts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, func, or_, select, update

from worker.store.schema import memberships, patients, rollout_members, rollouts
from worker.store.sql import chunks, insert, many


@dataclass(frozen=True, slots=True)
class Rollout:
    """One rollout. `due_at` is when the second half is to be looked at next, None once all of it is settled; `assigned_at` None while its halves are still being drawn."""

    id: int
    clinic: str
    journey: str
    started_at: datetime
    second_at: datetime
    assigned_at: datetime | None
    due_at: datetime | None
    actor: str


@dataclass(frozen=True, slots=True)
class Member:
    """A patient of a rollout: half 1 or 2, since when she stood where the journey starts, when she was enrolled or why she was not."""

    patient: str
    half: int
    since: datetime
    enrolled_at: datetime | None = None
    refused: str | None = None


_ROLLOUT: Final = tuple(rollouts.c[name] for name in Rollout.__slots__ if name != "clinic")


def candidates(
    conn: Connection,
    clinic: str,
    segments: Collection[str],
    version: int,
    now: datetime,
    after: str,
    limit: int,
) -> list[str]:
    """Patients, by id from `after` on, who stand in one of these segments, or of whom that is not known under the rules of `version`, or not as of `now`."""
    p, m = patients.c, memberships.c
    inside = select(m.patient_id).where(m.clinic_id == clinic, m.segment.in_(sorted(segments)))
    unsure = or_(
        p.patient_id.in_(inside),
        p.rules_version.is_(None),
        p.rules_version != version,
        p.next_change_at <= now,
    )
    statement = (
        select(p.patient_id)
        .where(
            p.clinic_id == clinic,
            p.alias_of.is_(None),
            p.erased_at.is_(None),
            p.patient_id > after,
            unsure,
        )
        .order_by(p.patient_id)
        .limit(limit)
    )
    return list(conn.execute(statement).scalars())


def begin(
    conn: Connection, clinic: str, journey: str, started_at: datetime, second_at: datetime, actor: str
) -> bool:
    """Begin a rollout; False, and nothing is done, where one of that journey is under way."""
    row = {
        "clinic_id": clinic,
        "journey": journey,
        "started_at": started_at,
        "second_at": second_at,
        "due_at": second_at,
        "actor": actor,
    }
    found = conn.execute(insert(conn, rollouts).values(row).on_conflict_do_nothing())
    return found.rowcount == 1


def open_one(conn: Connection, clinic: str, journey: str) -> Rollout | None:
    """The rollout of a journey that is under way."""
    c = rollouts.c
    which = (c.clinic_id == clinic, c.journey == journey, c.due_at.is_not(None))
    row = conn.execute(select(*_ROLLOUT).where(*which)).mappings().one_or_none()
    return Rollout(clinic=clinic, **row) if row is not None else None


def of_clinic(conn: Connection, clinic: str) -> list[Rollout]:
    """All rollouts of a clinic, the oldest first."""
    statement = select(*_ROLLOUT).where(rollouts.c.clinic_id == clinic).order_by(rollouts.c.id)
    return [Rollout(clinic=clinic, **row) for row in conn.execute(statement).mappings()]


def due(conn: Connection, now: datetime) -> list[Rollout]:
    """The rollouts whose second half is to be looked at by now."""
    c = rollouts.c
    statement = select(c.clinic_id, *_ROLLOUT).where(c.due_at <= now).order_by(c.due_at, c.id)
    rows: list[Mapping[str, Any]] = [dict(row) for row in conn.execute(statement).mappings()]
    return [Rollout(clinic=row["clinic_id"], **{n: row[n] for n in row if n != "clinic_id"}) for row in rows]


def assigned(conn: Connection, rollout: int, at: datetime) -> None:
    """Everyone has a half."""
    c = rollouts.c
    conn.execute(update(rollouts).where(c.id == rollout, c.assigned_at.is_(None)).values(assigned_at=at))


def look_again(conn: Connection, rollout: int, at: datetime | None) -> None:
    """The second half is looked at then; never again where that is None."""
    conn.execute(update(rollouts).where(rollouts.c.id == rollout).values(due_at=at))


def keep(conn: Connection, clinic: str, rollout: int, members: Sequence[Member]) -> None:
    """Keep members; what is known of one already is overwritten, but for her half and since when."""
    rows = [
        {
            "clinic_id": clinic,
            "rollout": rollout,
            "patient_id": member.patient,
            "half": member.half,
            "since": member.since,
            "enrolled_at": member.enrolled_at,
            "refused": member.refused,
        }
        for member in members
    ]
    statement = insert(conn, rollout_members)
    settled = {name: statement.excluded[name] for name in ("enrolled_at", "refused")}
    keys = ["clinic_id", "rollout", "patient_id"]
    many(conn, statement.on_conflict_do_update(index_elements=keys, set_=settled), rows)


def known(conn: Connection, clinic: str, rollout: int, ids: Collection[str]) -> frozenset[str]:
    """Those of the patients who have a half in it."""
    c = rollout_members.c
    found: set[str] = set()
    for part in chunks(sorted(ids)):
        which = (c.clinic_id == clinic, c.rollout == rollout, c.patient_id.in_(part))
        found.update(conn.execute(select(c.patient_id).where(*which)).scalars())
    return frozenset(found)


def waiting_of(conn: Connection, clinic: str, ids: Collection[str]) -> frozenset[str]:
    """Those of the patients who wait for the second half of a rollout."""
    c = rollout_members.c
    found: set[str] = set()
    for part in chunks(sorted(ids)):
        which = (c.clinic_id == clinic, c.enrolled_at.is_(None), c.refused.is_(None))
        found.update(conn.execute(select(c.patient_id).where(*which, c.patient_id.in_(part))).scalars())
    return frozenset(found)


def waiting(conn: Connection, clinic: str, rollout: int, after: str, limit: int) -> list[Member]:
    """Those who wait for its second half, by id from `after` on."""
    c = rollout_members.c
    which = (c.clinic_id == clinic, c.rollout == rollout, c.patient_id > after)
    statement = (
        select(c.patient_id, c.half, c.since)
        .where(*which, c.enrolled_at.is_(None), c.refused.is_(None))
        .order_by(c.patient_id)
        .limit(limit)
    )
    return [Member(*row) for row in conn.execute(statement)]


def members(conn: Connection, clinic: str, rollout: int) -> list[Member]:
    """Everyone in it, by id."""
    c = rollout_members.c
    wanted = (c.patient_id, c.half, c.since, c.enrolled_at, c.refused)
    statement = select(*wanted).where(c.clinic_id == clinic, c.rollout == rollout).order_by(c.patient_id)
    return [Member(*row) for row in conn.execute(statement)]


def left_waiting(conn: Connection, clinic: str, rollout: int) -> int:
    """How many wait for its second half."""
    c = rollout_members.c
    which = (c.clinic_id == clinic, c.rollout == rollout, c.enrolled_at.is_(None), c.refused.is_(None))
    return conn.execute(select(func.count()).select_from(rollout_members).where(*which)).scalar_one()

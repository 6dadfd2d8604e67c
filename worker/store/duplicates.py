"""Pairs of records that may be one patient, and what was decided over them. Ids and levels of likeness; never a name, a phone or a date.

Rules
1. A pair is one row, the lesser id first. It is `proposed` until somebody decides; then `merged` or `distinct`. What is taken back is `proposed` again and keeps by whom.
2. A new search replaces what an earlier one proposed; what a person decided over stays, whatever is found.
3. That records were compared, and how many pairs came out, stands in the audit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import Connection, and_, delete, func, select, update

from worker.store.audit import note
from worker.store.schema import audit, duplicates
from worker.store.sql import insert, many

State = Literal["proposed", "merged", "distinct"]
SEARCHED: Final = "duplicates searched"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two ids, how likely they are one patient (bits), what speaks for it by field, and what was decided. `band` is "" where the last search did not find it. `event_id` is the merge's."""

    left: str
    right: str
    score: int = 0
    band: str = ""
    reasons: Mapping[str, str] | None = None
    state: State = "proposed"
    decided_by: str | None = None
    decided_at: datetime | None = None
    event_id: str | None = None

    @property
    def ids(self) -> frozenset[str]:
        """Both."""
        return frozenset((self.left, self.right))


_OF_PAIR: Final = [
    duplicates.c[{"left": "left_id", "right": "right_id"}.get(one.name, one.name)] for one in fields(Pair)
]


@dataclass(frozen=True, slots=True)
class Searched:
    """A search: when, how many records were compared, and how many pairs of each band were open after it."""

    at: datetime
    patients: int
    certain: int
    proposed: int


def pairs(conn: Connection, clinic: str) -> list[Pair]:
    """All that are known, the likeliest first."""
    c = duplicates.c
    statement = select(*_OF_PAIR).where(c.clinic_id == clinic).order_by(c.score.desc(), c.left_id, c.right_id)
    return [Pair(*row) for row in conn.execute(statement)]


def pair_of(conn: Connection, clinic: str, one: str, other: str) -> Pair | None:
    """What is known of two ids, in either order; None where nothing is."""
    left, right = sorted((one, other))
    c = duplicates.c
    which = (c.clinic_id == clinic, c.left_id == left, c.right_id == right)
    row = conn.execute(select(*_OF_PAIR).where(*which)).one_or_none()
    return Pair(*row) if row is not None else None


def found(
    conn: Connection, clinic: str, new: Sequence[Pair], patients: int, actor: str, at: datetime
) -> None:
    """Keep what a search found in place of what the one before did (rule 2)."""
    c = duplicates.c
    open_ = and_(c.clinic_id == clinic, c.state == "proposed")
    conn.execute(delete(duplicates).where(open_, c.decided_by.is_(None)))
    conn.execute(update(duplicates).where(open_).values(score=0, band="", reasons={}))
    rows = [
        {
            "clinic_id": clinic, "left_id": one.left, "right_id": one.right, "score": one.score, "band": one.band, "reasons": dict(one.reasons or {}),
            "state": "proposed", "found_at": at,
        }
        for one in new
    ]  # fmt: skip
    statement = insert(conn, duplicates)
    again = {name: statement.excluded[name] for name in ("score", "band", "reasons", "found_at")}
    keys = ["clinic_id", "left_id", "right_id"]
    many(
        conn,
        statement.on_conflict_do_update(index_elements=keys, set_=again, where=c.state == "proposed"),
        rows,
    )
    bands = [one.band for one in new]
    counts = {"patients": patients, "certain": bands.count("certain"), "proposed": bands.count("proposed")}
    note(conn, clinic, at, actor, SEARCHED, counts)


def decide(
    conn: Connection,
    clinic: str,
    one: str,
    other: str,
    state: State,
    by: str,
    at: datetime,
    event_id: str | None = None,
) -> None:
    """Somebody decided over two ids; a pair that nobody had proposed is one now."""
    left, right = sorted((one, other))
    decided: dict[str, Any] = {"state": state, "decided_by": by, "decided_at": at, "event_id": event_id}
    new = {
        "clinic_id": clinic,
        "left_id": left,
        "right_id": right,
        "score": 0,
        "band": "",
        "reasons": {},
        "found_at": at,
    }
    statement = insert(conn, duplicates).values(**new, **decided)
    conn.execute(
        statement.on_conflict_do_update(index_elements=["clinic_id", "left_id", "right_id"], set_=decided)
    )


def searched(conn: Connection, clinic: str) -> Searched | None:
    """The last search, and what is open of it now; None where nobody has searched."""
    a, c = audit.c, duplicates.c
    last = conn.execute(
        select(a.at, a.detail)
        .where(a.clinic_id == clinic, a.action == SEARCHED)
        .order_by(a.id.desc())
        .limit(1)
    ).one_or_none()
    if last is None:
        return None
    counted = select(c.band, func.count()).where(c.clinic_id == clinic, c.state == "proposed", c.band != "")
    open_ = {str(band): int(size) for band, size in conn.execute(counted.group_by(c.band))}
    return Searched(last.at, last.detail["patients"], open_.get("certain", 0), open_.get("proposed", 0))

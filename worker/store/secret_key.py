"""Which secret key a database's hashes were made with: one row, made at the first start."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection, Table, func, select, update

from worker.store.schema import api_tokens, messages, secret_key, suppressions
from worker.store.sql import insert

_ONLY: Final = 1


class Keyed(NamedTuple):
    """How much is of use with that key alone: addresses that must not be written to, open tokens, messages that left with links in them."""

    suppressions: int
    tokens: int
    messages: int


def mark_of(conn: Connection) -> str | None:
    """The mark of the key; None in a database that was never started with one."""
    return conn.execute(select(secret_key.c.mark).where(secret_key.c.id == _ONLY)).scalar_one_or_none()


def first(conn: Connection, mark: str, at: datetime) -> str:
    """Keep the mark where there is none; returns the one that stands: of several that start at once the first one's."""
    statement = insert(conn, secret_key).values(id=_ONLY, mark=mark, since=at)
    conn.execute(statement.on_conflict_do_nothing(index_elements=["id"]))
    kept = select(secret_key.c.mark).where(secret_key.c.id == _ONLY).with_for_update()
    found: str = conn.execute(kept).scalar_one()
    return found


def replace(conn: Connection, mark: str, at: datetime) -> None:
    """From now on it is another key."""
    conn.execute(update(secret_key).where(secret_key.c.id == _ONLY).values(mark=mark, since=at))


def keyed(conn: Connection, clinic: str | None = None) -> Keyed:
    """What would be of no use with another key, of one clinic or of all."""

    def count(table: Table, *which: object) -> int:
        asked = select(func.count()).select_from(table).where(*which)  # type: ignore[arg-type]
        if clinic is not None:
            asked = asked.where(table.c.clinic_id == clinic)
        return conn.execute(asked).scalar_one()

    return Keyed(
        count(suppressions, suppressions.c.lifted_at.is_(None)),
        count(api_tokens, api_tokens.c.revoked_at.is_(None)),
        count(messages, messages.c.sent_at.is_not(None)),
    )

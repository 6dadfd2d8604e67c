"""Tokens of the API: one row each, by a keyed hash. The token itself is nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select, update

from worker.store.schema import api_tokens


class Token(NamedTuple):
    """What is known of a token."""

    id: int
    clinic: str
    name: str
    hash: str
    scopes: Sequence[str]
    created_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


_C = api_tokens.c
_COLUMNS = (_C.id, _C.clinic_id, _C.name, _C.hash, _C.scopes, _C.created_at, _C.used_at, _C.revoked_at)


def add(conn: Connection, clinic: str, name: str, hashed: str, scopes: Sequence[str], at: datetime) -> None:
    """Keep a new token."""
    conn.execute(
        api_tokens.insert().values(
            clinic_id=clinic, name=name, hash=hashed, scopes=list(scopes), created_at=at, used_at=None, revoked_at=None
        )
    )  # fmt: skip


def listed(conn: Connection, clinic: str) -> list[Token]:
    """All tokens of a clinic, the oldest first, those that were revoked too."""
    return [
        Token(*row) for row in conn.execute(select(*_COLUMNS).where(_C.clinic_id == clinic).order_by(_C.id))
    ]


def valid(conn: Connection, hashed: str) -> Token | None:
    """The token with this hash, of whichever clinic, unless it was revoked."""
    row = conn.execute(select(*_COLUMNS).where(_C.hash == hashed, _C.revoked_at.is_(None))).one_or_none()
    return None if row is None else Token(*row)


def used(conn: Connection, number: int, at: datetime) -> None:
    """It opened a door at `at`."""
    conn.execute(update(api_tokens).where(_C.id == number).values(used_at=at))


def revoke(conn: Connection, clinic: str, name: str, at: datetime) -> int:
    """Close every door for the tokens of this name; returns how many were still open."""
    which = (_C.clinic_id == clinic, _C.name == name, _C.revoked_at.is_(None))
    return conn.execute(update(api_tokens).where(*which).values(revoked_at=at)).rowcount

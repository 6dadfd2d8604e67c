"""Tokens of the API: made, shown once, known again, revoked.

Rules
1. A token is 256 random bits. What is kept is its HMAC under the secret key: who reads the database can neither use nor try it.
2. It belongs to one clinic and opens only what its scopes name: `events` (POST /events), `page` (the page at /).
3. REVISIT_API_TOKEN opens everything, of the only clinic or of `default`, and is kept nowhere in the database.
4. Secrets are compared in constant time. The look-up by hash tells nothing by its time either: whoever does not know the key cannot steer the hash.
5. A token that is revoked opens nothing from the next request on.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from worker.store import tokens as stored
from worker.store.audit import note
from worker.store.engine import read, write
from worker.workspace.house import House

SCOPES: Final = ("events", "page")
PREFIX: Final = "revisit_"
"""So that a token that lies about is seen for what it is, by people and by programs that look for secrets."""
NAME: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
USED_EVERY: Final = timedelta(minutes=1)
"""How exactly `used_at` is kept: a write for every request would cost more than it tells."""


class BadName(ValueError):
    """A token can't have this name or these scopes; the message says why."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the clinic (None: the only one, else `default`), what may be done, and a name for limits that is no secret."""

    clinic: str | None
    scopes: frozenset[str]
    name: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A token as it may be shown."""

    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


def create(house: House, clinic: str, name: str, scopes: Sequence[str], actor: str) -> str:
    """Make a token and return it, for the only time. Raises BadName."""
    if not NAME.fullmatch(name):
        raise BadName(
            f"`{name}` can't be the name of a token: 1 to 64 small letters, digits, `_`, `.` and `-`, beginning with a letter or a digit"
        )
    strange = sorted(set(scopes) - set(SCOPES))
    if strange or not scopes:
        raise BadName(
            f"{f'`{strange[0]}` is no scope' if strange else 'a token without a scope opens nothing'}; there are: {', '.join(SCOPES)}"
        )
    kept = sorted(set(scopes), key=SCOPES.index)
    token = PREFIX + secrets.token_urlsafe(32)
    with write(house.engine) as conn:
        if any(one.name == name and one.revoked_at is None for one in stored.listed(conn, clinic)):
            raise BadName(f"there is a token `{name}` already; revoke it first, or choose another name")
        now = house.wall()
        stored.add(conn, clinic, name, _hashed(house, token), kept, now)
        note(conn, clinic, now, actor, "token created", {"name": name, "scopes": kept})
    return token


def listed(house: House, clinic: str) -> list[Shown]:
    """All tokens of a clinic, the oldest first."""
    with read(house.engine) as conn:
        return [
            Shown(one.name, tuple(one.scopes), one.created_at, one.used_at, one.revoked_at)
            for one in stored.listed(conn, clinic)
        ]


def revoke(house: House, clinic: str, name: str, actor: str) -> bool:
    """Close the token of this name; False where none is open."""
    with write(house.engine) as conn:
        now = house.wall()
        done = stored.revoke(conn, clinic, name, now)
        if done:
            note(conn, clinic, now, actor, "token revoked", {"name": name})
    return bool(done)


def caller(house: House, master: str, given: str) -> Caller | None:
    """Whose token this is; None where it opens nothing. `master` is REVISIT_API_TOKEN."""
    if hmac.compare_digest(given.encode("utf-8", "surrogateescape"), master.encode()):
        return Caller(None, frozenset(SCOPES), "REVISIT_API_TOKEN")
    if not given.startswith(PREFIX):
        return None
    hashed = _hashed(house, given)
    with read(house.engine) as conn:
        found = stored.valid(conn, hashed)
    if found is None or not hmac.compare_digest(found.hash, hashed):
        return None
    now = house.wall()
    if found.used_at is None or now - found.used_at >= USED_EVERY:
        with write(house.engine) as conn:
            stored.used(conn, found.id, now)
    return Caller(found.clinic, frozenset(found.scopes), f"{found.clinic}/{found.id}")


def _hashed(house: House, token: str) -> str:
    words = b"api-token:" + token.encode("utf-8", "surrogateescape")
    return hmac.new(house.secret.encode(), words, hashlib.sha256).hexdigest()

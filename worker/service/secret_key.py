"""The secret key must stay the same: suppressed addresses are kept as hashes under it, so with another key none of them would be recognised, and their owners be written to again.

Rules
1. A database keeps the mark of the key that it was first started with: a keyed hash of a constant, from which the key cannot be found. Whoever opens the database compares.
2. Another key is taken in silence only where nothing was kept under the one before: no suppression, no open token, no message that left.
3. Else it is refused, until a person accepts the loss. No address can be hashed anew: who was forgotten has none here any more, which is why the hash was kept.
"""

from __future__ import annotations

import hashlib
import hmac

import structlog

from worker.store import rooms as stored_rooms
from worker.store import secret_key as stored
from worker.store.audit import note
from worker.store.engine import read, write
from worker.store.migrate import newest, revision
from worker.store.secret_key import Keyed
from worker.workspace.house import House

log = structlog.get_logger(__name__)


def same_key(house: House) -> Keyed | None:
    """None where this database may be used with the house's key; else what would be lost with it."""
    mine = _mark(house)
    with read(house.engine) as conn:
        if stored.mark_of(conn) == mine:
            return None
    with write(house.engine) as conn:
        if stored.first(conn, mine, house.wall()) == mine:
            return None
        lost = stored.keyed(conn)
        if any(lost):
            return lost
        stored.replace(conn, mine, house.wall())
    log.info("another secret key; nothing was kept under the one before")
    return None


def marked_otherwise(house: House) -> bool:
    """Whether something would be lost with the house's key. Reads alone; a database without tables was used with none."""
    with read(house.engine) as conn:
        if revision(conn) != newest():
            return False
        mark = stored.mark_of(conn)
        return mark not in (None, _mark(house)) and any(stored.keyed(conn))


def accept_key(house: House, actor: str) -> Keyed:
    """Use the database with the house's key from now on; returns what was lost, all zeros where it is the same key."""
    mine = _mark(house)
    with write(house.engine) as conn:
        now = house.wall()
        if stored.first(conn, mine, now) == mine:
            return Keyed(0, 0, 0)
        lost = stored.keyed(conn)
        stored.replace(conn, mine, now)
        for clinic in stored_rooms.clinic_ids(conn):
            note(conn, clinic, now, actor, "secret key changed", stored.keyed(conn, clinic)._asdict())
    return lost


def _mark(house: House) -> str:
    return hmac.new(house.secret.encode(), b"the secret key of this database", hashlib.sha256).hexdigest()

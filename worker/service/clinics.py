"""Which clinic a provider's call is about, where the call itself does not say."""

from __future__ import annotations

from sqlalchemy import Connection

from worker.store import replies
from worker.store import rooms as stored_rooms
from worker.workspace.house import House, NoRooms
from worker.workspace.rooms import BrokenRooms

DEFAULT = "default"


def clinic_of(conn: Connection, asked: str | None) -> str:
    """The clinic that the call's address names, else the only one there is, else `default`."""
    known = stored_rooms.clinic_ids(conn)
    if asked is not None and asked in known:
        return asked
    return known[0] if len(known) == 1 else DEFAULT


def clinics_called(
    house: House, conn: Connection, asked: str | None, senders: frozenset[str], address: str
) -> list[str]:
    """The clinics that somebody at `address` may mean who writes to one of `senders` (our number, our Messaging Service), the likeliest first.

    The clinic that the call's address names, else the only one there is; else those that send from there, the one that wrote to this address last first; else
    those that wrote to this address; else the one that `clinic_of` says.
    """
    known = stored_rooms.clinic_ids(conn)
    if asked is not None and asked in known:
        return [asked]
    if len(known) == 1:
        return known
    ours = [clinic for clinic in known if _sends_from(house, conn, clinic, senders)]
    wrote = replies.clinics_written_from(conn, ours or known, "sms", address)
    return list(dict.fromkeys([*wrote, *ours])) or [clinic_of(conn, asked)]


def _sends_from(house: House, conn: Connection, clinic: str, senders: frozenset[str]) -> bool:
    try:
        sender = house.rooms(conn, clinic).senders.get("sms")
    except (NoRooms, BrokenRooms):
        return False
    return sender is not None and sender.sender in senders

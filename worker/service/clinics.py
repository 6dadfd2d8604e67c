"""Which clinic a provider's call is about, where the call itself does not say."""

from __future__ import annotations

from sqlalchemy import Connection

from worker.delivery.senders import EVERYBODYS
from worker.domain.shape import Reader
from worker.store import replies
from worker.store import rooms as stored_rooms
from worker.store.engine import read
from worker.workspace.config_channels import Own, parse_channels
from worker.workspace.house import House, NoRooms
from worker.workspace.rooms import BrokenRooms
from worker.workspace.trees import tree_of

DEFAULT = "default"


def known_clinics(house: House) -> list[str]:
    """All clinics of which something is in force, sorted."""
    with read(house.engine) as conn:
        return stored_rooms.clinic_ids(conn)


def clinic_of(conn: Connection, asked: str | None) -> str:
    """The clinic that the call's address names, else the only one there is, else `default`."""
    known = stored_rooms.clinic_ids(conn)
    if asked is not None and asked in known:
        return asked
    return known[0] if len(known) == 1 else DEFAULT


def own_accounts(house: House, conn: Connection, asked: str | None) -> Own:
    """The names of the credentials that a call is checked with: those of the clinic that its address names, else of the only one there is, else everybody's.

    config/channels.yaml alone is read where the rest is broken: whoever writes STOP is heard all the same.
    """
    known = stored_rooms.clinic_ids(conn)
    clinic = asked if asked in known else known[0] if len(known) == 1 else None
    version = stored_rooms.current_version(conn, clinic) if clinic is not None else None
    if clinic is None or version is None:
        return EVERYBODYS
    try:
        senders = house.rooms(conn, clinic).senders
    except BrokenRooms:
        files = stored_rooms.files_of(conn, clinic, version) or {}
        senders = parse_channels(Reader(), tree_of(files, "config/channels.yaml"), clinic)
    return next((sender.own for sender in senders.values()), EVERYBODYS)


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

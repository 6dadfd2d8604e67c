"""What a link in a message stands for, and why it may no longer: without anything about the patient but the language that she reads.

A link that was made by us and is too old still says whose it was, so that its page can name the clinic's telephone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from worker.delivery.links import is_short, read_signed
from worker.domain.clinic import Clinic
from worker.store import links, outbox
from worker.store import rooms as stored_rooms
from worker.store.engine import read
from worker.workspace.house import House, NoRooms

LEFT: Final = frozenset({"claimed", "sent", "unknown", "delivered", "undelivered"})
"""States of a message that may have reached its patient; of another one nobody has the links but the clinic."""


@dataclass(frozen=True, slots=True)
class Link:
    """What a link stands for. `language` is the message's, `channel` the one that it left through, the clinic's phone may be ""."""

    clinic: str
    message: str
    channel: str
    language: str
    clinic_name: str
    clinic_phone: str


@dataclass(frozen=True, slots=True)
class Dead:
    """A link that does nothing: `expired` where it once did, else none that we have made. What is not known of the clinic is ""; `language` is None where nobody knows whose it is."""

    expired: bool = False
    language: str | None = None
    clinic_name: str = ""
    clinic_phone: str = ""


@dataclass(frozen=True, slots=True)
class Short:
    """A short link: what is kept of it, and what it stands for."""

    kept: links.Link
    link: Link


def open_signed(house: House, token: str) -> Link | Dead:
    """What a `/u` link stands for."""
    signed = read_signed(house.secret, token)
    with read(house.engine) as conn:
        link = find(conn, house, signed.clinic, signed.message) if signed is not None else None
        if signed is None or link is None:
            return stranger(conn, house)
        return dead(link) if signed.expired(house.now(conn)) else link


def open_short(conn: Connection, house: House, token: str) -> Short | Dead:
    """What a `/r` link stands for."""
    row = links.find(conn, token) if is_short(house.secret, token) else None
    link = find(conn, house, row.clinic, row.message_id) if row is not None else None
    if row is None or link is None:
        return stranger(conn, house)
    return Short(row, link) if house.now(conn) < row.expires_at else dead(link)


def find(conn: Connection, house: House, clinic: str, message: str) -> Link | None:
    """Whose link it is; None where the message is gone, or nothing is published."""
    row = next(iter(outbox.get(conn, clinic, [message])), None)
    about = _clinic(conn, house, clinic) if row is not None else None
    if row is None or about is None:
        return None
    return Link(
        clinic, message, row.message.channel or "email", row.language or about.language, about.name, about.phone
    )  # fmt: skip


def dead(link: Link) -> Dead:
    """The same link, too old."""
    return Dead(True, link.language, link.clinic_name, link.clinic_phone)


def stranger(conn: Connection, house: House) -> Dead:
    """A link that we have not made. With one clinic in the house it is known whom to call."""
    known = stored_rooms.clinic_ids(conn)
    about = _clinic(conn, house, known[0]) if len(known) == 1 else None
    return Dead(clinic_name=about.name, clinic_phone=about.phone) if about is not None else Dead()


def _clinic(conn: Connection, house: House, clinic: str) -> Clinic | None:
    try:
        return house.clinic(conn, clinic)
    except NoRooms:
        return None

"""The addresses that one message names: made before it is rendered, the same ones each time.

Rules
1. No more links than the journey and the text need (worker/workspace/tracked.py); each is kept before the text that names it can leave.
2. An e-mail carries the signed link to unsubscribe, in its header too. In an SMS a short link leads to the same page, since each character is paid for.
3. The moment that is signed is that at which the step fell due: a text that is rendered again says the same.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from worker.delivery.links import KEPT_FOR, short_token, short_url, unsubscribe_url
from worker.domain.history import Message
from worker.store import links
from worker.workspace.house import House
from worker.workspace.rooms import Rooms
from worker.workspace.tracked import named_links, tracks
from worker.workspace.variables import Addresses

__all__ = ["Addresses", "addresses"]


def addresses(
    conn: Connection,
    house: House,
    rooms: Rooms,
    message: Message,
    message_id: str,
    channel: str,
    now: datetime,
) -> tuple[Addresses, list[links.Link]]:
    """The addresses of a message that is about to leave through `channel`, and the links that are to be kept in the transaction that claims it."""
    clinic = rooms.rules.clinic
    in_text = named_links(rooms.templates, message.template, channel)
    journey = house.journey(conn, rooms.rules, message.journey, message.version)
    wanted: dict[str, tuple[links.Kind, str]] = {}
    if tracks(journey):
        wanted |= {
            "booking_url": ("booking", clinic.booking_url),
            "review_url": ("review", clinic.review_url),
        }
    wanted["answer_url"] = ("answer", clinic.booking_url)
    if channel == "sms":
        wanted["unsubscribe_url"] = ("unsubscribe", "")
    made = {
        name: _link(house, clinic.id, message_id, kind, target, now)
        for name, (kind, target) in wanted.items()
        if name in in_text and (target or kind in ("answer", "unsubscribe"))
    }
    found = {name: short_url(house.public_url, link.token) for name, link in made.items()}
    if channel == "email":
        found["unsubscribe_url"] = unsubscribe_url(
            house.public_url, house.secret, clinic.id, message_id, message.step_due_at
        )
    return Addresses(**found), list(made.values())


def _link(
    house: House, clinic: str, message_id: str, kind: links.Kind, target: str, now: datetime
) -> links.Link:
    token = short_token(house.secret, message_id, kind, target)
    return links.Link(token, clinic, message_id, kind, target, now, now + KEPT_FOR)

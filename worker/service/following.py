"""A patient follows a link of a message. The address that it leads to is the one that was kept when the message was written, never one of the request.

Rules
1. The way on is open to everybody; what counts is a person's first visit to a link: one `link.clicked` for each message and link, for ever.
2. Programs follow links too. Taken for one is: who says so (the web layer tells), an e-mail's link that is followed within 10 seconds of being sent, and a link
   that is followed within a second of another one of the same message. The first of these has then counted already, and stays so.
3. Every hit is kept with what it was taken for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from worker.delivery.links import unsubscribe_url
from worker.service.folding import fold
from worker.service.jobs import Job
from worker.service.opening import LEFT, Dead, Link, Short, open_short
from worker.service.raising import tell
from worker.service.telling import link_event
from worker.store import links, outbox
from worker.store.engine import read, write
from worker.workspace.house import House

SOURCE: Final = "/revisit/links"
COUNTED: Final = frozenset({"booking", "review"})
"""The kinds of links whose clicks count; the other pages are ours."""
TOO_SOON: Final = timedelta(seconds=10)
"""An e-mail has not been found, opened and read by then."""
AT_ONCE: Final = timedelta(seconds=1)
"""Nobody follows two links in less."""


@dataclass(frozen=True, slots=True)
class Onward:
    """Where a link leads: to `url`, or, where that is "", to the answer page of `link`: whoever books there goes on to `books_at`; it was `answered` before or not."""

    link: Link
    url: str
    books_at: str = ""
    answered: bool = False


def look(house: House, token: str) -> Onward | Dead:
    """Where a link leads; nobody is counted."""
    with read(house.engine) as conn:
        found = open_short(conn, house, token)
        return _onward(house, found) if isinstance(found, Short) else found


def follow(house: House, token: str, *, machine: bool) -> tuple[Onward | Dead, Sequence[Job]]:
    """Where a link leads; a person who follows it is counted. `machine`: the request says of itself that no person made it. What is due because of it comes back too."""
    with read(house.engine) as conn:
        found = open_short(conn, house, token)
    if isinstance(found, Dead):
        return found, ()
    seqs = _count(house, found.kept, machine) if found.kept.kind in COUNTED else []
    return _onward(house, found), fold(house, found.link.clinic, seqs) if seqs else ()


def _onward(house: House, found: Short) -> Onward:
    kept, link = found.kept, found.link
    if kept.kind == "unsubscribe":
        return Onward(
            link, unsubscribe_url(house.public_url, house.secret, link.clinic, link.message, kept.created_at)
        )
    if kept.kind in COUNTED:
        return Onward(link, kept.target)
    return Onward(link, "", kept.target, kept.answered_at is not None)


def _count(house: House, link: links.Link, machine: bool) -> list[int]:
    with write(house.engine) as conn:
        links.lock(conn, link)
        row = next(iter(outbox.get(conn, link.clinic, [link.message_id])), None)
        if row is None or row.message.state not in LEFT:
            return []
        now = house.now(conn)
        verdict = _verdict(conn, link, row, now, machine)
        links.hit(conn, link, now, verdict)
        if verdict != "person":
            return []
        event = link_event("link.clicked", SOURCE, row, link.kind, now, link=link.kind)
        return tell(conn, house, link.clinic, [event])


def _verdict(
    conn: Connection, link: links.Link, row: outbox.Row, now: datetime, machine: bool
) -> links.Verdict:
    sent = row.sent_at or row.message.decided_at
    early = row.message.channel == "email" and sent is not None and now - sent < TOO_SOON
    if machine or early or links.others_since(conn, link, now - AT_ONCE):
        return "scanner"
    return "again" if links.known(conn, link) else "person"

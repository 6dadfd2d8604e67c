"""A patient answers a message on its page: book, call me, not now, stop. For senders that take no answers, and for those who would rather tap than write.

Rules
1. Looking changes nothing. The first answer counts: it raises `link.answered`, once for each message.
2. `stop` ends marketing on the message's channel as the link to unsubscribe does, also where it is not the first answer: a way out never closes.
3. `call_me` gives the front desk a task for the next working day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

from sqlalchemy import Connection

from worker.service.folding import fold
from worker.service.following import SOURCE
from worker.service.jobs import Job
from worker.service.opening import LEFT, Dead, Link, open_short
from worker.service.preferences import revoke_marketing
from worker.service.raising import tell
from worker.service.telling import link_event
from worker.service.words import CHANNELS
from worker.store import links, outbox, patients, tasks
from worker.store.engine import write
from worker.workspace.house import House

Answer = Literal["book", "call_me", "not_now", "stop"]
ANSWERS: Final[tuple[Answer, ...]] = get_args(Answer)
FRONT_DESK: Final = "front_desk"


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer that was taken. `first`: it counts; `url` is where one who books goes on, or ""."""

    link: Link
    first: bool
    url: str


def answer(house: House, token: str, given: Answer) -> tuple[Answered | Dead, Sequence[Job]]:
    """Take a patient's answer; what is due because of it comes back too."""
    done, seqs = patients.again_when_moved(lambda: _take(house, token, given))
    return done, fold(house, done.link.clinic, seqs) if isinstance(done, Answered) and seqs else ()


def _take(house: House, token: str, given: Answer) -> tuple[Answered | Dead, list[int]]:
    with write(house.engine) as conn:
        found = open_short(conn, house, token)
        if isinstance(found, Dead):
            return found, []
        kept, link = found.kept, found.link
        row = next(iter(outbox.get(conn, link.clinic, [link.message])), None)
        if row is None or kept.kind != "answer":
            return Dead(), []
        seqs: list[int] = []
        if given == "stop":
            seqs += revoke_marketing(conn, house, link.clinic, row, link.channel, "answer page")
        first = row.message.state in LEFT and links.answered(conn, kept.token, house.now(conn))
        if first:
            seqs += _told(conn, house, row, given)
        return Answered(link, first, kept.target if given == "book" else ""), seqs


def _told(conn: Connection, house: House, row: outbox.Row, given: Answer) -> list[int]:
    message, now = row.message, house.now(conn)
    if given == "call_me":
        clinic = house.clinic(conn, row.clinic)
        by = CHANNELS.get(message.channel or "", message.channel or "message")
        tasks.add(
            conn, row.clinic, origin=row.id, name="call_me", kind="reply", assignee=FRONT_DESK, note=f"Asks to be called: answered the {by} of {message.journey}.",
            at=now, due_at=clinic.working_days_after(now, 1), patient=patients.resolve(conn, row.clinic, [message.patient])[message.patient],
            journey=message.journey, about=row.id,
        )  # fmt: skip
    event = link_event("link.answered", SOURCE, row, "answer", now, answer=given)
    return tell(conn, house, row.clinic, [event])

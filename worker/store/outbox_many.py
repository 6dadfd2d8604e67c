"""The outbox for many messages at once: what `outbox` does for one, in as many statements for a batch as for one message.

Rules
1. `claim` and `sent` are conditional as in `outbox`. They are for messages whose patients are locked here: where one of the batch is in another state all the same,
   they say so, and nothing of the transaction may stand.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Text, bindparam, func, select, update

from worker.store.schema import attempts, events, messages, patients
from worker.store.sql import among, chunks, listed, many
from worker.store.types import Instant


@dataclass(frozen=True, slots=True)
class Leaving:
    """A message that may leave: through which channel, to which address, what it says and as whom."""

    id: str
    channel: str
    address: str
    language: str
    subject: str | None
    body: str
    html: str | None
    sender: str


def claim(
    conn: Connection, clinic: str, leaving: Sequence[Leaving], now: datetime, claimed_until: datetime
) -> bool:
    """As `outbox.claim` and `outbox.content` for each; False where one of them is not scheduled any more."""
    rows = [
        {
            **_content(clinic, one), "b_channel": one.channel, "b_address": one.address, "b_now": now, "b_until": claimed_until,
        }
        for one in leaving
    ]  # fmt: skip
    return _all(conn, _CLAIM, rows)


def content(conn: Connection, clinic: str, leaving: Sequence[Leaving]) -> None:
    """As `outbox.content` for each."""
    many(conn, _CONTENT, [_content(clinic, one) for one in leaving])


def tries(conn: Connection, clinic: str, ids: Iterable[str]) -> dict[str, int]:
    """How many calls were begun for each of these messages; one without any is left out."""
    return _of_attempts(conn, clinic, ids, func.count())


def last_attempts(conn: Connection, clinic: str, ids: Iterable[str]) -> dict[str, int]:
    """The number of the call for each of these messages that began last."""
    return _of_attempts(conn, clinic, ids, func.max(attempts.c.id))


def begin(
    conn: Connection, clinic: str, called: Sequence[tuple[str, str]], started_at: datetime
) -> dict[str, int]:
    """As `outbox.attempt` for (message, account) pairs; the numbers of the calls by message."""
    rows = [
        {
            "clinic_id": clinic, "message_id": key, "started_at": started_at, "code": "", "why": "", "account": account,
        }
        for key, account in called
    ]  # fmt: skip
    if not rows:
        return {}
    made = conn.execute(attempts.insert().returning(attempts.c.message_id, attempts.c.id), rows)
    return {str(key): int(number) for key, number in made}


def accepted(conn: Connection, clinic: str, numbers: Iterable[int], ended_at: datetime) -> None:
    """As `outbox.attempted` for calls that the provider has accepted."""
    for part in chunks(sorted(numbers)):
        which = (attempts.c.clinic_id == clinic, listed(conn, attempts.c.id, part))
        values = {"ended_at": ended_at, "outcome": "accepted", "code": "", "why": ""}
        conn.execute(update(attempts).where(*which).values(values))


def sent(conn: Connection, clinic: str, taken: Sequence[tuple[str, str | None]], at: datetime) -> bool:
    """As `outbox.finish` to `sent` for claimed messages, each with the provider's id; False where one is not claimed any more, or a report of it has come."""
    rows = [{"b_clinic": clinic, "b_id": key, "b_provider_id": found, "b_at": at} for key, found in taken]
    return _all(conn, _SENT, rows)


def waiting(conn: Connection, clinic: str, subjects: Collection[str]) -> set[str]:
    """Of these patients, those of whom something was accepted, under this id or one that gave way to it, that is not folded yet."""
    p, c = patients.c, events.c
    now_of = {subject: subject for subject in subjects}
    for part in chunks(sorted(subjects)):
        statement = select(p.patient_id, p.alias_of).where(
            p.clinic_id == clinic, listed(conn, p.alias_of, part)
        )
        now_of.update((gone, survivor) for gone, survivor in conn.execute(statement))
    found: set[str] = set()
    for part in chunks(sorted(now_of)):
        which = (c.clinic_id == clinic, listed(conn, c.subject, part), among(c.state, "new"))
        found.update(
            now_of[subject] for subject in conn.execute(select(c.subject).where(*which).distinct()).scalars()
        )
    return found


def _of_attempts(conn: Connection, clinic: str, ids: Iterable[str], what: Any) -> dict[str, int]:
    c, found = attempts.c, dict[str, int]()
    for part in chunks(sorted(set(ids))):
        statement = (
            select(c.message_id, what)
            .where(c.clinic_id == clinic, listed(conn, c.message_id, part))
            .group_by(c.message_id)
        )
        found.update((key, number) for key, number in conn.execute(statement))
    return found


def _all(conn: Connection, statement: Any, rows: Sequence[dict[str, Any]]) -> bool:
    return not rows or conn.execute(statement, rows).rowcount == len(rows)


def _content(clinic: str, one: Leaving) -> dict[str, Any]:
    return {
        "b_clinic": clinic, "b_id": one.id, "b_language": one.language, "b_subject": one.subject, "b_body": one.body, "b_html": one.html, "b_sender": one.sender,
    }  # fmt: skip


_HERE: Final = (messages.c.clinic_id == bindparam("b_clinic"), messages.c.id == bindparam("b_id"))
_SAYS: Final[dict[str, Any]] = {
    **{
        name: bindparam(f"b_{name}", type_=Text) for name in ("language", "subject", "body", "html", "sender")
    },
    "redacted_at": None,
}
_CONTENT: Final = update(messages).where(*_HERE).values(_SAYS)
_CLAIM: Final = (
    update(messages)
    .where(*_HERE, messages.c.state == "scheduled")
    .values(
        state="claimed", reason="", decided_at=bindparam("b_now", type_=Instant), claimed_until=bindparam("b_until", type_=Instant),
        channel=bindparam("b_channel", type_=Text), address=bindparam("b_address", type_=Text), **_SAYS,
    )
)  # fmt: skip
_SENT: Final = (
    update(messages)
    .where(*_HERE, messages.c.state == "claimed", messages.c.status.is_(None))
    .values(
        state="sent", reason="", claimed_until=None, deadline=None, lookup_at=None, looked_at=None, decided_at=bindparam("b_at", type_=Instant),
        provider_id=func.coalesce(bindparam("b_provider_id", type_=Text), messages.c.provider_id),
        sent_at=func.coalesce(messages.c.sent_at, bindparam("b_at", type_=Instant)),
    )
)  # fmt: skip

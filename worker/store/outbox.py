"""The outbox: messages on their way, attempts to send them, what providers said of them, and addresses that must not be written to.

Rules
1. `claim` and `finish` are conditional updates: of any number of callers one gets True. They allow only the moves of `worker/domain/outbox.py`.
2. A claim has a lease; a message whose lease is over is finished as `unknown`, never sent again by itself.
3. A suppression is kept by a keyed hash of the address, so that it outlives the patient's data.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    bindparam,
    func,
    or_,
    select,
    update,
)

from worker.domain.history import Message
from worker.domain.outbox import may_follow
from worker.store.rows import MESSAGE, message_of
from worker.store.schema import attempts, clinics, messages, suppressions
from worker.store.sql import among, chunks, insert, listed


class IllegalMove(ValueError):
    """A message cannot go from the one state to the other."""


@dataclass(frozen=True, slots=True)
class Row:
    """A message with what the outbox knows of it beside. `body` is the text that left, `html` the e-mail's other form; None until it is rendered."""

    id: str
    clinic: str
    message: Message
    priority: int
    claimed_until: datetime | None
    provider_id: str | None
    language: str | None
    subject: str | None
    body: str | None
    html: str | None
    sent_at: datetime | None
    created_at: datetime
    tries: int
    status: str | None
    code: str | None
    sender: str | None
    deadline: datetime | None
    looked_at: datetime | None


def get(conn: Connection, clinic: str, ids: Iterable[str]) -> list[Row]:
    """These messages, those that there are, by id."""
    found: list[Row] = []
    for part in chunks(sorted(set(ids))):
        found += _rows(conn, messages.c.clinic_id == clinic, listed(conn, messages.c.id, part))
    return found


def find(conn: Connection, clinic: str, key: str) -> Row | None:
    """The message with this key."""
    return next(iter(_rows(conn, messages.c.clinic_id == clinic, messages.c.key == key)), None)


def alone(conn: Connection, clinic: str, pairs: Iterable[tuple[str, str]]) -> None:
    """Until the transaction ends nobody else counts what these addresses got, or closes them: two patients with one phone must not both take a cap's last place, and none is written
    to once a STOP of the other has been taken. Patients are locked before.

    SQLite has one writer at a time, so there is nothing to do.
    """
    if conn.dialect.name == "postgresql":
        names = [f"{clinic}/{channel}/{address}" for channel, address in sorted(set(pairs))]
        digests = [hashlib.blake2b(name.encode(), digest_size=8).digest() for name in names]
        numbers = [int.from_bytes(digest, signed=True) for digest in digests]
        # One statement for all; the server takes them in the order of the list.
        each = func.unnest(bindparam(None, numbers, type_=ARRAY(BigInteger)))
        if numbers:
            conn.execute(select(func.pg_advisory_xact_lock(each)))


def queue(conn: Connection, clinic: str, keys: Iterable[str], until: datetime) -> list[str]:
    """Mark scheduled messages, named by their keys, as queued until then; returns their ids."""
    found: list[str] = []
    for part in chunks(sorted(set(keys))):
        statement = (
            update(messages)
            .where(
                messages.c.clinic_id == clinic,
                listed(conn, messages.c.key, part),
                among(messages.c.state, "scheduled"),
            )
            .values(queued_until=until)
            .returning(messages.c.id)
        )
        found += conn.execute(statement).scalars()
    return sorted(found)


def wake(conn: Connection, clinic: str, journey: str, reasons: Collection[str], at: datetime) -> int:
    """Let a journey's messages that wait for one of these reasons be asked about at `at`; returns how many. One that is being decided at this moment is passed over."""
    c = messages.c
    which = (
        c.clinic_id == clinic, among(c.state, "scheduled"), c.journey == journey, c.reason.in_(sorted(reasons)), c.due_at > at,
    )  # fmt: skip
    waiting = select(c.id).where(*which).order_by(c.id).with_for_update(skip_locked=True).cte("waiting")
    statement = (
        update(messages).where(c.id.in_(select(waiting))).values(due_at=at, queued_until=None, tries=0)
    )
    return conn.execute(statement).rowcount


def claim(
    conn: Connection,
    clinic: str,
    message_id: str,
    now: datetime,
    claimed_until: datetime,
    channel: str,
    address: str,
) -> bool:
    """Take a scheduled message to send it through `channel` to `address`; from now on it counts towards caps. False where it is not scheduled any more."""
    values = {
        "decided_at": now, "claimed_until": claimed_until, "channel": channel, "address": address, "reason": "",
    }  # fmt: skip
    return _move(conn, clinic, message_id, "scheduled", "claimed", values)


def finish(
    conn: Connection,
    clinic: str,
    message_id: str,
    state: str,
    *,
    at: datetime,
    was: str = "claimed",
    reason: str = "",
    provider_id: str | None = None,
    sent_at: datetime | None = None,
    due_at: datetime | None = None,
) -> bool:
    """Move a message on from the state that it `was` in; False where it is not in that state any more.

    To `scheduled` (the provider asks to come back) it needs `due_at`. Raises IllegalMove for a move that there is not.
    """
    if not may_follow(was, state):
        raise IllegalMove(f"a message that is {was} cannot become {state}")
    values: dict[str, Any] = {
        "reason": reason, "claimed_until": None, "deadline": None, "lookup_at": None, "looked_at": None,
    }  # fmt: skip
    if state == "scheduled":
        if due_at is None:
            raise ValueError("a message that is scheduled again needs the moment at which it is due")
        values |= {"due_at": due_at, "queued_until": None, "tries": 0}
    elif was in ("scheduled", "claimed"):
        # What is found out later changes nothing of when it left: caps count from there.
        values["decided_at"] = at
    if provider_id is not None:
        values["provider_id"] = provider_id
    if sent_at is not None:
        values["sent_at"] = sent_at
    return _move(conn, clinic, message_id, was, state, values)


def look_for(
    conn: Connection,
    clinic: str,
    message_id: str,
    *,
    deadline: datetime,
    lookup_at: datetime | None,
    looked_at: datetime | None = None,
) -> bool:
    """When to look for an unknown message at its provider: its attempt was over at `deadline`; `looked_at` is when the list was first found without it.

    False where it is not unknown any more.
    """
    values = {"deadline": deadline, "lookup_at": lookup_at, "looked_at": looked_at, "queued_until": None}
    which = (messages.c.id == message_id, messages.c.clinic_id == clinic, among(messages.c.state, "unknown"))
    return conn.execute(update(messages).where(*which).values(values)).rowcount == 1


def searching(conn: Connection, clinic: str, message_id: str) -> bool:
    """Whether a message is still being looked for."""
    c = messages.c
    which = (c.id == message_id, c.clinic_id == clinic, c.lookup_at.is_not(None))
    return conn.execute(select(c.id).where(*which)).first() is not None


def under_way_to(
    conn: Connection, channel: str, address: str, since: datetime
) -> list[tuple[str, str, str | None]]:
    """What was claimed for an address at `since` or later and may have left, as (id, state, provider's id), the oldest first; of whatever clinic: they may share an account."""
    c = messages.c
    # The index begins with the clinic, so the clinics are named.
    known = select(clinics.c.clinic_id)
    statement = (
        select(c.id, c.state, c.provider_id)
        .where(
            c.clinic_id.in_(known), c.channel == channel, c.address == address, c.decided_at >= since,
            c.state.in_(["claimed", "unknown", "sent", "delivered", "undelivered"]),
        )
        .order_by(c.decided_at, c.id)
    )  # fmt: skip
    return [(row.id, row.state, row.provider_id) for row in conn.execute(statement)]


def known_ids(conn: Connection, provider_ids: Iterable[str]) -> set[str]:
    """Which of a provider's ids stand at messages of ours, of whatever clinic: clinics may share an account."""
    c, found = messages.c, set[str]()
    for part in chunks(sorted(set(provider_ids))):
        which = (c.provider_id.in_(part), c.provider_id.is_not(None))
        found.update(conn.execute(select(c.provider_id).where(*which)).scalars())
    return found


def first_attempt(conn: Connection, clinic: str, message_id: str) -> datetime | None:
    """When the first call for a message began that may have been taken; None where there was none."""
    asked = select(func.min(attempts.c.started_at)).where(*_may_be_taken(clinic, message_id))
    return conn.execute(asked).scalar_one_or_none()


def accounts(conn: Connection, clinic: str, message_id: str) -> set[str | None]:
    """The accounts through which calls for a message went that may have been taken; None for one of which it was not kept."""
    asked = select(attempts.c.account).where(*_may_be_taken(clinic, message_id))
    return set(conn.execute(asked).scalars())


def _may_be_taken(clinic: str, message_id: str) -> tuple[ColumnElement[bool], ...]:
    c = attempts.c
    refused = c.outcome.in_(["temporary", "permanent"])
    return c.message_id == message_id, c.clinic_id == clinic, or_(c.outcome.is_(None), ~refused)


def last_attempt(conn: Connection, clinic: str, message_id: str) -> int | None:
    """The number of the call for a message that began last; None where there was none."""
    which = (attempts.c.message_id == message_id, attempts.c.clinic_id == clinic)
    return conn.execute(select(func.max(attempts.c.id)).where(*which)).scalar_one_or_none()


def failures(conn: Connection, clinic: str, journey: str, since: datetime) -> tuple[int, int]:
    """Of a journey's messages since then: how many failed or did not arrive, and how many were tried at all."""
    c = messages.c
    statement = (
        select(c.state, func.count().label("number"))
        .where(
            c.clinic_id == clinic, c.decided_at >= since, c.journey == journey,
            c.state.in_(["sent", "delivered", "undelivered", "failed"]),
        )
        .group_by(c.state)
    )  # fmt: skip
    found = {row.state: row.number for row in conn.execute(statement)}
    return found.get("undelivered", 0) + found.get("failed", 0), sum(found.values())


def content(
    conn: Connection,
    message_id: str,
    language: str,
    subject: str | None,
    body: str,
    html: str | None,
    sender: str | None = None,
) -> None:
    """Keep what a message says, and as whom, as it leaves."""
    values = {
        "language": language, "subject": subject, "body": body, "html": html, "sender": sender, "redacted_at": None,
    }  # fmt: skip
    conn.execute(update(messages).where(messages.c.id == message_id).values(values))


def attempt(conn: Connection, clinic: str, message_id: str, started_at: datetime, account: str) -> int:
    """A call to a provider begins, through that account (`delivery.senders.Channels.account`); returns its number. Commit before the call, so that what was begun is known whatever happens."""
    statement = attempts.insert().values(
        clinic_id=clinic, message_id=message_id, started_at=started_at, code="", why="", account=account
    )
    number: int = conn.execute(statement.returning(attempts.c.id)).scalar_one()
    return number


def attempted(
    conn: Connection,
    clinic: str,
    number: int,
    ended_at: datetime,
    outcome: str,
    *,
    code: str = "",
    why: str = "",
    provider_id: str | None = None,
) -> None:
    """The call has ended: `accepted`, `permanent`, `temporary` or `unknown`, with the provider's id, its code and the reason in words."""
    which = (attempts.c.id == number, attempts.c.clinic_id == clinic)
    values = {"ended_at": ended_at, "outcome": outcome, "code": code, "why": why, "provider_id": provider_id}
    conn.execute(update(attempts).where(*which).values(values))


@dataclass(frozen=True, slots=True)
class Tried:
    """What stands of a call. `outcome` is None where its process was not heard of again, or where it never began."""

    outcome: str | None
    provider_id: str | None


def give_back(conn: Connection, clinic: str, message_id: str, at: datetime) -> Tried | None:
    """What stands of a message's last call; one that has not begun never will, and ends here as `temporary`: it has proven not to have left. None where there was no call."""
    number = last_attempt(conn, clinic, message_id)
    if number is None:
        return None
    c = attempts.c
    idle = (c.id == number, c.clinic_id == clinic, c.called.is_(False), c.outcome.is_(None))
    never = {"ended_at": at, "outcome": "temporary", "code": "lease", "why": "the call had not begun"}
    conn.execute(update(attempts).where(*idle).values(never))
    found = conn.execute(select(c.outcome, c.provider_id).where(c.id == number)).one()
    return Tried(found.outcome, found.provider_id)


def attempts_of(conn: Connection, clinic: str, message_id: str) -> int:
    """How many calls were begun for a message."""
    which = (attempts.c.message_id == message_id, attempts.c.clinic_id == clinic)
    return conn.execute(select(func.count()).select_from(attempts).where(*which)).scalar_one()


def suppressed(conn: Connection, clinic: str, hashes: Mapping[tuple[str, str], str]) -> set[tuple[str, str]]:
    """Which of these (channel, address) pairs, each given with its hash, must not be written to."""
    c = suppressions.c
    by_hash: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for pair, hashed in hashes.items():
        by_hash.setdefault((pair[0], hashed), []).append(pair)
    found: set[tuple[str, str]] = set()
    for part in chunks(sorted(by_hash)):
        # The hash tells channels apart as well; the channels stand here for the index.
        channels, ours = sorted({channel for channel, _ in part}), [one for _, one in part]
        statement = select(c.channel, c.address_hash).where(
            c.clinic_id == clinic, listed(conn, c.channel, channels), listed(conn, c.address_hash, ours), c.lifted_at.is_(None),
        )  # fmt: skip
        for pair in conn.execute(statement):
            found.update(by_hash.get((pair.channel, pair.address_hash), ()))
    return found


def suppress(
    conn: Connection, clinic: str, channel: str, address_hash: str, reason: str, at: datetime
) -> None:
    """From now on this address must not be written to. One that is suppressed already keeps its first reason and moment."""
    statement = insert(conn, suppressions).values(
        clinic_id=clinic, channel=channel, address_hash=address_hash, reason=reason, at=at, lifted_at=None
    )
    again = {name: statement.excluded[name] for name in ("reason", "at", "lifted_at")}
    keys = ["clinic_id", "channel", "address_hash"]
    conn.execute(
        statement.on_conflict_do_update(
            index_elements=keys, set_=again, where=suppressions.c.lifted_at.is_not(None)
        )
    )


def lift(conn: Connection, clinic: str, channel: str, address_hash: str, at: datetime) -> bool:
    """This address may be written to again, because it asked for it; False where it was not suppressed."""
    which = _stands(clinic, channel, address_hash)
    return conn.execute(update(suppressions).where(*which).values(lifted_at=at)).rowcount == 1


def suppression(conn: Connection, clinic: str, channel: str, address_hash: str) -> str | None:
    """Why this address must not be written to; None where it may."""
    which = _stands(clinic, channel, address_hash)
    return conn.execute(select(suppressions.c.reason).where(*which)).scalar_one_or_none()


def _stands(clinic: str, channel: str, address_hash: str) -> tuple[ColumnElement[bool], ...]:
    c = suppressions.c
    return c.clinic_id == clinic, c.channel == channel, c.address_hash == address_hash, c.lifted_at.is_(None)


def _rows(conn: Connection, *which: ColumnElement[bool]) -> list[Row]:
    c = messages.c
    beside = [
        c.priority,
        c.claimed_until,
        c.provider_id,
        c.language,
        c.subject,
        c.body,
        c.html,
        c.sent_at,
        c.created_at,
        c.tries,
        c.status,
        c.code,
        c.sender,
        c.deadline,
        c.looked_at,
    ]
    statement = select(*MESSAGE, c.id, c.clinic_id, *beside).where(*which).order_by(c.id)
    found: list[Row] = []
    for row in conn.execute(statement).all():
        key, of, *rest = row[len(MESSAGE) :]
        found.append(Row(key, of, message_of(row[: len(MESSAGE)]), *rest))
    return found


def _move(
    conn: Connection, clinic: str, message_id: str, was: str, state: str, values: Mapping[str, Any]
) -> bool:
    which = (messages.c.id == message_id, messages.c.clinic_id == clinic, among(messages.c.state, was))
    return conn.execute(update(messages).where(*which).values(state=state, **values)).rowcount == 1

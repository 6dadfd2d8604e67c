"""The outbox for many messages at once: what `outbox` does for one, in as many statements for a batch as for one message.

Rules
1. `claim` and `sent` are conditional as in `outbox`. They are for messages whose patients are locked here: where one of the batch is in another state all the same,
   they say so, and nothing of the transaction may stand.
2. `call` is the moment at which calls begin: one statement that marks those of which nothing has become known since their claim. Who gives a claim up asks for the same mark
   (`outbox.give_back`), so that either the call never begins or it is known to have begun.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Connection, Text, TextClause, bindparam, func, select, text, update

from worker.store.schema import attempts, events, messages, patients
from worker.store.sql import among, chunks, listed, many
from worker.store.types import Instant, to_json


@dataclass(frozen=True, slots=True)
class Leave:
    """What a claim was decided by: the number of its call, the version of the clinic's rules, how often the patient's ledger had changed, and the hash of the address."""

    number: int
    rules: int
    changes: int
    address_hash: str


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of a call: its number, its outcome, and the provider's id, code and words where there are any."""

    number: int
    outcome: str
    provider_id: str | None
    code: str
    why: str


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
    """The calls that are to come of claims, as (message, account) pairs; their numbers by message. None of them has begun (`call`)."""
    if not called:
        return {}
    given = {"clinic": clinic, "at": started_at, **_rows(conn, ("keys", "accounts"), called)}
    made = conn.execute(_of(conn, _BEGIN, _CALLED), given)
    return {str(key): int(number) for key, number in made}


def call(conn: Connection, clinic: str, leaves: Sequence[Leave]) -> set[int]:
    """The calls with these numbers begin now; returns those that do. One does not where its claim was given up, or something became known of its patient: an event that is not folded
    yet, another ledger, a closed address; or its journey was paused (but for the day's limit, under which it has its place), or other rules are in force. Commit before the calls.
    """
    if not leaves:
        return set()
    rows = [(one.number, one.rules, one.changes, one.address_hash) for one in leaves]
    given = {"clinic": clinic, **_rows(conn, ("numbers", "rules", "changes", "hashes"), rows)}
    return set(conn.execute(_of(conn, _CALL, _LEAVES), given).scalars())


def heard(conn: Connection, clinic: str, calls: Sequence[Heard], ended_at: datetime) -> None:
    """As `outbox.attempted` for each."""
    if not calls:
        return
    rows = [(one.number, one.outcome, one.provider_id, one.code, one.why) for one in calls]
    names = ("numbers", "outcomes", "provider_ids", "codes", "whys")
    conn.execute(_of(conn, _HEARD, _ANSWERS), {"clinic": clinic, "at": ended_at, **_rows(conn, names, rows)})


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
        now_of.update((gone, survivor) for gone, survivor in conn.execute(statement).all())
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
        found.update((key, number) for key, number in conn.execute(statement).all())
    return found


def _all(conn: Connection, statement: Any, rows: Sequence[dict[str, Any]]) -> bool:
    return not rows or conn.execute(statement, rows).rowcount == len(rows)


def _content(clinic: str, one: Leaving) -> dict[str, Any]:
    return {
        "b_clinic": clinic, "b_id": one.id, "b_language": one.language, "b_subject": one.subject, "b_body": one.body, "b_html": one.html, "b_sender": one.sender,
    }  # fmt: skip


def _rows(conn: Connection, names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
    """The parameters of a statement that takes its rows from `_of`."""
    if conn.dialect.name == "postgresql":
        return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    return {"rows": to_json(rows)}


@lru_cache(maxsize=16)
def _statement(dialect: str, words: str, columns: tuple[tuple[str, str, str], ...]) -> TextClause:
    if dialect == "postgresql":
        lists = ", ".join(f"CAST(:{given} AS {kind}[])" for given, _, kind in columns)
        source = f"unnest({lists}) AS w ({', '.join(name for _, name, _ in columns)})"
    else:
        # SQLite tells the row that is changed by its bare names alone.
        words = words.replace("RETURNING attempts.", "RETURNING ")
        fields = ", ".join(f"value ->> {place} AS {name}" for place, (_, name, _) in enumerate(columns))
        source = f"(SELECT {fields} FROM json_each(:rows)) AS w"  # noqa: S608 (names of this module)
    found = text(words.format(given=source))
    return found.bindparams(bindparam("at", type_=Instant)) if ":at" in words else found


def _of(conn: Connection, words: str, columns: tuple[tuple[str, str, str], ...]) -> TextClause:
    """The statement over rows that are given as one parameter for each column, or one for all: it stays the same however many there are. `columns`: parameter, name, type."""
    return _statement(conn.dialect.name, words, columns)


_CALLED: Final = (("keys", "key", "text"), ("accounts", "account", "text"))
_BEGIN: Final = """
INSERT INTO attempts (clinic_id, message_id, started_at, code, why, account, called)
SELECT :clinic, w.key, :at, '', '', w.account, false FROM {given} WHERE true RETURNING message_id, id
"""
# Rows are found by their ids alone. Statistics that are old take what a clinic has under way, or all that it has, for a single row, and a plan that begins there joins all of it with each call.
_LEAVES: Final = (
    ("numbers", "number", "bigint"),
    ("rules", "rules", "integer"),
    ("changes", "changes", "integer"),
    ("hashes", "hash", "text"),
)
_CALL: Final = """
UPDATE attempts SET called = true FROM {given}, messages AS m
WHERE attempts.id = w.number AND attempts.called = false AND attempts.outcome IS NULL
AND m.id = attempts.message_id AND m.clinic_id || '' = :clinic AND m.state || '' = 'claimed'
AND EXISTS (SELECT 1 FROM clinics AS k WHERE k.clinic_id = m.clinic_id AND k.rules_version = w.rules)
AND NOT EXISTS (SELECT 1 FROM pauses AS z WHERE z.clinic_id = m.clinic_id AND z.journey = m.journey AND z.lifted_at IS NULL AND z.code <> 'blast_limit')
AND EXISTS (SELECT 1 FROM ledgers AS l WHERE l.clinic_id = m.clinic_id AND l.patient_id = m.patient_id AND l.changes = w.changes)
AND NOT EXISTS (SELECT 1 FROM suppressions AS s
    WHERE s.clinic_id = m.clinic_id AND s.channel = m.channel AND s.address_hash = w.hash AND s.lifted_at IS NULL)
AND NOT EXISTS (SELECT 1 FROM events AS e WHERE e.clinic_id = m.clinic_id AND e.subject = m.patient_id AND e.state = 'new')
AND NOT EXISTS (SELECT 1 FROM patients AS p JOIN events AS e ON e.clinic_id = p.clinic_id AND e.subject = p.patient_id
    WHERE p.clinic_id = m.clinic_id AND p.alias_of = m.patient_id AND e.state = 'new')
RETURNING attempts.id
"""
_ANSWERS: Final = (
    ("numbers", "number", "bigint"), ("outcomes", "outcome", "text"), ("provider_ids", "provider_id", "text"), ("codes", "code", "text"), ("whys", "why", "text"),
)  # fmt: skip
_HEARD: Final = """
UPDATE attempts SET ended_at = :at, outcome = w.outcome, provider_id = w.provider_id, code = w.code, why = w.why FROM {given}
WHERE attempts.id = w.number AND attempts.clinic_id || '' = :clinic
"""
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

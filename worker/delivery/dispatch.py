"""One message on its way out.

1. Lock the patient; wait where something of her was accepted and is not folded yet; ask the gate again, claim by a conditional update, render, commit.
2. Only then call the provider. What it says, or that it said nothing, is written in a second transaction, and the run goes on.
3. A process that dies between the two leaves a claim; when its lease is over the message is `unknown` and is never sent again by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Connection

from channels.base import Accepted, EmailOut, Outcome, Permanent, SmsOut, Temporary
from worker.delivery.links import unsubscribe_url
from worker.delivery.render import Rendered, promised, render
from worker.delivery.saving import save
from worker.delivery.senders import Channels, headers
from worker.domain.gate import Drop, Go
from worker.domain.history import Message
from worker.domain.planner import Planner, addresses
from worker.store import events, outbox, patients
from worker.store import rooms as stored_rooms
from worker.store.engine import write
from worker.workspace.config import Sender
from worker.workspace.house import House
from worker.workspace.rooms import Rooms
from worker.workspace.templates import TemplateError

log = structlog.get_logger(__name__)
LEASE: Final = timedelta(seconds=40)
"""Longer than any call to a provider (10 s) and what follows it; a lease is never longer than 45 s."""
SOON: Final = timedelta(seconds=2)
FIRST_RETRY: Final = timedelta(seconds=30)
LONGEST_RETRY: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Ready:
    """A claimed message with all that its call needs."""

    id: str
    message: Message
    attempt: int
    tries: int
    rendered: Rendered
    sender: Sender
    from_name: str
    unsubscribe: str


def dispatch(house: House, channels: Channels, clinic: str, message_id: str) -> list[str]:
    """Send one message if it is due and the gate lets it; returns the ids of messages that may leave because of it."""
    ready, following = _claim(house, clinic, message_id)
    if ready is None:
        return following
    outcome = _call(channels, ready)
    log.info(
        "attempt",
        clinic=clinic,
        message=ready.id,
        channel=ready.message.channel,
        outcome=type(outcome).__name__.lower(),
    )
    return _record(house, clinic, ready, outcome)


def give_up(house: House, clinic: str, message_id: str) -> list[str]:
    """A claim whose lease is over: nobody knows whether it left, so it is `unknown`. Returns as `dispatch` does."""
    with write(house.engine) as conn:
        row = next(iter(outbox.get(conn, clinic, [message_id])), None)
        if row is None or row.message.state != "claimed":
            return []
        now = house.now(conn)
        rooms = house.rooms(conn, clinic)
        planner = _planner(conn, house, rooms, row.message.patient, now)
        if not outbox.finish(conn, clinic, message_id, "unknown", at=now, reason="lease"):
            return []
        log.warning("claim ran out", clinic=clinic, message=message_id)
        if row.message.key in planner.patient.messages:
            planner.settle(
                row.message.key, "unknown", "lease", "the sender was not heard of again; it may have left"
            )
        return save(conn, house, rooms.rules, [planner], now)


def _claim(house: House, clinic: str, message_id: str) -> tuple[_Ready | None, list[str]]:
    with write(house.engine) as conn:
        row = next(iter(outbox.get(conn, clinic, [message_id])), None)
        now = house.now(conn)
        if row is None or row.message.state != "scheduled" or row.message.due_at > now:
            return None, []
        rooms = house.rooms(conn, clinic)
        planner = _planner(conn, house, rooms, row.message.patient, now)
        if rooms.rules.policy.caps.get(row.message.purpose) and conn.dialect.name == "postgresql":
            # What the addresses got is counted under a lock of its own, so it is read again once that is held.
            outbox.alone(conn, clinic, addresses(planner.facts))
            planner = _planner(conn, house, rooms, row.message.patient, now)
        message = planner.patient.messages.get(row.message.key)
        if message is None or message.state != "scheduled" or message.due_at > now:
            return None, []
        if events.waiting(conn, clinic, message.patient):
            # Something was accepted of this patient that nobody has looked at yet, perhaps a STOP: first that, then the message.
            outbox.queue(conn, clinic, [message.key], house.wall() + SOON)
            return None, []
        seen = stored_rooms.clinic_row(conn, clinic)
        suppressed = outbox.suppressed(
            conn, clinic, {(c, a): house.hashed(c, a) for c, a in addresses(planner.facts)}
        )
        verdict = planner.verdict(
            message.key, suppressed=frozenset(suppressed), feed_seen_at=seen.feed_seen_at if seen else None
        )
        if isinstance(verdict, Go) and verdict.channel not in rooms.senders:
            verdict = Drop("no_sender", f"config/channels.yaml no longer has {verdict.channel}")
        ready: _Ready | None = None
        if isinstance(verdict, Go):
            link = (
                unsubscribe_url(house.public_url, house.secret, clinic, message_id)
                if verdict.channel == "email"
                else ""
            )
            try:
                offer = promised(planner.rules, planner.facts, message, now)
                rendered = render(rooms, planner.facts, message, verdict.channel, link, offer)
            except TemplateError as error:
                log.error(
                    "text could not be rendered",
                    clinic=clinic,
                    message=message_id,
                    template=error.path,
                    line=error.line,
                )
                planner.settle(message.key, "dropped", "template", f"the text could not be rendered: {error}")
                return None, save(conn, house, rooms.rules, [planner], now)
            outbox.content(
                conn, message_id, rendered.language, rendered.subject, rendered.text, rendered.html
            )
            claimed = planner.apply(message.key, verdict)
            if not verdict.rehearsal:
                sender = rooms.senders[verdict.channel]
                if not outbox.claim(
                    conn, clinic, message_id, now, house.wall() + LEASE, verdict.channel, verdict.address
                ):
                    return None, []
                tries = outbox.attempts_of(conn, clinic, message_id)
                number = outbox.attempt(conn, clinic, message_id, house.wall())
                ready = _Ready(message_id, claimed, number, tries, rendered, sender, rooms.from_name, link)
        else:
            planner.apply(message.key, verdict)
        return ready, save(conn, house, rooms.rules, [planner], now)


def _planner(conn: Connection, house: House, rooms: Rooms, patient: str, now: datetime) -> Planner:
    rules = rooms.rules
    name = patients.resolve(conn, rules.clinic.id, [patient])[patient]
    since = rules.contacts_since(now)
    locked = patients.lock(conn, rules.clinic.id, [name], since=since)
    return Planner(house.pinned(conn, rules, locked.values()), locked[name], now)


def _call(channels: Channels, ready: _Ready) -> Outcome:
    message, rendered, sender = ready.message, ready.rendered, ready.sender
    address = message.address or ""
    if message.channel == "sms":
        return channels.sms(sender, SmsOut(ready.id, address, sender.sender, rendered.text))
    out = EmailOut(
        ready.id,
        address,
        sender.sender,
        sender.name or ready.from_name,
        rendered.subject or "",
        rendered.text,
        rendered.html or "",
        headers(ready.unsubscribe),
    )
    return channels.email(sender, out)


def _record(house: House, clinic: str, ready: _Ready, outcome: Outcome) -> list[str]:
    key = ready.message.key
    with write(house.engine) as conn:
        now = house.now(conn)
        rooms = house.rooms(conn, clinic)
        planner = _planner(conn, house, rooms, ready.message.patient, now)
        if isinstance(outcome, Accepted):
            won = outbox.finish(
                conn, clinic, ready.id, "sent", at=now, provider_id=outcome.provider_id, sent_at=now
            )
            state, code, why = "sent", "", f"by {ready.message.channel}"
        elif isinstance(outcome, Permanent):
            won = outbox.finish(conn, clinic, ready.id, "failed", at=now, reason=outcome.code)
            state, code, why = "failed", outcome.code, outcome.why
            if outcome.blame == "opted_out":
                outbox.suppress(
                    conn,
                    clinic,
                    ready.message.channel or "",
                    house.hashed(ready.message.channel or "", ready.message.address or ""),
                    "opted_out",
                    now,
                )
        elif isinstance(outcome, Temporary):
            until = now + _patience(ready.tries, outcome)
            won = outbox.finish(
                conn, clinic, ready.id, "scheduled", at=now, due_at=until, reason=outcome.code
            )
            state, code, why = "scheduled", outcome.code, outcome.why
            if won and key in planner.patient.messages:
                planner.postpone(key, until, f"{outcome.why}; next try at {until:%H:%M} UTC")
        else:
            won = outbox.finish(conn, clinic, ready.id, "unknown", at=now, reason=outcome.code)
            state, code, why = "unknown", outcome.code, outcome.why
        kind = "accepted" if isinstance(outcome, Accepted) else type(outcome).__name__.lower()
        outbox.attempted(conn, clinic, ready.attempt, house.wall(), kind, code=code, why=why)
        if won and state != "scheduled" and key in planner.patient.messages:
            planner.settle(key, state, code, why)
        return save(conn, house, rooms.rules, [planner], now)


def _patience(tries: int, outcome: Temporary) -> timedelta:
    """How long to wait before the next try: what the provider asks for, else doubling from half a minute to an hour."""
    if outcome.retry_after is not None:
        return timedelta(seconds=min(max(outcome.retry_after, 1.0), LONGEST_RETRY.total_seconds()))
    return min(FIRST_RETRY * int(2 ** min(tries, 10)), LONGEST_RETRY)

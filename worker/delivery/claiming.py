"""The first half of a message's way out: under the patient's lock the gate is asked again, and whoever may send has a claim, committed before anything leaves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Connection

from worker.delivery.linking import Addresses, addresses
from worker.delivery.outside import blast_of, outside, today_of
from worker.delivery.planning import planner_of
from worker.delivery.render import Rendered, promised, render
from worker.delivery.saving import save
from worker.delivery.senders import Channels
from worker.delivery.settling import settle
from worker.delivery.trouble import MANAGER, may_try, pause_journey, system_task
from worker.domain.gate import Defer, Drop, Go, Outside, Verdict
from worker.domain.gate.blast import over
from worker.domain.history import Message
from worker.domain.planner import Planner
from worker.domain.planner import addresses as pairs_of
from worker.store import day_counts, events, outbox
from worker.store.engine import write
from worker.workspace.config import Sender
from worker.workspace.house import House
from worker.workspace.rooms import Rooms
from worker.workspace.templates import TemplateError

log = structlog.get_logger(__name__)
LEASE: Final = timedelta(seconds=40)
"""Longer than any call to a provider (10 s), the wait for its rate (5 s) and what follows; a lease is never longer than 45 s."""
QUEUED: Final = timedelta(hours=10)
"""How long Twilio keeps a message in its queue where nobody says less."""
SOON: Final = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Ready:
    """A claimed message with all that its call needs. The call must not begin later than `before`, the wall's clock; `tries` are the attempts, this one included.

    `validity` is how long the provider may keep it; None where its own limit is shorter.
    """

    id: str
    message: Message
    attempt: int
    tries: int
    before: datetime
    rendered: Rendered
    sender: Sender
    from_name: str
    links: Addresses
    validity: timedelta | None


def claim(house: House, channels: Channels, clinic: str, message_id: str) -> tuple[Ready | None, list[str]]:
    """A claim, where the message may leave now; and the ids of messages that may leave because of what was decided."""
    with write(house.engine) as conn:
        row = next(iter(outbox.get(conn, clinic, [message_id])), None)
        now = house.now(conn)
        if row is None or row.message.state != "scheduled" or row.message.due_at > now:
            return None, []
        rooms = house.rooms(conn, clinic)
        planner = planner_of(conn, house, rooms, row.message.patient, now)
        capped = rooms.rules.policy.caps.get(row.message.purpose) or rooms.rules.law(planner.facts).caps
        # From here on nobody closes her addresses, or counts what they got, before this is decided.
        outbox.alone(conn, clinic, pairs_of(planner.facts))
        if capped and conn.dialect.name == "postgresql":
            # What was counted before that is read again.
            planner = planner_of(conn, house, rooms, row.message.patient, now)
        message = planner.patient.messages.get(row.message.key)
        if message is None and planner.patient.id != row.message.patient:
            return None, _gave_way(conn, house, rooms, planner, row.id)
        if message is None or message.state != "scheduled" or message.due_at > now:
            return None, []
        if events.waiting(conn, clinic, message.patient):
            # Something was accepted of this patient that nobody has looked at yet, perhaps a STOP: first that, then the message.
            outbox.queue(conn, clinic, [message.key], house.wall() + SOON)
            return None, []
        known = outside(conn, house, planner, message.purpose)
        verdict = planner.verdict(message.key, known)
        ready: Ready | None = None
        if isinstance(verdict, Go):
            verdict, ready = _take(conn, house, channels, rooms, planner, row, verdict, known)
        if not isinstance(verdict, Go):
            if (
                message.key in planner.patient.messages
                and planner.patient.messages[message.key].state == "scheduled"
            ):
                planner.apply(message.key, verdict)
            _tell(conn, planner, message, verdict, known)
        return ready, save(conn, house, rooms.rules, [planner], now)


def _take(
    conn: Connection,
    house: House,
    channels: Channels,
    rooms: Rooms,
    planner: Planner,
    row: outbox.Row,
    go: Go,
    known: Outside,
) -> tuple[Verdict, Ready | None]:
    """Render, and claim; what keeps it in after all is the verdict."""
    clinic, now, message = rooms.rules.clinic.id, planner.now, planner.patient.messages[row.message.key]
    sender = rooms.senders.get(go.channel)
    if sender is None:
        return Drop("no_sender", f"config/channels.yaml no longer has {go.channel}"), None
    if not go.rehearsal:
        wait = may_try(conn, clinic, go.channel, now)
        if wait is not None:
            return Defer(
                now + wait, "sender_paused", f"{go.channel}: the provider is not asked for now"
            ), None
    tries = outbox.attempts_of(conn, clinic, row.id)
    links = addresses(conn, house, rooms, message, row.id, go.channel, now)
    try:
        offer = promised(planner.rules, planner.facts, message, now)
        rendered = render(rooms, planner.facts, message, go.channel, links, offer)
    except TemplateError as error:
        log.error(
            "text could not be rendered", clinic=clinic, message=row.id, template=error.path, line=error.line
        )
        planner.settle(message.key, "dropped", "template", f"the text could not be rendered: {error}")
        return go, None
    if known.blast is not None and not go.rehearsal and not tries:
        day, what = today_of(rooms.rules, now), blast_of(message.purpose)
        if not day_counts.take(conn, clinic, day, what, known.blast.limit):
            return over(now, message.purpose, known.blast.limit), None
    outbox.content(
        conn, row.id, rendered.language, rendered.subject, rendered.text, rendered.html, sender.sender
    )
    validity = planner.open_for(message.key, QUEUED)
    claimed = planner.apply(message.key, go)
    if go.rehearsal:
        return go, None
    wall = house.wall()
    if not outbox.claim(conn, clinic, row.id, now, wall + LEASE, go.channel, go.address):
        raise LostClaim(row.id)
    number = outbox.attempt(conn, clinic, row.id, wall, channels.account(sender.provider))
    before = wall + min(LEASE / 2, validity or LEASE)
    return go, Ready(
        row.id, claimed, number, tries + 1, before, rendered, sender, rooms.from_name, links, validity
    )


def _gave_way(conn: Connection, house: House, rooms: Rooms, planner: Planner, message_id: str) -> list[str]:
    """A message to a record that became part of another while its fate was open: its run has ended with that record."""
    row = next(iter(outbox.get(conn, rooms.rules.clinic.id, [message_id])), None)
    if row is None or row.message.state != "scheduled":
        return []
    why = f"merged into {planner.patient.id}"
    return settle(conn, house, rooms, row, "dropped", "merged", why, planner.now, planner=planner)


def still_may(house: House, clinic: str, ready: Ready) -> bool:
    """Whether nothing became known since the claim that takes the leave back: asked again by whoever had to wait with the claim in hand.

    A revocation that has committed keeps every attempt from beginning.
    """
    with write(house.engine) as conn:
        rooms, message = house.rooms(conn, clinic), ready.message
        planner = planner_of(conn, house, rooms, message.patient, house.now(conn))
        if events.waiting(conn, clinic, message.patient):
            return False
        facts, channel = planner.facts, message.channel or ""
        closed = outside(conn, house, planner, message.purpose).suppressed
        return (
            facts.allows(channel, message.purpose)
            and (channel, message.address or "") not in closed
            and facts.hold_at(planner.now) is None
            and not (facts.erased or facts.deceased)
        )


class LostClaim(RuntimeError):
    """Somebody else moved a message whose patient is locked here: nothing of this transaction may stand."""


def _tell(conn: Connection, planner: Planner, message: Message, verdict: Verdict, known: Outside) -> None:
    """Two silences need a person: too much at once, and a clinic's systems that fell silent."""
    if not isinstance(verdict, Defer):
        return
    rules, now = planner.rules, planner.now
    if verdict.code == "blast_limit":
        pause_journey(conn, rules, message.journey, "blast_limit", verdict.why, now)
    elif verdict.code == "feed_stale" and known.feed_seen_at is not None:
        name = f"feed/{known.feed_seen_at:%Y-%m-%dT%H:%M}"
        said = f"No marketing leaves: {verdict.why}. Check that the clinic's system still sends its visits and bookings."
        system_task(conn, rules, name, MANAGER, said, now, urgent=True)
    elif verdict.code == "no_public_url":
        system_task(
            conn,
            rules,
            f"door/{today_of(rules, now)}",
            MANAGER,
            f"No marketing leaves: {verdict.why}.",
            now,
            urgent=True,
        )

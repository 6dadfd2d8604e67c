"""What failures lead to: a sender that is paused, a journey that is paused, an address that is not written to again, and a person who is told.

Rules
1. A person is told once for each pause and once a day for each warning, not for every message.
2. The patient is never blamed for trouble of the sender: the address stays open.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Connection

from worker.domain.calendar import local_day
from worker.domain.rules import Rules
from worker.domain.trouble import SenderState, Sign, judged
from worker.store import outbox, pauses, senders, tasks
from worker.store.audit import note
from worker.workspace.house import House
from worker.workspace.rooms import Rooms

log = structlog.get_logger(__name__)
ENGINEER: Final = "operations"
MANAGER: Final = "marketing"
A_DAY: Final = timedelta(days=1)
CHANNEL: Final = {"sms": "SMS", "email": "e-mail"}

SUPPRESSES: Final = {"address_dead": "dead", "opted_out": "opted_out"}
"""Remedies that close an address, with the reason that the suppression keeps."""


def signal(
    conn: Connection,
    rules: Rules,
    channel: str,
    sign: Sign,
    now: datetime,
    *,
    wait: timedelta | None = None,
    code: str = "",
    why: str = "",
) -> None:
    """What an attempt says of its sender. A pause makes a task, and its end is noted."""
    clinic = rules.clinic.id
    before = senders.state_of(conn, clinic, channel)
    after = before.after(sign, now, wait=wait, code=code, why=why)
    if after is before:
        return
    senders.keep(conn, clinic, channel, after, now)
    if after.paused and not before.paused:
        log.error("sender paused", clinic=clinic, channel=channel, code=code)
        note(conn, clinic, now, "revisit", "sender paused", {"channel": channel, "code": code})
        said = f"{CHANNEL[channel]} is paused: {why or code}. It is tried again by itself every few minutes."
        system_task(conn, rules, f"sender/{channel}/{now:%Y-%m-%dT%H:%M}", ENGINEER, said, now, urgent=True)
    elif before.paused and not after.paused:
        log.info("sender works again", clinic=clinic, channel=channel)
        note(conn, clinic, now, "revisit", "sender resumed", {"channel": channel})
        tasks.finish(conn, clinic, origin=tasks.SYSTEM, name=f"sender/{channel}/", at=now)


def is_well(conn: Connection, clinic: str, channel: str) -> bool:
    """Whether nothing stands against this sender, so that all may try."""
    return senders.state_of(conn, clinic, channel) == SenderState()


def may_try(conn: Connection, clinic: str, channel: str, now: datetime) -> timedelta | None:
    """None where the sender may be asked now; else how long to wait. Of all that wait for a paused one, one may try."""
    state = senders.state_of(conn, clinic, channel)
    if state == SenderState():
        return None
    if state.open_until is not None and state.open_until > now:
        return state.open_until - now
    if not state.paused:
        return None
    tried = state.trying(now)
    if senders.try_once(conn, clinic, channel, state, tried):
        return None
    return (tried.open_until or now) - now


def note_failure(
    conn: Connection, house: House, rooms: Rooms, row: outbox.Row, remedy: str, code: str, now: datetime
) -> None:
    """A message failed, or did not arrive, for good: close its address, look at its sender and at its journey, as the remedy asks."""
    rules, message = rooms.rules, row.message
    channel, address = message.channel or "", message.address or ""
    if remedy in SUPPRESSES and address:
        outbox.suppress(conn, row.clinic, channel, house.hashed(channel, address), SUPPRESSES[remedy], now)
    if remedy == "sender":
        signal(conn, rules, channel, "sender", now, code=code, why=f"the provider answers {code}")
    _watch(conn, rules, message.journey, now)


def pause_journey(conn: Connection, rules: Rules, journey: str, code: str, why: str, now: datetime) -> bool:
    """Pause a journey and tell a person; False where it is paused already."""
    if not pauses.pause(conn, rules.clinic.id, journey, code=code, why=why, actor="revisit", at=now):
        return False
    log.error("journey paused", clinic=rules.clinic.id, journey=journey, code=code)
    note(conn, rules.clinic.id, now, "revisit", "journey paused", {"journey": journey, "code": code})
    said = f"The journey {journey} is paused: {why}. When it is right: revisit resume {journey}"
    system_task(conn, rules, f"pause/{journey}/{now:%Y-%m-%dT%H:%M}", MANAGER, said, now, urgent=True)
    return True


def without_credentials(conn: Connection, rules: Rules, channel: str, why: str, now: datetime) -> None:
    """Messages wait, and grow too late, because the environment lacks what their provider asks for."""
    said = f"No {CHANNEL[channel]} leaves: {why}. Messages wait until they are too late."
    name = f"credentials/{channel}/{local_day(now, rules.clinic.tz)}"
    system_task(conn, rules, name, ENGINEER, said, now, urgent=True)


def system_task(
    conn: Connection,
    rules: Rules,
    name: str,
    assignee: str,
    said: str,
    now: datetime,
    *,
    urgent: bool = False,
) -> bool:
    """Tell a person of the system's own trouble, once for each name."""
    due = rules.clinic.working_days_after(now, 0 if urgent else 1)
    return tasks.add(
        conn, rules.clinic.id, origin=tasks.SYSTEM, name=name, kind="system", assignee=assignee, note=said, at=now, due_at=due, urgent=urgent,
    )  # fmt: skip


def _watch(conn: Connection, rules: Rules, journey: str, now: datetime) -> None:
    failed, tried = outbox.failures(conn, rules.clinic.id, journey, now - A_DAY)
    found = judged(failed, tried)
    if found == "pause":
        why = f"{failed} of its {tried} messages of the last day failed"
        pause_journey(conn, rules, journey, "failures", why, now)
    elif found == "warn":
        said = f"{failed} of {tried} messages of the journey {journey} failed in the last day. At 10 % it is paused."
        system_task(conn, rules, f"failures/{journey}/{local_day(now, rules.clinic.tz)}", MANAGER, said, now)

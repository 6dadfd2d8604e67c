"""One message on its way out.

1. Lock the patient; wait where something of her was accepted and is not folded yet; ask the gate again, claim by a conditional update, render, commit (`claiming`).
2. Only then, and only while the claim is young, wait for a place in the provider's rate, and call it. That the call begins is written first, and only where nothing became known of the
   patient since the claim (`claiming.begin`): no call begins once leave was taken back.
3. What it says, or that it said nothing, is written in a second transaction, and the run goes on.
4. What is proven not to have left is scheduled again. What may have left is `unknown`: looked for where the provider keeps a list (`reconcile`), else left to a person.
5. A process that dies leaves a claim. When its lease is over, one whose call had not begun is scheduled again, for it has not left; every other is `unknown`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from channels.base import Accepted, EmailOut, Outcome, Permanent, SmsOut, Temporary, Unknown
from channels.codes import Remedy, remedy
from worker.delivery.claiming import LEASE, LostClaim, Ready, begin, claim
from worker.delivery.planning import planner_of
from worker.delivery.reconcile import look_for, tell_staff
from worker.delivery.saving import save
from worker.delivery.senders import Channels, headers, keeps_a_list
from worker.delivery.settling import settle
from worker.delivery.trouble import note_failure, signal, without_credentials
from worker.domain.gate.rate import rate
from worker.domain.outbox import further, moves_to
from worker.domain.planner import Planner
from worker.domain.trouble import LONGEST_RETRY, SENDER_TRIES, Sign, patience
from worker.store import outbox, outbox_many, receipts
from worker.store.engine import write
from worker.store.outbox_many import Heard
from worker.workspace.house import House
from worker.workspace.rooms import Rooms

__all__ = ["LEASE", "dispatch", "give_up", "put_in_doubt"]

log = structlog.get_logger(__name__)
ASKED_AGAIN = Temporary("asked_again", "something became known while it waited to be sent", 1.0)
LATE = Temporary("late", "the claim had grown old before the provider was called", None)
ENDING = Temporary("stopping", "its process was told to stop before it was sent", 1.0)

Place = tuple[float, Temporary | None]


def dispatch(house: House, channels: Channels, clinic: str, message_id: str) -> list[str]:
    """Send one message if it is due and the gate lets it; returns the ids of messages that may leave because of it."""
    try:
        claimed = claim(house, channels, clinic, [message_id])
    except LostClaim:
        return []
    following = claimed.following
    for ready in claimed.ready:
        outcome = _call(house, channels, clinic, ready)
        log_attempt(house, clinic, ready, outcome)
        following += record(house, clinic, ready, outcome)
    return following


def log_attempt(house: House, clinic: str, ready: Ready, outcome: Outcome) -> None:
    """Ids and codes only."""
    kind = type(outcome).__name__.lower()
    log.info(
        "attempt", clinic=clinic, message=ready.id, channel=ready.message.channel, outcome=kind,
        patient=house.opaque(ready.message.patient), enrollment=house.opaque(ready.message.enrollment),
    )  # fmt: skip


def give_up(house: House, clinic: str, message_id: str) -> list[str]:
    """A claim whose lease is over. What stands of its call decides: it was taken, it has not left (or never began) and is scheduled again, or nobody knows. Returns as `dispatch` does."""
    with write(house.engine) as conn:
        found = _held(conn, house, clinic, message_id)
        if found is None or found[1].message.state != "claimed":
            return []
        planner, row = found
        log.warning("claim ran out", clinic=clinic, message=message_id)
        tried, known = outbox.give_back(conn, clinic, message_id, house.wall()), row.status or ""
        rooms, now = house.rooms(conn, clinic), planner.now
        if tried is not None and tried.outcome == "accepted":
            channel, mark = row.message.channel or "", tried.provider_id
            why = f"by {channel}, noted late"
            following = settle(
                conn, house, rooms, row, "sent", "", why, now, provider_id=mark, planner=planner
            )
            return [*following, *_apply_status(conn, house, clinic, row.id, now)] if known else following
        if tried is not None and tried.outcome == "temporary" and not moves_to("unknown", known):
            why = "its sender was not heard of again; it has not left"
            return settle(
                conn, house, rooms, row, "scheduled", "lease", why, now, due_at=now, planner=planner
            )
        why = "the sender was not heard of again; it may have left"
        return _doubt(conn, house, planner, row, "lease", why, row.claimed_until or house.wall())


def put_in_doubt(house: House, clinic: str, message_id: str) -> None:
    """`give_up` for a message whose patient can't be planned for: it is scheduled again, or `unknown` and looked for, all the same; its run waits until that is repaired."""
    with write(house.engine) as conn:
        row = next(iter(outbox.get(conn, clinic, [message_id])), None)
        if row is not None and row.message.state == "claimed":
            tried, now = outbox.give_back(conn, clinic, message_id, house.wall()), house.now(conn)
            if tried is not None and tried.outcome == "temporary" and not row.status:
                outbox.finish(conn, clinic, message_id, "scheduled", at=now, reason="lease", due_at=now)
                return
            outbox.finish(conn, clinic, message_id, "unknown", at=now, reason="lease")
            look_for(conn, row, row.claimed_until or house.wall())


def _held(conn: Connection, house: House, clinic: str, message_id: str) -> tuple[Planner, outbox.Row] | None:
    """The message and its patient, locked. The patient first, then the message: everybody takes them in this order."""
    row = next(iter(outbox.get(conn, clinic, [message_id])), None)
    if row is None:
        return None
    planner = planner_of(conn, house, house.rooms(conn, clinic), row.message.patient, house.now(conn))
    row = next(iter(outbox.get(conn, clinic, [message_id])), None)
    return (planner, row) if row is not None else None


def too_old(house: House, ready: Ready) -> bool:
    """Whether its call must not begin any more."""
    return ready.before <= house.wall()


def _call(house: House, channels: Channels, clinic: str, ready: Ready) -> Outcome:
    [(seconds, refused)] = places(house, channels, clinic, [ready])
    if refused is not None:
        return refused
    if seconds:
        time.sleep(seconds)
    if channels.calls.ending:
        return ENDING
    if too_old(house, ready):
        return LATE
    if not begin(house, clinic, [ready]):
        return ASKED_AGAIN
    return call(house, channels, clinic, ready)


def places(house: House, channels: Channels, clinic: str, waiting: Sequence[Ready]) -> list[Place]:
    """Take the next places in their senders' rates: the seconds until each; or why its claim is given back, where that is too long."""
    by_channel: dict[str, list[Ready]] = {}
    for ready in waiting:
        by_channel.setdefault(ready.message.channel or "", []).append(ready)
    wall, found = house.wall(), dict[str, Place]()
    for channel, some in by_channel.items():
        taken = channels.reserve(clinic, channel, some[0].sender, len(some))
        for ready, seconds in zip(some, taken, strict=True):
            refused = rate(wall, timedelta(seconds=seconds))
            found[ready.id] = (
                seconds,
                Temporary(refused.code, refused.why, seconds) if refused is not None else None,
            )
    return [found[ready.id] for ready in waiting]


def call(house: House, channels: Channels, clinic: str, ready: Ready) -> Outcome:
    """Call the provider once, if the claim is young enough."""
    message, rendered, sender = ready.message, ready.rendered, ready.sender
    # Read before what is left, so that a process that is stopped between the two leaves too early rather than too late.
    clock = time.time()
    left = (ready.before - house.wall()).total_seconds()
    if left <= 0:
        return LATE
    before = clock + left
    address = message.address or ""
    if message.channel == "sms":
        callback = channels.callback(house.public_url, clinic)
        seconds = int(ready.validity.total_seconds()) if ready.validity is not None else None
        return channels.sms(
            sender, SmsOut(ready.id, address, sender.sender, rendered.text, callback, seconds, before)
        )
    out = EmailOut(
        ready.id,
        address,
        sender.sender,
        sender.name or ready.from_name,
        rendered.subject or "",
        rendered.text,
        rendered.html or "",
        headers(ready.links.unsubscribe_url),
        before=before,
    )
    return channels.email(sender, out)


def heard_of(ready: Ready, outcome: Outcome) -> Heard:
    """What a call said, as it is noted."""
    if isinstance(outcome, Accepted):
        return Heard(ready.attempt, "accepted", outcome.provider_id, "", "")
    return Heard(ready.attempt, type(outcome).__name__.lower(), None, outcome.code, outcome.why)


def record(house: House, clinic: str, ready: Ready, outcome: Outcome) -> list[str]:
    """Write down what the call said; returns as `dispatch` does."""
    with write(house.engine) as conn:
        told = heard_of(ready, outcome)
        outbox_many.heard(conn, clinic, [told], house.wall())
        code, why = told.code, told.why
        rooms, now = house.rooms(conn, clinic), house.now(conn)
        found = _held(conn, house, clinic, ready.id)
        if found is None:
            return []
        planner, row = found
        if row.message.state != "claimed" or outbox.last_attempt(conn, clinic, ready.id) != ready.attempt:
            return _told_late(conn, house, rooms, planner, row, ready, outcome)
        channel = ready.message.channel or ""
        sign = _sign(ready.sender.provider, outcome)
        asked = outcome.retry_after if isinstance(outcome, Temporary) else None
        wait = timedelta(seconds=min(asked, LONGEST_RETRY.total_seconds())) if asked is not None else None
        if sign is not None:
            signal(conn, rooms.rules, channel, sign, now, wait=wait, code=code, why=why)
        if isinstance(outcome, Accepted):
            following = settle(
                conn,
                house,
                rooms,
                row,
                "sent",
                "",
                f"by {channel}",
                now,
                provider_id=outcome.provider_id,
                planner=planner,
            )
            return (
                [*following, *_apply_status(conn, house, clinic, ready.id, now)] if row.status else following
            )
        if isinstance(outcome, Unknown) or moves_to("unknown", row.status or ""):
            # Where a report has proven an earlier attempt, this one's refusal does not have it sent again.
            following = _doubt(conn, house, planner, row, code, why, house.wall())
            if isinstance(outcome, Permanent):
                note_failure(conn, house, rooms, row, _remedy_of(outcome), code, now)
            return following
        if code == "not_configured":
            without_credentials(conn, rooms.rules, channel, why, now)
        blamed = remedy(ready.sender.provider, code) if isinstance(outcome, Temporary) else None
        ours = isinstance(outcome, Permanent) and outcome.blame == "sender" and ready.tries < SENDER_TRIES
        if isinstance(outcome, Temporary) or ours:
            until = now + patience(ready.id, ready.tries, asked, spaced=ours or blamed == Remedy.SPACED)
            said = f"{why}; next try at {until:%H:%M} UTC"
            return settle(
                conn, house, rooms, row, "scheduled", code, said, now, due_at=until, planner=planner
            )
        following = settle(conn, house, rooms, row, "failed", code, why, now, planner=planner)
        note_failure(conn, house, rooms, row, _remedy_of(outcome), code, now)
        return following


def _told_late(
    conn: Connection,
    house: House,
    rooms: Rooms,
    planner: Planner,
    row: outbox.Row,
    ready: Ready,
    outcome: Outcome,
) -> list[str]:
    """What an attempt says that others had given up by then. That the provider took it still counts; that it did not says nothing of what was tried since."""
    if not isinstance(outcome, Accepted):
        return []
    now, message = planner.now, ready.message
    log.warning("acceptance noted late", clinic=row.clinic, message=row.id, state=row.message.state)
    if row.message.state == "claimed":
        # Another attempt is under way: whoever ends it finds this beside it.
        receipts.found(conn, row.clinic, row.id, outcome.provider_id)
        if further(row.status, "queued"):
            receipts.tell(conn, row.clinic, row.id, "queued", now, "")
        return []
    if row.message.state == "scheduled":
        channel, address = message.channel or "", message.address or ""
        if not outbox.claim(conn, row.clinic, row.id, now, now, channel, address):
            return []
        row = outbox.get(conn, row.clinic, [row.id])[0]
    if row.message.state not in ("claimed", "unknown"):
        return []
    why = f"by {message.channel}, noted late"
    return settle(
        conn, house, rooms, row, "sent", "", why, now, provider_id=outcome.provider_id, planner=planner
    )


def _doubt(
    conn: Connection, house: House, planner: Planner, row: outbox.Row, code: str, why: str, deadline: datetime
) -> list[str]:
    """It may have left. Where its provider can be asked, its run waits for the answer; else it goes on, and a person is told."""
    rooms, now, key = house.rooms(conn, row.clinic), planner.now, row.message.key
    if moves_to("unknown", row.status or ""):
        # A report has come already: it did leave.
        said = f"the provider reports: {row.status}"
        following = settle(conn, house, rooms, row, "sent", "", said, now, planner=planner)
        return [*following, *_apply_status(conn, house, row.clinic, row.id, now)]
    sender = rooms.senders.get(row.message.channel or "")
    if sender is None or not row.message.address or not keeps_a_list(row.message.channel or "", sender):
        following = settle(conn, house, rooms, row, "unknown", code, why, now, planner=planner)
        tell_staff(conn, rooms.rules, row, now)
        return following
    if not outbox.finish(conn, row.clinic, row.id, "unknown", at=now, reason=code):
        return []
    look_for(conn, row, deadline)
    planner.patient.messages[key] = row.message
    planner.doubt(key, code, f"{why}; it is looked for at the provider")
    return save(conn, house, rooms.rules, [planner], now)


def _apply_status(conn: Connection, house: House, clinic: str, message_id: str, now: datetime) -> list[str]:
    """The provider's report may have come before our own record of the acceptance."""
    following: list[str] = []
    row = next(iter(outbox.get(conn, clinic, [message_id])))
    for state in moves_to(row.message.state, row.status or ""):
        rooms = house.rooms(conn, clinic)
        code = row.code or ""
        following += settle(conn, house, rooms, row, state, code, f"the provider reports: {row.status}", now)
        row = next(iter(outbox.get(conn, clinic, [message_id])))
        sender = rooms.senders.get(row.message.channel or "")
        if state == "undelivered" and sender is not None:
            note_failure(conn, house, rooms, row, remedy(sender.provider, code), code, now)
    return following


def _sign(provider: str, outcome: Outcome) -> Sign | None:
    """What an attempt says of its sender; None where it was not asked, and for what it does not speak of itself."""
    if isinstance(outcome, Accepted):
        return "fine"
    if isinstance(outcome, Permanent):
        return "sender" if outcome.blame == "sender" else "fine"
    if isinstance(outcome, Unknown):
        return "away"
    if outcome.code in ("rate", LATE.code, ASKED_AGAIN.code, ENDING.code, "not_configured"):
        return None
    return (
        "busy"
        if outcome.retry_after is not None or remedy(provider, outcome.code) == Remedy.LATER
        else "away"
    )


def _remedy_of(outcome: Permanent) -> str:
    return {"address": "address_dead"}.get(outcome.blame, outcome.blame)

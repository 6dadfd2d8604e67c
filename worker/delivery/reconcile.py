"""Finding out what became of a message whose fate is unknown, from the provider's own list.

Rules
1. What the list shows for that address, and that we know of no other message, is ours: it was sent. A body that is the same tells which of several; one that differs proves nothing.
2. That it was not accepted is proven by the list read twice, at least 30 s apart, and not before the attempt has been over for 60 s, both times without an unmatched message
   to that address. Then it is sent once more, if it is still in time: the gate is asked again.
3. A list that cannot be read, that is of another account than the attempt's, or that leaves it open which of several messages was accepted, proves nothing. After a while a person decides.
4. While a reading is judged, no other message to the same address is claimed; one whose own fate is open is not taken for this one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Connection

from channels.base import Listed, Lookup, NoWord, Sighting
from worker.delivery.planning import planner_of
from worker.delivery.saving import save
from worker.delivery.senders import Channels
from worker.delivery.settling import settle
from worker.delivery.trouble import CHANNEL
from worker.domain.planner import Planner
from worker.domain.rules import Rules
from worker.store import outbox, tasks
from worker.store.engine import write
from worker.workspace.house import House
from worker.workspace.rooms import Rooms

log = structlog.get_logger(__name__)
EARLY: Final = timedelta(seconds=10)
"""How soon after an attempt the list is read for the first time; it can only find then, not prove an absence."""
CERTAIN: Final = timedelta(seconds=60)
"""How long an attempt must be over before its absence from the list means anything."""
APART: Final = timedelta(seconds=31)
"""Between two readings that prove an absence; the promise is at least 30 s."""
BEFORE: Final = timedelta(minutes=2)
"""The list is read from a little before the first attempt, since clocks differ: what of ours was in doubt then may be what it shows."""
PATIENCE: Final = timedelta(hours=6)
"""How long a list that cannot be read is tried again."""
MOST_TRIES: Final = 5
"""After so many attempts a person decides, even if the last one was proven not to have arrived."""
LEASE: Final = timedelta(seconds=45)


def look_for(conn: Connection, row: outbox.Row, deadline: datetime) -> None:
    """Begin to look for a message that is unknown since its attempt was over at `deadline`."""
    outbox.look_for(conn, row.clinic, row.id, deadline=deadline, lookup_at=deadline + EARLY)


def reconcile(house: House, channels: Channels, clinic: str, message_id: str) -> list[str]:
    """Look once for one unknown message; returns the ids of messages that may leave because of what was found."""
    with write(house.engine) as conn:
        row = _unknown(conn, clinic, message_id)
        if row is None or row.deadline is None:
            return []
        sender = house.rooms(conn, clinic).senders.get(row.message.channel or "")
        begun = outbox.first_attempt(conn, clinic, message_id)
        accounts = outbox.accounts(conn, clinic, message_id)
    if sender is None or begun is None or not row.message.address:
        return _leave_to_staff(house, clinic, message_id)
    asked_at = house.wall()
    if accounts == {channels.account(sender.provider, sender.own)}:
        found = channels.lookup(
            sender.provider, row.message.address or "", row.sender or "", begun, sender.own
        )
    else:
        found = NoWord(
            "other_account", "it was tried through another account than the one that is set up now"
        )
    log.info("looked for", clinic=clinic, message=message_id, found=type(found).__name__.lower())
    with write(house.engine) as conn:
        held = _held(conn, house, clinic, message_id)
        if held is None or held[1].deadline is None:
            return []
        return _conclude(conn, house, *held, found, asked_at, begun)


def _unknown(conn: Connection, clinic: str, message_id: str) -> outbox.Row | None:
    row = next(iter(outbox.get(conn, clinic, [message_id])), None)
    return row if row is not None and row.message.state == "unknown" else None


def _held(conn: Connection, house: House, clinic: str, message_id: str) -> tuple[Planner, outbox.Row] | None:
    """The unknown message and its patient, locked. The patient first, then the address, then the message: everybody takes them in this order."""
    row = _unknown(conn, clinic, message_id)
    if row is None:
        return None
    planner = planner_of(conn, house, house.rooms(conn, clinic), row.message.patient, house.now(conn))
    row = _unknown(conn, clinic, message_id)
    return (planner, row) if row is not None else None


def _conclude(
    conn: Connection,
    house: House,
    planner: Planner,
    row: outbox.Row,
    found: Lookup,
    asked_at: datetime,
    begun: datetime,
) -> list[str]:
    rooms, now, deadline = house.rooms(conn, row.clinic), planner.now, row.deadline or asked_at
    pair = (row.message.channel or "", row.message.address or "")
    outbox.alone(conn, row.clinic, [pair])
    if not isinstance(found, Listed):
        return _later_or_never(conn, house, rooms, planner, row, deadline, asked_at)
    ours = [one for one in outbox.under_way_to(conn, *pair, begun - BEFORE) if one[0] != row.id]
    listed = _unmatched(conn, found.messages)
    doubtful = [state for _, state, _ in ours if state in ("claimed", "unknown")]
    match = _match(row, listed, others=len(doubtful), claimed="claimed" in doubtful)
    if match is not None:
        why = "the provider's list shows it"
        return settle(
            conn, house, rooms, row, "sent", "", why, now, provider_id=match.provider_id, planner=planner
        )
    if listed or "claimed" in doubtful:
        return _later_or_never(conn, house, rooms, planner, row, deadline, asked_at)
    if asked_at < deadline + CERTAIN:
        return _again(conn, row, deadline, max(deadline + CERTAIN, asked_at + EARLY), None)
    if row.looked_at is None:
        return _again(conn, row, deadline, asked_at + APART, asked_at)
    if asked_at < row.looked_at + APART - timedelta(seconds=1):
        return _again(conn, row, deadline, row.looked_at + APART, row.looked_at)
    if outbox.attempts_of(conn, row.clinic, row.id) >= MOST_TRIES:
        return _give_over(conn, house, rooms, planner, row)
    log.info("proven absent", clinic=row.clinic, message=row.id)
    why = "the provider's list, read twice, does not have it; it is sent once more"
    return settle(conn, house, rooms, row, "scheduled", "not_there", why, now, due_at=now, planner=planner)


def _unmatched(conn: Connection, listed: Sequence[Sighting]) -> list[Sighting]:
    known = outbox.known_ids(conn, [one.provider_id for one in listed])
    return [one for one in listed if one.provider_id not in known]


def _match(row: outbox.Row, listed: Sequence[Sighting], *, others: int, claimed: bool) -> Sighting | None:
    """The listed message that is this one; None where it is open which is. `others` to the same address are in doubt as well.

    While one of them is `claimed`, equal words prove nothing: that one may say the same, and its sender is about to note that it is the listed one.
    """
    same = [one for one in listed if one.body == row.body]
    enough = len(listed) > others
    if same and (enough or not claimed):
        return same[0]
    return listed[0] if enough else None


def _again(
    conn: Connection, row: outbox.Row, deadline: datetime, at: datetime, looked_at: datetime | None
) -> list[str]:
    outbox.look_for(conn, row.clinic, row.id, deadline=deadline, lookup_at=at, looked_at=looked_at)
    return []


def _later_or_never(
    conn: Connection,
    house: House,
    rooms: Rooms,
    planner: Planner,
    row: outbox.Row,
    deadline: datetime,
    asked_at: datetime,
) -> list[str]:
    if asked_at < deadline + PATIENCE:
        # The longer it lasts, the less often it is asked.
        wait = min(max(asked_at - deadline, APART), timedelta(minutes=15))
        return _again(conn, row, deadline, asked_at + wait, None)
    return _give_over(conn, house, rooms, planner, row)


def _leave_to_staff(house: House, clinic: str, message_id: str) -> list[str]:
    with write(house.engine) as conn:
        held = _held(conn, house, clinic, message_id)
        return _give_over(conn, house, house.rooms(conn, clinic), *held) if held is not None else []


def _give_over(conn: Connection, house: House, rooms: Rooms, planner: Planner, row: outbox.Row) -> list[str]:
    """Nobody can tell: it stays unknown, its run goes on, and a person may send it again."""
    now = planner.now
    outbox.look_for(conn, row.clinic, row.id, deadline=row.deadline or now, lookup_at=None)
    tell_staff(conn, rooms.rules, row, now)
    planner.patient.messages[row.message.key] = row.message
    planner.settle(row.message.key, "unknown", row.message.reason, "nobody can tell whether it left")
    return save(conn, house, rooms.rules, [planner], now)


def task_of(conn: Connection, clinic: str, message_id: str) -> str:
    """The name of the task about a message of unknown fate: one for each attempt after which nobody can tell."""
    return f"unknown/{message_id}/{outbox.attempts_of(conn, clinic, message_id)}"


def tell_staff(conn: Connection, rules: Rules, row: outbox.Row, now: datetime) -> None:
    """A task for a person: to find out, and perhaps to send it again."""
    channel = CHANNEL.get(row.message.channel or "", "message")
    said = f"Nobody can tell whether this {channel} of {row.message.journey} left. If it did not arrive: revisit resend {row.id}"
    tasks.add(
        conn, row.clinic, origin=tasks.SYSTEM, name=task_of(conn, row.clinic, row.id), kind="unknown", assignee="front_desk", note=said, at=now,
        due_at=rules.clinic.working_days_after(now, 1), patient=row.message.patient, journey=row.message.journey, about=row.id,
    )  # fmt: skip

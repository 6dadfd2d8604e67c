"""A message has come to its end, or back: the row moves by a conditional update, and the run that waited for it goes on in the same transaction."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from worker.delivery.planning import planner_of
from worker.delivery.saving import save
from worker.domain.history import SETTLED
from worker.domain.planner import Planner
from worker.store import outbox, tasks
from worker.workspace.house import House
from worker.workspace.rooms import Rooms


def settle(
    conn: Connection,
    house: House,
    rooms: Rooms,
    row: outbox.Row,
    state: str,
    code: str,
    why: str,
    now: datetime,
    *,
    provider_id: str | None = None,
    due_at: datetime | None = None,
    planner: Planner | None = None,
) -> list[str]:
    """Move a message from the state that `row` shows to `state`; returns the ids of messages that may leave because of it.

    `planner` is the patient's where she is locked already. Nothing happens where it is in another state by now. To `scheduled` it needs `due_at`; a message whose run has gone on without it is sent for itself.
    """
    # The patient first, then the message: everybody takes them in this order.
    planner = planner or planner_of(conn, house, rooms, row.message.patient, now)
    sent_at = now if state == "sent" and row.sent_at is None else None
    won = outbox.finish(
        conn, row.clinic, row.id, state, at=now, was=row.message.state, reason=code, provider_id=provider_id, sent_at=sent_at, due_at=due_at,
    )  # fmt: skip
    if not won:
        return []
    if row.message.state == "unknown":
        tasks.finish(conn, row.clinic, origin=tasks.SYSTEM, name=f"unknown/{row.id}/", at=now)
    planner.patient.messages[row.message.key] = row.message
    if state == "scheduled" and due_at is not None:
        planner.postpone(row.message.key, due_at, why, code=code)
    elif state in SETTLED:
        planner.settle(row.message.key, state, code, why)
    else:
        planner.note(row.message.key, state, code, why)
    return save(conn, house, rooms.rules, [planner], now)

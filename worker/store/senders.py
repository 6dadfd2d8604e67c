"""How each clinic's senders do: one row for each that had trouble, shared by all processes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from worker.domain.trouble import SenderState
from worker.store.schema import senders
from worker.store.sql import insert


def state_of(conn: Connection, clinic: str, channel: str) -> SenderState:
    """How this sender does; one without a row is well."""
    c = senders.c
    found = conn.execute(
        select(c.state, c.failures, c.open_until, c.code, c.why).where(
            c.clinic_id == clinic, c.channel == channel
        )
    ).one_or_none()
    if found is None:
        return SenderState()
    return SenderState(found.state == "paused", found.failures, found.open_until, found.code, found.why)


def keep(conn: Connection, clinic: str, channel: str, state: SenderState, at: datetime) -> None:
    """Keep how it does from now on; one that is well needs no row."""
    c = senders.c
    if state == SenderState():
        conn.execute(delete(senders).where(c.clinic_id == clinic, c.channel == channel))
        return
    row = {
        "state": "paused" if state.paused else "ok", "failures": state.failures, "open_until": state.open_until, "code": state.code,
        "why": state.why, "changed_at": at,
    }  # fmt: skip
    statement = insert(conn, senders).values(clinic_id=clinic, channel=channel, **row)
    conn.execute(statement.on_conflict_do_update(index_elements=["clinic_id", "channel"], set_=row))


def try_once(conn: Connection, clinic: str, channel: str, known: SenderState, tried: SenderState) -> bool:
    """Of all that want to try a paused sender again, one gets True."""
    c = senders.c
    which = (c.clinic_id == clinic, c.channel == channel, c.open_until.is_not_distinct_from(known.open_until))
    return conn.execute(update(senders).where(*which).values(open_until=tried.open_until)).rowcount == 1


def in_trouble(conn: Connection, clinic: str) -> dict[str, SenderState]:
    """The senders of a clinic that are paused, by channel."""
    c = senders.c
    rows = conn.execute(
        select(c.channel).where(c.clinic_id == clinic, c.state == "paused").order_by(c.channel)
    )
    return {channel: state_of(conn, clinic, channel) for channel in rows.scalars().all()}

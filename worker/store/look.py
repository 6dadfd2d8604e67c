"""What people look at: sizes, moves, messages, reasons, tasks. Reads only; all of one clinic."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select

from worker.store.schema import (
    enrollments,
    memberships,
    messages,
    patients,
    replies,
    tasks,
    traces,
    transitions,
)
from worker.store.sql import among, chunks


class Moves(NamedTuple):
    """How many patients entered or left a segment, for one cause."""

    segment: str
    change: str
    cause: str
    size: int


class Tally(NamedTuple):
    """How many messages of a journey are in a state."""

    journey: str
    state: str
    size: int


class Reason(NamedTuple):
    """How many messages of a journey were dropped (`dropped`) or wait (`scheduled`) for one reason."""

    journey: str
    state: str
    reason: str
    size: int


class Shown(NamedTuple):
    """A message with its text, as far as it has one. `at` is when it was decided over, or is due."""

    id: str
    at: datetime
    patient: str
    journey: str
    step: str
    state: str
    channel: str | None
    address: str | None
    language: str | None
    subject: str | None
    body: str | None
    reason: str


class OpenTask(NamedTuple):
    """Work that waits for a person. `said` are the patient's own words, where it is about a reply whose words are still kept."""

    id: int
    patient: str
    journey: str
    step: str
    assignee: str
    note: str
    due_at: datetime
    at: datetime
    kind: str
    urgent: bool
    said: str | None


def stage_sizes(conn: Connection, clinic: str) -> dict[str, int]:
    """How many patients are in each lifecycle stage; a stage without any is left out."""
    c = patients.c
    statement = (
        select(c.stage, func.count())
        .where(c.clinic_id == clinic, c.stage.is_not(None))
        .group_by(c.stage)
        .order_by(c.stage)
    )
    return {str(stage): size for stage, size in conn.execute(statement)}


def segment_sizes(conn: Connection, clinic: str) -> dict[str, int]:
    """How many patients are in each segment, stages included; a segment without any is left out."""
    c = memberships.c
    statement = (
        select(c.segment, func.count()).where(c.clinic_id == clinic).group_by(c.segment).order_by(c.segment)
    )
    return {str(segment): size for segment, size in conn.execute(statement)}


def moves(conn: Connection, clinic: str, since: datetime) -> list[Moves]:
    """Transitions from `since` on, but for the silent ones."""
    c = transitions.c
    key = (c.segment, c.change, c.cause)
    which = (c.clinic_id == clinic, c.at >= since, c.silent.is_(False))
    return [
        Moves(*row)
        for row in conn.execute(select(*key, func.count()).where(*which).group_by(*key).order_by(*key))
    ]


def message_counts(conn: Connection, clinic: str) -> list[Tally]:
    """Messages by journey and state."""
    key = (messages.c.journey, messages.c.state)
    statement = select(*key, func.count()).where(messages.c.clinic_id == clinic).group_by(*key).order_by(*key)
    return [Tally(*row) for row in conn.execute(statement)]


def next_messages(conn: Connection, clinic: str, limit: int = 20) -> list[Shown]:
    """The messages that are due next."""
    c = messages.c
    statement = _shown(c.due_at).where(c.clinic_id == clinic, among(c.state, "scheduled"))
    return [Shown(*row) for row in conn.execute(statement.order_by(c.due_at, c.id).limit(limit))]


def open_tasks(conn: Connection, clinic: str, limit: int = 1_000) -> list[OpenTask]:
    """What people at the clinic have to do, the most urgent first."""
    c = tasks.c
    wanted = (
        c.id, c.patient_id, c.journey, c.step, c.assignee, c.note, c.due_at, c.at, c.kind, c.urgent, c.enrollment
    )  # fmt: skip
    statement = (
        select(*wanted)
        .where(c.clinic_id == clinic, among(c.state, "open"))
        .order_by(c.urgent.desc(), c.due_at, c.id)
        .limit(limit)
    )
    found = conn.execute(statement).all()
    # A reply's task has the reply for its origin.
    about = {row.id: int(number) for row in found if (number := _after(row.enrollment, "reply/")).isdigit()}
    which = (replies.c.clinic_id == clinic, replies.c.id.in_(sorted(set(about.values()))))
    said = {row.id: row.body for row in conn.execute(select(replies.c.id, replies.c.body).where(*which))}
    return [OpenTask._make((*tuple(row)[:-1], said.get(about.get(row.id)))) for row in found]


def _after(text: str, beginning: str) -> str:
    return text.removeprefix(beginning) if text.startswith(beginning) else ""


def _shown(at: Any) -> Any:
    c = messages.c
    return select(
        c.id,
        at,
        c.patient_id,
        c.journey,
        c.step,
        c.state,
        c.channel,
        c.address,
        c.language,
        c.subject,
        c.body,
        c.reason,
    )


class Letter(NamedTuple):
    """A message that was let out, with all that its reader sees. `at` is when that was decided; `html` is an e-mail's other form."""

    id: str
    at: datetime
    patient: str
    journey: str
    step: str
    state: str
    channel: str | None
    language: str | None
    subject: str | None
    body: str | None
    html: str | None
    reason: str


class HeldBack(NamedTuple):
    """A message that was dropped, or that waits for the reason given. `at` is when it was dropped, or is due."""

    at: datetime
    patient: str
    journey: str
    step: str
    state: str
    reason: str


class NotStarted(NamedTuple):
    """How often a journey was not begun, for one reason in words."""

    journey: str
    why: str
    size: int


_LET_OUT = ("claimed", "sent", "delivered", "undelivered", "unknown", "failed", "rehearsed")


def letters(conn: Connection, clinic: str, limit: int = 30) -> list[Letter]:
    """The messages that were let out last, the latest first; what became of each is its `state`."""
    c = messages.c
    wanted = (
        c.id,
        c.decided_at,
        c.patient_id,
        c.journey,
        c.step,
        c.state,
        c.channel,
        c.language,
        c.subject,
        c.body,
        c.html,
        c.reason,
    )
    which = (c.clinic_id == clinic, c.decided_at.is_not(None), among(c.state, *_LET_OUT))
    statement: Any = select(*wanted).where(*which).order_by(c.decided_at.desc(), c.id).limit(limit)
    return [Letter(*row) for row in conn.execute(statement)]


def let_out(conn: Connection, clinic: str, since: datetime) -> int:
    """How many messages left, or would have left in a rehearsal, from `since` on."""
    c = messages.c
    which = (c.clinic_id == clinic, c.decided_at >= since, among(c.state, *_LET_OUT))
    return conn.execute(select(func.count()).select_from(messages).where(*which)).scalar_one()


def became(conn: Connection, clinic: str, since: datetime) -> dict[str, int]:
    """What became of the messages that were let out from `since` on: how many are in each state."""
    c = messages.c
    which = (c.clinic_id == clinic, c.decided_at >= since, among(c.state, *_LET_OUT))
    statement = select(c.state, func.count()).where(*which).group_by(c.state).order_by(c.state)
    return {str(state): size for state, size in conn.execute(statement)}


def held_back(conn: Connection, clinic: str, since: datetime) -> list[Reason]:
    """Why messages were dropped from `since` on, and what others wait for now."""
    key = (messages.c.journey, messages.c.state, messages.c.reason)
    statement = (
        select(*key, func.count())
        .where(messages.c.clinic_id == clinic, _held(since))
        .group_by(*key)
        .order_by(*key)
    )
    return [Reason(*row) for row in conn.execute(statement)]


def held_examples(conn: Connection, clinic: str, since: datetime, each: int = 3) -> list[HeldBack]:
    """The latest `each` messages of every reason that `held_back` counts."""
    c = messages.c
    at = case((among(c.state, "dropped"), c.decided_at), else_=c.due_at)
    place = (
        func.row_number()
        .over(partition_by=(c.state, c.reason), order_by=(c.decided_at.desc(), c.due_at, c.id))
        .label("place")
    )
    wanted = (at.label("at"), c.patient_id, c.journey, c.step, c.state, c.reason)
    ranked = select(*wanted, place).where(c.clinic_id == clinic, _held(since)).subquery()
    r = ranked.c
    statement = select(r.at, r.patient_id, r.journey, r.step, r.state, r.reason).where(r.place <= each)
    return [HeldBack(*row) for row in conn.execute(statement.order_by(r.state, r.reason, r.place))]


def sentences(conn: Connection, clinic: str, wanted: Collection[str]) -> dict[tuple[str, str, str], str]:
    """The latest reason in words why a message was dropped or waits, by (patient, journey, step), for these patients."""
    c = traces.c
    found: dict[tuple[str, str, str], str] = {}
    for part in chunks(sorted(wanted)):
        which = (c.clinic_id == clinic, c.patient_id.in_(part), among(c.what, "dropped", "waits"))
        for patient, journey, step, why in conn.execute(
            select(c.patient_id, c.journey, c.step, c.why).where(*which).order_by(c.at, c.id)
        ):
            found[patient, journey, step] = why
    return found


def not_started(conn: Connection, clinic: str, since: datetime) -> list[NotStarted]:
    """Journeys that a patient came up for from `since` on and was not taken into, by journey and reason, the most frequent first."""
    c = traces.c
    size = func.count().label("size")
    which = (c.clinic_id == clinic, among(c.what, "not started"), c.at >= since)
    statement = (
        select(c.journey, c.why, size)
        .where(*which)
        .group_by(c.journey, c.why)
        .order_by(size.desc(), c.journey, c.why)
    )
    return [NotStarted(*row) for row in conn.execute(statement)]


def _held(since: datetime) -> ColumnElement[bool]:
    c = messages.c
    return or_(
        and_(among(c.state, "dropped"), c.decided_at >= since),
        and_(among(c.state, "scheduled"), c.reason != ""),
    )


class NextStep(NamedTuple):
    """A run whose next step is not due yet. `position` is the step's id in that version of the journey."""

    at: datetime
    patient: str
    journey: str
    version: str
    position: str


def next_steps(conn: Connection, clinic: str, limit: int = 30) -> list[NextStep]:
    """The steps that fall due next, the earliest first."""
    c = enrollments.c
    wanted = (c.due_at, c.patient_id, c.journey, c.version, c.position)
    which = (c.clinic_id == clinic, c.outcome.is_(None), c.due_at.is_not(None))
    return [
        NextStep(*row)
        for row in conn.execute(select(*wanted).where(*which).order_by(c.due_at, c.id).limit(limit))
    ]


def under_way(conn: Connection, clinic: str) -> dict[str, int]:
    """How many patients are in each journey now; a journey without any is left out."""
    c = enrollments.c
    statement = (
        select(c.journey, func.count())
        .where(c.clinic_id == clinic, c.outcome.is_(None))
        .group_by(c.journey)
        .order_by(c.journey)
    )
    return {str(journey): size for journey, size in conn.execute(statement)}


def doubtful(conn: Connection, clinic: str, limit: int = 1_000) -> list[Any]:
    """Messages of unknown fate, the oldest first: (id, patient, journey, step, channel, since, code, whether it is still looked for)."""
    c = messages.c
    wanted = (
        c.id,
        c.patient_id,
        c.journey,
        c.step,
        c.channel,
        c.decided_at,
        c.reason,
        c.lookup_at.is_not(None),
    )
    which = (c.clinic_id == clinic, among(c.state, "unknown"))
    return list(conn.execute(select(*wanted).where(*which).order_by(c.decided_at, c.id).limit(limit)).all())

"""What was decided over patients is written: their rows, ledgers, segments, runs, messages, reasons and tasks.

Rules
1. A message that has settled is never written again by a plan; an illegal move leaves the row as it is.
2. Any number of patients costs the same number of statements, up to `sql.CHUNK` of them.
3. What stands in a row already is not written again. A ledger that has changed counts its `changes` up, so that whoever decided by it can tell.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Boolean, Connection, Text, and_, bindparam, case, or_, update

from worker.domain.outbox import UNDER_WAY, may_follow
from worker.domain.patient import Kept, Patient, Plan
from worker.store.rows import enrollment_row, message_row, task_row, trace_row, transition_row
from worker.store.schema import (
    enrollments,
    ledgers,
    memberships,
    messages,
    patients,
    tasks,
    traces,
    transitions,
)
from worker.store.sql import add, add_missing, insert, many, upsert
from worker.store.types import Instant

DEFAULT_PRIORITY: Final = 5

_DECIDED: Final = (
    "due_at",
    "expires_at",
    "step_due_at",
    "excused",
    "channel",
    "address",
    "reason",
    "decided_at",
    "state",
)


def save(
    conn: Connection,
    clinic: str,
    changes: Sequence[tuple[Patient, Plan]],
    now: datetime,
    *,
    stages: Collection[str],
    priorities: Mapping[str, int] | None = None,
) -> None:
    """Write patients that `patients.lock` gave out, with what was decided over them. `stages` are the lifecycle's; `priorities` are by journey, 5 where one has none.

    A patient comes at most once. Claim or finish a message by `outbox` before its plan is saved: those calls tell who won, this one does not.
    """
    last = {patient.id: patient for patient, _ in changes}
    if len(last) != len(changes):
        raise ValueError("a patient is in the batch twice")
    changes = sorted(changes, key=lambda change: change[0].id)
    everybody = [patient for patient, _ in changes]
    patient_rows = [
        _patient_row(clinic, patient, stages) for patient in everybody if not _row_stands(patient)
    ]
    upsert(conn, patients, patient_rows, wakes=("next_change_at", "rules_version"), keep=("alias_of",))
    upsert(
        conn, ledgers, [_ledger_row(clinic, patient) for patient in everybody if not _ledger_stands(patient)]
    )
    for patient in everybody:
        patient.kept = kept(patient, _changes(patient))
    _save_memberships(conn, clinic, changes)
    add(conn, transitions, [transition_row(clinic, t, now) for _, plan in changes for t in plan.transitions])
    runs = [patient.enrollments[key] for patient, plan in changes for key in sorted(plan.enrollments)]
    upsert(conn, enrollments, [enrollment_row(clinic, run) for run in runs], wakes=("due_at",))
    _save_messages(conn, clinic, changes, now, priorities or {})
    add(conn, traces, [trace_row(clinic, trace, now) for _, plan in changes for trace in plan.traces])
    todo = [task_row(clinic, task) for _, plan in changes for task in plan.tasks]
    many(
        conn,
        insert(conn, tasks).on_conflict_do_nothing(index_elements=["clinic_id", "enrollment", "step"]),
        todo,
    )


def blank(clinic: str, patient_id: str) -> dict[str, Any]:
    """The row of a patient of whom nothing is known yet, to be inserted into `patients`."""
    return {"clinic_id": clinic, "patient_id": patient_id, "members": [], "tries": 0}


def kept(patient: Patient, changes: int) -> Kept:
    """A patient who is in the database as she is here."""
    return Kept(
        patient.ledger, patient.seen, changes, patient.members, patient.as_of, patient.next_change_at, patient.rules_version,
    )  # fmt: skip


def _row_stands(patient: Patient) -> bool:
    was = patient.kept
    return was is not None and (was.members, was.as_of, was.next_change_at, was.rules_version) == (
        patient.members, patient.as_of, patient.next_change_at, patient.rules_version,
    )  # fmt: skip


def _ledger_stands(patient: Patient) -> bool:
    was = patient.kept
    return was is not None and was.ledger is patient.ledger and was.seen is patient.seen


def _changes(patient: Patient) -> int:
    was = patient.kept
    return 0 if was is None else was.changes + (was.ledger is not patient.ledger)


def _patient_row(clinic: str, patient: Patient, stages: Collection[str]) -> dict[str, Any]:
    return {
        **blank(clinic, patient.id), "stage": next((name for name in sorted(patient.members) if name in stages), None),
        "members": sorted(patient.members), "as_of": patient.as_of, "next_change_at": patient.next_change_at,
        "rules_version": patient.rules_version, "queued_until": None, "alias_of": None,
    }  # fmt: skip


def _ledger_row(clinic: str, patient: Patient) -> dict[str, Any]:
    seen = patient.seen if patient.seen is not None and patient.seen.ledger is patient.ledger else None
    packed = seen.packed() if seen is not None else None
    return {
        "clinic_id": clinic, "patient_id": patient.id, "data": patient.ledger, "seen": packed, "changes": _changes(patient),
    }  # fmt: skip


def _save_memberships(conn: Connection, clinic: str, changes: Sequence[tuple[Patient, Plan]]) -> None:
    touched = {(t.segment, p.id): t.segment in p.members for p, plan in changes for t in plan.transitions}
    c = memberships.c
    keys = (
        c.clinic_id == bindparam("b_clinic"),
        c.segment == bindparam("b_segment"),
        c.patient_id == bindparam("b_patient"),
    )
    out = [
        {"b_clinic": clinic, "b_segment": segment, "b_patient": pid}
        for (segment, pid), inside in touched.items()
        if not inside
    ]
    many(conn, memberships.delete().where(*keys), out)
    into = [
        {"clinic_id": clinic, "segment": segment, "patient_id": pid}
        for (segment, pid), inside in touched.items()
        if inside
    ]
    add_missing(conn, memberships, into)


def _save_messages(
    conn: Connection,
    clinic: str,
    changes: Sequence[tuple[Patient, Plan]],
    now: datetime,
    priorities: Mapping[str, int],
) -> None:
    decided = [
        message_row(clinic, patient.messages[key])
        for patient, plan in changes
        for key in sorted(plan.messages)
    ]
    known = [
        {
            **{f"b_{name}": row[name] for name in ("clinic_id", "key", *_DECIDED)},
            **{
                f"b_from_{state}": state == row["state"] or may_follow(state, row["state"])
                for state in sorted(UNDER_WAY)
            },
        }
        for row in decided
    ]
    many(conn, _MOVE, known)
    new = [
        {
            **row,
            "id": uuid.uuid4().hex,
            "priority": priorities.get(row["journey"], DEFAULT_PRIORITY),
            "tries": 0,
            "created_at": now,
        }
        for row in decided
    ]
    many(conn, insert(conn, messages).on_conflict_do_nothing(index_elements=["clinic_id", "key"]), new)


def _move() -> Any:
    c = messages.c
    to, due = bindparam("b_state", type_=Text), bindparam("b_due_at", type_=Instant)
    values: dict[str, Any] = {name: bindparam(f"b_{name}", type_=c[name].type) for name in _DECIDED}
    same = c.due_at == due
    values["queued_until"] = case((same, c.queued_until), else_=None)
    values["tries"] = case((same, c.tries), else_=0)
    values["claimed_until"] = case((to == "claimed", c.claimed_until), else_=None)
    legal = or_(
        *(and_(c.state == state, bindparam(f"b_from_{state}", type_=Boolean)) for state in sorted(UNDER_WAY))
    )
    return (
        update(messages)
        .where(c.clinic_id == bindparam("b_clinic_id"), c.key == bindparam("b_key"), legal)
        .values(values)
    )


_MOVE: Final = _move()

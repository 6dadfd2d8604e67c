"""Everybody of a clinic as a stream, on both databases."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Engine

from tests.store.samples import CLINIC, NOW, a_ledger, a_message, a_patient, a_run, keep
from worker.domain.planner import Plan
from worker.store import census, outbox, patients
from worker.store.day_counts import base
from worker.store.engine import read, write

MANY = census.AT_ONCE + 8


def test_everybody_comes_once_with_what_was_told(engine: Engine) -> None:
    later = NOW + timedelta(days=7)
    keep(
        engine, *(a_patient(f"p-{number}") for number in range(MANY)), a_patient("late", next_change_at=later)
    )
    with read(engine) as conn:
        found = list(census.everybody(conn, CLINIC))
    by_name = {told.patient: told for told in found}
    assert len(found) == len(by_name) == MANY + 1
    assert by_name["late"] == census.Told("late", a_ledger("late"), later)


def test_another_clinics_patients_do_not_come(engine: Engine) -> None:
    keep(engine, a_patient())
    with read(engine) as conn:
        assert list(census.everybody(conn, "other")) == []


def test_who_was_merged_into_another_does_not_come(engine: Engine) -> None:
    keep(engine, a_patient("p-1"), a_patient("p-2"))
    with write(engine) as conn:
        patients.alias(conn, CLINIC, "p-2", "p-1")
    with read(engine) as conn:
        assert [told.patient for told in census.everybody(conn, CLINIC)] == ["p-1"]


def test_other_questions_may_be_asked_while_they_come(engine: Engine) -> None:
    keep(engine, *(a_patient(f"p-{number}") for number in range(MANY)))
    with read(engine) as conn:
        assert {base(conn, CLINIC) for _ in census.everybody(conn, CLINIC)} == {MANY}


def test_a_suppression_that_was_lifted_is_none(engine: Engine) -> None:
    with write(engine) as conn:
        outbox.suppress(conn, CLINIC, "sms", "one", "stop", NOW)
        outbox.suppress(conn, CLINIC, "email", "two", "stop", NOW)
        outbox.lift(conn, CLINIC, "sms", "one", NOW)
    with read(engine) as conn:
        assert census.suppressed(conn, CLINIC) == {("email", "two")}
        assert census.suppressed(conn, "other") == frozenset()


def test_runs_come_by_patient_those_that_ended_too(engine: Engine) -> None:
    patient, plan = a_patient("p-1")
    ended = a_run("p-1", anchor="new@2026-01-01").end("goal", "came back", NOW)
    patient.enrollments[ended.id] = ended
    plan.enrollments.add(ended.id)
    keep(engine, (patient, plan), a_patient("p-2"))
    with read(engine) as conn:
        assert census.runs_of(conn, CLINIC, ["p-1"]) == {"p-1": patient.enrollments}
        assert census.runs_of(conn, CLINIC, []) == {}


def test_only_what_is_still_to_leave_is_waiting(engine: Engine) -> None:
    patient, _ = a_patient("p-2")
    sent = a_message("p-2", state="sent", decided_at=NOW)
    patient.messages = {sent.key: sent}
    keep(engine, a_patient("p-1"), (patient, Plan(messages={sent.key})))
    with read(engine) as conn:
        assert census.waiting(conn, CLINIC) == 1

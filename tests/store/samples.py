"""Values to put into the store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, event

from worker.domain import ledger as ledgers
from worker.domain.events import Event
from worker.domain.history import Enrollment, Message, Task, Trace, Transition
from worker.domain.planner import Patient, Plan
from worker.store import decided, patients
from worker.store.engine import write

T = TypeVar("T")

NOW = datetime(2026, 11, 23, 9, 30, 15, 123456, tzinfo=UTC)
ATHENS = ZoneInfo("Europe/Athens")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
STAGES = frozenset({"new", "regular"})
CLINIC = "default"
DAY = timedelta(days=1)
LEASE = timedelta(seconds=60)


def an_event(
    number: int = 1, *, subject: str = "p-1", at: datetime = NOW, kind: str = "visit.completed", **data: Any
) -> Event:
    return Event(
        f"e-{number}",
        "/book",
        kind,
        subject,
        at,
        {"appointment_id": f"a-{number}", "net": {"minor": 1, "currency": "EUR"}, **data},
    )


def a_run(pid: str = "p-1", *, due_at: datetime | None = NOW, anchor: str = "new@2026-11-01") -> Enrollment:
    return Enrollment(
        id=f"nudge/{pid}/{anchor}", patient=pid, journey="nudge", version="v1", anchor=anchor, entered_at=NOW - DAY, started_by="time",
        appointment="a-1", position="1", based_at=NOW - DAY, hears_from=NOW - DAY, due_at=due_at, excused=timedelta(hours=3),
    )  # fmt: skip


def a_message(pid: str = "p-1", step: str = "hello", *, due_at: datetime = NOW, **fields: Any) -> Message:
    run = a_run(pid)
    whole = Message(
        key=f"{CLINIC}/nudge/{pid}/{run.anchor}/{step}", patient=pid, enrollment=run.id, journey="nudge", version="v1", step=step,
        template="nudge/hello", purpose="marketing", channels=("sms", "email"), step_due_at=NOW - DAY, due_at=due_at, expires_at=NOW + DAY,
    )  # fmt: skip
    return replace(whole, **fields)


def a_ledger(
    pid: str = "p-1", phone: str = "+306900000001", email: str = "eleni@example.com"
) -> ledgers.Ledger:
    record = {
        "first_name": "Ελένη",
        "phone": phone,
        "email": email,
        "consent": {"sms": ["marketing"], "email": []},
    }
    return ledgers.fold(ledgers.empty(), an_event(subject=pid, patient=record))


def a_patient(pid: str = "p-1", **fields: Any) -> tuple[Patient, Plan]:
    """A patient with everything, and the plan that says that all of it is new."""
    run, message = a_run(pid, due_at=None), a_message(pid)
    run = replace(run, waiting_for=message.key)
    members = frozenset({"new", "body_history"})
    patient = Patient(
        pid, ledger=a_ledger(pid), members=members, as_of=NOW, next_change_at=NOW + DAY, rules_version=3,
        enrollments={run.id: run}, messages={message.key: message},
    )  # fmt: skip
    for name, value in fields.items():
        setattr(patient, name, value)
    plan = Plan(
        transitions=[Transition(pid, name, "entered", "event", NOW) for name in sorted(members)],
        traces=[Trace(pid, "nudge", "hello", NOW, "scheduled", "step hello")],
        tasks=[Task(pid, run.id, "nudge", "call", "front_desk", "Call her.", NOW + DAY, NOW)],
        enrollments=set(patient.enrollments), messages=set(patient.messages),
    )  # fmt: skip
    return patient, plan


def keep(engine: Engine, *changes: tuple[Patient, Plan], clinic: str = CLINIC) -> None:
    """Lock and save, as the service does."""
    with write(engine) as conn:
        patients.lock(conn, clinic, [patient.id for patient, _ in changes], since=LONG_AGO)
        decided.save(conn, clinic, list(changes), NOW, stages=STAGES)


@contextmanager
def counting(engine: Engine) -> Iterator[list[str]]:
    """The statements that are sent to the database meanwhile."""
    sent: list[str] = []

    def heard(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", heard)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", heard)


def together(*work: Callable[[], T]) -> list[T]:
    """Run these at the same time in threads; their results in order. The first exception is raised."""
    start = threading.Barrier(len(work))
    results: dict[int, T] = {}
    errors: list[BaseException] = []

    def run(index: int, what: Callable[[], T]) -> None:
        try:
            start.wait(10)
            results[index] = what()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(work)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if errors:
        raise errors[0]
    return [results[index] for index in range(len(work))]

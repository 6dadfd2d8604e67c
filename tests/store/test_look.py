"""What people look at."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Engine

from tests.store.samples import CLINIC, DAY, NOW, a_message, a_patient, keep
from tests.traces import traces_of
from worker.domain.history import Trace, Transition
from worker.domain.planner import Patient, Plan
from worker.store import look
from worker.store.engine import read, write


def test_moves_are_counted_from_a_moment_on_without_the_silent_ones(engine: Engine) -> None:
    told = [
        Transition("p-1", "new", "entered", "event", NOW),
        Transition("p-1", "new", "left", "time", NOW - DAY),
        Transition("p-1", "regular", "entered", "rules", NOW, silent=True),
    ]
    keep(engine, (Patient("p-1", as_of=NOW), Plan(transitions=told)), a_patient("p-2"))
    with read(engine) as conn:
        assert look.moves(conn, CLINIC, NOW) == [
            ("body_history", "entered", "event", 1),
            ("new", "entered", "event", 2),
        ]
        assert look.moves(conn, "another", NOW) == []


def test_messages_are_told_by_state_and_the_next_first(engine: Engine) -> None:
    steps = {
        "a": a_message(step="a", due_at=NOW + DAY),
        "b": a_message(step="b", due_at=NOW),
        "c": a_message(step="c", state="dropped", reason="rebooked", decided_at=NOW),
        "d": a_message(
            step="d", state="sent", reason="", decided_at=NOW + DAY, channel="sms", address="+3069"
        ),
    }
    steps["a"] = replace(steps["a"], reason="quiet_hours")
    held = {message.key: message for message in steps.values()}
    keep(engine, (Patient("p-1", as_of=NOW, messages=held), Plan(messages=set(held))))
    with write(engine) as conn:
        assert look.message_counts(conn, CLINIC) == [
            ("nudge", "dropped", 1),
            ("nudge", "scheduled", 2),
            ("nudge", "sent", 1),
        ]
        assert [(shown.step, shown.at) for shown in look.next_messages(conn, CLINIC)] == [
            ("b", NOW),
            ("a", NOW + DAY),
        ]


def test_the_last_traces_come_in_the_order_in_which_they_came_about(engine: Engine) -> None:
    told = [
        Trace("p-1", journey, "", NOW, "started", str(number))
        for number, journey in enumerate(["a", "b", "a"])
    ]
    keep(engine, (Patient("p-1", as_of=NOW), Plan(traces=told)))
    with read(engine) as conn:
        assert traces_of(conn, CLINIC, "p-1") == told


def test_open_tasks_come_by_urgency(engine: Engine) -> None:
    patient, plan = a_patient()
    plan.tasks = [replace(plan.tasks[0], step="later", due_at=NOW + 2 * DAY), plan.tasks[0]]
    keep(engine, (patient, plan))
    with read(engine) as conn:
        found = look.open_tasks(conn, CLINIC)
    assert [(task.step, task.assignee, task.note) for task in found] == [
        ("call", "front_desk", "Call her."),
        ("later", "front_desk", "Call her."),
    ]

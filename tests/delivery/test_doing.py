"""Tasks ticked off by a person."""

from __future__ import annotations

import pytest

from tests.delivery.desk import FILES, Desk
from worker.cli.app import Usage
from worker.cli.operations import pause as pause_command
from worker.service.doing import done, open_tasks
from worker.service.intervening import Refused, pause, pause_all, resume
from worker.service.publishing import publish

CALLING = (
    "journey: hello\nstart: {event: visit.completed}\nsteps:\n"
    "  - {id: call, task: front_desk, due: 1 working day, note: Call her.}\n"
    "  - id: wait\n    listen_for: [task.done]\n    up_to: 5 days\n    then:\n"
    "      task.done:\n        - {id: hello, send: sms, template: hello}\n"
)


def _came(desk: Desk) -> None:
    person = {"first_name": "Maria", "phone": "+306900000001", "consent": {"sms": ["marketing"]}}
    at = desk.now.isoformat()
    desk.tell("visit.completed", 1, appointment_id="a-1", starts_at=at, patient=person)


def test_a_task_that_is_done_lets_its_journey_go_on(desk: Desk) -> None:
    publish(desk.house, {**FILES, "journeys/hello.yaml": CALLING})
    _came(desk)
    (task,) = open_tasks(desk.house, "default")
    assert (task.patient, task.note, task.assignee, task.urgent) == ("p-1", "Call her.", "front_desk", False)
    keys = [key for job in done(desk.house, "default", task.id, "user test") for key in job.ids]
    assert not open_tasks(desk.house, "default")
    for key in keys:
        desk.send(key)
    assert [sms.body for sms in desk.provider.messages] == ["Hello Maria, C"]


def test_a_task_is_done_once(desk: Desk) -> None:
    publish(desk.house, {**FILES, "journeys/hello.yaml": CALLING})
    _came(desk)
    (task,) = open_tasks(desk.house, "default")
    done(desk.house, "default", task.id, "user test")
    with pytest.raises(Refused, match=f"no open task {task.id}"):
        done(desk.house, "default", task.id, "user test")
    with pytest.raises(Refused, match="no open task 999"):
        done(desk.house, "default", 999, "user test")


def test_a_pause_that_is_lifted_takes_its_task_along(desk: Desk) -> None:
    key = desk.visit(1)
    pause(desk.house, "default", "hello", "a word with the owner first", "user test")
    desk.send(key)
    assert desk.state(key) == ("scheduled", "paused")
    assert not desk.provider.messages
    resume(desk.house, "default", "hello", "user test")
    desk.turn(3601)
    assert desk.state(key) == ("sent", "")
    with pytest.raises(Refused, match=r"is not paused\. Paused now: none"):
        resume(desk.house, "default", "hello", "user test")
    with pytest.raises(Refused, match="no journey `helo`"):
        pause(desk.house, "default", "helo", "x", "user test")


def test_after_a_restore_by_other_tools_all_journeys_of_all_clinics_are_paused_at_once(desk: Desk) -> None:
    other = {**FILES, "config/clinic.yaml": "id: other\n" + FILES["config/clinic.yaml"]}
    publish(desk.house, other)
    key = desk.visit(1)
    assert [pause_all(desk.house, "restored", "user test") for _ in range(2)] == [2, 0]
    desk.send(key)
    assert desk.state(key) == ("scheduled", "paused")
    resume(desk.house, "other", "hello", "user test")
    resume(desk.house, "default", "hello", "user test")


def test_a_pause_is_told_what_it_is_to_pause() -> None:
    for journey, everything in ((None, False), ("hello", True)):
        with pytest.raises(Usage, match="JOURNEY or --all"):
            pause_command(journey, everything=everything)

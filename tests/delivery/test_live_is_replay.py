"""Live running and replay are one core: the same events give the same messages, tasks and ways on both databases, verb by verb."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from tests.delivery.live import Live, running
from worker.domain.events import Event
from worker.domain.history import Trace
from worker.domain.replay import Replay, Sent
from worker.intake.cloudevents import parse_event
from worker.service import pacing
from worker.service.accepting import accept
from worker.service.publishing import publish
from worker.store import schema
from worker.store.engine import read
from worker.workspace.rooms import load

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
END = datetime(2026, 10, 31, 20, tzinfo=UTC)
PEOPLE = 9
STEPS = """
  - id: hello
    send: sms
    template: hello
  - {id: heard, listen_for: {booking.created: {families: [peel]}}, up_to: 5 days, then: {booking.created: [{id: keen, tag: keen}], nothing: [{id: quiet, tag: quiet}]}}
  - {id: words, split: {short: 50%, long: 50%}, then: {short: [{id: s, tag: short}], long: [{id: l, tag: long}]}}
  - {id: which, branch: {keen: [{id: call, task: desk}], otherwise: [{id: nudge, wait: until tuesday 10:00, send: sms, template: hello}]}}
  - {id: cycle, wait: until 90 days after last_visit of laser at 11:00, send: sms, template: hello}
"""
FILES = {
    "config/clinic.yaml": "name: C\ntimezone: Europe/Athens\ncountry: GR\nmode: live\n",
    "config/services.yaml": "services:\n  LHR: {name: Laser, family: laser}\n  PEEL: {name: Peel, family: peel}\n",
    "config/segments.yaml": "lifecycle: [{prospect: {visits: none}}, {patient: otherwise}]\nsegments:\n  keen: {tags: [keen]}\n",
    "config/policy.yaml": "quiet_hours: {marketing: '19:00 - 10:00', sunday: all day}\n",
    "config/channels.yaml": 'sms: {provider: twilio, from: "+15005550006"}\n',
    "templates/hello.sms.en.j2": "Hello from {{ clinic.name }}\n",
    "journeys/first.yaml": f"journey: first\nstart: {{event: visit.completed}}\nexpires: 5 days\nholdout: 25%\nsteps:{STEPS}",
    "journeys/keen.yaml": "journey: keen\nstart: {enters: keen}\nsteps:\n  - {id: thanks, wait: 1 day, task: desk}\n",
    "journeys/news.yaml": (
        "journey: news\nstart: {date: {from: 2026-06-01, until: 2026-06-30}, if: {families: [laser]}}\npace: 3 per day\nexpires: 3 days\n"
        "steps:\n  - {id: news, wait: 3 hours, send: sms, template: hello}\n"
    ),
    "journeys/cake.yaml": "journey: cake\nstart: {date: birthday}\nexpires: 5 days\nsteps:\n  - {id: wish, wait: until 12:00, send: sms, template: hello}\n",
}


def told() -> list[dict[str, Any]]:
    """A little book: everyone comes, some book again, one comes back, all in order of time."""
    found: list[dict[str, Any]] = []

    def one(kind: str, patient: int, at: datetime, a: str, code: str, starts: datetime) -> None:
        person = {
            "first_name": "A",
            "phone": f"+3069000000{patient:02}",
            "date_of_birth": f"1990-0{patient % 9 + 1}-29",
            "consent": {"sms": ["marketing", "care"]},
        }
        if patient % 9 == 1:
            person["date_of_birth"] = "1992-02-29"
        data = {
            "appointment_id": a,
            "starts_at": starts.isoformat(),
            "services": [{"code": code}],
            "patient": person,
        }
        found.append(
            {
                "specversion": "1.0",
                "id": f"e-{len(found)}",
                "source": "/t",
                "type": kind,
                "subject": f"p-{patient}",
                "time": at.isoformat(),
                "data": data,
            }
        )

    for patient in range(PEOPLE):
        came = START + timedelta(days=patient, hours=patient % 5)
        one("visit.completed", patient, came, f"a-{patient}", "LHR" if patient % 3 else "PEEL", came)
        if patient % 4 == 0:
            one(
                "booking.created",
                patient,
                came + timedelta(days=2),
                f"b-{patient}",
                "PEEL",
                came + timedelta(days=60),
            )
        if patient % 5 == 0:
            back = came + timedelta(days=40)
            one("visit.completed", patient, back, f"c-{patient}", "LHR", back)
    return sorted(found, key=lambda event: str(event["time"]))


def by_replay() -> tuple[set[Any], set[Any], set[Any]]:
    replay = Replay(load(FILES, 1).rules, holdout="lot")
    events = [parse_event(raw, now=None, country="GR", timezone="Europe/Athens") for raw in told()]
    lines = list(replay.run([event for event in events if isinstance(event, Event)], END))
    sent = {(at, line.message.key) for at, _, line in lines if isinstance(line, Sent)}
    traces = {
        (line.at, line.patient, line.journey, line.step, line.what)
        for _, _, line in lines
        if isinstance(line, Trace) and line.what in ("took", "task", "tagged", "withheld", "skipped")
    }
    ends = {
        (run.id, run.outcome, run.ended_at, run.held_out)
        for patient in replay.patients.values()
        for run in patient.enrollments.values()
    }
    return sent, traces, ends


@pytest.fixture
def live(database_url: str, tmp_path: Path) -> Iterator[Live]:
    with running(Live, database_url, tmp_path, START) as found:
        publish(found.house, FILES)
        yield found


def by_store(live: Live) -> tuple[set[Any], set[Any], set[Any]]:
    with read(live.house.engine) as conn:
        m, t, e = schema.messages.c, schema.traces.c, schema.enrollments.c
        sent = {(at, key) for at, key in conn.execute(select(m.decided_at, m.key).where(m.state == "sent"))}
        rows = conn.execute(select(t.at, t.patient_id, t.journey, t.step, t.what))
        traces = {tuple(row) for row in rows if row.what in ("took", "task", "tagged", "withheld", "skipped")}
        ends = {tuple(row) for row in conn.execute(select(e.id, e.outcome, e.ended_at, e.held_out))}
    return sent, traces, ends


def test_the_same_events_give_the_same_live_and_in_replay(live: Live) -> None:
    for raw in told():
        at = datetime.fromisoformat(str(raw["time"]))
        live.until(at)
        live.jobs = list(accept(live.house, "default", [json.loads(json.dumps(raw))], "test").jobs)
        live.work()
    live.until(END)
    live.work()
    sent, traces, ends = by_replay()
    assert len(sent) > PEOPLE * 2
    assert {what for *_, what in traces} == {"took", "task", "tagged", "withheld", "skipped"}
    stored = by_store(live)
    assert {key for _, key in stored[0]} == {key for _, key in sent}
    assert stored[0] == sent
    assert stored[1] == traces
    assert stored[2] == ends


def test_turns_are_given_once_and_kept(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "AT_ONCE", 2)
    for raw in told():
        live.until(datetime.fromisoformat(str(raw["time"])))
        live.jobs = list(accept(live.house, "default", [raw], "test").jobs)
        live.work()
    live.until(datetime(2026, 5, 31, 22, 0, tzinfo=UTC))
    live.work()
    with read(live.house.engine) as conn:
        e = schema.enrollments.c
        asked = select(e.turn_at, e.lot, e.based_at, e.due_at)
        rows = [
            tuple(row) for row in conn.execute(asked.where(e.journey == "news").order_by(e.turn_at, e.lot))
        ]
    days = [at.astimezone(ZoneInfo("Europe/Athens")).date().isoformat() for at, *_ in rows]
    assert {day: days.count(day) for day in days} == {
        "2026-06-01": 3,
        "2026-06-02": 3,
        "2026-06-03": len(rows) - 6,
    }
    assert [lot for _, lot, *_ in rows] == sorted(lot for _, lot, *_ in rows)
    assert [(based, due) for _, _, based, due in rows] == [
        (at, at + timedelta(hours=3)) for at, *_ in rows
    ], "the first wait counts from the turn"

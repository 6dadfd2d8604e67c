"""Builders for the domain's tests: rules from small YAML texts, events in one line, a replay as lists.

Times are written as the clinic's wall clock: `2026-01-05 10:00`, or a date alone for noon.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

from tests.lifecycle import LIFECYCLE
from worker.domain.calendar import zone
from worker.domain.clinic import Clinic, Mode
from worker.domain.conditions import Condition, Look
from worker.domain.conditions.grammar import parse_condition
from worker.domain.events import Event
from worker.domain.facts import Facts
from worker.domain.history import Enrollment, Task, Trace, Transition
from worker.domain.language import parse_journey
from worker.domain.ledger import empty, fold
from worker.domain.planner import Patient, Planner
from worker.domain.policy import Policy, parse_policy
from worker.domain.replay import Replay, Sent
from worker.domain.rules import Rules
from worker.domain.scope import Scope
from worker.domain.segments import Segments, parse_segments
from worker.domain.shape import Reader
from worker.domain.source import Node, Problem, compose
from worker.workspace.config import parse_clinic

ATHENS = "Europe/Athens"
ZONES = (
    ATHENS,
    "America/Los_Angeles",
    "Pacific/Auckland",
    "Africa/Cairo",
    "America/Santiago",
    "Asia/Kolkata",
)

CLINIC = """
name: Sample
timezone: {zone}
country: GR
language: en
languages: [en, el]
mode: live
currency: EUR
opening_hours: {{mon-fri: "10:00 - 20:00", sat: "10:00 - 15:00", closed: [2026-12-25, 2026-04-13]}}
locations: {{athens: {{name: Athens}}, perth: {{name: Perth, timezone: Australia/Perth}}}}
"""

SERVICES = """
services:
  CONS: {name: Consultation, family: consultation, counts_as_treatment: false}
  TOX: {name: Toxin, family: toxin, area: face}
  LHR: {name: Laser, family: laser_hair, area: body, series: 6}
  PEEL: {name: Peel, family: peel, area: face, series: 2}
families: {laser_hair: {complements: [peel]}}
"""

SEGMENTS = LIFECYCLE

POLICY = """
quiet_hours: {marketing: "19:00 - 10:00", care: "21:00 - 08:00", sunday: all day, holidays: all day}
frequency_caps: {marketing: [1 per 7 days, 3 per 30 days]}
feed: {max_age: 36 hours, live_window: 7 days}
"""

NO_POLICY = "{}"

JOURNEY = """
journey: {name}
start: {start}
{more}
steps:
{steps}
"""

WILLING: Mapping[str, Any] = {
    "first_name": "Eleni",
    "phone": "+306900000001",
    "email": "eleni@example.com",
    "date_of_birth": "1990-02-28",
    "consent": {channel: ["marketing", "care", "health_profiling"] for channel in ("sms", "email")},
}
"""A grown-up with a phone and an e-mail address who agreed to everything."""


class Mistaken(AssertionError):
    """A text of a test holds mistakes that the test does not speak of."""


def tree(text: str, file: str = "a.yaml") -> Node | None:
    """A composed text without mistakes."""
    node, problems = compose(text, file)
    _none(problems)
    return node


def _none(problems: Iterable[Problem]) -> None:
    found = [f"{p.file}:{p.line}:{p.column} {p.code} {p.message}" for p in problems if p.severity == "error"]
    if found:
        raise Mistaken("\n".join(found))


def clinic(tz: str = ATHENS, more: str = "") -> Clinic:
    """The sample clinic, in a zone."""
    reader = Reader()
    found = parse_clinic(reader, tree(CLINIC.format(zone=tz) + more, "config/clinic.yaml"), tree(SERVICES))
    _none(reader.problems)
    assert found is not None
    return found


def segments_of(text: str, where: Clinic) -> Segments:
    """Segments from their file's text."""
    reader = Reader()
    found = parse_segments(reader, tree(text, "config/segments.yaml"), Scope(where, frozenset()))
    _none(reader.problems)
    return found


def policy_of(text: str) -> Policy:
    """A policy from its file's text."""
    reader = Reader()
    found = parse_policy(reader, tree(text, "config/policy.yaml"))
    _none(reader.problems)
    return found


def condition_of(text: str, where: Clinic, *names: str, this: bool = False) -> Condition:
    """A condition from its text; `names` are segments that it may speak of."""
    reader = Reader()
    found = parse_condition(reader, tree(text), Scope(where, frozenset(names), this=this))
    _none(reader.problems)
    return found


def rules(
    *journeys: str,
    tz: str = ATHENS,
    segments: str = SEGMENTS,
    policy: str = NO_POLICY,
    version: int = 1,
    mode: Mode = "live",
    more: str = "",
) -> Rules:
    """Rules in force, read as a workspace is, without templates."""
    where = replace(clinic(tz, more), mode=mode)
    reader = Reader()
    named = segments_of(segments, where)
    scope = Scope(where, frozenset(named.named))
    found = {}
    for text in journeys:
        journey = parse_journey(reader, tree(text, "journeys/a.yaml"), text, scope)
        _none(reader.problems)
        assert journey is not None
        found[journey.name] = journey
    return Rules.build(version, where, named, policy_of(policy), found)


def journey(name: str, start: str, *steps: str, **more: str) -> str:
    """A journey's text: `steps` are flow mappings, `more` further keys of the top."""
    keys = "\n".join(f"{key}: {value}" for key, value in more.items())
    return JOURNEY.format(name=name, start=start, more=keys, steps="\n".join(f"  - {step}" for step in steps))


SMS = "{id: hello, send: sms, template: t}"
EITHER = "{id: hello, send: [sms, email], template: t}"


def at(text: str, tz: str = ATHENS) -> datetime:
    """The UTC instant of a wall-clock time; a date alone is noon."""
    moment = datetime.fromisoformat(text if len(text) > 10 else f"{text} 12:00")
    return moment.replace(tzinfo=zone(tz)).astimezone(UTC)


def local(moment: datetime, tz: str = ATHENS) -> str:
    """An instant as the wall clock shows it."""
    return f"{moment.astimezone(zone(tz)):%Y-%m-%d %H:%M}"


def event(
    kind: str,
    when: str,
    subject: str = "p-1",
    *,
    named: str | None = None,
    source: str = "/book",
    tz: str = ATHENS,
    **data: Any,
) -> Event:
    """One event; its id follows from what it says, so the same call is the same event."""
    name = named or f"{kind}/{subject}/{when}/{data.get('appointment_id', '')}/{data.get('version', '')}"
    return Event(name, source, kind, subject, at(when, tz), data)


def visit(when: str, a: str = "a-1", *, told: str | None = None, code: str = "LHR", net: int = 10000, kind: str = "visit.completed", subject: str = "p-1",
          tz: str = ATHENS, **data: Any) -> Event:  # fmt: skip
    """An appointment of `when`, told at that moment or at `told`."""
    body = {
        "starts_at": at(when, tz).isoformat(),
        "services": [{"code": code}],
        "net": {"minor": net, "currency": "EUR"},
        **data,
    }
    return event(kind, told or when, subject, appointment_id=a, tz=tz, **body)


def booking(when: str, a: str, *, told: str, kind: str = "booking.created", **data: Any) -> Event:
    """A booking of `when`, told at `told`."""
    return visit(when, a, told=told, kind=kind, **data)


def upserted(when: str, subject: str = "p-1", **patient: Any) -> Event:
    """A patient's record."""
    return event("patient.upserted", when, subject, patient=patient)


def willing(when: str = "2020-01-01", subject: str = "p-1", **patient: Any) -> Event:
    """The record of a patient who may be written to."""
    return upserted(when, subject, **{**WILLING, **patient})


def ledger_of(events: Iterable[Event]) -> dict[str, Any]:
    """What the events left behind."""
    ledger = empty()
    for one in events:
        ledger = fold(ledger, one)
    return ledger


def facts_of(events: Iterable[Event], where: Clinic | None = None) -> Facts:
    """The facts of these events."""
    return Facts("p-1", ledger_of(events), where or clinic())


def look_at(condition: Condition, facts: Facts, day: str | date, **more: Any) -> str | None:
    """Why the condition does not hold on a day, or None."""
    today = date.fromisoformat(day) if isinstance(day, str) else day
    return condition.why_not(Look(facts, today, {}, **more))


@dataclass
class Told:
    """What a replay gave out, in order; times as the clinic's wall clock."""

    replay: Replay
    tz: str
    lines: list[tuple[datetime, str, Any]] = field(default_factory=list)

    @property
    def changes(self) -> list[tuple[str, str, str, str]]:
        """(when, segment, change, cause), silent ones too."""
        return [
            (local(x.at, self.tz), x.segment, x.change, x.cause)
            for _, _, x in self.lines
            if isinstance(x, Transition)
        ]

    @property
    def sent(self) -> list[tuple[str, str, str]]:
        """(when, step, channel) of every message that left."""
        return [
            (local(x.at, self.tz), x.message.step, x.message.channel or "")
            for _, _, x in self.lines
            if isinstance(x, Sent)
        ]

    @property
    def to(self) -> list[tuple[str, str]]:
        """(patient, journey) of every message that left."""
        return [(x.message.patient, x.message.journey) for _, _, x in self.lines if isinstance(x, Sent)]

    @property
    def tasks(self) -> list[Task]:
        """Work for people."""
        return [x for _, _, x in self.lines if isinstance(x, Task)]

    @property
    def traces(self) -> list[Trace]:
        """All traces."""
        return [x for _, _, x in self.lines if isinstance(x, Trace)]

    def whats(self, *only: str) -> list[str]:
        """What was done, in order; only these words where some are given."""
        return [x.what for x in self.traces if not only or x.what in only]

    def why(self, what: str) -> str:
        """The reason of the one trace that says `what`."""
        found = [x.why for x in self.traces if x.what == what]
        assert len(found) == 1, f"{what}: {[(x.what, x.why) for x in self.traces]}"
        return found[0]

    def runs(self, subject: str = "p-1") -> list[Enrollment]:
        """A patient's runs, by entry."""
        return sorted(
            self.replay.patients[subject].enrollments.values(), key=lambda run: (run.entered_at, run.id)
        )

    def outcomes(self, subject: str = "p-1") -> list[str | None]:
        """How a patient's runs ended."""
        return [run.outcome for run in self.runs(subject)]


def told(these: Rules, *events: Event, until: str, complete_from: datetime | None = None) -> Told:
    """Events through a replay, by time, until a moment."""
    replay = Replay(these, complete_from)
    found = Told(replay, these.clinic.timezone)
    ordered = sorted(events, key=lambda one: one.time)
    found.lines = list(replay.run(ordered, at(until, these.clinic.timezone)))
    return found


def planner(these: Rules, patient: Patient, now: str) -> Planner:
    """A planner at a moment of the clinic's wall clock."""
    return Planner(these, patient, at(now, these.clinic.timezone))


def through_json(ledger: dict[str, Any]) -> dict[str, Any]:
    """The ledger as it comes back from a store."""
    back: dict[str, Any] = json.loads(json.dumps(ledger))
    return back

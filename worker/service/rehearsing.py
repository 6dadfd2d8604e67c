"""A rehearsal of the days ahead, before anything may leave: who would be written to, when, by what, in which words; lived through in memory by the planner and the gate themselves.

Rules
1. Nothing is sent, enrolled or stored: one snapshot of the database, and a clock of its own (`worker/domain/replay.py`).
2. Consent, holds, intervals, hours, caps, holdouts, paces and closed addresses are as they are now. Nothing happens but that time passes; what comes in meanwhile is more.
3. `existing` are the journeys that those who stand there already are let into, `halves` those of which the first half is. Otherwise only who comes there from today on begins,
   and it is only asked what would be answered to the others (`standing`).
4. The blast limit is not applied, so that the days on which it would stop a journey can be seen.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from worker.delivery.render import Rendered, promised, render
from worker.domain.calendar import local_day, midnight
from worker.domain.existing import Answer
from worker.domain.facts import Facts
from worker.domain.gate import Outside
from worker.domain.history import Message, Task, Trace
from worker.domain.planner import Patient, Planner, addresses
from worker.domain.replay import Line, Replay, Sent
from worker.domain.rules import Rules
from worker.results.strategy import DAYS
from worker.results.strategy.past import moment
from worker.service.rollout import half_of
from worker.store import census, rollouts
from worker.store.day_counts import base
from worker.store.engine import read
from worker.workspace.house import House
from worker.workspace.rooms import Rooms
from worker.workspace.templates import TemplateError
from worker.workspace.variables import sample_addresses

EXAMPLES: Final = 3
"""Messages of one journey that are shown, each of another step."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Example:
    """A message as it would leave. `wrong` says why its text can't be rendered, "" where it can."""

    at: datetime
    patient: str
    step: str
    channel: str
    text: Rendered | None
    wrong: str = ""


@dataclass
class Part:
    """What one journey would do: how many enter as time passes (`entered`) and how many who stood there already (`let_in`, with the `answers`); what is answered to those who stand there today (`standing`); messages by channel, to how many
    patients, the first and the last day; tasks; what is not sent and why; examples."""

    entered: int = 0
    let_in: int = 0
    answers: Counter[Answer] = field(default_factory=Counter)
    standing: Counter[Answer] = field(default_factory=Counter)
    second_half: int = 0
    messages: Counter[str] = field(default_factory=Counter)
    patients: set[str] = field(default_factory=set)
    held_out: set[str] = field(default_factory=set)
    tasks: int = 0
    kept_back: Counter[str] = field(default_factory=Counter)
    days: tuple[date, date] | None = None
    last_turn: date | None = None
    examples: dict[str, Example] = field(default_factory=dict)

    @property
    def sent(self) -> int:
        """All its messages."""
        return sum(self.messages.values())


@dataclass
class Rehearsal:
    """The days ahead of `now`, clinic-local. `load` are messages by day and channel, and tasks; `limit` is what the blast limit allows for marketing in a day, None without one.

    `scheduled` are messages that wait already, which are not among these.
    """

    now: datetime
    rooms: Rooms
    patients: int
    days: tuple[date, ...]
    limit: int | None
    scheduled: int
    parts: dict[str, Part] = field(default_factory=dict)
    load: dict[date, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def messages(self, days: int = DAYS) -> int:
        """How many messages leave on the first so many days."""
        return sum(
            size
            for day in self.days[:days]
            for kind, size in self.load.get(day, Counter()).items()
            if kind != "task"
        )

    @property
    def reached(self) -> set[str]:
        """The patients who would be written to."""
        return set[str]().union(*(part.patients for part in self.parts.values()))

    @property
    def over(self) -> list[date]:
        """The days on which more would leave than the blast limit allows."""
        if self.limit is None:
            return []
        return [day for day in self.days if _marketing(self.load.get(day, Counter())) > self.limit]


def _marketing(kinds: Mapping[str, int]) -> int:
    return sum(size for kind, size in kinds.items() if kind != "task")


def rehearse(
    house: House,
    clinic: str,
    existing: Collection[str] = (),
    halves: Collection[str] = (),
    progress: Progress = lambda done, whole: None,
) -> Rehearsal:
    """Live through the days ahead of a clinic by its published rules. Raises NoRooms."""
    with read(house.engine) as conn:
        rooms, now = house.rooms(conn, clinic), house.now(conn)
        rules = rooms.rules
        tz = rules.clinic.tz
        first = local_day(now, tz)
        days = tuple(first + timedelta(days=number) for number in range(DAYS))
        limit = rules.policy.blast_limit.get("marketing")
        size = base(conn, clinic)
        found = Rehearsal(now.astimezone(tz), rooms, size, days, limit.most(size) if limit else None, census.waiting(conn, clinic))  # fmt: skip
        until = midnight(first + timedelta(days=DAYS), tz) - timedelta(seconds=1)
        starts = {
            one.start.name
            for one in rules.journeys.values()
            if rules.live(one.name) and one.start.kind == "enters"
        }
        those = {one.id: one for one in _those(conn, rules, clinic, now, until, starts)}
        progress(len(those), size)
        names = sorted(those)
        for patient_id, runs in census.runs_of(conn, clinic, names).items():
            those[patient_id].enrollments = runs
        rules = house.pinned(conn, rules, those.values())
        waits = rollouts.waiting_of(conn, clinic, names)
        closed = census.suppressed(conn, clinic)
    replay = Replay(rules, holdout="lot")
    replay.base = size
    replay.outside = lambda planner: _outside(house, planner, closed)
    for name in names:
        replay.take_up(those[name])
    _live_through(replay, found, names, existing, halves, waits, now, until)
    progress(size, size)
    return found


def _those(
    conn: Connection, rules: Rules, clinic: str, now: datetime, until: datetime, starts: Collection[str]
) -> Iterator[Patient]:
    """The patients whom time moves by then, who are in a journey, or who stand in one of these segments."""
    today = local_day(now, rules.clinic.tz)
    busy = census.under_way(conn, clinic)
    for told in census.everybody(conn, clinic):
        if told.ledger.get("erased"):
            continue
        facts = Facts(told.patient, told.ledger, rules.clinic)
        soon = told.patient in busy or (told.next_change_at is not None and told.next_change_at <= until)
        look = rules.segments.look(facts, today)
        if soon or any(look.within(name) for name in starts):
            yield Patient(told.patient, ledger=told.ledger, facts=facts)


def _outside(house: House, planner: Planner, closed: frozenset[tuple[str, str]]) -> Outside:
    pairs = addresses(planner.facts) if closed else []
    return Outside(frozenset(pair for pair in pairs if (pair[0], house.hashed(*pair)) in closed))


def _live_through(
    replay: Replay,
    found: Rehearsal,
    names: list[str],
    existing: Collection[str],
    halves: Collection[str],
    waits: Collection[str],
    now: datetime,
    until: datetime,
) -> None:
    for at, patient, line in replay.run([moment(name, now) for name in names], now):
        _count(replay, found, at, patient, line)
    for name in names:
        if name in waits:
            continue
        for stood in Planner(replay.rules, _copy(replay.patients[name]), now).enroll_existing():
            _part(found, stood.journey).standing[stood.answer] += 1
        # Rollouts are drawn first: whoever is in one is left to it.
        drawn = False
        for journey in halves:
            drawn = drawn or _draw(replay, found, name, journey, now)
        if existing and not drawn:
            for stood in replay.enroll_existing(name, now, existing):
                _part(found, stood.journey).answers[stood.answer] += 1
    for at, patient, line in replay.run((), until):
        _count(replay, found, at, patient, line)
    for subject in replay.patients.values():
        for run in subject.enrollments.values():
            if run.of_backlog and run.turn_at is not None and run.entered_at == now:
                part, day = _part(found, run.journey), local_day(run.turn_at, replay.rules.clinic.tz)
                part.last_turn = max(day, part.last_turn or day)


def _draw(replay: Replay, found: Rehearsal, name: str, journey: str, now: datetime) -> bool:
    """Whether the patient has a half in the rollout of a journey."""
    part = _part(found, journey)
    if half_of(replay.rules.clinic.id, journey, name) == 2:
        kept = replay.patients[name]
        tried = Planner(replay.rules, _copy(kept), now).enroll_existing([journey], afresh=True)
        drawn = any(one.answer == "enrolled" for one in tried)
        part.second_half += drawn
        return drawn
    stood = replay.enroll_existing(name, now, [journey], afresh=True)
    part.answers.update(one.answer for one in stood)
    return any(one.answer == "enrolled" for one in stood)


def _copy(patient: Patient) -> Patient:
    return Patient(
        patient.id, patient.ledger, patient.members, patient.as_of, patient.next_change_at, patient.rules_version,
        dict(patient.enrollments), dict(patient.messages), patient.contacts, patient.facts,
    )  # fmt: skip


def _part(found: Rehearsal, journey: str) -> Part:
    return found.parts.setdefault(journey, Part())


def _count(replay: Replay, found: Rehearsal, at: datetime, patient: str, line: Line | Sent) -> None:
    day = local_day(at, replay.rules.clinic.tz)
    if isinstance(line, Sent):
        _sent(replay, found, day, line)
    elif isinstance(line, Task):
        _part(found, line.journey).tasks += 1
        found.load[day]["task"] += 1
    elif isinstance(line, Trace) and line.what in ("started", "skipped", "withheld"):
        part = _part(found, line.journey)
        if line.what == "skipped":
            part.kept_back["too late by now" if line.why.startswith("too late") else "nothing to count from"] += 1  # fmt: skip
        elif line.what == "withheld":
            part.held_out.add(patient)
        elif line.why.startswith("stood there"):
            part.let_in += 1
        else:
            part.entered += 1
    elif isinstance(line, Message) and line.state == "dropped":
        _part(found, line.journey).kept_back[line.reason] += 1


def _sent(replay: Replay, found: Rehearsal, day: date, sent: Sent) -> None:
    message, part = sent.message, _part(found, sent.message.journey)
    channel = message.channel or ""
    part.messages[channel] += 1
    part.patients.add(message.patient)
    part.days = (part.days[0] if part.days else day, day)
    found.load[day][channel] += 1
    if message.step not in part.examples and len(part.examples) < EXAMPLES:
        part.examples[message.step] = _example(replay, found.rooms, sent)


def _example(replay: Replay, rooms: Rooms, sent: Sent) -> Example:
    message, rules = sent.message, replay.rules
    at = sent.at.astimezone(rules.clinic.tz)
    facts = Facts(message.patient, replay.patients[message.patient].ledger, rules.clinic)
    channel = message.channel or ""
    try:
        offer = promised(rules, facts, message, sent.at)
        text = render(rooms, facts, message, channel, sample_addresses(rules.clinic), offer)
    except TemplateError as error:
        return Example(at, message.patient, message.step, channel, None, str(error))
    return Example(at, message.patient, message.step, channel, text)

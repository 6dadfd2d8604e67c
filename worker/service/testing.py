"""Scenario stories: each runs through the planner and the gate of live running, on a clock of its own, and its texts are written.

Rules
1. A story fails where what it expects does not happen, where something happens that it does not expect, where a text can't be written, and where the door
   would refuse one of its events.
2. Rules are built once for each set of journeys; a story costs what its patient's events cost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from worker.delivery.render import promised, render
from worker.domain.events import INTERNAL_TYPES, Event
from worker.domain.facts import Facts
from worker.domain.history import Message, Task, Trace, Transition
from worker.domain.journey import Tag
from worker.domain.replay import Replay, Sent
from worker.domain.rules import Rules
from worker.domain.stories import COMPLETE, PATIENT, Expectation, Raw, Story, raw_events
from worker.domain.stories.file import ENDS
from worker.intake.cloudevents import Rejected, parse_event
from worker.workspace.rooms import Rooms
from worker.workspace.templates import TemplateError
from worker.workspace.variables import Addresses

_SOURCE = "/story"

SAMPLE: Final = Addresses(
    unsubscribe_url="https://example.com/u/story", answer_url="https://example.com/r/story"
)


@dataclass(frozen=True, slots=True)
class Happened:
    """Something that a story may expect, as it happened."""

    at: datetime
    verb: str
    journey: str
    what: str
    more: Mapping[str, Any] = field(default_factory=dict)

    def answers(self, asked: Expectation, story: Story) -> bool:
        """Whether this is what was expected."""
        return (
            self.verb == asked.verb
            and self.what == asked.what
            and asked.journey in ("", self.journey)
            and asked.when.holds(self.at, story.tz)
            and all(self._has(key, value, story) for key, value in asked.more.items())
        )

    def _has(self, key: str, value: Any, story: Story) -> bool:
        there = self.more.get(key)
        if isinstance(there, datetime):
            return bool(value.holds(there, story.tz))
        return bool(there == value)


@dataclass(frozen=True, slots=True)
class Told:
    """One line of what happened, for people: the journey, if it is one's doing; what; and why, as the planner said it."""

    at: datetime
    journey: str
    what: str
    why: str = ""


@dataclass
class Outcome:
    """How a story went. `missing` was expected and did not happen; `unexpected` happened and was not expected; `broken` are errors on the way."""

    story: Story
    happened: list[Happened] = field(default_factory=list)
    missing: list[Expectation] = field(default_factory=list)
    unexpected: list[Happened] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    reached: set[tuple[str, str]] = field(default_factory=set)

    @property
    def passed(self) -> bool:
        """Whether all was as expected."""
        return not (self.missing or self.unexpected or self.broken)


class _Answering(Replay):
    """A replay that finds the run that an answer of a story is to."""

    def _receive(self, event: Event) -> None:
        journey = event.data.get("journey") if event.type in INTERNAL_TYPES else None
        patient = self.patients.get(event.subject)
        runs = patient.enrollments.values() if patient is not None else ()
        mine = sorted((run.entered_at, run.id) for run in runs if run.journey == journey)
        if mine:
            event = replace(event, data={**event.data, "enrollment": mine[-1][1]})
        super()._receive(event)


class Teller:
    """Runs stories in one set of rooms."""

    def __init__(self, rooms: Rooms) -> None:
        self.rooms = rooms
        self._rules: dict[tuple[str, ...] | None, Rules] = {None: rooms.rules}

    def rules(self, journeys: tuple[str, ...] | None) -> Rules:
        """The rules with these journeys alone, whether they are live yet or not."""
        if journeys not in self._rules:
            mine = self.rooms.rules
            chosen = {name: replace(mine.journeys[name], status="live") for name in journeys or ()}
            self._rules[journeys] = Rules.build(
                mine.version, mine.clinic, mine.segments, mine.policy, chosen, mine.offers
            )
        return self._rules[journeys]

    def tell(self, story: Story) -> Outcome:
        """One story."""
        rules = self.rules(story.journeys)
        outcome = Outcome(story)
        events = list(self._events(story, rules, outcome))
        if outcome.broken:
            return outcome
        replay = _Answering(
            rules,
            story.history_until,
            mode=story.mode,
            holdout="everybody" if story.held_out else "nobody",
            variants=story.variants,
        )
        seen = _Seen(self.rooms, replay, story, outcome)
        for at, _, line in replay.run(events, story.until):
            seen.line(at, line)
        outcome.happened.sort(key=lambda each: each.at)
        outcome.told.sort(key=lambda each: each.at)
        outcome.missing, outcome.unexpected = judge(story.expect, outcome.happened, story)
        return outcome

    def _events(self, story: Story, rules: Rules, outcome: Outcome) -> Iterator[Event]:
        clinic = rules.clinic
        for raw in raw_events(story):
            if raw.time > story.until:
                continue
            if raw.told is not None:
                past = "in the past, " if raw.data.get("historical") else ""
                outcome.told.append(Told(raw.time, "", f"{past}{raw.told}"))
            if raw.type in INTERNAL_TYPES:
                yield Event(raw.id, _SOURCE, raw.type, PATIENT, raw.time, raw.data)
                continue
            found = parse_event(_envelope(raw), now=None, country=clinic.country, timezone=clinic.timezone)
            if isinstance(found, Rejected):
                where = f"line {raw.told.place.line}, {raw.type}" if raw.told is not None else "the patient"
                outcome.broken += [f"{where}: {error}" for error in found.errors]
            else:
                yield found


class _Seen:
    """What a replay gave out, as a story speaks of it."""

    def __init__(self, rooms: Rooms, replay: Replay, story: Story, outcome: Outcome) -> None:
        self.rooms = rooms
        self.replay = replay
        self.story = story
        self.outcome = outcome

    def line(self, at: datetime, line: object) -> None:
        """One line of the replay."""
        if isinstance(line, Sent):
            self._left("sends", at, line.message)
        elif isinstance(line, Message):
            self._kept_in(at, line)
        elif isinstance(line, Task):
            self._add(at, "task", line.journey, line.step, {"for": line.assignee, "due": line.due_at})
        elif isinstance(line, Transition):
            if not line.silent:
                verb = "enters" if line.change == "entered" else "leaves"
                self._add(at, verb, "", line.segment)
                self._tell(at, "", f"{verb} {line.segment}")
        elif isinstance(line, Trace):
            self._trace(at, line)

    def _kept_in(self, at: datetime, message: Message) -> None:
        """A message that did not leave. One that was dropped because its run had ended is told by that end."""
        if message.state == "rehearsed":
            self._left("rehearses", at, message)
        elif not self._told_by_its_end(message, at):
            self._add(at, "holds_back", message.journey, message.step, {"because": message.reason})

    def _told_by_its_end(self, message: Message, at: datetime) -> bool:
        run = self.replay.patients[message.patient].enrollments.get(message.enrollment)
        ended = run is not None and run.ended_at is not None and run.ended_at <= at
        return run is not None and ended and message.reason in (run.outcome, "withdrawn")

    def _trace(self, at: datetime, line: Trace) -> None:
        step, _, way = line.step.partition("/")
        if step and line.what not in ("skipped", "withheld"):
            self.outcome.reached |= {(line.journey, step), (line.journey, line.step)}
        if line.what not in ("claimed", "sent"):
            why = "" if line.what == "scheduled" else line.why
            self._tell(at, line.journey, f"{f'{line.step}: ' if line.step else ''}{line.what}", why)
        if line.what == "started":
            self._add(at, "starts", "", line.journey)
        elif line.what == "skipped":
            self._add(at, "skips", line.journey, step)
        elif line.what == "withheld":
            self._add(at, "withholds", line.journey, step)
        elif line.what == "took":
            self._add(at, "takes", line.journey, line.step)
        elif line.what == "tagged":
            self._tags(at, line)
        elif line.what in ENDS and not way:
            self._add(at, "ends", line.journey, line.what)

    def _tags(self, at: datetime, line: Trace) -> None:
        journey = self.replay.rules.journeys.get(line.journey)
        found = journey.step(line.step) if journey is not None else None
        if found is not None and isinstance(found.action, Tag):
            for name in found.action.add:
                self._add(at, "tags", "", name)
            for name in found.action.remove:
                self._add(at, "untags", "", name)

    def _left(self, verb: str, at: datetime, message: Message) -> None:
        channel = message.channel or ""
        more = {"by": channel, "template": message.template}
        patient = self.replay.patients[message.patient]
        facts = Facts(patient.id, patient.ledger, self.replay.rules.clinic)
        try:
            offer = promised(self.replay.rules, facts, message, at)
            text = render(self.rooms, facts, message, channel, SAMPLE, offer)
        except TemplateError as error:
            self.outcome.broken.append(f"{message.journey}.{message.step}: {error}")
        else:
            more["language"] = text.language
        self._add(at, verb, message.journey, message.step, more)
        self._tell(
            at, message.journey, f"{message.step}: {'sent' if verb == 'sends' else 'rehearsed'} by {channel}"
        )

    def _add(
        self, at: datetime, verb: str, journey: str, what: str, more: Mapping[str, Any] | None = None
    ) -> None:
        self.outcome.happened.append(Happened(at, verb, journey, what, more or {}))

    def _tell(self, at: datetime, journey: str, what: str, why: str = "") -> None:
        self.outcome.told.append(Told(at, journey, what, why))


def _envelope(raw: Raw) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": raw.id, "source": _SOURCE, "type": raw.type, "subject": PATIENT, "time": raw.time.isoformat(), "data": dict(raw.data),
    }  # fmt: skip


def judge(
    asked: Sequence[Expectation], happened: Sequence[Happened], story: Story
) -> tuple[list[Expectation], list[Happened]]:
    """What is missing, and what is too much. Each expectation takes one thing that happened; of all ways to pair them, one that leaves the fewest over."""
    taken: dict[int, int] = {}

    def place(wanted: int, tried: set[int]) -> bool:
        for index, each in enumerate(happened):
            if index in tried or not each.answers(asked[wanted], story):
                continue
            tried.add(index)
            if index not in taken or place(taken[index], tried):
                taken[index] = wanted
                return True
        return False

    missing = [each for wanted, each in enumerate(asked) if not place(wanted, set())]
    return missing, [
        each for index, each in enumerate(happened) if each.verb in COMPLETE and index not in taken
    ]

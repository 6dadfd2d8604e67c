"""What the clinic's people want to see at a glance, as one reading of the database: the page and the demo's summary print it.

Rules
1. Everything is of one snapshot and as of the clinic's clock.
2. Every number comes with the words that a person needs to understand it; no code is shown that has words.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from worker.delivery.outside import door
from worker.domain.calendar import add_span
from worker.domain.history import Enrollment
from worker.domain.journey import GiveTask, Send
from worker.domain.planner import Patient
from worker.domain.rules import Rules
from worker.service import words
from worker.service.needs import DOOR, FEED, Needs, ToDo, needs
from worker.store import look
from worker.store import rooms as stored_rooms
from worker.store.engine import read
from worker.workspace.house import House

LATELY: Final = timedelta(days=30)
"""How far back "held back" looks."""
WEEK: Final = timedelta(days=7)
"""How far back "this week" looks."""
LOST: Final = ("failed", "undelivered")
"""States of messages that reached nobody."""


@dataclass(frozen=True, slots=True)
class Size:
    """A stage or a segment, with how many patients are in it. `about` says in words who they are."""

    name: str
    title: str
    about: str
    size: int
    share: float


@dataclass(frozen=True, slots=True)
class JourneyLine:
    """A journey: how many are in it now, and its messages by state. `gone` are those that were let out, whatever became of them; `lost` those of them that reached nobody."""

    name: str
    title: str
    status: str
    under_way: int
    states: Mapping[str, int]

    @property
    def gone(self) -> int:
        """How many messages were let out."""
        return sum(size for state, size in self.states.items() if state not in ("scheduled", "dropped"))

    @property
    def lost(self) -> int:
        """How many messages were refused, or did not arrive."""
        return sum(self.states.get(state, 0) for state in LOST)


@dataclass(frozen=True, slots=True)
class Sent:
    """One message as its reader sees it. `at` is clinic-local; `became` says in words what became of it."""

    at: datetime
    patient: str
    journey: str
    state: str
    became: str
    channel: str
    language: str
    subject: str | None
    text: str
    html: str | None


@dataclass(frozen=True, slots=True)
class Coming:
    """Something that is due: a message, or the next step of a journey. `at` is clinic-local."""

    at: datetime
    patient: str
    journey: str
    what: str
    note: str


@dataclass(frozen=True, slots=True)
class Example:
    """One message that was held back, and why in a sentence of its own."""

    at: datetime
    patient: str
    journey: str
    why: str


@dataclass(frozen=True, slots=True)
class Held:
    """Messages held back for one reason. `waiting` ones go out later if the reason goes."""

    code: str
    title: str
    advice: str
    waiting: bool
    size: int
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class NotBegun:
    """How often a journey was not begun for one reason."""

    journey: str
    why: str
    size: int


@dataclass(frozen=True, slots=True)
class Move:
    """How many patients entered and left a segment in the last week."""

    title: str
    entered: int
    left: int
    stage: bool


@dataclass(frozen=True, slots=True)
class Overview:
    """One clinic at one moment. Instants are clinic-local."""

    clinic: str
    name: str
    timezone: str
    now: datetime
    demo: bool
    mode: str
    mode_words: str
    importing: tuple[str, ...]
    heard_at: datetime | None
    feed_stale: bool
    patients: int
    gone_this_week: int
    became: Mapping[str, int]
    stages: tuple[Size, ...]
    segments: tuple[Size, ...]
    journeys: tuple[JourneyLine, ...]
    recent: tuple[Sent, ...]
    coming: tuple[Coming, ...]
    held: tuple[Held, ...]
    not_begun: tuple[NotBegun, ...]
    needs: Needs
    moves: tuple[Move, ...]

    @property
    def lost(self) -> int:
        """How many of this week's messages were refused, or did not arrive."""
        return sum(self.became.get(state, 0) for state in LOST)

    @property
    def tasks(self) -> tuple[ToDo, ...]:
        """Work for people, the urgent first."""
        return self.needs.tasks

    @property
    def held_back(self) -> int:
        """How many messages were held back for good lately."""
        return sum(held.size for held in self.held if not held.waiting)

    @property
    def waiting(self) -> int:
        """How many messages wait for a reason to go."""
        return sum(held.size for held in self.held if held.waiting)


def overview(house: House, clinic: str, *, recent: int = 30, coming: int = 40) -> Overview:
    """Look at one clinic. Raises NoRooms where nothing was published for it."""
    with read(house.engine) as conn:
        return _Looking(house, conn, clinic).overview(recent, coming)


def the_clinic(house: House) -> str:
    """The clinic that the API token stands for: the only one there is, else `default`."""
    with read(house.engine) as conn:
        known = stored_rooms.clinic_ids(conn)
    return known[0] if len(known) == 1 else "default"


class _Looking:
    def __init__(self, house: House, conn: Connection, clinic: str) -> None:
        self.house, self.conn, self.clinic = house, conn, clinic
        self.rules: Rules = house.rooms(conn, clinic).rules
        self.now = house.now(conn).astimezone(self.rules.clinic.tz)

    def overview(self, recent: int, coming: int) -> Overview:
        conn, clinic, about = self.conn, self.clinic, self.rules.clinic
        row = stored_rooms.clinic_row(conn, clinic)
        heard = row.feed_seen_at if row else None
        limit = self.rules.policy.feed_max_age
        stale = bool(heard and limit and add_span(heard, limit, about.tz) < self.now)
        closed = about.mode == "live" and door(conn, self.house, clinic) != ""
        over = [trouble for trouble, lasts in ((FEED, stale), (DOOR, closed)) if not lasts]
        sizes = look.segment_sizes(conn, clinic)
        stages = self.stages()
        return Overview(
            clinic=clinic, name=about.name, timezone=about.timezone, now=self.now, demo=self.house.demo, mode=about.mode,
            mode_words=words.MODES.get(about.mode, about.mode),
            importing=tuple(one.what for one in stored_rooms.open_imports(conn, clinic)),
            heard_at=self.local(heard) if heard else None,
            feed_stale=stale,
            patients=sum(stage.size for stage in stages), gone_this_week=look.let_out(conn, clinic, self.now - WEEK),
            became=look.became(conn, clinic, self.now - WEEK),
            stages=stages, segments=self.segments(sizes, sum(stage.size for stage in stages)), journeys=self.journeys(),
            recent=self.recent(recent), coming=self.coming(coming), held=self.held(), not_begun=self.not_begun(), needs=needs(conn, clinic, self.now, self.title, over),
            moves=self.moves(),
        )  # fmt: skip

    def local(self, moment: datetime) -> datetime:
        return moment.astimezone(self.rules.clinic.tz)

    def title(self, journey: str) -> str:
        found = self.rules.journeys.get(journey)
        return found.title if found is not None else words.name(journey)

    def stages(self) -> tuple[Size, ...]:
        sizes = look.stage_sizes(self.conn, self.clinic)
        whole = sum(sizes.values()) or 1
        files = stored_rooms.files_of(self.conn, self.clinic, self.rules.version) or {}
        about = words.stages(files.get("config/segments.yaml", ""))
        names = self.rules.segments.stages
        if set(names) <= set(words.STAGES):
            names = tuple(sorted(names, key=words.STAGES.index))
        return tuple(
            Size(n, words.stage(n), about.get(n, ""), sizes.get(n, 0), sizes.get(n, 0) / whole) for n in names
        )

    def segments(self, sizes: Mapping[str, int], whole: int) -> tuple[Size, ...]:
        titles, stages = self.rules.segments.titles, set(self.rules.segments.stages)
        found = (
            Size(n, words.sentence(titles[n]), "", sizes.get(n, 0), sizes.get(n, 0) / (whole or 1))
            for n in titles
            if n not in stages
        )
        return tuple(sorted(found, key=lambda size: (-size.size, size.name)))

    def journeys(self) -> tuple[JourneyLine, ...]:
        states: dict[str, dict[str, int]] = defaultdict(dict)
        for tally in look.message_counts(self.conn, self.clinic):
            states[tally.journey][tally.state] = tally.size
        running = look.under_way(self.conn, self.clinic)
        known = self.rules.journeys
        names = [
            *sorted(known, key=lambda n: (known[n].priority, n)),
            *sorted((states.keys() | running.keys()) - known.keys()),
        ]
        return tuple(
            JourneyLine(
                n, self.title(n), known[n].status if n in known else "removed", running.get(n, 0), states[n]
            )
            for n in names
        )

    def recent(self, limit: int) -> tuple[Sent, ...]:
        return tuple(
            Sent(
                self.local(one.at), one.patient, self.title(one.journey), one.state, self.became(one), one.channel or "",
                one.language or self.rules.clinic.language, one.subject, (one.body or "").strip(), one.html,
            )
            for one in look.letters(self.conn, self.clinic, limit)
        )  # fmt: skip

    @staticmethod
    def became(one: look.Letter) -> str:
        said = words.STATES.get(one.state, one.state)
        return f"{said} ({one.reason})" if one.state in LOST and one.reason else said

    def coming(self, limit: int) -> tuple[Coming, ...]:
        found = [
            Coming(
                self.local(one.at),
                one.patient,
                self.title(one.journey),
                "Message",
                words.reason(one.reason) if one.reason else "",
            )
            for one in look.next_messages(self.conn, self.clinic, limit)
        ]
        # Runs that have reached their end are due too, but nobody will see anything of it.
        steps = look.next_steps(self.conn, self.clinic, limit * 4)
        rules = self._pinned(steps)
        for step in steps:
            journey = rules.journey(step.journey, step.version)
            coming = journey.step(step.position) if journey is not None else None
            if journey is None or coming is None:
                continue
            action = coming.action
            if isinstance(action, Send):
                what = " or ".join(words.CHANNELS[channel] for channel in action.channels)
            elif isinstance(action, GiveTask):
                what = f"Task for {words.name(action.assignee).lower()}"
            else:
                continue
            found.append(Coming(self.local(step.at), step.patient, journey.title, what, ""))
        return tuple(sorted(found, key=lambda one: (one.at, one.patient))[:limit])

    def _pinned(self, steps: Iterable[look.NextStep]) -> Rules:
        runs = {
            str(number): Enrollment(
                str(number),
                step.patient,
                step.journey,
                step.version,
                "",
                step.at,
                "",
                None,
                step.position,
                step.at,
                step.at,
                step.at,
            )
            for number, step in enumerate(steps)
        }
        return self.house.pinned(self.conn, self.rules, [Patient("", enrollments=runs)])

    def held(self) -> tuple[Held, ...]:
        since = self.now - LATELY
        groups: Counter[tuple[str, bool]] = Counter()
        purposes: dict[tuple[str, bool], set[str]] = defaultdict(set)
        for tally in look.held_back(self.conn, self.clinic, since):
            group = (tally.reason, tally.state == "scheduled")
            groups[group] += tally.size
            journey = self.rules.journeys.get(tally.journey)
            purposes[group].add(journey.purpose if journey else "marketing")
        examples = look.held_examples(self.conn, self.clinic, since)
        said = look.sentences(self.conn, self.clinic, {one.patient for one in examples})
        shown: dict[tuple[str, bool], list[Example]] = defaultdict(list)
        for one in examples:
            why = said.get((one.patient, one.journey, one.step), "")
            shown[one.reason, one.state == "scheduled"].append(
                Example(self.local(one.at), one.patient, self.title(one.journey), words.explain(why))
            )
        return tuple(
            Held(
                code, words.reason(code, "marketing" if purposes[code, waiting] == {"marketing"} else "care"), words.ADVICE.get(code, ""),
                waiting, size, tuple(shown[code, waiting]),
            )
            for (code, waiting), size in sorted(groups.items(), key=lambda item: (item[0][1], -item[1], item[0][0]))
        )  # fmt: skip

    def not_begun(self) -> tuple[NotBegun, ...]:
        counted: Counter[tuple[str, str]] = Counter()
        for one in look.not_started(self.conn, self.clinic, self.now - LATELY):
            counted[one.journey, words.why_not_started(one.why, self.rules.segments.titles)] += one.size
        return tuple(
            NotBegun(self.title(journey), why, size)
            for (journey, why), size in sorted(counted.items(), key=lambda item: (-item[1], item[0]))
        )

    def moves(self) -> tuple[Move, ...]:
        stages = self.rules.segments.stages
        entered: Counter[str] = Counter()
        left: Counter[str] = Counter()
        for move in look.moves(self.conn, self.clinic, self.now - WEEK):
            (entered if move.change == "entered" else left)[move.segment] += move.size
        order = [
            *(size.name for size in self.stages()),
            *sorted((entered.keys() | left.keys()) - set(stages)),
        ]
        titles = self.rules.segments.titles
        return tuple(
            Move(
                words.stage(n) if n in stages else words.sentence(titles.get(n, words.name(n))),
                entered[n],
                left[n],
                n in stages,
            )
            for n in order
            if entered[n] or left[n]
        )

"""Stories: a patient, what happens on which day, and what is to follow from it. Plain values, as a file of stories tells them.

Rules
1. A story is complete: of the kinds in `COMPLETE`, whatever is not expected must not happen. The others are looked at only where a story speaks of them.
2. The patient's history changes facts and starts nothing, like an import.
3. Times are the story's wall clock, to the minute. A day alone stands for any moment of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any, Final

from worker.domain.calendar import at_local, midnight, zone
from worker.domain.clinic import Mode
from worker.domain.events import APPOINTMENT_STATUS
from worker.domain.source import Place

COMPLETE: Final = frozenset({"sends", "rehearses", "holds_back", "skips", "task", "tags", "untags", "ends"})
"""What must be expected wherever it happens."""

PATIENT: Final = "patient"
"""The subject of a story's events."""

_TICK: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Moment:
    """A wall-clock minute (`minute` counts from midnight), or a whole day where `minute` is None."""

    day: date
    minute: int | None = None

    def first(self, tz: tzinfo) -> datetime:
        """Its first instant, UTC."""
        if self.minute is None:
            return midnight(self.day, tz)
        return at_local(self.day, time(self.minute // 60, self.minute % 60), tz)

    def last(self, tz: tzinfo) -> datetime:
        """The instant that closes it: the minute itself, or the end of the day."""
        if self.minute is None:
            return midnight(self.day + timedelta(days=1), tz) - _TICK
        return self.first(tz)

    def holds(self, at: datetime, tz: tzinfo) -> bool:
        """Whether an instant falls on it."""
        local = at.astimezone(tz)
        return local.date() == self.day and self.minute in (None, local.hour * 60 + local.minute)

    def __str__(self) -> str:
        clock = "" if self.minute is None else f" {self.minute // 60:02}:{self.minute % 60:02}"
        return f"{self.day}{clock}"


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happens: an event's type, and what the story says of it, in the words of the file."""

    when: Moment
    type: str
    words: Mapping[str, Any]
    place: Place

    def __str__(self) -> str:
        return f"{self.type}{_told(self.words)}"


@dataclass(frozen=True, slots=True)
class Expectation:
    """Something that is to follow. `journey` is empty where the story leaves it open; `more` narrows it (`by`, `because`, `due`…)."""

    when: Moment
    verb: str
    journey: str
    what: str
    more: Mapping[str, Any]
    place: Place


@dataclass(frozen=True, slots=True)
class Story:
    """One story. `journeys` None lets all live ones run; `begins` and `until` are the ends of its clock, UTC; `variants` maps (journey, step) to the way of a split."""

    name: str
    place: Place
    journeys: tuple[str, ...] | None
    zone: str
    patient: Mapping[str, Any]
    visits: tuple[Happening, ...]
    happens: tuple[Happening, ...]
    expect: tuple[Expectation, ...]
    begins: datetime
    until: datetime
    held_out: bool = False
    variants: Mapping[tuple[str, str], str] = field(default_factory=dict)
    mode: Mode = "live"

    @property
    def tz(self) -> tzinfo:
        """The zone of its times."""
        return zone(self.zone)

    @property
    def history_until(self) -> datetime | None:
        """The last visit of its history, until which time starts nothing either."""
        return max((visit.when.first(self.tz) for visit in self.visits), default=None)


@dataclass(frozen=True, slots=True)
class Raw:
    """An event of a story in the contract's words: `data` is JSON. `told` is the line of the story that it comes from, None for the patient's record."""

    id: str
    type: str
    time: datetime
    data: Mapping[str, Any]
    told: Happening | None


def raw_events(story: Story) -> Iterator[Raw]:
    """The events of a story, in the order of their times: the patient's record, the history, what happens."""
    yield Raw(
        "e-000",
        "patient.upserted",
        story.begins,
        {"historical": True, "patient": _patient(story.patient)},
        None,
    )
    appointments = 0
    for number, happening in enumerate((*story.visits, *story.happens), start=1):
        past = number <= len(story.visits)
        if happening.type in APPOINTMENT_STATUS and not past:
            appointments += 1
        data = _data(happening, story.tz, default=f"history-{number}" if past else f"a-{appointments}")
        if past:
            data["historical"] = True
        yield Raw(f"e-{number:03}", happening.type, happening.when.first(story.tz), data, happening)


def _data(happening: Happening, tz: tzinfo, *, default: str) -> dict[str, Any]:
    words = dict(happening.words)
    data: dict[str, Any] = {}
    about = happening.type in APPOINTMENT_STATUS
    appointment = words.pop("appointment", default if about else None)
    if appointment is not None:
        data["appointment_id"] = appointment
    starts = words.pop("at", happening.when if happening.type == "visit.completed" else None)
    if starts is not None:
        data["starts_at"] = starts.first(tz).astimezone(tz).isoformat()
    patient = _patient(words.pop("patient", {}))
    if "tags" in words:
        patient["tags"] = list(words.pop("tags"))
    if patient:
        data["patient"] = patient
    until = words.pop("until", None)
    if isinstance(until, Moment):
        data["until"] = str(until.day) if until.minute is None else until.first(tz).astimezone(tz).isoformat()
    if "services" in words:
        data["services"] = [dict(each) for each in words.pop("services")]
    if "net" in words:
        minor, currency = words.pop("net")
        data["net"] = {"minor": minor, "currency": currency}
    return {**data, **words}


def _patient(words: Mapping[str, Any]) -> dict[str, Any]:
    known: dict[str, Any] = {}
    for key, value in words.items():
        if key == "consent":
            if isinstance(value, Mapping):
                known[key] = {channel: list(purposes) for channel, purposes in value.items()}
        elif isinstance(value, date):
            known[key] = value.isoformat()
        else:
            known[key] = list(value) if isinstance(value, tuple) else value
    return known


def _told(words: Mapping[str, Any]) -> str:
    parts = []
    for key, value in words.items():
        if key == "services":
            parts.append("+".join(each["code"] for each in value))
        elif key == "net":
            parts.append(f"{value[0] / 100:g} {value[1]}")
        elif key == "patient":
            parts.append("patient " + ", ".join(value))
        elif isinstance(value, tuple):
            parts.append(f"{key} {', '.join(value)}")
        else:
            parts.append(f"{key} {value}" if not isinstance(value, bool) else key)
    return f" ({', '.join(parts)})" if parts else ""

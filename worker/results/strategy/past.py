"""The year behind: each patient's own, lived again with the journeys of today."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from worker.domain.calendar import local_day
from worker.domain.events import APPOINTMENT_STATUS, Event
from worker.domain.history import Task, Trace
from worker.domain.ledger import Ledger, fold, parse_instant
from worker.domain.planner import Patient
from worker.domain.replay import Replay, Sent
from worker.domain.rules import Rules

YEAR: Final = timedelta(days=365)
LONGEST: Final = 330
"""Later than that a step of the year can't be told from one that the year had no time for."""
_SOURCE: Final = "/revisit/strategy"
_NOT_TOLD: Final = frozenset({"stamp", "status", "since"})


def _none() -> dict[Any, float]:
    return defaultdict(float)


@dataclass(slots=True)
class Past:
    """What one journey would have done in the year, scaled to the whole base.

    `by_event` and `by_time` are how often it would have begun; `steps` its messages and tasks by step. `later` counts those of runs that an event began, by kind
    (a channel, or `task`) and days after the beginning; `weekdays` when they left, Monday first.
    """

    by_event: float = 0.0
    by_time: float = 0.0
    steps: dict[str, float] = field(default_factory=_none)
    later: dict[str, dict[int, float]] = field(default_factory=lambda: defaultdict(_none))
    weekdays: dict[int, float] = field(default_factory=_none)

    @property
    def starts(self) -> float:
        """How often it would have begun."""
        return self.by_event + self.by_time

    def by_then(self, kind: str, days: int) -> float:
        """Messages or tasks of that kind a day, when the journey has been live for so many days and only events begin it."""
        return sum(
            size / (YEAR.days - lag) for lag, size in self.later[kind].items() if lag <= min(days, LONGEST)
        )


class Year:
    """One clinic's year up to `now`. `share`: the part of the base that will be told of."""

    def __init__(self, rules: Rules, now: datetime, share: float = 1.0) -> None:
        # What is begun for one patient alone needs no turn; that is asked of the days ahead.
        journeys = {name: replace(journey, pace=None) for name, journey in rules.journeys.items()}
        self.rules = replace(rules, journeys=journeys, paused={})
        self.now, self.since, self._each = now, now - YEAR, 1 / share
        self.journeys: dict[str, Past] = {
            name: Past() for name, journey in rules.journeys.items() if journey.status == "live"
        }

    def add(self, patient: str, ledger: Ledger) -> None:
        """Live through one patient's year."""
        if ledger.get("erased"):
            return
        base: Ledger = {**ledger, "appointments": {}, "told": {}, "refunds": {}}
        begun: list[Event] = []
        for event in sorted(events_of(patient, ledger), key=lambda event: event.order):
            if event.time <= self.since:
                base = fold(base, event)
            else:
                begun.append(event)
        replay = Replay(self.rules, holdout="lot")
        replay.patients[patient] = Patient(patient, ledger=base)
        events = [moment(patient, self.since), *begun]
        for at, _, line in replay.run(events, self.now):
            if isinstance(line, Trace):
                continue
            if isinstance(line, Sent):
                self._count(replay, line.message.enrollment, patient, line.message.journey, line.message.step, line.message.channel or "", at)  # fmt: skip
            elif isinstance(line, Task):
                self._count(replay, line.enrollment, patient, line.journey, line.step, "task", at)
        for run in replay.patients[patient].enrollments.values():
            past = self.journeys[run.journey]
            if run.started_by == "time":
                past.by_time += self._each
            else:
                past.by_event += self._each

    def _count(
        self, replay: Replay, key: str, patient: str, journey: str, step: str, kind: str, at: datetime
    ) -> None:
        past, run = self.journeys[journey], replay.patients[patient].enrollments[key]
        past.steps[step] += self._each
        if run.started_by != "time":
            tz = self.rules.clinic.tz
            past.later[kind][(local_day(at, tz) - local_day(run.entered_at, tz)).days] += self._each
            past.weekdays[local_day(at, tz).weekday()] += self._each


def moment(patient: str, at: datetime) -> Event:
    """An event that tells nothing and starts nothing: what is so at that moment is looked at."""
    return Event(
        f"{patient}@{at.isoformat()}", _SOURCE, "patient.upserted", patient, at, {"historical": True}
    )


def events_of(patient: str, ledger: Ledger) -> Iterator[Event]:
    """The appointments' events as the ledger still has them: what was first told of each, and when; in no order."""
    for key, records in ledger["appointments"].items():
        data: dict[str, Any] = {}
        for record in records:
            data |= {
                name: value for name, value in record.items() if name not in _NOT_TOLD and name not in data
            }
        told = sorted(ledger["told"].get(key, {}).items(), key=lambda item: item[1])
        # What says what the appointment is now comes last, whatever order they were told in.
        ordered = sorted(told, key=lambda item: APPOINTMENT_STATUS.get(item[0]) == records[0]["status"])
        for version, (kind, stamp) in enumerate(ordered, start=1):
            if kind in APPOINTMENT_STATUS:
                said = (
                    data
                    if kind == "booking.cancelled"
                    else {n: v for n, v in data.items() if n != "cancelled_by"}
                )
                yield Event(
                    stamp[1], stamp[2], kind, patient, parse_instant(stamp[0]), {**said, "appointment_id": key, "version": version}
                )  # fmt: skip
    for key, refund in ledger["refunds"].items():
        data = {"appointment_id": refund["appointment"], "net": refund["net"]}
        yield Event(key, _SOURCE, "payment.refunded", patient, parse_instant(refund["at"]), data)

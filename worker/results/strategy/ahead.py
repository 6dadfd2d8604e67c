"""The days ahead: who enters by time alone, through the planner, the gate and the paces; and what events will add on average."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Final

from worker.domain.calendar import local_day, midnight
from worker.domain.events import Event
from worker.domain.history import Enrollment, Task, Trace
from worker.domain.ledger import Ledger
from worker.domain.planner import Patient
from worker.domain.replay import Replay, Sent
from worker.domain.rules import Rules
from worker.results.strategy.past import Past, moment

DAYS: Final = 60


@dataclass(slots=True)
class Ahead:
    """By clinic-local day and kind (a channel, or `task`): `by_time` what the base as it stands will bring, `by_event` what a usual day adds. `starts` are the journeys that time begins."""

    days: tuple[date, ...]
    by_time: dict[date, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    by_event: dict[date, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))
    starts: Counter[str] = field(default_factory=Counter)
    scale: float = 1.0

    def time(self, day: date, *kinds: str) -> float:
        """Of those kinds, by time alone."""
        return sum(self.by_time[day][kind] for kind in kinds) * self.scale

    def event(self, day: date, *kinds: str) -> float:
        """Of those kinds, because of what happens."""
        return sum(self.by_event[day].get(kind, 0.0) for kind in kinds)


def ahead(
    rules: Rules,
    now: datetime,
    ledgers: Iterable[tuple[str, Ledger, Mapping[str, Enrollment]]],
    past: Mapping[str, Past],
    share: float = 1.0,
) -> Ahead:
    """The next `DAYS` days for these patients: each with her ledger and the runs that she has been through. `share` is the part of the base that they are."""
    tz = rules.clinic.tz
    first = local_day(now, tz)
    found = Ahead(tuple(first + timedelta(days=number) for number in range(DAYS)), scale=1 / share)
    paces = {
        name: replace(journey, pace=max(1, round(journey.pace * share))) if journey.pace else journey
        for name, journey in rules.journeys.items()
    }
    replay = Replay(replace(rules, journeys=paces, paused={}), holdout="lot")
    events: list[Event] = []
    for patient, ledger, runs in ledgers:
        replay.patients[patient] = Patient(patient, ledger=ledger, enrollments=dict(runs))
        events.append(moment(patient, now))
    until = midnight(first + timedelta(days=DAYS), tz) - timedelta(seconds=1)
    for at, _, line in replay.run(events, until):
        day = local_day(at, tz)
        if isinstance(line, Sent):
            found.by_time[day][line.message.channel or ""] += 1
        elif isinstance(line, Task):
            found.by_time[day]["task"] += 1
        elif isinstance(line, Trace) and line.what == "started":
            found.starts[line.journey] += 1
    for number, day in enumerate(found.days):
        for name, one in past.items():
            weight = _weight(rules, name, one, day)
            for kind in one.later:
                found.by_event[day][kind] = found.by_event[day].get(kind, 0.0) + weight * one.by_then(
                    kind, number
                )
    return found


def _weight(rules: Rules, name: str, past: Past, day: date) -> float:
    """How much of an average day's messages leave on such a weekday, by what left in the year; nothing on a holiday that the policy closes."""
    policy = rules.policy
    closed = policy.holidays is not None and policy.holidays.all_day and day in rules.clinic.closed
    if closed and rules.journeys[name].purpose == "marketing":
        return 0.0
    whole = sum(past.weekdays.values())
    return past.weekdays.get(day.weekday(), 0.0) * 7 / whole if whole else 1.0

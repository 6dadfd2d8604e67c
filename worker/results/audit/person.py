"""One patient as the audit sees her, taken from the facts.

Rules
1. Stages and segments are what `Segments` says; whether she could be written to is what the gate's own stages say of a marketing message that promotes nothing.
2. The past is the same facts without what had not happened: visits after that day, and whatever else was told later. Tags, consent and birth dates are as they are now.
3. Visits that lie in the future are a hole and no visit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Final

from worker.domain.calendar import Span, add_months, local_day
from worker.domain.conditions import first
from worker.domain.facts import Appointment, Facts
from worker.domain.gate import ADDRESS_FIELD, Drop, Outside, Question
from worker.domain.gate.channel import channel
from worker.domain.gate.hold import hold
from worker.domain.gate.patient import patient as patient_stage
from worker.domain.history import Message
from worker.domain.journey import EVERYONE, Journey, Repeat, Start
from worker.domain.ledger import Ledger, empty, parse_instant
from worker.domain.rules import Rules
from worker.results.audit.model import YES

POINTS: Final = 13
UNTOLD: Final = "not told"
FEW: Final = 3
"""Up to so many looks cost less than finding out when the next one is needed."""
OLDEST: Final = 110
"""Whoever would be older than that has a wrong birth date."""
_NOTHING: Final = Journey(
    "audit", "", "", "live", "marketing", 5, Start("enters", "", EVERYONE), Repeat(), False, None, None, None, Span(days=1), (),
)  # fmt: skip
_MUST_NOT: Final = frozenset({"erased", "deceased", "do_not_contact", "minor"})


@dataclass(frozen=True, slots=True)
class Came:
    """One visit: its clinic-local day, and what it brought in by family, in minor units. An appointment of several families counts for each, its money in equal parts."""

    day: date
    families: Mapping[str, int]

    @property
    def net(self) -> int:
        """What the visit brought in."""
        return sum(self.families.values())


@dataclass(frozen=True, slots=True)
class Person:
    """One patient. `then` are the stage and segments at each point of the last year, the last of them today's; empty before she was known."""

    stage: str
    then: tuple[frozenset[str], ...]
    visits: tuple[Came, ...] = ()
    booked: bool = False
    reach: str = YES
    ways: tuple[str, ...] = ()
    profiling: bool = False
    shared: Mapping[str, str] = field(default_factory=dict)
    holes: frozenset[str] = frozenset()
    entries: Mapping[str, int] = field(default_factory=dict)
    appointments: int = 0
    completed: int = 0
    unknown: tuple[str, ...] = ()


class Seeing:
    """Patients of one clinic on one day. `hashed` makes an address unreadable; `suppressed` are such hashes by channel."""

    def __init__(
        self,
        rules: Rules,
        now: datetime,
        channels: Sequence[str],
        hashed: Callable[[str, str], str],
        suppressed: frozenset[tuple[str, str]] = frozenset(),
    ) -> None:
        self.rules, self.now, self.channels = rules, now, tuple(channels)
        self.hashed, self.suppressed = hashed, suppressed
        self.today = local_day(now, rules.clinic.tz)
        self.points = tuple(add_months(self.today, -back) for back in reversed(range(POINTS)))
        self._segments = replace(rules.segments, watched={})

    def nobody(self) -> Facts:
        """The facts of a patient of whom nothing is known: what holds for the clinic itself."""
        return Facts("", empty(), self.rules.clinic)

    def person(self, patient: str, ledger: Ledger) -> Person | None:
        """None for one who asked to be forgotten."""
        facts = Facts(patient, ledger, self.rules.clinic)
        if facts.erased:
            return None
        then = self._then(facts)
        shared = {
            name: self.hashed(name, address)
            for name, where in ADDRESS_FIELD.items()
            if (address := facts.profile(where))
        }
        reach, ways, profiling = self._reach(facts, shared)
        unknown = tuple(
            service.code
            for appointment in facts.completed
            for service in appointment.services
            if service.code not in self.rules.clinic.services
        )
        return Person(
            stage=next((name for name in self._segments.asked if name in then[-1]), ""),
            then=then,
            visits=tuple(self._visits(facts)),
            booked=bool(facts.bookings_from(self.today)),
            reach=reach,
            ways=ways,
            profiling=profiling,
            shared=shared,
            holes=frozenset(self._holes(facts)),
            entries=self._entries(facts),
            appointments=len(facts.appointments),
            completed=len(facts.completed),
            unknown=unknown,
        )

    # -- stages, now and then -----------------------------------------------------------------------------------------------

    def _then(self, facts: Facts) -> tuple[frozenset[str], ...]:
        known = _known_since(facts)
        dated = [(a, self._day_of(a)) for a in facts.appointments]
        there = [
            None
            if point != self.today and (known is None or known > point)
            else sum(day <= point for _, day in dated)
            for point in self.points
        ]
        found: list[frozenset[str]] = []
        for size, run in groupby(zip(there, self.points, strict=True), key=lambda pair: pair[0]):
            points = [point for _, point in run]
            if size is None:
                found += [frozenset()] * len(points)
            elif size == len(dated):
                found += self._members(facts, points)
            else:
                kept = frozenset(a.id for a, day in dated if day <= points[0])
                found += self._members(self._without(facts, kept), points)
        return tuple(found)

    def _members(self, facts: Facts, points: list[date]) -> list[frozenset[str]]:
        """On each of some days between which nothing happened; where there are many, only those on which time itself changes something are looked at."""
        segments, found = self._segments, list[frozenset[str]]()
        turn: date | None = points[0]
        for point in points:
            if turn is None or point < turn:
                found.append(found[-1])
                continue
            look = segments.look(facts, point)
            found.append(segments.members(look))
            if len(points) > FEW:
                turn = first(map(look.turn_of, segments.named))
        return found

    def _day_of(self, appointment: Appointment) -> date:
        """From when on it was there."""
        if appointment.status == "completed" and appointment.day is not None:
            return min(appointment.day, self.today)
        return min(local_day(appointment.since, self.rules.clinic.tz), self.today)

    def _without(self, facts: Facts, there: frozenset[str]) -> Facts:
        appointments = {key: records for key, records in facts.ledger["appointments"].items() if key in there}
        return Facts(facts.patient, {**facts.ledger, "appointments": appointments}, facts.clinic, facts)

    # -- visits -------------------------------------------------------------------------------------------------------------

    def _visits(self, facts: Facts) -> list[Came]:
        currency = self.rules.clinic.currency
        found: list[Came] = []
        for visit in facts.visits:
            if visit.day > self.today:
                continue
            money: Counter[str] = Counter()
            for appointment in visit.appointments:
                families = sorted({service.family for service in appointment.services}) or [UNTOLD]
                net = appointment.net if appointment.currency in (currency, None) else 0
                each, rest = divmod(net, len(families))
                for number, family in enumerate(families):
                    money[family] += each + (1 if number < rest else 0)
            found.append(Came(visit.day, dict(money)))
        return found

    # -- whether she could be written to ------------------------------------------------------------------------------------

    def _reach(self, facts: Facts, shared: Mapping[str, str]) -> tuple[str, tuple[str, ...], bool]:
        closed = frozenset(
            (name, facts.profile(ADDRESS_FIELD[name]))
            for name, digest in shared.items()
            if (name, digest) in self.suppressed
        )
        look = self._segments.look(facts, self.today)
        outside = Outside(suppressed=closed)

        def ask(*channels: str) -> Question:
            message = Message(
                "", facts.patient, "", _NOTHING.name, "", "", "", "marketing", channels, self.now, self.now, self.now + timedelta(days=1)
            )  # fmt: skip
            return Question(self.now, message, _NOTHING, self.rules, facts, look, outside=outside)

        whole = ask(*self.channels)
        objection = patient_stage(whole)
        if isinstance(objection, Drop):
            return ("must_not" if objection.code in _MUST_NOT else objection.code), (), False
        answer = channel(whole)
        if isinstance(answer, Drop):
            return answer.code, (), False
        if hold(whole) is not None:
            return "hold", (), False
        ways = tuple(name for name in self.channels if not isinstance(channel(ask(name)), Drop))
        return YES, ways, any(facts.allows(name, "health_profiling") for name in ways)

    # -- holes --------------------------------------------------------------------------------------------------------------

    def _holes(self, facts: Facts) -> list[str]:
        born, today = facts.birth_date, self.today
        has = {name for name, where in ADDRESS_FIELD.items() if facts.profile(where)}
        found = {
            "no_birth_date": born is None,
            "odd_birth_date": born is not None
            and not (0 <= today.year - born.year <= OLDEST and born <= today),
            "no_phone": "sms" not in has,
            "no_email": "email" not in has,
            "no_address": not has,
            "no_consent": not any(facts.allows(name, "marketing") for name in ADDRESS_FIELD),
            "no_name": not facts.profile("first_name"),
            "no_language": not facts.profile("language"),
        }
        return [code for code, there in found.items() if there]

    def _entries(self, facts: Facts) -> Mapping[str, int]:
        found: Counter[str] = Counter()
        services = self.rules.clinic.services
        for appointment in facts.appointments:
            done, day = appointment.status == "completed", appointment.day
            found["no_start"] += day is None
            found["never_closed"] += appointment.status == "booked" and day is not None and day < self.today
            found["future_visits"] += done and day is not None and day > self.today
            found["no_services"] += done and not appointment.services
            found["unknown_services"] += done and any(s.code not in services for s in appointment.services)
            found["no_amount"] += done and appointment.currency is None
            found["other_currency"] += done and appointment.currency not in (None, self.rules.clinic.currency)
        return {code: size for code, size in found.items() if size}


def _known_since(facts: Facts) -> date | None:
    """The first day on which anything was told of her, or on which she came."""
    tz = facts.clinic.tz
    told = [a.since for a in facts.appointments]
    told += [parse_instant(entry["stamp"][0]) for entry in facts.ledger["profile"].values()]
    days = [local_day(at, tz) for at in told] + [visit.day for visit in facts.visits]
    return min(days, default=None)

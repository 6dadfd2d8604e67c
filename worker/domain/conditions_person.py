"""Conditions over the patient: age, birthday, tags, language, place, people, consent, and what was sent before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from worker.domain.calendar import Span, add_days, add_months, local_day
from worker.domain.conditions import Leaf, Look


def age_on(born: date, today: date) -> int:
    """Completed years; someone born on 29 February is a year older on 28 February where there is no 29th."""
    years = today.year - born.year
    return years if today >= add_months(born, 12 * years) else years - 1


@dataclass(frozen=True, slots=True)
class Age(Leaf):
    """`age: at least 18`, `age: 30 to 45`. An unknown date of birth fits no age."""

    low: int
    high: int | None

    def why_not(self, look: Look) -> str | None:
        """The age, or that it is unknown."""
        born = look.facts.birth_date
        if born is None:
            return "date of birth unknown"
        age = age_on(born, look.today)
        wanted = f"at least {self.low}" if self.high is None else f"{self.low} to {self.high}"
        return None if age >= self.low and (self.high is None or age <= self.high) else f"{age} years old, not {wanted}"

    def turns(self, look: Look) -> Iterator[date]:
        """The birthdays at the limits."""
        born = look.facts.birth_date
        if born is not None:
            for years in (self.low, *((self.high + 1,) if self.high is not None else ())):
                day = add_months(born, 12 * years)
                if day > look.today:
                    yield day


@dataclass(frozen=True, slots=True)
class Birthday(Leaf):
    """`birthday: today`, `birthday: in the next 7 days`; 29 February counts on the 28th where there is no 29th."""

    within: int = 0

    def _next(self, born: date, today: date) -> date:
        this_year = add_months(born, 12 * (today.year - born.year))
        return this_year if this_year >= today else add_months(born, 12 * (today.year + 1 - born.year))

    def why_not(self, look: Look) -> str | None:
        """When it is."""
        born = look.facts.birth_date
        if born is None:
            return "date of birth unknown"
        coming = self._next(born, look.today)
        return None if (coming - look.today).days <= self.within else f"the next birthday is on {coming}"

    def turns(self, look: Look) -> Iterator[date]:
        """Its beginning and its end."""
        born = look.facts.birth_date
        if born is not None:
            for today in (look.today, self._next(born, look.today) + timedelta(days=1)):
                coming = self._next(born, today)
                for day in (coming - timedelta(days=self.within), coming + timedelta(days=1)):
                    if day > look.today:
                        yield day


@dataclass(frozen=True, slots=True)
class OneOf(Leaf):
    """`tags`, `language`, `location`, `practitioner`: one of the listed. Location and practitioner are those of the last visit."""

    what: Literal["tags", "language", "location", "practitioner"]
    names: tuple[str, ...]

    def why_not(self, look: Look) -> str | None:
        """What there is instead."""
        have = self._have(look)
        if have & set(self.names):
            return None
        return f"{self.what}: {', '.join(sorted(have)) or 'none'}, not {' or '.join(self.names)}"

    def _have(self, look: Look) -> frozenset[str]:
        if self.what == "tags":
            return look.facts.tags
        if self.what == "language":
            return frozenset({look.facts.language})
        if not look.facts.visits:
            return frozenset()
        last = look.facts.visits[-1].appointments
        found = (a.location if self.what == "location" else a.practitioner for a in last)
        return frozenset(value for value in found if value)


@dataclass(frozen=True, slots=True)
class Allows(Leaf):
    """`allows: [sms, email]`: leave for marketing on one of them; `allows: {sms: care}` for another purpose."""

    wanted: tuple[tuple[str, str], ...]

    def why_not(self, look: Look) -> str | None:
        """The consent that is missing."""
        reasons = []
        for channel, purpose in self.wanted:
            allowed, why = look.facts.consent(channel, purpose)
            if allowed:
                return None
            reasons.append(f"{channel} {purpose}: {why}")
        return "; ".join(reasons)


@dataclass(frozen=True, slots=True)
class GotMessage(Leaf):
    """`got_message: {journey: win_back_6, in: 90 days}`. Not for segments: what we did must not decide who a patient is."""

    journeys: tuple[str, ...]
    within: Span | None

    def why_not(self, look: Look) -> str | None:
        """That none was sent."""
        tz = look.facts.clinic.tz
        for contact in look.contacts:
            fits = not self.journeys or contact.journey in self.journeys
            if fits and (self.within is None or look.today < add_days(local_day(contact.at, tz), self.within)):
                return None
        when = f" in {self.within}" if self.within else ""
        return f"got no message{' of ' + ' or '.join(self.journeys) if self.journeys else ''}{when}"


@dataclass(frozen=True, slots=True)
class InJourney(Leaf):
    """`journey: {active: [a]}`, `journey: {ever: [a]}`: under way in, or ever entered, one of them. Not for segments."""

    names: tuple[str, ...]
    active: bool

    def why_not(self, look: Look) -> str | None:
        """That none is."""
        if any(e.journey in self.names and (e.active or not self.active) for e in look.enrollments):
            return None
        return f"{'not under way in' if self.active else 'never in'} {' or '.join(self.names)}"

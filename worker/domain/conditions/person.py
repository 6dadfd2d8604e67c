"""Conditions over the patient: age, birthday, tags, language, place, people, consent, and what was sent before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from worker.domain.calendar import Span, add_days, add_months, local_day
from worker.domain.conditions import COMPLETED, Leaf, Look


def age_on(born: date, today: date) -> int:
    """Completed years; someone born on 29 February is a year older on 28 February where there is no 29th."""
    years = today.year - born.year
    return years if today >= add_months(born, 12 * years) else years - 1


def next_birthday(born: date, today: date) -> date:
    """The next birthday, today's included; one on 29 February is on the 28th where there is no 29th."""
    this_year = add_months(born, 12 * (today.year - born.year))
    return this_year if this_year >= today else add_months(born, 12 * (today.year + 1 - born.year))


@dataclass(frozen=True, slots=True)
class Age(Leaf):
    """`age: at least 18`, `age: 30 to 45`. An unknown date of birth fits no age."""

    low: int
    high: int | None

    @property
    def reads(self) -> frozenset[str]:
        """The patient's record."""
        return frozenset({"profile"})

    def holds(self, look: Look) -> bool:
        """Whether the age fits."""
        born = look.facts.birth_date
        if born is None:
            return False
        age = age_on(born, look.today)
        return age >= self.low and (self.high is None or age <= self.high)

    def reason(self, look: Look) -> str:
        """The age, or that it is unknown."""
        born = look.facts.birth_date
        wanted = f"at least {self.low}" if self.high is None else f"{self.low} to {self.high}"
        return (
            "date of birth unknown" if born is None else f"{age_on(born, look.today)} years old, not {wanted}"
        )

    def turn(self, look: Look) -> date | None:
        """The next birthday at a limit."""
        born = look.facts.birth_date
        if born is None:
            return None
        limits = (self.low, self.high + 1) if self.high is not None else (self.low,)
        return min(
            (day for years in limits if (day := add_months(born, 12 * years)) > look.today), default=None
        )


@dataclass(frozen=True, slots=True)
class Birthday(Leaf):
    """`birthday: today`, `birthday: in the next 7 days`; 29 February counts on the 28th where there is no 29th."""

    within: int = 0

    @property
    def reads(self) -> frozenset[str]:
        """The patient's record."""
        return frozenset({"profile"})

    def holds(self, look: Look) -> bool:
        """Whether it is near enough."""
        born = look.facts.birth_date
        return born is not None and (next_birthday(born, look.today) - look.today).days <= self.within

    def reason(self, look: Look) -> str:
        """When it is."""
        born = look.facts.birth_date
        return (
            "date of birth unknown"
            if born is None
            else f"the next birthday is on {next_birthday(born, look.today)}"
        )

    def turn(self, look: Look) -> date | None:
        """Its beginning, or its end."""
        born = look.facts.birth_date
        if born is None:
            return None
        coming = next_birthday(born, look.today)
        begins = coming - timedelta(days=self.within)
        return begins if begins > look.today else coming + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class OneOf(Leaf):
    """`tags`, `language`, `location`, `practitioner`: one of the listed. Location and practitioner are those of the last visit."""

    what: Literal["tags", "language", "location", "practitioner"]
    names: tuple[str, ...]

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

    @property
    def reads(self) -> frozenset[str]:
        """The patient's record and own tags, or the visits."""
        return frozenset({"profile"}) if self.what in ("tags", "language") else COMPLETED

    def holds(self, look: Look) -> bool:
        """Whether one of them is there."""
        return not self._have(look).isdisjoint(self.names)

    def reason(self, look: Look) -> str:
        """What there is instead."""
        return f"{self.what}: {', '.join(sorted(self._have(look))) or 'none'}, not {' or '.join(self.names)}"


@dataclass(frozen=True, slots=True)
class Allows(Leaf):
    """`allows: [sms, email]`: leave for marketing on one of them; `allows: {sms: care}` for another purpose."""

    wanted: tuple[tuple[str, str], ...]

    @property
    def reads(self) -> frozenset[str]:
        """What was said of consent."""
        return frozenset({"consent"})

    def holds(self, look: Look) -> bool:
        """Whether one of them is allowed."""
        return any(look.facts.allows(channel, purpose) for channel, purpose in self.wanted)

    def reason(self, look: Look) -> str:
        """The consent that is missing."""
        return "; ".join(
            f"{channel} {purpose}: {look.facts.consent(channel, purpose)[1]}"
            for channel, purpose in self.wanted
        )


@dataclass(frozen=True, slots=True)
class GotMessage(Leaf):
    """`got_message: {journey: win_back_6, in: 90 days}`. Not for segments: what we did must not decide who a patient is."""

    journeys: tuple[str, ...]
    within: Span | None

    def holds(self, look: Look) -> bool:
        """Whether one was sent."""
        tz = look.facts.clinic.tz
        return any(
            contact.patient == look.facts.patient
            and (not self.journeys or contact.journey in self.journeys)
            and (self.within is None or look.today < add_days(local_day(contact.at, tz), self.within))
            for contact in look.contacts
        )

    def turn(self, look: Look) -> date | None:
        """Where the next message drops out of the span."""
        if self.within is None:
            return None
        tz = look.facts.clinic.tz
        ends = (add_days(local_day(contact.at, tz), self.within) for contact in look.contacts)
        return min((end for end in ends if end > look.today), default=None)

    def reason(self, look: Look) -> str:
        """That none was sent."""
        when = f" in {self.within}" if self.within else ""
        return f"got no message{' of ' + ' or '.join(self.journeys) if self.journeys else ''}{when}"


@dataclass(frozen=True, slots=True)
class InJourney(Leaf):
    """`journey: {active: [a]}`, `journey: {ever: [a]}`: under way in, or ever entered, one of them. Not for segments."""

    names: tuple[str, ...]
    active: bool

    def holds(self, look: Look) -> bool:
        """Whether one is."""
        return any(run.journey in self.names and (run.active or not self.active) for run in look.enrollments)

    def reason(self, look: Look) -> str:
        """That none is."""
        return f"{'not under way in' if self.active else 'never in'} {' or '.join(self.names)}"

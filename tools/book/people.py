"""Invented patients: name, ways to reach them, birth date, and what they have agreed to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from tools.book.dice import Dice
from tools.book.names import (
    FOREIGN_MEN,
    FOREIGN_SURNAMES,
    FOREIGN_WOMEN,
    MEN,
    SURNAMES,
    WOMEN,
    ascii_only,
    latin,
)

EVERYTHING: Final = ("marketing", "care", "health_profiling")
MARKETING: Final = ("marketing", "care")
CARE: Final = ("care",)


@dataclass(slots=True)
class Person:
    """One patient. `consent` is None where nobody ever asked her; an empty tuple is a no."""

    id: str
    first_name: str | None
    last_name: str
    phone: str | None
    email: str | None
    born: date | None
    language: str
    timezone: str | None = None
    consent: dict[str, tuple[str, ...]] | None = field(default_factory=dict)

    def as_event(self) -> dict[str, Any]:
        """All that the clinic knows of her, as `data.patient`; what it does not know is left out."""
        known: dict[str, Any] = {
            "first_name": self.first_name,
            "last_name": self.last_name,
            "phone": self.phone,
            "email": self.email,
            "date_of_birth": self.born.isoformat() if self.born else None,
            "language": self.language,
            "timezone": self.timezone,
        }
        if self.consent is not None:
            known["consent"] = {channel: list(purposes) for channel, purposes in self.consent.items()}
        return {key: value for key, value in known.items() if value is not None}

    def age_on(self, day: date) -> int | None:
        """Whole years, or None where the birth date is unknown."""
        if self.born is None:
            return None
        return day.year - self.born.year - ((day.month, day.day) < (self.born.month, self.born.day))


def invent(number: int, first_day: date, dice: Dice) -> Person:
    """The patient with this number (1 to 99 999), who first comes to the clinic about `first_day`."""
    woman, foreign = dice.chance(0.87), dice.chance(0.08)
    language = "en" if foreign or dice.chance(0.40) else "el"
    if foreign:
        first, last = dice.pick(FOREIGN_WOMEN if woman else FOREIGN_MEN), dice.pick(FOREIGN_SURNAMES)
    else:
        first, last = dice.pick(WOMEN if woman else MEN), dice.pick(SURNAMES)[1 if woman else 0]
    abroad = foreign and dice.chance(0.08)
    email = f"{ascii_only(first)}.{ascii_only(last)}{number}@example.com"
    person = Person(
        id=f"p-{number:04}",
        first_name=None if dice.chance(0.012) else (first if language == "el" else latin(first)),
        last_name=last if language == "el" else latin(last),
        phone=f"+447700900{number % 1000:03}" if abroad else phone(number),
        email=email,
        born=_birth_date(first_day, dice),
        language=language,
        timezone="Europe/London" if abroad else None,
    )
    if dice.chance(0.07):
        person.email = None
    elif dice.chance(0.035):
        person.phone = None
    person.consent = _consent(person, dice)
    return person


def phone(number: int) -> str:
    """An invented number, +30 690 0xx xxxx, another one for each patient's number."""
    return f"+306900{(number * 7919 + 104_729) % 1_000_000:06}"


def _birth_date(first_day: date, dice: Dice) -> date | None:
    if dice.chance(0.06):
        return None
    if dice.chance(0.002):
        return date(dice.pick((1984, 1988, 1992, 1996)), 2, 29)
    years = dice.between(15, 16) if dice.chance(0.006) else dice.about(18, 70)
    return first_day - timedelta(days=years * 365 + years // 4 + dice.between(1, 364))


def _consent(person: Person, dice: Dice) -> dict[str, tuple[str, ...]] | None:
    answer = dice.weighted(
        {"all": 34, "marketing": 30, "one channel": 13, "care": 13, "none": 6, "not asked": 4}
    )
    if answer == "not asked":
        return None
    given = {"all": EVERYTHING, "none": (), "care": CARE}.get(answer, MARKETING)
    consent: dict[str, tuple[str, ...]] = {"sms": given, "email": given}
    if answer == "one channel":
        consent[dice.pick(("sms", "email"))] = CARE
    if person.phone is None:
        consent["sms"] = ()
    if person.email is None:
        consent["email"] = ()
    return consent

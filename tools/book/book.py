"""The whole book: who comes when, what becomes of it, and what people say about being written to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from tools.book.appointments import Patient
from tools.book.diary import Diary
from tools.book.dice import Dice
from tools.book.hours import BOOK_END, BOOK_START, at, open_days
from tools.book.log import Log
from tools.book.people import Person, invent
from tools.book.stories import Stories

PATIENTS: Final = 2000

_SEASON: Final = {
    1: 0.8,
    2: 0.9,
    3: 1.15,
    4: 1.3,
    5: 1.25,
    6: 1.1,
    7: 0.8,
    8: 0.4,
    9: 1.15,
    10: 1.2,
    11: 1.0,
    12: 1.0,
}
"""How many new patients a month brings, against the year's average."""

_WORDS: Final = "I agree to receive news and offers of the clinic. I can withdraw this at any time."


def lines() -> Iterator[str]:
    """The events of the book, one JSON text each, sorted by time."""
    diary, log = Diary(), Log()
    Stories(diary, log).tell()
    met: list[Person] = []
    for number, first_day in enumerate(_first_days(), start=1):
        dice = Dice(f"patient {number}")
        person = invent(number, first_day, dice)
        patient = Patient(person, diary, log, dice, first_day)
        if met and dice.chance(0.06):
            patient.referred_by = dice.pick(met[-300:]).id
        patient.live()
        if patient.free_from is not None:
            met.append(person)
            _says(person, patient.free_from.date(), log, dice)
    return log.lines()


def _first_days() -> list[date]:
    """The day on which each patient first means to come, in order; the clinic has been growing."""
    dice = Dice("first days")
    span = (BOOK_END - BOOK_START).days
    weights = {
        day: _SEASON[day.month] * (1 + 1.8 * (day - BOOK_START).days / span)
        for day in open_days(BOOK_START, BOOK_END)
    }
    return sorted(dice.weighted(weights) for _ in range(PATIENTS))


def _says(person: Person, day: date, log: Log, dice: Dice) -> None:
    """Some time after her last appointment a patient may change her mind, her number or her address."""
    when = at(day + timedelta(days=dice.between(2, 120)), dice.between(10 * 60, 19 * 60))
    reached = [channel for channel, address in (("sms", person.phone), ("email", person.email)) if address]
    channel = dice.pick(reached)
    wants = person.consent is not None and "marketing" in person.consent[channel]
    if wants and dice.chance(0.03):
        said = {
            "channel": channel,
            "purpose": "marketing",
            "source": dice.pick(("telephone", "front desk", "e-mail")),
        }
        log.note("consent.revoked", when, person, said)
    elif not wants and dice.chance(0.08):
        said = {
            "channel": channel,
            "purpose": "marketing",
            "basis": "explicit",
            "source": "tablet at the front desk",
        }
        log.note("consent.granted", when, person, {**said, "text": _WORDS})
    elif dice.chance(0.03):
        log.note("patient.upserted", when, person, {"patient": _moved(person, dice)})


def _moved(person: Person, dice: Dice) -> dict[str, str | None]:
    number = int(person.id[2:])
    if dice.chance(0.2):
        return {"email": None}
    if dice.chance(0.5):
        return {"email": f"new.address{number}@example.com"}
    return {"phone": f"+306901{number:06}"}

"""How patients behave: an archetype lists the visits that its patient would make if nothing came between."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from tools.book.dice import Dice
from tools.book.hours import BOOK_END, FORESEEN
from tools.book.people import Person

HORIZON: Final = BOOK_END + FORESEEN


@dataclass(frozen=True, slots=True)
class Planned:
    """A visit as the patient means to make it."""

    day: date
    codes: tuple[str, ...]


Plan = list[Planned]
Choices = Mapping[tuple[str, ...], float]
"""Services of one appointment, and how likely they are."""

FIRST_TREATMENTS: Final[Choices] = {
    ("HYD",): 15.0,
    ("TOX1",): 9.0,
    ("TOX3",): 6.0,
    ("LHR-L",): 6.0,
    ("LHR-S",): 7.0,
    ("FIL-L",): 7.0,
    ("PEEL",): 8.0,
    ("MIC",): 5.0,
    ("MESO",): 5.0,
    ("CRYO",): 5.0,
    ("CONT",): 4.0,
    ("TIGHT-B",): 3.0,
    ("TIGHT-F",): 3.0,
    ("PIG",): 4.0,
    ("PRP",): 3.0,
    ("LED",): 3.0,
    ("LREJ",): 2.0,
    ("FIL-C",): 2.0,
}
_FACIALS: Final[Choices] = {
    ("HYD",): 58.0,
    ("HYD", "LED"): 10.0,
    ("PEEL",): 12.0,
    ("MIC",): 7.0,
    ("LED",): 6.0,
    ("MESO",): 7.0,
}
_FINE_THINGS: Final[Choices] = {
    ("TOX3",): 12.0,
    ("FIL-L",): 8.0,
    ("FIL-C",): 9.0,
    ("LREJ",): 8.0,
    ("TIGHT-F",): 9.0,
    ("TIGHT-B",): 7.0,
    ("PRP",): 9.0,
    ("HYD",): 16.0,
    ("MIC",): 7.0,
    ("CRYO",): 6.0,
    ("MESO",): 9.0,
}
_HAIR: Final[Choices] = {("LHR-S",): 26.0, ("LHR-M",): 28.0, ("LHR-L",): 30.0, ("LHR-F",): 16.0}
_BODY: Final[Choices] = {("CRYO",): 30.0, ("CONT",): 45.0, ("TIGHT-B",): 25.0}
_BODY_COURSES: Final[Mapping[tuple[str, ...], tuple[int, int, tuple[int, int]]]] = {
    ("CRYO",): (2, 3, (57, 75)),
    ("CONT",): (4, 6, (9, 20)),
    ("TIGHT-B",): (3, 5, (22, 32)),
}
"""Fewest and most sessions, and the days between two of them."""
_FOR_THE_YOUNG: Final[Choices] = {("LHR-S",): 5.0, ("LHR-F",): 3.0}


def _series(first: date, codes: tuple[str, ...], times: int, gaps: tuple[int, int], dice: Dice) -> Plan:
    plan = [Planned(first, codes)]
    while len(plan) < times:
        plan.append(Planned(plan[-1].day + timedelta(days=dice.about(*gaps)), codes))
    return plan


def _visits(first: date, choices: Choices, gaps: tuple[int, int], end: float, dice: Dice) -> Plan:
    """Visits of changing kinds until she stops, with the chance `end` after each; some are put off."""
    plan = [Planned(first, dice.weighted(choices))]
    while plan[-1].day < HORIZON and not dice.chance(end):
        gap = dice.about(*gaps) + (dice.between(40, 110) if dice.chance(0.07) else 0)
        plan.append(Planned(plan[-1].day + timedelta(days=gap), dice.weighted(choices)))
    return plan


def one_timer(first: date, dice: Dice) -> Plan:
    """Comes once."""
    return [Planned(first, dice.weighted(FIRST_TREATMENTS))]


def consult_only(first: date, _dice: Dice) -> Plan:
    """Asks, and is not treated."""
    return [Planned(first, ("CONS",))]


def toxin_cycle(first: date, dice: Dice) -> Plan:
    """Comes back every three and a half to five months; some ask first, some are seen again soon."""
    codes = dice.pick((("TOX1",), ("TOX3",), ("TOX3",)))
    plan: Plan = []
    if dice.chance(0.4):
        plan.append(Planned(first, ("CONS",)))
        first += timedelta(days=dice.between(3, 15))
    for turn in _visits(first, {codes: 9.0, (*codes, "FIL-L"): 1.0}, (106, 152), 0.13, dice):
        plan.append(turn)
        if dice.chance(0.2):
            plan.append(Planned(turn.day + timedelta(days=dice.between(13, 16)), ("REV",)))
    return plan


def laser_series(first: date, dice: Dice) -> Plan:
    """Six to eight sessions, five weeks apart; some break off, some come for a touch-up much later."""
    codes = dice.weighted(_HAIR)
    times = dice.between(2, 4) if dice.chance(0.25) else dice.between(6, 8)
    plan = _series(first, codes, times, (31, 40), dice)
    if times >= 6 and dice.chance(0.35):
        plan.append(Planned(plan[-1].day + timedelta(days=dice.between(190, 330)), codes))
    return plan


def facial_regular(first: date, dice: Dice) -> Plan:
    """Comes every month."""
    return _visits(first, _FACIALS, (25, 38), 0.065, dice)


def high_spender(first: date, dice: Dice) -> Plan:
    """Comes every few weeks, for many things; one who stops after years is missed most."""
    return _visits(first, _FINE_THINGS, (20, 50), 0.075, dice)


def drifter(first: date, dice: Dice) -> Plan:
    """Comes a few times, ever more rarely, and then no more."""
    plan = one_timer(first, dice)
    for turn in range(dice.between(1, 3)):
        gap = dice.between(25, 60) + 30 * turn
        plan.append(Planned(plan[-1].day + timedelta(days=gap), dice.weighted(FIRST_TREATMENTS)))
    return plan


def returner(first: date, dice: Dice) -> Plan:
    """Drifts off for half a year or more, and comes back."""
    before = _series(first, dice.weighted(FIRST_TREATMENTS), dice.between(1, 2), (28, 60), dice)
    again = before[-1].day + timedelta(days=dice.between(195, 470))
    return before + _series(again, dice.weighted(FIRST_TREATMENTS), dice.between(1, 3), (28, 70), dice)


def body_course(first: date, dice: Dice) -> Plan:
    """A course for the body; perhaps a shorter one a year on."""
    codes = dice.weighted(_BODY)
    fewest, most, gaps = _BODY_COURSES[codes]
    plan = _series(first, codes, dice.between(fewest, most), gaps, dice)
    if dice.chance(0.2):
        again = plan[-1].day + timedelta(days=dice.between(240, 380))
        plan += _series(again, codes, dice.between(1, 3), gaps, dice)
    return plan


def young(first: date, dice: Dice) -> Plan:
    """A minor, with a parent: laser hair removal of a small area, nothing else."""
    return _series(first, dice.weighted(_FOR_THE_YOUNG), dice.between(1, 6), (31, 40), dice)


def never_came(first: date, _dice: Dice) -> Plan:
    """Enquires, and at most books."""
    return [Planned(first, ("CONS",))]


ARCHETYPES: Final[dict[Callable[[date, Dice], Plan], float]] = {
    one_timer: 32.0,
    consult_only: 8.0,
    toxin_cycle: 13.0,
    laser_series: 11.0,
    facial_regular: 6.5,
    high_spender: 4.5,
    drifter: 12.0,
    returner: 7.0,
    body_course: 5.0,
    never_came: 1.5,
}


def behaviour(person: Person, first: date, dice: Dice) -> Callable[[date, Dice], Plan]:
    """The archetype of this person."""
    age = person.age_on(first)
    if age is not None and age < 18:
        return young
    return dice.weighted(ARCHETYPES)

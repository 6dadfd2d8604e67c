"""The audit as a paper that an agency can lay before a clinic: what each number means, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from worker.results.audit import Audit
from worker.results.audit.model import YES, Hole, Reach, Size
from worker.results.paper import (
    UNKNOWN,
    Bars,
    Grid,
    Lines,
    Paper,
    Section,
    Tile,
    count,
    money,
    number,
    share,
)
from worker.service import words
from worker.service.audit_figures import (
    cohorts,
    families,
    holdout,
    lapse,
    month,
    second,
    short,
    takings,
    thresholds,
)

REACHED: Final[Mapping[str, str]] = {
    YES: "Could be written to",
    "no_consent": "No consent for marketing",
    "no_address": "No address",
    "suppressed": "Address must not be written to",
    "hold": "On hold",
    "must_not": "Must not be written to",
}
HOLES: Final[Mapping[str, tuple[str, str]]] = {
    "no_address": ("Patients without a phone and without an e-mail", "Ask at the next visit; until then nobody reaches them."),
    "no_phone": ("Patients without a phone", "They can be reached by e-mail only."),
    "no_email": ("Patients without an e-mail", "They can be reached by SMS only."),
    "no_consent": ("Patients without consent for marketing", "Ask at the next visit; care messages about their own visit still go out."),
    "no_birth_date": ("Patients without a date of birth", "No greeting on the birthday, and nobody can tell whether they are under 18."),
    "odd_birth_date": ("Patients whose date of birth cannot be right", "Correct it: the age rules rest on it."),
    "no_name": ("Patients without a first name", "Messages greet them without a name."),
    "no_language": ("Patients without a language", "They are written to in the clinic's language."),
    "never_closed": ("Bookings whose day is over and that nobody closed", "Mark each as come, missed or cancelled: one who came counts as lapsed until then."),
    "no_start": ("Appointments without a time", "They count nowhere."),
    "unknown_services": ("Visits with a service that the catalogue lacks", "Add the codes below to config/services.yaml, with their family."),
    "no_services": ("Visits without any service", "They count as visits, and in no family."),
    "no_amount": ("Visits without an amount", "They bring nothing towards high value."),
    "other_currency": ("Visits paid in another currency", "Their amounts are left out."),
    "future_visits": ("Visits that lie in the future and are marked as done", "They are not counted until their day."),
}  # fmt: skip


def paper(seen: Audit) -> Paper:
    """The audit of a clinic, to be shown."""
    return Paper(
        clinic=seen.clinic,
        title="What your patient base looks like",
        now=seen.now,
        lede=tuple(_lede(seen)),
        tiles=tuple(_tiles(seen)),
        sections=tuple(
            section
            for section in (
                _stages(seen), second(seen), cohorts(seen), lapse(seen), _reach(seen), takings(seen), families(seen), thresholds(seen),
                holdout(seen), _holes(seen), _duplicates(seen), _segments(seen),
            )
            if section is not None
        ),
        fine="Counted from the clinic's own book by the rules in force. No patient is named.",
    )  # fmt: skip


def _lede(seen: Audit) -> list[str]:
    if not seen.patients:
        return ["There are no patients yet. Load the clinic's history, then look again."]
    since = f" since {month(seen.first_day)}" if seen.first_day else ""
    found = [f"{count(seen.patients, 'patient')} and {count(seen.visits, 'visit')}{since}."]
    if seen.visitors:
        found.append(
            f"{share(seen.once / seen.visitors)} of those who came have come once. {_of_lapsed(seen)}"
        )
    if seen.erased:
        found.append(
            f"{count(seen.erased, 'patient')} asked to be forgotten and {_is(seen.erased)} left out."
        )
    return found


def _of_lapsed(seen: Audit) -> str:
    lapsed = seen.lapsed
    if not lapsed.size:
        return "Nobody has been away for six months."
    return f"{number(lapsed.size)} have been away for six months or longer; {number(lapsed.by[YES])} of them could be written to today."


def _is(size: int) -> str:
    return "is" if size == 1 else "are"


def _tiles(seen: Audit) -> list[Tile]:
    lapsed = seen.lapsed
    soon = next((line.came for line in seen.second_table if line.days == 90), None)
    return [
        Tile("Patients", number(seen.patients), f"{number(seen.visitors)} have come at least once"),
        Tile("Came once", share(seen.once / seen.visitors) if seen.visitors else UNKNOWN, f"{number(seen.once)} patients"),
        Tile("Second visit", share(soon), "within 90 days of the first"),
        Tile("Lapsed", number(lapsed.size), "six months or longer without a visit"),
        Tile("Can win back", number(lapsed.by[YES]), "lapsed, and may be written to now"),
        Tile("Twelve months", money(seen.takings, seen.currency), f"from {count(seen.payers, 'patient')}"),
    ]  # fmt: skip


def _stages(seen: Audit) -> Section:
    return Section(
        "stages",
        "Where patients stand, and how that moved",
        ("Every patient stands in exactly one stage. The year before is drawn by today's rules, from the visits as they happened.",),
        (Lines("Patients in each stage over the last twelve months", tuple(short(day) for day in seen.points), tuple((size.title, size.then) for size in seen.stages)),)
        if seen.patients
        else (),
        (_sizes(seen.stages, "stage", seen.points),),
    )  # fmt: skip


def _sizes(sizes: tuple[Size, ...], what: str, points: tuple[date, ...]) -> Grid:
    quarters = (0, 3, 6, 9)
    columns = (what, *(short(points[at]) for at in quarters), "today", "share", "in a year")
    rows = tuple(
        (size.title, *(number(size.then[at]) for at in quarters), number(size.size), share(size.share), _change(size.size - size.then[0]))
        for size in sizes
    )  # fmt: skip
    return Grid(columns, rows, bold=frozenset({5}))


def _reach(seen: Audit) -> Section:
    lapsed = seen.lapsed
    said = [_of_lapsed(seen)]
    if lapsed.size:
        ways = ", ".join(f"{number(size)} by {words.CHANNELS.get(name, name)}" for name, size in sorted(seen.by_channel.items(), key=lambda item: -item[1]))  # fmt: skip
        said.append(
            f"{f'That is {ways} (some by both). ' if ways else ''}{number(lapsed.by['no_consent'])} never gave consent for marketing, or took it back: only a person at the desk can ask them."
        )
        if seen.needs_profiling:
            said.append(
                f"Here the law also asks for leave before patients are chosen by their treatments: {number(seen.profiling)} of these {number(lapsed.by[YES])} have given it. The others may hear what is sent to everybody alike."
            )
    groups = (lapsed, *seen.reach)
    codes = [code for code in REACHED if any(group.by[code] for group in groups)]
    drawn = [group for group in seen.reach if group.size]
    series = [
        ("Has a booking", tuple(float(g.booked) for g in drawn)),
        *((REACHED[code], tuple(float(g.by[code]) for g in drawn)) for code in codes),
    ]
    plots = (Bars("Patients of each stage by whether a message could reach them", tuple(g.title for g in drawn), tuple(series), level=True),) if drawn else ()  # fmt: skip
    columns = ("who", "patients", "has a booking", *(REACHED[code].lower() for code in codes))
    rows = tuple(_reach_row(group, codes) for group in groups)
    return Section(
        "reach",
        "What a win-back could reach",
        tuple(said),
        plots,
        (Grid(columns, rows, bold=frozenset({3})),),
    )


def _reach_row(group: Reach, codes: list[str]) -> tuple[str, ...]:
    return (
        group.title,
        number(group.size),
        number(group.booked),
        *(number(group.by[code]) for code in codes),
    )


def _holes(seen: Audit) -> Section:
    grids: list[Grid] = []
    if seen.holes:
        rows = tuple(_hole(hole) for hole in seen.holes)
        grids.append(Grid(("what", "how many", "of all", "what it means"), rows, left=frozenset({0, 3})))
    if seen.unknown_services:
        rows = tuple((code, number(size)) for code, size in seen.unknown_services)
        grids.append(Grid(("service code that the catalogue lacks", "times"), rows))
    said = "What the data lacks, and what that costs." if grids else "No holes were found."
    return Section("holes", "Holes in the data", (said,), (), tuple(grids))


def _hole(hole: Hole) -> tuple[str, ...]:
    title, advice = HOLES[hole.code]
    return title, number(hole.size), share(hole.size / hole.of) if hole.of else UNKNOWN, advice


def _duplicates(seen: Audit) -> Section:
    rows = tuple(
        (f"{title} that several patients share", number(addresses), number(patients))
        for title, (addresses, patients) in (
            ("Phones", seen.shared["sms"]),
            ("E-mail addresses", seen.shared["email"]),
        )
    )
    said = [
        "A shared phone may be one patient entered twice, or a family. Messages to one address count together, so nobody is written to twice."
    ]
    if seen.pairs is not None:
        certain, proposed = count(seen.pairs.certain, "pair"), count(seen.pairs.proposed, "pair")
        said.append(
            f"Of the records compared on {seen.pairs.at.astimezone(seen.now.tzinfo):%Y-%m-%d}, {certain} are one patient for certain, and {proposed} wait for a person to look at them: see `revisit duplicates`."
        )
    return Section(
        "duplicates",
        "Shared addresses and double entries",
        tuple(said),
        (),
        (Grid(("what", "addresses", "patients"), rows),),
    )  # fmt: skip


def _segments(seen: Audit) -> Section | None:
    if not seen.segments:
        return None
    return Section(
        "segments",
        "Segments",
        ("A patient may be in any number of these.",),
        (),
        (_sizes(seen.segments, "segment", seen.points),),
    )


def _change(by: int) -> str:
    return f"{by:+,}" if by else "0"

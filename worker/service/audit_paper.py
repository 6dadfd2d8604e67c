"""The audit as a paper that an agency can lay before a clinic: what each number means, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from worker.results.audit import Audit
from worker.results.audit.counting import ENOUGH, WITHIN
from worker.results.audit.model import YES, Hole, Reach, Size, Waited
from worker.results.audit.survival import Curve
from worker.results.paper import (
    UNKNOWN,
    Bars,
    Grid,
    Lines,
    Paper,
    Section,
    Steps,
    Tile,
    count,
    money,
    number,
    share,
)
from worker.service import words

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
DETECTED: Final[Mapping[str, str]] = {
    "first": "After the first visit: seen again within 90 days",
    "lapse": "At six months: back within 60 days",
    "base": "All who lapsed and could be written to: back within 60 days",
}


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
                _stages(seen), _second(seen), _cohorts(seen), _lapse(seen), _reach(seen), _money(seen), _families(seen), _thresholds(seen),
                _holdout(seen), _holes(seen), _duplicates(seen), _segments(seen),
            )
            if section is not None
        ),
        fine="Counted from the clinic's own book by the rules in force. No patient is named.",
    )  # fmt: skip


def _lede(seen: Audit) -> list[str]:
    if not seen.patients:
        return ["There are no patients yet. Load the clinic's history, then look again."]
    since = f" since {_month(seen.first_day)}" if seen.first_day else ""
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
        (Lines("Patients in each stage over the last twelve months", tuple(_short(day) for day in seen.points), tuple((size.title, size.then) for size in seen.stages)),)
        if seen.patients
        else (),
        (_sizes(seen.stages, "stage", seen.points),),
    )  # fmt: skip


def _sizes(sizes: tuple[Size, ...], what: str, points: tuple[date, ...]) -> Grid:
    quarters = (0, 3, 6, 9)
    columns = (what, *(_short(points[at]) for at in quarters), "today", "share", "in a year")
    rows = tuple(
        (size.title, *(number(size.then[at]) for at in quarters), number(size.size), share(size.share), _change(size.size - size.then[0]))
        for size in sizes
    )  # fmt: skip
    return Grid(columns, rows, bold=frozenset({5}))


def _second(seen: Audit) -> Section | None:
    if not seen.visitors:
        return None
    line = next((one for one in seen.second_table if one.days == 90), None)
    said = [
        f"{count(seen.visitors, 'patient')} came at least once; {number(seen.once)} of them came once only, and may still come again: they are counted for as long as we have watched them, and no longer."
    ]
    if line is not None:
        said.append(f"Within 90 days of the first visit {share(line.came)} are seen again.")
    half = next((day for day, away, _ in seen.second.steps if away <= 0.5), None)
    said.append(
        f"Half are back after {half} days." if half else "So far fewer than half have come a second time."
    )
    return Section(
        "second",
        "The second visit",
        tuple(said),
        (_curve(seen.second, "Share of patients seen a second time, by days since the first visit", "days since the first visit", (30, 90, 365)),),
        (_waited(seen.second_table, "since the first visit", "seen again", later=False),),
    )  # fmt: skip


def _curve(curve: Curve, said: str, across: str, marks: tuple[int, ...]) -> Steps:
    last = min(curve.known_for, 730)
    points = tuple((day, 1 - away) for day, away, _ in curve.steps if day <= last)
    known = [(day, curve.away(day)) for day in marks if day <= last]
    return Steps(
        said,
        points,
        across,
        tuple((day, f"{day} days: {share(1 - away)}") for day, away in known if away is not None),
    )


def _waited(lines: tuple[Waited, ...], what: str, came: str, *, later: bool) -> Grid:
    columns = (
        what,
        came,
        "still watched",
        *(("of those still away, back in the half year after",) if later else ()),
    )
    rows = tuple(
        (
            count(line.days, "day"),
            share(line.came),
            number(line.at_risk),
            *((share(line.later),) if later else ()),
        )
        for line in lines
    )
    return Grid(
        columns, rows, fine="Kaplan–Meier: who may still come is counted while watched, and neither as come nor as lost."
    )  # fmt: skip


def _cohorts(seen: Audit) -> Section | None:
    if not seen.cohorts:
        return None
    lately = seen.cohorts[-24:]
    at = WITHIN.index(90)
    drawn = [(cohort.month, cohort.back[at], cohort.size) for cohort in lately]
    plotted = [(month, back / size) for month, back, size in drawn if back is not None]
    plots = (
        Bars("Share of each month's first-time patients who were seen again within 90 days", tuple(_short(month) for month, _ in plotted), (("seen again", tuple(rate for _, rate in plotted)),), shares=True),
    ) if plotted else ()  # fmt: skip
    rows = tuple(
        (
            _month(cohort.month),
            number(cohort.size),
            *(
                UNKNOWN if back is None else f"{number(back)}  ({share(back / cohort.size)})"
                for back in cohort.back
            ),
        )
        for cohort in lately
    )
    columns = ("first visit in", "patients", *(f"within {days} days" for days in WITHIN))
    earlier = (
        f" The {len(seen.cohorts) - len(lately)} months before are left out here."
        if len(seen.cohorts) > len(lately)
        else ""
    )
    return Section(
        "cohorts",
        "First visits, month by month",
        (f"How many of those who came first in a month were seen again. A dash: not all of them have had so many days yet.{earlier}",),
        plots,
        (Grid(columns, rows),),
    )  # fmt: skip


def _lapse(seen: Audit) -> Section | None:
    if not seen.visitors:
        return None
    half = next((line for line in seen.lapse_table if line.days == 180), None)
    said = ["After any visit: how long until the next one, of all visits of all patients."]
    if half is not None and half.later is not None:
        said.append(
            f"Of those who have stayed away for six months, {share(half.later)} come by themselves in the half year after. That is what a win-back has to beat."
        )
    return Section(
        "lapse",
        "How patients drift away",
        tuple(said),
        (_curve(seen.lapse, "Share of visits that were followed by another, by days", "days since a visit", (60, 180, 365)),),
        (_waited(seen.lapse_table, "since a visit", "have come again", later=True),),
    )  # fmt: skip


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


def _money(seen: Audit) -> Section | None:
    if not seen.top:
        return None
    rows = tuple(
        (f"top {top.percent} %", number(top.patients), share(top.share), money(top.least, seen.currency))
        for top in seen.top
    )
    fifth = seen.top[-1]
    return Section(
        "money",
        "Who carries the clinic",
        (
            f"{money(seen.takings, seen.currency)} net in the last twelve months, after refunds, from {count(seen.payers, 'patient')}.",
            f"The top {fifth.percent} % bring {share(fifth.share)} of it.",
        ),
        (Bars("Share of the year's takings that the top patients bring", tuple(row[0] for row in rows), (("share", tuple(top.share for top in seen.top)),), shares=True),),
        (Grid(("of those who came", "patients", "of the takings", "from"), rows),),
    )  # fmt: skip


def _families(seen: Audit) -> Section | None:
    if not seen.families:
        return None
    rows = tuple(
        (
            words.name(family.name),
            number(family.visits),
            number(family.patients),
            money(family.net, seen.currency),
            share(family.share),
            number(family.ever),
        )
        for family in seen.families
    )
    drawn = [family for family in seen.families if family.net > 0][:12]
    plots = (Bars("Share of the year's takings by family of treatment", tuple(words.name(family.name) for family in drawn), (("share", tuple(family.share for family in drawn)),), shares=True, level=True),) if drawn else ()  # fmt: skip
    return Section(
        "families",
        "What they come for",
        ("The last twelve months. A visit with treatments of two families counts for each; its money is shared between them.",),
        plots,
        (Grid(("family", "visits", "patients", "net", "of the takings", "patients ever"), rows),),
    )  # fmt: skip


def _thresholds(seen: Audit) -> Section | None:
    said: list[str] = []
    grids: list[Grid] = []
    if seen.high_value is not None:
        high = seen.high_value
        said.append(
            f"High value: nine in ten of last year's patients brought less than {money(high.exact, seen.currency)}. Frozen to a round figure, so that nobody moves because others do, "
            f"copy this into config/segments.yaml: “net_revenue: at least {high.amount // 100} {seen.currency} in 12 months before last_visit”. {number(high.above)} of {number(high.of)} patients would be in it."
        )
    whole = next((rhythm for rhythm in seen.rhythms if not rhythm.family), None)
    if whole is not None and whole.months is not None:
        said.append(
            f"Lapse: nine in ten of those who came again did so within {number(whole.p90)} days. By the clinic's own rhythm, whoever is away for longer than {count(whole.months, 'month')} is late."
        )
    if seen.rhythms:
        rows = tuple(
            (
                words.name(rhythm.family) if rhythm.family else "All visits",
                number(rhythm.gaps),
                number(rhythm.median),
                number(rhythm.p80),
                number(rhythm.p90),
                f"at least {rhythm.months} months ago" if rhythm.months is not None else "too few returns",
            )
            for rhythm in seen.rhythms
        )
        grids.append(
            Grid(
                ("family", "returns", "half within, days", "80 % within", "90 % within", "lapse: last visit"),
                rows,
                left=frozenset({0, 5}),
                fine=f"Only of those who came again for the same; from {ENOUGH} returns on.",
            )
        )
    if not said and not grids:
        return None
    return Section("thresholds", "Thresholds that fit this clinic", tuple(said), (), tuple(grids))


def _holdout(seen: Audit) -> Section | None:
    rows = tuple(
        (
            DETECTED[one.name],
            number(one.patients),
            share(one.rate),
            *(f"{share(rate)} or more" if rate is not None else "cannot be seen" for _, rate in one.seen),
        )
        for one in seen.detect
    )
    if not any(one.rate is not None for one in seen.detect):
        return None
    columns = ("what is measured", "patients a year", "come as it is", *(f"seen with {held} % held out" for held, _ in seen.detect[0].seen))  # fmt: skip
    return Section(
        "holdout",
        "What a holdout could show",
        ("Some patients are not written to, so that the effect of the messages can be told from what would have happened anyway. With so many patients, a result must reach the rate named here to be told from chance.",),
        (),
        (Grid(columns, rows, fine="Two-sided at 5 %, power 80 %. One small clinic can often show large effects only; several clinics together show smaller ones."),),
    )  # fmt: skip


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
    return Section(
        "duplicates",
        "Shared addresses",
        ("A shared phone may be one patient entered twice, or a family. Messages to one address count together, so nobody is written to twice.",),
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


def _month(day: date) -> str:
    return f"{day:%B %Y}"


def _short(day: date) -> str:
    return f"{day:%b} ’{day:%y}"

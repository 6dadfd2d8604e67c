"""The sections of an audit's paper that are about visits and money: when patients come again, when they stop, what they bring, and what could be measured."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from worker.results.audit import Audit
from worker.results.audit.counting import ENOUGH, WITHIN
from worker.results.audit.model import Waited
from worker.results.audit.survival import Curve
from worker.results.paper import UNKNOWN, Bars, Grid, Section, Steps, count, money, number, share
from worker.service import words

DETECTED: Final[Mapping[str, str]] = {
    "first": "After the first visit: seen again within 90 days",
    "lapse": "At six months: back within 60 days",
    "base": "All who lapsed and could be written to: back within 60 days",
}


def second(seen: Audit) -> Section | None:
    """When patients come a second time; None where nobody ever came."""
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


def cohorts(seen: Audit) -> Section | None:
    """The first visits of each month, and who of them was seen again; None where nobody ever came."""
    if not seen.cohorts:
        return None
    lately = seen.cohorts[-24:]
    at = WITHIN.index(90)
    drawn = [(cohort.month, cohort.back[at], cohort.size) for cohort in lately]
    plotted = [(month, back / size) for month, back, size in drawn if back is not None]
    plots = (
        Bars("Share of each month's first-time patients who were seen again within 90 days", tuple(short(month) for month, _ in plotted), (("seen again", tuple(rate for _, rate in plotted)),), shares=True),
    ) if plotted else ()  # fmt: skip
    rows = tuple(
        (
            month(cohort.month),
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


def lapse(seen: Audit) -> Section | None:
    """How long patients stay away after a visit; None where nobody ever came."""
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


def takings(seen: Audit) -> Section | None:
    """Who brings in the money; None where nobody did in twelve months."""
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


def families(seen: Audit) -> Section | None:
    """What patients come for; None where nothing was done."""
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


def thresholds(seen: Audit) -> Section | None:
    """Numbers to copy into segments.yaml; None where there is too little to say."""
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


def holdout(seen: Audit) -> Section | None:
    """What could be told from chance; None where nobody's time is over yet."""
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


def month(day: date) -> str:
    """`March 2026`."""
    return f"{day:%B %Y}"


def short(day: date) -> str:
    """`Mar ’26`."""
    return f"{day:%b} ’{day:%y}"

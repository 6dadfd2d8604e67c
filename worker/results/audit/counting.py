"""The counts: patients in, one by one, an `Audit` out.

Rules
1. A month's patients are those whose first visit lay in it; "within 90 days" is asked only of months of which every patient has had 90 days.
2. Takings are those of the twelve months up to today, of patients who came in them. Of the top, a part of a patient counts as a whole one.
3. A lapse is suggested from the gaps of those who came again, and only from `ENOUGH` of them: those who never did have no rhythm.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from itertools import pairwise
from math import ceil, floor, log10
from typing import Final

from worker.domain.calendar import add_months
from worker.domain.clinic import Clinic
from worker.results.audit.model import (
    REACH,
    YES,
    Audit,
    Cohort,
    Detect,
    Family,
    Hole,
    Reach,
    Rhythm,
    Size,
    Threshold,
    Top,
    Waited,
)
from worker.results.audit.person import UNTOLD, Came, Person
from worker.results.audit.survival import Curve, Waits, percentile
from worker.results.power import smallest

WITHIN: Final = (30, 60, 90, 180, 365)
"""Days within which a second visit is asked for."""
SECOND_DAYS: Final = (14, 30, 60, 90, 120, 180, 270, 365, 540, 730)
LAPSE_DAYS: Final = (30, 60, 90, 120, 150, 180, 270, 365, 540, 730)
HALF_YEAR: Final = 180
LAPSE_MONTHS: Final = 6
"""After so many months without a visit a patient counts as lapsed here; the usual stage is the same."""
WIN_BACK: Final = timedelta(days=60)
"""How long after that a return is looked for."""
SECOND: Final = 90
TOPS: Final = (1, 5, 10, 20)
HOLDOUTS: Final = (10, 20, 50)
ENOUGH: Final = 30
DISTINCT: Final = 5_000
"""So many unknown codes are told apart; a book that writes prose into its codes must not cost memory."""
_PATIENT_HOLES: Final = (
    "no_address", "no_phone", "no_email", "no_consent", "no_birth_date", "odd_birth_date", "no_name", "no_language",
)  # fmt: skip
_ENTRY_HOLES: Final = ("never_closed", "no_start")
_VISIT_HOLES: Final = ("unknown_services", "no_services", "no_amount", "other_currency", "future_visits")
_DAYS_PER_MONTH: Final = 365.25 / 12


class Counting:
    """One clinic's counts. `titles` are the words for stages and segments, in the order in which they are shown."""

    def __init__(
        self,
        clinic: Clinic,
        now: datetime,
        points: tuple[date, ...],
        stages: Mapping[str, str],
        segments: Mapping[str, str],
        *,
        needs_profiling: bool = False,
    ) -> None:
        self.clinic, self.points = clinic, points
        self.now = now.astimezone(clinic.tz)
        self.today = today = self.now.date()
        self.stages, self.segments, self.needs_profiling = stages, segments, needs_profiling
        self.patients = self.erased = self.visits = self.once = self.visitors = self.profiling = 0
        self.appointments = self.completed = 0
        self.first_day: date | None = None
        self.sizes: list[Counter[str]] = [Counter() for _ in points]
        self.cohorts: Counter[date] = Counter()
        self.returns: dict[date, Counter[int]] = defaultdict(Counter)
        self.second, self.gaps = Waits(), Waits()
        self.spent, self.anchored = array("q"), array("q")
        self.reach: dict[str, Counter[str]] = {name: Counter() for name in stages}
        self.lapsed: Counter[str] = Counter()
        self.ways: Counter[str] = Counter()
        self.family_visits: Counter[str] = Counter()
        self.family_patients: Counter[str] = Counter()
        self.family_net: Counter[str] = Counter()
        self.family_ever: Counter[str] = Counter()
        self.family_gaps: dict[str, Counter[int]] = defaultdict(Counter)
        self.addresses: dict[str, Counter[str]] = defaultdict(Counter)
        self.holes: Counter[str] = Counter()
        self.unknown: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.year_ago = add_months(today, -12)

    # -- one patient ----------------------------------------------------------------------------------------------------------

    def add(self, person: Person | None) -> None:
        """Count a patient; None is one who asked to be forgotten."""
        if person is None:
            self.erased += 1
            return
        self.patients += 1
        for counter, members in zip(self.sizes, person.then, strict=True):
            counter.update(members)
        self._holes(person)
        self._reach(person)
        for name, digest in person.shared.items():
            self.addresses[name][digest] += 1
        if person.visits:
            self._came(person.visits)
            self._money(person.visits)
            self._families(person.visits)

    def _holes(self, person: Person) -> None:
        self.holes.update(person.holes)
        self.holes.update(person.entries)
        self.appointments += person.appointments
        self.completed += person.completed
        for code in person.unknown:
            if code in self.unknown or len(self.unknown) < DISTINCT:
                self.unknown[code] += 1

    def _reach(self, person: Person) -> None:
        what = "booked" if person.booked else person.reach if person.reach in REACH else "must_not"
        if person.stage in self.reach:
            self.reach[person.stage][what] += 1
        if person.visits and add_months(person.visits[-1].day, LAPSE_MONTHS) <= self.today:
            self.lapsed[what] += 1
            if what == YES:
                self.ways.update(person.ways)
                self.profiling += person.profiling

    def _came(self, visits: tuple[Came, ...]) -> None:
        days = [visit.day for visit in visits]
        self.visits += len(days)
        self.visitors += 1
        self.once += len(days) == 1
        self.first_day = min(days[0], self.first_day or days[0])
        month = days[0].replace(day=1)
        self.cohorts[month] += 1
        if len(days) > 1:
            wait = (days[1] - days[0]).days
            self.second.over[wait] += 1
            self.returns[month][wait] += 1
        else:
            self.second.open[(self.today - days[0]).days] += 1
        self.gaps.over.update((after - before).days for before, after in pairwise(days))
        self.gaps.open[(self.today - days[-1]).days] += 1
        self._lapses(days)

    def _lapses(self, days: list[date]) -> None:
        """Who reached half a year without a visit, and whether they came back soon, where there has been time for it."""
        if days[0] > self.year_ago:
            self.asked["first"] += 1
        if days[0] + timedelta(days=SECOND) <= self.today:
            self.asked["first_over"] += 1
            self.asked["first_back"] += len(days) > 1 and days[1] <= days[0] + timedelta(days=SECOND)
        for before, after in zip(days, [*days[1:], None], strict=True):
            lapse = add_months(before, LAPSE_MONTHS)
            if lapse > self.today or (after is not None and after < lapse):
                continue
            self.asked["lapse"] += lapse > self.year_ago
            if lapse + WIN_BACK <= self.today:
                self.asked["lapse_over"] += 1
                self.asked["lapse_back"] += after is not None and after <= lapse + WIN_BACK

    def _money(self, visits: tuple[Came, ...]) -> None:
        last = visits[-1].day
        anchored = sum(visit.net for visit in visits if last < add_months(visit.day, 12))
        self.anchored.append(anchored)
        if any(self._lately(visit.day) for visit in visits):
            self.spent.append(sum(visit.net for visit in visits if self._lately(visit.day)))
            self.asked["anchored"] += 1

    def _lately(self, day: date) -> bool:
        return self.today < add_months(day, 12)

    def _families(self, visits: tuple[Came, ...]) -> None:
        last: dict[str, date] = {}
        lately: set[str] = set()
        for visit in visits:
            for family, net in visit.families.items():
                if family in last:
                    self.family_gaps[family][(visit.day - last[family]).days] += 1
                last[family] = visit.day
                if self._lately(visit.day):
                    lately.add(family)
                    self.family_visits[family] += 1
                    self.family_net[family] += net
        self.family_patients.update(lately)
        self.family_ever.update(last.keys())

    # -- the whole ------------------------------------------------------------------------------------------------------------

    def audit(self) -> Audit:
        """What was counted."""
        second, lapse = self.second.curve(), self.gaps.curve()
        reach = tuple(_reached(name, title, self.reach[name]) for name, title in self.stages.items())
        lapsed = _reached("lapsed", "Six months or longer without a visit", self.lapsed)
        takings = sum(self.spent)
        return Audit(
            now=self.now, today=self.today, clinic=self.clinic.name, currency=self.clinic.currency, patients=self.patients, erased=self.erased, visits=self.visits,
            first_day=self.first_day, points=self.points,
            stages=self._sizes(self.stages), segments=tuple(sorted(self._sizes(self.segments), key=lambda size: (-size.size, size.name))),
            once=self.once, visitors=self.visitors, cohorts=self._cohorts(), second=second, second_table=tuple(_waited(second, SECOND_DAYS)),
            lapse=lapse, lapse_table=tuple(_waited(lapse, LAPSE_DAYS, later=True)),
            takings=takings, payers=len(self.spent), top=tuple(_tops(self.spent)), reach=reach, lapsed=lapsed, by_channel=dict(self.ways),
            needs_profiling=self.needs_profiling, profiling=self.profiling, families=self._family_rows(takings),
            shared={name: _shared(self.addresses[name].values()) for name in ("sms", "email")},
            holes=tuple(self._hole_rows()), unknown_services=tuple(sorted(self.unknown.items(), key=lambda item: (-item[1], item[0]))[:12]),
            high_value=self._high_value(), rhythms=tuple(self._rhythms()), detect=tuple(self._detect(lapsed)),
        )  # fmt: skip

    def _sizes(self, names: Mapping[str, str]) -> tuple[Size, ...]:
        return tuple(
            Size(
                name,
                title,
                self.sizes[-1][name],
                self.sizes[-1][name] / self.patients if self.patients else 0.0,
                tuple(counter[name] for counter in self.sizes),
            )
            for name, title in names.items()
        )

    def _cohorts(self) -> tuple[Cohort, ...]:
        return tuple(
            Cohort(
                month,
                self.cohorts[month],
                tuple(
                    sum(size for wait, size in self.returns[month].items() if wait <= days)
                    if add_months(month, 1) - timedelta(days=1) + timedelta(days=days) <= self.today
                    else None
                    for days in WITHIN
                ),
            )
            for month in sorted(self.cohorts)
        )

    def _family_rows(self, takings: int) -> tuple[Family, ...]:
        rows = [
            Family(
                name,
                self.family_visits[name],
                self.family_patients[name],
                self.family_net[name],
                self.family_net[name] / takings if takings > 0 else 0.0,
                self.family_ever[name],
            )
            for name in self.family_ever
        ]
        return tuple(sorted(rows, key=lambda row: (-row.net, -row.visits, -row.ever, row.name)))

    def _hole_rows(self) -> Iterable[Hole]:
        for codes, of in (
            (_PATIENT_HOLES, self.patients),
            (_ENTRY_HOLES, self.appointments),
            (_VISIT_HOLES, self.completed),
        ):
            for code in codes:
                if self.holes[code]:
                    yield Hole(code, self.holes[code], of)

    def _high_value(self) -> Threshold | None:
        exact = percentile(Counter(self.spent), 0.9)
        if exact is None or exact < 100 or len(self.spent) < ENOUGH:
            return None
        amount = round_figure(exact)
        return Threshold(exact, amount, sum(1 for net in self.anchored if net >= amount), len(self.anchored))

    def _rhythms(self) -> Iterable[Rhythm]:
        known = sorted(
            (name for name in self.family_gaps if name not in (UNTOLD, "unknown")),
            key=lambda name: (-self.family_gaps[name].total(), name),
        )
        for name, gaps in [("", self.gaps.over), *((name, self.family_gaps[name]) for name in known)]:
            values = [percentile(gaps, share) for share in (0.5, 0.8, 0.9)]
            median, p80, p90 = (value if value is not None else 0.0 for value in values)
            if gaps.total():
                months = ceil(p90 / _DAYS_PER_MONTH) if gaps.total() >= ENOUGH else None
                yield Rhythm(name, gaps.total(), median, p80, p90, months)

    def _detect(self, lapsed: Reach) -> Iterable[Detect]:
        first, lapse = _rate(self.asked, "first"), _rate(self.asked, "lapse")
        for name, patients, rate in (
            ("first", self.asked["first"], first),
            ("lapse", self.asked["lapse"], lapse),
            ("base", lapsed.by[YES], lapse),
        ):
            seen = tuple(
                (share, smallest(rate, patients, share / 100) if rate is not None else None)
                for share in HOLDOUTS
            )
            yield Detect(name, patients, rate, seen)


def round_figure(minor: float) -> int:
    """To two leading digits of whole units: 147,312 is 150,000; never under one unit."""
    whole = max(minor / 100, 1.0)
    step = int(10 ** max(floor(log10(whole)) - 1, 0))
    return round(whole / step) * step * 100


def _rate(asked: Mapping[str, int], name: str) -> float | None:
    over = asked.get(f"{name}_over", 0)
    return asked.get(f"{name}_back", 0) / over if over >= ENOUGH else None


def _reached(name: str, title: str, found: Mapping[str, int]) -> Reach:
    return Reach(
        name,
        title,
        sum(found.values()),
        found.get("booked", 0),
        {code: found.get(code, 0) for code in REACH},
    )


def _waited(curve: Curve, days: Iterable[int], *, later: bool = False) -> Iterable[Waited]:
    for day in days:
        away = curve.away(day)
        if away is None:
            break
        enough = later and away > 0 and curve.at_risk(day + HALF_YEAR) >= ENOUGH
        after = curve.away(day + HALF_YEAR) if enough else None
        yield Waited(day, 1 - away, curve.at_risk(day), 1 - after / away if after is not None else None)


def _tops(spent: Iterable[int]) -> Iterable[Top]:
    ordered = sorted(spent, reverse=True)
    takings = sum(ordered)
    if takings <= 0:
        return
    for percent in TOPS:
        size = ceil(len(ordered) * percent / 100)
        yield Top(percent, size, sum(ordered[:size]) / takings, ordered[size - 1])


def _shared(sizes: Iterable[int]) -> tuple[int, int]:
    """How many addresses several patients share, and how many patients those are."""
    several = [size for size in sizes if size > 1]
    return len(several), sum(several)

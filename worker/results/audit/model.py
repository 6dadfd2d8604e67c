"""What an audit says: plain values, ready to be drawn. Money is in minor units of the clinic's currency, shares lie between 0 and 1, a rate that is not known yet is None."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from worker.results.audit.survival import Curve

YES: Final = "yes"
BOOKED: Final = "booked"
REACH: Final = (YES, "no_consent", "no_address", "suppressed", "hold", "must_not")
"""Whether a patient could be written to for marketing now, else why not; each has exactly one."""


@dataclass(frozen=True, slots=True)
class Size:
    """A stage or a segment. `then` are its sizes a year ago, a month later, … and today."""

    name: str
    title: str
    size: int
    share: float
    then: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Cohort:
    """Patients whose first visit lay in one month; `back` are those seen again within each of `WITHIN` days, None where not all of them have had so long."""

    month: date
    size: int
    back: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Waited:
    """One line of a curve's table: after so many days, the share that had come, and how many were still watched. `later` is the share of those still away who came in the half year after."""

    days: int
    came: float | None
    at_risk: int
    later: float | None = None


@dataclass(frozen=True, slots=True)
class Top:
    """The patients who bring in most: `percent` of them, how many those are, their share of the takings, and what the least of them brought."""

    percent: int
    patients: int
    share: float
    least: int


@dataclass(frozen=True, slots=True)
class Reach:
    """A group of patients by whether a marketing message could reach them; `by` has every code of `REACH`, and with `booked` they add up to `size`."""

    name: str
    title: str
    size: int
    booked: int
    by: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Family:
    """A group of treatments: visits, patients and takings of the last twelve months, and patients ever."""

    name: str
    visits: int
    patients: int
    net: int
    share: float
    ever: int


@dataclass(frozen=True, slots=True)
class Hole:
    """Something that is missing or odd: how many of how many, and what it costs."""

    code: str
    size: int
    of: int


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How long patients stay away between two visits (of a family; "" is all): days by which half, four fifths and nine tenths of those who came again were back; `months` is the lapse that follows, None where there are too few."""

    family: str
    gaps: int
    median: float
    p80: float
    p90: float
    months: int | None


@dataclass(frozen=True, slots=True)
class Threshold:
    """The takings from which a patient would count as high value, frozen to a round number; `above` would be in it."""

    exact: float
    amount: int
    above: int
    of: int


@dataclass(frozen=True, slots=True)
class Detect:
    """What a holdout could show in a year: of `patients`, `rate` come without any message; by the share held out, the rate that would have to be reached to be seen."""

    name: str
    patients: int
    rate: float | None
    seen: tuple[tuple[int, float | None], ...]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of records that may be one patient, open since they were looked for at `at`: those that a rule would merge, and those for a person to look at."""

    at: datetime
    certain: int
    proposed: int


@dataclass(frozen=True, slots=True)
class Audit:
    """The whole. `now` is clinic-local; `pairs` is None where nobody has looked for them."""

    now: datetime
    today: date
    clinic: str
    currency: str
    patients: int
    erased: int
    visits: int
    first_day: date | None
    points: tuple[date, ...]
    stages: tuple[Size, ...]
    segments: tuple[Size, ...]
    once: int
    visitors: int
    cohorts: tuple[Cohort, ...]
    second: Curve
    second_table: tuple[Waited, ...]
    lapse: Curve
    lapse_table: tuple[Waited, ...]
    takings: int
    payers: int
    top: tuple[Top, ...]
    reach: tuple[Reach, ...]
    lapsed: Reach
    by_channel: Mapping[str, int]
    needs_profiling: bool
    profiling: int
    families: tuple[Family, ...]
    shared: Mapping[str, tuple[int, int]]
    holes: tuple[Hole, ...]
    unknown_services: tuple[tuple[str, int], ...]
    high_value: Threshold | None
    rhythms: tuple[Rhythm, ...]
    detect: tuple[Detect, ...]
    pairs: Pairs | None = None

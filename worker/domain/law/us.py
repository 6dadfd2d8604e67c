"""The United States: what federal law asks, and what is stricter in some states.

Rules
1. Most of these rules speak of telephone solicitations. Whether each binds texts to people who agreed to them is contested; here all of them bind marketing.
2. A state without a row of its own has the federal hours.
3. A cap counts days, and the laws count 24 hours: "3 in 24 hours" is kept by at most 3 in any two days running.
4. Public holidays that a state closes are not computed: a clinic there lists them under `closed`, and keeps `holidays: all day`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from worker.domain.calendar import Span, Window
from worker.domain.law.model import Hours, Law, Source
from worker.domain.policy import Cap

NAMES: Final[Mapping[str, str]] = {
    "AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "AR": "Arkansas", "CA": "California", "CO": "Colorado", "CT": "Connecticut", "DE": "Delaware",
    "DC": "District of Columbia", "FL": "Florida", "GA": "Georgia", "HI": "Hawaii", "ID": "Idaho", "IL": "Illinois", "IN": "Indiana", "IA": "Iowa",
    "KS": "Kansas", "KY": "Kentucky", "LA": "Louisiana", "ME": "Maine", "MD": "Maryland", "MA": "Massachusetts", "MI": "Michigan", "MN": "Minnesota",
    "MS": "Mississippi", "MO": "Missouri", "MT": "Montana", "NE": "Nebraska", "NV": "Nevada", "NH": "New Hampshire", "NJ": "New Jersey",
    "NM": "New Mexico", "NY": "New York", "NC": "North Carolina", "ND": "North Dakota", "OH": "Ohio", "OK": "Oklahoma", "OR": "Oregon",
    "PA": "Pennsylvania", "RI": "Rhode Island", "SC": "South Carolina", "SD": "South Dakota", "TN": "Tennessee", "TX": "Texas", "UT": "Utah",
    "VT": "Vermont", "VA": "Virginia", "WA": "Washington", "WV": "West Virginia", "WI": "Wisconsin", "WY": "Wyoming",
    "PR": "Puerto Rico", "GU": "Guam", "VI": "U.S. Virgin Islands", "AS": "American Samoa", "MP": "Northern Mariana Islands",
}  # fmt: skip
"""States and territories by the part of ISO 3166-2 after `US-`."""
TERRITORIES: Final = frozenset({"PR", "GU", "VI", "AS", "MP"})
"""Those that are countries of their own in ISO 3166-1 too."""


def _from(first: int, last: int) -> Window:
    return Window(first * 60, last * 60)


def _week(days: Window, saturday: Window | None, sunday: Window | None) -> Hours:
    return (days, days, days, days, days, saturday, sunday)


def _daily(first: int, last: int) -> Hours:
    return (_from(first, last),) * 7


def _no_sundays(first: int, last: int) -> Hours:
    return _week(_from(first, last), _from(first, last), None)


FEDERAL: Final = Law(
    country="US",
    hours=_daily(8, 21),
    sources=(
        Source("hours", "47 CFR 64.1200(c)(1)", "no solicitation before 8 a.m. or after 9 p.m. where the called person is"),
        Source("opt_out", "47 CFR 64.1200(a)(10) and (12)", "any reasonable way to say stop counts; a sender that takes no replies says in each text how to stop"),
        Source("opt_out", "15 U.S.C. 7704 (CAN-SPAM)", "a way out and a postal address in every commercial e-mail"),
        Source("consent", "47 CFR 64.1200(a)(2) and (f)(9)", "prior express written consent for marketing texts"),
        Source("claims", "15 U.S.C. 45 (FTC Act)", "no claim that misleads; what is claimed can be shown"),
        Source("referral", "42 U.S.C. 1320a-7b(b)", "no reward for referrals of care that federal programmes pay; states go further"),
    ),
)  # fmt: skip

_THREE_A_DAY: Final = (Cap(3, Span(days=2)),)

HOURS: Final[Mapping[str, tuple[Hours, str, str]]] = {
    "AL": (_no_sundays(8, 20), "Ala. Code 8-19A-1 ff.; Ala. Admin. Code 770-X-5-.17", "8 a.m. to 8 p.m., no Sundays, no holidays"),
    "CA": (_daily(9, 21), "Cal. Pub. Util. Code 2872(c)", "9 a.m. to 9 p.m. for automatic dialling"),
    "CT": (_daily(9, 20), "Conn. Gen. Stat. 42-288a", "9 a.m. to 8 p.m., texts included"),
    "FL": (_daily(8, 20), "Fla. Stat. 501.616(6)(a)", "8 a.m. to 8 p.m."),
    "IL": (_daily(9, 21), "815 ILCS 305/15", "9 a.m. to 9 p.m. for automatic dialling"),
    "KY": (_daily(10, 21), "KRS 367.46955", "10 a.m. to 9 p.m."),
    "LA": (_no_sundays(8, 20), "La. PSC General Order R-29617", "8 a.m. to 8 p.m., no Sundays, no holidays; nothing while a state of emergency is declared"),
    "MD": (_daily(8, 20), "Stop the Spam Calls Act of 2023 (Md. SB 90)", "8 a.m. to 8 p.m."),
    "MA": (_daily(8, 20), "M.G.L. c. 159C, s. 3; 201 CMR 12.02", "8 a.m. to 8 p.m."),
    "MI": (_daily(9, 21), "MCL 484.125", "9 a.m. to 9 p.m.: to be checked"),
    "MN": (_daily(9, 21), "Minn. Stat. 325E.30", "9 a.m. to 9 p.m. for automatic dialling"),
    "MS": (_no_sundays(8, 20), "Miss. Code 77-3-723", "8 a.m. to 8 p.m., no Sundays"),
    "NV": (_daily(9, 20), "NRS 598.0918", "9 a.m. to 8 p.m.: to be checked"),
    "NM": (_daily(9, 21), "NMSA 57-12-22", "9 a.m. to 9 p.m."),
    "OK": (_daily(8, 20), "15 O.S. 775C.4(A)", "8 a.m. to 8 p.m."),
    "PA": (_no_sundays(9, 19), "73 P.S. 2245, as amended in 2026", "no Sundays since 2026-10-18, no holidays; 9 a.m. to 7 p.m. as the Senate passed it (SB 992): to be checked"),
    "RI": (_week(_from(9, 18), _from(10, 17), None), "R.I. Gen. Laws 5-61-2(2), 5-61-3.6", "Monday to Friday 9 a.m. to 6 p.m., Saturday 10 a.m. to 5 p.m., no holidays"),
    "SD": (_no_sundays(9, 21), "SDCL 37-30-28", "weekdays 9 a.m. to 9 p.m. for automatic dialling, read as Monday to Saturday"),
    "TX": (_week(_from(9, 21), _from(9, 21), _from(12, 21)), "Tex. Bus. & Com. Code 301.051; SB 140 of 2025", "9 a.m. to 9 p.m., Sundays from noon, texts included"),
    "UT": (_no_sundays(8, 21), "Utah Code 13-25a-103(3)", "8 a.m. to 9 p.m., no Sundays, no holidays, without prior consent"),
    "WA": (_daily(8, 20), "RCW 80.36.390", "8 a.m. to 8 p.m."),
    "WY": (_daily(8, 20), "Wyo. Stat. 40-12-301 ff.", "8 a.m. to 8 p.m.: to be checked"),
}  # fmt: skip
"""States with hours of their own: the hours, the citation, what it says."""

CAPS: Final[Mapping[str, tuple[str, str]]] = {
    "FL": ("Fla. Stat. 501.616(6)(b)", "at most 3 in 24 hours"),
    "MD": ("Stop the Spam Calls Act of 2023 (Md. SB 90)", "at most 3 in 24 hours"),
    "NJ": ("N.J.S.A. 56:8-128", "at most 3 in 24 hours as trade guides report; the section itself gives 8 a.m. to 9 p.m. only: to be checked"),
    "OK": ("15 O.S. 775C.4(A)", "at most 3 in 24 hours"),
}  # fmt: skip
"""States with a cap: the citation, what it says."""

PROFILING: Final[Mapping[str, tuple[str, str]]] = {
    "NV": ("NRS 603A.400 to 603A.550 (SB 370)", "leave before health data is used for more than the service that was asked for"),
    "WA": ("RCW 19.373.030 (My Health My Data Act)", "leave before health data is used for more than the service that was asked for; private suits"),
}  # fmt: skip
"""States where choosing people by treatment asks for leave: clinics that bill no insurer are often outside HIPAA, and then inside these."""

REFERRAL: Final[Mapping[str, tuple[str, str]]] = {
    "CA": ("Cal. Bus. & Prof. Code 650", "no consideration for referring patients, whoever pays"),
    "FL": ("Fla. Stat. 817.505", "no reward for bringing patients, whoever pays"),
    "NY": ("N.Y. Educ. Law 6530(18)", "no fee to a third party for referring a patient"),
    "TX": ("Tex. Occ. Code 102.001", "no reward for securing or soliciting a patient, whoever pays"),
}  # fmt: skip
"""States where a referral may not be rewarded even if nobody but the patient pays."""


def _state(code: str) -> Law:
    hours, caps, found = FEDERAL.hours, FEDERAL.caps, list(FEDERAL.sources)
    if code in HOURS:
        hours, cite, says = HOURS[code]
        found.append(Source("hours", cite, says))
    if code in CAPS:
        caps = _THREE_A_DAY
        found.append(Source("cap", *CAPS[code]))
    if code in PROFILING:
        found.append(Source("profiling", *PROFILING[code]))
    if code in REFERRAL:
        found.append(Source("referral", *REFERRAL[code]))
    return replace(
        FEDERAL,
        region=code,
        hours=hours,
        caps=caps,
        profiling=code in PROFILING,
        referral_reward=code not in REFERRAL,
        sources=tuple(found),
    )


STATES: Final[Mapping[str, Law]] = {code: _state(code) for code in NAMES}

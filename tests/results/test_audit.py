"""The audit of small clinics, patient by patient, and what must hold for any."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.build import ATHENS, at, booking, event, ledger_of, rules, upserted, visit, willing
from tests.domain.strategies import events as any_events
from worker.domain.events import Event
from worker.results.audit import Audit, Counting, Person, Seeing
from worker.results.audit.counting import round_figure
from worker.results.audit.model import REACH
from worker.service.audit_paper import HOLES, REACHED, paper
from worker.service.auditing import titles

NOW = "2026-06-15 10:00"


def seeing(now: str = NOW, *, suppressed: frozenset[tuple[str, str]] = frozenset()) -> Seeing:
    return Seeing(rules(), at(now), ("sms", "email"), lambda channel, address: f"#{address}", suppressed)


def person(*events: Event, now: str = NOW, **more: Any) -> Person:
    found = seeing(now, **more).person("p-1", ledger_of(events))
    assert found is not None
    return found


def audit(patients: Iterable[Sequence[Event]], now: str = NOW) -> Audit:
    looking = seeing(now)
    stages, segments = titles(looking.rules)
    counting = Counting(looking.rules.clinic, looking.now, looking.points, stages, segments)
    for number, told in enumerate(patients):
        counting.add(looking.person(f"p-{number}", ledger_of(told)))
    return counting.audit()


# ---- one patient ------------------------------------------------------------------------------------------


def test_a_patient_who_asked_to_be_forgotten_is_no_person() -> None:
    told = [visit("2026-01-05"), event("patient.erased", "2026-02-01")]
    assert seeing().person("p-1", ledger_of(told)) is None


def test_the_year_behind_is_seen_as_it_was() -> None:
    found = person(visit("2025-09-01"), visit("2026-06-01", "a-2"))
    stage = [next(iter(members), "") for members in found.then]
    # Known from September on; new for half a year, lapsed from March to May, then back.
    assert stage == ["", "", "", *["new"] * 6, *["inactive_6"] * 3, "regular"]
    assert seeing().points[0] == date(2025, 6, 15)


def test_two_treatments_on_one_day_are_one_visit_with_their_money_together() -> None:
    (came,) = person(
        visit("2026-06-01", net=100), visit("2026-06-01 15:00", "a-2", code="TOX", net=50)
    ).visits
    assert came.day == date(2026, 6, 1)
    assert came.families == {"laser_hair": 100, "toxin": 50}


def test_the_money_of_an_appointment_is_shared_between_its_families_to_the_cent() -> None:
    (came,) = person(visit("2026-06-01", services=[{"code": "LHR"}, {"code": "TOX"}], net=101)).visits
    assert sorted(came.families.values()) == [50, 51]


def test_a_refund_lowers_the_takings_and_keeps_the_visit() -> None:
    refund = event("payment.refunded", "2026-06-02", appointment_id="a-1", net={"minor": 4000, "currency": "EUR"})  # fmt: skip
    (came,) = person(visit("2026-06-01", net=10000), refund).visits
    assert came.net == 6000


@pytest.mark.parametrize(
    ("more", "reach"),
    [
        ([], "yes"),
        ([event("patient.held", "2026-06-01", reason="complaint")], "hold"),
        ([event("patient.deceased", "2026-06-01")], "must_not"),
        ([upserted("2026-06-01", date_of_birth="2015-01-01")], "must_not"),
        ([upserted("2026-06-01", tags=["do_not_contact"])], "must_not"),
        ([upserted("2026-06-01", phone=None, email=None)], "no_address"),
        (
            [
                event("consent.revoked", "2026-06-01", channel=channel, purpose="marketing", named=channel)
                for channel in ("sms", "email")
            ],
            "no_consent",
        ),
    ],
)
def test_whether_a_patient_could_be_written_to_is_what_the_gate_says(more: list[Event], reach: str) -> None:
    assert person(willing(), visit("2025-01-05"), *more).reach == reach


def test_a_suppressed_address_leaves_the_other_way() -> None:
    closed = frozenset({("sms", "#+306900000001")})
    assert person(willing(), suppressed=closed).ways == ("email",)
    both = closed | {("email", "#eleni@example.com")}
    assert person(willing(), suppressed=both).reach == "suppressed"


def test_what_the_book_lacks_is_told_by_patient_and_by_entry() -> None:
    found = person(
        booking("2026-05-01", "a-1", told="2026-04-01"),
        visit("2026-03-01", "a-2", code="XYZ"),
        visit("2026-03-08", "a-3"),
    )
    assert {"no_birth_date", "no_phone", "no_email", "no_address", "no_consent", "no_name"} <= found.holes
    assert found.entries == {"never_closed": 1, "unknown_services": 1}
    assert found.unknown == ("XYZ",)


def test_a_visit_that_lies_in_the_future_is_a_hole_and_no_visit() -> None:
    found = person(visit("2026-06-01"), visit("2026-06-16", "a-2", told="2026-06-10"))
    assert [came.day for came in found.visits] == [date(2026, 6, 1)]
    assert found.entries == {"future_visits": 1}


# ---- a whole clinic ---------------------------------------------------------------------------------------


def test_an_empty_clinic_has_a_paper_that_says_so() -> None:
    seen = audit([])
    assert (seen.patients, seen.visits, seen.top, seen.cohorts, seen.second_table) == (0, 0, (), (), ())
    assert "no patients yet" in paper(seen).lede[0]


def test_a_clinic_whose_patients_were_all_forgotten_counts_only_them() -> None:
    seen = audit([[visit("2026-01-05"), event("patient.erased", "2026-02-01")]] * 3)
    assert (seen.patients, seen.erased, seen.visits) == (0, 3, 0)
    assert paper(seen).sections


def test_one_patient_is_a_clinic() -> None:
    seen = audit([[willing(), visit("2025-01-05"), visit("2025-02-04", "a-2")]])
    assert (seen.patients, seen.once, seen.visitors, seen.visits) == (1, 0, 1, 2)
    assert (seen.lapsed.size, seen.lapsed.by["yes"]) == (1, 1)
    assert seen.cohorts[0].back == (1, 1, 1, 1, 1)
    assert seen.high_value is None
    assert paper(seen).tiles[4].figure == "1"


def test_a_month_has_a_rate_only_when_all_of_it_had_the_time() -> None:
    # Of May the last has had 15 days on 15 June; of April the last has had 46.
    seen = audit([[visit("2026-04-02"), visit("2026-04-20", "a-2")], [visit("2026-05-02")]])
    assert [cohort.back for cohort in seen.cohorts] == [
        (1, None, None, None, None),
        (None, None, None, None, None),
    ]


def test_shared_phones_count_addresses_and_patients() -> None:
    family = [[willing(), visit("2026-05-02")]] * 3
    alone = [[willing(phone="+306900000009", email="b@example.com"), visit("2026-05-02")]]
    seen = audit([*family, *alone])
    assert seen.shared == {"sms": (1, 3), "email": (1, 3)}


def test_a_win_back_reaches_those_away_for_half_a_year_who_have_no_booking() -> None:
    lapsed = [willing(), visit("2025-12-15")]
    seen = audit(
        [
            lapsed,
            [willing(), visit("2025-12-16")],
            [*lapsed, booking("2026-07-01", "a-2", told="2026-06-01")],
        ]
    )
    assert (seen.lapsed.size, seen.lapsed.booked, seen.lapsed.by["yes"]) == (2, 1, 1)


def test_who_lapses_today_counts_for_what_a_holdout_could_show() -> None:
    seen = audit([[visit("2025-12-15")], [visit("2025-12-16")], [visit("2024-12-15")]])
    lapse = next(one for one in seen.detect if one.name == "lapse")
    # One lapsed today; one does tomorrow; one did a year ago to the day, which is a year too early.
    assert lapse.patients == 1
    assert lapse.rate is None


@pytest.mark.parametrize(
    ("minor", "figure"), [(147_312, 150_000), (91_000, 91_000), (8_730, 8_700), (40, 100), (123_456_700, 120_000_000)]
)  # fmt: skip
def test_a_threshold_is_a_round_figure(minor: int, figure: int) -> None:
    assert round_figure(minor) == figure


def test_every_code_has_words() -> None:
    assert set(REACHED) == set(REACH)
    seen = audit([[visit("2026-03-01", code="XYZ"), booking("2026-05-01", "a-2", told="2026-04-01")]])
    assert {hole.code for hole in seen.holes} <= set(HOLES)


patients = st.lists(any_events(ATHENS), max_size=6)


@settings(max_examples=60)
@given(patients, st.sampled_from(["2025-03-30 04:00", "2025-12-01 10:00", "2026-06-15 10:00"]))
def test_the_totals_add_up(told: list[list[Event]], now: str) -> None:
    until: datetime = at(now)
    seen = audit([[one for one in events if one.time <= until] for events in told], now)
    assert seen.patients + seen.erased == len(told)
    assert sum(size.size for size in seen.stages) == seen.patients
    for group in (*seen.reach, seen.lapsed):
        assert group.booked + sum(group.by.values()) == group.size
    assert [group.size for group in seen.reach] == [size.size for size in seen.stages]
    assert sum(cohort.size for cohort in seen.cohorts) == seen.visitors == seen.second.came + seen.once
    assert seen.lapse.came == seen.visits - seen.visitors
    assert seen.lapse.waiting == seen.visitors
    assert sum(family.net for family in seen.families) == seen.takings
    for cohort in seen.cohorts:
        known = [back for back in cohort.back if back is not None]
        assert known == sorted(known)
        assert all(0 <= back <= cohort.size for back in known)
    for curve in (seen.second, seen.lapse):
        left = [1.0, *(away for _, away, _ in curve.steps)]
        assert left == sorted(left, reverse=True)
    assert all(0 < hole.size <= hole.of for hole in seen.holes)
    shares: Mapping[int, float] = {top.percent: top.share for top in seen.top}
    if all(family.net >= 0 for family in seen.families):
        assert list(shares.values()) == sorted(shares.values())
    assert paper(seen).sections

"""The law as data: what binds where, how several laws become the strictest, and that the page of the reference says the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.build import clinic
from tools.reference_law import LAW, law_page, state_row
from worker.domain.calendar import ALL_DAY, Window, next_open, zone
from worker.domain.clinic import Location
from worker.domain.law import COUNTRIES, EVERYWHERE, Law, law_of, law_of_clinic, regions_of, strictest, us

MONDAY = date(2026, 11, 23)
SATURDAY, SUNDAY = MONDAY - timedelta(days=2), MONDAY - timedelta(days=1)
laws = st.sampled_from([EVERYWHERE, *COUNTRIES.values(), *us.STATES.values()])
minutes = st.integers(0, 1439)


def is_open(law: Law, day: date, minute: int) -> bool:
    return not any(window.holds(minute) for window in law.closed(day))


@pytest.mark.parametrize(
    ("region", "monday", "saturday", "sunday"),
    [
        ("OH", (480, 1260), (480, 1260), (480, 1260)),
        ("FL", (480, 1200), (480, 1200), (480, 1200)),
        ("OK", (480, 1200), (480, 1200), (480, 1200)),
        ("WA", (480, 1200), (480, 1200), (480, 1200)),
        ("CT", (540, 1200), (540, 1200), (540, 1200)),
        ("TX", (540, 1260), (540, 1260), (720, 1260)),
        ("AL", (480, 1200), (480, 1200), None),
        ("RI", (540, 1080), (600, 1020), None),
        ("", (600, 1080), (600, 1020), None),
        ("nowhere", (600, 1080), (600, 1020), None),
    ],
)
def test_marketing_may_leave_in_the_hours_of_the_state(
    region: str, monday: tuple[int, int], saturday: tuple[int, int], sunday: tuple[int, int] | None
) -> None:
    law = law_of("US", region)
    for day, hours in ((MONDAY, monday), (SATURDAY, saturday), (SUNDAY, sunday)):
        opened = [minute for minute in range(1440) if is_open(law, day, minute)]
        assert opened == (list(range(*hours)) if hours else [])
    assert law.has_hours


def test_closed_hours_are_what_the_calendar_understands() -> None:
    texas = zone("America/Chicago")
    late = datetime(2026, 11, 21, 21, 30, tzinfo=texas).astimezone(UTC)
    opening = next_open(late, texas, law_of("US", "TX").closed)
    assert opening is not None
    assert opening.astimezone(texas) == datetime(2026, 11, 22, 12, 0, tzinfo=texas)
    opening = next_open(late, texas, law_of("US", "AL").closed)
    assert opening is not None
    assert opening.astimezone(texas) == datetime(2026, 11, 23, 8, 0, tzinfo=texas)


def test_three_messages_in_24_hours_are_kept_by_days() -> None:
    (cap,) = law_of("US", "FL").caps
    late = [MONDAY] * 3
    assert cap.free_from(late, MONDAY) == MONDAY + timedelta(days=2)
    assert cap.free_from(late[:2], MONDAY) == MONDAY
    assert {code for code, law in us.STATES.items() if law.caps} == {"FL", "OK", "MD", "NJ"}


def test_europe_has_no_hours_but_asks_for_leave_and_bars_medicines_and_rewards() -> None:
    for country in ("GR", "DE", "IE", "NO", "IS", "LI", "GB", "CH"):
        law = law_of(country)
        assert (law.country, law.has_hours, law.caps) == (country, False, ())
        assert (law.profiling, law.rx_ads, law.referral_reward) == (True, False, False)
        assert law.closed(SUNDAY) == []
    assert len([code for code in COUNTRIES if law_of(code).rx_ads is False]) == 27 + 3 + 2


def test_the_united_states_let_medicines_be_advertised_and_differ_by_state() -> None:
    assert {code for code, law in us.STATES.items() if law.profiling} == {"WA", "NV"}
    assert {code for code, law in us.STATES.items() if not law.referral_reward} == {"CA", "FL", "NY", "TX"}
    assert all(law.rx_ads for law in us.STATES.values())
    assert law_of("PR") == law_of("US", "PR")


def test_an_unknown_country_restricts_nothing_but_age_and_the_way_out() -> None:
    law = law_of("AU", "NSW")
    assert (law.country, law.has_hours, law.caps, law.profiling, law.rx_ads, law.referral_reward) == ("AU", False, (), False, True, True)  # fmt: skip
    for each in (law, law_of("GR"), law_of("US")):
        assert (each.marketing_age, each.opt_out) == (18, True)


def test_every_rule_that_restricts_has_a_source() -> None:
    for law in (*COUNTRIES.values(), *us.STATES.values()):
        has = {source.rule for source in law.sources}
        assert ("hours" in has) >= law.has_hours
        assert ("cap" in has) >= bool(law.caps)
        assert ("profiling" in has) == law.profiling
        assert ("rx_ads" in has) == (not law.rx_ads)
        assert ("referral" in has) >= (not law.referral_reward)
        assert {"opt_out", "consent", "claims"} <= has


@given(st.lists(laws, min_size=1, max_size=5), st.integers(0, 6), minutes)
def test_the_strictest_opens_only_what_all_open(several: list[Law], day: int, minute: int) -> None:
    joined = strictest(several)
    on = MONDAY + timedelta(days=day)
    if is_open(joined, on, minute):
        assert all(is_open(law, on, minute) for law in several)
    else:
        assert any(not is_open(law, on, minute) for law in several)
    assert set(joined.caps) == {cap for law in several for cap in law.caps}
    assert joined.profiling == any(law.profiling for law in several)
    assert joined.rx_ads == all(law.rx_ads for law in several)
    assert joined.referral_reward == all(law.referral_reward for law in several)
    assert strictest([joined, *several]) == joined


def test_hours_that_do_not_meet_leave_no_hour() -> None:
    morning, evening = (Law(hours=(Window(*hours),) * 7) for hours in ((480, 600), (600, 720)))
    assert strictest([morning, evening]).closed(MONDAY) == [ALL_DAY]
    assert strictest([]) == EVERYWHERE
    assert strictest([morning]) is morning


def test_a_law_joined_of_one_country_keeps_its_name() -> None:
    assert strictest([law_of("US", "FL"), law_of("US", "TX")]).country == "US"
    assert strictest([law_of("US", "FL"), law_of("GR")]).country == ""


def test_the_regions_of_a_country_are_told_where_their_laws_differ() -> None:
    assert regions_of("US")["FL"] == "Florida"
    assert len(regions_of("US")) == 50 + 1 + 5
    assert regions_of("GR") == {}


def test_the_texts_of_a_clinic_are_bound_by_all_its_places() -> None:
    ours = clinic()
    assert law_of_clinic(ours) == law_of("GR")
    american = replace(ours, country="US", region="OH", locations={})
    assert law_of_clinic(american) == law_of("US", "OH")
    places = {code: Location(code, code, region=code) for code in ("TX", "CA")}
    assert law_of_clinic(replace(american, locations=places)) == strictest(law_of("US", code) for code in ("TX", "CA", "OH"))  # fmt: skip
    assert law_of_clinic(replace(american, region="", locations=places)).hours == law_of("US", "TX").hours
    assert law_of_clinic(replace(american, region="")) == law_of("US")


def test_the_page_of_the_law_is_what_its_tool_writes() -> None:
    assert LAW.read_text(encoding="utf-8") == law_page(), (
        "docs/reference/law.md is stale: run tools/make_reference.py"
    )


def test_the_page_names_every_source_and_every_state() -> None:
    page = LAW.read_text(encoding="utf-8")
    every = {source for law in (*COUNTRIES.values(), *us.STATES.values()) for source in law.sources}
    assert [source.cite for source in every if source.cite not in page or source.says not in page] == []
    assert [code for code in {*us.NAMES, *COUNTRIES} if f"`{code}`" not in page] == []
    assert state_row(law_of("US", "TX")) in page
    assert "not legal advice" in page

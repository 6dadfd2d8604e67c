"""Policy: caps by patient-local dates, quiet hours by purpose, mistakes with their place."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.build import POLICY, policy_of
from tests.domain.marked import places, unmark
from worker.domain.calendar import ALL_DAY, Span, Window, add_days
from worker.domain.policy import Cap, Policy, parse_policy
from worker.domain.shape import Reader
from worker.domain.source import compose

BROKEN = [
    ("shape-unknown-key", "§quiet_hour: {}"),
    ("shape-unknown-key", "quiet_hours: {§monday: all day}"),
    ("shape-value", "quiet_hours: {marketing: §late}"),
    ("shape-value", 'quiet_hours: {marketing: §"24:00 - 10:00"}'),
    ("shape-value", "frequency_caps: {marketing: [1 per 7 days, §often]}"),
    ("shape-value", "frequency_caps: {marketing: [§1 per 3 hours]}"),
    ("shape-value", "frequency_caps: {marketing: [§0 per 7 days]}"),
    ("shape-value", "frequency_caps: {marketing: [§1 per 0 days]}"),
    ("shape-unknown-key", "frequency_caps: {§sms: [1 per day]}"),
    ("shape-value", "feed: {max_age: §long}"),
    ("shape-value", "feed: {live_window: §0 days}"),
    ("shape-value", "blast_limit: {marketing: §3 per day}"),
    ("shape-value", "blast_limit: {marketing: 3% of patients a day, at least: §few}"),
    ("shape-value", "keep: {bodies: §3 hours}"),
    ("shape-value", "keep: {provider_reports: §for ever}"),
    ("shape-unknown-key", "keep: {§events: 3 months}"),
    ("shape-type", "quiet_hours: §always"),
]


@pytest.mark.parametrize(("code", "marked"), BROKEN)
def test_a_mistake_has_its_code_and_place_and_is_the_only_one(code: str, marked: str) -> None:
    text, line, column = unmark(marked)
    node, problems = compose(text, "config/policy.yaml")
    reader = Reader()
    parse_policy(reader, node)
    assert places([*problems, *reader.problems]) == [(code, line, column)]


def test_an_empty_policy_has_no_hours_no_caps_no_feed_and_no_limit() -> None:
    assert policy_of("{}") == Policy()


def test_a_policy_is_read_as_it_is_written() -> None:
    found = policy_of(POLICY + "blast_limit: {marketing: 3% of patients a day, at least: 25}")
    assert found.quiet == {"marketing": Window(1140, 600), "care": Window(1260, 480)}
    assert (found.sunday, found.holidays) == (ALL_DAY, ALL_DAY)
    assert found.caps == {"marketing": (Cap(1, Span(days=7)), Cap(3, Span(days=30)))}
    assert (found.feed_max_age, found.live_window) == (Span(seconds=129600), Span(days=7))
    assert found.blast_limit["marketing"].at_least == 25


def test_words_are_kept_for_a_while_also_where_nothing_is_said() -> None:
    nothing, said = policy_of("{}"), policy_of("keep: {bodies: 90 days}")
    assert (nothing.keep_bodies, nothing.keep_reports) == (Span(months=12), Span(months=3))
    assert (said.keep_bodies, said.keep_reports) == (Span(days=90), Span(months=3))
    assert nothing.empty
    assert said.empty, "how long words are kept is no rule of when to write"


def test_a_cap_may_leave_the_number_out() -> None:
    assert policy_of("frequency_caps: {marketing: 1 per day}").caps == {"marketing": (Cap(1, Span(days=1)),)}


def test_sundays_and_holidays_bind_marketing_alone() -> None:
    policy, sunday, holiday = policy_of(POLICY), date(2026, 3, 8), date(2026, 4, 13)
    for day in (sunday, holiday):
        assert ALL_DAY in policy.closed("marketing", frozenset({holiday}), None)(day)
        assert policy.closed("care", frozenset({holiday}), None)(day) == [Window(1260, 480)]


def test_a_journeys_own_hours_close_the_rest_of_the_day() -> None:
    day = date(2026, 3, 3)
    assert Policy().closed("care", frozenset(), Window(600, 1140))(day) == [Window(1140, 600)]
    assert Policy().closed("care", frozenset(), ALL_DAY)(day) == []
    until_midnight = Policy().closed("care", frozenset(), Window(600, 1440))(day)
    assert [any(window.holds(minute) for window in until_midnight) for minute in (0, 599, 600, 1439)] == [
        True,
        True,
        False,
        False,
    ]


TODAY = date(2026, 3, 31)


@given(
    st.lists(st.integers(0, 60).map(lambda n: TODAY - timedelta(days=n)), max_size=12),
    st.integers(1, 4),
    st.sampled_from([Span(days=1), Span(days=7), Span(days=30), Span(months=1)]),
)
def test_a_cap_is_free_on_the_first_day_on_which_one_more_fits(
    sent: list[date], count: int, within: Span
) -> None:
    cap = Cap(count, within)

    def fits(day: date) -> bool:
        return sum(day < add_days(earlier, within) for earlier in sent) < count

    first = next(day for n in range(100) if fits(day := TODAY + timedelta(days=n)))
    assert cap.free_from(sent, TODAY) == first


def test_one_per_seven_days_lets_the_next_out_on_the_seventh_day_after() -> None:
    assert Cap(1, Span(days=7)).free_from([date(2026, 3, 3)], date(2026, 3, 4)) == date(2026, 3, 10)
    assert Cap(1, Span(days=7)).free_from([date(2026, 3, 3)], date(2026, 3, 10)) == date(2026, 3, 10)


def test_the_horizon_reaches_as_far_back_as_the_longest_cap() -> None:
    assert policy_of("frequency_caps: {marketing: [1 per 7 days, 2 per 3 months]}").horizon() >= timedelta(
        days=92
    )

"""The curve of those who come again, against the definition written out; percentiles against pandas."""

from __future__ import annotations

from collections import Counter

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.results.audit.survival import Waits, percentile

lengths = st.lists(st.tuples(st.integers(1, 40), st.booleans()), max_size=30)


def waits(found: list[tuple[int, bool]]) -> Waits:
    return Waits(Counter(day for day, came in found if came), Counter(day for day, came in found if not came))


@given(lengths, st.integers(0, 45))
def test_the_curve_is_the_product_over_days_of_the_shares_who_stayed_away(
    found: list[tuple[int, bool]], day: int
) -> None:
    away = 1.0
    for at in range(1, day + 1):
        risk = sum(length >= at for length, _ in found)
        came = sum(length == at and over for length, over in found)
        away *= 1 - came / risk if risk else 1
    got = waits(found).curve().away(day)
    longest = max((length for length, _ in found), default=-1)
    assert (got is None) == (day > longest)
    assert got is None or got == pytest.approx(away)


@given(lengths, st.integers(0, 45))
def test_who_is_at_risk_was_watched_until_then(found: list[tuple[int, bool]], day: int) -> None:
    steps = {length for length, _ in found}
    expected = sum(length >= day for length, _ in found)
    assert waits(found).curve().at_risk(day) == (expected if steps and day <= max(steps) else 0)


def test_without_open_waits_the_curve_is_the_plain_share() -> None:
    curve = waits([(10, True), (20, True), (30, True), (40, True)]).curve()
    assert [curve.away(day) for day in (9, 10, 25, 40)] == [1.0, 0.75, 0.5, 0.0]


def test_an_open_wait_leaves_without_having_come() -> None:
    curve = waits([(10, False), (20, True)]).curve()
    assert curve.away(19) == 1.0
    assert curve.away(20) == 0.0
    assert (curve.came, curve.waiting) == (1, 1)


@given(st.lists(st.integers(-500, 500), min_size=1, max_size=40), st.sampled_from([0.0, 0.5, 0.8, 0.9, 1.0]))
def test_a_percentile_is_that_of_pandas(values: list[int], share: float) -> None:
    assert percentile(Counter(values), share) == pytest.approx(pd.Series(values).quantile(share))


def test_nothing_has_no_percentile() -> None:
    assert percentile({}, 0.9) is None

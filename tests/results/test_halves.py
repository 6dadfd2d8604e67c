"""The interval of a difference of two shares, against the published tables."""

from __future__ import annotations

import pytest

from worker.results.halves import Half, difference, wilson


@pytest.mark.parametrize(
    ("a", "m", "b", "n", "low", "high"),
    [
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (6, 7, 2, 7, 0.0582, 0.8062),
        (5, 56, 0, 29, -0.0381, 0.1926),
        (0, 10, 0, 20, -0.1611, 0.2775),
        (0, 10, 0, 10, -0.2775, 0.2775),
        (10, 10, 0, 20, 0.6791, 1.0),
        (10, 10, 0, 10, 0.6075, 1.0),
    ],
)
def test_the_interval_is_newcombes_tenth_method(
    a: int, m: int, b: int, n: int, low: float, high: float
) -> None:
    """The eight cases of table II in Newcombe 1998."""
    found = difference(Half(m, 0, a), Half(n, 0, b))
    assert found is not None
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


def test_a_half_of_nobody_has_no_difference() -> None:
    assert difference(Half(), Half(3, 3, 1)) is None
    assert Half().rate is None


def test_wilsons_interval_stays_a_share() -> None:
    assert wilson(0, 5)[0] == pytest.approx(0, abs=1e-12)
    assert wilson(5, 5)[1] == pytest.approx(1)
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)

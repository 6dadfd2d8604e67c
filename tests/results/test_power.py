"""How many patients an experiment needs: the published vectors, and that the answers fit one another."""

from __future__ import annotations

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.results.power import in_all, smallest


@pytest.mark.parametrize(
    ("p0", "p1", "size"), [(0.05, 0.10, 432), (0.40, 0.50, 385), (0.40, 0.45, 1_531), (0.05, 0.08, 1_057)]
)
def test_an_arm_is_as_large_as_the_formula_says(p0: float, p1: float, size: int) -> None:
    assert ceil(in_all(p0, p1, 0.5) / 2) == size


def test_a_small_holdout_needs_more_patients_in_all() -> None:
    assert in_all(0.05, 0.10, 0.1) == 1_806
    assert in_all(0.05, 0.10, 0.5) in (863, 864)


@given(
    st.floats(0.01, 0.9),
    st.integers(10, 100_000),
    st.sampled_from([0.1, 0.2, 0.5]),
)
def test_the_smallest_rate_is_seen_and_a_little_less_is_not(p0: float, patients: int, holdout: float) -> None:
    found = smallest(p0, patients, holdout)
    if found is None:
        assert in_all(p0, 1.0, holdout) > patients
        return
    assert in_all(p0, found, holdout) <= patients
    less = found - 0.001
    assert less <= p0 + 1e-9 or in_all(p0, less, holdout) > patients


def test_few_patients_show_nothing() -> None:
    assert smallest(0.3, 2, 0.1) is None


@pytest.mark.parametrize("holdout", [0.0, 1.0])
def test_there_must_be_both_those_who_hear_and_those_who_do_not(holdout: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        in_all(0.1, 0.2, holdout)


def test_equal_rates_cannot_be_told_apart() -> None:
    with pytest.raises(ValueError, match="equal"):
        in_all(0.1, 0.1, 0.5)

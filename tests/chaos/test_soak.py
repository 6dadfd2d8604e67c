"""What a soak concludes from what it saw. The soak itself is `make soak`."""

from __future__ import annotations

import pytest

from tests.chaos.play import Result
from tests.chaos.soak import _number, drift, is_flat, most_a_second, verdict

EVEN = [(float(at), 2.5) for at in range(90)]
SLOWER = [(float(at), 2.5 if at < 60 else 9.0) for at in range(90)]


def test_the_first_third_is_compared_with_the_last() -> None:
    assert drift(EVEN, 90) == (2.5, 2.5)
    assert drift(SLOWER, 90) == (2.5, 9.0)
    few = [(at, 100.0) for at in range(0, 90, 30)]
    assert drift([*EVEN, *few], 90) == (2.5, 2.5), "a few that were in doubt are no lag"


def test_a_third_in_which_nothing_arrived_is_not_flat() -> None:
    with pytest.raises(ValueError, match="third"):
        drift([(at, delay) for at, delay in EVEN if at < 60], 90)
    assert verdict(Result(), [], 90)[-1] == ("lag flat", False, "no SMS arrived in a third of the time")


@pytest.mark.parametrize(
    ("first", "last", "flat"),
    [(2.0, 2.0, True), (2.0, 4.0, True), (2.0, 4.1, False), (9.0, 1.0, True), (0.0, 1.1, False)],
)
def test_flat_is_no_longer_than_half_as_much_again_and_a_second(
    first: float, last: float, flat: bool
) -> None:
    assert is_flat(first, last) is flat


def test_the_maximum_counts_from_the_first_visit_and_without_what_was_in_doubt() -> None:
    even = [110.0 + n / 50 for n in range(1000)]
    assert most_a_second(even[::-1], 100.0) == pytest.approx(900 / 28, rel=0.01)
    late = [*even[:950], *(5000.0 + n for n in range(50))]
    assert most_a_second(late, 100.0) == most_a_second(even, 100.0)


def test_each_promise_can_be_broken_by_itself() -> None:
    assert [holds for _, holds, _ in verdict(Result(), EVEN, 90)] == [True, True, True]
    assert [holds for _, holds, _ in verdict(Result(missing_sms=1), EVEN, 90)] == [False, True, True]
    assert [holds for _, holds, _ in verdict(Result(wrong=["p-1"]), EVEN, 90)] == [False, True, True]
    assert [holds for _, holds, _ in verdict(Result(doubles=1), EVEN, 90)] == [True, False, True]
    assert [holds for _, holds, _ in verdict(Result(), SLOWER, 90)] == [True, True, False]


@pytest.mark.parametrize("said", ["abc", "0", "-5", "nan", "inf", ""])
def test_a_length_that_is_none_is_refused_by_its_name(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVISIT_SOAK_SECONDS", said)
    with pytest.raises(SystemExit, match="REVISIT_SOAK_SECONDS"):
        _number("REVISIT_SOAK_SECONDS", 1.0)
    monkeypatch.setenv("REVISIT_SOAK_SECONDS", "90")
    assert _number("REVISIT_SOAK_SECONDS", 1.0) == 90.0

"""Trouble with providers: when a sender is paused, how long a try waits, when failures are too many."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain.trouble import (
    AWAY_IN_A_ROW,
    ENOUGH,
    FIRST_PAUSE,
    LONGEST_PAUSE,
    LONGEST_RETRY,
    LONGEST_SPACED,
    SENDER_IN_A_ROW,
    SENDER_PAUSE,
    SenderState,
    Sign,
    judged,
    patience,
)

AWAY: list[Sign] = ["away"]
SENDER: list[Sign] = ["sender"]
BUSY: list[Sign] = ["busy"]
NOW = datetime(2026, 3, 3, 10, tzinfo=UTC)
WELL = SenderState()
signs = st.sampled_from(["fine", "busy", "away", "sender"])


def after(*seen: Sign, state: SenderState = WELL, now: datetime = NOW) -> SenderState:
    for sign in seen:
        state = state.after(sign, now, code="c", why="w")
    return state


def test_a_sender_that_is_well_stays_the_same_value() -> None:
    assert WELL.after("fine", NOW) is WELL


@pytest.mark.parametrize(("sign", "least"), [("away", 5), ("sender", 3)])
def test_so_many_failures_in_a_row_pause_it_and_not_one_fewer(sign: Sign, least: int) -> None:
    assert {"away": AWAY_IN_A_ROW, "sender": SENDER_IN_A_ROW}[sign] == least
    these: list[Sign] = [sign]
    short = after(*these * (least - 1))
    assert (short.paused, short.open_until, short.failures) == (False, None, least - 1)
    found = after(*these * least)
    assert found.paused
    assert found.open_until == NOW + (SENDER_PAUSE if sign == "sender" else FIRST_PAUSE)
    assert (found.code, found.why) == ("c", "w")


def test_a_success_in_between_begins_the_count_anew() -> None:
    assert not after("away", "away", "away", "away", "fine", "away", "away", "away", "away").paused


def test_the_first_success_lifts_the_pause() -> None:
    assert after(*SENDER * 3, "fine") == WELL


def test_a_provider_that_asks_for_a_pause_is_given_it_and_blamed_for_nothing() -> None:
    busy = WELL.after("busy", NOW, wait=timedelta(seconds=7), code="20429")
    assert (busy.paused, busy.failures, busy.open_until) == (False, 0, NOW + timedelta(seconds=7))
    assert WELL.after("busy", NOW).open_until == NOW + FIRST_PAUSE
    assert not after(*BUSY * 50).paused


def test_while_it_is_paused_one_failure_more_prolongs_the_pause_up_to_ten_minutes() -> None:
    state, pauses = after(*AWAY * AWAY_IN_A_ROW), []
    for _ in range(8):
        state = after("away", state=state)
        assert state.open_until is not None
        pauses.append(state.open_until - NOW)
    assert pauses == sorted(pauses)
    assert pauses[0] == 2 * FIRST_PAUSE
    assert pauses[-1] == LONGEST_PAUSE == timedelta(minutes=10)


def test_half_open_the_others_wait_for_what_becomes_of_the_one_that_tries() -> None:
    paused = after(*SENDER * 3)
    later = NOW + SENDER_PAUSE
    tried = paused.trying(later)
    assert tried.paused
    assert tried.open_until == later + 2 * FIRST_PAUSE
    assert tried.after("fine", later) == WELL
    assert tried.after("sender", later).open_until == later + SENDER_PAUSE


@given(st.lists(signs, max_size=30))
def test_a_paused_sender_always_has_a_moment_at_which_it_is_tried_again(seen: list[Sign]) -> None:
    state = after(*seen)
    assert not state.paused or (state.open_until is not None and NOW < state.open_until <= NOW + SENDER_PAUSE)
    assert after(*seen, "fine") == WELL


@pytest.mark.parametrize(
    ("asked", "seconds"), [(7, 7), (0, 1), (-3, 1), (3_600, 3_600), (86_400, 3_600), (0.5, 1)]
)
def test_what_the_provider_asks_for_is_kept_up_to_an_hour(asked: float, seconds: float) -> None:
    assert patience("m", 1, asked) == timedelta(seconds=seconds)
    assert patience("m", 9, asked, spaced=True) == timedelta(seconds=seconds)


@given(st.text(max_size=8), st.integers(1, 60), st.booleans())
def test_a_wait_lies_within_a_quarter_of_its_doubling_and_is_the_same_each_time(
    name: str, tries: int, spaced: bool
) -> None:
    first, longest = (
        (timedelta(hours=1), LONGEST_SPACED) if spaced else (timedelta(seconds=30), LONGEST_RETRY)
    )
    middle = min(first * 2 ** min(tries - 1, 10), longest)
    wait = patience(name, tries, spaced=spaced)
    assert middle * 0.75 <= wait <= middle * 1.25
    assert wait == patience(name, tries, spaced=spaced)


@given(st.text(max_size=8), st.booleans())
def test_waits_grow_until_they_are_longest(name: str, spaced: bool) -> None:
    """Doubling outgrows a quarter up and a quarter down."""
    steps = 3 if spaced else 6
    waits = [patience(name, tries, spaced=spaced) for tries in range(1, steps + 1)]
    assert waits == sorted(waits)
    assert (timedelta(hours=1), timedelta(hours=8)) == (LONGEST_RETRY, LONGEST_SPACED)


def test_what_failed_together_does_not_come_back_together() -> None:
    assert len({patience(f"m-{number}", 1) for number in range(100)}) > 90


@pytest.mark.parametrize(
    ("failed", "tried", "expected"),
    [
        (19, 19, "fine"), (0, 20, "fine"), (1, 20, "warn"), (2, 20, "pause"), (4, 100, "fine"), (5, 100, "warn"), (9, 100, "warn"), (10, 100, "pause"), (0, 0, "fine"),
    ],
)  # fmt: skip
def test_five_percent_warn_and_ten_pause_once_there_are_twenty(
    failed: int, tried: int, expected: str
) -> None:
    assert judged(failed, tried) == expected
    assert ENOUGH == 20

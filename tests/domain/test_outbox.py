"""The table of a message's states: which word of a provider moves it where, and never back."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.status import Status
from worker.domain.history import COUNTED, SETTLED
from worker.domain.outbox import ADVANCES, MOVES, RANK, REACHED, UNDER_WAY, further, may_follow, moves_to

words = st.sampled_from([*sorted(RANK), "teleported", ""])
states = st.sampled_from(sorted(MOVES))


def test_every_state_that_follows_is_a_state() -> None:
    assert {following for follow in MOVES.values() for following in follow} <= set(MOVES)
    assert set(MOVES) >= COUNTED | SETTLED | UNDER_WAY | REACHED


def test_what_has_left_is_never_scheduled_again() -> None:
    left, found = {"sent"}, set[str]()
    while left:
        state = left.pop()
        found.add(state)
        left |= MOVES[state] - found
    assert found == {"sent", "delivered", "undelivered"}


def test_whoever_may_have_left_is_sent_again_only_from_doubt_or_from_a_claim() -> None:
    assert {state for state in MOVES if may_follow(state, "scheduled")} == {"claimed", "unknown"}
    with pytest.raises(KeyError):
        may_follow("elsewhere", "sent")


def test_every_word_that_moves_a_message_has_its_rank_and_is_one_of_the_channels() -> None:
    ours = {status.value for status in Status}
    assert set(ADVANCES) == set(RANK)
    assert set(RANK) <= ours
    assert set(ADVANCES.values()) == {"sent", "delivered", "undelivered"}


@given(states, words)
def test_a_word_leads_along_legal_moves_only(state: str, word: str) -> None:
    path = moves_to(state, word)
    assert all(may_follow(earlier, later) for earlier, later in pairwise((state, *path)))
    if state not in ("unknown", "sent", "delivered"):
        assert path == ()


@given(st.lists(words, max_size=12))
def test_told_in_any_order_a_message_ends_where_its_furthest_word_leads(told: list[str]) -> None:
    state = "unknown"
    for word in told:
        state = (state, *moves_to(state, word))[-1]
    proven = {ADVANCES[word] for word in told if word in ADVANCES}
    if not proven:
        assert state == "unknown"
    elif "undelivered" in proven:
        assert state == "undelivered"
    else:
        assert state == ("delivered" if "delivered" in proven else "sent")


@given(st.lists(words, max_size=12))
def test_the_word_that_is_shown_never_goes_back(told: list[str]) -> None:
    known: str | None = None
    for word in told:
        rank = RANK.get(known or "", 0)
        if further(known, word):
            known = word
        assert RANK.get(known or "", 0) >= rank
    assert RANK.get(known or "", 0) == max((RANK.get(word, 0) for word in told), default=0)

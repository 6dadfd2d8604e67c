"""The words: every code has some, in every language that a page speaks."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import get_args

import pytest

from worker.domain import gate
from worker.domain.outbox import MOVES
from worker.service import words
from worker.web import page, sentences


def test_every_reason_of_the_gate_has_words() -> None:
    assert {*get_args(gate.DropCode), *get_args(gate.DeferCode)} - words.REASONS.keys() == set()
    assert MOVES.keys() == words.STATES.keys()


def test_every_language_says_the_same() -> None:
    for table in (
        sentences.CHANNEL,
        sentences.PURPOSE,
        sentences.PREFERENCES,
        sentences.ANSWERS,
        sentences.NO_LINK,
    ):
        assert table.keys() == {"en", "el"}
        assert table["en"].keys() == table["el"].keys()
        for key, said in table["en"].items():
            assert re.findall(r"{\w+}", said) == re.findall(r"{\w+}", table["el"][key])


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"visits": "none"}, "No visits"),
        ({"visits": "exactly 1"}, "Exactly 1 visit"),
        ({"visits": "at least 2 in 12 months"}, "At least 2 visits in 12 months"),
        (
            {"last_visit": "at least 6 months ago", "visits": "1 to 5"},
            "Last visit at least 6 months ago, visits 1 to 5",
        ),
    ],
)
def test_the_conditions_of_a_stage_are_a_phrase(written: dict[str, str], said: str) -> None:
    assert words.condition(written) == said


def test_a_trace_is_told_without_codes() -> None:
    assert (
        words.explain("sms: no leave (revoked on 2026-03-01); email: none")
        == "SMS: no leave (revoked on 1 Mar 2026); E-mail: none"
    )
    assert (
        words.explain("the run has ended: booking.created, within 60 days")
        == "The run has ended: a booking was made, within 60 days"
    )
    assert words.explain("9999-99-99 stays") == "9999-99-99 stays"


def test_equal_reasons_are_told_alike_whatever_the_day() -> None:
    titles = {"high_value": "Spent much"}
    assert words.why_not_started("has a booking on 2026-11-19", titles) == words.why_not_started(
        "has a booking on 2026-12-29", titles
    )
    assert words.why_not_started("in high_value", titles) == "Is in “Spent much”"


def test_days_are_told_from_today() -> None:
    now = datetime(2026, 11, 23, 12)  # noqa: DTZ001 (clinic-local already)
    assert [page.day(now + timedelta(days=n), now) for n in (-1, 0, 1, 2)] == [
        "Yesterday",
        "Today",
        "Tomorrow",
        "Wed 25 Nov",
    ]
    assert page.day(now, now, inside=True) == "today"
    assert page.day(now.replace(year=2025), now) == "Sun 23 Nov 2025"


def test_little_is_not_nothing() -> None:
    assert [page.share(value) for value in (0, 0.004, 0.5, 1)] == ["0%", "under 1%", "50%", "100%"]
    assert [page.count(n, "message") for n in (0, 1, 1200)] == ["0 messages", "1 message", "1,200 messages"]


def test_a_condition_that_keeps_somebody_out_is_told_as_a_phrase() -> None:
    forbidden = "this must not hold, and does: "
    told = {
        "treatments: at least 2": "Left out by a condition: at least 2 treatments",
        "last_visit: of: families: toxin, is: less than 6 months ago": (
            "Left out by a condition: last visit (toxin) less than 6 months ago"
        ),
        "series: open": "Left out by a condition: a course is open",
        "birthday": "Left out by a condition: birthday",
    }
    assert {why: words.why_not_started(forbidden + why, {}) for why in told} == told
    leave = (
        "sms health_profiling: never given; email health_profiling: the record of 2026-01-02 does not list it"
    )
    said = "SMS: no leave to be chosen by treatment; E-mail: no leave to be chosen by treatment"
    assert words.why_not_started(leave, {}) == said
    assert words.why_not_started("its `stop_if` holds already", {}) == "Its condition to stop holds already"
    assert words.why_not_started("no visit for laser_hair", {}) == "No visit for laser hair"
    assert words.why_not_started("not in regular", {"regular": "regular"}) == "Is not in “Regular”"
    assert (
        words.explain("no more than 1 per 1 week to one patient") == "No more than 1 per week to one patient"
    )

"""What is written as people speak is answered with what to write instead."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from tests.domain.build import clinic
from worker.domain.conditions.grammar import CONDITION, VOCABULARY
from worker.domain.conditions.grammar import SYNONYMS as OF_CONDITIONS
from worker.domain.events import EVENT_TYPES
from worker.domain.kinds import Kind
from worker.domain.language import JOURNEY
from worker.domain.language.events import HEARD
from worker.domain.language.events import SYNONYMS as OF_EVENTS
from worker.domain.language.start import START, SendOnKind
from worker.domain.language.verbs import VERBS
from worker.domain.language.wait import WAIT, parse_wait
from worker.domain.scope import Scope
from worker.domain.shape import Reader, nearest
from worker.domain.source import compose

SCOPE = Scope(
    clinic(),
    frozenset({"inactive_6", "new"}),
    this=True,
    templates={"cancelled/apology": frozenset({"sms"}), "hello": frozenset({"sms"})},
)


def hint(kind: Kind[Any], text: str, scope: Scope = SCOPE) -> str:
    """The hint of the only mistake."""
    node, problems = compose(text, "a.yaml")
    assert node is not None
    assert not problems
    reader = Reader()
    kind.read(reader, node, "`it`", scope)
    (problem,) = reader.problems
    return problem.hint


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("4 days after this at 11:00", "until 4 days after this at 11:00"),
        ("4 days after last_visit of toxin", "until 4 days after last_visit of toxin"),
        ("4 days after last_visit of LHR-F", "until 4 days after last_visit of LHR-F"),
        ("Until 10:00", "until 10:00"),
        ("10:00", "until 10:00"),
        ("at 11am", "until 11:00"),
        ("until 2.30 pm", "until 14:30"),
        ("at 12 am", "until 0:00"),
        ("until monday noon", "until monday 12:00"),
        ("on Tuesday at 10:00", "until tuesday at 10:00"),
        ("next tuesday", "until next tuesday"),
        ("two days", "2 days"),
        ("a week", "1 week"),
        ("in 3 days", "3 days"),
        ("3 days later", "3 days"),
        ("3days", "3 days"),
        ("1 day, 2 hours", "1 day and 2 hours"),
    ],
)
def test_a_wait_in_other_words_is_answered_with_ours(text: str, instead: str) -> None:
    assert hint(WAIT, f'"{text}"') == f"Write `{instead}`."
    assert parse_wait(instead) is not None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("until 4 days after visit", "Did you mean `last_visit`?"),
        ("until 4 days after Last_Visit", "Write `until 4 days after last_visit`."),
        ("until 2 days before appointment at 10:00", "Did you mean `this`?"),
        ("until 3 days after the moon", "What can be waited for: first_visit, last_visit, next_booking, this."),
        ("3", "Say the unit as well, such as `3 days`."),
        ("5 working days", "A wait counts calendar days: `5 days`. Working days are counted only by `due` of a task."),
        ("one business day", "A wait counts calendar days: `1 day`. Working days are counted only by `due` of a task."),
    ],
)  # fmt: skip
def test_a_wait_that_cannot_be_meant_so_is_explained(text: str, says: str) -> None:
    assert hint(WAIT, f'"{text}"') == says


@pytest.mark.parametrize("text", ["soon", "", "after a while", "until", "[3 weeks]"])
def test_a_wait_of_which_nothing_can_be_told_gets_all_forms(text: str) -> None:
    assert hint(WAIT, text if text.startswith("[") else f'"{text}"').startswith(
        "For example `3 weeks`, `until 10:00`"
    )


@pytest.mark.parametrize("day", ["Monday", "MONDAY", "Mon", "mon", "monday"])
def test_a_weekday_may_have_capitals_and_editors_know_it(day: str) -> None:
    text = f"until next {day} 11:00"
    assert parse_wait(text) == parse_wait("until monday 11:00") is not None
    assert re.search(WAIT.schema(SCOPE)["pattern"], text)


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("last_visit: at most 24 months ago", "within 24 months"),
        ("last_visit: in the last 30 days", "within 30 days"),
        ("last_visit: more than 6 months ago", "at least 6 months ago"),
        ("last_visit: Never", "none"),
        ("visits: 2+", "at least 2"),
        ("visits: up to 3 in 12 months", "at most 3 in 12 months"),
        ("visits: between 2 and 4", "2 to 4"),
        ("visits: twice", "exactly 2"),
        ("visits: at least 2 within 12 months", "at least 2 in 12 months"),
        ("next_booking: no", "none"),
        ("next_booking: in 7 days", "within 7 days"),
        ("age: 18+", "at least 18"),
        ("birthday: on the day", "today"),
        ("birthday: within 7 days", "in the next 7 days"),
    ],
)
def test_a_condition_in_other_words_is_answered_with_ours(text: str, instead: str) -> None:
    assert hint(CONDITION, text) == f"Write `{instead}`."


def test_who_cancelled_is_asked_within_a_word() -> None:
    assert hint(CONDITION, "cancelled_by: [clinic]").endswith("`this: {cancelled_by: [clinic]}`.")
    without = replace(SCOPE, this=False)
    assert "`cancelled: {of: {cancelled_by: [clinic]}, is: any}`" in hint(
        CONDITION, "cancelled_by: [clinic]", without
    )


@pytest.mark.parametrize(
    ("kind", "text", "says"),
    [
        (SendOnKind(), "[tuesday]", "Write `tue`."),
        (SendOnKind(), "monday - friday", "Write `mon-fri`."),
        (SendOnKind(), "weekdays", "Write `mon-fri`."),
        (SendOnKind(), "funday", "For example `mon-fri`."),
        (START, "enters: [inactive_6]", "Write `enters: inactive_6`."),
        (START, "enters: [inactive_6, new]", "Name one, and write a journey for each; or make one segment of them, with `any_of`."),
        (START, "enters: Inactive_6", "Did you mean `inactive_6`?"),
        (START, "date: {birthday: on the day}", "Write `today`."),
        (START, "date: {birthday: a week before}", "Write `7 days before`."),
        (START, "event: no_show", "Did you mean `booking.no_show`?"),
        (CONDITION, "no_show: 1", "Did you mean `missed`?"),
        (JOURNEY.fields["priority"].kind, "high", "`it` is one, such as `1`."),
    ],
)  # fmt: skip
def test_what_is_written_nearly_so_has_a_way_out(kind: Kind[Any], text: str, says: str) -> None:
    assert hint(kind, text) == says


@pytest.mark.parametrize("text", ["10", "0", "high", "[1]", "1.5"])
def test_a_number_out_of_its_limits_is_told_with_them(text: str) -> None:
    node, _ = compose(text, "a.yaml")
    reader = Reader()
    assert node is not None
    JOURNEY.fields["priority"].kind.read(reader, node, "`priority`", SCOPE)
    assert [problem.message.partition(" ")[2] for problem in reader.problems] == [
        "is not a number from 1 to 9"
    ]


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("cancelled/sorry", "Make templates/cancelled/sorry.sms.en.j2 or .email.en.md. There is `cancelled/apology`."),
        ("helo", "Make templates/helo.sms.en.j2 or .email.en.md. There is `hello`."),
        ("birthday/wish", "Make templates/birthday/wish.sms.en.j2 or .email.en.md."),
    ],
)  # fmt: skip
def test_a_text_that_is_missing_is_to_be_made_first(template: str, says: str) -> None:
    reader = Reader()
    node, _ = compose(template, "a.yaml")
    assert node is not None
    VERBS["send"].make(reader, {"send": (("sms",), node), "template": (template, node)}, SCOPE)
    assert [problem.hint for problem in reader.problems] == [says]


def test_the_nearest_word_is_the_same_in_other_letters_before_one_that_looks_alike() -> None:
    assert nearest("lhr-f", ("LHR", "LHR-F", "LHR-L")) == "LHR-F"
    assert nearest("Visit", ("visits", "last_visit"), {"visit": "last_visit"}) == "last_visit"
    assert nearest("moon", ("visits",), {"visit": "visits"}) == ""


def test_other_words_lead_to_words_that_there_are_and_hide_none() -> None:
    assert set(OF_CONDITIONS.values()) <= set(VOCABULARY)
    assert set(OF_EVENTS.values()) <= EVENT_TYPES
    assert not set(OF_CONDITIONS) & set(VOCABULARY)
    assert not set(OF_EVENTS) & EVENT_TYPES
    assert all(word == word.lower() for word in (*OF_CONDITIONS, *OF_EVENTS))
    assert hint(HEARD, "booked") == "Did you mean `booking.created`?"

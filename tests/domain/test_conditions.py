"""Every word of the vocabulary by example, in both directions."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.build import (
    at,
    booking,
    clinic,
    condition_of,
    event,
    facts_of,
    look_at,
    tree,
    upserted,
    visit,
    willing,
)
from tests.domain.strategies import FIRST, conditions, events
from worker.domain.conditions import Condition, Look
from worker.domain.conditions.grammar import VOCABULARY, Scope, parse_condition
from worker.domain.events import Event
from worker.domain.history import Contact, Enrollment
from worker.domain.shape import Reader

CLINIC = clinic()
FAR = 400
BODY = visit("2026-01-05 10:00", "a-1", code="LHR", practitioner="dr-k", location="athens")
FACE = visit("2026-03-05 10:00", "a-2", code="TOX", practitioner="dr-m", location="perth")
CONSULTED = visit("2026-04-05 10:00", "a-3", code="CONS")
BORN = upserted("2026-01-01", date_of_birth="2000-02-29")
NEXT = booking("2026-06-10 10:00", "b-1", told="2026-05-01", code="PEEL")
GONE = booking("2026-05-10 10:00", "b-2", told="2026-05-01", kind="booking.cancelled")
BY_CLINIC = booking(
    "2026-05-10 10:00", "b-4", told="2026-05-01", kind="booking.cancelled", cancelled_by="clinic"
)
SESSIONS = [visit(f"2026-0{month}-05 10:00", f"s-{month}", code="LHR") for month in range(1, 7)]
MISSED = booking("2026-05-11 10:00", "b-3", told="2026-05-11", kind="booking.no_show")

# condition, events, a day on which it holds, a day on which it does not
CASES: list[tuple[str, list[Event], str | None, str | None]] = [
    ("{visits: none}", [], "2026-01-01", None),
    ("{visits: none}", [BODY], None, "2026-01-06"),
    ("{visits: exactly 1}", [BODY], "2026-01-06", None),
    ("{visits: exactly 1}", [BODY, FACE], None, "2026-03-06"),
    ("{visits: at least 2 in 12 months}", [BODY, FACE], "2027-01-04", "2027-01-05"),
    (
        "{visits: {of: {families: [laser_hair]}, is: 1 to 5, in: 18 months}}",
        [BODY],
        "2027-07-04",
        "2027-07-05",
    ),
    ("{visits: {of: {families: [toxin]}}}", [BODY], None, "2026-01-06"),
    ("{visits: {of: {areas: [body], practitioner: [dr-k]}, is: any}}", [BODY], "2026-01-06", None),
    ("{visits: {of: {areas: [body], practitioner: [dr-m]}, is: any}}", [BODY, FACE], None, "2026-03-06"),
    ("{treatments: none}", [CONSULTED], "2026-04-06", None),
    ("{treatments: at least 1}", [CONSULTED], None, "2026-04-06"),
    ("{cancelled: at least 1 in 30 days}", [GONE], "2026-06-08", "2026-06-09"),
    ("{missed: at least 1}", [MISSED], "2026-05-12", None),
    ("{missed: at least 1}", [GONE], None, "2026-05-12"),
    ("{first_visit: less than 30 days ago}", [BODY, FACE], "2026-02-03", "2026-02-04"),
    ("{last_visit: at least 6 months ago}", [BODY], "2026-07-05", "2026-07-04"),
    ("{last_visit: at least 6 months ago}", [BODY, FACE], "2026-09-05", "2026-09-04"),
    (
        "{last_visit: {of: {families: [laser_hair]}, is: at least 90 days ago}}",
        [BODY, FACE],
        "2026-04-05",
        "2026-04-04",
    ),
    ("{last_visit: none}", [BODY], None, "2026-02-01"),
    ("{last_visit: any}", [BODY], "2026-02-01", None),
    ("{last_visit: at least 1 day ago}", [], None, "2026-02-01"),
    ("{next_booking: none}", [NEXT], "2026-06-11", "2026-06-10"),
    ("{next_booking: any}", [NEXT], "2026-06-10", "2026-06-11"),
    ("{next_booking: within 7 days}", [NEXT], "2026-06-04", "2026-06-03"),
    ("{next_booking: {of: {families: [peel]}, is: any}}", [NEXT], "2026-06-01", None),
    ("{next_booking: {of: {families: [toxin]}, is: any}}", [NEXT], None, "2026-06-01"),
    ("{families: [laser_hair]}", [BODY], "2026-02-01", None),
    ("{families: [toxin, peel]}", [BODY], None, "2026-02-01"),
    ("{families: exactly 2}", [BODY, FACE, CONSULTED], "2026-05-01", None),
    ("{services: [LHR]}", [BODY], "2026-02-01", None),
    ("{areas: [body]}", [FACE], None, "2026-05-01"),
    ("{areas: [face]}", [FACE], "2026-05-01", None),
    ("{age: at least 18}", [BORN], "2018-02-28", "2018-02-27"),
    ("{age: 30 to 45}", [BORN], "2030-02-28", "2046-02-28"),
    ("{age: at least 18}", [], None, "2026-01-01"),
    ("{birthday: today}", [BORN], "2027-02-28", "2027-03-01"),
    ("{birthday: today}", [BORN], "2028-02-29", "2028-02-28"),
    ("{birthday: in the next 7 days}", [BORN], "2027-02-21", "2027-02-20"),
    ("{tags: [vip, complaint]}", [willing("2026-01-01", tags=["vip"])], "2026-02-01", None),
    ("{tags: [complaint]}", [willing("2026-01-01", tags=["vip"])], None, "2026-02-01"),
    ("{language: [el]}", [upserted("2026-01-01", language="el")], "2026-02-01", None),
    ("{location: [perth]}", [BODY, FACE], "2026-05-01", None),
    ("{location: [athens]}", [BODY, FACE], None, "2026-05-01"),
    ("{practitioner: [dr-m]}", [BODY, FACE], "2026-05-01", None),
    ("{allows: [sms]}", [willing()], "2026-05-01", None),
    ("{allows: [sms]}", [BODY], None, "2026-05-01"),
    ("{allows: {sms: care}}", [BODY], "2026-05-01", None),
    (
        "{any_of: [{visits: none}, {tags: [vip]}]}",
        [willing("2026-01-01", tags=["vip"]), BODY],
        "2026-05-01",
        None,
    ),
    ("{any_of: [{visits: none}, {tags: [vip]}]}", [BODY], None, "2026-05-01"),
    ("{none_of: [{visits: none}, {tags: [vip]}]}", [BODY], "2026-05-01", None),
    (
        "{none_of: [{visits: none}, {tags: [vip]}]}",
        [willing("2026-01-01", tags=["vip"]), BODY],
        None,
        "2026-05-01",
    ),
    ("{visits: any, tags: [vip]}", [BODY], None, "2026-05-01"),
    ("{complement: untried}", [BODY], "2026-05-01", None),
    ("{complement: untried}", [], None, "2026-05-01"),
    ("{complement: untried}", [CONSULTED], None, "2026-05-01"),
    ("{complement: {is: untried, of: {families: [toxin]}}}", [BODY], None, "2026-05-01"),
    ("{series: open}", [BODY], "2027-07-04", "2027-07-05"),
    ("{series: none}", [BODY], "2027-07-05", "2027-07-04"),
    ("{series: open}", SESSIONS, None, "2026-07-01"),
    ("{series: finished}", SESSIONS, "2027-07-04", "2027-07-05"),
    ("{series: open}", SESSIONS, "2027-07-05", "2028-01-01"),
    ("{series: {of: {families: [toxin]}, is: open}}", [BODY], None, "2026-05-01"),
    ("{cancelled: {of: {cancelled_by: clinic}, is: any}}", [BY_CLINIC], "2026-06-01", None),
    ("{cancelled: {of: {cancelled_by: patient}, is: any}}", [BY_CLINIC], None, "2026-06-01"),
    ("{cancelled: {of: {cancelled_by: [clinic, patient]}, is: any}}", [GONE], None, "2026-06-01"),
]


@pytest.mark.parametrize(("text", "told", "yes", "no"), CASES)
def test_a_condition_holds_on_the_one_day_and_not_on_the_other(
    text: str, told: list[Event], yes: str | None, no: str | None
) -> None:
    condition, facts = condition_of(text, CLINIC), facts_of(told)
    if yes is not None:
        assert look_at(condition, facts, yes) is None
    if no is not None:
        assert look_at(condition, facts, no)


def test_the_examples_speak_of_every_word_of_the_vocabulary() -> None:
    elsewhere = {"in", "not_in", "got_message", "journey", "this", "net_revenue"}
    written = " ".join(text for text, *_ in CASES)
    assert [word for word in VOCABULARY if word not in elsewhere and f"{word}:" not in written] == []


def turn_of(condition: Condition, look: Look) -> date | None:
    """The first day on which time alone may change one of its leaves."""
    return condition.turn(look)


@settings(max_examples=40)
@given(st.data())
def test_until_its_turn_a_condition_stays_what_it_is(data: st.DataObject) -> None:
    condition = condition_of(data.draw(conditions()), CLINIC)
    facts = facts_of(data.draw(events("Europe/Athens")))
    look = Look(facts, FIRST + timedelta(days=data.draw(st.integers(0, 800))), {})
    turn, now = turn_of(condition, look), condition.holds(look)
    assert turn is None or turn > look.today
    for n in range(1, min((turn - look.today).days if turn is not None else FAR, FAR)):
        assert condition.holds(look.on(look.today + timedelta(days=n))) is now


@settings(max_examples=40)
@given(st.data())
def test_it_holds_exactly_where_there_is_no_reason_against_it(data: st.DataObject) -> None:
    condition = condition_of(data.draw(conditions()), CLINIC)
    look = Look(
        facts_of(data.draw(events("Europe/Athens"))),
        FIRST + timedelta(days=data.draw(st.integers(0, 800))),
        {},
    )
    assert condition.holds(look) is (condition.why_not(look) is None)


@settings(max_examples=40)
@given(st.data())
def test_none_of_is_the_opposite_of_any_of(data: st.DataObject) -> None:
    inner = ", ".join(data.draw(st.lists(conditions(), min_size=1, max_size=3)))
    facts = facts_of(data.draw(events("Europe/Athens")))
    day = FIRST + timedelta(days=data.draw(st.integers(0, 800)))
    any_of, none_of = (
        condition_of(f"{{any_of: [{inner}]}}", CLINIC),
        condition_of(f"{{none_of: [{inner}]}}", CLINIC),
    )
    assert (look_at(any_of, facts, day) is None) != (look_at(none_of, facts, day) is None)


def test_within_a_span_is_the_exact_opposite_of_at_least_that_long_ago() -> None:
    lately, long_ago = (
        condition_of("{visits: at least 1 in 6 months}", CLINIC),
        condition_of("{last_visit: at least 6 months ago}", CLINIC),
    )
    facts = facts_of([visit("2024-08-31")])
    for n in range(400):
        day = date(2024, 8, 31) + timedelta(days=n)
        assert (look_at(lately, facts, day) is None) != (look_at(long_ago, facts, day) is None)


# -- money --------------------------------------------------------------------------------------------------------------------

SPENT = [visit("2026-01-01", "a-1", net=100_000), visit("2026-02-01", "a-2", net=60_000)]


def test_revenue_counts_the_trailing_span_and_what_was_refunded() -> None:
    condition = condition_of(
        "{net_revenue: {is: at least 1500 EUR in 12 months, leave_below: 1500 EUR}}", CLINIC
    )
    assert look_at(condition, facts_of(SPENT), "2026-12-31") is None
    assert look_at(condition, facts_of(SPENT), "2027-01-01")
    refund = event(
        "payment.refunded", "2026-02-02", appointment_id="a-2", net={"minor": 20_000, "currency": "EUR"}
    )
    assert look_at(condition, facts_of([*SPENT, refund]), "2026-03-01")


def test_who_is_in_stays_until_below_four_fifths() -> None:
    condition = condition_of("{net_revenue: at least 1500 EUR in 12 months}", CLINIC)
    more = [*SPENT, visit("2026-06-01", "a-3", net=65_000)]
    assert look_at(condition, facts_of(more), "2027-01-15") is None, "1,250 is above 1,200"
    assert look_at(condition, facts_of(more[1:]), "2027-01-15"), "who was never in needs the whole amount"
    assert look_at(condition, facts_of(more), "2027-02-01")


def test_a_lapsed_patient_can_still_be_one_of_high_value() -> None:
    condition = condition_of("{net_revenue: at least 1500 EUR in 12 months before last_visit}", CLINIC)
    assert look_at(condition, facts_of(SPENT), "2030-01-01") is None
    assert look_at(condition, facts_of([*SPENT, visit("2029-01-01", "a-9", net=5000)]), "2030-01-01")


def test_another_currency_does_not_count() -> None:
    condition = condition_of("{net_revenue: at least 1 EUR in 12 months}", CLINIC)
    paid = visit("2026-01-01", net=1)
    dollars = Event(
        "x",
        "/b",
        "visit.completed",
        "p-1",
        paid.time,
        {**paid.data, "net": {"minor": 100_000, "currency": "USD"}},
    )
    assert look_at(condition, facts_of([dollars]), "2026-01-02")


# -- what only journeys may ask -----------------------------------------------------------------------------------------------


def run(name: str, outcome: str | None = None) -> Enrollment:
    moment = at("2026-01-01")
    return Enrollment(
        f"{name}/p-1/x",
        "p-1",
        name,
        "v",
        "x",
        moment,
        "time",
        None,
        "",
        moment,
        moment,
        None,
        outcome=outcome,
    )


def sent(name: str, patient: str = "p-1") -> Contact:
    return Contact(at("2026-01-01"), "marketing", "sms", "+30", name, patient)


@pytest.mark.parametrize(
    ("text", "more", "holds"),
    [
        ("{journey: {active: [a]}}", {"enrollments": [run("a")]}, True),
        ("{journey: {active: [a]}}", {"enrollments": [run("a", "goal")]}, False),
        ("{journey: {ever: [a]}}", {"enrollments": [run("a", "goal")]}, True),
        ("{journey: {ever: [b]}}", {"enrollments": [run("a")]}, False),
        ("{got_message: {journey: a, in: 90 days}}", {"contacts": [sent("a")]}, True),
        ("{got_message: {journey: a, in: 10 days}}", {"contacts": [sent("a")]}, False),
        ("{got_message: {in: 90 days}}", {"contacts": [sent("z")]}, True),
        ("{got_message: {journey: a}}", {"contacts": [sent("a", "who shares the phone")]}, False),
        ("{got_message: {journey: b, in: 90 days}}", {"contacts": [sent("a")]}, False),
    ],
)
def test_what_was_sent_and_what_is_under_way(text: str, more: dict[str, Any], holds: bool) -> None:
    assert (look_at(condition_of(text, CLINIC), facts_of([]), "2026-02-01", **more) is None) is holds


def test_this_is_the_appointment_that_started_the_journey() -> None:
    condition = condition_of("{this: {families: [toxin]}}", CLINIC, this=True)
    facts = facts_of([BODY, FACE])
    body, face = facts.appointments
    assert look_at(condition, facts, "2026-05-01", this=face) is None
    assert look_at(condition, facts, "2026-05-01", this=body)
    assert look_at(condition, facts, "2026-05-01")


@pytest.mark.parametrize("span", ["1 month and 30 days", "6 months and 184 days", "12 months"])
def test_a_booking_comes_near_on_the_day_that_its_turn_names(span: str) -> None:
    condition = condition_of(f"{{next_booking: within {span}}}", CLINIC)
    for offset in range(730):
        day = date(2027, 1, 1) + timedelta(days=offset)
        if 3 < day.day < 26:
            continue
        facts = facts_of([booking(f"{day} 10:00", "b", told="2025-01-01")])
        look = Look(facts, day - timedelta(days=500), {})
        while not condition.holds(look):
            turn = turn_of(condition, look)
            assert turn is not None
            assert not condition.holds(look.on(turn - timedelta(days=1))), (day, turn)
            look = look.on(turn)


@pytest.mark.parametrize(
    "text",
    [
        "{age: at least 9999}",
        "{age: 18 to 9000}",
        "{birthday: in the next 999 days}",
        "{visits: at least 1 in 100 years}",
    ],
)
def test_a_number_far_out_of_reach_is_refused_or_simply_never_true(text: str) -> None:
    reader = Reader()
    condition = parse_condition(reader, tree(text), Scope(CLINIC, frozenset()))
    look = Look(facts_of([BORN, BODY]), date(2026, 6, 1), {})
    if not reader.problems:
        turn = turn_of(condition, look)
        assert isinstance(condition.holds(look), bool)
        assert turn is None or turn > look.today

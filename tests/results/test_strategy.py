"""What the journeys would have done in the year behind, and will do in the days ahead; and that the paper speaks of every step."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from tests.domain.build import (
    ATHENS,
    EITHER,
    POLICY,
    at,
    booking,
    clinic,
    event,
    journey,
    ledger_of,
    rules,
    visit,
    willing,
)
from tests.domain.strategies import events as any_events
from worker.domain.conditions.grammar import VOCABULARY
from worker.domain.events import Event
from worker.domain.facts import Facts
from worker.domain.journey import GiveTask, Send
from worker.domain.ledger import empty, fold
from worker.domain.source import compose
from worker.results.strategy import DAYS, Ahead, Year, ahead
from worker.results.strategy.past import events_of
from worker.service.condition_words import said
from worker.service.strategy import Strategy
from worker.service.strategy_paper import few, paper
from worker.service.strategy_steps import noticed
from worker.workspace.drawing import written_journeys
from worker.workspace.files import read_folder
from worker.workspace.rooms import load

NOW = "2026-06-15 10:00"  # a Monday
WIN_BACK = journey("win_back", "{enters: inactive_6}", EITHER, "{id: call, wait: 14 days, task: front_desk, due: 2 working days, note: Call.}", expires="3 days")  # fmt: skip
MISSED = journey("missed", "{event: booking.no_show}", "{id: sorry, wait: 3 days, send: sms, template: t}", repeat="always")  # fmt: skip
SAMPLE = Path(__file__).parents[2]


def year(*told: Event, share: float = 1.0, journeys: tuple[str, ...] = (WIN_BACK, MISSED)) -> Year:
    found = Year(rules(*journeys, policy=POLICY), at(NOW), share)
    found.add("p-1", ledger_of(told))
    return found


def coming(*patients: list[Event], more: tuple[str, ...] = (WIN_BACK,)) -> Ahead:
    told: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        (f"p-{number}", ledger_of(events), {}) for number, events in enumerate(patients)
    ]
    return ahead(rules(*more, policy=POLICY), at(NOW), told, {})


# ---- the year behind --------------------------------------------------------------------------------------


def test_who_lapsed_in_the_year_would_have_been_written_to() -> None:
    past = year(willing(), visit("2025-09-10")).journeys["win_back"]
    assert (past.by_time, past.by_event) == (1, 0)
    assert dict(past.steps) == {"hello": 1, "call": 1}


def test_who_lapsed_before_the_year_would_not() -> None:
    past = year(willing(), visit("2024-09-10")).journeys["win_back"]
    assert past.starts == 0


def test_without_consent_a_journey_begins_and_writes_nothing() -> None:
    past = year(visit("2025-09-10")).journeys["win_back"]
    assert (past.starts, past.steps["hello"], past.steps["call"]) == (1, 0, 1)


def test_an_event_of_the_year_begins_its_journey_and_its_message_comes_days_later() -> None:
    told = booking("2026-03-10", "a-1", told="2026-03-01")
    missed = booking("2026-03-10", "a-1", told="2026-03-10", kind="booking.no_show")
    past = year(willing(), told, missed).journeys["missed"]
    assert (past.by_event, past.by_time) == (1, 0)
    assert past.later == {"sms": {3: 1}}
    assert past.weekdays == {date(2026, 3, 13).weekday(): 1}
    assert past.by_then("sms", 2) == 0
    assert past.by_then("sms", 3) == pytest.approx(1 / 362)


def test_a_part_of_the_base_stands_for_the_whole() -> None:
    past = year(willing(), visit("2025-09-10"), share=0.25).journeys["win_back"]
    assert (past.starts, past.steps["hello"]) == (4, 4)


def test_who_was_forgotten_begins_nothing() -> None:
    past = year(willing(), visit("2025-09-10"), event("patient.erased", "2026-05-01")).journeys["win_back"]
    assert past.starts == 0


def facts(ledger: dict[str, Any]) -> list[tuple[Any, ...]]:
    found = Facts("p-1", ledger, clinic())
    return [
        (a.id, a.status, a.day, a.net, [s.code for s in a.services], a.cancelled_by)
        for a in found.appointments
    ]


@given(any_events(ATHENS, ends=False))
def test_a_ledger_told_again_as_events_is_the_same_ledger(told: list[Event]) -> None:
    ledger = ledger_of(told)
    again = empty()
    for one in events_of("p-1", ledger):
        again = fold(again, one)
    # Whose cancellation it was is said by a cancellation alone.
    assert [row[:5] for row in facts(again)] == [row[:5] for row in facts(ledger)]


# ---- the days ahead ---------------------------------------------------------------------------------------


def test_who_will_lapse_is_written_to_on_that_day() -> None:
    found = coming([willing(), visit("2026-01-07")])
    sent = [day for day in found.days if found.time(day, "sms", "email")]
    assert sent == [date(2026, 7, 7)]
    assert found.starts == {"win_back": 1}
    assert (found.days[0], found.days[-1], len(found.days)) == (date(2026, 6, 15), date(2026, 8, 13), DAYS)


def test_a_sunday_waits_for_monday() -> None:
    found = coming([willing(), visit("2026-01-05")])  # six months later is a Sunday
    assert [day for day in found.days if found.time(day, "sms")] == [date(2026, 7, 6)]


def test_who_lapsed_already_is_not_written_to() -> None:
    assert coming([willing(), visit("2025-11-05")]).starts == {}


def test_a_pace_lets_so_many_begin_a_day() -> None:
    paced = journey("win_back", "{enters: inactive_6}", EITHER, pace="2 per day")
    people = [
        [willing(phone=f"+30690000000{n}", email=f"p{n}@example.com"), visit("2026-01-07")] for n in range(5)
    ]
    found = coming(*people, more=(paced,))
    assert [(day.day, found.time(day, "sms")) for day in found.days if found.time(day, "sms")] == [(7, 2), (8, 2), (9, 1)]  # fmt: skip


def test_what_events_begin_comes_on_top_as_an_average_of_the_year() -> None:
    told = booking("2026-03-10", "a-1", told="2026-03-01")
    missed = booking("2026-03-10", "a-1", told="2026-03-10", kind="booking.no_show")
    lived = year(willing(), told, missed)
    found = ahead(lived.rules, at(NOW), [], lived.journeys)
    sixty = sum(found.event(day, "sms") for day in found.days)
    # One message in a year, on a Friday, three days after its journey began.
    fridays = [day for day in found.days[3:] if day.weekday() == 4]
    assert sixty == pytest.approx(len(fridays) * 7 / 362)
    assert found.event(date(2026, 6, 16), "sms") == 0


# ---- the words --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{next_booking: none}", "no booking ahead"),
        ("{next_booking: none, not_in: [vip]}", "no booking ahead, not in “Very important”"),
        ("{none_of: [{tags: [complaint]}]}", "but not: marked “complaint”"),
        ("{any_of: [{visits: none}, {tags: [a, b]}]}", "no visit yet or marked “a” or “b”"),
        ("{visits: {of: {families: [laser_hair]}, is: 1 to 5, in: 18 months}}", "1 to 5 visits of laser hair in 18 months"),
        ("{last_visit: {of: {areas: [body]}, is: at least 60 days ago}}", "last visit of body at least 60 days ago"),
        ("{visits: at least 2 in 12 months}", "at least 2 visits in 12 months"),
        ("{this: {cancelled_by: [clinic]}}", "the appointment was cancelled by the clinic"),
        ("{allows: {email: health_profiling}}", "allows to be chosen by treatment (E-mail)"),
        ("{net_revenue: at least 1500 EUR in 12 months}", "net revenue at least 1500 eur in 12 months"),
    ],
)  # fmt: skip
def test_a_condition_reads_as_a_phrase(text: str, words: str) -> None:
    node, _ = compose(text, "a.yaml")
    assert said(node, {"vip": "Very important"}).casefold() == words.casefold()


@pytest.mark.parametrize("name", sorted(VOCABULARY))
def test_every_word_of_the_vocabulary_can_be_said(name: str) -> None:
    node, problems = compose(VOCABULARY[name].example, "a.yaml")
    assert not problems
    assert said(node, {})


@pytest.mark.parametrize(
    ("rate", "words"), [(0, "0"), (0.04, "under 0.1"), (0.96, "1.0"), (9.9, "9.9"), (9.96, "10"), (1234.4, "1,234")]
)  # fmt: skip
def test_a_rate_is_as_exact_as_it_is_known(rate: float, words: str) -> None:
    assert few(rate) == words


def test_the_paper_of_the_sample_clinic_speaks_of_every_step_of_every_live_journey() -> None:
    files = read_folder(SAMPLE)
    rooms = load(files)
    written = written_journeys(files)
    lived = Year(rooms.rules, at(NOW))
    next_days = ahead(rooms.rules, at(NOW), [], lived.journeys)
    plan = Strategy(at(NOW), rooms, files, 0, {}, lived.journeys, next_days, 1.0, 0)
    drawn = paper(plan)
    sections = {section.key: section for section in drawn.sections}
    for one in plan.journeys:
        wanted = [step.id for step in one.all_steps() if isinstance(step.action, Send | GiveTask)]
        told = list(noticed(one, written[one.name][1], {}))
        assert [step.id for step in told] == wanted
        assert all(step.when and "{" not in step.when for step in told), one.name
        (grid,) = sections[f"journey-{one.name}"].grids
        assert len(grid.rows) == len(wanted)
        assert all(all(cell for cell in row) for row in grid.rows)
        assert not any("{" in said_of or "_" in said_of for said_of in sections[f"journey-{one.name}"].said)
    assert len(sections["overview"].grids[0].rows) == len(plan.journeys) == 17
    assert drawn.sign
    assert timedelta(days=len(sections["calendar"].grids[1].rows)) == timedelta(days=DAYS)

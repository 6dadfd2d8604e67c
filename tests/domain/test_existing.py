"""Patients who stood where a journey starts before: since when, which step is theirs, and that nobody is let in twice."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.build import (  # fmt: skip
    EITHER,
    NO_POLICY,
    POLICY,
    SMS,
    at,
    booking,
    event,
    journey,
    ledger_of,
    local,
    rules,
    upserted,
    visit,
    willing,
)
from worker.domain.calendar import local_day, zone
from worker.domain.events import Event
from worker.domain.history import Trace, Transition
from worker.domain.lots import turns
from worker.domain.patient import Patient
from worker.domain.planner import Planner
from worker.domain.replay import Replay, Sent
from worker.domain.rules import Rules
from worker.domain.spread import a_day, most_sends, shut

NOW = "2026-06-15 10:00"  # a Monday
CALL = "{id: call, wait: 3 weeks, send: sms, template: t}"
WIN_BACK = journey("win_back", "{enters: inactive_6}", EITHER, CALL, expires="3 days")
SECOND = journey("another", "{enters: inactive_6}", SMS, priority="1", expires="3 days", pace="5 per day")


def planner(told: Iterable[Event], where: Rules, now: str = NOW) -> Planner:
    """A patient with these events, with all time passed; nothing has started."""
    quiet = Rules.build(0, where.clinic, where.segments, where.policy, {})
    first = Planner(quiet, Patient("p-1"), at(now))
    for one in sorted(told, key=lambda one: one.order):
        first.absorb(one)
    first.catch_up(at(now))
    found = Planner(where, first.patient, at(now))
    found.pass_time(at(now))
    return found


def lapsed(day: str, *more: Event, text: str = WIN_BACK, policy: str = NO_POLICY) -> Planner:
    return planner([willing(), visit(day), *more], rules(text, policy=policy))


def answers(found: Planner, **how: Any) -> list[tuple[str, str]]:
    return [(one.journey, one.answer) for one in found.enroll_existing(**how)]


def run_of(found: Planner) -> Any:
    [run] = found.patient.enrollments.values()
    return run


# ---- who, and since when ----------------------------------------------------------------------------------


def test_who_stands_there_is_let_in_dated_back_and_waits_for_a_turn() -> None:
    found = lapsed("2025-12-05")
    assert answers(found) == [("win_back", "enrolled")]
    run = run_of(found)
    assert (run.anchor, run.entered_at, local(run.based_at)) == (
        "inactive_6@2026-06-05",
        at(NOW),
        "2026-06-05 00:00",
    )
    assert run.waits_for_turn
    assert run.due_at is None


def test_who_does_not_stand_there_is_not_asked() -> None:
    assert answers(lapsed("2026-02-01")) == []


def test_the_day_is_the_one_on_which_segment_and_if_became_true_together() -> None:
    text = journey("win_back", "{enters: inactive_6, if: {next_booking: none}}", EITHER, CALL)
    booked = booking("2026-07-01", "a-2", told="2026-05-01")
    gone = event("booking.cancelled", "2026-06-12", appointment_id="a-2", cancelled_by="patient")
    found = lapsed("2025-12-05", booked, gone, text=text)
    assert answers(found) == [("win_back", "enrolled")]
    assert run_of(found).anchor == "inactive_6@2026-06-12"


def test_a_visit_in_between_begins_the_time_anew() -> None:
    found = lapsed("2024-01-10", visit("2025-12-10", "a-2"))
    [stood] = found.enroll_existing()
    assert stood.since == date(2026, 6, 10)


def test_a_record_that_was_told_again_since_changes_no_day() -> None:
    found = lapsed("2025-12-05", upserted("2026-06-14", first_name="Eleni"))
    assert found.enroll_existing()[0].since == date(2026, 6, 5)


@given(st.lists(st.integers(0, 900), min_size=1, max_size=6, unique=True), st.integers(0, 400))
@settings(max_examples=60)
def test_the_day_is_that_of_the_transition_that_time_made(days: list[int], wait: int) -> None:
    """Lived through as it came, the patient entered the segment on the day that is found afterwards."""
    texts = [journey(name, f"{{enters: {name}}}", SMS) for name in ("inactive_6", "inactive_12", "regular", "new")]  # fmt: skip
    where = rules(*texts)
    began = date(2022, 1, 1)
    told = [visit(str(began + timedelta(days=day)), f"a-{day}") for day in sorted(days)]
    now = str(began + timedelta(days=max(days) + wait)) + " 18:00"
    lived = Replay(where)
    entered: dict[str, date] = {}
    for _, _, line in lived.run(sorted([willing(), *told], key=lambda one: one.order), at(now)):
        if isinstance(line, Transition) and line.change == "entered":
            entered[line.segment] = local_day(line.at, zone(where.clinic.timezone))
    found = planner([willing(), *told], where, now)
    for one in found.enroll_existing():
        assert one.since == entered[one.journey]


# ---- one at a time, once ----------------------------------------------------------------------------------


def test_the_first_by_priority_takes_the_patient_and_no_other_does() -> None:
    found = planner([willing(), visit("2025-12-14")], rules(WIN_BACK, SECOND))
    assert answers(found) == [("another", "enrolled"), ("win_back", "another")]
    assert answers(found) == [("another", "under_way"), ("win_back", "under_way")]
    assert len(found.patient.enrollments) == 1


def test_the_same_reason_lets_nobody_in_twice() -> None:
    found = lapsed("2025-12-15", text=journey("win_back", "{enters: inactive_6}", SMS, repeat="always"))
    found.enroll_existing()
    run = run_of(found)
    found.end(run, "finished", "all steps done", at(NOW))
    assert answers(found) == [("win_back", "before")]


def test_who_was_started_on_the_day_itself_is_not_let_in_for_it_again() -> None:
    text = journey("win_back", "{enters: inactive_6}", SMS, repeat="always")
    lived = Replay(rules(text))
    list(lived.run([willing(), visit("2025-12-05")], at(NOW)))
    found = Planner(lived.rules, lived.patients["p-1"], at(NOW))
    [run] = found.patient.enrollments.values()
    assert not run.active
    assert answers(found) == [("win_back", "before")]


def test_of_whom_every_step_is_past_nobody_is_let_in() -> None:
    found = lapsed("2025-09-01")
    assert answers(found) == [("win_back", "past")]
    assert not found.patient.enrollments


def test_a_paused_or_a_draft_journey_lets_nobody_in() -> None:
    draft = journey("win_back", "{enters: inactive_6}", SMS, status="draft")
    assert answers(lapsed("2025-12-14", text=draft)) == []


def test_who_has_died_is_not_asked() -> None:
    assert answers(lapsed("2025-12-14", event("patient.deceased", "2026-01-01"))) == []


# ---- steps ------------------------------------------------------------------------------------------------


def lived_on(told: list[Event], where: Rules, *, afresh: bool = False, base: int = 100) -> tuple[list[tuple[str, str]], list[str]]:  # fmt: skip
    """What leaves after patients were let in now: (when, step), and what was skipped."""
    replay = Replay(where, holdout="lot")
    replay.base = base
    for name in sorted({one.subject for one in told}):
        mine = [one for one in told if one.subject == name]
        replay.patients[name] = Patient(name, ledger=ledger_of(mine))
    names = sorted(replay.patients)
    list(replay.run([event("patient.upserted", NOW, name, historical=True) for name in names], at(NOW)))
    for name in names:
        replay.enroll_existing(name, at(NOW), afresh=afresh)
    lines = [line for _, _, line in replay.run((), at(NOW) + timedelta(days=120))]
    sent = [(local(line.at), line.message.step) for line in lines if isinstance(line, Sent)]
    return sent, [line.step for line in lines if isinstance(line, Trace) and line.what == "skipped"]


def test_what_is_past_is_skipped_and_what_lies_ahead_keeps_its_day() -> None:
    sent, skipped = lived_on([willing(), visit("2025-12-05")], rules(WIN_BACK))
    assert skipped == ["hello"]
    assert sent == [("2026-06-26 00:00", "call")]


def test_what_is_not_too_late_yet_is_still_sent() -> None:
    sent, skipped = lived_on([willing(), visit("2025-12-13")], rules(WIN_BACK))
    assert skipped == []
    assert [step for _, step in sent] == ["hello", "call"]


def test_in_a_rollout_the_steps_count_from_the_turn() -> None:
    sent, skipped = lived_on([willing(), visit("2023-01-05")], rules(journey("w", "{enters: inactive_12}", EITHER, CALL)), afresh=True)  # fmt: skip
    assert skipped == []
    assert sent == [("2026-06-15 10:00", "hello"), ("2026-07-06 10:00", "call")]


def test_consent_is_asked_as_ever() -> None:
    sent, _ = lived_on([visit("2025-12-13")], rules(WIN_BACK))
    assert sent == []


def test_many_are_spread_over_days_and_none_begins_on_a_day_that_is_closed() -> None:
    told: list[Event] = []
    for n in range(30):
        told.append(willing(subject=f"p-{n}", phone=f"+3069000000{n:02}"))
        told.append(visit("2024-01-05", f"a-{n}", subject=f"p-{n}"))
    limited = POLICY + "blast_limit: {marketing: 3% of patients a day, at least: 12}\n"
    where = rules(journey("w", "{enters: inactive_12}", SMS), policy=limited)
    sent, _ = lived_on(told, where, afresh=True)
    days = [when[:10] for when, _ in sent]
    assert len(sent) == 30
    assert max(days.count(day) for day in days) == 6
    assert "2026-06-21" not in days  # a Sunday
    assert sorted(set(days)) == ["2026-06-15", "2026-06-16", "2026-06-17", "2026-06-18", "2026-06-19"]


# ---- the spread -------------------------------------------------------------------------------------------


def test_a_pace_is_kept_and_without_one_half_of_the_limit_is_shared_by_all_their_messages() -> None:
    limited = POLICY + "blast_limit: {marketing: 3% of patients a day, at least: 25}\n"
    where = rules(WIN_BACK, SECOND, journey("third", "{enters: inactive_12}", SMS), policy=limited)
    assert a_day(where, where.journeys["another"], 10_000, {"win_back"}) == 5
    assert a_day(where, where.journeys["win_back"], 10_000, {"win_back"}) == 75
    assert a_day(where, where.journeys["win_back"], 10_000, {"win_back", "third", "another"}) == 50
    assert a_day(where, where.journeys["win_back"], 10, {"third"}) == 4
    assert most_sends(where.journeys["win_back"].steps) == 2


def test_a_day_is_shut_where_nothing_may_leave_on_it() -> None:
    where = rules(WIN_BACK, policy=POLICY)
    days = [date(2026, 12, 20) + timedelta(days=n) for n in range(7)]
    assert [shut(where, where.journeys["win_back"], day) for day in days] == [True, False, False, False, False, True, False]  # fmt: skip


def test_turns_pass_over_days_that_are_shut_and_do_not_look_for_ever() -> None:
    waiting = [(n, f"r-{n}") for n in range(3)]
    tz = zone("Europe/Athens")
    given = turns(waiting, {}, 1, at(NOW), tz, lambda day: day.weekday() != 6)
    assert [local(one)[:10] for one in given.values()] == ["2026-06-21", "2026-06-28", "2026-07-05"]
    assert len(turns(waiting, {}, 1, at(NOW), tz, lambda day: True)) == 3

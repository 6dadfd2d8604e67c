"""What happens to one patient, as sentences. Times are the clinic's wall clock; 2026-03-03 is a Tuesday."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.domain.build import (
    EITHER,
    NO_POLICY,
    POLICY,
    SMS,
    at,
    booking,
    event,
    journey,
    local,
    planner,
    rules,
    told,
    upserted,
    visit,
    willing,
)
from worker.domain.events import Event
from worker.domain.gate import Go
from worker.domain.planner import Patient
from worker.domain.rules import Rules

DAILY = 'quiet_hours: {marketing: "19:00 - 10:00"}'
GOAL = "{any_of: [booking.created, visit.completed], within: 60 days}"
WIN_BACK = journey("wb", "{enters: inactive_6, if: {next_booking: none}}", SMS, expires="3 days", goal=GOAL)
WELCOME = journey(
    "hi",
    "{enters: new, if: {next_booking: none}}",
    "{id: hello, wait: 30 days, send: sms, template: t}",
    goal=GOAL,
)
NO_SHOW = journey(
    "ns",
    "{event: booking.no_show}",
    "{id: hello, wait: 2 hours, send: sms, template: t}",
    one_per="appointment",
    purpose="care",
)
BOOKED = journey(
    "bk",
    "{event: booking.created}",
    "{id: hello, wait: 1 day, send: sms, template: t}",
    one_per="appointment",
    purpose="care",
    expires="3 days",
)
LAST = visit("2026-01-05 10:00")  # inactive_6 on Sunday 2026-07-05, inactive_12 on 2027-01-05


def cancelled(when: str, a: str = "b-1") -> Event:
    return event("booking.cancelled", when, appointment_id=a, cancelled_by="patient")


# -- starts -------------------------------------------------------------------------------------------------------------------


def test_the_first_message_leaves_at_the_first_open_moment_after_the_midnight() -> None:
    found = told(rules(WIN_BACK, policy=POLICY), willing(), LAST, until="2026-12-01")
    assert found.sent == [("2026-07-06 10:00", "hello", "sms")]
    assert found.whats() == ["started", "scheduled", "claimed", "sent", "finished"]


def test_enters_with_if_fires_when_both_become_true_together() -> None:
    booked = booking("2026-09-01 10:00", "b-1", told="2026-06-01")
    found = told(rules(WIN_BACK), willing(), LAST, booked, cancelled("2026-08-01 11:00"), until="2026-12-01")
    assert found.sent == [("2026-08-01 11:00", "hello", "sms")]
    assert [x.why for x in found.traces if x.what == "not started"] == ["has a booking on 2026-09-01"]


def test_enters_with_if_fires_at_the_midnight_after_a_booking_that_nobody_kept() -> None:
    booked = booking("2026-07-20 10:00", "b-1", told="2026-06-01")
    assert told(rules(WIN_BACK), willing(), LAST, booked, until="2026-12-01").sent == [
        ("2026-07-21 00:00", "hello", "sms")
    ]


def test_a_patient_who_is_in_the_segment_when_the_journey_is_published_is_not_enrolled() -> None:
    """Case 13: members exist, the journey is published."""
    old, new = rules(), rules(WIN_BACK, version=2)
    patient = Patient("p-1")
    planner(old, patient, "2026-01-05 10:00").receive(LAST)
    planner(old, patient, "2026-08-01").pass_time(at("2026-08-01"))
    for when in ("2026-08-02", "2026-08-03"):
        later = planner(new, patient, when)
        later.pass_time(at(when))
        assert not later.plan.enrollments
    assert not patient.enrollments


def test_leaves_starts_when_the_segment_is_left() -> None:
    text = journey("back", "{leaves: inactive_6}", "{id: note, task: desk}")
    found = told(rules(text), LAST, visit("2026-08-01", "a-2"), until="2026-09-01")
    assert [local(task.at) for task in found.tasks] == ["2026-08-01 12:00"]


def test_an_event_starts_only_for_the_appointments_it_is_narrowed_to() -> None:
    text = journey(
        "tox", "{event: {visit.completed: {families: [toxin]}}}", "{id: note, task: desk}", repeat="always"
    )
    found = told(
        rules(text),
        visit("2026-03-03", "a-1", code="LHR"),
        visit("2026-03-04", "a-2", code="TOX"),
        until="2026-04-01",
    )
    assert [local(task.at) for task in found.tasks] == ["2026-03-04 12:00"]


def test_if_may_speak_of_the_appointment_that_starts_the_journey() -> None:
    text = journey(
        "body",
        "{event: visit.completed, if: {this: {areas: [body]}}}",
        "{id: note, task: desk}",
        repeat="always",
    )
    found = told(
        rules(text),
        visit("2026-03-03", "a-1", code="LHR"),
        visit("2026-03-04", "a-2", code="TOX"),
        until="2026-04-01",
    )
    assert [local(task.at) for task in found.tasks] == ["2026-03-03 12:00"]
    assert "TOX" in found.why("not started")


@pytest.mark.parametrize("status", ["draft", "paused"])
def test_a_journey_that_is_not_live_starts_nobody(status: str) -> None:
    assert not told(rules(WIN_BACK + f"status: {status}\n"), willing(), LAST, until="2026-12-01").runs()


# -- repeats ------------------------------------------------------------------------------------------------------------------

LAPSES = (
    visit("2024-01-05", "a-1"),
    visit("2024-10-05", "a-2"),
    visit("2025-07-05", "a-3"),
)  # inactive_6 on 2024-07-05, 2025-04-05, 2026-01-05


@pytest.mark.parametrize(
    ("repeat", "entered"),
    [
        ("never", ["2024-07-05"]), ("always", ["2024-07-05", "2025-04-05", "2026-01-05"]),
        ("once every 9 months", ["2024-07-05", "2025-04-05", "2026-01-05"]), ("once every 10 months", ["2024-07-05", "2026-01-05"]),
        ("once every 18 months", ["2024-07-05", "2026-01-05"]), ("once every 19 months", ["2024-07-05"]),
    ],
)  # fmt: skip
def test_a_journey_repeats_as_it_says_measured_from_entry(repeat: str, entered: list[str]) -> None:
    """Cases 7 and 8: single entry; re-entry."""
    found = told(
        rules(journey("wb", "{enters: inactive_6}", SMS, repeat=repeat)),
        willing(),
        *LAPSES,
        until="2026-06-01",
    )
    assert [local(run.entered_at)[:10] for run in found.runs()] == entered


def test_a_segment_entered_twice_on_one_day_starts_once_even_where_the_journey_always_repeats() -> None:
    text = journey(
        "wb",
        "{enters: inactive_6, if: {next_booking: none}}",
        "{id: a, wait: 1 day, task: desk}",
        repeat="always",
        goal=GOAL,
    )
    booked = [
        booking("2026-09-01 10:00", a, told=when)
        for a, when in (("b-1", "2026-06-01"), ("b-2", "2026-08-01 12:00"))
    ]
    found = told(
        rules(text),
        LAST,
        *booked,
        cancelled("2026-08-01 11:00"),
        cancelled("2026-08-01 13:00", "b-2"),
        until="2026-12-01",
    )
    assert found.outcomes() == ["goal"]
    assert "this has started it before" in [x.why for x in found.traces if x.what == "not started"]


def test_a_patient_who_is_under_way_is_not_started_twice() -> None:
    text = journey("v", "{event: visit.completed}", "{id: a, wait: 60 days, task: desk}", repeat="always")
    found = told(rules(text), visit("2026-03-03", "a-1"), visit("2026-03-10", "a-2"), until="2026-03-20")
    assert len(found.runs()) == 1
    assert found.why("not started") == "it is under way already"


def test_the_same_booking_twice_is_one_run() -> None:
    """Case 1: keyed by booking; the same booking arrives twice."""
    once = booking("2026-03-20 10:00", "b-1", told="2026-03-03")
    retold = booking("2026-03-20 10:00", "b-1", told="2026-03-04", version=2)
    found = told(rules(BOOKED), willing(), once, once, retold, until="2026-04-01")
    assert len(found.runs()) == len(found.sent) == 1


def test_two_bookings_are_two_runs_and_a_cancellation_ends_its_own_alone() -> None:
    """Case 2: two bookings, one cancelled."""
    both = [
        booking("2026-03-20 10:00", "b-1", told="2026-03-03 12:00"),
        booking("2026-03-22 10:00", "b-2", told="2026-03-03 13:00"),
    ]
    found = told(rules(BOOKED), willing(), *both, cancelled("2026-03-03 18:00"), until="2026-04-01")
    assert found.outcomes() == ["withdrawn", "finished"]
    assert found.sent == [("2026-03-04 13:00", "hello", "sms")]


def test_a_run_whose_booking_was_cancelled_before_it_reached_anybody_comes_again_when_it_is_booked_anew() -> (
    None
):
    found = told(
        rules(BOOKED),
        willing(),
        booking("2026-03-20 10:00", "b-1", told="2026-03-03 12:00"),
        cancelled("2026-03-03 15:00"),
        booking("2026-03-20 10:00", "b-1", told="2026-03-05"),
        until="2026-04-01",
    )
    assert found.outcomes() == ["withdrawn", "finished"]
    assert len(found.sent) == 1


def test_a_run_that_was_withdrawn_before_it_reached_anybody_does_not_use_up_a_turn() -> None:
    these = rules(journey("hi", "{enters: new}", "{id: hello, wait: 30 days, send: sms, template: t}"))
    first, voided = (
        visit("2026-03-03", "a-1"),
        visit("2026-03-03", "a-1", told="2026-03-05", kind="visit.voided"),
    )
    found = told(these, willing(), first, voided, visit("2026-03-20", "a-2"), until="2026-06-01")
    assert found.outcomes() == ["withdrawn", "finished"]
    assert len(found.sent) == 1


# -- goals --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "outcome"),
    [("2026-08-20", "goal"), ("2026-09-03 00:00", "goal"), ("2026-09-03 00:01", "goal_late")],
)
def test_a_goal_counts_within_its_window_and_ends_the_run_whenever_it_comes(when: str, outcome: str) -> None:
    text = journey(
        "wb",
        "{enters: inactive_6}",
        SMS,
        "{id: again, wait: 6 months, send: sms, template: t}",
        expires="3 days",
        goal=GOAL,
    )
    found = told(
        rules(text), willing(), LAST, booking("2026-10-10 10:00", "b-1", told=when), until="2027-03-01"
    )
    assert found.outcomes() == [outcome]
    assert [step for _, step, _ in found.sent] == ["hello"]


def test_the_goal_wins_and_the_pending_message_is_dropped() -> None:
    booked = booking("2026-07-20 10:00", "b-1", told="2026-07-06 09:59")
    found = told(rules(WIN_BACK, policy=POLICY), willing(), LAST, booked, until="2026-12-01")
    assert not found.sent
    assert found.outcomes() == ["goal"]
    assert found.why("dropped") == "the run has ended: booking.created, within 60 days"


def test_a_goal_narrowed_to_a_family_is_not_reached_by_another() -> None:
    text = journey(
        "wb",
        "{enters: inactive_6}",
        "{id: late, wait: 30 days, task: desk}",
        goal="{any_of: [{visit.completed: {families: [toxin]}}]}",
    )
    found = told(
        rules(text),
        LAST,
        visit("2026-07-10", "a-2", code="LHR"),
        visit("2026-07-20", "a-3", code="TOX"),
        until="2026-08-30",
    )
    assert [local(run.ended_at or run.entered_at) for run in found.runs()] == ["2026-07-20 12:00"]


def test_a_visit_told_again_with_another_price_is_no_second_visit_and_reaches_no_goal() -> None:
    retold = visit("2026-03-03 10:00", told="2026-03-20", version=2, net=500)
    found = told(rules(WELCOME), willing(), visit("2026-03-03 10:00"), retold, until="2026-04-30")
    assert found.outcomes() == ["finished"]
    assert found.sent == [("2026-04-02 10:00", "hello", "sms")]
    assert [(s, c) for _, s, c, _ in found.changes] == [
        ("prospect", "entered"),
        ("prospect", "left"),
        ("new", "entered"),
    ]


def test_a_visit_of_before_the_run_that_is_told_late_reaches_no_goal() -> None:
    text = journey("v", "{event: visit.completed}", "{id: a, wait: 30 days, task: desk}", goal=GOAL)
    late = visit("2026-03-02 10:00", "a-0", told="2026-03-05")
    assert told(rules(text), visit("2026-03-03 10:00"), late, until="2026-04-30").outcomes() == ["finished"]


# -- corrections --------------------------------------------------------------------------------------------------------------


def test_a_no_show_corrected_to_completed_withdraws() -> None:
    booked = booking("2026-03-03 10:00", "b-1", told="2026-03-01")
    missed = booking("2026-03-03 10:00", "b-1", told="2026-03-03 18:00", kind="booking.no_show")
    found = told(
        rules(NO_SHOW),
        willing(),
        booked,
        missed,
        visit("2026-03-03 10:00", "b-1", told="2026-03-03 19:00"),
        until="2026-03-10",
    )
    assert found.outcomes() == ["withdrawn"]
    assert not found.sent


def test_a_voided_first_visit_withdraws() -> None:
    found = told(
        rules(WELCOME),
        willing(),
        LAST,
        visit("2026-01-05 10:00", told="2026-01-20", kind="visit.voided"),
        until="2026-04-01",
    )
    assert found.outcomes() == ["withdrawn"]
    assert not found.sent


def test_a_late_visit_that_takes_the_status_away_withdraws() -> None:
    late = visit("2026-06-20 10:00", "a-2", told="2026-07-06 09:00")
    found = told(rules(WIN_BACK, policy=POLICY), willing(), LAST, late, until="2026-12-01")
    assert found.outcomes()[0] == "withdrawn"
    assert [when for when, _, _ in found.sent] == [], "the next lapse is on 2026-12-20"


def test_a_voided_visit_withdraws_the_journey_that_time_started_because_of_it() -> None:
    """The second visit never was, so on 2026-07-05 the patient had been away for eighteen months, not for six."""
    text = journey(
        "wb", "{enters: inactive_6}", "{id: hello, wait: 30 days, send: sms, template: t}", repeat="always"
    )
    first, second = visit("2025-01-05", "a-1"), visit("2026-01-05", "a-2")
    voided = visit("2026-01-05", "a-2", told="2026-07-10", kind="visit.voided")
    assert told(rules(text), willing(), first, second, voided, until="2026-12-01").outcomes() == [
        "finished",
        "withdrawn",
    ]


def test_a_voided_only_visit_withdraws_the_journey_that_time_started_because_of_it() -> None:
    text = journey("wb", "{enters: inactive_6}", "{id: hello, wait: 30 days, send: sms, template: t}")
    found = told(
        rules(text),
        willing(),
        LAST,
        visit("2026-01-05 10:00", told="2026-07-10", kind="visit.voided"),
        until="2026-12-01",
    )
    assert found.outcomes() == ["withdrawn"]
    assert not found.sent


def test_a_later_visit_does_not_withdraw_it_is_the_goal() -> None:
    text = journey(
        "wb", "{enters: inactive_6}", "{id: hello, wait: 30 days, send: sms, template: t}", goal=GOAL
    )
    assert told(rules(text), willing(), LAST, visit("2026-07-20", "a-2"), until="2026-09-01").outcomes() == [
        "goal"
    ]


def test_stop_if_ends_a_run_without_success_as_soon_as_it_holds() -> None:
    text = journey(
        "hi",
        "{enters: new}",
        "{id: hello, wait: 30 days, send: sms, template: t}",
        stop_if="{tags: [complaint]}",
    )
    found = told(
        rules(text),
        willing(),
        visit("2026-03-03"),
        upserted("2026-03-05", tags=["complaint"]),
        until="2026-06-01",
    )
    assert found.outcomes() == ["stopped"]
    assert not found.sent


# -- waits and lateness -------------------------------------------------------------------------------------------------------


def test_the_next_wait_counts_from_the_first_sendable_moment() -> None:
    text = journey(
        "wb",
        "{enters: inactive_6}",
        SMS,
        "{id: again, wait: 2 weeks, send: sms, template: t}",
        expires="3 days",
    )
    found = told(
        rules(text, policy='quiet_hours: {marketing: "19:00 - 10:00", sunday: all day}'),
        willing(),
        LAST,
        until="2026-12-01",
    )
    assert found.sent == [("2026-07-06 10:00", "hello", "sms"), ("2026-07-20 10:00", "again", "sms")]


def test_a_wait_of_fifteen_days_across_a_change_of_clocks_keeps_the_local_hour() -> None:
    """Case 20: not deferred again by a window of 08-20."""
    text = journey(
        "v",
        "{event: visit.completed}",
        "{id: a, wait: 15 days, send: sms, template: t}",
        send_between="08:00 - 20:00",
    )
    assert told(rules(text), willing(), visit("2026-03-20 08:00"), until="2026-05-01").sent == [
        ("2026-04-04 08:00", "a", "sms")
    ]


def test_without_a_zone_of_the_patients_a_wait_keeps_the_clinics_hour() -> None:
    """Case 3: no patient zone, a clinic in New York."""
    text = journey("v", "{event: visit.completed}", "{id: a, wait: 1 day, send: sms, template: t}")
    found = told(
        rules(text, tz="America/New_York"),
        willing(),
        visit("2026-03-07 09:00", tz="America/New_York"),
        until="2026-03-20",
    )
    assert found.sent == [("2026-03-08 09:00", "a", "sms")]


@pytest.mark.parametrize(
    ("tz", "expected"),
    [
        ("America/New_York", "2026-03-03 17:00"),
        ("Asia/Tokyo", "2026-03-04 03:00"),
        (None, "2026-03-03 12:00"),
    ],
)
def test_quiet_hours_are_kept_where_the_patient_is(tz: str | None, expected: str) -> None:
    text = journey("v", "{event: visit.completed}", SMS)
    found = told(
        rules(text, policy=DAILY), willing(timezone=tz), visit("2026-03-03 12:00"), until="2026-03-20"
    )
    assert found.sent == [(expected, "hello", "sms")]


def test_care_keeps_its_own_hours_and_is_not_stopped_by_a_sunday() -> None:
    text = journey("v", "{event: visit.completed}", SMS, purpose="care")
    assert told(
        rules(text, policy=POLICY), willing(), visit("2026-03-08 12:00"), until="2026-03-20"
    ).sent == [("2026-03-08 12:00", "hello", "sms")]


def test_a_step_that_is_too_late_is_skipped_and_says_so() -> None:
    """Case 16: the target time passed."""
    text = journey("wb", "{enters: inactive_6}", SMS, "{id: again, wait: 2 weeks, send: sms, template: t}")
    closed = told(
        rules(text, policy='quiet_hours: {marketing: "19:00 - 10:00", sunday: all day}'),
        willing(),
        LAST,
        until="2026-12-01",
    )
    assert [step for _, step, _ in closed.sent] == ["again"], (
        "the first may be a day late, and Monday 10:00 is more than a day"
    )
    assert (
        closed.why("dropped")
        == "too late: it was due on 2026-07-05 00:00 and may leave until 2026-07-06 00:00"
    )
    exact = told(rules(text, policy="quiet_hours: {sunday: all day}"), willing(), LAST, until="2026-07-10")
    assert exact.sent == [("2026-07-06 00:00", "hello", "sms")], "a day late is not more than a day late"


def test_a_worker_that_slept_skips_what_is_too_late_and_goes_on() -> None:
    text = journey(
        "v",
        "{event: visit.completed}",
        "{id: a, wait: 1 day, send: sms, template: t}",
        "{id: b, wait: 30 days, send: sms, template: t}",
    )
    patient = Patient("p-1")
    these = rules(text)
    planner(these, patient, "2020-01-01 12:00").receive(willing())
    planner(these, patient, "2026-03-03 12:00").receive(visit("2026-03-03 12:00"))
    later = planner(these, patient, "2026-03-10 12:00")
    later.pass_time(at("2026-03-10 12:00"))
    assert [(x.step, x.what) for x in later.plan.traces] == [("a", "skipped")]
    assert [local(run.due_at) for run in patient.enrollments.values() if run.due_at] == ["2026-04-03 12:00"]


def test_a_stop_ends_the_run_with_its_reason() -> None:
    text = journey("v", "{event: visit.completed}", SMS, "{id: end, wait: 1 day, stop: that is enough}")
    found = told(rules(text), willing(), visit("2026-03-03"), until="2026-04-01")
    assert [(run.outcome, run.reason) for run in found.runs()] == [("finished", "that is enough")]


def test_a_task_is_given_with_its_working_day() -> None:
    text = journey(
        "v",
        "{event: visit.completed}",
        "{id: call, task: front_desk, due: 2 working days, note: Ask how it went.}",
    )
    task = told(rules(text), visit("2026-03-06 12:00"), until="2026-04-01").tasks[0]
    assert (task.assignee, task.note, local(task.due_at)) == (
        "front_desk",
        "Ask how it went.",
        "2026-03-09 20:00",
    )


# -- caps, holds, consent -----------------------------------------------------------------------------------------------------

TWICE = journey("v", "{event: visit.completed}", SMS, repeat="always")
CAP = 'quiet_hours: {marketing: "19:00 - 10:00"}\nfrequency_caps: {marketing: [1 per 7 days]}'


def test_a_cap_defers_to_the_first_free_day_and_the_wait_is_excused() -> None:
    found = told(
        rules(TWICE, policy=CAP),
        willing(),
        visit("2026-03-03", "a-1"),
        visit("2026-03-05", "a-2"),
        until="2026-04-01",
    )
    assert found.sent == [("2026-03-03 12:00", "hello", "sms"), ("2026-03-10 10:00", "hello", "sms")]
    assert "1 per 1 week" in found.why("waits")


def test_two_caps_both_bind() -> None:
    policy = CAP.replace("[1 per 7 days]", "[1 per 7 days, 2 per 10 days]")
    visits = [visit(f"2026-03-{day:02}", f"a-{day}") for day in (3, 10, 12)]
    sent = [
        when for when, _, _ in told(rules(TWICE, policy=policy), willing(), *visits, until="2026-04-01").sent
    ]
    assert sent == ["2026-03-03 12:00", "2026-03-10 12:00", "2026-03-17 10:00"]


def test_a_cap_binds_the_address_that_two_patients_share() -> None:
    one, other = willing("2020-01-01", "p-1"), willing("2020-01-01", "p-2", email="other@example.com")
    found = told(
        rules(TWICE, policy=CAP),
        one,
        other,
        visit("2026-03-03", "a-1"),
        visit("2026-03-05", "a-2", subject="p-2"),
        until="2026-04-01",
    )
    assert [when for when, _, _ in found.sent] == ["2026-03-03 12:00", "2026-03-10 10:00"]
    assert [patient for patient, _ in found.to] == ["p-1", "p-2"]


def test_a_cap_of_marketing_does_not_bind_care() -> None:
    care = journey("c", "{event: visit.completed}", SMS, repeat="always", purpose="care")
    found = told(
        rules(TWICE, care, policy=CAP),
        willing(),
        visit("2026-03-03", "a-1"),
        visit("2026-03-05", "a-2"),
        until="2026-03-06",
    )
    assert sorted(name for _, name in found.to) == ["c", "c", "v"]


def test_what_a_cap_defers_for_more_than_a_week_is_dropped() -> None:
    policy = "frequency_caps: {marketing: [1 per 30 days]}"
    found = told(
        rules(TWICE, policy=policy),
        willing(),
        visit("2026-03-03", "a-1"),
        visit("2026-03-05", "a-2"),
        until="2026-05-01",
    )
    assert len(found.sent) == 1
    assert "too late" in found.why("dropped")


def held(when: str, until: str | None = None) -> Event:
    return event("patient.held", when, reason="complaint", until=until)


def test_a_hold_defers_and_the_message_leaves_after_the_release() -> None:
    text = journey("v", "{event: visit.completed}", "{id: hello, wait: 1 day, send: sms, template: t}")
    found = told(
        rules(text),
        willing(),
        visit("2026-03-03"),
        held("2026-03-03 18:00"),
        event("patient.released", "2026-03-06 09:00"),
        until="2026-04-01",
    )
    assert found.sent == [("2026-03-06 12:00", "hello", "sms")]
    assert found.why("waits") == "on hold: complaint"


def test_a_hold_of_more_than_a_week_lets_the_message_go() -> None:
    text = journey("v", "{event: visit.completed}", "{id: hello, wait: 1 day, send: sms, template: t}")
    found = told(rules(text), willing(), visit("2026-03-03"), held("2026-03-03 18:00"), until="2026-04-01")
    assert not found.sent
    assert "too late" in found.why("dropped")


def test_a_hold_with_an_end_lets_go_at_its_end() -> None:
    text = journey("v", "{event: visit.completed}", "{id: hello, wait: 1 day, send: sms, template: t}")
    found = told(
        rules(text),
        willing(),
        visit("2026-03-03"),
        held("2026-03-03 18:00", "2026-03-06T15:00:00+02:00"),
        until="2026-04-01",
    )
    assert found.sent == [("2026-03-06 15:00", "hello", "sms")]


def test_consent_revoked_between_plan_and_send_drops() -> None:
    revoked = event("consent.revoked", "2026-07-06 09:59", channel="sms", purpose="marketing")
    found = told(rules(WIN_BACK, policy=POLICY), willing(), LAST, revoked, until="2026-12-01")
    assert not found.sent
    assert found.why("dropped") == "sms: no leave for marketing (revoked on 2026-07-06)"


def test_without_consent_nothing_is_sent_and_the_journey_goes_on() -> None:
    """Case 18: no choice made."""
    text = journey("v", "{event: visit.completed}", SMS, "{id: call, task: desk}")
    found = told(
        rules(text), upserted("2020-01-01", phone="+306900000001"), visit("2026-03-03"), until="2026-04-01"
    )
    assert not found.sent
    assert len(found.tasks) == 1
    assert found.why("dropped") == "sms: no leave for marketing (never given)"


def test_the_first_channel_that_the_patient_has_and_allows_is_taken() -> None:
    text = rules(journey("v", "{event: visit.completed}", EITHER))
    assert told(text, willing(), visit("2026-03-03"), until="2026-04-01").sent[0][2] == "sms"
    assert told(text, willing(phone=None), visit("2026-03-03"), until="2026-04-01").sent[0][2] == "email"
    revoked = event("consent.revoked", "2026-01-01", channel="sms", purpose="marketing")
    assert told(text, willing(), revoked, visit("2026-03-03"), until="2026-04-01").sent[0][2] == "email"
    nothing = told(text, willing(phone=None, email=None), visit("2026-03-03"), until="2026-04-01")
    assert nothing.why("dropped") == "sms: no phone on record; email: no email on record"


def test_a_booking_after_the_plan_makes_the_message_pointless() -> None:
    """Case 25: a pending send, and the reason for it is gone."""
    text = journey("wb", "{enters: inactive_6}", SMS, expires="3 days", goal="{any_of: [visit.completed]}")
    found = told(
        rules(text, policy=POLICY),
        willing(),
        LAST,
        booking("2026-07-20 10:00", "b-1", told="2026-07-05 12:00"),
        until="2026-07-08",
    )
    assert found.why("dropped") == "the patient has a booking on 2026-07-20"


def test_nobody_under_eighteen_gets_marketing() -> None:
    found = told(
        rules(TWICE),
        willing(date_of_birth="2008-03-04"),
        visit("2026-03-03"),
        visit("2026-03-04", "a-2"),
        until="2026-04-01",
    )
    assert found.sent == [("2026-03-04 12:00", "hello", "sms")]
    assert found.why("dropped") == "the patient is under 18"


# -- ends of a patient --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "code"),
    [("patient.deceased", "the patient has died"), ("patient.erased", "the patient asked to be forgotten")],
)
def test_death_and_erasure_stop_everything(kind: str, code: str) -> None:
    found = told(
        rules(WIN_BACK, WELCOME, policy=POLICY),
        willing(),
        LAST,
        event(kind, "2026-01-20"),
        until="2027-12-01",
    )
    assert not found.sent
    assert [(run.outcome, run.reason) for run in found.runs()] == [("stopped", code)]


def test_nothing_starts_for_the_dead_not_even_work_for_a_person() -> None:
    text = journey("wb", "{enters: inactive_6}", "{id: call, task: front_desk}")
    found = told(rules(text), willing(), LAST, event("patient.deceased", "2026-01-20"), until="2026-12-01")
    assert not found.tasks
    assert not found.runs()


def test_an_erased_patient_is_in_no_segment_and_late_events_change_nothing() -> None:
    found = told(
        rules(WELCOME),
        willing(),
        LAST,
        event("patient.erased", "2026-01-20"),
        visit("2026-02-01", "a-2"),
        willing("2026-02-02"),
        until="2027-12-01",
    )
    assert found.replay.patients["p-1"].members == frozenset()
    assert ("2026-01-20 12:00", "new", "left", "event") in found.changes
    assert not found.sent


# -- merges -------------------------------------------------------------------------------------------------------------------


def merged(when: str, subject: str = "p-2", into: str = "p-1") -> Event:
    return event("patient.merged", when, subject, into=into)


def test_a_merge_unites_the_visits_and_starts_no_journey() -> None:
    text = journey("reg", "{enters: regular}", "{id: call, task: desk}")
    found = told(
        rules(text),
        visit("2026-01-05", "a-1"),
        visit("2026-02-05", "a-2", subject="p-2"),
        merged("2026-03-01"),
        until="2026-04-01",
    )
    assert "regular" in found.replay.patients["p-1"].members
    assert found.replay.patients["p-2"].members == frozenset()
    assert not found.runs()


def test_the_aliass_runs_end_with_a_merge_and_its_later_events_are_the_survivors() -> None:
    found = told(rules(WELCOME), willing("2020-01-01", "p-2"), visit("2026-01-05", "a-2", subject="p-2"), merged("2026-01-10"),
                 visit("2026-02-05", "a-3", subject="p-2"), until="2026-06-01")  # fmt: skip
    assert found.outcomes("p-2") == ["merged"]
    assert not found.sent
    assert [
        visit.day.day for visit in planner(rules(), found.replay.patients["p-1"], "2026-06-01").facts.visits
    ] == [5, 5]


@pytest.mark.parametrize(
    ("theirs", "when"), [("2026-06-10 10:00", "2026-06-08 10:00"), ("2026-07-10 10:00", "2026-06-18 10:00")]
)
def test_a_wait_follows_the_facts_that_a_merge_brings(theirs: str, when: str) -> None:
    text = journey(
        "j",
        "{event: visit.completed}",
        "{id: soon, wait: until 2 days before next_booking, send: sms, template: t}",
    )
    found = told(
        rules(text),
        willing(),
        booking("2026-06-20 10:00", "a-1", told="2026-03-01"),
        booking(theirs, "a-2", told="2026-03-02", subject="p-2"),
        visit("2026-03-03", "a-3"),
        merged("2026-03-10"),
        until="2026-06-30",
    )
    assert found.sent == [(when, "soon", "sms")]


def test_after_a_merge_the_more_restrictive_consent_decides() -> None:
    revoked = event("consent.revoked", "2026-01-02", "p-2", channel="sms", purpose="marketing")
    found = told(
        rules(TWICE), willing(), revoked, merged("2026-01-10"), visit("2026-03-03"), until="2026-04-01"
    )
    assert not found.sent
    assert "revoked on 2026-01-02" in found.why("dropped")


def test_a_merge_that_takes_the_reason_of_a_run_away_withdraws_it() -> None:
    found = told(rules(journey("hi", "{enters: new}", "{id: hello, wait: 30 days, send: sms, template: t}")), willing(), visit("2026-03-03", "a-1"),
                 visit("2025-10-05", "a-2", subject="p-2"), merged("2026-03-10"), until="2026-06-01")  # fmt: skip
    assert found.outcomes("p-1") == ["finished", "withdrawn"], "the first ran under the other id"


@pytest.mark.parametrize("kind", ["patient.erased", "patient.deceased"])
def test_a_merge_with_one_who_is_erased_or_dead_stops_the_survivors_runs(kind: str) -> None:
    text = journey("v", "{event: visit.completed}", "{id: call, wait: 30 days, task: desk}")
    found = told(
        rules(text),
        visit("2026-03-03"),
        event(kind, "2026-03-05", "p-2"),
        merged("2026-03-10"),
        until="2026-06-01",
    )
    assert not found.tasks
    assert found.outcomes("p-1")[0] in ("stopped", "withdrawn")


# -- history and rules --------------------------------------------------------------------------------------------------------


def test_what_is_historical_changes_facts_and_fires_nothing() -> None:
    old = visit("2026-01-05", historical=True)
    found = told(rules(WELCOME), willing(), old, until="2026-05-01")
    assert "new" in found.replay.patients["p-1"].members
    assert not found.runs()


def test_until_the_last_historical_event_time_fires_nothing_either() -> None:
    events = [
        willing(),
        visit("2025-01-05", "a-1", historical=True),
        visit("2025-09-05", "a-2", historical=True),
    ]
    found = told(rules(WIN_BACK), *events, until="2026-06-01", complete_from=at("2025-09-05"))
    assert [local(run.entered_at)[:10] for run in found.runs()] == ["2026-03-05"]


def test_a_live_event_that_tells_of_something_long_ago_fires_nothing() -> None:
    window = "feed: {live_window: 7 days}"
    for when, runs in (("2026-03-10 12:00", 1), ("2026-03-10 12:01", 0)):
        found = told(
            rules(WELCOME, policy=window), willing(), visit("2026-03-03 12:00", told=when), until="2026-03-11"
        )
        assert len(found.runs()) == runs
        assert "new" in found.replay.patients["p-1"].members


def test_a_change_of_rules_enrolls_nobody() -> None:
    """Case 12, the other half: an edit changes memberships silently."""
    patient = Patient("p-1")
    planner(rules(), patient, "2026-01-05 10:00").receive(LAST)
    three = "lifecycle: [{rest: otherwise}]\nsegments: {three: {last_visit: at least 3 months ago}}"
    new = rules(journey("t", "{enters: three}", "{id: call, task: desk}"), segments=three, version=2)
    rebuilt = planner(new, patient, "2026-06-01 12:00")
    rebuilt.pass_time(at("2026-06-01 12:00"))
    assert patient.members >= {"three"}
    assert not patient.enrollments
    assert not rebuilt.plan.tasks
    assert {x.cause for x in rebuilt.plan.transitions if x.segment == "three"} == {"rules"}


def test_after_a_change_of_rules_time_fires_again() -> None:
    patient = Patient("p-1")
    planner(rules(), patient, "2026-01-05 10:00").receive(LAST)
    new = rules(WIN_BACK, version=2)
    planner(new, patient, "2026-06-01").pass_time(at("2026-06-01"))
    planner(new, patient, "2026-07-06").pass_time(at("2026-07-06"))
    assert [local(run.entered_at)[:10] for run in patient.enrollments.values()] == ["2026-07-05"]


def test_who_is_under_way_stays_on_the_version_she_began_with() -> None:
    old = rules(journey("v", "{event: visit.completed}", "{id: a, wait: 10 days, task: first_wording}"))
    new = rules(
        journey("v", "{event: visit.completed}", "{id: a, wait: 1 day, task: second_wording}"), version=2
    )
    new = Rules(
        new.version,
        new.clinic,
        new.segments,
        new.policy,
        new.journeys,
        {("v", old.journeys["v"].version): old.journeys["v"]},
    )
    patient = Patient("p-1")
    planner(old, patient, "2026-03-03 12:00").receive(visit("2026-03-03 12:00"))
    early, due = planner(new, patient, "2026-03-06 12:00"), planner(new, patient, "2026-03-13 12:00")
    early.wake()
    due.wake()
    assert (early.plan.tasks, [task.assignee for task in due.plan.tasks]) == ([], ["first_wording"])


# -- pauses -------------------------------------------------------------------------------------------------------------------


def paused_and_live(*steps: str, **more: str) -> tuple[Rules, Rules]:
    live = rules(journey("v", "{event: visit.completed}", *steps, **more))
    stopped = rules(journey("v", "{event: visit.completed}", *steps, **more, status="paused"), version=1)
    return Rules(
        1,
        live.clinic,
        live.segments,
        live.policy,
        stopped.journeys,
        {("v", live.journeys["v"].version): live.journeys["v"]},
    ), live


def test_a_paused_journey_waits_and_goes_on_exactly_once() -> None:
    """Cases 17 and 21: paused while a step is due; not run, no failure, then once."""
    paused, live = paused_and_live("{id: a, wait: 1 day, task: desk}")
    patient = Patient("p-1")
    planner(live, patient, "2026-03-03 12:00").receive(visit("2026-03-03 12:00"))
    for when in ("2026-03-04 12:00", "2026-03-04 13:00", "2026-03-04 14:00"):
        waiting = planner(paused, patient, when)
        waiting.wake()
        assert not waiting.plan.tasks
    again = planner(live, patient, "2026-03-04 15:00")
    again.wake()
    again.wake()
    assert len(again.plan.tasks) == 1
    assert [run.outcome for run in patient.enrollments.values()] == ["finished"]


def test_a_message_that_is_scheduled_waits_while_its_journey_is_paused() -> None:
    paused, live = paused_and_live(SMS)
    patient = Patient("p-1")
    planner(live, patient, "2020-01-01 12:00").receive(willing())
    planner(live, patient, "2026-03-03 12:00").receive(visit("2026-03-03 12:00"))
    key = next(iter(patient.messages))
    waiting = planner(paused, patient, "2026-03-03 12:00")
    waiting.apply(key, waiting.verdict(key))
    assert (patient.messages[key].state, patient.messages[key].reason) == ("scheduled", "paused")
    assert isinstance(planner(live, patient, "2026-03-03 13:00").verdict(key), Go)


def test_what_a_pause_made_too_late_is_skipped_and_says_so() -> None:
    paused, live = paused_and_live("{id: a, wait: 1 day, task: desk}", expires="2 days")
    patient = Patient("p-1")
    planner(live, patient, "2026-03-03 12:00").receive(visit("2026-03-03 12:00"))
    for day in range(4, 30):
        planner(paused, patient, f"2026-03-{day:02} 13:00").wake()
    again = planner(live, patient, "2026-03-30 13:00")
    again.wake()
    assert not again.plan.tasks
    assert [x.what for x in again.plan.traces] == ["skipped", "finished"]


# -- what does not leave ------------------------------------------------------------------------------------------------------


def scheduled(these: Rules, patient: Patient) -> str:
    planner(these, patient, "2020-01-01 12:00").receive(willing())
    planner(these, patient, "2026-03-03 12:00").receive(visit("2026-03-03 12:00"))
    return next(iter(patient.messages))


def test_in_rehearsal_nothing_leaves_nothing_counts_and_the_journey_goes_on() -> None:
    text = journey("v", "{event: visit.completed}", SMS, "{id: b, wait: 1 day, task: desk}")
    patient = Patient("p-1")
    key = scheduled(rules(text, mode="rehearsal"), patient)
    now = planner(rules(text, mode="rehearsal"), patient, "2026-03-03 12:00")
    assert now.apply(key, now.verdict(key)).state == "rehearsed"
    assert not patient.contacts
    assert [(run.position, run.reached) for run in patient.enrollments.values()] == [("b", 0)]


def test_the_allow_list_lets_only_its_addresses_out() -> None:
    text = journey("v", "{event: visit.completed}", SMS)
    for allowed, rehearsal in (("+306900000001", False), ("+306900000002", True)):
        patient = Patient("p-1")
        these = rules(text, mode="allow_list", more=f'allow_list: ["{allowed}"]')
        key = scheduled(these, patient)
        assert planner(these, patient, "2026-03-03 12:00").verdict(key) == Go(
            "sms", "+306900000001", rehearsal
        )


def test_a_run_waits_until_its_message_settles() -> None:
    text = journey(
        "v", "{event: visit.completed}", SMS, "{id: b, wait: 1 day, task: desk}", expires="30 days"
    )
    these, patient = rules(text), Patient("p-1")
    key = scheduled(these, patient)
    now = planner(these, patient, "2026-03-03 12:00")
    now.apply(key, now.verdict(key))
    waiting = planner(these, patient, "2026-03-10 12:00")
    waiting.wake()
    assert not waiting.plan.tasks
    settled = planner(these, patient, "2026-03-10 12:00")
    settled.settle(key, "unknown")
    assert [local(task.at) for task in settled.plan.tasks] == ["2026-03-04 12:00"]


@pytest.mark.parametrize("state", ["sent", "failed", "unknown"])
def test_after_a_message_settles_the_next_wait_counts_from_when_it_could_leave(state: str) -> None:
    text = journey("v", "{event: visit.completed}", SMS, "{id: b, wait: 3 days, task: desk}")
    these, patient = rules(text), Patient("p-1")
    key = scheduled(these, patient)
    now = planner(these, patient, "2026-03-03 12:00")
    now.apply(key, now.verdict(key))
    planner(these, patient, "2026-03-03 12:01").settle(key, state)
    assert [run.due_at for run in patient.enrollments.values()] == [
        at("2026-03-03 12:00") + timedelta(days=3)
    ]


def test_a_patient_whom_a_run_left_gets_nothing_more_of_it() -> None:
    """Case 22: removed from a journey, nothing fires later."""
    found = told(
        rules(WELCOME, policy=NO_POLICY),
        willing(),
        LAST,
        visit("2026-01-05 10:00", told="2026-01-06", kind="visit.voided"),
        until="2027-12-01",
    )
    assert found.whats("scheduled", "sent") == []


def test_a_condition_that_holds_already_lets_the_first_step_go_at_once() -> None:
    """Case 4: nothing to wait for."""
    found = told(
        rules(journey("v", "{event: visit.completed}", SMS)),
        willing(),
        visit("2026-03-03"),
        until="2026-04-01",
    )
    assert found.sent == [("2026-03-03 12:00", "hello", "sms")]


def test_a_rehearsed_run_uses_up_nobodys_turn() -> None:
    rehearsing, live, patient = rules(WIN_BACK, mode="rehearsal"), rules(WIN_BACK), Patient("p-1")
    for heard in (willing(), LAST):
        planner(rehearsing, patient, "2026-01-05 12:00").receive(heard)
    planner(rehearsing, patient, "2026-07-05 00:00").pass_time(at("2026-07-05 00:00"))
    key = next(iter(patient.messages))
    now = planner(rehearsing, patient, "2026-07-06 10:00")
    now.apply(key, now.verdict(key))
    assert [run.outcome for run in patient.enrollments.values()] == ["rehearsed"]
    planner(live, patient, "2026-08-03 12:00").receive(visit("2026-08-03 10:00", "a-2"))
    planner(live, patient, "2027-02-03 00:00").pass_time(at("2027-02-03 00:00"))
    assert [run.outcome for run in patient.enrollments.values()] == ["rehearsed", None]

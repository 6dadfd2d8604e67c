"""Behaviour cases that other tools for such messages hold, or get wrong: here those that one patient's rules decide. Times are the clinic's wall clock; 2026-03-03 is a Tuesday.

The cases that the database, the dispatch or a publication decide are in tests/delivery/test_peers.py; `CASES` there and here name the tests by number.

Not here, nor there:
- 23 (a member of the staff removes a patient from a journey, a rule that matches again keeps her out, the staff add her again and she starts anew): nobody can yet be taken
  out of a journey, or put into one, by hand.
- 24 (when 5 % of a journey's messages fail people are warned; at 10 % the journey is paused as well): failures of single messages are counted and shown, but no share of
  them pauses a journey yet.
- 17 and 22 are held as far as a pause is written in the journey's file (`status: paused`) and a run ends by a rule (`stop_if`, a goal, a correction), not by a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pytest

from tests.domain.build import (
    SEGMENTS,
    SERVICES,
    SMS,
    Told,
    at,
    booking,
    event,
    journey,
    local,
    planner,
    rules,
    told,
    tree,
    upserted,
    visit,
    willing,
)
from worker.domain.events import Event
from worker.domain.planner import Patient
from worker.domain.shape import Reader
from worker.workspace.config import parse_clinic

VISIT = "{event: visit.completed}"
BOOKED = journey(
    "reminder",
    "{event: booking.created}",
    "{id: hello, wait: 1 day, send: sms, template: t}",
    one_per="appointment",
    purpose="care",
)
HEAR = "{id: hear, WAITlisten_for: HEARD, up_to: 1 day, then: {HEARD: [{id: yes, tag: heard}], nothing: [{id: no, tag: unheard}]}}"
LAPSE = visit("2026-01-05 10:00")  # inactive_6 on 2026-07-05


def hear(what: str, wait: str = "") -> str:
    return HEAR.replace("WAIT", wait).replace("HEARD", what)


def took(found: Told) -> list[tuple[str, str]]:
    return [(local(x.at, found.tz), x.step) for x in found.traces if x.what == "took"]


def entered(found: Told, segment: str) -> list[str]:
    return [when for when, name, change, _ in found.changes if (name, change) == (segment, "entered")]


def cancelled(when: str, a: str) -> Event:
    return event("booking.cancelled", when, appointment_id=a, cancelled_by="patient")


def replied(when: str) -> Event:
    return event("message.replied", when)


def test_peer_01_the_same_booking_twice_is_one_send() -> None:
    """Given a journey for each booking, when the same booking arrives twice, word for word and told anew, there is one send."""
    once = booking("2026-03-20 10:00", "b-1", told="2026-03-03")
    anew = booking("2026-03-20 10:00", "b-1", told="2026-03-06", version=2)
    found = told(rules(BOOKED), willing(), once, once, anew, until="2026-04-01")
    assert found.sent == [("2026-03-04 12:00", "hello", "sms")]
    assert found.outcomes() == ["finished"]


def test_peer_02_of_two_bookings_only_the_cancelled_one_takes_the_path_of_a_cancellation() -> None:
    """Given two bookings, when one is cancelled, only that one is asked about again; the other is reminded of as if nothing had been."""
    asked = journey(
        "asked", "{event: booking.cancelled}", "{id: ask, wait: 1 day, task: desk}", one_per="appointment"
    )
    both = [
        booking(f"2026-03-2{n} 10:00", f"b-{n}", told=f"2026-03-03 1{n}:00", code=code)
        for n, code in ((1, "LHR"), (2, "TOX"))
    ]
    found = told(
        rules(BOOKED, asked), willing(), *both, cancelled("2026-03-03 18:00", "b-2"), until="2026-04-01"
    )
    assert found.sent == [("2026-03-04 11:00", "hello", "sms")]
    assert [(run.journey, run.appointment, run.outcome) for run in found.runs()] == [
        ("reminder", "b-1", "finished"),
        ("reminder", "b-2", "withdrawn"),
        ("asked", "b-2", "finished"),
    ]
    assert [local(task.at) for task in found.tasks] == ["2026-03-04 18:00"]


def test_peer_03_a_wait_in_new_york_ends_at_nine_in_new_york() -> None:
    """Given a patient without a zone and a clinic in New York, a delay until 09:00 ends at 09:00 there, on both sides of a change of clocks."""
    ny = "America/New_York"
    text = journey(
        "v",
        VISIT,
        "{id: a, wait: 1 day, send: sms, template: t}",
        "{id: b, wait: until sunday 09:00, send: sms, template: t}",
    )
    found = told(rules(text, tz=ny), willing(), visit("2026-03-06 09:00", tz=ny), until="2026-03-20")
    assert found.sent == [("2026-03-07 09:00", "a", "sms"), ("2026-03-08 09:00", "b", "sms")]
    leave = [moment.hour for moment, _, line in found.lines if type(line).__name__ == "Sent"]
    assert leave == [14, 13], "in UTC: the clocks went forward on the 8th"


@pytest.mark.parametrize("what", ["message.replied", "booking.created"])
def test_peer_04_who_already_did_what_a_step_waits_for_goes_on_at_once(what: str) -> None:
    """Given a patient who has already done what a step listens for, when the run reaches the step, it goes on at once."""
    done = (
        replied("2026-03-04 09:00")
        if what == "message.replied"
        else booking("2026-05-01 10:00", "b-1", told="2026-03-04 09:00")
    )
    these = rules(journey("v", VISIT, SMS, hear(what, "wait: 3 days, ")))
    found = told(these, willing(), visit("2026-03-03 12:00"), done, until="2026-04-01")
    assert took(found) == [("2026-03-06 12:00", f"hear/{what}")]
    assert found.whats("tagged", "listening") == ["tagged"]


def test_peer_05_what_comes_after_the_time_out_takes_no_branch_any_more() -> None:
    """Given a run that waits for one day, when what it waits for comes later, it has taken the branch of the time-out alone, once."""
    late = (replied("2026-03-04 12:01"), replied("2026-03-09 12:00"))
    these = rules(journey("v", VISIT, SMS, hear("message.replied")))
    found = told(these, willing(), visit("2026-03-03 12:00"), *late, until="2026-04-01")
    assert took(found) == [("2026-03-04 12:00", "hear/nothing")]
    assert [x.why for x in found.traces if x.what == "tagged"] == ["+unheard"]


def test_peer_06_what_comes_in_time_takes_its_own_branch_alone() -> None:
    """Given a run that waits for one day, when what it waits for comes in time, it takes that branch alone, and at once."""
    early = (replied("2026-03-04 11:59"), replied("2026-03-04 11:59:30"))
    these = rules(journey("v", VISIT, SMS, hear("message.replied")))
    found = told(these, willing(), visit("2026-03-03 12:00"), *early, until="2026-04-01")
    assert took(found) == [("2026-03-04 11:59", "hear/message.replied")]
    assert [x.why for x in found.traces if x.what == "tagged"] == ["+heard"]


def test_peer_07_single_entry_triggered_twice_is_one_run() -> None:
    """Given a journey that may be entered once, when it is triggered twice, under way and after its end, there is one run."""
    text = journey("v", VISIT, "{id: a, wait: 10 days, task: desk}")
    visits = [visit(when, f"a-{when}") for when in ("2026-03-03", "2026-03-05", "2026-04-20")]
    found = told(rules(text), *visits, until="2026-06-01")
    assert found.outcomes() == ["finished"]
    assert len(found.tasks) == 1


def test_peer_08_re_entry_needs_the_segment_anew() -> None:
    """Given a journey that may be entered again, whose first run has finished: triggered while the patient is still in the segment it restarts, and not when
    she is not. Merely to stay in a segment triggers nothing: a journey that `enters` restarts when the segment is entered anew."""
    body = SEGMENTS + "segments: {body: {visits: {of: {areas: [body]}, is: at least 1, in: 30 days}}}\n"
    again = journey("a", "{event: visit.completed, if: {in: [body]}}", "{id: a, task: desk}", repeat="always")
    edge = journey("e", "{enters: body}", "{id: e, task: desk}", repeat="always")
    visits = [
        visit("2026-01-05", "a-1"),
        visit("2026-01-20", "a-2", code="TOX"),
        visit("2026-03-05", "a-3", code="TOX"),
        visit("2026-04-05", "a-4"),
    ]
    found = told(rules(again, edge, segments=body), *visits, until="2026-04-10")
    started = [(run.journey, local(run.entered_at)[:10]) for run in found.runs()]
    assert started == [
        ("a", "2026-01-05"),
        ("e", "2026-01-05"),
        ("a", "2026-01-20"),
        ("a", "2026-04-05"),
        ("e", "2026-04-05"),
    ]


def test_peer_09_without_visits_time_alone_makes_a_member() -> None:
    """Given a segment of those without visits in a span, when time passes without any event, the patient becomes a member, and a journey starts."""
    quiet = SEGMENTS + "segments: {quiet: {visits: none in 60 days, first_visit: any}}\n"
    these = rules(journey("q", "{enters: quiet}", SMS), segments=quiet)
    found = told(these, willing(), visit("2026-03-03"), until="2026-12-01")
    assert [change for change in found.changes if change[1] == "quiet"] == [
        ("2026-05-02 00:00", "quiet", "entered", "time")
    ]
    assert found.sent == [("2026-05-02 00:00", "hello", "sms")]


def test_peer_10_who_ages_out_of_a_window_and_comes_back_enters_twice() -> None:
    """Given a segment over a window, when a patient enters it, ages out of it and enters it again, there are two entries and two runs."""
    keen = SEGMENTS + "segments: {keen: {visits: at least 2 in 30 days}}\n"
    days = ("2026-03-03", "2026-03-05", "2026-05-05", "2026-05-07")
    these = rules(journey("k", "{enters: keen}", "{id: a, task: desk}", repeat="always"), segments=keen)
    found = told(these, *(visit(day, f"a-{day}") for day in days), until="2026-05-20")
    assert [(when[:10], change) for when, name, change, _ in found.changes if name == "keen"] == [
        ("2026-03-05", "entered"),
        ("2026-04-02", "left"),
        ("2026-05-07", "entered"),
    ]
    assert len(found.tasks) == 2


@pytest.mark.parametrize("same", [True, False])
def test_peer_11_a_duplicate_does_not_reset_the_clock(*, same: bool) -> None:
    """Given a condition that must have been so for seven days, when what made it so is told again, word for word or as a new telling, the seven days still
    count from the first; so does a wait of seven days."""
    rested = SEGMENTS + "segments: {rested: {last_visit: at least 7 days ago}}\n"
    by_segment = journey("r", "{enters: rested}", "{id: a, task: desk}", repeat="always")
    by_wait = journey("w", VISIT, "{id: b, wait: 7 days, task: desk}", repeat="always")
    first = visit("2026-03-03 12:00")
    second = first if same else visit("2026-03-03 12:00", told="2026-03-08 12:00", version=2)
    found = told(rules(by_segment, by_wait, segments=rested), first, second, until="2026-05-01")
    assert entered(found, "rested") == ["2026-03-10 00:00"]
    assert [(task.step, local(task.at)) for task in found.tasks] == [
        ("a", "2026-03-10 00:00"),
        ("b", "2026-03-10 12:00"),
    ]


def test_peer_12_after_an_edit_an_ex_member_leaves_and_the_next_event_qualifies_her_anew() -> None:
    """Given a member, when the segment's definition is edited so that she is none, she leaves, and nothing starts because of the edit; on the next event that
    fits the new definition she enters, and the journey starts."""
    text = journey("k", "{enters: keen}", "{id: a, task: desk}", repeat="always")
    old = rules(text, segments=SEGMENTS + "segments: {keen: {visits: at least 1}}\n")
    new = rules(text, segments=SEGMENTS + "segments: {keen: {visits: at least 2}}\n", version=2)
    patient = Patient("p-1")
    planner(old, patient, "2026-03-03").receive(visit("2026-03-03"))
    edited = planner(new, patient, "2026-03-10")
    edited.pass_time(at("2026-03-10"))
    assert [(x.segment, x.change, x.cause, x.silent) for x in edited.plan.transitions] == [
        ("keen", "left", "rules", True)
    ]
    assert not edited.plan.tasks
    later = planner(new, patient, "2026-03-20")
    later.receive(visit("2026-03-20", "a-2"))
    assert ("keen", "entered", "event") in [(x.segment, x.change, x.cause) for x in later.plan.transitions]
    assert [local(task.at) for task in later.plan.tasks] == ["2026-03-20 12:00"]


@pytest.mark.parametrize(
    ("own", "place", "clinic", "expected"),
    [
        ("Asia/Tokyo", "perth", "America/New_York", "Asia/Tokyo"),
        (None, "perth", "America/New_York", "Australia/Perth"),
        (None, "athens", "America/New_York", "America/New_York"),
        (None, None, "America/New_York", "America/New_York"),
        (None, None, "UTC", "UTC"),
    ],
)
def test_peer_14_the_zone_is_the_patients_then_the_places_then_the_clinics(
    own: str | None, place: str | None, clinic: str, expected: str
) -> None:
    """Given zones of the patient, of the place of her last visit and of the clinic, a time is kept in the first of these that there is. There is always the
    clinic's: without one its file is refused, so no zone is ever guessed."""
    these = rules(journey("v", VISIT, "{id: a, wait: until 09:30, send: sms, template: t}"), tz=clinic)
    seen = visit("2026-03-03 12:00", tz=clinic, location=place)
    found = told(these, willing(timezone=own), seen, until="2026-03-20")
    (moment,) = [moment for moment, _, line in found.lines if type(line).__name__ == "Sent"]
    assert local(moment, expected)[11:] == "09:30"


def test_peer_14_a_clinic_without_a_zone_is_refused() -> None:
    """Nothing falls back to UTC unsaid."""
    reader = Reader()
    parse_clinic(reader, tree("name: C\ncountry: GR\nlanguage: en\n", "config/clinic.yaml"), tree(SERVICES))
    assert [problem.code for problem in reader.problems if "timezone" in problem.message] == ["shape-missing"]


@pytest.mark.parametrize(
    ("seen", "leaves"), [("2026-03-04 17:30", "2026-03-05 00:30"), ("2026-03-05 17:30", "2026-03-12 00:00")]
)
def test_peer_15_thursday_is_thursday_in_tokyo(seen: str, leaves: str) -> None:
    """Given a journey that writes on Thursdays only and a patient in Tokyo, it is Thursday there that counts: Wednesday evening in Athens will do, Thursday
    evening will not."""
    text = journey("v", VISIT, SMS, send_on="thu", expires="8 days")
    found = told(rules(text), willing(timezone="Asia/Tokyo"), visit(seen), until="2026-04-01")
    (moment,) = [moment for moment, _, line in found.lines if type(line).__name__ == "Sent"]
    assert local(moment, "Asia/Tokyo") == leaves


def test_peer_16_a_target_that_is_past_is_skipped_with_a_reason() -> None:
    """Given a step that waits until a moment, when the run reaches it after that moment, and later than the journey allows, it is skipped, says why, and the
    run goes on."""
    text = journey(
        "v",
        VISIT,
        "{id: late, wait: until 2 days before next_booking, send: sms, template: t}",
        "{id: after, wait: 1 day, task: desk}",
    )
    soon = booking("2026-03-03 18:00", "b-1", told="2026-03-03 09:00")
    found = told(rules(text), willing(), soon, visit("2026-03-03 12:00"), until="2026-04-01")
    assert not found.sent
    assert found.why("skipped") == "too late: it was due on 2026-03-01 18:00"
    assert [local(task.at) for task in found.tasks] == ["2026-03-04 12:00"]


@pytest.mark.parametrize(
    ("purpose", "consent", "why"),
    [
        ("marketing", None, "sms: no leave for marketing (never given)"), ("marketing", {"sms": ["marketing"]}, None), ("care", None, None),
        ("marketing", {"sms": []}, "sms: no leave for marketing (the record of 2020-01-01 does not list it)"),
    ],
)  # fmt: skip
def test_peer_18_without_a_choice_what_must_be_asked_for_is_not_allowed(
    purpose: str, consent: dict[str, list[str]] | None, why: str | None
) -> None:
    """Given a patient who made no choice, a purpose that must be agreed to is not allowed; one that is allowed until revoked is."""
    record: dict[str, Any] = {} if consent is None else {"consent": consent}
    known = upserted("2020-01-01", phone="+306900000001", **record)
    found = told(
        rules(journey("v", VISIT, SMS, purpose=purpose)), known, visit("2026-03-03"), until="2026-04-01"
    )
    assert len(found.sent) == (why is None)
    assert [x.why for x in found.traces if x.what == "dropped"] == ([why] if why is not None else [])


def test_peer_19_after_the_window_of_saturday_comes_the_one_of_friday() -> None:
    """Given hours from 08 to 10 on Fridays and Saturdays, what falls due on Saturday noon leaves next Friday at 08:00."""
    text = journey("v", VISIT, SMS, send_on="[fri, sat]", send_between="08:00 - 10:00", expires="7 days")
    found = told(rules(text), willing(), visit("2026-03-07 12:00"), until="2026-04-01")
    assert found.sent == [("2026-03-13 08:00", "hello", "sms")]


@pytest.mark.parametrize(
    ("seen", "leaves"),
    [
        ("2026-03-20 08:00", "2026-04-04 08:00"),  # 15 times 24 hours later it is 09:00
        ("2026-10-15 08:00", "2026-10-30 08:00"),  # 15 times 24 hours later it is 07:00, and closed
        ("2026-03-20 19:30", "2026-04-04 19:30"),  # 15 times 24 hours later it is 20:30, and closed
    ],
)
def test_peer_20_fifteen_days_across_a_change_of_clocks_are_not_deferred_again(
    seen: str, leaves: str
) -> None:
    """Given a delay of 15 days from inside a window of 08 to 20 across a change of clocks, it ends inside the window and is not deferred again."""
    text = journey("v", VISIT, "{id: a, wait: 15 days, send: sms, template: t}", send_between="08:00 - 20:00")
    found = told(rules(text), willing(), visit(seen), until="2026-12-01")
    assert found.sent == [(leaves, "a", "sms")]
    assert not found.whats("waits")


REMOVALS: Final[Mapping[str, tuple[Event, str]]] = {
    "stop_if": (upserted("2026-03-05", tags=["complaint"]), "stopped"),
    "goal": (booking("2026-05-01 10:00", "b-1", told="2026-03-05"), "goal"),
    "corrected": (
        visit("2026-03-03 12:00", told="2026-03-05", version=9, kind="visit.voided"),
        "withdrawn",
    ),
    "forgotten": (event("patient.erased", "2026-03-05"), "stopped"),
}


@pytest.mark.parametrize("how", REMOVALS)
def test_peer_22_who_was_removed_from_a_journey_hears_nothing_of_its_time_out(how: str) -> None:
    """Given a run that listens, and would write when nobody answers: when the patient is taken out of the journey, the time-out does nothing."""
    ask = "{id: hear, listen_for: message.replied, up_to: 10 days, then: {nothing: [{id: again, send: sms, template: t}, {id: call, task: desk}]}}"
    text = journey("v", VISIT, SMS, ask, goal="booking.created", stop_if="{tags: [complaint]}")
    what, outcome = REMOVALS[how]
    assert len(told(rules(text), willing(), visit("2026-03-03 12:00"), until="2026-06-01").sent) == 2
    found = told(rules(text), willing(), visit("2026-03-03 12:00"), what, until="2026-06-01")
    assert [step for _, step, _ in found.sent] == ["hello"]
    assert not found.tasks
    assert not took(found)
    assert found.outcomes() == [outcome]


def test_peer_25_a_pending_send_goes_when_the_patient_leaves() -> None:
    """Given a message that waits for the morning, when the patient leaves what the journey is about, it is taken away and the run ends."""
    text = journey(
        "wb", "{enters: inactive_6}", SMS, expires="5 days", stop_if="{not_in: [inactive_6, inactive_12]}"
    )
    night = 'quiet_hours: {marketing: "19:00 - 10:00", sunday: all day}'
    back = visit("2026-07-05 18:00", "a-2")
    assert len(told(rules(text, policy=night), willing(), LAPSE, until="2026-07-20").sent) == 1
    found = told(rules(text, policy=night), willing(), LAPSE, back, until="2026-07-20")
    assert not found.sent
    assert found.outcomes() == ["stopped"]
    assert found.why("dropped") == "the run has ended: its `stop_if` holds"


CASES: Final = {
    1: test_peer_01_the_same_booking_twice_is_one_send,
    2: test_peer_02_of_two_bookings_only_the_cancelled_one_takes_the_path_of_a_cancellation,
    3: test_peer_03_a_wait_in_new_york_ends_at_nine_in_new_york,
    4: test_peer_04_who_already_did_what_a_step_waits_for_goes_on_at_once,
    5: test_peer_05_what_comes_after_the_time_out_takes_no_branch_any_more,
    6: test_peer_06_what_comes_in_time_takes_its_own_branch_alone,
    7: test_peer_07_single_entry_triggered_twice_is_one_run,
    8: test_peer_08_re_entry_needs_the_segment_anew,
    9: test_peer_09_without_visits_time_alone_makes_a_member,
    10: test_peer_10_who_ages_out_of_a_window_and_comes_back_enters_twice,
    11: test_peer_11_a_duplicate_does_not_reset_the_clock,
    12: test_peer_12_after_an_edit_an_ex_member_leaves_and_the_next_event_qualifies_her_anew,
    14: test_peer_14_the_zone_is_the_patients_then_the_places_then_the_clinics,
    15: test_peer_15_thursday_is_thursday_in_tokyo,
    16: test_peer_16_a_target_that_is_past_is_skipped_with_a_reason,
    18: test_peer_18_without_a_choice_what_must_be_asked_for_is_not_allowed,
    19: test_peer_19_after_the_window_of_saturday_comes_the_one_of_friday,
    20: test_peer_20_fifteen_days_across_a_change_of_clocks_are_not_deferred_again,
    22: test_peer_22_who_was_removed_from_a_journey_hears_nothing_of_its_time_out,
    25: test_peer_25_a_pending_send_goes_when_the_patient_leaves,
}

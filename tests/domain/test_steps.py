"""How a run goes on, verb by verb, as sentences. Times are the clinic's wall clock; 2026-03-03 is a Tuesday."""

from __future__ import annotations

from collections import Counter
from typing import Literal

import pytest

from tests.domain.build import (
    ATHENS,
    NO_POLICY,
    SEGMENTS,
    Told,
    at,
    booking,
    event,
    journey,
    planner,
    rules,
    told,
    visit,
    willing,
)
from worker.domain.events import Event
from worker.domain.lots import LOTS, lot
from worker.domain.patient import Patient
from worker.domain.replay import Replay
from worker.domain.rules import Rules
from worker.domain.starts import BY_RULES

START = "{event: visit.completed}"
SMS = "{id: hello, send: sms, template: t}"
BYE = "{id: bye, send: sms, template: t}"
ASK = "{id: answer, listen_for: [message.replied, link.clicked], up_to: 14 days, then: {message.replied: [{id: call, task: desk}], nothing: [{id: again, send: sms, template: t}]}}"
FIRST = visit("2026-03-03 12:00")


def replied(when: str, **data: str) -> Event:
    return event("message.replied", when, **data)


def ways(found: Told) -> list[str]:
    return [trace.step for trace in found.traces if trace.what == "took"]


def run(
    *steps: str,
    events: tuple[Event, ...] = (),
    until: str = "2026-06-30",
    start: str = START,
    segments: str = SEGMENTS,
    policy: str = NO_POLICY,
    **more: str,
) -> Told:
    these = rules(journey("j", start, *steps, **more), segments=segments, policy=policy)
    return told(these, willing(), FIRST, *events, until=until)


# -- listen_for ---------------------------------------------------------------------------------------------------------------


def test_what_is_heard_in_time_takes_its_way_alone() -> None:
    found = run(SMS, ASK, BYE, events=(replied("2026-03-05 09:00"),))
    assert ways(found) == ["answer/message.replied"]
    assert [task.step for task in found.tasks] == ["call"]
    assert found.sent == [("2026-03-03 12:00", "hello", "sms"), ("2026-03-05 09:00", "bye", "sms")]


def test_when_nothing_is_heard_the_deadline_takes_its_way_once_and_a_late_answer_none() -> None:
    found = run(SMS, ASK, events=(replied("2026-03-17 12:01"),))
    assert ways(found) == ["answer/nothing"]
    assert found.sent == [("2026-03-03 12:00", "hello", "sms"), ("2026-03-17 12:00", "again", "sms")]


def test_an_answer_at_the_very_deadline_is_heard() -> None:
    assert ways(run(SMS, ASK, events=(replied("2026-03-17 12:00"),))) == ["answer/message.replied"]


def test_what_was_answered_before_the_listening_began_counts() -> None:
    later = ASK.replace("up_to", "wait: 3 days, up_to")
    found = run(SMS, later, events=(replied("2026-03-04 09:00"),))
    assert ways(found) == ["answer/message.replied"]
    assert found.tasks[0].at == at("2026-03-06 12:00")


def test_an_answer_to_an_earlier_message_does_not_count_for_the_next() -> None:
    found = run(
        SMS, "{id: second, wait: 2 days, send: sms, template: t}", ASK, events=(replied("2026-03-04 09:00"),)
    )
    assert ways(found) == ["answer/nothing"]


def test_an_event_without_a_way_ends_the_listening() -> None:
    found = run(SMS, ASK, BYE, events=(event("link.clicked", "2026-03-04 09:00"),))
    assert ways(found) == ["answer/link.clicked"]
    assert found.sent[-1] == ("2026-03-04 09:00", "bye", "sms")


def test_an_answer_goes_to_the_run_that_wrote_last() -> None:
    one = journey("one", START, SMS, ASK)
    two = journey("two", START, "{id: hello, wait: 1 day, send: sms, template: t}", ASK)
    found = told(rules(one, two), willing(), FIRST, replied("2026-03-05 09:00"), until="2026-06-30")
    assert [(x.journey, x.step) for x in found.traces if x.what == "took"] == [
        ("two", "answer/message.replied"),
        ("one", "answer/nothing"),
    ]


def test_an_answer_that_names_its_journey_goes_there() -> None:
    one = journey("one", START, SMS, ASK)
    two = journey("two", START, "{id: hello, wait: 1 day, send: sms, template: t}", ASK)
    found = told(
        rules(one, two), willing(), FIRST, replied("2026-03-05 09:00", journey="one"), until="2026-06-30"
    )
    assert [(x.journey, x.step) for x in found.traces if x.what == "took"] == [
        ("one", "answer/message.replied"),
        ("two", "answer/nothing"),
    ]


def test_a_task_that_is_done_is_heard() -> None:
    task = "{id: call, task: desk}"
    listen = "{id: wait_for, listen_for: task.done, up_to: 7 days, then: {task.done: [{id: thanks, send: sms, template: t}]}}"
    found = run(task, listen, events=(event("task.done", "2026-03-05 16:00", step="call"),))
    assert found.sent == [("2026-03-05 16:00", "thanks", "sms")]


def test_a_booking_of_the_listed_kind_is_heard_and_another_is_not() -> None:
    listen = "{id: hear, listen_for: {booking.created: {families: [toxin]}}, up_to: 10 days, then: {booking.created: [{id: yes, tag: a}]}}"
    laser = booking("2026-04-01 10:00", "b-1", told="2026-03-05 10:00")
    toxin = booking("2026-04-02 10:00", "b-2", told="2026-03-06 10:00", code="TOX")
    assert ways(run(SMS, listen, events=(laser,))) == ["hear/nothing"]
    found = run(SMS, listen, events=(laser, toxin))
    assert ways(found) == ["hear/booking.created"]
    assert [x.at for x in found.traces if x.what == "took"] == [at("2026-03-06 10:00")]


BOOKS = "{{id: {id}, listen_for: booking.created, up_to: 30 days, then: {{booking.created: [{{id: {id}_tag, tag: {id}}}]}}}}"


def walked_held_out(*steps: str, events: tuple[Event, ...]) -> Told:
    replay = Replay(rules(journey("j", START, *steps, holdout="10%")), holdout="everybody")
    found = Told(replay, ATHENS)
    found.lines = list(replay.run([willing(), FIRST, *events], at("2026-06-30")))
    return found


@pytest.mark.parametrize("held_out", [False, True])
def test_two_that_listen_in_a_row_do_not_hear_one_booking_twice(held_out: bool) -> None:
    steps = (SMS, BOOKS.format(id="one"), BOOKS.format(id="two"))
    one = booking("2026-06-01 10:00", "b-1", told="2026-03-05 10:00")
    two = booking("2026-06-02 10:00", "b-2", told="2026-03-06 10:00")
    go = walked_held_out if held_out else run
    assert ways(go(*steps, events=(one,))) == ["one/booking.created", "two/nothing"]
    found = go(*steps, events=(one, two))
    assert ways(found) == ["one/booking.created", "two/booking.created"]
    assert [x.at for x in found.traces if x.what == "took"] == [
        at("2026-03-05 10:00"),
        at("2026-03-06 10:00"),
    ]


def test_a_booking_counts_since_the_message_was_due_whatever_came_between() -> None:
    split = "{id: lot, wait: 2 days, split: {a: 50%, b: 50%}}"
    early = booking("2026-06-01 10:00", "b-1", told="2026-03-04 10:00")
    assert ways(run(SMS, split, BOOKS.format(id="hear"), events=(early,)))[1:] == ["hear/booking.created"]
    second = "{id: second, wait: 3 days, send: sms, template: t}"
    assert ways(run(SMS, second, BOOKS.format(id="hear"), events=(early,))) == ["hear/nothing"]


def test_a_booking_before_the_quiet_hours_end_is_heard() -> None:
    quiet = 'quiet_hours: {marketing: "19:00 - 10:00"}'
    early = booking("2026-06-01 10:00", "b-1", told="2026-03-04 09:30")
    late = SMS.replace("send", "wait: until 09:00, send")
    assert ways(run(late, BOOKS.format(id="hear"), events=(early,), policy=quiet)) == ["hear/booking.created"]


def test_for_who_is_held_out_an_answer_before_the_withheld_message_does_not_count() -> None:
    second = "{id: second, wait: 2 days, send: sms, template: t}"
    early = booking("2026-06-01 10:00", "b-1", told="2026-03-04 09:00")
    answer = replied("2026-03-04 09:00", enrollment=f"j/p-1/{FIRST.id}")
    for listen in (BOOKS.format(id="hear"), ASK.replace("answer", "hear")):
        assert ways(walked_held_out(SMS, second, listen, events=(early, answer))) == ["hear/nothing"]
        assert ways(walked_held_out(SMS, listen, events=(early, answer))) != ["hear/nothing"]


def test_an_answer_to_the_message_before_that_is_told_late_does_not_count() -> None:
    second = "{id: second, wait: 2 days, send: sms, template: t}"
    patient = known_before(rules(journey("j", START, SMS, second, ASK)), FIRST, until="2026-03-06")
    these = rules(journey("j", START, SMS, second, ASK))
    answer = replied("2026-03-04 09:00", enrollment=f"j/p-1/{FIRST.id}")
    planner(these, patient, "2026-03-06").receive(answer)
    late = planner(these, patient, "2026-03-20")
    late.wake()
    assert [trace.step for trace in late.plan.traces if trace.what == "took"] == ["answer/nothing"]


def test_what_was_answered_after_what_was_heard_is_heard_next() -> None:
    first = "{id: one, wait: 3 days, listen_for: [message.replied, link.clicked], up_to: 2 days}"
    next_one = "{id: two, listen_for: message.replied, up_to: 2 days}"
    clicked = event("link.clicked", "2026-03-04 09:00")
    found = run(SMS, first, next_one, events=(clicked, replied("2026-03-05 09:00")))
    assert ways(found) == ["one/link.clicked", "two/message.replied"]
    found = run(SMS, first, next_one, events=(clicked,))
    assert ways(found) == ["one/link.clicked", "two/nothing"]


def test_two_that_listen_in_a_row_do_not_hear_one_answer_twice() -> None:
    one, two = (f"{{id: {name}, listen_for: message.replied, up_to: 5 days}}" for name in ("one", "two"))
    first, second = replied("2026-03-05 09:00"), replied("2026-03-06 09:00")
    assert ways(run(SMS, one, two, events=(first,))) == ["one/message.replied", "two/nothing"]
    assert ways(run(SMS, one, two, events=(first, second))) == ["one/message.replied", "two/message.replied"]


def test_a_message_that_was_due_before_what_was_heard_makes_nobody_hear_it_again() -> None:
    overdue = "{id: next, wait: until 1 day after first_visit, send: sms, template: t}"
    booked = booking("2026-06-01 10:00", "b-1", told="2026-03-05 10:00")
    found = run(SMS, BOOKS.format(id="one"), overdue, BOOKS.format(id="two"), events=(booked,))
    assert [step for _, step, _ in found.sent] == ["hello", "next"]
    assert ways(found) == ["one/booking.created", "two/nothing"]


def test_what_was_heard_while_the_listening_was_overdue_counts() -> None:
    these = rules(journey("j", START, SMS, ASK.replace("up_to", "wait: 3 days, up_to")))
    patient = known_before(these, FIRST, until="2026-03-05")
    late = planner(these, patient, "2026-03-07")
    late.receive(replied("2026-03-07 12:00"))
    assert [trace.step for trace in late.plan.traces if trace.what == "took"] == ["answer/message.replied"]


def test_the_goal_wins_over_listening() -> None:
    listen = (
        "{id: hear, listen_for: link.clicked, up_to: 10 days, then: {link.clicked: [{id: call, task: desk}]}}"
    )
    booked = booking("2026-04-01 10:00", "b-1", told="2026-03-05 10:00")
    found = run(
        SMS, listen, events=(booked, event("link.clicked", "2026-03-05 10:00")), goal="booking.created"
    )
    assert found.outcomes() == ["goal"]
    assert not found.tasks


def test_a_wait_inside_a_way_counts_from_what_was_heard() -> None:
    listen = "{id: hear, listen_for: message.replied, up_to: 10 days, then: {message.replied: [{id: call, wait: 2 days, task: desk}]}}"
    found = run(SMS, listen, events=(replied("2026-03-05 09:30"),))
    assert [task.at for task in found.tasks] == [at("2026-03-07 09:30")]


# -- branch -------------------------------------------------------------------------------------------------------------------


def test_a_branch_by_segment_takes_the_first_that_fits_and_goes_on_after_it() -> None:
    branch = "{id: who, branch: {regular: [{id: r, tag: a}], new: [{id: n, send: sms, template: t}], otherwise: [{id: o, task: desk}]}}"
    found = run(branch, BYE)
    assert ways(found) == ["who/new"]
    assert [step for _, step, _ in found.sent] == ["n", "bye"]
    assert not found.tasks


def test_a_branch_by_condition_may_speak_of_this_appointment() -> None:
    branch = "{id: what, branch: [{if: {this: {families: [toxin]}}, then: [{id: t, send: sms, template: t}], name: tox}, {otherwise: [{id: o, task: desk}]}]}"
    assert ways(run(branch)) == ["what/otherwise"]
    these = rules(journey("j", START, branch))
    assert ways(told(these, willing(), visit("2026-03-03 12:00", code="TOX"), until="2026-06-30")) == [
        "what/tox"
    ]


def test_a_branch_that_nothing_fits_goes_on() -> None:
    found = run("{id: who, branch: {regular: [{id: r, tag: a}]}}", BYE)
    assert ways(found) == ["who/otherwise"]
    assert [step for _, step, _ in found.sent] == ["bye"]


def test_a_branch_asks_when_it_is_reached() -> None:
    branch = "{id: who, wait: 7 months, branch: {inactive_6: [{id: r, task: desk}]}}"
    assert ways(run(branch, until="2026-12-01")) == ["who/inactive_6"]


def test_branches_within_branches_come_back_to_the_step_after_the_outermost() -> None:
    inner = "{id: inner, branch: {new: [{id: a, task: desk}], otherwise: []}}"
    found = run(f"{{id: outer, branch: {{new: [{inner}], otherwise: []}}}}", BYE)
    assert ways(found) == ["outer/new", "inner/new"]
    assert [step for _, step, _ in found.sent] == ["bye"]


def test_a_stop_inside_a_way_ends_the_run() -> None:
    found = run("{id: who, branch: {new: [{id: enough, stop: nothing to say}]}}", BYE)
    assert found.outcomes() == ["finished"]
    assert [(x.step, x.why) for x in found.traces if x.what == "finished"] == [("enough", "nothing to say")]
    assert not found.sent


# -- split --------------------------------------------------------------------------------------------------------------------

SPLIT = (
    "{id: words, split: {short: 30%, long: 70%}, then: {short: [{id: s, tag: a}], long: [{id: l, tag: b}]}}"
)


def test_a_split_is_by_share_and_sticks_to_the_patient() -> None:
    these = rules(journey("j", START, SPLIT, one_per="appointment"))
    chosen: Counter[str] = Counter()
    for number in range(400):
        name = f"p-{number}"
        events = [
            visit("2026-03-03 12:00", "a-1", subject=name),
            visit("2026-04-03 12:00", "a-2", subject=name),
        ]
        taken = ways(told(these, *events, until="2026-06-30"))
        assert len(taken) == 2
        assert taken[0] == taken[1]
        chosen[taken[0]] += 1
    assert 90 < chosen["words/short"] < 150


def test_lots_of_different_things_are_independent() -> None:
    both = sum(
        lot("c", "holdout", "a", str(n)) < LOTS // 2 and lot("c", "holdout", "b", str(n)) < LOTS // 2
        for n in range(2000)
    )
    assert 420 < both < 580


def test_a_story_may_fix_the_way_of_a_split() -> None:
    these = rules(journey("j", START, SPLIT))
    for name in ("short", "long"):
        replay = Replay(these, variants={("j", "words"): name})
        lines = list(replay.run([willing(), FIRST], at("2026-04-01")))
        assert ways(Told(replay, ATHENS, lines)) == [f"words/{name}"]


# -- tag ----------------------------------------------------------------------------------------------------------------------

TAGGED = SEGMENTS + "segments:\n  warm: {tags: [warm]}\n"


def test_a_tag_moves_segments_and_starts_what_waits_for_them() -> None:
    one = journey("one", START, "{id: set, wait: 2 days, tag: warm}")
    two = journey("two", "{enters: warm}", SMS)
    found = told(rules(one, two, segments=TAGGED), willing(), FIRST, until="2026-06-30")
    assert ("2026-03-05 12:00", "warm", "entered", "event") in found.changes
    assert found.sent == [("2026-03-05 12:00", "hello", "sms")]


def test_a_tag_is_taken_away_again() -> None:
    found = run(
        "{id: set, tag: [warm, x]}", "{id: unset, wait: 1 day, tag: {remove: [warm]}}", segments=TAGGED
    )
    assert [change for change in found.changes if change[1] == "warm"] == [
        ("2026-03-03 12:00", "warm", "entered", "event"),
        ("2026-03-04 12:00", "warm", "left", "event"),
    ]
    assert [x.why for x in found.traces if x.what == "tagged"] == ["+warm, +x", "-warm"]


def test_tags_that_start_one_another_come_to_rest() -> None:
    one = journey("one", "{enters: warm}", "{id: off, tag: {remove: [warm]}}", repeat="always")
    two = journey("two", "{leaves: warm}", "{id: on, tag: warm}", repeat="always")
    seed = journey("seed", START, "{id: set, tag: warm}")
    found = told(rules(one, two, seed, segments=TAGGED), willing(), FIRST, until="2026-03-20")
    assert len(found.runs()) < 10


# -- wait until ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wait", "when"),
    [
        ("until 12:00", "2026-03-03 12:00"),
        ("until 11:59", "2026-03-04 11:59"),
        ("until 13:30", "2026-03-03 13:30"),
        ("until tuesday 12:00", "2026-03-10 12:00"),
        ("until next tuesday 13:00", "2026-03-03 13:00"),
        ("until next monday", "2026-03-09 00:00"),
        ("until sunday 10:00", "2026-03-08 10:00"),
        ("until 12 months after first_visit", "2027-03-03 12:00"),
        ("until 1 month after last_visit of laser_hair at 09:15", "2026-04-03 09:15"),
        ("until 2 weeks after this", "2026-03-17 12:00"),
    ],
)  # fmt: skip
def test_a_wait_until(wait: str, when: str) -> None:
    found = run(f"{{id: hello, wait: {wait}, send: sms, template: t}}", until="2027-12-31")
    assert found.sent == [(when, "hello", "sms")]


def test_a_wait_until_a_time_of_day_keeps_the_wall_clock_across_a_clock_change() -> None:
    found = run("{id: a, wait: until sunday 10:00, tag: a}", "{id: b, wait: until sunday 10:00, tag: b}", "{id: c, wait: until sunday 10:00, tag: c}",
                "{id: d, wait: until sunday 10:00, send: sms, template: t}")  # fmt: skip
    assert found.sent == [("2026-03-29 10:00", "d", "sms")]  # the clocks went forward that night


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_a_weekday_is_that_of_the_patient(zone: str) -> None:
    these = rules(journey("j", START, "{id: hello, wait: until thursday 08:30, send: sms, template: t}"))
    found = told(these, willing(timezone=zone), visit("2026-03-03 23:30"), until="2026-06-30")
    [(moment, _, _)] = [(at_, p, x) for at_, p, x in found.lines if type(x).__name__ == "Sent"]
    from worker.domain.calendar import zone as named

    assert f"{moment.astimezone(named(zone)):%a %H:%M}" == "Thu 08:30"


def test_a_wait_on_a_fact_follows_the_fact() -> None:
    again = visit("2026-04-20 15:00", "a-2")
    found = run(
        "{id: hello, wait: until 90 days after last_visit, send: sms, template: t}",
        events=(again,),
        until="2026-12-31",
    )
    assert found.sent == [("2026-07-19 15:00", "hello", "sms")]


def test_a_wait_on_another_family_does_not_follow_it() -> None:
    start = "{event: {visit.completed: {families: [laser_hair]}}}"
    peel = visit("2026-04-20 15:00", "a-2", code="PEEL")
    found = run(
        "{id: hello, wait: until 90 days after last_visit of laser_hair, send: sms, template: t}",
        start=start,
        events=(peel,),
        until="2026-12-31",
    )
    assert found.sent == [("2026-06-01 12:00", "hello", "sms")]


def test_a_target_that_is_past_is_skipped_with_a_reason() -> None:
    found = run(
        "{id: hello, wait: 3 weeks, tag: x}",
        "{id: late, wait: until 1 week after first_visit, send: sms, template: t}",
        BYE,
    )
    assert [x.step for x in found.traces if x.what == "skipped"] == ["late"]
    assert "2026-03-10 12:00" in found.why("skipped")
    assert found.sent == [("2026-03-24 12:00", "bye", "sms")]


def test_a_fact_that_is_missing_is_skipped_with_a_reason() -> None:
    found = run("{id: remind, wait: until 2 days before next_booking, send: sms, template: t}", BYE)
    assert found.why("skipped") == "there is nothing to count from: no 2 days before next_booking"
    assert [step for _, step, _ in found.sent] == ["bye"]


def test_a_wait_before_a_booking_moves_with_the_booking() -> None:
    start = "{event: booking.created}"
    remind = "{id: remind, wait: until 2 days before this at 10:00, send: sms, template: t}"
    these = rules(journey("j", start, remind, one_per="appointment"))
    made = booking("2026-04-20 18:00", "b-1", told="2026-04-01 10:00")
    moved = booking("2026-04-27 18:00", "b-1", told="2026-04-10 10:00", kind="booking.rescheduled")
    assert told(these, willing(), made, until="2026-06-30").sent == [("2026-04-18 10:00", "remind", "sms")]
    assert told(these, willing(), made, moved, until="2026-06-30").sent == [
        ("2026-04-25 10:00", "remind", "sms")
    ]


def test_an_old_position_that_counted_steps_goes_on_where_it_was() -> None:
    these = rules(journey("j", START, SMS, "{id: second, wait: 1 day, send: sms, template: t}"))
    journey_ = these.journeys["j"]
    assert [
        step.id if (step := journey_.step(position)) else None for position in ("0", "1", "2", "second", "")
    ] == ["hello", "second", None, "second", None]


# -- send_on, offers ----------------------------------------------------------------------------------------------------------


def test_messages_leave_on_the_listed_days_only() -> None:
    assert run(SMS, send_on="thu", send_between="08:00 - 10:00", expires="3 days").sent == [
        ("2026-03-05 08:00", "hello", "sms")
    ]


def test_a_message_of_saturday_noon_waits_for_the_next_friday() -> None:
    these = rules(
        journey("j", START, SMS, send_on="[fri, sat]", send_between="08:00 - 10:00", expires="10 days")
    )
    assert told(these, willing(), visit("2026-03-07 12:00"), until="2026-06-30").sent == [
        ("2026-03-13 08:00", "hello", "sms")
    ]


# -- dates --------------------------------------------------------------------------------------------------------------------

NEWS = journey("news", "{date: {from: 2026-05-04, until: 2026-05-10}, if: {areas: [body]}}", SMS)


def test_an_announcement_reaches_everyone_it_is_for_once_on_its_first_day() -> None:
    assert told(rules(NEWS), willing(), FIRST, until="2027-06-30").sent == [
        ("2026-05-04 00:00", "hello", "sms")
    ]
    assert told(rules(NEWS), willing(), visit("2026-03-03 12:00", code="PEEL"), until="2027-06-30").sent == []


def test_who_becomes_one_it_is_for_while_it_lasts_is_reached_then_and_afterwards_not() -> None:
    for day, sent in (("2026-05-10 18:00", [("2026-05-10 18:00", "hello", "sms")]), ("2026-05-11 09:00", [])):
        assert told(rules(NEWS), willing(), visit(day), until="2026-12-31").sent == sent


def known_before(these: Rules, *events: Event, until: str = "2026-05-01") -> Patient:
    """A patient as earlier rules left her."""
    replay = Replay(these)
    list(replay.run([willing(), *events], at(until)))
    (patient,) = replay.patients.values()
    return patient


def test_an_announcement_published_on_one_of_its_days_reaches_only_who_comes_to_fit_afterwards() -> None:
    these = rules(NEWS, version=2)
    fits, comes = known_before(rules(), FIRST), known_before(rules())
    for patient in (fits, comes):
        bring_up = planner(these, patient, "2026-05-05 11:00")
        bring_up.wake()
        assert (patient.enrollments, patient.messages) == ({}, {})
        if patient is fits:
            (trace,) = bring_up.plan.traces
            assert (trace.journey, trace.what, trace.why) == ("news", "not started", BY_RULES)
            assert trace.at == at("2026-05-05 11:00")
        planner(these, patient, "2026-05-06 11:00").receive(visit("2026-05-06 10:00", "a-2"))
    assert not fits.enrollments
    assert [run.journey for run in comes.enrollments.values()] == ["news"]


@pytest.mark.parametrize(
    ("start", "segments"),
    [
        ("{enters: old}", "{first_visit: at least 1 month ago}"),
        ("{enters: old, if: {next_booking: none}}", "{first_visit: at least 1 month ago}"),
        ("{enters: old, if: {tags: [vip]}}", "{first_visit: at least 1 month ago}"),
        ("{leaves: old}", "{first_visit: at least 9 months ago}"),
    ],
)
def test_who_is_moved_by_new_rules_starts_nothing_and_is_told_why(start: str, segments: str) -> None:
    def these(old: str, version: int, **more: str) -> Rules:
        wide = f"{SEGMENTS}segments:\n  old: {old}\n"
        return rules(journey("j", start, SMS, **more), segments=wide, version=version)

    was = "{first_visit: at least 9 months ago}" if "enters" in start else "{visits: at least 1}"
    for status, traces in (("live", [("j", "not started", BY_RULES)]), ("draft", [])):
        patient = known_before(these(was, 1), FIRST)
        new = planner(these(segments, 2, status=status), patient, "2026-05-05")
        assert [(trace.journey, trace.what, trace.why) for trace in new.plan.traces] == traces
        assert not patient.enrollments
        again = planner(these(segments, 3, status=status), patient, "2026-05-06")
        assert again.plan.traces == []


def test_new_rules_say_nothing_of_who_has_died() -> None:
    patient = known_before(rules(), FIRST, event("patient.deceased", "2026-04-01"))
    assert planner(rules(NEWS, version=2), patient, "2026-05-05").plan.traces == []


@pytest.mark.parametrize(
    ("born", "when"), [("1990-06-15", "2026-06-15 09:00"), ("1992-02-29", "2027-02-28 09:00")]
)
def test_a_birthday_starts_its_journey_every_year(born: str, when: str) -> None:
    these = rules(
        journey("cake", "{date: birthday}", "{id: wish, wait: until 09:00, send: sms, template: t}")
    )
    found = told(these, willing("2026-03-01", date_of_birth=born), FIRST, until="2027-05-01")
    assert found.sent == [(when, "wish", "sms")]
    assert len(told(these, willing("2026-03-01", date_of_birth=born), FIRST, until="2029-12-31").sent) == (
        4 if born.endswith("15") else 3
    )


def test_a_birthday_on_29_february_is_on_the_29th_where_there_is_one() -> None:
    these = rules(
        journey("cake", "{date: birthday}", "{id: wish, wait: until 09:00, send: sms, template: t}")
    )
    found = told(these, willing("2026-03-01", date_of_birth="1992-02-29"), FIRST, until="2028-12-31")
    assert [when for when, _, _ in found.sent] == ["2027-02-28 09:00", "2028-02-29 09:00"]


def test_a_birthday_is_greeted_once_whatever_happens_on_that_day() -> None:
    these = rules(journey("cake", "{date: birthday, if: {next_booking: none}}", SMS, repeat="always"))
    booked = booking("2026-07-01 10:00", "b-1", told="2026-06-15 10:00")
    gone = event("booking.cancelled", "2026-06-15 11:00", appointment_id="b-1", cancelled_by="patient")
    found = told(
        these, willing("2026-03-01", date_of_birth="1990-06-15"), FIRST, booked, gone, until="2026-12-31"
    )
    assert found.sent == [("2026-06-15 00:00", "hello", "sms")]


# -- pace, holdout ------------------------------------------------------------------------------------------------------------


def test_a_pace_lets_so_many_a_day_begin_by_lot_and_the_rest_on_the_next_days() -> None:
    paced = NEWS.replace("steps:", "pace: 3 per day\nsteps:")
    names = [f"p-{number}" for number in range(8)]
    people = [willing("2020-01-01", name, phone=f"+30690000000{number}") for number, name in enumerate(names)]
    visits = [visit("2026-03-03 12:00", f"a-{name}", subject=name) for name in names]
    found = told(rules(paced), *people, *visits, until="2026-06-30")
    days = Counter(when[:10] for when, _, _ in found.sent)
    assert days == {"2026-05-04": 3, "2026-05-05": 3, "2026-05-06": 2}
    order = [patient for patient, _ in found.to]
    drawn = sorted(names, key=lambda name: lot("default", "pace", "news", name))
    assert [set(order[:3]), set(order[3:6]), set(order[6:])] == [
        set(drawn[:3]),
        set(drawn[3:6]),
        set(drawn[6:]),
    ]


def test_who_is_no_longer_one_when_the_turn_comes_is_let_go() -> None:
    paced = journey("wb", "{enters: inactive_6}", SMS, pace="1 per day")
    names = ["p-1", "p-2"]
    people = [willing("2020-01-01", name, phone=f"+3069000000{number}0") for number, name in enumerate(names)]
    visits = [visit("2026-01-05 10:00", f"a-{name}", subject=name) for name in names]
    these = rules(paced)
    first, second = [patient for patient, _ in told(these, *people, *visits, until="2026-12-31").to]
    back = visit("2026-07-05 12:00", "b-9", subject=second)
    found = told(these, *people, *visits, back, until="2026-12-31")
    assert [patient for patient, _ in found.to] == [first]
    assert found.outcomes(second) == ["stopped"]


def test_those_held_out_go_the_same_way_and_nothing_is_done_to_them() -> None:
    text = journey("j", START, SMS, "{id: call, wait: 1 day, task: desk}", "{id: set, tag: x}", holdout="10%")
    replay = Replay(rules(text), holdout="everybody")
    found = Told(replay, ATHENS, list(replay.run([willing(), FIRST], at("2026-06-30"))))
    assert found.sent == []
    assert found.tasks == []
    assert [(x.step) for x in found.traces if x.what == "withheld"] == ["hello", "call", "set"]
    assert found.outcomes() == ["finished"]


def test_the_share_held_out_is_the_share_asked_for() -> None:
    text = journey("j", START, SMS, holdout="10%")
    replay = Replay(rules(text), holdout="lot")
    names = [f"p-{number}" for number in range(600)]
    list(
        replay.run([visit("2026-03-03 12:00", f"a-{name}", subject=name) for name in names], at("2026-06-30"))
    )
    out = sum(run.held_out for patient in replay.patients.values() for run in patient.enrollments.values())
    assert 35 < out < 90


# -- what a start may ask -----------------------------------------------------------------------------------------------------


def test_a_start_by_segment_may_ask_for_earlier_messages() -> None:
    wrote = journey("first", START, SMS)
    asks = journey("second", "{enters: inactive_6, if: {none_of: [{got_message: {in: 200 days}}]}}", SMS)
    found = told(rules(wrote, asks), willing(), FIRST, until="2027-01-31")
    assert found.to == [("p-1", "first"), ("p-1", "second")]
    assert found.sent[1][0] == "2026-09-19 00:00"  # 200 days after the first, not on 3 September


def test_a_start_by_segment_may_ask_for_earlier_runs() -> None:
    wrote = journey("first", START, SMS)
    asks = journey("second", "{enters: inactive_6, if: {none_of: [{journey: {ever: [first]}}]}}", SMS)
    found = told(rules(wrote, asks), willing(), FIRST, until="2027-01-31")
    assert found.to == [("p-1", "first")]


def test_a_moment_that_is_past_when_a_tag_is_reached_means_now() -> None:
    found = run(
        "{id: first, wait: 3 weeks, tag: x}",
        "{id: late, wait: until 1 week after first_visit, tag: y}",
        "{id: last, wait: 1 day, tag: z}",
    )
    assert [trace.at for trace in found.traces if trace.what == "tagged"] == [
        at(f"2026-03-{day} 12:00") for day in (24, 24, 25)
    ]


def test_a_correction_gives_who_is_held_out_no_other_turn_than_who_was_written_to() -> None:
    text = journey("j", START, SMS, "{id: hear, listen_for: message.replied, up_to: 1 month}", holdout="10%")
    gone = event(
        "booking.cancelled", "2026-03-08 12:00", appointment_id="a-1", cancelled_by="patient", version=9
    )
    back = visit("2026-04-08 12:00", "a-2")
    sides: tuple[Literal["nobody", "everybody"], ...] = ("nobody", "everybody")
    for who in sides:
        replay = Replay(rules(text), holdout=who)
        list(replay.run([willing(), FIRST, gone, back], at("2026-06-30")))
        assert [
            run.outcome for patient in replay.patients.values() for run in patient.enrollments.values()
        ] == ["withdrawn"]


def test_a_target_that_a_correction_moves_into_the_past_fell_due_when_that_was_told() -> None:
    again = visit("2026-04-20 15:00", "a-2")
    void = event("visit.voided", "2026-06-20 10:00", appointment_id="a-2", version=9)
    found = run(
        "{id: hello, wait: until 90 days after last_visit, send: sms, template: t}",
        "{id: next, wait: 1 day, tag: x}",
        events=(again, void),
    )
    assert [trace.at for trace in found.traces if trace.what in ("skipped", "tagged", "finished")] == [
        at("2026-06-20 10:00"), at("2026-06-21 10:00"), at("2026-06-21 10:00"),
    ]  # fmt: skip


def test_among_messages_that_are_due_together_the_lower_priority_goes_first() -> None:
    late = journey(
        "late", START, "{id: hello, wait: 8 hours, send: sms, template: t}", priority="1", expires="9 days"
    )
    early = journey(
        "early", START, "{id: hello, wait: 7 hours, send: sms, template: t}", priority="9", expires="9 days"
    )
    policy = 'quiet_hours: {marketing: "19:00 - 10:00"}\nfrequency_caps: {marketing: [1 per 7 days]}'
    found = told(rules(late, early, policy=policy), willing(), FIRST, until="2026-03-31")
    assert found.to == [("p-1", "late"), ("p-1", "early")]


def test_journeys_of_equal_priority_go_in_order_of_name() -> None:
    names = ["h", "c", "a", "f", "b", "g", "e", "d"]
    these = rules(
        *(journey(name, START, SMS, expires="3 days") for name in names),
        policy="frequency_caps: {marketing: [1 per 7 days]}",
    )
    found = told(these, willing(), FIRST, until="2026-03-05")
    assert found.to == [("p-1", "a")]

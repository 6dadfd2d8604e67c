"""The gate's stages of law, medicine and the clinic's own doors; which of two objections is told; who goes first where one place is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import combinations, permutations
from typing import Any

import pytest

from tests.domain.build import (
    ATHENS,
    EITHER,
    SEGMENTS,
    SMS,
    at,
    booking,
    event,
    facts_of,
    journey,
    local,
    rules,
    upserted,
    visit,
    willing,
)
from worker.domain.calendar import Span, local_day
from worker.domain.clinic import Location
from worker.domain.conditions import Look
from worker.domain.events import Event
from worker.domain.gate import Blast, Defer, Drop, Go, Outside, Question, Verdict, ask
from worker.domain.gate.question import PATIENCE
from worker.domain.gate.rate import MAX_WAIT, rate
from worker.domain.history import Contact, Enrollment, Message
from worker.domain.planner import Patient, Planner
from worker.domain.rules import Rules

NOON = "2026-03-03 12:00"  # a Tuesday
PHONE = "+306900000001"
PLAIN = journey("j", "{event: visit.completed}", EITHER)
LOS_ANGELES, KIRITIMATI = "America/Los_Angeles", "Pacific/Kiritimati"
A_POLICY = "feed: {live_window: 7 days}"
"""A policy that says something, and nothing of hours or caps: the law's bind."""


def american(these: Rules, region: str = "", tz: str = "America/New_York", **places: Location) -> Rules:
    """The same rules, of a clinic in the United States."""
    return replace(
        these, clinic=replace(these.clinic, country="US", region=region, timezone=tz, locations=places)
    )


def question(
    these: Rules, *told: Event, now: str = NOON, tz: str = ATHENS, due: str | None = None, expires: timedelta = timedelta(days=1), purpose: str = "marketing",
    message: Mapping[str, Any] | None = None, contacts: Sequence[Contact] = (), ahead: Sequence[Contact] = (), run: Enrollment | None = None, **outside: Any,
) -> Question:  # fmt: skip
    """What the gate is asked of one message of `j`; `now` and `due` are wall-clock times in `tz`."""
    facts = facts_of([willing(), *told], these.clinic)
    moment, then = at(now, tz), at(due or now, tz)
    row = Message(
        key="default/j/p-1/x/hello", patient="p-1", enrollment="j/p-1/x", journey="j", version="v", step="hello", template="t", purpose=purpose,
        channels=("sms", "email"), step_due_at=then, due_at=then, expires_at=then + expires,
    )  # fmt: skip
    look = Look(facts, local_day(moment, these.clinic.tz), these.segments.named)
    return Question(
        moment, replace(row, **(message or {})), these.journeys["j"], these, facts, look, contacts, Outside(**outside), run, ahead,
    )  # fmt: skip


def code(verdict: Verdict) -> str:
    return "go" if isinstance(verdict, Go) else verdict.code


def until(verdict: Verdict, tz: str = ATHENS) -> str:
    assert isinstance(verdict, Defer), verdict
    return local(verdict.until, tz)


def contact(when: str, *, tz: str = ATHENS, of: str = "other") -> Contact:
    return Contact(at(when, tz), "marketing", "sms", PHONE, of, "p-1")


# -- the door -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "purpose", "expected"),
    [("live", "marketing", "no_public_url"), ("live", "care", "go"), ("rehearsal", "marketing", "go"), ("allow_list", "marketing", "go")],
)  # fmt: skip
def test_live_marketing_waits_until_our_links_can_be_opened(mode: Any, purpose: str, expected: str) -> None:
    these = rules(journey("j", "{event: visit.completed}", SMS, purpose=purpose), mode=mode)
    verdict = ask(question(these, purpose=purpose, door="it is not https"))
    assert code(verdict) == expected
    if isinstance(verdict, Defer):
        assert (verdict.why, verdict.excused, verdict.until - at(NOON)) == (
            "it is not https",
            False,
            PATIENCE,
        )


def test_a_door_that_stays_shut_too_long_is_too_late() -> None:
    assert code(ask(question(rules(PLAIN), due="2026-03-01 12:00", door="it is not https"))) == "expired"


# -- leave to be chosen by treatment ------------------------------------------------------------------------------------------

STAGES = (
    SEGMENTS
    + "segments:\n  lasered: {families: [laser_hair]}\n  dear: {in: [lasered]}\n  plain: {visits: at least 1}\n"
)
BRANCH = "{id: way, branch: [{if: %s, then: [{id: hello, send: sms, template: t}]}, {otherwise: [{id: other, send: sms, template: t}]}]}"
CHOSEN = {
    "the event is narrowed": journey("j", "{event: {visit.completed: {families: [toxin]}}}", SMS),
    "the event is narrowed to an area": journey("j", "{event: {visit.completed: {areas: [body]}}}", SMS),
    "a condition on families": journey("j", "{event: visit.completed, if: {families: [laser_hair]}}", SMS),
    "a condition on services": journey("j", "{event: visit.completed, if: {services: [LHR]}}", SMS),
    "one of several conditions": journey("j", "{event: visit.completed, if: {any_of: [{tags: [vip]}, {families: [peel]}]}}", SMS),
    "the appointment that starts it": journey("j", "{event: visit.completed, if: {this: {families: [toxin]}}}", SMS),
    "a series": journey("j", "{event: visit.completed, if: {series: open}}", SMS),
    "a complement": journey("j", "{event: visit.completed, if: {complement: untried}}", SMS),
    "a segment": journey("j", "{enters: lasered}", SMS),
    "a segment of a segment": journey("j", "{event: visit.completed, if: {in: [dear]}}", SMS),
    "a branch": journey("j", "{event: visit.completed}", BRANCH % "{families: [laser_hair]}"),
    "a branch by a segment": journey("j", "{event: visit.completed}", BRANCH % "{in: [lasered]}"),
}  # fmt: skip
NOT_CHOSEN = {
    "nothing is asked": PLAIN,
    "a segment of visits": journey("j", "{enters: plain}", SMS),
    "who is kept out by `stop_if`": journey("j", "{event: visit.completed}", SMS, stop_if="{families: [toxin]}"),
    "who is kept out by `none_of`": journey("j", "{event: visit.completed, if: {none_of: [{families: [toxin]}]}}", SMS),
    "who is kept out by `not_in`": journey("j", "{event: visit.completed, if: {not_in: [lasered]}}", SMS),
    "a branch by tags": journey("j", "{event: visit.completed}", BRANCH % "{tags: [vip]}"),
    "what is aimed at": journey("j", "{event: visit.completed}", SMS, goal="{booking.created: {families: [toxin]}}"),
}  # fmt: skip
UNASKED = upserted("2026-03-01", consent={"sms": ["marketing"], "email": ["marketing"]})


@pytest.mark.parametrize("how", CHOSEN)
def test_who_chooses_by_treatment_needs_leave_for_it_in_europe(how: str) -> None:
    these = rules(CHOSEN[how], segments=STAGES)
    assert code(ask(question(these, UNASKED))) == "no_profiling"
    assert code(ask(question(these))) == "go", "with leave it goes"


@pytest.mark.parametrize("how", NOT_CHOSEN)
def test_who_does_not_choose_by_treatment_needs_no_such_leave(how: str) -> None:
    assert code(ask(question(rules(NOT_CHOSEN[how], segments=STAGES), UNASKED))) == "go"


def test_leave_to_be_chosen_is_asked_where_the_law_asks_for_it_and_of_marketing_only() -> None:
    these = rules(CHOSEN["a segment"], segments=STAGES)
    assert code(ask(question(american(these, "OH"), UNASKED))) == "go"
    assert code(ask(question(american(these, "WA"), UNASKED))) == "no_profiling"
    assert code(ask(question(these, UNASKED, purpose="care"))) == "go"


def test_a_channel_without_leave_to_be_chosen_is_passed_over() -> None:
    these = rules(CHOSEN["a segment"], segments=STAGES)
    mixed = upserted("2026-03-01", consent={"sms": ["marketing"], "email": ["marketing", "health_profiling"]})
    assert ask(question(these, mixed)) == Go("email", "eleni@example.com")


# -- the run ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (None, "go"), ("finished", "go"), ("goal", "goal"), ("goal_late", "goal"), ("stopped", "withdrawn"), ("withdrawn", "withdrawn"), ("merged", "withdrawn"),
    ],
)  # fmt: skip
def test_how_the_run_ended_decides(outcome: str | None, expected: str) -> None:
    run = Enrollment(
        id="j/p-1/x", patient="p-1", journey="j", version="v", anchor="x", entered_at=at(NOON), started_by="event", appointment=None, position="hello",
        based_at=at(NOON), hears_from=at(NOON), due_at=None, outcome=outcome, reason="of the test",
    )  # fmt: skip
    verdict = ask(question(rules(PLAIN), run=run))
    assert code(verdict) == expected
    if isinstance(verdict, Drop):
        assert "of the test" in verdict.why


def test_what_the_system_paused_waits_and_says_why_until_it_is_too_late() -> None:
    these = replace(rules(PLAIN), paused={"j": "5 of its 20 messages failed"})
    verdict = ask(question(these))
    assert isinstance(verdict, Defer)
    assert (verdict.code, verdict.why) == ("paused", "the journey is paused: 5 of its 20 messages failed")
    assert code(ask(question(these, due="2026-03-01 12:00"))) == "expired"
    assert code(ask(question(replace(these, paused={"other": "x"})))) == "go"


def test_a_hold_longer_than_a_week_ends_as_too_late() -> None:
    held = event("patient.held", "2026-02-01", reason="r")
    excused = {"excused": timedelta(days=7)}
    these = rules(PLAIN)
    assert code(ask(question(these, held, due="2026-02-23 12:00", message=excused))) == "hold"
    assert (
        code(ask(question(these, held, now="2026-03-03 12:01", due="2026-02-23 12:00", message=excused)))
        == "expired"
    )


# -- the medical interval -----------------------------------------------------------------------------------------------------

ABOUT = journey("j", "{event: visit.completed}", EITHER, about="{families: [laser_hair, toxin]}")


def spaced(**intervals: Span) -> Rules:
    these = rules(ABOUT)
    catalogue = {
        key: replace(service, min_interval=intervals.get(key))
        for key, service in these.clinic.services.items()
    }
    return replace(these, clinic=replace(these.clinic, services=catalogue))


def test_what_is_medically_too_soon_waits_until_it_is_not() -> None:
    these = spaced(LHR=Span(days=28))
    treated = visit("2026-02-05 10:00")
    verdict = ask(question(these, treated, due="2026-03-03 12:00", expires=timedelta(days=3)))
    assert (code(verdict), until(verdict)) == ("interval", "2026-03-05 00:00")
    assert isinstance(verdict, Defer)
    assert not verdict.excused
    assert (
        code(
            ask(
                question(
                    these, treated, now="2026-03-05 00:00", due="2026-03-03 12:00", expires=timedelta(days=3)
                )
            )
        )
        == "go"
    )


def test_what_is_medically_too_soon_for_as_long_as_it_may_leave_is_dropped() -> None:
    verdict = ask(question(spaced(LHR=Span(days=28)), visit("2026-02-05 10:00"), now="2026-03-03 12:00"))
    assert isinstance(verdict, Drop)
    assert verdict.code == "interval"
    assert "2026-03-05" in verdict.why


def test_of_several_intervals_the_last_counts_and_other_families_do_not() -> None:
    these = spaced(LHR=Span(days=28), TOX=Span(months=3), PEEL=Span(months=12))
    told = [
        visit("2026-02-05", "a-1"),
        visit("2026-01-05", "a-2", code="TOX"),
        visit("2026-03-01", "a-3", code="PEEL"),
    ]
    verdict = ask(question(these, *told, expires=timedelta(days=60)))
    assert until(verdict) == "2026-04-05 00:00"
    assert code(ask(question(these, told[2], expires=timedelta(days=60)))) == "go"


def test_a_month_after_the_last_of_january_is_the_last_of_february_and_a_leap_day_counts() -> None:
    these = spaced(LHR=Span(months=1))
    common = ask(question(these, visit("2026-01-31"), now="2026-02-20 12:00", expires=timedelta(days=30)))
    leap = ask(question(these, visit("2028-01-31"), now="2028-02-20 12:00", expires=timedelta(days=30)))
    assert (until(common), until(leap)) == ("2026-02-28 00:00", "2028-02-29 00:00")
    year = ask(
        question(
            spaced(LHR=Span(months=12)),
            visit("2028-02-29"),
            now="2029-02-20 12:00",
            expires=timedelta(days=30),
        )
    )
    assert until(year) == "2029-02-28 00:00"


def test_the_interval_ends_at_a_midnight_of_the_clinic_whatever_the_clocks_do_that_night() -> None:
    """In Athens the clocks go forward on 2026-03-29."""
    verdict = ask(
        question(
            spaced(LHR=Span(days=28)), visit("2026-03-01"), now="2026-03-27 12:00", expires=timedelta(days=30)
        )
    )
    assert until(verdict) == "2026-03-29 00:00"
    after = ask(
        question(
            spaced(LHR=Span(days=28)), visit("2026-03-02"), now="2026-03-27 12:00", expires=timedelta(days=30)
        )
    )
    assert until(after) == "2026-03-30 00:00"


# -- the hours and caps of the law --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("region", "now", "expected"),
    [
        ("FL", "2026-03-03 19:59", None), ("FL", "2026-03-03 20:00", "2026-03-04 08:00"), ("OH", "2026-03-03 20:00", None),
        ("OH", "2026-03-03 21:00", "2026-03-04 08:00"), ("TX", "2026-03-08 11:59", "2026-03-08 12:00"), ("TX", "2026-03-08 12:00", None),
        ("TX", "2026-03-07 21:30", "2026-03-08 12:00"), ("AL", "2026-03-07 21:30", "2026-03-09 08:00"), ("", "2026-03-03 17:59", None),
        ("", "2026-03-03 18:00", "2026-03-04 10:00"), ("", "2026-03-07 17:30", "2026-03-09 10:00"),
    ],
)  # fmt: skip
def test_marketing_keeps_the_hours_of_the_state(region: str, now: str, expected: str | None) -> None:
    tz = "America/New_York"
    these = american(rules(PLAIN, policy=A_POLICY), region, tz)
    verdict = ask(question(these, now=now, tz=tz, expires=timedelta(days=5)))
    assert verdict == Go("sms", PHONE) if expected is None else until(verdict, tz) == expected
    if isinstance(verdict, Defer):
        assert verdict.code == "quiet_hours"
    assert code(ask(question(these, now=now, tz=tz, purpose="care", expires=timedelta(days=5)))) in (
        "go",
        "quiet_hours",
    )


def test_care_and_an_empty_policy_have_no_hours_of_the_law() -> None:
    tz = "America/New_York"
    care = journey("j", "{event: visit.completed}", EITHER, purpose="care")
    night = "2026-03-03 23:30"
    assert (
        code(
            ask(question(american(rules(care, policy=A_POLICY), "FL", tz), now=night, tz=tz, purpose="care"))
        )
        == "go"
    )
    assert code(ask(question(american(rules(PLAIN), "FL", tz), now=night, tz=tz))) == "go"
    assert (
        code(ask(question(american(rules(PLAIN, policy=A_POLICY), "FL", tz), now=night, tz=tz)))
        == "quiet_hours"
    )


def test_the_hours_are_those_of_the_place_of_the_last_visit_and_its_clock() -> None:
    these = american(
        rules(PLAIN, policy=A_POLICY), "FL", "America/New_York", austin=Location("austin", "Austin", "America/Chicago", region="TX")
    )  # fmt: skip
    went = visit("2026-03-01 10:00", location="austin")
    there = "America/Chicago"
    assert code(ask(question(these, went, now="2026-03-03 20:30", tz=there))) == "go"
    assert until(ask(question(these, went, now="2026-03-03 21:00", tz=there)), there) == "2026-03-04 09:00"


def test_a_patient_who_lives_elsewhere_has_the_strictest_hours_on_her_own_clock() -> None:
    these = american(rules(PLAIN, policy=A_POLICY), "FL")
    moved = upserted("2026-03-01", timezone=LOS_ANGELES)
    assert (
        until(ask(question(these, moved, now="2026-03-03 18:30", tz=LOS_ANGELES)), LOS_ANGELES)
        == "2026-03-04 10:00"
    )
    assert code(ask(question(these, moved, now="2026-03-03 17:30", tz=LOS_ANGELES))) == "go"


@pytest.mark.parametrize("tz", [ATHENS, LOS_ANGELES, KIRITIMATI])
def test_quiet_hours_and_caps_are_counted_where_the_patient_is(tz: str) -> None:
    policy = 'quiet_hours: {marketing: "19:00 - 10:00", sunday: all day}\nfrequency_caps: {marketing: [1 per 7 days]}\n'
    these, there = rules(PLAIN, policy=policy), upserted("2026-02-01", timezone=tz)
    assert code(ask(question(these, there, now="2026-03-03 18:59", tz=tz))) == "go"
    assert (
        until(ask(question(these, there, now="2026-03-07 19:00", tz=tz, expires=timedelta(days=5))), tz)
        == "2026-03-09 10:00"
    )
    before = [contact("2026-02-24 23:59", tz=tz)]
    assert code(ask(question(these, there, now="2026-03-03 12:00", tz=tz, contacts=before))) == "go"
    later = [contact("2026-02-25 00:00", tz=tz)]
    verdict = ask(question(these, there, now="2026-03-03 12:00", tz=tz, contacts=later))
    assert (code(verdict), until(verdict, tz)) == ("cap", "2026-03-04 10:00")


def test_the_caps_of_the_law_count_where_the_policy_has_none() -> None:
    tz = "America/New_York"
    sent = [contact(f"2026-03-0{day} 12:00", tz=tz) for day in (2, 2, 3)]

    def asked(region: str, policy: str, contacts: Sequence[Contact]) -> Verdict:
        these = american(rules(PLAIN, policy=policy), region, tz)
        return ask(question(these, now="2026-03-03 13:00", tz=tz, contacts=contacts))

    assert until(asked("FL", A_POLICY, sent), tz) == "2026-03-04 08:00"
    assert code(asked("FL", A_POLICY, sent[1:])) == "go"
    assert code(asked("OH", A_POLICY, sent)) == "go"
    assert code(asked("FL", "{}", sent)) == "go"


# -- too much at once ---------------------------------------------------------------------------------------------------------


def test_no_more_leave_in_a_day_than_may() -> None:
    verdict = ask(question(rules(PLAIN), blast=Blast(25, 25)))
    assert isinstance(verdict, Defer)
    assert (verdict.code, verdict.excused) == ("blast_limit", False)
    assert "25 marketing messages" in verdict.why
    assert code(ask(question(rules(PLAIN), blast=Blast(24, 25)))) == "go"
    assert code(ask(question(rules(PLAIN, mode="rehearsal"), blast=Blast(99, 25)))) == "go"


def test_a_place_that_comes_soon_is_waited_for_and_a_late_one_gives_the_claim_back() -> None:
    assert rate(at(NOON), MAX_WAIT) is None
    refused = rate(at(NOON), MAX_WAIT + timedelta(seconds=1))
    assert refused is not None
    assert (refused.code, refused.until - at(NOON)) == ("rate", timedelta(seconds=6))


# -- which of two objections is told ------------------------------------------------------------------------------------------

CAPS = 'frequency_caps: {marketing: [1 per 7 days]}\nfeed: {max_age: 36 hours, live_window: 7 days}\nquiet_hours: {marketing: "11:00 - 13:00"}\n'
ORDER: tuple[tuple[str, str], ...] = (
    ("door", "no_public_url"), ("died", "deceased"), ("hold", "hold"), ("no leave", "no_consent"), ("suppressed", "suppressed"), ("booked", "rebooked"),
    ("complains", "stopped"), ("paused", "paused"), ("late", "expired"), ("feed", "feed_stale"), ("too soon", "interval"), ("rival", "priority"),
    ("had one", "cap"), ("night", "quiet_hours"), ("too many", "blast_limit"),
)  # fmt: skip
NOT_TOGETHER = {
    # What is too late is told so by the stages that wait; whoever has no place at all is not kept out by a rival; consent and suppression are told by their strength.
    frozenset({"late", one})
    for one in ("door", "hold", "paused")
} | {frozenset({"rival", "had one"}), frozenset({"no leave", "suppressed"})}


def objected(*what: str) -> Question:
    told: list[Event] = []
    outside: dict[str, Any] = {}
    now, ahead, contacts = "2026-03-03 14:00", [], []
    these = rules(
        journey(
            "j", "{event: visit.completed}", EITHER, goal="{booking.created: {families: [laser_hair]}}", stop_if="{tags: [complaint]}",
            about="{families: [laser_hair]}",
        ),
        policy=CAPS,
    )  # fmt: skip
    catalogue = {
        key: replace(service, min_interval=Span(months=12)) for key, service in these.clinic.services.items()
    }
    these = replace(these, clinic=replace(these.clinic, services=catalogue))
    if "door" in what:
        outside["door"] = "it is not https"
    if "died" in what:
        told.append(event("patient.deceased", "2026-03-01"))
    if "hold" in what:
        told.append(event("patient.held", "2026-03-01", reason="r"))
    if "no leave" in what:
        told.append(upserted("2026-03-01", consent={"sms": [], "email": []}))
    if "suppressed" in what:
        outside["suppressed"] = frozenset({("sms", PHONE), ("email", "eleni@example.com")})
    if "booked" in what:
        told.append(booking("2026-03-20 10:00", "b-1", told="2026-03-01"))
    if "complains" in what:
        told.append(upserted("2026-03-01", tags=["complaint"]))
    if "paused" in what:
        these = replace(these, paused={"j": "of the test"})
    if "feed" in what:
        outside["feed_seen_at"] = at("2026-02-01")
    if "too soon" in what:
        told.append(visit("2026-02-20"))
    if "rival" in what:
        ahead = [contact(now, of="first")]
    if "had one" in what:
        contacts = [contact("2026-03-02")]
    if "night" in what:
        now = "2026-03-03 12:00"
    if "too many" in what:
        outside["blast"] = Blast(9, 9)
    due = "2026-02-20 12:00" if "late" in what else now
    return question(these, *told, now=now, due=due, ahead=ahead, contacts=contacts, **outside)


@pytest.mark.parametrize(("what", "expected"), ORDER)
def test_each_objection_stands_alone(what: str, expected: str) -> None:
    assert code(ask(objected(what))) == expected
    assert code(ask(objected())) == "go"


def test_of_any_two_objections_the_earlier_stage_is_told() -> None:
    pairs = [
        pair for pair in combinations(ORDER, 2) if frozenset({pair[0][0], pair[1][0]}) not in NOT_TOGETHER
    ]
    assert len(pairs) == 100
    found = {(first, second): code(ask(objected(first, second))) for (first, _), (second, _) in pairs}
    assert found == {(first, second): expected for (first, expected), (second, _) in pairs}


def test_what_waits_too_long_says_that_it_is_too_late() -> None:
    assert [code(ask(objected("late", one))) for one in ("door", "hold", "paused")] == ["expired"] * 3
    assert code(ask(objected("rival", "had one"))) == "cap", "it would have no place alone either"
    assert code(ask(objected("no leave", "suppressed"))) == "no_consent", (
        "whoever has no leave is not looked up"
    )


# -- who goes first -----------------------------------------------------------------------------------------------------------

ONE = "frequency_caps: {marketing: [1 per 7 days]}"


def three(policy: str = ONE, **priorities: int) -> Planner:
    """A patient with a message due of each journey, and her planner at noon."""
    these = rules(
        *(journey(name, "{event: visit.completed}", SMS, priority=str(priority)) for name, priority in priorities.items()), policy=policy
    )  # fmt: skip
    found = Planner(these, Patient("p-1"), at(NOON))
    for told in (willing(), visit(NOON, told=NOON)):
        found.receive(told)
    assert len(found.patient.messages) == len(priorities)
    return found


def keys(planner: Planner) -> dict[str, str]:
    return {message.journey: key for key, message in planner.patient.messages.items()}


@pytest.mark.parametrize("order", list(permutations(["a", "b", "c"])))
def test_one_place_goes_to_the_most_urgent_in_whatever_order_they_are_asked(order: tuple[str, ...]) -> None:
    planner = three(a=3, b=1, c=2)
    named = keys(planner)
    found: dict[str, tuple[str, str]] = {}
    for name in order:
        verdict = planner.verdict(named[name])
        planner.apply(named[name], verdict)
        found[name] = (code(verdict), until(verdict) if isinstance(verdict, Defer) else "")
    assert found["b"] == ("go", "")
    assert {found[name][0] for name in ("a", "c")} <= {"priority", "cap"}
    assert {found[name][1] for name in ("a", "c")} == {"2026-03-10 00:00"}, "as if the first had left"


def test_of_two_equally_urgent_the_same_one_goes_in_whatever_order_they_are_asked() -> None:
    gone = set()
    for order in (("a", "b"), ("b", "a")):
        planner = three(a=2, b=2)
        named = keys(planner)
        verdicts = {name: planner.verdict(named[name]) for name in order}
        assert sorted(code(verdict) for verdict in verdicts.values()) == ["go", "priority"]
        gone |= {name for name in order if isinstance(verdicts[name], Go)}
    assert gone == {"a"}


def test_a_rival_that_is_held_back_itself_takes_no_place() -> None:
    planner = three(a=3, b=1)
    named = keys(planner)
    planner.rules = replace(planner.rules, paused={"b": "of the test"})
    assert code(planner.verdict(named["b"])) == "paused"
    assert code(planner.verdict(named["a"])) == "go"


def test_where_there_is_a_place_for_all_nobody_waits() -> None:
    planner = three("frequency_caps: {marketing: [2 per 7 days]}", a=3, b=1)
    assert {code(planner.verdict(key)) for key in keys(planner).values()} == {"go"}
    assert {code(three("{}", a=3, b=1).verdict(key)) for key in keys(three("{}", a=3, b=1)).values()} == {
        "go"
    }

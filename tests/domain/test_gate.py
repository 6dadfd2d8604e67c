"""The one gate: each stage alone, and which of two objections is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.domain.build import (
    POLICY,
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
from worker.domain.calendar import local_day
from worker.domain.clinic import Mode
from worker.domain.conditions import Look
from worker.domain.events import Event
from worker.domain.gate import MAX_EXCUSED, Defer, Drop, Go, Outside, Question, ask
from worker.domain.history import Contact, Message
from worker.domain.rules import Rules

NOON = "2026-03-03 12:00"  # a Tuesday
GOAL = "{any_of: [{booking.created: {families: [laser_hair, toxin]}}], within: 60 days}"
PHONE, EMAIL = "+306900000001", "eleni@example.com"


def written(purpose: str = "marketing", **more: str) -> str:
    return journey(
        "j",
        "{event: visit.completed}",
        SMS,
        purpose=purpose,
        goal=GOAL,
        stop_if="{tags: [complaint]}",
        **more,
    )


def question(
    *told: Event,
    now: str = NOON,
    policy: str = "{}",
    due: str = NOON,
    mode: Mode = "live",
    status: str = "live",
    message: dict[str, Any] | None = None,
    **more: Any,
) -> Question:
    purpose = more.pop("purpose", "marketing")
    these: Rules = rules(written(purpose, status=status, **more.pop("journey", {})), policy=policy, mode=mode)
    facts = facts_of([willing(), *told], these.clinic)
    row = Message(
        key="default/j/p-1/x/hello", patient="p-1", enrollment="j/p-1/x", journey="j", version="v", step="hello", template="t", purpose=purpose, channels=("sms", "email"),
        step_due_at=at(due), due_at=at(due), expires_at=at(due) + timedelta(days=1),
    )  # fmt: skip
    moment = at(now)
    known = {name: more.pop(name) for name in ("suppressed", "feed_seen_at", "door", "blast") if name in more}
    look = Look(facts, local_day(moment, these.clinic.tz), these.segments.named)
    return Question(
        moment,
        replace(row, **(message or {})),
        these.journeys["j"],
        these,
        facts,
        look,
        outside=Outside(**known),
        **more,
    )


def contact(
    when: str, *, purpose: str = "marketing", channel: str = "sms", address: str = PHONE, patient: str = "p-1"
) -> Contact:
    return Contact(at(when), purpose, channel, address, "other", patient)


def code(verdict: Go | Defer | Drop) -> str:
    return "go" if isinstance(verdict, Go) else verdict.code


def test_what_nothing_speaks_against_may_leave() -> None:
    assert ask(question(policy=POLICY)) == Go("sms", PHONE)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (event("patient.erased", "2026-03-01"), "erased"),
        (event("patient.deceased", "2026-03-01"), "deceased"),
        (upserted("2026-03-01", tags=["do_not_contact"]), "do_not_contact"),
        (upserted("2026-03-01", date_of_birth="2008-03-04"), "minor"),
        (upserted("2026-03-01", tags=["complaint"]), "stopped"),
        (booking("2026-03-20 10:00", "b-1", told="2026-03-01", code="LHR"), "rebooked"),
        (booking("2026-03-03 18:00", "b-1", told="2026-03-01", code="LHR"), "rebooked"),
        (booking("2026-03-02 10:00", "b-1", told="2026-03-01", code="LHR"), "go"),
        (booking("2026-03-20 10:00", "b-1", told="2026-03-01", code="PEEL"), "go"),
        (upserted("2026-03-01", phone=None, email=None), "no_address"),
        (upserted("2026-03-01", consent={"sms": [], "email": []}), "no_consent"),
    ],
)
def test_what_is_known_of_the_patient_decides(told: Event, expected: str) -> None:
    assert code(ask(question(told))) == expected


@pytest.mark.parametrize(("born", "expected"), [("2008-03-03", "go"), ("2008-03-04", "minor"), (None, "go")])
def test_marketing_needs_eighteen_years_and_care_none(born: str | None, expected: str) -> None:
    record = upserted("2026-03-01", date_of_birth=born)
    assert code(ask(question(record))) == expected
    assert code(ask(question(record, purpose="care"))) == "go"


def test_a_birthday_comes_where_the_patient_is() -> None:
    record = upserted("2026-03-01", date_of_birth="2008-03-04", timezone="Asia/Tokyo")
    assert code(ask(question(record, now="2026-03-03 16:59"))) == "minor"
    assert code(ask(question(record, now="2026-03-03 17:00"))) == "go"


def test_the_appointment_that_started_the_journey_is_no_reason_to_drop() -> None:
    asked = question(booking("2026-03-20 10:00", "b-1", told="2026-03-01", code="LHR"))
    look = replace(asked.look, this=asked.facts.appointments[0])
    assert code(ask(replace(asked, look=look))) == "go"


@pytest.mark.parametrize("status", ["paused", "draft"])
def test_while_the_journey_is_not_live_it_waits(status: str) -> None:
    verdict = ask(question(status=status))
    assert isinstance(verdict, Defer)
    assert (verdict.code, verdict.excused) == ("paused", False)


@pytest.mark.parametrize(("now", "expected"), [("2026-03-04 12:00", "go"), ("2026-03-04 12:01", "expired")])
def test_too_late_is_later_than_expires(now: str, expected: str) -> None:
    assert code(ask(question(now=now))) == expected


@pytest.mark.parametrize(
    ("excused", "now", "expected"),
    [
        (3, "2026-03-07 12:00", "go"),
        (3, "2026-03-07 12:01", "expired"),
        (9, "2026-03-11 12:00", "go"),
        (9, "2026-03-11 12:01", "expired"),
    ],
)
def test_what_caps_and_holds_cost_is_excused_for_up_to_seven_days(
    excused: int, now: str, expected: str
) -> None:
    assert code(ask(question(now=now, message={"excused": timedelta(days=excused)}))) == expected
    assert timedelta(days=7) == MAX_EXCUSED


def test_a_hold_asks_again_at_its_end_and_at_least_daily() -> None:
    short = ask(question(event("patient.held", "2026-03-01", reason="r", until="2026-03-03T18:00:00+02:00")))
    endless = ask(question(event("patient.held", "2026-03-01", reason="r")))
    assert isinstance(short, Defer)
    assert isinstance(endless, Defer)
    assert (local(short.until), local(endless.until)) == ("2026-03-03 18:00", "2026-03-04 12:00")
    assert short.excused
    assert endless.excused


@pytest.mark.parametrize(
    ("seen", "purpose", "expected"),
    [
        ("2026-03-02 00:00", "marketing", "go"),
        ("2026-03-01 23:59", "marketing", "feed_stale"),
        ("2026-03-01 23:59", "care", "go"),
        (None, "marketing", "go"),
    ],
)
def test_a_clinic_that_fell_silent_writes_no_marketing(seen: str | None, purpose: str, expected: str) -> None:
    asked = question(
        policy="feed: {max_age: 36 hours}", purpose=purpose, feed_seen_at=at(seen) if seen else None
    )
    assert code(ask(asked)) == expected


@pytest.mark.parametrize(
    ("suppressed", "expected"),
    [
        ([("sms", PHONE)], Go("email", EMAIL)), ([("email", EMAIL)], Go("sms", PHONE)), ([("sms", "+306900000002")], Go("sms", PHONE)),
        ([("email", PHONE)], Go("sms", PHONE)), ([("sms", PHONE), ("email", EMAIL)], "suppressed"),
    ],
)  # fmt: skip
def test_an_address_that_must_not_be_written_to_is_passed_over(
    suppressed: list[tuple[str, str]], expected: Go | str
) -> None:
    verdict = ask(question(suppressed=frozenset(suppressed)))
    assert verdict == expected if isinstance(expected, Go) else code(verdict) == expected


def test_a_message_of_one_channel_does_not_fall_through_to_another() -> None:
    assert (
        code(ask(question(message={"channels": ("sms",)}, suppressed=frozenset({("sms", PHONE)}))))
        == "suppressed"
    )


CAP = "frequency_caps: {marketing: [1 per 7 days]}"


@pytest.mark.parametrize(
    ("sent", "until"),
    [
        (contact("2026-03-02 23:59"), "2026-03-09 00:00"),
        (contact("2026-02-24 00:00"), None),
        (contact("2026-02-25 00:00"), "2026-03-04 00:00"),
        (contact("2026-03-02", address="+306900000009"), "2026-03-09 00:00"),
        (contact("2026-03-02", patient="p-9"), "2026-03-09 00:00"),
        (contact("2026-03-02", patient="p-9", address="+306900000009"), None),
        (contact("2026-03-02", patient="p-9", channel="email", address=EMAIL), None),
        (contact("2026-03-02", purpose="care"), None),
    ],
)
def test_a_cap_counts_patient_local_dates_per_patient_and_per_address(
    sent: Contact, until: str | None
) -> None:
    verdict = ask(question(policy=CAP, contacts=[sent]))
    assert verdict == Go("sms", PHONE) if until is None else isinstance(verdict, Defer)
    if isinstance(verdict, Defer):
        assert (local(verdict.until), verdict.code, verdict.excused) == (until, "cap", True)


def test_the_dates_of_a_cap_are_the_patients() -> None:
    tokyo = upserted("2026-03-01", timezone="Asia/Tokyo")
    verdict = ask(question(tokyo, policy=CAP, contacts=[contact("2026-02-24 17:00")]))
    assert isinstance(verdict, Defer), "in Tokyo that was already the 25th, and the 3rd ends at 17:00 here"
    assert local(verdict.until) == "2026-03-03 17:00"


def test_a_rehearsal_is_not_capped() -> None:
    assert ask(question(policy=CAP, contacts=[contact("2026-03-02")], mode="rehearsal")) == Go(
        "sms", PHONE, rehearsal=True
    )


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-03-03 18:59", None),
        ("2026-03-03 19:00", "2026-03-04 10:00"),
        ("2026-03-07 19:00", "2026-03-09 10:00"),
    ],
)
def test_quiet_hours_wait_without_excuse(now: str, until: str | None) -> None:
    verdict = ask(question(now=now, due=now, policy=POLICY))
    if until is None:
        assert verdict == Go("sms", PHONE)
    else:
        assert isinstance(verdict, Defer)
        assert (local(verdict.until), verdict.code, verdict.excused) == (until, "quiet_hours", False)


def test_the_journeys_own_hours_bind_too() -> None:
    verdict = ask(question(policy=POLICY, journey={"send_between": '"14:00 - 15:00"'}))
    assert isinstance(verdict, Defer)
    assert local(verdict.until) == "2026-03-03 14:00"


def test_hours_that_never_meet_drop_the_message() -> None:
    assert code(ask(question(policy=POLICY, journey={"send_between": '"20:00 - 24:00"'}))) == "never_open"


@pytest.mark.parametrize(
    ("told", "more", "expected"),
    [
        (
            [event("patient.deceased", "2026-03-01"), event("patient.held", "2026-03-01", reason="r")],
            {},
            "deceased",
        ),
        ([event("patient.held", "2026-03-01", reason="r")], {"now": "2026-03-05 12:00"}, "expired"),
        (
            [event("patient.held", "2026-03-01", reason="r"), upserted("2026-03-01", phone=None, email=None)],
            {},
            "hold",
        ),
        (
            [],
            {
                "now": "2026-03-03 20:00",
                "suppressed": frozenset({("sms", PHONE), ("email", EMAIL)}),
                "policy": POLICY,
            },
            "suppressed",
        ),
        ([], {"now": "2026-03-03 20:00", "contacts": [contact("2026-03-02")], "policy": POLICY}, "cap"),
        ([booking("2026-03-20 10:00", "b-1", told="2026-03-01")], {"now": "2026-03-09 12:00"}, "rebooked"),
    ],
)
def test_of_two_objections_the_earlier_stage_is_told(
    told: list[Event], more: dict[str, Any], expected: str
) -> None:
    assert code(ask(question(*told, **more))) == expected


def test_every_objection_has_words() -> None:
    for asked in (
        question(status="paused"),
        question(event("patient.erased", "2026-03-01")),
        question(now="2026-03-09 12:00"),
        question(now="2026-03-03 20:00", policy=POLICY),
    ):
        verdict = ask(asked)
        assert not isinstance(verdict, Go)
        assert verdict.why


def test_the_same_question_has_the_same_answer() -> None:
    asked = question(visit("2026-03-01"), policy=POLICY, contacts=[contact("2026-03-02")])
    assert ask(asked) == ask(asked)
    assert isinstance(asked.now, datetime)

"""Visits in over HTTP, the right message out, at the right moment, or a reason why not."""

from __future__ import annotations

from calendar import monthrange
from datetime import datetime, timedelta

from sqlalchemy import select

from tests.acceptance.clinic import athens, booking, person, tell, visit
from tests.acceptance.system import System
from tests.eventually import eventually
from tests.standins.server import Step
from worker.store import schema
from worker.store.engine import read

FORTNIGHT = timedelta(days=14)
SECOND = timedelta(seconds=1)


def noon(house: System) -> None:
    """Go on to the next noon that is not today's, so that what is told now falls due at noon."""
    today = house.now()
    house.live_through(today.replace(hour=12, minute=0, second=0) + timedelta(days=1))


def until_due(house: System, seen: datetime, script: list[Step]) -> None:
    """Go on to the moment at which a visit's message is due, and let the next call to Twilio, which is this one's, go as the script says."""
    house.live_through(seen + FORTNIGHT - SECOND)
    house.sms.script(script)
    house.live_through(seen + FORTNIGHT)


def test_a_visit_becomes_an_sms_at_the_due_time_and_not_a_second_before(house: System) -> None:
    noon(house)
    eleni, seen = person(first_name="Eleni"), house.now()
    house.tell(visit(eleni, seen))

    house.live_through(seen + FORTNIGHT - SECOND)
    assert house.segments(eleni) == {"new", "body_history"}
    assert not house.texts(eleni)
    assert not house.messages(eleni)

    house.live_through(seen + FORTNIGHT)
    (sms,) = house.texts(eleni)
    assert sms.body == "Hello Eleni, shall we plan your next visit? https://clinic.example.com/book"
    assert sms.sender == "+15005550006"
    row = house.message(eleni)
    assert (row.message.state, row.provider_id, row.sent_at) == ("sent", sms.sid, house.now())
    assert not house.mails(eleni)


def test_whoever_allows_only_email_gets_an_email_and_whoever_reads_greek_reads_greek(house: System) -> None:
    noon(house)
    seen = house.now()
    maria = person(first_name="Μαρία", language="el", channels=("email",))
    nikos = person(first_name="Νίκος", language="el")
    paul = person(first_name="Paul", language="fr", channels=("email",))
    house.tell(*(visit(who, seen) for who in (maria, nikos, paul)))
    house.live_through(seen + FORTNIGHT)

    (mail,) = house.mails(maria)
    assert mail.subject == "Το επόμενο ραντεβού σας"
    assert "Γεια σας Μαρία, να κλείσουμε το επόμενο ραντεβού;" in mail.text
    assert "Μαρία" in (mail.html or "")
    assert mail.headers["List-Unsubscribe"].startswith("<http")
    assert "1 Test Street, Athens" in mail.text
    row = house.message(maria)
    assert (row.message.state, row.provider_id, mail.ref) == ("sent", mail.message_id, row.id)
    assert house.texts(nikos)[0].body.startswith("Γεια σας Νίκος, να κλείσουμε")
    assert house.mails(paul)[0].subject == "Your next visit"
    assert not house.texts(maria)
    assert not house.mails(nikos)


def test_in_quiet_hours_nothing_leaves_until_the_window_opens_and_then_one_message(house: System) -> None:
    noon(house)
    late = house.now().replace(hour=23)
    house.live_through(late)
    eleni = person()
    house.tell(visit(eleni, late, code="HYD"))
    opens = (late + timedelta(days=1)).replace(hour=8)

    house.live_through(opens - SECOND)
    assert not house.texts(eleni)
    waiting = house.message(eleni)
    assert (waiting.message.state, waiting.message.due_at) == ("scheduled", opens)

    house.live_through(opens)
    assert [sms.body for sms in house.texts(eleni)] == ["Thank you for coming, Eleni."]
    assert house.message(eleni).message.state == "sent"


def test_a_booking_before_the_due_time_leaves_nothing_to_say_and_a_trace_says_why(house: System) -> None:
    noon(house)
    eleni, seen = person(), house.now()
    house.tell(visit(eleni, seen))
    house.live_through(seen + timedelta(days=13))
    house.tell(booking(eleni, house.now(), seen + timedelta(days=20)))
    house.live_through(seen + FORTNIGHT + timedelta(days=1))

    assert not house.texts(eleni)
    assert ("goal", "booking.created, within 60 days") in [
        (trace.what, trace.why) for trace in house.traces(eleni)
    ]


def test_a_booking_that_comes_while_the_message_waits_for_the_morning_drops_it(house: System) -> None:
    noon(house)
    late = house.now().replace(hour=23)
    house.live_through(late)
    eleni = person()
    house.tell(visit(eleni, late))
    house.live_through(late + FORTNIGHT)
    assert house.message(eleni).message.state == "scheduled"
    house.tell(booking(eleni, house.now(), house.now() + timedelta(days=3)))
    house.live_through((late + FORTNIGHT + timedelta(days=1)).replace(hour=12))

    assert not house.texts(eleni)
    dropped = house.message(eleni).message
    assert (dropped.state, dropped.reason) == ("dropped", "goal")
    assert any(trace.what == "dropped" and "booking.created" in trace.why for trace in house.traces(eleni))


def test_who_revokes_before_the_due_time_is_not_written_to(house: System) -> None:
    noon(house)
    eleni, seen = person(), house.now()
    house.tell(visit(eleni, seen))
    house.live_through(seen + timedelta(days=13))
    revoked = [
        tell(
            "consent.revoked",
            eleni,
            house.now(),
            channel,
            channel=channel,
            purpose="marketing",
            basis="explicit",
        )
        for channel in ("sms", "email")
    ]
    house.tell(*revoked)
    house.live_through(seen + FORTNIGHT)

    assert not house.texts(eleni)
    assert not house.mails(eleni)
    dropped = house.message(eleni).message
    assert (dropped.state, dropped.reason) == ("dropped", "no_consent")
    assert any(
        trace.what == "dropped" and "no leave for marketing" in trace.why for trace in house.traces(eleni)
    )


def test_who_revokes_one_channel_is_reached_through_the_other(house: System) -> None:
    noon(house)
    eleni, seen = person(), house.now()
    house.tell(
        visit(eleni, seen),
        tell(
            "consent.revoked",
            eleni,
            seen + SECOND,
            "stop",
            channel="sms",
            purpose="marketing",
            basis="explicit",
        ),
    )
    house.live_through(seen + FORTNIGHT)
    assert not house.texts(eleni)
    assert len(house.mails(eleni)) == 1


def test_two_patients_with_one_telephone_share_its_cap_and_the_second_is_written_to_a_week_later(
    house: System,
) -> None:
    noon(house)
    seen = house.now()
    mother = person(first_name="Anna", channels=("sms",))
    daughter = person(first_name="Zoe", channels=("sms",), phone=mother.phone)
    house.tell(visit(mother, seen), visit(daughter, seen))
    house.live_through(seen + FORTNIGHT)

    assert len(house.texts(mother)) == 1
    first, second = sorted(
        (house.message(mother).message, house.message(daughter).message),
        key=lambda message: message.state,
        reverse=True,
    )
    assert (first.state, second.state, second.reason) == ("sent", "scheduled", "cap")
    other = next(who for who in (mother, daughter) if who.id == second.patient)
    assert ("waits", "no more than 1 per 1 week to one address") in [
        (trace.what, trace.why) for trace in house.traces(other)
    ]

    house.live_through((seen + FORTNIGHT + timedelta(days=6)).replace(hour=18))
    assert len(house.texts(mother)) == 1
    house.live_through((seen + FORTNIGHT + timedelta(days=7)).replace(hour=10))
    assert len(house.texts(mother)) == 2
    assert {sms.body.split()[1] for sms in house.texts(mother)} == {"Anna,", "Zoe,"}


def test_a_provider_that_is_away_for_a_moment_is_asked_again_and_one_that_refuses_is_not(
    house: System,
) -> None:
    noon(house)
    seen = house.now()
    eleni, wrong = person(channels=("sms",)), person(channels=("sms",))
    house.tell(visit(eleni, seen))
    until_due(house, seen, ["429"])
    assert not house.texts(eleni)
    assert house.message(eleni).message.state == "scheduled"
    house.live_through(house.now() + timedelta(minutes=1))
    assert len(house.texts(eleni)) == 1
    assert house.message(eleni).message.state == "sent"

    noon(house)
    seen = house.now()
    house.tell(visit(wrong, seen))
    until_due(house, seen, [("error", 21614)])
    house.live_through(seen + FORTNIGHT + timedelta(hours=1))
    assert not house.texts(wrong)
    assert (house.message(wrong).message.state, house.message(wrong).message.reason) == ("failed", "21614")


def test_an_answer_that_never_comes_is_found_in_the_providers_list_and_not_sent_again(house: System) -> None:
    noon(house)
    eleni, seen = person(channels=("sms",)), house.now()
    house.tell(visit(eleni, seen))
    until_due(house, seen, ["hangup_after"])
    house.live_through(seen + FORTNIGHT + timedelta(hours=5))
    assert house.message(eleni).message.state in ("unknown", "sent")
    eventually(lambda: house.message(eleni).message.state == "sent", timeout=60, every=0.5)
    assert len(house.texts(eleni)) == 1


def test_the_lapse_of_time_alone_writes_at_the_hour_that_is_allowed(house: System) -> None:
    noon(house)
    eleni, seen = person(), house.now()
    revisits = [visit(eleni, seen - timedelta(days=2), "first"), visit(eleni, seen, "second")]
    house.tell(*revisits)
    year, month = seen.year + (seen.month + 5) // 12, (seen.month + 5) % 12 + 1
    lapse = athens(month, min(seen.day, monthrange(year, month)[1]), 0, year=year)

    house.live_through(lapse - SECOND)
    assert "regular" in house.segments(eleni)
    house.live_through(lapse)
    assert house.segments(eleni) == {"inactive_6", "body_history"}
    assert not house.texts(eleni)
    house.live_through(lapse.replace(hour=10))
    assert [sms.body for sms in house.texts(eleni)] == ["Hello Eleni, it has been a while."]


def test_the_log_holds_ids_and_counts_and_nothing_of_a_patient(house: System) -> None:
    noon(house)
    eleni, seen = person(first_name="Evridiki"), house.now()
    house.sms.script([("error", 21211)])
    house.tell(visit(eleni, seen, code="HYD"))
    assert house.message(eleni).message.state == "failed"
    c = schema.ledgers.c
    with read(house.engine) as conn:
        known = conn.execute(select(c.data)).scalars().all()
    words = {
        entry["value"]
        for ledger in known
        for name, entry in ledger["profile"].items()
        if name in ("phone", "email", "first_name")
    }
    assert {"Evridiki", eleni.phone, eleni.email} <= words
    said = house.said()
    assert house.message(eleni).id in said
    assert not [word for word in words if isinstance(word, str) and word in said]

"""What providers report: each report once, a message never backwards, and what must not be written to any more, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import permutations

import pytest
from sqlalchemy import update

from tests.delivery.inbox import FILES, PHONE, Inbox, an_inbox
from tests.store.samples import together
from worker.service.publishing import publish
from worker.store import schema
from worker.store.engine import write

MAIL = "p-1@example.com"


@pytest.fixture
def inbox(database_url: str) -> Iterator[Inbox]:
    with an_inbox(database_url) as found:
        yield found


def mailed(inbox: Inbox, subject: str = "p-1", **person: str) -> str:
    return inbox.leave(
        inbox.visit(subject, **person), channel="email", address=f"{subject}@example.com", provider_id="X1"
    )


def shown(inbox: Inbox, key: str) -> tuple[str, str | None, str | None]:
    row = inbox.message(key)
    return row.state, row.status, row.code


def test_a_message_never_goes_backwards_in_whatever_order_it_is_told(inbox: Inbox) -> None:
    for number, order in enumerate(permutations(["queued", "sent", "delivered"])):
        key = inbox.written(f"p-{number}", phone=f"+30690000100{number}")
        for word in order:
            inbox.twilio(word, key, sid=f"SM{number}")
        assert shown(inbox, key) == ("delivered", "delivered", ""), order
        assert [row.word for row in inbox.rows(schema.receipts, message_id=key)] == list(order)


def test_what_is_told_again_changes_nothing(inbox: Inbox) -> None:
    key = inbox.written()
    for _ in range(3):
        inbox.twilio("undelivered", key, code="30005")
    assert shown(inbox, key) == ("undelivered", "undelivered", "30005")
    assert len(inbox.rows(schema.receipts)) == 1
    assert len(inbox.rows(schema.audit, action="address suppressed")) == 1
    assert len(inbox.rows(schema.traces, what="undelivered")) == 1


def test_two_who_tell_the_same_at_once_are_told_once(inbox: Inbox) -> None:
    key = inbox.written()
    together(*(lambda: inbox.twilio("undelivered", key, code="21610") for _ in range(4)))
    assert len(inbox.rows(schema.receipts)) == 1
    assert len(inbox.events("consent.revoked")) == 1


def test_the_moment_that_counts_towards_caps_stays_that_of_the_sending(inbox: Inbox) -> None:
    key = inbox.written()
    inbox.now += timedelta(days=3)
    inbox.twilio("delivered", key)
    row = inbox.message(key)
    assert (row.decided_at, row.status_at) == (inbox.now - timedelta(days=3), inbox.now)


def test_a_report_without_our_id_finds_its_message_by_the_providers(inbox: Inbox) -> None:
    key = inbox.written(provider_id="SM77")
    inbox.twilio("delivered", None, sid="SM77")
    assert shown(inbox, key)[0] == "delivered"


def test_a_report_of_a_message_that_we_do_not_know_is_kept_and_does_nothing(inbox: Inbox) -> None:
    key = inbox.written()
    assert inbox.twilio("undelivered", "no-such-message", sid="SM9", code="21610") == []
    assert inbox.sendgrid("spamreport", None) == []
    assert [(row.message_id, row.word) for row in inbox.rows(schema.receipts)] == [
        (None, "undelivered"), (None, "spamreport"),
    ]  # fmt: skip
    assert shown(inbox, key) == ("sent", None, None)
    assert not inbox.rows(schema.suppressions)


def test_a_word_that_we_do_not_know_is_kept_and_moves_nothing(inbox: Inbox) -> None:
    key = inbox.written()
    inbox.twilio("teleported", key)
    assert shown(inbox, key) == ("sent", None, None)
    assert [(row.status, row.word) for row in inbox.rows(schema.receipts)] == [("unknown", "teleported")]


def test_any_word_of_the_provider_proves_an_unknown_message_sent(inbox: Inbox) -> None:
    key = inbox.leave(inbox.visit(), "unknown")
    with write(inbox.house.engine) as conn:
        conn.execute(
            update(schema.messages).values(lookup_at=inbox.now + timedelta(minutes=1), provider_id=None)
        )
    inbox.twilio("queued", key, sid="SM5")
    row = inbox.message(key)
    assert (row.state, row.provider_id, row.lookup_at, row.status) == ("sent", "SM5", None, "queued")


def test_an_unknown_message_that_bounced_was_sent_and_did_not_arrive(inbox: Inbox) -> None:
    key = inbox.leave(inbox.visit(), "unknown", channel="email", address=MAIL)
    inbox.sendgrid("bounce", key, "5.1.1")
    assert shown(inbox, key) == ("undelivered", "bounced", "5.1.1")
    assert inbox.suppressed("email", MAIL) == "bounced"


def test_a_report_that_comes_before_our_own_record_is_kept_beside_the_claim(inbox: Inbox) -> None:
    key = inbox.visit()
    inbox.claim(key)
    inbox.twilio("delivered", key, sid="SM8")
    row = inbox.message(key)
    assert (row.state, row.status, row.provider_id) == ("claimed", "delivered", "SM8")


def test_a_message_that_was_to_be_sent_again_is_not_once_the_provider_has_it(inbox: Inbox) -> None:
    key = inbox.visit()
    inbox.claim(key)
    with write(inbox.house.engine) as conn:
        conn.execute(update(schema.messages).values(state="scheduled", claimed_until=None))
    inbox.twilio("sent", key, sid="SM8")
    row = inbox.message(key)
    assert (row.state, row.provider_id) == ("sent", "SM8")
    assert inbox.rows(schema.enrollments)[0].waiting_for is None


def test_a_message_that_never_left_is_not_sent_by_a_word(inbox: Inbox) -> None:
    key = inbox.visit()
    inbox.twilio("sent", key)
    assert inbox.message(key).state == "scheduled"


def test_what_an_email_comes_to_closes_the_address_or_does_not(inbox: Inbox) -> None:
    cases = [
        ("bounce", "5.1.1", "bounce", "bounced", True),
        ("bounce", "bounce", "bounce", "bounced", True),
        ("bounce", "blocked", "blocked", None, True),
        ("deferred", "", "", None, True),
        ("dropped", "bounced_address", "", "dead", True),
        ("dropped", "unsubscribed_address", "", "opted_out", False),
        ("dropped", "spam_content", "", None, True),
        ("spamreport", "spamreport", "", "complained", False),
        ("unsubscribe", "unsubscribe", "", "unsubscribed", False),
        ("group_unsubscribe", "group_unsubscribe", "", "unsubscribed", False),
        ("group_resubscribe", "", "", None, True),
        ("open", "", "", None, True),
        ("click", "", "", None, True),
    ]
    for number, (word, code, kind, reason, leave) in enumerate(cases):
        who, phone = f"p-{number}", f"+3069000010{number:02}"
        key = mailed(inbox, who, phone=phone)
        inbox.sendgrid(word, key, code, kind)
        found = (inbox.suppressed("email", f"{who}@example.com"), inbox.allows(who, "email"))
        assert found == (reason, leave), (word, code)
        assert inbox.allows(who, "sms")
        assert inbox.suppressed("sms", phone) is None


def test_what_an_sms_comes_to_closes_the_number_or_does_not(inbox: Inbox) -> None:
    cases = [
        ("undelivered", "30005", "dead", True),
        ("failed", "21614", "dead", True),
        ("undelivered", "21610", "opted_out", False),
        ("undelivered", "30003", None, True),
        ("undelivered", "30007", None, True),
        ("undelivered", "99999", None, True),
        ("delivered", "30005", None, True),
    ]
    for number, (word, code, reason, leave) in enumerate(cases):
        who, phone = f"p-{number}", f"+3069000010{number:02}"
        inbox.twilio(word, inbox.written(who, phone=phone), sid=f"SM{number}", code=code)
        assert (inbox.suppressed("sms", phone), inbox.allows(who)) == (reason, leave), (word, code)


def test_leave_that_is_taken_back_names_the_report_as_its_evidence(inbox: Inbox) -> None:
    inbox.sendgrid("spamreport", mailed(inbox), "spamreport", key="ev-1")
    (row,) = inbox.rows(schema.consents, action="revoked")
    assert (row.patient_id, row.channel, row.purpose) == ("p-1", "email", "marketing")
    assert (row.basis, row.source, row.evidence) == ("explicit", "provider", "sendgrid ev-1")


def test_leave_is_taken_back_whatever_the_clock_of_who_told_of_it_said(inbox: Inbox) -> None:
    key = mailed(inbox)
    inbox.now += timedelta(minutes=4)
    inbox.tell("consent.granted", channel="email", purpose="marketing", basis="written")
    inbox.now -= timedelta(minutes=4)
    inbox.sendgrid("spamreport", key, "spamreport")
    assert not inbox.allows(channel="email")


def test_the_address_that_is_closed_is_the_one_that_the_message_went_to(inbox: Inbox) -> None:
    key = mailed(inbox)
    inbox.tell("patient.upserted", patient={"email": "new@example.com"})
    inbox.sendgrid("bounce", key, "5.1.1")
    assert inbox.suppressed("email", MAIL) == "bounced"
    assert inbox.suppressed("email", "new@example.com") is None


def test_a_complaint_counts_for_the_patient_that_two_records_became(inbox: Inbox) -> None:
    key = mailed(inbox)
    inbox.tell("patient.upserted", "p-2", patient={"first_name": "Maria"})
    inbox.tell("patient.merged", "p-1", into="p-2")
    inbox.sendgrid("spamreport", key, "spamreport")
    assert [row.patient_id for row in inbox.rows(schema.consents, action="revoked")] == ["p-2"]
    assert not inbox.allows("p-2", "email")


def test_of_a_patient_who_was_forgotten_nothing_is_kept_anew(inbox: Inbox) -> None:
    key = mailed(inbox)
    inbox.tell("patient.erased")
    inbox.sendgrid("spamreport", key, "spamreport", address=MAIL)
    assert inbox.events("consent.revoked") == []
    assert [row.raw for row in inbox.rows(schema.receipts)] == [{}]
    assert inbox.suppressed("email", MAIL) == "erased"


def test_the_clinic_is_that_of_the_message_whatever_the_call_names(inbox: Inbox) -> None:
    publish(inbox.house, {**FILES, "config/clinic.yaml": FILES["config/clinic.yaml"] + "id: other\n"})
    key = inbox.written()
    inbox.twilio("delivered", key, clinic="other")
    inbox.twilio("delivered", None, sid="SM-strange", clinic="other")
    inbox.twilio("sent", None, sid="SM-strange")
    assert [row.clinic_id for row in inbox.rows(schema.receipts)] == ["default", "other", "default"]
    assert inbox.message(key).state == "delivered"


def test_a_report_that_fails_does_not_keep_the_others_and_is_asked_for_again(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    from channels.base import Receipt
    from channels.status import Status
    from worker.service.receiving import take

    keys = [inbox.written(f"p-{n}", phone=f"+30690000000{n}") for n in (1, 2, 3)]
    reports = [
        Receipt("twilio", f"k{n}", key, None, Status.DELIVERED, "delivered", "", None, None, None, None, {})
        for n, key in enumerate(keys)
    ]
    bad = Receipt(
        "twilio", "k1", keys[1], None, Status.DELIVERED, "delivered", "", None, None, None, None, {"raw": {1}}
    )
    with pytest.raises(Exception, match="JSON serializable"):
        take(inbox.house, None, [reports[0], bad, reports[2]])
    assert [inbox.message(key).state for key in keys] == ["delivered", "sent", "delivered"]
    take(inbox.house, None, reports)
    assert [inbox.message(key).state for key in keys] == ["delivered"] * 3


def test_a_report_keeps_what_it_came_as(inbox: Inbox) -> None:
    inbox.twilio("sent", inbox.written())
    (row,) = inbox.rows(schema.receipts)
    assert (row.provider, row.key, row.raw, row.received_at) == (
        "twilio", "SM1:sent", {"MessageSid": "SM1"}, inbox.now,
    )  # fmt: skip
    assert row.at is None


def test_nothing_of_the_patient_is_logged(inbox: Inbox, caplog: pytest.LogCaptureFixture) -> None:
    inbox.twilio("undelivered", inbox.written(), code="21610")
    assert PHONE not in caplog.text

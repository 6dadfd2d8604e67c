"""One message on its way out, on both databases, against the strict stand-ins of the providers."""

from __future__ import annotations

import threading
from datetime import timedelta

from tests.delivery.desk import FILES, Desk
from worker.delivery.dispatch import LEASE, give_up
from worker.service.folding import fold
from worker.service.publishing import publish
from worker.service.sweeping import sweep
from worker.store import outbox


def test_a_message_leaves_once_however_often_it_is_dispatched(desk: Desk) -> None:
    key = desk.visit(1)
    for _ in range(3):
        desk.send(key)
    assert [sms.body for sms in desk.provider.messages] == ["Hello Maria, C"]
    assert desk.state(key) == ("sent", "")
    assert desk.row(key).provider_id == desk.provider.messages[0].sid


def test_two_workers_at_once_send_it_once(desk: Desk) -> None:
    key = desk.visit(1)
    threads = [threading.Thread(target=desk.send, args=(key,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(desk.provider.messages) == 1


def test_nothing_leaves_while_something_of_the_patient_waits_to_be_folded(desk: Desk) -> None:
    key = desk.visit(1)
    desk.tell("consent.revoked", 2, folded=False, channel="sms", purpose="marketing", basis="verbal")
    desk.send(key)
    assert desk.state(key) == ("scheduled", "")
    desk.now += timedelta(minutes=1)
    for job in sweep(desk.house).jobs:
        if job.kind == "fold":
            fold(desk.house, "default", [int(one) for one in job.ids])
    desk.send(key)
    assert desk.state(key) == ("dropped", "no_consent")
    assert not desk.provider.messages


def test_a_hang_up_after_the_request_is_unknown_and_never_sent_again(desk: Desk) -> None:
    desk.provider.script(["hangup_after"])
    key = desk.visit(1)
    desk.send(key)
    assert desk.state(key)[0] == "unknown"
    desk.now += timedelta(hours=2)
    assert not [job for job in sweep(desk.house).jobs if job.kind == "dispatch"]
    desk.send(key)
    assert len(desk.provider.messages) == 1


def test_a_provider_that_asks_for_patience_is_asked_again(desk: Desk) -> None:
    desk.provider.script(["429"])
    key = desk.visit(1)
    desk.send(key)
    state, _ = desk.state(key)
    assert state == "scheduled"
    assert desk.row(key).message.due_at > desk.now
    assert not desk.provider.messages
    desk.now = desk.row(key).message.due_at
    desk.send(key)
    assert desk.state(key) == ("sent", "")
    assert len(desk.provider.messages) == 1


def test_a_number_that_opted_out_at_the_carrier_is_suppressed(desk: Desk) -> None:
    desk.provider.script([("error", 21610)])
    first = desk.visit(1)
    desk.send(first)
    assert desk.state(first)[0] == "failed"
    desk.now += timedelta(days=30)
    second = desk.visit(2)
    desk.send(second)
    assert desk.state(second) == ("dropped", "suppressed")
    assert not desk.provider.messages


def test_a_claim_that_nobody_finished_becomes_unknown_after_its_lease(desk: Desk) -> None:
    key = desk.visit(1)
    with desk.house.engine.begin() as conn:
        assert outbox.claim(conn, "default", key, desk.now, desk.now + LEASE, "sms", "+306900000001")
    assert not sweep(desk.house).due
    desk.now += LEASE + timedelta(seconds=1)
    assert sweep(desk.house).due == 1
    assert desk.state(key) == ("unknown", "lease")
    assert give_up(desk.house, "default", key) == []
    desk.send(key)
    assert not desk.provider.messages


def test_two_patients_with_one_phone_do_not_both_take_the_last_place(desk: Desk) -> None:
    keys = [desk.visit(1, "p-1"), desk.visit(2, "p-2")]
    desk.send_at_once(keys)
    assert len(desk.provider.messages) == 1
    assert sorted(desk.state(key) for key in keys) == [("scheduled", "cap"), ("sent", "")]
    whys = [trace.why for patient in ("p-1", "p-2") for trace in desk.traces(patient)]
    assert "no more than 1 per 1 week to one address" in whys


def test_a_text_that_cannot_be_written_is_dropped_and_says_so(desk: Desk) -> None:
    key = desk.visit(1)
    files = {path: text for path, text in FILES.items() if not path.startswith(("templates/", "journeys/"))}
    other = FILES["journeys/hello.yaml"].replace("template: hello", "template: other")
    publish(desk.house, {**files, "journeys/hello.yaml": other, "templates/other.sms.en.j2": "Hi\n"})
    desk.send(key)
    assert desk.state(key) == ("dropped", "template")


def test_a_provider_may_not_keep_a_message_into_the_night(desk: Desk) -> None:
    key = desk.visit(1)
    desk.now += timedelta(hours=7)  # 19:00 in Athens, two hours before the quiet ones
    publish(desk.house, {**FILES, "config/policy.yaml": "quiet_hours: {marketing: 21:00 - 10:00}\n"})
    desk.send(key)
    assert desk.provider.messages[0].params["ValidityPeriod"] == "7200"


def test_a_provider_keeps_a_message_as_long_as_it_likes_where_nothing_closes(desk: Desk) -> None:
    desk.send(desk.visit(1))
    assert "ValidityPeriod" not in desk.provider.messages[0].params


def test_reports_are_asked_for_with_our_own_id(desk: Desk) -> None:
    key = desk.visit(1)
    desk.send(key)
    callback = f"http://127.0.0.1:8000/webhooks/default/twilio/status?ref={key}"
    assert desk.provider.messages[0].status_callback == callback

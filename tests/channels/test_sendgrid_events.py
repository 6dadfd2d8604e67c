from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from channels.base import Receipt, Unreadable
from channels.codes import Remedy, remedy
from channels.sendgrid import SendGridEmail
from channels.sendgrid_events import parse, verifier, verify
from channels.status import Status
from tests.channels.messages import ADDRESS, an_email
from tests.standins.sendgrid import Email, SendGridStandin

# SendGrid's published example
KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpig"
    "lSI8eNEc6wEA3F+g=="
)
SIGNATURE = "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM="
TIMESTAMP = "1600112502"
EVENT = {
    "email": "hello@world.com",
    "event": "dropped",
    "reason": "Bounced Address",
    "sg_event_id": "ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",
    "sg_message_id": "LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",
    "smtp-id": "<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>",
    "timestamp": 1600112492,
}
BODY = json.dumps([EVENT], sort_keys=True, separators=(",", ":")).encode() + b"\r\n"
THEN = datetime.fromtimestamp(int(TIMESTAMP), UTC)
WINDOW = timedelta(minutes=10)


def headers(signature: str = SIGNATURE, timestamp: str = TIMESTAMP) -> dict[str, str]:
    return {
        "X-Twilio-Email-Event-Webhook-Signature": signature,
        "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
    }


def is_ours(said: dict[str, str], body: bytes = BODY, key: str = KEY, late: timedelta = timedelta(0)) -> bool:
    return verify(key, said, body, THEN + late, WINDOW)


def test_sendgrids_own_example_verifies() -> None:
    assert is_ours(headers())
    assert is_ours({name.lower(): value for name, value in headers().items()})


def test_each_changed_byte_of_the_body_is_refused() -> None:
    for place, byte in enumerate(BODY):
        changed = BODY[:place] + bytes([byte ^ 1]) + BODY[place + 1 :]
        assert not is_ours(headers(), changed), changed


def test_the_line_break_at_the_end_belongs_to_the_body() -> None:
    assert not is_ours(headers(), BODY.rstrip())
    assert not is_ours(headers(), BODY + b"\n")


def test_each_changed_byte_of_the_signature_is_refused() -> None:
    for place, byte in enumerate(SIGNATURE):
        for other in set("ANx+!") - {byte}:
            changed = SIGNATURE[:place] + other + SIGNATURE[place + 1 :]
            assert not is_ours(headers(changed)), changed


def test_each_changed_byte_of_the_timestamp_is_refused() -> None:
    for place, byte in enumerate(TIMESTAMP):
        changed = TIMESTAMP[:place] + ("8" if byte != "8" else "7") + TIMESTAMP[place + 1 :]
        said = headers(timestamp=changed)
        assert not verify(KEY, said, BODY, THEN, timedelta(days=365_000)), changed


def test_each_changed_byte_of_the_key_is_refused() -> None:
    for place in range(len(KEY)):
        other = "A" if KEY[place] != "A" else "B"
        assert not is_ours(headers(), key=KEY[:place] + other + KEY[place + 1 :])


@pytest.mark.parametrize(
    ("late", "holds"),
    [
        (timedelta(minutes=10), True),
        (timedelta(minutes=-10), True),
        (timedelta(minutes=10, seconds=1), False),
        (timedelta(minutes=-10, seconds=-1), False),
        (timedelta(days=365), False),
    ],
)
def test_a_report_counts_within_its_window_only(late: timedelta, holds: bool) -> None:
    assert is_ours(headers(), late=late) is holds


@pytest.mark.parametrize(
    "said",
    [
        {},
        headers(signature=""),
        headers(timestamp=""),
        headers(signature="not base64!"),
        headers(signature="AAAA"),
        headers(signature="Ω"),
        headers(timestamp="now"),
        headers(timestamp="-1600112502"),
        headers(timestamp="1600112502.0"),
        headers(timestamp="١٦٠٠١١٢٥٠٢"),
        headers(timestamp="9" * 5000),
        headers(signature=f" {SIGNATURE}"),
    ],
)
def test_rubbish_is_refused_and_raises_nothing(said: dict[str, str]) -> None:
    assert not is_ours(said)
    assert not is_ours(said, b"\xff\xfe")


def public(key: Any) -> str:
    der = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return base64.b64encode(der).decode()


@pytest.mark.parametrize(
    "key",
    [
        "",
        "no key",
        "AAAA",
        KEY[:-8],
        public(rsa.generate_private_key(65537, 2048)),
        public(ec.generate_private_key(ec.SECP384R1())),
    ],
)
def test_a_key_that_is_none_is_told_apart_and_vouches_for_nothing(key: str) -> None:
    with pytest.raises(ValueError, match="verification key"):
        verifier(key)
    assert not is_ours(headers(), key=key)


def test_a_key_may_have_been_copied_with_line_breaks() -> None:
    assert is_ours(headers(), key=f" {KEY[:64]}\n{KEY[64:]}\n")


def sent(email: SendGridEmail, standin: SendGridStandin, **changes: Any) -> Email:
    email.send(an_email(**changes))
    return standin.messages[-1]


def receipts(standin: SendGridStandin, *events: Any) -> list[Receipt]:
    report = standin.events("https://clinic.example/hooks/sendgrid", list(events))
    assert verify(standin.public_key, report.headers, report.body, datetime.now(UTC), WINDOW)
    return parse(report.body)


def test_an_event_is_read_with_our_ref_and_all_that_it_says(
    email: SendGridEmail, sendgrid_standin: SendGridStandin
) -> None:
    message = sent(email, sendgrid_standin)
    event = sendgrid_standin.event(
        message, "click", url="https://clinic.example/r/x", useragent="Mozilla/5.0", timestamp=1600112492
    )
    (receipt,) = receipts(sendgrid_standin, event)
    assert (receipt.provider, receipt.key, receipt.ref) == ("sendgrid", event["sg_event_id"], "m-2")
    assert receipt.provider_id == message.message_id
    assert (receipt.status, receipt.word, receipt.code) == (Status.CLICKED, "click", "")
    assert receipt.at == datetime(2020, 9, 14, 19, 41, 32, tzinfo=UTC)
    assert (receipt.address, receipt.url) == (ADDRESS, "https://clinic.example/r/x")
    assert receipt.user_agent == "Mozilla/5.0" and receipt.raw == event
    assert ADDRESS not in repr(receipt) and "/r/x" not in repr(receipt) and "Mozilla" not in repr(receipt)


def test_the_events_keep_their_order(email: SendGridEmail, sendgrid_standin: SendGridStandin) -> None:
    message = sent(email, sendgrid_standin)
    words = ["delivered", "processed", "open"]
    found = receipts(sendgrid_standin, *(sendgrid_standin.event(message, word) for word in words))
    assert [receipt.word for receipt in found] == words
    assert len({receipt.key for receipt in found}) == 3


@pytest.mark.parametrize(
    ("event", "status", "code", "helps"),
    [
        ({"event": "bounce", "type": "bounce", "status": "5.1.1"}, Status.BOUNCED, "5.1.1", Remedy.ADDRESS_DEAD),
        ({"event": "bounce", "type": "bounce"}, Status.BOUNCED, "bounce", Remedy.ADDRESS_DEAD),
        ({"event": "bounce", "status": "4.2.2"}, Status.BOUNCED, "4.2.2", Remedy.LATER),
        ({"event": "bounce", "status": "a@b.gr said 5"}, Status.BOUNCED, "bounce", Remedy.ADDRESS_DEAD),
        ({"event": "bounce", "status": "bounced_address"}, Status.BOUNCED, "bounce", Remedy.ADDRESS_DEAD),
        ({"event": "bounce", "type": "blocked", "status": "5.7.1"}, Status.BLOCKED, "blocked", Remedy.LATER),
        ({"event": "dropped", "reason": "Bounced Address"}, Status.DROPPED, "bounced_address", Remedy.ADDRESS_DEAD),
        ({"event": "dropped", "reason": "Invalid"}, Status.DROPPED, "invalid", Remedy.ADDRESS_DEAD),
        (
            {"event": "dropped", "reason": "Unsubscribed Address"},
            Status.DROPPED,
            "unsubscribed_address",
            Remedy.OPTED_OUT,
        ),
        (
            {"event": "dropped", "reason": "Spam Reporting Address"},
            Status.DROPPED,
            "spam_reporting_address",
            Remedy.OPTED_OUT,
        ),
        ({"event": "dropped", "reason": "for eleni@x.gr"}, Status.DROPPED, "dropped", Remedy.CONTENT),
        ({"event": "dropped"}, Status.DROPPED, "dropped", Remedy.CONTENT),
        ({"event": "spamreport"}, Status.COMPLAINED, "spamreport", Remedy.OPTED_OUT),
        ({"event": "unsubscribe"}, Status.UNSUBSCRIBED, "unsubscribe", Remedy.OPTED_OUT),
        ({"event": "group_unsubscribe"}, Status.UNSUBSCRIBED, "group_unsubscribe", Remedy.OPTED_OUT),
        ({"event": "group_resubscribe"}, Status.RESUBSCRIBED, "", Remedy.CONTENT),
        ({"event": "deferred", "response": "421 a@b.gr"}, Status.DEFERRED, "", Remedy.CONTENT),
        ({"event": "teleported"}, Status.UNKNOWN, "", Remedy.CONTENT),
    ],
)  # fmt: skip
def test_what_went_wrong_has_a_short_name_and_a_remedy(
    event: dict[str, Any], status: Status, code: str, helps: Remedy
) -> None:
    (receipt,) = parse(json.dumps([event]).encode())
    assert (receipt.status, receipt.code) == (status, code)
    assert remedy("sendgrid", receipt.code) is helps
    assert receipt.raw == event


def test_the_published_example_says_that_the_address_is_dead() -> None:
    (receipt,) = parse(BODY)
    assert receipt.key == EVENT["sg_event_id"] and receipt.provider_id == "LRzXl_NHStOGhQ4kofSm_A"
    assert remedy("sendgrid", receipt.code) is Remedy.ADDRESS_DEAD and receipt.ref is None


def test_an_event_without_an_id_is_the_same_when_it_comes_again() -> None:
    first, again, other = parse(b'[{"event":"open","a":1},{"a":1,"event":"open"},{"event":"open","a":2}]')
    assert first.key == again.key != other.key and len(first.key) == 64


@pytest.mark.parametrize("ref", [5, None, "a b", "../x", ["m-1"], {"m": 1}])
def test_a_ref_that_cannot_be_ours_is_none(ref: object) -> None:
    (receipt,) = parse(json.dumps([{"event": "open", "ref": ref}]).encode())
    assert receipt.ref is None


@pytest.mark.parametrize("when", [None, "soon", 10**30, -(10**30), 1e400, [], {}])
def test_a_time_that_is_none_is_left_out(when: object) -> None:
    (receipt,) = parse(json.dumps([{"event": "open", "timestamp": when}]).encode())
    assert receipt.at is None


def test_what_no_database_can_store_is_replaced() -> None:
    (receipt,) = parse(b'[{"event":"op\\u0000en","x":"\\ud800","n":NaN,"deep":[{"k\\u0000":Infinity}]}]')
    assert receipt.raw == {"event": "op\ufffden", "x": "\ufffd", "n": None, "deep": [{"k\ufffd": None}]}
    json.dumps(receipt.raw, allow_nan=False).encode()


def test_an_entry_that_is_no_event_is_kept_and_spoils_no_other() -> None:
    odd, good = parse(b'[7,{"event":"open"}]')
    assert (odd.status, odd.raw, good.status) == (Status.UNKNOWN, {"value": 7}, Status.OPENED)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"null", b'"x"', b"[1", b"\xff", b"[" * 100_000, b"[" * 600 + b"]" * 600]
)
def test_what_is_no_list_of_events_is_unreadable_and_says_so(body: bytes) -> None:
    with pytest.raises(Unreadable, match="SendGrid"):
        parse(body)


def test_an_empty_list_is_no_mistake() -> None:
    assert parse(b"[]") == []

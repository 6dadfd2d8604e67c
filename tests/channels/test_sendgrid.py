from __future__ import annotations

import json
import socket
from typing import Any

import pytest

from channels.base import Accepted, Permanent, Temporary, Unknown
from channels.http import Answer
from channels.sendgrid import SendGridEmail, outcome_of
from tests.channels.messages import ADDRESS, an_email
from tests.standins.sendgrid import API_KEY, SendGridStandin


def test_sendgrid_accepts_what_we_send(email: SendGridEmail, sendgrid_standin: SendGridStandin) -> None:
    out = an_email()
    outcome = email.send(out)
    (message,) = sendgrid_standin.messages
    assert outcome == Accepted(message.message_id, "accepted")
    assert message.payload == {
        "from": {"email": out.sender, "name": out.sender_name},
        "subject": out.subject,
        "personalizations": [{"to": [{"email": out.to}], "custom_args": {"ref": "m-2"}}],
        "content": [{"type": "text/plain", "value": out.text}, {"type": "text/html", "value": out.html}],
        "headers": dict(out.headers),
        "categories": ["care"],
        "tracking_settings": {
            "click_tracking": {"enable": False, "enable_text": False},
            "open_tracking": {"enable": False},
            "subscription_tracking": {"enable": False},
        },
    }
    assert message.ref == "m-2"


def test_a_plain_message_has_only_its_plain_part(
    email: SendGridEmail, sendgrid_standin: SendGridStandin
) -> None:
    assert isinstance(email.send(an_email(html="", sender_name="", headers={}, category=None)), Accepted)
    (message,) = sendgrid_standin.messages
    assert message.html is None and message.headers == {} and message.categories == []
    assert "name" not in message.payload["from"]


def test_tracking_can_be_asked_for(sendgrid_standin: SendGridStandin) -> None:
    channel = SendGridEmail(API_KEY, sendgrid_standin.url, track_clicks=True, track_opens=True)
    assert isinstance(channel.send(an_email()), Accepted)
    tracking = sendgrid_standin.messages[0].payload["tracking_settings"]
    assert tracking["click_tracking"]["enable"] and tracking["open_tracking"]["enable"]


def test_an_address_that_holds_two_is_not_cut_to_the_first(
    email: SendGridEmail, sendgrid_standin: SendGridStandin
) -> None:
    outcome = email.send(an_email(to="eleni@example.com, maria@example.com"))
    assert isinstance(outcome, Permanent) and outcome.blame == "address"
    assert "example.com" not in outcome.why
    assert sendgrid_standin.messages == []


def test_all_messages_share_one_connection(email: SendGridEmail, sendgrid_standin: SendGridStandin) -> None:
    for n in range(5):
        assert isinstance(email.send(an_email(ref=f"m-{n}")), Accepted)
    assert sendgrid_standin.connections == 1


@pytest.mark.parametrize(
    ("step", "blame"),
    [
        ("400", "content"),
        ("401", "sender"),
        ("403", "sender"),
        ("404", "sender"),
        ("405", "sender"),
        ("413", "content"),
    ],
)
def test_a_refusal_says_whose_fault_it_is(
    email: SendGridEmail, sendgrid_standin: SendGridStandin, step: str, blame: str
) -> None:
    sendgrid_standin.script([step])
    outcome = email.send(an_email())
    assert isinstance(outcome, Permanent)
    assert (outcome.code, outcome.blame) == (f"http_{step}", blame)


def test_too_many_requests_says_how_long_to_wait(
    email: SendGridEmail, sendgrid_standin: SendGridStandin
) -> None:
    sendgrid_standin.script(["429"])
    outcome = email.send(an_email())
    assert isinstance(outcome, Temporary) and outcome.retry_after is not None
    assert 5 <= outcome.retry_after <= 8
    assert isinstance(email.send(an_email()), Accepted)


@pytest.mark.parametrize(
    "step", ["500", "503", "500_after", "408", "hangup_before", "hangup_after", "reset_after"]
)
def test_what_proves_nothing_is_unknown_and_nothing_is_sent_again(
    email: SendGridEmail, sendgrid_standin: SendGridStandin, step: str
) -> None:
    sendgrid_standin.script([step])
    assert isinstance(email.send(an_email()), Unknown)
    assert len(sendgrid_standin.requests) == 1


def test_no_answer_in_time_is_unknown(sendgrid_standin: SendGridStandin) -> None:
    sendgrid_standin.script(["slow"])
    outcome = SendGridEmail(API_KEY, sendgrid_standin.url, timeout=0.3).send(an_email())
    assert isinstance(outcome, Unknown) and outcome.code == "no_answer"
    assert sendgrid_standin.messages[0].ref == "m-2"


def test_no_connection_is_temporary() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    outcome = SendGridEmail(API_KEY, url).send(an_email())
    assert isinstance(outcome, Temporary) and outcome.code == "no_connection"


def test_a_wrong_key_blames_the_sender(sendgrid_standin: SendGridStandin) -> None:
    outcome = SendGridEmail("SG.wrong", sendgrid_standin.url).send(an_email())
    assert isinstance(outcome, Permanent) and (outcome.code, outcome.blame) == ("http_401", "sender")


def test_a_2xx_other_than_202_delivers_nothing_that_we_know_of() -> None:
    assert isinstance(outcome_of(Answer(200, {}, b""), an_email()), Unknown)
    assert outcome_of(Answer(202, {}, b""), an_email()) == Accepted(None, "accepted")


@pytest.mark.parametrize(
    ("change", "field", "blame"),
    [
        ({"to": "nobody"}, "personalizations.0.to.0.email", "address"),
        ({"sender": "nobody"}, "from.email", "sender"),
        ({"subject": ""}, "subject", "content"),
        ({"text": ""}, "content.0.value", "content"),
        ({"headers": {"Reply-To": "x"}}, "headers.Reply-To", "content"),
        ({"headers": {"X-Name": "Ελένη"}}, "headers.X-Name", "content"),
        ({"category": "c" * 256}, "categories", "content"),
    ],
)
def test_the_standin_refuses_what_sendgrid_refuses(
    email: SendGridEmail, sendgrid_standin: SendGridStandin, change: dict[str, Any], field: str, blame: str
) -> None:
    outcome = email.send(an_email(**change))
    assert isinstance(outcome, Permanent)
    assert outcome.blame == blame and f"(field {field})" in outcome.why
    assert sendgrid_standin.messages == []


@pytest.mark.parametrize("change", [{"text": "SG.abc.def is our key"}, {"subject": "\ud800"}])
def test_what_the_sdk_or_the_wire_cannot_carry_is_refused_without_asking(
    email: SendGridEmail, sendgrid_standin: SendGridStandin, change: dict[str, Any]
) -> None:
    outcome = email.send(an_email(**change))
    assert isinstance(outcome, Permanent) and outcome.blame == "content"
    assert sendgrid_standin.requests == []


def test_the_reason_never_shows_the_address_or_the_text() -> None:
    out = an_email(subject="Six months already", text="Dear Eleni\nplease come back")
    words = f"Bad: {ADDRESS} 'Dear Eleni' please come back; Six months already, +30 690 0000 017"
    outcome = outcome_of(
        Answer(400, {}, json.dumps({"errors": [{"message": words, "field": ADDRESS}]}).encode()), out
    )
    assert isinstance(outcome, Permanent)
    for hidden in (ADDRESS, "Eleni", "come back", "months", "690"):
        assert hidden not in outcome.why


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"errors":[]}', b'{"errors":["x"]}', b'{"errors":{"a":1}}', b"\xff"]
)
def test_a_refusal_without_sendgrids_shape_still_has_a_reason(body: bytes) -> None:
    outcome = outcome_of(Answer(400, {}, body), an_email())
    assert isinstance(outcome, Permanent) and outcome.why.endswith("no reason given")


@pytest.mark.parametrize("key", ["", "a b", "a\n", "κλειδί"])
def test_a_key_that_cannot_be_right_is_refused_at_once(key: str) -> None:
    with pytest.raises(ValueError, match="SENDGRID_API_KEY"):
        SendGridEmail(key)

from __future__ import annotations

import re
import socket
import threading
from typing import Any

import pytest

from channels.base import Accepted, Outcome, Permanent, Temporary, Unknown
from channels.codes import TWILIO, Remedy
from channels.http import Answer
from channels.twilio import TwilioSms
from channels.twilio_http import outcome_of
from tests.channels.messages import GREEK, PHONE, an_sms
from tests.standins.twilio import ACCOUNT_SID, AUTH_TOKEN, TwilioStandin

LATER = sorted(int(code) for code, rule in TWILIO.items() if rule.remedy in (Remedy.LATER, Remedy.SPACED))


def told(outcome: Outcome) -> str:
    assert not isinstance(outcome, Accepted)
    return f"{outcome.code} {outcome.why}"


def test_twilio_accepts_what_we_send(sms: TwilioSms, twilio_standin: TwilioStandin) -> None:
    outcome = sms.send(an_sms())
    (message,) = twilio_standin.messages
    assert outcome == Accepted(message.sid, "queued")
    assert re.fullmatch(r"SM[0-9a-f]{32}", message.sid)
    assert message.params == {
        "To": PHONE,
        "From": "+15005550006",
        "Body": GREEK,
        "StatusCallback": "https://clinic.example/hook?clinic=a&ref=m-1",
    }
    assert message.ref == "m-1"


def test_a_messaging_service_takes_the_place_of_a_number(
    sms: TwilioSms, twilio_standin: TwilioStandin
) -> None:
    service = "MG" + "ab" * 16
    outcome = sms.send(an_sms(sender=service, status_callback=None))
    (message,) = twilio_standin.messages
    assert outcome == Accepted(message.sid, "accepted")
    assert message.params == {"To": PHONE, "MessagingServiceSid": service, "Body": GREEK}


def test_a_name_can_be_the_sender(sms: TwilioSms, twilio_standin: TwilioStandin) -> None:
    assert isinstance(sms.send(an_sms(sender="ALPHA CLINI")), Accepted)
    assert twilio_standin.messages[0].sender == "ALPHA CLINI"


def test_a_callback_without_a_query_gets_one(sms: TwilioSms, twilio_standin: TwilioStandin) -> None:
    sms.send(an_sms(status_callback="https://clinic.example/hook"))
    assert twilio_standin.messages[0].status_callback == "https://clinic.example/hook?ref=m-1"


def test_the_environments_region_changes_nothing(
    twilio_standin: TwilioStandin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO_REGION", "ie1")
    monkeypatch.setenv("TWILIO_EDGE", "dublin")
    channel = TwilioSms(ACCOUNT_SID, AUTH_TOKEN, twilio_standin.url)
    assert isinstance(channel.send(an_sms()), Accepted)


@pytest.mark.parametrize(
    ("code", "blame"),
    [
        (21211, "address"),
        (21614, "address"),
        (21635, "address"),
        (30005, "address"),
        (30006, "address"),
        (21610, "opted_out"),
        (20003, "sender"),
        (20404, "sender"),
        (21606, "sender"),
        (21608, "sender"),
        (21408, "sender"),
        (30002, "sender"),
        (30004, "sender"),
        (30007, "sender"),
        (30034, "sender"),
        (21617, "content"),
        (29999, "content"),
    ],
)
def test_a_refusal_says_whose_fault_it_is(
    sms: TwilioSms, twilio_standin: TwilioStandin, code: int, blame: str
) -> None:
    twilio_standin.script([("error", code)])
    outcome = sms.send(an_sms())
    assert isinstance(outcome, Permanent)
    assert (outcome.code, outcome.blame) == (str(code), blame)
    assert len(outcome.why) > 20
    assert twilio_standin.messages == []


@pytest.mark.parametrize("code", LATER)
def test_a_refusal_for_now_may_be_tried_again(
    sms: TwilioSms, twilio_standin: TwilioStandin, code: int
) -> None:
    twilio_standin.script([("error", code)])
    outcome = sms.send(an_sms())
    assert isinstance(outcome, Temporary) and outcome.code == str(code)
    assert isinstance(sms.send(an_sms()), Accepted)


def test_too_many_requests_says_how_long_to_wait(sms: TwilioSms, twilio_standin: TwilioStandin) -> None:
    twilio_standin.script(["429"])
    outcome = sms.send(an_sms())
    assert isinstance(outcome, Temporary)
    assert (outcome.code, outcome.retry_after) == ("20429", 7)


@pytest.mark.parametrize("step", ["500", "502", "503", "504", "500_after", "408"])
def test_an_answer_that_proves_nothing_is_unknown(
    sms: TwilioSms, twilio_standin: TwilioStandin, step: str
) -> None:
    twilio_standin.script([step])
    outcome = sms.send(an_sms())
    assert isinstance(outcome, Unknown) and outcome.code == f"http_{step[:3]}"
    assert len(twilio_standin.requests) == 1


@pytest.mark.parametrize("step", ["hangup_before", "hangup_after", "reset_after", "garbage", "half_answer"])
def test_silence_is_unknown_and_nothing_is_sent_again(
    sms: TwilioSms, twilio_standin: TwilioStandin, step: str
) -> None:
    sms.send(an_sms(ref="first"))
    twilio_standin.script([step])
    outcome = sms.send(an_sms())
    assert isinstance(outcome, Unknown)
    assert len(twilio_standin.requests) == 2
    assert len(twilio_standin.messages) == (1 if step == "hangup_before" else 2)
    assert isinstance(sms.send(an_sms(ref="next")), Accepted)


def test_no_answer_in_time_is_unknown(twilio_standin: TwilioStandin) -> None:
    twilio_standin.script(["slow"])
    outcome = TwilioSms(ACCOUNT_SID, AUTH_TOKEN, twilio_standin.url, timeout=0.3).send(an_sms())
    assert isinstance(outcome, Unknown) and outcome.code == "no_answer"
    assert [message.ref for message in twilio_standin.messages] == ["m-1"]


def test_no_connection_is_temporary() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    outcome = TwilioSms(ACCOUNT_SID, AUTH_TOKEN, url).send(an_sms())
    assert isinstance(outcome, Temporary) and outcome.code == "no_connection"


def test_wrong_credentials_blame_the_sender(twilio_standin: TwilioStandin) -> None:
    outcome = TwilioSms(ACCOUNT_SID, "wrong", twilio_standin.url).send(an_sms())
    assert isinstance(outcome, Permanent) and (outcome.code, outcome.blame) == ("20003", "sender")
    outcome = TwilioSms("AC" + "1" * 32, AUTH_TOKEN, twilio_standin.url).send(an_sms())
    assert isinstance(outcome, Permanent) and (outcome.code, outcome.blame) == ("20404", "sender")


def test_a_redirect_blames_the_base_url(sms: TwilioSms, twilio_standin: TwilioStandin) -> None:
    twilio_standin.script(["redirect"])
    outcome = sms.send(an_sms())
    assert isinstance(outcome, Permanent) and (outcome.code, outcome.blame) == ("http_307", "sender")
    assert len(twilio_standin.requests) == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"to": "6900000017"}, "21211"),
        ({"body": ""}, "21602"),
        ({"body": "α" * 1601}, "21617"),
        ({"sender": "a name far too long"}, "21212"),
        ({"status_callback": "/hook"}, "21609"),
    ],
)
def test_the_standin_refuses_what_twilio_refuses(
    sms: TwilioSms, twilio_standin: TwilioStandin, change: dict[str, Any], code: str
) -> None:
    outcome = sms.send(an_sms(**change))
    assert isinstance(outcome, Permanent) and outcome.code == code
    assert twilio_standin.messages == []


def test_half_a_character_is_refused_without_asking(sms: TwilioSms, twilio_standin: TwilioStandin) -> None:
    sms.send(an_sms(ref="first"))
    outcome = sms.send(an_sms(body="\ud800"))
    assert isinstance(outcome, Permanent) and outcome.blame == "content"
    assert len(twilio_standin.requests) == 1


@pytest.mark.parametrize("code", sorted({*map(int, TWILIO), 29999}))
def test_the_reason_never_shows_the_number_or_the_text(
    sms: TwilioSms, twilio_standin: TwilioStandin, code: int
) -> None:
    twilio_standin.script([("error", code)])
    why = told(sms.send(an_sms()))
    assert PHONE.lstrip("+") not in re.sub(r"\D", "", why)
    assert "Ελένη" not in why


def test_a_refusal_without_twilios_shape_still_has_a_reason() -> None:
    for body in (b"", b"<html>", b"[]", b'{"code": "x"}', b'{"code": true}', b"\xff"):
        outcome = outcome_of(Answer(400, {}, body))
        assert isinstance(outcome, Permanent) and (outcome.code, outcome.blame) == ("http_400", "content")
    outcome = outcome_of(Answer(403, {}, b"<html>"))
    assert isinstance(outcome, Permanent) and (outcome.code, outcome.blame) == ("http_403", "sender")


@pytest.mark.parametrize(
    ("sid", "token"), [("", "x"), ("AC1/..", "x"), ("AC1", ""), ("AC1", "a b"), ("AC1", "a\n")]
)
def test_credentials_that_cannot_be_right_are_refused_at_once(sid: str, token: str) -> None:
    with pytest.raises(ValueError, match="TWILIO_"):
        TwilioSms(sid, token)


def test_many_threads_share_one_channel(sms: TwilioSms, twilio_standin: TwilioStandin) -> None:
    outcomes: dict[str, Outcome] = {}

    def work(name: int) -> None:
        for n in range(10):
            ref = f"m-{name}-{n}"
            outcomes[ref] = sms.send(an_sms(ref=ref, body=ref))

    threads = [threading.Thread(target=work, args=(name,)) for name in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    messages = twilio_standin.await_messages(60)
    assert {m.ref: Accepted(m.sid, "queued") for m in messages} == outcomes
    assert all(m.ref == m.body for m in messages)
    assert twilio_standin.connections <= 6

"""What our channels send is what the providers' published descriptions allow, as the stand-ins re-state them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twilio.rest.api.v2010.account.message import MessageInstance  # type: ignore[import-untyped]
from urllib3.util import make_headers

from channels.base import Accepted, EmailOut, SmsOut
from channels.http import Answer, Http
from channels.sendgrid import SendGridEmail
from channels.twilio import TwilioSms
from tests.channels.messages import PHONE
from tests.standins import sendgrid, twilio

# What the house can hand to a channel: texts within their limits, made of anything that UTF-8 can carry.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=400).filter(str.strip)
REF = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}", fullmatch=True)
NUMBER = st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True)
SENDER = st.one_of(NUMBER, st.from_regex(r"MG[0-9a-f]{32}", fullmatch=True), st.just("ALPHA CLINI"))
CALLBACK = st.sampled_from([None, "https://clinic.example/h", "http://127.0.0.1:8000/h?clinic=a%20b"])
LINE = TEXT.map(lambda text: " ".join(text.split()) or "x")


@st.composite
def sms(draw: st.DrawFn) -> SmsOut:
    return SmsOut(draw(REF), draw(NUMBER), draw(SENDER), draw(TEXT), draw(CALLBACK))


@st.composite
def email(draw: st.DrawFn) -> EmailOut:
    headers = {
        "List-Unsubscribe": "<https://clinic.example/u/x>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    return EmailOut(
        ref=draw(REF),
        to="eleni@example.com",
        sender="hello@clinic.example",
        sender_name=draw(st.one_of(st.just(""), LINE)),
        subject=draw(LINE),
        text=draw(TEXT.filter(lambda text: "SG." not in text)),
        html=draw(st.one_of(st.just(""), TEXT.filter(lambda text: "SG." not in text))),
        headers=draw(st.sampled_from([{}, headers])),
        category=draw(st.sampled_from([None, "care", "marketing"])),
    )


@pytest.fixture(scope="module")
def sms_provider() -> Iterator[twilio.TwilioStandin]:
    with twilio.TwilioStandin() as standin:
        yield standin


@pytest.fixture(scope="module")
def email_provider() -> Iterator[sendgrid.SendGridStandin]:
    with sendgrid.SendGridStandin() as standin:
        yield standin


OFTEN = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])


@OFTEN
@given(out=sms())
def test_every_sms_that_the_house_can_make_is_one_that_twilio_takes(
    sms_provider: twilio.TwilioStandin, out: SmsOut
) -> None:
    channel = TwilioSms(twilio.ACCOUNT_SID, twilio.AUTH_TOKEN, sms_provider.url)
    outcome = channel.send(out)
    assert isinstance(outcome, Accepted), outcome
    assert sms_provider.received[-1][:2] == (out.to, out.body)
    assert sms_provider.received[-1].sid == outcome.provider_id
    assert sms_provider.received[-1].ref == (out.ref if out.status_callback else None)
    channel.close()


@OFTEN
@given(out=email())
def test_every_email_that_the_house_can_make_is_one_that_sendgrid_takes(
    email_provider: sendgrid.SendGridStandin, out: EmailOut
) -> None:
    channel = SendGridEmail(sendgrid.API_KEY, email_provider.url)
    outcome = channel.send(out)
    assert isinstance(outcome, Accepted), outcome
    last = email_provider.received[-1]
    assert (last.to, last.body, last.sid, last.ref) == (out.to, out.text, outcome.provider_id, out.ref)
    channel.close()


def test_a_request_to_either_provider_holds_nothing_but_what_it_needs(
    sms_provider: twilio.TwilioStandin, email_provider: sendgrid.SendGridStandin
) -> None:
    out = SmsOut("m-1", PHONE, "+15005550006", "Hello", "https://clinic.example/h")
    TwilioSms(twilio.ACCOUNT_SID, twilio.AUTH_TOKEN, sms_provider.url).send(out)
    sent = dict(parse_qsl(sms_provider.requests[-1].body.decode()))
    assert sent.keys() == {"To", "From", "Body", "StatusCallback"}


MESSAGES = f"/2010-04-01/Accounts/{twilio.ACCOUNT_SID}/Messages.json"
LOGIN = make_headers(basic_auth=f"{twilio.ACCOUNT_SID}:{twilio.AUTH_TOKEN}")
SERVICE = "MG" + "0" * 32


def ahead(**by: int) -> str:
    return (datetime.now(UTC) + timedelta(**by)).isoformat()


def to_twilio(standin: twilio.TwilioStandin, changes: dict[str, str | None]) -> Answer:
    form = {"To": PHONE, "From": "+15005550006", "Body": "Hello", **changes}
    body = urlencode({name: value for name, value in form.items() if value is not None}).encode()
    return Http(standin.url).post(
        MESSAGES, body, {**LOGIN, "Content-Type": "application/x-www-form-urlencoded"}
    )


@pytest.mark.parametrize(
    "change",
    [
        {"ValidityPeriod": "1"},
        {"ValidityPeriod": "36000"},
        {"RiskCheck": "enable"},
        {"RiskCheck": "disable"},
        {"ContentRetention": "discard"},
        {"AddressRetention": "obfuscate"},
        {"SmartEncoded": "true"},
        {"Body": "x" * 1600},
        {"StatusCallback": "http://127.0.0.1:9/x?ref=a"},
        {"From": None, "MessagingServiceSid": SERVICE},
        {"From": None, "MessagingServiceSid": SERVICE, "ScheduleType": "fixed", "SendAt": "in an hour"},
    ],
)
def test_twilio_takes_what_its_description_allows(
    sms_provider: twilio.TwilioStandin, change: dict[str, str | None]
) -> None:
    if change.get("SendAt"):
        change = {**change, "SendAt": ahead(hours=1)}
    answer = to_twilio(sms_provider, change)
    assert answer.status == 201, answer.body


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"To": None}, 21604),
        ({"To": "06900000017"}, 21211),
        ({"To": "+0690000001"}, 21211),
        ({"To": "+1234567890123456"}, 21211),
        ({"From": None}, 21603),
        ({"MessagingServiceSid": SERVICE}, 21603),
        ({"From": None, "MessagingServiceSid": "MG1"}, 21701),
        ({"Body": None}, 21602),
        ({"Body": "x" * 1601}, 21617),
        ({"StatusCallback": "clinic.example/hook"}, 21609),
        ({"StatusCallback": "ftp://clinic.example/hook"}, 21609),
        ({"ValidityPeriod": "0"}, 21620),
        ({"ValidityPeriod": "36001"}, 21620),
        ({"ValidityPeriod": "1.5"}, 21620),
        ({"RiskCheck": "yes"}, 20001),
        ({"ContentRetention": "keep"}, 20001),
        ({"AddressRetention": "discard"}, 20001),
        ({"SmartEncoded": "1"}, 20001),
        ({"MaxPrice": "cheap"}, 20001),
        ({"ContentSid": "HX1"}, 20001),
        ({"StatusCallBack": "https://clinic.example"}, 20001),
        ({"IdempotencyKey": "m-1"}, 20001),
        ({"SendAt": "2026-01-01T00:00:00Z", "ScheduleType": "fixed"}, 35118),
        ({"From": None, "MessagingServiceSid": SERVICE, "SendAt": "2026-01-01T00:00:00Z"}, 35114),
        ({"From": None, "MessagingServiceSid": SERVICE, "SendAt": "minutes=4", "ScheduleType": "fixed"}, 35114),
        ({"From": None, "MessagingServiceSid": SERVICE, "SendAt": "days=36", "ScheduleType": "fixed"}, 35114),
        ({"From": None, "MessagingServiceSid": SERVICE, "SendAt": "soon", "ScheduleType": "fixed"}, 35114),
        ({"From": None, "MessagingServiceSid": SERVICE, "SendAt": "hours=1", "ScheduleType": "now"}, 20001),
    ],
)  # fmt: skip
def test_twilio_refuses_what_its_description_does_not_allow(
    sms_provider: twilio.TwilioStandin, change: dict[str, str | None], code: int
) -> None:
    unit, _, number = (change.get("SendAt") or "").partition("=")
    answer = to_twilio(sms_provider, {**change, "SendAt": ahead(**{unit: int(number)})} if number else change)
    assert answer.status == 400 and json.loads(answer.body)["code"] == code, answer.body


def test_twilio_takes_no_parameter_from_the_query_and_none_twice(
    sms_provider: twilio.TwilioStandin,
) -> None:
    said = {**LOGIN, "Content-Type": "application/x-www-form-urlencoded"}
    body = urlencode({"To": PHONE, "From": "+15005550006", "Body": "Hello"}).encode()
    http = Http(sms_provider.url)
    assert http.post(MESSAGES, body, said).status == 201
    assert http.post(MESSAGES, body + b"&Body=Again", said).status == 400
    assert http.post(f"{MESSAGES}?Body=Again", body, said).status == 400
    assert http.post(MESSAGES, body, {**said, "Content-Type": "application/json"}).status == 400
    assert http.post(MESSAGES, body, {"Content-Type": said["Content-Type"]}).status == 401


def test_the_standins_words_are_those_of_twilios_own_library() -> None:
    for name, words in twilio._ENUMS.items():
        theirs = {v for k, v in vars(getattr(MessageInstance, name)).items() if not k.startswith("_")}
        assert words == theirs


def payload(**changes: Any) -> dict[str, Any]:
    whole = {
        "personalizations": [{"to": [{"email": "a@example.com"}], "custom_args": {"ref": "m-1"}}],
        "from": {"email": "hello@clinic.example"},
        "subject": "Hello",
        "content": [{"type": "text/plain", "value": "Hello"}, {"type": "text/html", "value": "<p>Hello"}],
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not None}


def person(**changes: Any) -> dict[str, Any]:
    return {"to": [{"email": "a@example.com"}], **changes}


def to_sendgrid(standin: sendgrid.SendGridStandin, content: Any) -> Answer:
    said = {"Authorization": f"Bearer {sendgrid.API_KEY}", "Content-Type": "application/json"}
    return Http(standin.url).post("/v3/mail/send", json.dumps(content).encode(), said)


def in_hours(hours: float) -> int:
    return int((datetime.now(UTC) + timedelta(hours=hours)).timestamp())


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"personalizations": [person()] * 1000},
        {"categories": ["c" * 255, *"abcdefghi"]},
        {"send_at": 1},
        {"batch_id": "b1", "asm": {"group_id": 7, "groups_to_display": [7]}, "ip_pool_name": "pool"},
        {"reply_to": {"email": "desk@clinic.example", "name": "Desk"}},
        {"mail_settings": {"sandbox_mode": {"enable": True}}},
    ],
)
def test_sendgrid_takes_what_its_description_allows(
    email_provider: sendgrid.SendGridStandin, change: dict[str, Any]
) -> None:
    answer = to_sendgrid(email_provider, payload(**change))
    assert answer.status == 202 and not answer.body, answer.body
    assert answer.headers["X-Message-Id"] == email_provider.messages[-1].message_id


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"personalizations": None}, "personalizations"),
        ({"personalizations": []}, "personalizations"),
        ({"personalizations": [person()] * 1001}, "personalizations"),
        ({"personalizations": [{}]}, "personalizations.0.to"),
        ({"personalizations": [person(to=[{"email": "a"}])]}, "personalizations.0.to.0.email"),
        ({"personalizations": [person(cc=[{"email": "A@example.com"}])]}, "personalizations.0.cc.0.email"),
        ({"personalizations": [person(custom_args={"ref": 1})]}, "personalizations.0.custom_args"),
        ({"personalizations": [person(custom_args={"ref": "x" * 10_000})]}, "personalizations.0.custom_args"),
        ({"personalizations": [person(send_at=in_hours(80))]}, "personalizations.0.send_at"),
        ({"personalizations": [person(ref="m-1")]}, "personalizations.0.ref"),
        ({"from": None}, "from"),
        ({"from": {"name": "Alpha"}}, "from.email"),
        ({"subject": None}, "subject"),
        ({"content": None}, "content"),
        ({"content": [{"type": "text/html", "value": "x"}, {"type": "text/plain", "value": "x"}]}, "content"),
        ({"content": [{"type": "text/plain", "value": ""}]}, "content.0.value"),
        ({"categories": [str(n) for n in range(11)]}, "categories"),
        ({"categories": ["c" * 256]}, "categories"),
        ({"categories": ["a", "a"]}, "categories"),
        ({"custom_args": "ref=1"}, "custom_args"),
        ({"headers": {"Subject": "x"}}, "headers.Subject"),
        ({"headers": {"DKIM-Signature": "x"}}, "headers.DKIM-Signature"),
        ({"headers": {"X-A": "a\r\nBcc: b@x.gr"}}, "headers.X-A"),
        ({"send_at": in_hours(73)}, "send_at"),
        ({"send_at": "tomorrow"}, "send_at"),
        ({"send_at": True}, "send_at"),
        ({"asm": {"group_id": "7"}}, "asm.group_id"),
        ({"reply_to": {"email": "a@x.gr"}, "reply_to_list": [{"email": "b@x.gr"}]}, "reply_to"),
        ({"mail_settings": {"bypass_list_management": {"enable": True}}}, "mail_settings.bypass_list_management"),
        ({"mail_settings": {"sandbox_mode": {"enable": "no"}}}, "mail_settings.sandbox_mode.enable"),
        ({"tracking_settings": {"click_tracking": {"enable": "no"}}}, "tracking_settings.click_tracking.enable"),
        ({"Subject": "Hello"}, "Subject"),
    ],
)  # fmt: skip
def test_sendgrid_refuses_what_its_description_does_not_allow(
    email_provider: sendgrid.SendGridStandin, change: dict[str, Any], field: str
) -> None:
    answer = to_sendgrid(email_provider, payload(**change))
    assert answer.status == 400 and json.loads(answer.body)["errors"][0]["field"] == field, answer.body

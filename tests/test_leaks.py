"""The scan for patients' data finds what it is there to find, names the place, and leaves the messages themselves alone."""

from __future__ import annotations

import json
from email.message import Message
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.acceptance.clinic import FILES
from tests.leaks import Watch
from tests.standins.server import Request


@pytest.fixture
def watch() -> Watch:
    found = Watch()
    found.rooms(FILES)
    found.person("Eleni", "Ελένη")
    return found


def headers(**named: str) -> Message:
    message = Message()
    for name, value in named.items():
        message[name.replace("_", "-")] = value
    return message


def sms(**fields: str) -> Request:
    whole = {"To": "+306900000001", "From": "+15005550006", "Body": "Dear Eleni, about your LHR", **fields}
    return Request(
        "POST",
        "/2010-04-01/Accounts/AC0/Messages.json",
        headers(Content_Type="application/x-www-form-urlencoded"),
        urlencode(whole).encode(),
    )


def mail(**more: Any) -> Request:
    whole = {
        "personalizations": [{"to": [{"email": "eleni@mail.example.com"}], "custom_args": {"ref": "0a"}}], "from": {"email": "hello@clinic.example.com"},
        "subject": "Your next visit", "content": [{"type": "text/plain", "value": "Dear Eleni, eleni@mail.example.com"}], **more,
    }  # fmt: skip
    return Request(
        "POST", "/v3/mail/send", headers(Content_Type="application/json"), json.dumps(whole).encode()
    )


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ('{"event": "sent to Eleni"}', "name"),
        ('{"event": "sent to \\u0395\\u03bb\\u03ad\\u03bd\\u03b7"}', "name"),
        ("no answer from +306900000001", "phone"),
        ("To=%2B306900000001", "phone"),
        ("bounced: patient1@mail.example.com", "e-mail"),
        ("patient entered body_history", "treatment or segment"),
        ("patient left inactive_6", "treatment or segment"),
        ("appointment of LHR", "treatment or segment"),
        ("family laser_hair", "treatment or segment"),
        ("Had a Laser hair removal", "treatment or segment"),
    ],
)
def test_what_must_not_be_in_a_log_is_found_with_its_line(watch: Watch, line: str, kind: str) -> None:
    watch.log("the log", f"all is well\n{line}\n")
    assert watch.findings
    assert all(found.startswith("the log:2: ") for found in watch.findings)
    assert any(f": {kind} " in found for found in watch.findings)


def test_ids_counts_and_moments_are_nobodys_data(watch: Watch) -> None:
    watch.log(
        "the log",
        '{"clinic": "default", "message": "0123456789abcdef0123456789abcdef", "timestamp": "2026-11-23T17:00:36.053524Z", "event": "attempt", "count": 1234567}\n'
        "http://localhost:8000  (Ctrl-C ends)\nnew regular patients\n",
    )
    assert watch.findings == []
    assert watch.looked_at == 3


def test_a_message_and_its_address_are_left_alone(watch: Watch) -> None:
    watch.requests("twilio", [sms()])
    watch.requests("sendgrid", [mail()])
    assert (watch.findings, watch.looked_at) == ([], 2)


@pytest.mark.parametrize(
    "request_",
    [
        sms(StatusCallback="https://x.example.com/webhooks/twilio/status?ref=0a&to=%2B306900000001"),
        sms(StatusCallback="https://x.example.com/webhooks/win_back?segment=inactive_6"),
        sms(Tags='{"name": "Eleni"}'),
        mail(categories=["laser_hair"]),
        mail(custom_args={"patient": "Eleni"}),
        mail(subject="Eleni, your Laser hair removal"),
        mail(headers={"List-Unsubscribe": "<https://x.example.com/u/eleni@mail.example.com>"}),
        mail(
            personalizations=[
                {"to": [{"email": "a@b.example.com"}], "custom_args": {"to": "x", "phone": "+306900000001"}}
            ]
        ),
        Request(
            "GET", "/2010-04-01/Accounts/AC0/Messages.json?To=%2B306900000001&Note=Eleni", headers(), b""
        ),
        Request("POST", "/v3/mail/send", headers(X_Patient="Eleni", Content_Type="application/json"), b"{}"),
    ],
)
def test_anything_beside_them_is_found(watch: Watch, request_: Request) -> None:
    watch.requests("provider", [request_])
    assert watch.findings
    assert all(found.startswith("provider, request 1, ") for found in watch.findings)

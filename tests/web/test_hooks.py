"""The providers' webhooks through the running server: only what they have signed is believed, and what was answered is on disk."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import urllib3
from starlette.applications import Starlette
from starlette.routing import Route
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from tests.channels import test_sendgrid_events as published
from tests.delivery.inbox import FILES, OURS, PHONE, Inbox, an_inbox
from tests.standins.hooks import Signed
from tests.standins.sendgrid import SendGridStandin
from tests.standins.twilio import ACCOUNT_SID, AUTH_TOKEN, TwilioStandin
from worker.delivery.dispatch import dispatch
from worker.delivery.senders import Channels, Credentials
from worker.service.jobs import Job
from worker.service.publishing import publish
from worker.store import due, schema
from worker.store.engine import write
from worker.web.app import make_app
from worker.web.hooks import REPLAY_WINDOW, Hooks, ProviderKeys
from worker.web.serve import WebServer
from worker.workspace.house import House

PUBLIC = "https://clinic.example"
INBOUND, STATUS, EVENTS = "/webhooks/twilio/inbound", "/webhooks/twilio/status", "/webhooks/sendgrid/events"
MAIL = "p-1@example.com"


@dataclass
class Hooked:
    """A clinic with its webhooks open, and the providers who call them."""

    inbox: Inbox
    url: str
    jobs: list[Job]
    twilio: TwilioStandin
    sendgrid: SendGridStandin
    pool: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(retries=False, timeout=20))

    def post(self, signed: Signed, **headers: str) -> urllib3.BaseHTTPResponse:
        given = {**signed.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return self.pool.request("POST", self.url + signed.target, body=signed.body, headers=given)

    def text(self, body: str, url: str = PUBLIC + INBOUND, **more: str) -> Signed:
        return self.twilio.inbound(url, PHONE, OURS, body, **more)

    def status(
        self, ref: str, word: str, sid: str = "SM1", url: str = PUBLIC + STATUS, **more: str
    ) -> Signed:
        form = {"MessageSid": sid, "MessageStatus": word, "To": PHONE, "From": OURS, **more}
        return self.twilio.signed(f"{url}?ref={ref}", list(form.items()))

    def events(
        self, *events: Mapping[str, Any], url: str = PUBLIC + EVENTS, signed_at: float | None = None
    ) -> Signed:
        when = self.inbox.now.timestamp() if signed_at is None else signed_at
        return self.sendgrid.events(url, events, when)


@contextmanager
def serving(app: Starlette) -> Iterator[str]:
    ready = threading.Event()
    server = WebServer(app, "127.0.0.1", 0, lambda _: ready.set())
    thread = threading.Thread(target=server.serve_until_stopped)
    thread.start()
    try:
        assert ready.wait(20)
        yield server.url
    finally:
        server.stop()
        thread.join(20)


@contextmanager
def hooked(database_url: str, *, public_url: str = PUBLIC, with_keys: bool = True) -> Iterator[Hooked]:
    twilio, sendgrid, jobs = TwilioStandin(), SendGridStandin(), list[Job]()
    keys = ProviderKeys(AUTH_TOKEN, sendgrid.public_key) if with_keys else ProviderKeys()
    with an_inbox(database_url) as inbox:
        inbox.house.public_url = public_url
        app = make_app(inbox.house, token="a token", enqueue=jobs.extend, redis_ok=lambda: True, keys=keys)
        with serving(app) as url:
            found = Hooked(inbox, url, jobs, twilio, sendgrid)
            yield found
            found.pool.clear()


@pytest.fixture
def hook(database_url: str) -> Iterator[Hooked]:
    with hooked(database_url) as found:
        yield found


@pytest.fixture
def here(sqlite_url: str) -> Iterator[Hooked]:
    """On SQLite alone, where what is asked has nothing to do with the database."""
    with hooked(sqlite_url) as found:
        yield found


def an_event(ref: str, word: str, key: str = "ev-1", **more: Any) -> dict[str, Any]:
    return {"email": MAIL, "event": word, "sg_event_id": key, "sg_message_id": "X1.recvd-1", "ref": ref, "timestamp": 1772532000, **more}  # fmt: skip


# -- what they say is believed ----------------------------------------------------------------------------------------------------


def test_a_stop_is_on_disk_when_twilio_has_its_answer(hook: Hooked) -> None:
    hook.inbox.written()
    answer = hook.post(hook.text("Stop."))
    assert (answer.status, answer.headers["content-type"]) == (200, "text/xml; charset=utf-8")
    assert answer.data.decode().endswith("<Response />")
    assert (hook.inbox.suppressed(), hook.inbox.allows()) == ("opted_out", False)


def test_help_is_answered_in_the_same_breath(hook: Hooked) -> None:
    hook.inbox.written(language="el")
    answer = hook.post(hook.text("βοήθεια"))
    assert "<Message>Sample: για βοήθεια καλέστε +302100000000." in answer.data.decode()


def test_twilio_tells_of_a_message_and_never_takes_it_back(hook: Hooked) -> None:
    key = hook.inbox.written()
    for word in ("delivered", "sent", "delivered", "queued"):
        assert hook.post(hook.status(key, word)).status == 204
    assert hook.inbox.message(key).state == "delivered"
    assert [row.word for row in hook.inbox.rows(schema.receipts)] == ["delivered", "sent", "queued"]


def test_what_twilio_took_and_never_answered_for_is_sent_by_its_own_report(
    hook: Hooked, tmp_path: Path
) -> None:
    inbox, twilio = hook.inbox, hook.twilio
    inbox.house.public_url = hook.url
    channels_file = FILES["config/channels.yaml"].replace("sms: {provider: console", "sms: {provider: twilio")
    publish(inbox.house, {**FILES, "config/channels.yaml": channels_file})
    key = inbox.visit()
    with twilio:
        channels = Channels(Credentials(ACCOUNT_SID, AUTH_TOKEN, twilio.url), tmp_path / "outbox")
        twilio.script(["hangup_after"])
        dispatch(inbox.house, channels, "default", key)
        assert inbox.message(key).state == "unknown"
        sid = twilio.received[0].sid
        assert twilio.callback(sid, "sent").post() == 204
        row = inbox.message(key)
        assert (row.state, row.provider_id, row.lookup_at) == ("sent", sid, None)
        assert twilio.callback(sid, "undelivered", 30005).post() == 204
        channels.close()
    assert inbox.message(key).state == "undelivered"
    assert inbox.suppressed() == "dead"
    assert len(twilio.received) == 1


def test_sendgrid_tells_of_many_at_once_and_many_times_over(hook: Hooked) -> None:
    inbox = hook.inbox
    key = inbox.leave(inbox.visit(), channel="email", address=MAIL)
    report = hook.events(
        an_event(key, "delivered", "ev-1"),
        an_event(key, "processed", "ev-2"),
        an_event("", "teleported", "ev-3"),
        an_event(key, "spamreport", "ev-4"),
    )
    assert [hook.post(report).status for _ in range(3)] == [204, 204, 204]
    assert [row.word for row in inbox.rows(schema.receipts)] == [
        "delivered",
        "processed",
        "teleported",
        "spamreport",
    ]
    assert (inbox.message(key).state, inbox.message(key).status) == ("delivered", "complained")
    assert (inbox.suppressed("email", MAIL), inbox.allows(channel="email")) == ("complained", False)
    assert len(inbox.events("consent.revoked")) == 1


def test_what_becomes_due_is_queued(hook: Hooked) -> None:
    asks = "- {id: call, task: front_desk, due: 1 working day, note: Answered.}"
    journey = FILES["journeys/hello.yaml"].replace(asks, "- {id: thanks, send: sms, template: hello}")
    publish(hook.inbox.house, {**FILES, "journeys/hello.yaml": journey})
    hook.inbox.written()
    hook.post(hook.text("Hello"))
    (thanks,) = hook.inbox.rows(schema.messages, step="thanks")
    assert hook.jobs == [Job("dispatch", "default", (thanks.id,))]


def test_a_clinic_may_be_named_in_the_address(here: Hooked) -> None:
    assert here.post(here.text("Hi", PUBLIC + "/webhooks/default/twilio/inbound")).status == 200
    assert here.post(here.status("x", "sent", url=PUBLIC + "/webhooks/default/twilio/status")).status == 204
    path = PUBLIC + "/webhooks/default/sendgrid/events"
    assert here.post(here.events(an_event("x", "open"), url=path)).status == 204
    assert {row.clinic_id for row in here.inbox.rows(schema.receipts)} == {"default"}


# -- a clinic with an account of its own -------------------------------------------------------------------------------------------

OWN = "credentials: {account_sid_env: A_TWILIO_SID, auth_token_env: A_TWILIO_TOKEN, webhook_public_key_env: A_SENDGRID_KEY}\n"


@contextmanager
def of_its_own(database_url: str) -> Iterator[tuple[Inbox, str, TwilioStandin, SendGridStandin]]:
    """Two clinics: `athens` with accounts of its own, `default` with everybody's."""
    twilio, sendgrid, everybodys = TwilioStandin(auth_token="its own"), SendGridStandin(), SendGridStandin()
    named = {"A_TWILIO_SID": ACCOUNT_SID, "A_TWILIO_TOKEN": "its own", "A_SENDGRID_KEY": sendgrid.public_key}
    keys = ProviderKeys(AUTH_TOKEN, everybodys.public_key, {}, named)
    with an_inbox(database_url) as inbox:
        inbox.house.public_url = PUBLIC
        athens = {
            **FILES,
            "config/clinic.yaml": "id: athens\n" + FILES["config/clinic.yaml"],
            "config/channels.yaml": FILES["config/channels.yaml"] + OWN,
        }
        publish(inbox.house, athens)
        app = make_app(inbox.house, token="a", enqueue=lambda _: None, redis_ok=lambda: True, keys=keys)
        with serving(app) as url:
            yield inbox, url, twilio, sendgrid


def test_a_clinic_of_its_own_account_is_believed_by_its_own_key_alone_and_for_its_own_messages(
    sqlite_url: str,
) -> None:
    with of_its_own(sqlite_url) as (inbox, url, twilio, sendgrid):
        key = inbox.written()
        everybodys = TwilioStandin()
        pool = urllib3.PoolManager(retries=False, timeout=20)

        def post(signed: Signed) -> int:
            return pool.request("POST", url + signed.target, body=signed.body, headers=signed.headers).status

        def status(who: TwilioStandin, clinic: str) -> int:
            form = {"MessageSid": "SM1", "MessageStatus": "delivered", "To": PHONE, "From": OURS}
            return post(who.signed(f"{PUBLIC}/webhooks/{clinic}twilio/status?ref={key}", list(form.items())))

        assert status(everybodys, "athens/") == 403
        assert status(twilio, "") == 403
        assert status(twilio, "default/") == 403
        assert status(twilio, "athens/") == 204
        assert inbox.message(key).state == "sent"
        when = inbox.now.timestamp()
        event = an_event(key, "delivered")
        assert post(sendgrid.events(f"{PUBLIC}/webhooks/athens/sendgrid/events", [event], when)) == 204
        assert post(sendgrid.events(f"{PUBLIC}/webhooks/sendgrid/events", [event], when)) == 403
        assert inbox.message(key).state == "sent"
        assert status(everybodys, "default/") == 204
        assert inbox.message(key).state == "delivered"
        pool.clear()


# -- what others say is not -------------------------------------------------------------------------------------------------------


def nothing_happened(hook: Hooked) -> bool:
    inbox = hook.inbox
    return not any(inbox.rows(t) for t in (schema.receipts, schema.replies, schema.suppressions))


def test_a_signature_that_is_missing_wrong_or_of_another_key_is_refused(here: Hooked) -> None:
    stranger, forger = TwilioStandin(auth_token="another"), SendGridStandin()
    text = here.text("STOP")
    event = here.events(an_event("x", "spamreport"))
    refused = [
        text.changed(headers={"Content-Type": text.headers["Content-Type"]}),
        stranger.inbound(PUBLIC + INBOUND, PHONE, OURS, "STOP"),
        text.changed(url=PUBLIC + STATUS),
        text.changed(url=text.url + "?ref=x"),
        event.changed(headers={"Content-Type": "application/json"}),
        forger.events(PUBLIC + EVENTS, [an_event("x", "spamreport")], here.inbox.now.timestamp()),
        Signed(PUBLIC + EVENTS, text.headers, text.body),
        Signed(PUBLIC + INBOUND, event.headers, event.body),
    ]
    for one in refused:
        answer = here.post(one)
        assert (answer.status, answer.data) == (403, b"")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert nothing_happened(here)


def test_one_byte_of_a_report_changed_is_refused(here: Hooked) -> None:
    def each(signed: Signed, header: str, step: int) -> Iterator[Signed]:
        for place in range(0, len(signed.body), step):
            changed = bytes([signed.body[place] ^ 1])
            yield signed.changed(body=signed.body[:place] + changed + signed.body[place + 1 :])
        value = signed.headers[header]
        for place in range(0, len(value), 5):
            other = "A" if value[place] != "A" else "B"
            yield signed.changed(
                headers={**signed.headers, header: value[:place] + other + value[place + 1 :]}
            )

    text = here.twilio.signed(
        PUBLIC + INBOUND, [("MessageSid", "SM1"), ("From", PHONE), ("To", OURS), ("Body", "STOP")]
    )
    event = here.events(an_event("x", "spamreport"))
    for one in each(text, "X-Twilio-Signature", 3):
        assert here.post(one).status == 403, one.body
    for one in each(event, "X-Twilio-Email-Event-Webhook-Signature", 7):
        assert here.post(one).status == 403, one.body
    assert nothing_happened(here)
    assert (here.post(text).status, here.post(event).status) == (200, 204)


@pytest.mark.parametrize(("url", "status"), [
    ("https://mycompany.com/myapp.php?foo=1&bar=2", 400), ("https://mycompany.com/myapp.php?foo=1&bar=3", 403),
    ("https://mycompany.com/myapp.php?foo=1", 403),
])  # fmt: skip
def test_twilios_published_example_is_believed_and_then_found_to_be_no_report(
    here: Hooked, url: str, status: int
) -> None:
    """Told apart from what is not believed: 400, since it names no message, and 403."""
    house = House(here.inbox.house.engine, "secret", "https://mycompany.com")
    (route,) = [r for r in Hooks(house, ProviderKeys("12345"), lambda _: None).routes() if r.path == STATUS]
    pairs = [
        ("CallSid", "CA1234567890ABCDE"), ("Digits", "1234"), ("From", "+14158675309"), ("Caller", "+14158675309"), ("To", "+18005551212"),
    ]  # fmt: skip
    example = here.twilio.signed(url, pairs)
    headers = {**example.headers, "X-Twilio-Signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8="}
    with serving(Starlette(routes=[Route("/myapp.php", route.endpoint, methods=["POST"])])) as server:
        here.url = server
        assert here.post(example.changed(headers=headers)).status == status
        other = example.body.replace(b"Digits=1234", b"Digits=1235")
        assert here.post(example.changed(headers=headers, body=other)).status == 403


def test_sendgrids_published_example_is_believed_and_with_one_byte_changed_is_not(here: Hooked) -> None:
    house = here.inbox.house
    house.wall = lambda: published.THEN
    app = Starlette(routes=[*Hooks(house, ProviderKeys(None, published.KEY), lambda _: None).routes()])
    with serving(app) as server:
        here.url = server
        example = Signed(PUBLIC + EVENTS, published.headers(), published.BODY)
        for place in range(0, len(published.BODY), 9):
            byte = bytes([published.BODY[place] ^ 1])
            body = published.BODY[:place] + byte + published.BODY[place + 1 :]
            assert here.post(example.changed(body=body)).status == 403
        assert here.post(example.changed(body=published.BODY.rstrip())).status == 403
        assert here.post(example).status == 204
    assert [row.code for row in here.inbox.rows(schema.receipts)] == ["bounced_address"]


def test_a_recording_of_sendgrids_is_refused_once_it_is_too_old_to_be_a_further_try(here: Hooked) -> None:
    then = here.inbox.now.timestamp()
    old, new = REPLAY_WINDOW.total_seconds() + 1, timedelta(hours=24).total_seconds()
    assert here.post(here.events(an_event("x", "open"), signed_at=then - old)).status == 403
    assert here.post(here.events(an_event("x", "open"), signed_at=then + old)).status == 403
    assert here.post(here.events(an_event("x", "open"), signed_at=then - new)).status == 204


def test_without_a_key_nothing_is_believed_and_the_log_names_what_is_missing_once(
    sqlite_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with hooked(sqlite_url, with_keys=False) as hook:
        capsys.readouterr()
        for _ in range(3):
            assert hook.post(hook.text("STOP")).status == 403
            assert hook.post(hook.events(an_event("x", "open"))).status == 403
        said = "".join(capsys.readouterr())
        assert nothing_happened(hook)
    assert (said.count("TWILIO_AUTH_TOKEN"), said.count("SENDGRID_WEBHOOK_PUBLIC_KEY")) == (1, 1)


def test_a_key_that_is_none_is_told_of_in_the_log(here: Hooked, capsys: pytest.CaptureFixture[str]) -> None:
    app = Starlette(routes=[*Hooks(here.inbox.house, ProviderKeys(None, "no key"), lambda _: None).routes()])
    with serving(app) as server:
        here.url = server
        assert here.post(here.events(an_event("x", "open"))).status == 403
    assert "SENDGRID_WEBHOOK_PUBLIC_KEY" in "".join(capsys.readouterr())


# -- the URL behind a proxy -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("public", "called", "headers"),
    [
        (PUBLIC, PUBLIC, {}),
        (PUBLIC, PUBLIC + ":443", {}),
        (PUBLIC + ":443", PUBLIC, {}),
        (PUBLIC + ":8443", PUBLIC + ":8443", {}),
        (PUBLIC + "/revisit", PUBLIC + "/revisit", {}),
        ("http://127.0.0.1:8000", PUBLIC, {"Host": "clinic.example", "X-Forwarded-Proto": "https"}),
        ("http://127.0.0.1:8000", PUBLIC, {"X-Forwarded-Host": "clinic.example", "X-Forwarded-Proto": "https"}),
        ("http://127.0.0.1:8000", PUBLIC + ":8443", {"X-Forwarded-Host": "clinic.example:8443", "X-Forwarded-Proto": "https"}),
        ("http://127.0.0.1:8000", PUBLIC + ":8443", {"X-Forwarded-Host": "clinic.example", "X-Forwarded-Port": "8443", "X-Forwarded-Proto": "https"}),
        ("http://127.0.0.1:8000", "http://clinic.example", {"Host": "clinic.example"}),
    ],
)  # fmt: skip
def test_the_url_that_twilio_called_is_put_together_again(
    here: Hooked, public: str, called: str, headers: dict[str, str]
) -> None:
    here.inbox.house.public_url = public
    signed = here.text("Hello", called + INBOUND)
    at_our_door = signed.changed(url=PUBLIC + INBOUND)
    assert here.post(at_our_door, **headers).status == 200
    evil = here.text("STOP", "https://evil.example" + INBOUND).changed(url=PUBLIC + INBOUND)
    assert here.post(evil, **headers).status == 403


def test_a_json_report_is_vouched_for_by_its_hash_in_the_query(here: Hooked) -> None:
    body = b'{"MessageSid": "SM1"}'
    validator = RequestValidator(AUTH_TOKEN)
    url = f"{PUBLIC}{STATUS}?bodySHA256={validator.compute_hash(body.decode())}"
    headers = {"Content-Type": "application/json", "X-Twilio-Signature": validator.compute_signature(url, {})}
    signed = Signed(url, headers, body)
    assert here.post(signed).status == 400, "believed, and no form"
    assert here.post(signed.changed(body=b'{"MessageSid": "SM2"}')).status == 403


# -- what cannot be taken ---------------------------------------------------------------------------------------------------------


def test_what_is_signed_and_cannot_be_read_is_not_asked_for_again(here: Hooked) -> None:
    unreadable: Sequence[Signed] = [
        here.twilio.signed(PUBLIC + STATUS, [("MessageStatus", "sent")]),
        here.twilio.signed(PUBLIC + INBOUND, [("MessageSid", "SM1")]),
        here.sendgrid.events(PUBLIC + EVENTS, {"event": "open"}, here.inbox.now.timestamp()),  # type: ignore[arg-type]
    ]
    for one in unreadable:
        assert here.post(one).status == 400
    assert nothing_happened(here)


def test_a_long_body_is_not_read(here: Hooked) -> None:
    assert here.post(Signed(PUBLIC + EVENTS, {}, b"x" * (1024 * 1024 + 1))).status == 413


def test_only_posts_are_answered(here: Hooked) -> None:
    assert here.pool.request("GET", here.url + INBOUND).status == 405


def test_a_fault_of_ours_is_ours_and_the_provider_tells_it_again(
    here: Hooked, capsys: pytest.CaptureFixture[str]
) -> None:
    here.inbox.written()
    schema.replies.drop(here.inbox.house.engine)
    answer = here.post(here.text("zanzibar"))
    assert answer.status in (500, 503)
    schema.replies.create(here.inbox.house.engine)
    assert here.post(here.text("zanzibar")).status == 200
    assert "zanzibar" not in "".join(capsys.readouterr())


def test_the_clock_of_a_demo_does_not_judge_the_age_of_a_report(here: Hooked) -> None:
    here.inbox.house.demo = True
    with write(here.inbox.house.engine) as conn:
        due.set_demo_clock(conn, here.inbox.now - timedelta(days=400))
    assert here.post(here.events(an_event("x", "open"))).status == 204

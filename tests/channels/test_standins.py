"""The stand-ins misbehave as they are told to, and report as the providers would."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter

import pytest

from channels.base import Accepted, Outcome, Temporary, Unknown
from channels.http import Answer, Http
from channels.sendgrid import SendGridEmail
from channels.twilio import TwilioSms
from channels.twilio_webhooks import verify
from tests.channels.messages import PHONE, an_email, an_sms
from tests.standins.faults import Faults
from tests.standins.sendgrid import SendGridStandin
from tests.standins.server import Reply, Request, Standin
from tests.standins.twilio import ACCOUNT_SID, AUTH_TOKEN, TwilioStandin

CHANCES: dict[str | tuple[object, ...], float] = {
    "hangup_after": 0.1,
    "500": 0.1,
    "500_after": 0.1,
    "429": 0.1,
}


def befallen(seed: int, refs: list[str]) -> tuple[dict[str, str], set[str | None]]:
    with TwilioStandin() as standin:
        standin.faults(Faults(seed, CHANCES))
        channel = TwilioSms(ACCOUNT_SID, AUTH_TOKEN, standin.url)
        outcomes: dict[str, Outcome] = {}

        def work(part: list[str]) -> None:
            for ref in part:
                outcomes[ref] = channel.send(an_sms(ref=ref))

        threads = [threading.Thread(target=work, args=(refs[n::3],)) for n in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        channel.close()
        return {ref: type(o).__name__ for ref, o in outcomes.items()}, {r.ref for r in standin.received}


def test_a_seed_brings_the_same_faults_whatever_the_order() -> None:
    refs = [f"m-{n}" for n in range(120)]
    first, again, other = befallen(1, refs), befallen(1, refs[::-1]), befallen(2, refs)
    assert first == again
    assert first != other
    counts = Counter(first[0].values())
    assert counts["Unknown"] > 15 and counts["Temporary"] > 3 and counts["Accepted"] > 40


def test_each_try_of_a_message_has_a_chance_of_its_own(sms: TwilioSms, twilio_standin: TwilioStandin) -> None:
    twilio_standin.faults(Faults(3, {"429": 0.5}))
    kinds = {type(sms.send(an_sms(ref="m-1"))) for _ in range(20)}
    assert kinds == {Accepted, Temporary}
    twilio_standin.faults(None)
    assert isinstance(sms.send(an_sms()), Accepted)


def test_an_email_standin_misbehaves_by_chance_too(
    email: SendGridEmail, sendgrid_standin: SendGridStandin
) -> None:
    sendgrid_standin.faults(Faults(1, {"hangup_after": 1.0}))
    assert isinstance(email.send(an_email()), Unknown)
    assert [(r.to, r.ref) for r in sendgrid_standin.received] == [("eleni.p@example.com", "m-2")]


def test_a_script_goes_before_chance(sms: TwilioSms, twilio_standin: TwilioStandin) -> None:
    twilio_standin.faults(Faults(1, {"500": 1.0}))
    twilio_standin.script(["429"])
    assert isinstance(sms.send(an_sms()), Temporary)
    assert isinstance(sms.send(an_sms()), Unknown)


def test_latency_holds_an_answer_up(twilio_standin: TwilioStandin) -> None:
    twilio_standin.faults(Faults(1, latency=(5.0, 5.0)))
    outcome = TwilioSms(ACCOUNT_SID, AUTH_TOKEN, twilio_standin.url, timeout=0.2).send(an_sms())
    assert isinstance(outcome, Unknown) and outcome.code == "no_answer"


@pytest.mark.parametrize("chances", [{"500": 1.5}, {"500": -0.1}, {"500": 0.6, "429": 0.6}])
def test_chances_that_are_none_are_refused(chances: dict[str | tuple[object, ...], float]) -> None:
    with pytest.raises(ValueError, match="chances"):
        Faults(1, chances)


def test_a_wait_can_be_short(sms: TwilioSms, email: SendGridEmail,
                             twilio_standin: TwilioStandin, sendgrid_standin: SendGridStandin) -> None:  # fmt: skip
    twilio_standin.retry_after, sendgrid_standin.reset_after = 1, 2
    twilio_standin.script(["429"])
    sendgrid_standin.script(["429"])
    slow, later = sms.send(an_sms()), email.send(an_email())
    assert isinstance(slow, Temporary) and slow.retry_after == 1
    assert isinstance(later, Temporary) and later.retry_after is not None and later.retry_after <= 2


def test_another_process_can_send_to_a_standin(twilio_standin: TwilioStandin) -> None:
    code = (
        "import sys; from channels.base import SmsOut; from channels.twilio import TwilioSms\n"
        "TwilioSms(*sys.argv[1:4]).send(SmsOut('m-9', sys.argv[4], '+15005550006', 'Hi', 'https://a.gr/h'))"
    )
    where = [ACCOUNT_SID, AUTH_TOKEN, twilio_standin.url, PHONE]
    subprocess.run([sys.executable, "-c", code, *where], check=True, timeout=60)
    (received,) = twilio_standin.received
    assert (received.to, received.body, received.ref) == (PHONE, "Hi", "m-9")
    assert received.sid == twilio_standin.messages[0].sid


class Hook(Standin[Request]):
    """Takes every report."""

    def check(self, request: Request) -> Request:
        return request

    def accepted(self, message: Request) -> Reply:
        return Reply(204)


def test_reports_are_posted_as_the_providers_post_them(
    sms: TwilioSms, twilio_standin: TwilioStandin, email: SendGridEmail, sendgrid_standin: SendGridStandin
) -> None:
    sms.send(an_sms())
    email.send(an_email())
    sid = twilio_standin.messages[0].sid
    with Hook() as hook:
        status = twilio_standin.callback(sid, "delivered")
        assert status.post(via=hook.url) == 204
        assert twilio_standin.row(sid).sent is not None
        assert twilio_standin.inbound(f"{hook.url}/in", PHONE, "+1500", "Ναι").post() == 204
        event = sendgrid_standin.event(sendgrid_standin.messages[0], "open")
        assert sendgrid_standin.events(f"{hook.url}/events", [event]).post() == 204
        first, second, third = hook.messages
    assert first.path == "/hook?clinic=a&ref=m-1" and (second.path, third.path) == ("/in", "/events")
    assert verify(AUTH_TOKEN, [status.url], dict(first.headers), first.body)
    assert third.body.endswith(b"\r\n")


def test_a_standin_that_only_reads_changes_nothing(sms: TwilioSms, twilio_standin: TwilioStandin) -> None:
    answer: Answer = Http(twilio_standin.url).get("/2010-04-01/Accounts/AC/Messages.json", {})
    assert answer.status == 404 and twilio_standin.received == []

from __future__ import annotations

from collections.abc import Iterator

import pytest

from channels.sendgrid import SendGridEmail
from channels.twilio import TwilioSms
from tests.standins import sendgrid, twilio


@pytest.fixture
def twilio_standin() -> Iterator[twilio.TwilioStandin]:
    with twilio.TwilioStandin() as standin:
        yield standin


@pytest.fixture
def sms(twilio_standin: twilio.TwilioStandin) -> Iterator[TwilioSms]:
    channel = TwilioSms(twilio.ACCOUNT_SID, twilio.AUTH_TOKEN, twilio_standin.url, timeout=5)
    yield channel
    channel.close()


@pytest.fixture
def sendgrid_standin() -> Iterator[sendgrid.SendGridStandin]:
    with sendgrid.SendGridStandin() as standin:
        yield standin


@pytest.fixture
def email(sendgrid_standin: sendgrid.SendGridStandin) -> Iterator[SendGridEmail]:
    channel = SendGridEmail(sendgrid.API_KEY, sendgrid_standin.url, timeout=5)
    yield channel
    channel.close()

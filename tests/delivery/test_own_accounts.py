"""A clinic's own account with its providers, named in config/channels.yaml by environment variables."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from channels.base import Accepted, SmsOut, Temporary
from tests.delivery.desk import FILES
from tests.standins.twilio import ACCOUNT_SID, AUTH_TOKEN, TwilioStandin
from worker.delivery.senders import Channels, Credentials
from worker.settings import Settings
from worker.workspace.config import Sender
from worker.workspace.config_channels import Own
from worker.workspace.rooms import load

OWN = Own(account_sid="ATHENS_TWILIO_SID", auth_token="ATHENS_TWILIO_TOKEN", api_key="ATHENS_SENDGRID_KEY")
SENDER = Sender("twilio", "+15005550006", "", Decimal(10))
ATHENS = Sender("twilio", "+15005550006", "", Decimal(10), own=OWN)


def out(ref: str) -> SmsOut:
    return SmsOut(ref, "+306900000001", "+15005550006", "Hello", None, None)


def test_the_names_reach_the_sender_and_no_value_does() -> None:
    named = "credentials: {account_sid_env: ATHENS_TWILIO_SID, auth_token_env: ATHENS_TWILIO_TOKEN}\n"
    files = {**FILES, "config/channels.yaml": FILES["config/channels.yaml"] + named}
    assert load(files).senders["sms"].own == Own("ATHENS_TWILIO_SID", "ATHENS_TWILIO_TOKEN")
    env = {"ATHENS_TWILIO_SID": "AC9", "ATHENS_TWILIO_TOKEN": "hush", "OTHER": "x"}
    settings = Settings.from_env(env)
    assert settings.provider_secrets == {"ATHENS_TWILIO_SID": "AC9", "ATHENS_TWILIO_TOKEN": "hush"}
    assert "hush" not in repr(settings)


def test_a_message_leaves_through_its_clinics_account_and_no_other(tmp_path: Path) -> None:
    with TwilioStandin() as provider:
        own = {"ATHENS_TWILIO_SID": ACCOUNT_SID, "ATHENS_TWILIO_TOKEN": AUTH_TOKEN}
        channels = Channels(Credentials("AC" + "9" * 32, "wrong", provider.url, named=own), tmp_path)
        assert isinstance(channels.sms(ATHENS, out("1")), Accepted)
        assert not isinstance(channels.sms(SENDER, out("2")), Accepted)
        assert len(provider.received) == 1
        assert channels.account("twilio", OWN) != channels.account("twilio")
        assert channels.account("twilio", OWN) == Channels(Credentials(ACCOUNT_SID), tmp_path).account(
            "twilio"
        )
        channels.close()


def test_what_is_named_and_not_set_is_told_and_everybodys_account_is_not_used(tmp_path: Path) -> None:
    with TwilioStandin() as provider:
        channels = Channels(Credentials(ACCOUNT_SID, AUTH_TOKEN, provider.url), tmp_path)
        told = channels.sms(ATHENS, out("1"))
        assert isinstance(told, Temporary)
        assert told.code == "not_configured"
        assert told.why == "ATHENS_TWILIO_SID and ATHENS_TWILIO_TOKEN are not set"
        found = channels.lookup("twilio", "+306900000001", "", datetime(2026, 3, 3, tzinfo=UTC), OWN)
        assert "not set" in getattr(found, "why", "")
        assert provider.received == []
        channels.close()


def test_clinics_of_one_account_share_its_connections(tmp_path: Path) -> None:
    named = {"A_TWILIO_SID": ACCOUNT_SID, "A_TWILIO_TOKEN": AUTH_TOKEN}
    named |= {"B_TWILIO_SID": ACCOUNT_SID, "B_TWILIO_TOKEN": AUTH_TOKEN}
    channels = Channels(Credentials(named=named), tmp_path)
    first, second = Own("A_TWILIO_SID", "A_TWILIO_TOKEN"), Own("B_TWILIO_SID", "B_TWILIO_TOKEN")
    assert channels._channel("sms", "twilio", first) is channels._channel("sms", "twilio", second)
    channels.close()

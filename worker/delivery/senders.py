"""Which channel object a clinic's message leaves through, built once per clinic and sender and kept open; and how fast it may be used.

Rules
1. The rate of a sender is shared by all processes, by whatever `places` gives out. Where it cannot be asked, messages leave: the provider says itself when it is too much.
2. Reports are asked for at our public address, unless that is on this machine and the provider is not: a provider refuses such an address.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from channels.base import EmailOut, Lookup, NoWord, Outcome, SmsOut, Temporary
from channels.console import ConsoleEmail, ConsoleSms
from channels.sendgrid import SendGridEmail
from channels.twilio import TwilioSms
from worker.workspace.config import Sender

Places = Callable[[str, float], float]
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def keeps_a_list(channel: str, sender: Sender) -> bool:
    """Whether its provider can be asked what it accepted."""
    return sender.provider == "twilio" or (sender.provider == "console" and channel == "sms")


def is_loopback(url: str) -> bool:
    """Whether an address leads to this machine only."""
    return urlsplit(url).hostname in LOOPBACK


@dataclass(frozen=True)
class Credentials:
    """What the environment gives for the providers; None where it gives nothing."""

    twilio_account_sid: str | None = None
    twilio_auth_token: str | None = field(default=None, repr=False)
    twilio_base_url: str = "https://api.twilio.com"
    sendgrid_api_key: str | None = field(default=None, repr=False)
    sendgrid_base_url: str = "https://api.sendgrid.com"


class Channels:
    """Sends through whatever a clinic's config/channels.yaml names."""

    def __init__(self, credentials: Credentials, outbox: Path, places: Places | None = None) -> None:
        """`places` reserves the next place under a rate: given a name and a number a second, it answers with the seconds until that place."""
        self._credentials = credentials
        self._places = places
        self._outbox = outbox
        self._lock = threading.Lock()
        self._kept: dict[str, TwilioSms | SendGridEmail | ConsoleSms | ConsoleEmail] = {}

    def sms(self, sender: Sender, out: SmsOut) -> Outcome:
        """One attempt."""
        try:
            channel = self._channel("sms", sender.provider)
        except ValueError as error:
            return _not_configured(str(error))
        if not isinstance(channel, TwilioSms | ConsoleSms):
            return _not_configured("TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN are not set")
        return channel.send(out)

    def email(self, sender: Sender, out: EmailOut) -> Outcome:
        """One attempt."""
        try:
            channel = self._channel("email", sender.provider)
        except ValueError as error:
            return _not_configured(str(error))
        if not isinstance(channel, SendGridEmail | ConsoleEmail):
            return _not_configured("SENDGRID_API_KEY is not set")
        return channel.send(out)

    def reserve(self, clinic: str, channel: str, sender: Sender) -> float:
        """Seconds until this sender may be used; that place is taken then."""
        if self._places is None or sender.provider == "console" or sender.rate <= 0:
            return 0.0
        return self._places(f"{clinic}/{channel}", float(sender.rate))

    def callback(self, public_url: str, clinic: str) -> str | None:
        """Where Twilio reports to; None where it could not."""
        if is_loopback(public_url) and not is_loopback(self._credentials.twilio_base_url):
            return None
        return f"{public_url}/webhooks/{clinic}/twilio/status"

    def account(self, provider: str) -> str:
        """Whose list `lookup` reads: the provider and, where it has accounts, a hash of ours. What is in doubt there is found in no other."""
        if provider != "twilio":
            return provider
        sid = self._credentials.twilio_account_sid or ""
        return f"twilio/{hashlib.sha256(sid.encode()).hexdigest()[:16]}"

    def lookup(self, provider: str, to: str, sender: str, since: datetime) -> Lookup:
        """What the provider accepted to that address since then; `sender` is that of the attempt, which may have been edited since."""
        try:
            channel = self._channel("sms", provider)
        except ValueError as error:
            return NoWord("no_list", str(error))
        if not isinstance(channel, TwilioSms | ConsoleSms):
            return NoWord("no_list", "this provider keeps no list, or its credentials are not set")
        return channel.lookup(to, sender, since)

    def close(self) -> None:
        """Close what was kept open."""
        for channel in self._kept.values():
            channel.close()

    def _channel(
        self, kind: str, provider: str
    ) -> TwilioSms | SendGridEmail | ConsoleSms | ConsoleEmail | None:
        with self._lock:
            name = f"{kind}/{provider}"
            if name not in self._kept:
                made = self._make(name)
                if made is None:
                    return None
                self._kept[name] = made
            return self._kept[name]

    def _make(self, name: str) -> TwilioSms | SendGridEmail | ConsoleSms | ConsoleEmail | None:
        found = self._credentials
        if name == "sms/console":
            return ConsoleSms(self._outbox)
        if name == "email/console":
            return ConsoleEmail(self._outbox)
        if name == "sms/twilio" and found.twilio_account_sid and found.twilio_auth_token:
            return TwilioSms(found.twilio_account_sid, found.twilio_auth_token, found.twilio_base_url)
        if name == "email/sendgrid" and found.sendgrid_api_key:
            return SendGridEmail(found.sendgrid_api_key, found.sendgrid_base_url)
        return None


def _not_configured(why: str) -> Temporary:
    return Temporary("not_configured", why, 900.0)


def headers(unsubscribe_url: str) -> Mapping[str, str]:
    """What lets a mail program unsubscribe by itself (RFC 2369, RFC 8058)."""
    if not unsubscribe_url:
        return {}
    found = {"List-Unsubscribe": f"<{unsubscribe_url}>"}
    if unsubscribe_url.startswith("https:"):
        found["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return found

"""Which channel object a clinic's message leaves through, built once for each account and kept open; and how fast it may be used.

Rules
1. The rate of a sender is shared by all processes, by whatever `places` gives out. Where it cannot be asked, messages leave: the provider says itself when it is too much.
2. Reports are asked for at our public address, unless that is on this machine and the provider is not: a provider refuses such an address.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from channels.base import EmailChannel, EmailOut, Lookup, NoWord, Outcome, SmsChannel, SmsOut, Temporary
from channels.console import ConsoleEmail, ConsoleSms
from channels.sendgrid import SendGridEmail
from channels.twilio import TwilioSms
from worker.delivery.calls import CALLS, Calls
from worker.workspace.config import Sender
from worker.workspace.config_channels import Own

Places = Callable[[str, float, int], Sequence[float]]
EVERYBODYS: Final = Own()
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
    named: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What clinics name for themselves: values by the names of their variables."""

    def of(self, own: Own) -> Credentials:
        """Those that a clinic's messages leave with: of each provider its own, where it names some, else everybody's."""
        twilio = bool(own.account_sid or own.auth_token)
        return replace(
            self,
            twilio_account_sid=self.named.get(own.account_sid) if twilio else self.twilio_account_sid,
            twilio_auth_token=self.named.get(own.auth_token) if twilio else self.twilio_auth_token,
            sendgrid_api_key=self.named.get(own.api_key) if own.api_key else self.sendgrid_api_key,
        )

    def used(self, provider: str) -> tuple[str | None, ...]:
        """What calls to one provider are made with: whoever has the same shares one pool of connections."""
        if provider == "twilio":
            return (self.twilio_account_sid, self.twilio_auth_token)
        return (self.sendgrid_api_key,) if provider == "sendgrid" else ()


class Channels:
    """Sends through whatever a clinic's config/channels.yaml names."""

    def __init__(
        self,
        credentials: Credentials,
        outbox: Path,
        places: Places | None = None,
        *,
        connections: int = CALLS,
    ) -> None:
        """`places` reserves the next places under a rate: given a name, a number a second and how many, it answers with the seconds until each. `connections`: how many calls at a time."""
        self.calls = Calls(connections)
        self._credentials = credentials
        self._places = places
        self._outbox = outbox
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, tuple[str | None, ...]], SmsChannel | EmailChannel] = {}
        self._found: dict[Own, Credentials] = {}

    def sms(self, sender: Sender, out: SmsOut) -> Outcome:
        """One attempt."""
        try:
            channel = self._channel("sms", sender.provider, sender.own)
        except ValueError as error:
            return _not_configured(str(error))
        if not isinstance(channel, TwilioSms | ConsoleSms):
            own = sender.own
            names = f"{own.account_sid or 'TWILIO_ACCOUNT_SID'} and {own.auth_token or 'TWILIO_AUTH_TOKEN'}"
            return _not_configured(f"{names} are not set")
        return channel.send(out)

    def email(self, sender: Sender, out: EmailOut) -> Outcome:
        """One attempt."""
        try:
            channel = self._channel("email", sender.provider, sender.own)
        except ValueError as error:
            return _not_configured(str(error))
        if not isinstance(channel, SendGridEmail | ConsoleEmail):
            return _not_configured(f"{sender.own.api_key or 'SENDGRID_API_KEY'} is not set")
        return channel.send(out)

    def reserve(self, clinic: str, channel: str, sender: Sender, number: int) -> Sequence[float]:
        """Seconds until this sender may be used, for so many calls; those places are taken then."""
        if self._places is None or sender.provider == "console" or sender.rate <= 0:
            return [0.0] * number
        return self._places(f"{clinic}/{channel}", float(sender.rate), number)

    def callback(self, public_url: str, clinic: str) -> str | None:
        """Where Twilio reports to; None where it could not."""
        if is_loopback(public_url) and not is_loopback(self._credentials.twilio_base_url):
            return None
        return f"{public_url}/webhooks/{clinic}/twilio/status"

    def account(self, provider: str, own: Own = EVERYBODYS) -> str:
        """Whose list `lookup` reads: the provider and, where it has accounts, a hash of the clinic's. What is in doubt there is found in no other."""
        if provider != "twilio":
            return provider
        sid = self._credentials_of(own).twilio_account_sid or ""
        return f"twilio/{hashlib.sha256(sid.encode()).hexdigest()[:16]}"

    def lookup(self, provider: str, to: str, sender: str, since: datetime, own: Own = EVERYBODYS) -> Lookup:
        """What the provider accepted to that address since then; `sender` is that of the attempt, which may have been edited since."""
        try:
            channel = self._channel("sms", provider, own)
        except ValueError as error:
            return NoWord("no_list", str(error))
        if not isinstance(channel, TwilioSms | ConsoleSms):
            return NoWord("no_list", "this provider keeps no list, or its credentials are not set")
        return channel.lookup(to, sender, since)

    def close(self) -> None:
        """Close what was kept open."""
        self.calls.close()
        for channel in self._kept.values():
            channel.close()

    def _credentials_of(self, own: Own) -> Credentials:
        if own not in self._found:
            self._found[own] = self._credentials.of(own)
        return self._found[own]

    def _channel(self, kind: str, provider: str, own: Own) -> SmsChannel | EmailChannel | None:
        with self._lock:
            name, found = f"{kind}/{provider}", self._credentials_of(own)
            key = (name, found.used(provider))
            if key not in self._kept:
                made = self._make(name, found)
                if made is None:
                    return None
                self._kept[key] = made
            return self._kept[key]

    def _make(self, name: str, found: Credentials) -> SmsChannel | EmailChannel | None:
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

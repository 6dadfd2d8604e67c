"""The doctor's look at the providers that the clinic's config/channels.yaml names: credentials, senders, the key of their reports, their clocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import phonenumbers

from channels import examine
from channels.sendgrid_events import verifier
from worker.delivery.senders import Credentials
from worker.service.doctoring_words import Finding, error, skew, warning
from worker.settings import Settings
from worker.workspace.config import Sender
from worker.workspace.rooms import Rooms

NO_NAMES: Final = frozenset({"US", "CA", "CN"})
"""Countries whose networks take no sender name in place of a number."""


def of_providers(settings: Settings, told: Rooms, clock: Callable[[], float]) -> Iterator[Finding]:
    """What is wrong; a channel that leaves by the console asks nobody."""
    sms, email = told.senders.get("sms"), told.senders.get("email")
    if sms is not None and sms.provider == "twilio":
        yield from _twilio(settings, sms, told.rules.clinic.country, clock)
    if email is not None and email.provider == "sendgrid":
        yield from _sendgrid(settings, email, clock)


def _twilio(
    settings: Settings, sender: Sender, country: str, clock: Callable[[], float]
) -> Iterator[Finding]:
    yield from _sender_of(sender.sender, country)
    found, own = _credentials(settings).of(sender.own), sender.own
    sid, token = found.twilio_account_sid, found.twilio_auth_token
    names = own.account_sid or "TWILIO_ACCOUNT_SID", own.auth_token or "TWILIO_AUTH_TOKEN"
    if not sid or not token:
        yield error(
            "twilio-missing", f"config/channels.yaml sends SMS by Twilio, and {names[0]} or {names[1]} is not set",
            "Set both from Twilio's console, for every process.",
        )  # fmt: skip
        return
    told = examine.twilio(sid, token, settings.twilio_base_url, sender.sender)
    yield from _login("twilio", "Twilio", told, " and ".join(names))
    if told.date is not None:
        yield from skew("Twilio", told.date - clock())
    if told.sender == "foreign":
        yield error(
            "sender-foreign", "the number in `sms: from` of config/channels.yaml is none of this Twilio account",
            "Write one of the account's numbers, or its Messaging Service (`MG…`).",
        )  # fmt: skip


def _sender_of(sender: str, country: str) -> Iterator[Finding]:
    if sender.startswith("MG") or not sender:
        return
    if not sender.startswith("+"):
        if country in NO_NAMES and not sender.isdigit():
            yield error(
                "sender-country", f"a sender name can't be used in {country}", "Write a number of that country in `sms: from` of config/channels.yaml."
            )  # fmt: skip
        return
    try:
        region = phonenumbers.region_code_for_number(phonenumbers.parse(sender))
    except phonenumbers.NumberParseException:
        region = None
    if region is not None and region != country:
        yield warning(
            "sender-country", f"`sms: from` is a number of {region}, and the clinic is in {country}: networks may refuse it, and patients won't know it",
            f"Take a number of {country}, or a sender name where that country allows it.",
        )  # fmt: skip


def _sendgrid(settings: Settings, sender: Sender, clock: Callable[[], float]) -> Iterator[Finding]:
    own, given = sender.own, settings.provider_secrets
    reports = own.webhook_public_key or "SENDGRID_WEBHOOK_PUBLIC_KEY"
    yield from _public_key(
        given.get(reports) if own.api_key or own.webhook_public_key else settings.sendgrid_webhook_public_key,
        reports,
    )
    key, name = _credentials(settings).of(own).sendgrid_api_key, own.api_key or "SENDGRID_API_KEY"
    if not key:
        yield error(
            "sendgrid-missing", f"config/channels.yaml sends e-mail by SendGrid, and {name} is not set",
            "Make a key with the permission “Mail Send”, and set it for every process.",
        )  # fmt: skip
        return
    found = examine.sendgrid(key, settings.sendgrid_base_url, sender.sender)
    yield from _login("sendgrid", "SendGrid", found, name)
    if found.date is not None:
        yield from skew("SendGrid", found.date - clock())
    if found.sender == "foreign":
        yield error(
            "sender-unverified", "neither `email: from` of config/channels.yaml nor its domain is verified at SendGrid",
            "Authenticate the domain in SendGrid's settings (Sender Authentication).",
        )  # fmt: skip


def _public_key(key: str | None, name: str) -> Iterator[Finding]:
    way_out = f"Copy the verification key from SendGrid's Mail Settings, Event Webhook, into {name}."
    if not key:
        yield error("webhook-key-missing", f"{name} is not set, so no report of SendGrid is taken: bounces stay unnoticed", way_out)  # fmt: skip
        return
    try:
        verifier(key)
    except ValueError:
        yield error("webhook-key-broken", f"{name} is no verification key, so no report of SendGrid is taken", way_out)  # fmt: skip


def _credentials(settings: Settings) -> Credentials:
    return Credentials(
        settings.twilio_account_sid, settings.twilio_auth_token, sendgrid_api_key=settings.sendgrid_api_key, named=settings.provider_secrets
    )  # fmt: skip


def _login(code: str, name: str, found: examine.Examined, variables: str) -> Iterator[Finding]:
    if found.login == "refused":
        yield error(f"{code}-refused", f"{name} does not take the credentials: {found.why}", f"Compare {variables} with {name}'s console.")  # fmt: skip
    elif found.login == "suspended":
        yield error(f"{code}-suspended", found.why, f"Look at {name}'s console.")
    elif found.login == "away":
        yield error(f"{code}-away", f"{name} can't be asked: {found.why}", "See whether this machine may reach it, and whether its base URL is right.")  # fmt: skip

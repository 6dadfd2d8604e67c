"""What a provider's code says and what helps against it: the retry policy, as data.

1. One table per provider holds for both ways in which a code comes: as the answer to `send`, and in a status
   report hours later.
2. A code that is in no table is this message's own trouble (`Remedy.CONTENT`): neither the recipient nor the
   sender is known to be bad, so nobody is suppressed and nothing is paused.
3. The words never quote a provider: its error messages hold the recipient's number.

Sources: https://www.twilio.com/docs/api/errors and its page for each code;
https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event; RFC 3463 for `5.1.1` and the like.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Remedy(StrEnum):
    """What helps."""

    ADDRESS_DEAD = "address_dead"  # nothing: do not write to this address again
    OPTED_OUT = "opted_out"  # nothing: the recipient said stop; suppress the address
    SENDER = "sender"  # ours to repair: pause the sender or the journey, do not blame the patient
    CONTENT = "content"  # this one message will not go; nobody else is to blame
    LATER = "later"  # try again with growing pauses
    SPACED = "spaced"  # try again a few times only, hours apart


@dataclass(frozen=True, slots=True)
class Rule:
    """What helps against one code, and what to tell people."""

    remedy: Remedy
    words: str


def _rules(remedy: Remedy, words: dict[str, str]) -> dict[str, Rule]:
    return {code: Rule(remedy, text) for code, text in words.items()}


TWILIO: dict[str, Rule] = {
    **_rules(
        Remedy.ADDRESS_DEAD,
        {
            "21211": "the recipient's number is not a valid phone number",
            "21612": "this number cannot be reached from our sender",
            "21614": "the recipient's number cannot receive SMS",
            "21635": "the recipient's number is a landline",
            "30005": "the recipient's number is unknown or no longer in use",
            "30006": "the recipient's number is a landline or cannot be reached",
        },
    ),
    **_rules(Remedy.OPTED_OUT, {"21610": "the recipient has opted out by replying STOP"}),
    **_rules(
        Remedy.SENDER,
        {
            "20003": "Twilio did not accept the account SID and auth token: check them",
            "20005": "the Twilio account is not active",
            "20008": "this is not allowed with Twilio's test credentials",
            "20404": "Twilio does not know this account or address: check the account SID and the base URL",
            "21212": "the sender is not a valid number or name",
            "21408": "the account may not send to this country: allow it in Twilio's geographic permissions",
            "21603": "no sender is set: set `from` in channels.yaml",
            "21606": "the sender's number does not belong to the account or cannot send SMS",
            "21608": "a trial account can only write to numbers that were verified at Twilio",
            "21609": "Twilio refused the address for status callbacks: check the public URL",
            "21659": "the sender's number does not belong to Twilio",
            "21660": "the sender's number belongs to another account",
            "21701": "the Messaging Service does not exist",
            "21703": "the Messaging Service has no sender",
            "30002": "the Twilio account is suspended",
            "30004": "the message was blocked",
            "30007": "the carrier filtered the message as spam",
            "30034": "the sender's number is not registered for business messages (A2P 10DLC)",
        },
    ),
    **_rules(
        Remedy.CONTENT,
        {
            "21602": "the message has no text",
            "21617": "the message is longer than 1600 characters",
            "21619": "the message has no text",
        },
    ),
    **_rules(
        Remedy.LATER,
        {
            "20429": "too many requests at once",
            "21611": "the sender's queue is full",
            "30001": "the sender's queue is full",
            "30008": "the carrier did not say why it refused",
            "30036": "the message had waited too long in the queue",
            "30450": "the message could not be passed on for now",
            "30500": "Twilio had a fault of its own",
        },
    ),
    **_rules(Remedy.SPACED, {"30003": "the recipient's phone is off or out of reach"}),
}
"""Twilio's error codes."""

SENDGRID: dict[str, Rule] = {
    **_rules(
        Remedy.ADDRESS_DEAD,
        {
            "5.x.x": "the recipient's mail server refused the address for good",
            "bounce": "the recipient's mail server refused the address for good",
            "bounced_address": "the address bounced before, so SendGrid did not send to it",
            "invalid": "SendGrid takes the address for invalid",
        },
    ),
    **_rules(
        Remedy.OPTED_OUT,
        {
            "spamreport": "the recipient reported a message as spam",
            "unsubscribe": "the recipient unsubscribed at SendGrid",
            "group_unsubscribe": "the recipient unsubscribed from a group at SendGrid",
            "spam_reporting_address": "the recipient reported spam before, so SendGrid did not send to the address",
            "unsubscribed_address": "the recipient unsubscribed before, so SendGrid did not send to the address",
        },
    ),
    **_rules(
        Remedy.SENDER,
        {
            "http_401": "SendGrid did not accept the API key: check it",
            "http_402": "the SendGrid account is not paid up",
            "http_403": "SendGrid does not let this key or sender address send: verify the sender at SendGrid",
            "http_404": "SendGrid does not know this address of its API: check the base URL",
            "http_405": "SendGrid does not know this address of its API: check the base URL",
            "http_410": "SendGrid does not know this address of its API: check the base URL",
            "recipient_list_over_package_quota": "the SendGrid account's quota is used up",
        },
    ),
    **_rules(
        Remedy.CONTENT,
        {
            "dropped": "SendGrid did not pass the message on",
            "http_413": "the message is too large",
            "invalid_smtpapi_header": "SendGrid found a fault in the message's headers",
            "spam_content": "SendGrid takes the message for spam",
        },
    ),
    **_rules(
        Remedy.LATER,
        {
            "4.x.x": "the recipient's mail server refused the message for now",
            "blocked": "the recipient's mail server blocked the message; the address may be fine",
            "http_429": "too many requests at once",
        },
    ),
}
"""SendGrid's HTTP statuses (`http_401`), enhanced mail status codes by class (`5.x.x`), reasons of a drop and
events.
"""

_TABLES = {"twilio": TWILIO, "sendgrid": SENDGRID}
_ENHANCED = re.compile(r"([45])\.\d{1,3}\.\d{1,3}")


def rule(provider: str, code: str) -> Rule | None:
    """The rule for a code as `Outcome.code` and `Receipt.code` hold it; None: nothing is known of it."""
    table = _TABLES.get(provider, {})
    enhanced = _ENHANCED.fullmatch(code)
    return table.get(f"{enhanced[1]}.x.x" if enhanced else code)


def remedy(provider: str, code: str) -> Remedy:
    """What helps against a code; `Remedy.CONTENT` for one that nothing is known of."""
    found = rule(provider, code)
    return found.remedy if found else Remedy.CONTENT

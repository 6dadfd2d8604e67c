"""What SendGrid reports to us: is it SendGrid, and what became of which message.

1. The signature is checked by SendGrid's own library, over the timestamp and the body as it came, the line
   break at its end included. Ours is the window: a report that was signed long ago, or ahead of our clock, is
   somebody's recording.
2. Reports come late, out of order and many times over; `key` tells which are the same.
3. A mail server's words (`reason`, `response`) hold addresses: they stay in `raw`, and `code` is our own short
   name for them.
4. What we do not know is kept, not refused: refusing would have SendGrid repeat it for a day.

Source: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from sendgrid.helpers.eventwebhook import EventWebhook, EventWebhookHeader  # type: ignore[import-untyped]

from channels.base import Receipt, Unreadable, is_ref
from channels.codes import SENDGRID, rule
from channels.sendgrid import REF_ARG
from channels.status import Status, sendgrid_status
from channels.webhooks import header, storable

_OF_ITSELF = frozenset({"spamreport", "unsubscribe", "group_unsubscribe"})  # an event that is its own code


@lru_cache(maxsize=32)
def verifier(public_key: str) -> EventWebhook:
    """SendGrid's verifier for a key as its page of settings shows it (base64 DER, P-256). Raises ValueError."""
    try:
        webhook = EventWebhook("".join(public_key.split()) or "-")
    except Exception:  # noqa: BLE001  the libraries below raise many kinds over a text that is no key
        webhook = None
    if webhook is None or getattr(getattr(webhook.public_key, "curve", None), "name", "") != "secp256r1":
        raise ValueError(
            "the public key of SendGrid's signed event webhook is not one: copy the verification key from "
            "SendGrid's Mail Settings, Event Webhook"
        )
    return webhook


def verify(
    public_key: str, headers: Mapping[str, str], body: bytes, now: datetime, window: timedelta
) -> bool:
    """Whether the request is from SendGrid and was signed within `window` of `now` (aware). Never raises."""
    signature = header(headers, EventWebhookHeader.SIGNATURE)
    signed_at = header(headers, EventWebhookHeader.TIMESTAMP)
    if not (signed_at.isascii() and signed_at.isdigit() and len(signed_at) <= 12):
        return False
    if abs(now.timestamp() - int(signed_at)) > window.total_seconds():
        return False
    try:
        if base64.b64encode(base64.b64decode(signature, validate=True)).decode() != signature:
            return False  # base64 can say the same in several ways; SendGrid says it in one
        return bool(verifier(public_key).verify_signature(body.decode(), signature, signed_at))
    except (ValueError, TypeError):
        return False


def parse(body: bytes) -> list[Receipt]:
    """The events of one report, in its order. Raises Unreadable."""
    try:
        events = storable(json.loads(body))
    except (ValueError, RecursionError):
        raise Unreadable("a report of SendGrid that is not JSON") from None
    if not isinstance(events, list):
        raise Unreadable("a report of SendGrid that is not a list of events")
    return [_receipt(event if isinstance(event, dict) else {"value": event}) for event in events]


def _receipt(event: dict[str, Any]) -> Receipt:
    word, ref = _text(event, "event")[:40], event.get(REF_ARG)
    status = sendgrid_status(word, _text(event, "type"))
    return Receipt(
        provider="sendgrid",
        key=_key(event),
        ref=ref if is_ref(ref) else None,
        provider_id=_text(event, "sg_message_id").partition(".")[0] or None,
        status=status,
        word=word,
        code=_code(event, word, status),
        at=_time(event.get("timestamp")),
        address=_text(event, "email") or None,
        url=_text(event, "url") or None,
        user_agent=_text(event, "useragent") or None,
        raw=event,
    )


def _key(event: Mapping[str, Any]) -> str:
    given = _text(event, "sg_event_id")
    if given and len(given) <= 200:
        return given
    return hashlib.sha256(json.dumps(event, sort_keys=True).encode()).hexdigest()


def _code(event: Mapping[str, Any], word: str, status: Status) -> str:
    if status is Status.BOUNCED:
        enhanced = _text(event, "status")
        return enhanced if rule("sendgrid", enhanced) and "." in enhanced else "bounce"
    if status is Status.BLOCKED:
        return "blocked"
    if status is Status.DROPPED:
        reason = re.sub(r"[^a-z0-9]+", "_", _text(event, "reason").lower()).strip("_")
        return reason if reason in SENDGRID else "dropped"
    return word if word in _OF_ITSELF else ""


def _text(event: Mapping[str, Any], name: str) -> str:
    value = event.get(name)
    return value if isinstance(value, str) else ""


def _time(value: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(value), UTC)
    except (ValueError, TypeError, OverflowError, OSError):
        return None

"""A stand-in for Twilio's Messages resource, after twilio_api_v2010.json and Twilio's error pages.

Strict: unknown or repeated parameters are refused (Twilio ignores them), so that a misspelt one is found.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
import ssl
from dataclasses import dataclass, field
from email.utils import formatdate
from urllib.parse import parse_qs, parse_qsl, urlsplit

from channels.segments import count_segments
from tests.standins.server import Refused, Reply, Request, Standin, now

ACCOUNT_SID = "AC" + "0a" * 16
AUTH_TOKEN = "f0" * 16

_E164 = re.compile(r"\+[1-9]\d{6,14}")
_SENDER = re.compile(r"\+[1-9]\d{6,14}|\d{3,6}|(?=.*[A-Za-z])[A-Za-z0-9 &_+-]{1,11}")
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
_TRUTH = frozenset({"true", "false", "True", "False"})
_KNOWN = frozenset(
    "To From MessagingServiceSid Body StatusCallback ApplicationSid MaxPrice ProvideFeedback Attempt "
    "ValidityPeriod ForceDelivery ContentRetention AddressRetention SmartEncoded PersistentAction "
    "TrafficType ShortenUrls ScheduleType SendAt SendAsMms ContentVariables RiskCheck ContentSid "
    "MediaUrl".split()
)
_HTTP_STATUS = {20003: 401, 20008: 403, 20404: 404, 20429: 429, 20500: 500}
_WORDS = {
    20003: "Authenticate",
    20404: "The requested resource was not found",
    20429: "Too Many Requests",
    21211: "The 'To' number {to} is not a valid phone number.",
    21610: "Attempt to send to unsubscribed recipient {to}",
    21614: "'To' number {to} is not a valid mobile number",
}


@dataclass(frozen=True)
class Sms:
    """A message that Twilio has accepted."""

    sid: str
    to: str
    sender: str  # From, or else the Messaging Service
    body: str
    ref: str | None  # from the query of the status callback
    status_callback: str | None
    received_at: float  # Unix seconds
    params: dict[str, str] = field(repr=False)


class TwilioStandin(Standin[Sms]):
    """`error(code)` quotes the recipient's number, as Twilio does."""

    def __init__(
        self,
        account_sid: str = ACCOUNT_SID,
        auth_token: str = AUTH_TOKEN,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(tls)
        self.account_sid, self.auth_token = account_sid, auth_token

    def check(self, request: Request) -> Sms:
        if (
            request.method != "POST"
            or request.path != f"/2010-04-01/Accounts/{self.account_sid}/Messages.json"
        ):
            raise Refused(self.error(20404))
        if _login(request) != f"{self.account_sid}:{self.auth_token}":
            raise Refused(self.error(20003))
        params = _form(request)
        to, body, callback = params.get("To", ""), params.get("Body", ""), params.get("StatusCallback")
        sender, service = params.get("From", ""), params.get("MessagingServiceSid", "")
        if not to:
            raise Refused(_error(21604, "A 'To' phone number is required."))
        if not _E164.fullmatch(to):
            raise Refused(_error(21211, f"The 'To' number {to} is not a valid phone number."))
        if not sender and not service:
            raise Refused(_error(21603, "A 'From' phone number is required."))
        if sender and not _SENDER.fullmatch(sender):
            raise Refused(_error(21212, f"The 'From' number {sender} is not a valid phone number or name."))
        if service and not _SERVICE.fullmatch(service):
            raise Refused(_error(21701, "The Messaging Service does not exist."))
        if not body:
            raise Refused(_error(21602, "Message body is required."))
        if len(body) > 1600:
            raise Refused(_error(21617, "The concatenated message body exceeds the 1600 character limit."))
        if callback is not None and not _absolute(callback):
            raise Refused(_error(21609, f"The StatusCallback URL {callback} is not a valid URL."))
        _check_others(params)
        query = parse_qs(urlsplit(callback or "").query)
        return Sms(
            sid="SM" + secrets.token_hex(16),
            to=to,
            sender=sender or service,
            body=body,
            ref=query.get("ref", [None])[0],
            status_callback=callback,
            received_at=now(),
            params=params,
        )

    def accepted(self, message: Sms) -> Reply:
        service = message.params.get("MessagingServiceSid")
        date = formatdate(message.received_at)
        uri = f"/2010-04-01/Accounts/{self.account_sid}/Messages/{message.sid}"
        content = {
            "account_sid": self.account_sid,
            "api_version": "2010-04-01",
            "body": message.body,
            "date_created": date,
            "date_sent": None,
            "date_updated": date,
            "direction": "outbound-api",
            "error_code": None,
            "error_message": None,
            "from": message.params.get("From"),
            "messaging_service_sid": service,
            "num_media": "0",
            "num_segments": "0" if service else str(count_segments(message.body).count),
            "price": None,
            "price_unit": "USD",
            "sid": message.sid,
            "status": "accepted" if service else "queued",
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": message.to,
            "uri": f"{uri}.json",
        }
        return Reply.json(201, content)

    def error(self, code: int) -> Reply:
        if code < 1000:
            code = {429: 20429, 401: 20003, 404: 20404, 500: 20500}.get(code, code)
        if code < 1000:
            return Reply(code, b"<html>upstream</html>", {"Content-Type": "text/html"})
        seen = self.requests
        to = dict(parse_qsl(seen[-1].body.decode("utf-8", "replace"))).get("To", "") if seen else ""
        return _error(code, _WORDS.get(code, "Error for {to}").format(to=to))


def _error(code: int, words: str) -> Reply:
    status = _HTTP_STATUS.get(code, 400)
    content = {
        "code": code,
        "message": words,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    later = {"Retry_After": "7"} if status == 429 else {}
    return Reply.json(status, content, **later)


def _login(request: Request) -> str | None:
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    try:
        return base64.b64decode(secret, validate=True).decode() if scheme == "Basic" else None
    except (binascii.Error, ValueError):
        return None


def _form(request: Request) -> dict[str, str]:
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip()
    if kind != "application/x-www-form-urlencoded":
        raise Refused(_error(20001, f"Content-Type {kind} is not form-encoded"))
    try:
        pairs = parse_qsl(
            request.body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict"
        )
    except ValueError:
        raise Refused(_error(20001, "The body is not form-encoded UTF-8")) from None
    params = dict(pairs)
    if len(params) != len(pairs):
        raise Refused(_error(20001, "A parameter is given twice"))
    if strangers := sorted(params.keys() - _KNOWN):
        raise Refused(_error(20001, f"Unknown parameter {strangers[0]}"))
    return params


def _absolute(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not set(url) & set(" \t\r\n")


def _check_others(params: dict[str, str]) -> None:
    period = params.get("ValidityPeriod", "1")
    if not period.isdigit() or not 1 <= int(period) <= 36000:
        raise Refused(_error(21620, "ValidityPeriod must be 1 to 36000 seconds"))
    for name in ("SmartEncoded", "ProvideFeedback", "ForceDelivery", "ShortenUrls", "SendAsMms"):
        if params.get(name, "true") not in _TRUTH:
            raise Refused(_error(20001, f"{name} must be true or false"))

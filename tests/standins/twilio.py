"""A stand-in for Twilio's Messages resource, after twilio_api_v2010.json and Twilio's error pages.

Strict: unknown or repeated parameters are refused (Twilio ignores them), so that a misspelt one is found; so
are a number and a Messaging Service at once, of which one would be ignored.

It keeps what it accepted and lists it (`twilio_list`), and makes the reports that Twilio would post, signed by
Twilio's own library: `callback`, `inbound`.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
import ssl
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from tests.standins.hooks import Signed
from tests.standins.server import Received, Refused, Reply, Request, Standin, now
from tests.standins.twilio_list import Row, content, error_reply, listing

ACCOUNT_SID = "AC" + "0a" * 16
AUTH_TOKEN = "f0" * 16

_E164 = re.compile(r"\+[1-9]\d{6,14}")
_SENDER = re.compile(r"\+[1-9]\d{6,14}|\d{3,6}|(?=.*[A-Za-z])[A-Za-z0-9 &_+-]{1,11}")
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
_INTEGER = re.compile(r"\d{1,9}")
_NUMBER = re.compile(r"\d{1,9}(\.\d{1,6})?")
_ENUMS = {
    "ContentRetention": {"retain", "discard"},
    "AddressRetention": {"retain", "obfuscate"},
    "TrafficType": {"free"},
    "ScheduleType": {"fixed"},
    "RiskCheck": {"enable", "disable"},
}
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
    """`error(code)` quotes the recipient's number, as Twilio does. `retry_after`: seconds that a 429 asks for; `numbers`: the account's; `status`: the account's."""

    def __init__(
        self,
        account_sid: str = ACCOUNT_SID,
        auth_token: str = AUTH_TOKEN,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(tls)
        self.account_sid, self.auth_token = account_sid, auth_token
        self.retry_after = 7
        self.numbers = {"+15005550006"}
        self.status = "active"
        self._rows: dict[str, Row] = {}

    # What a test uses

    @property
    def received(self) -> list[Received]:
        """What it accepted, in order."""
        return [Received(m.to, m.body, m.sid, m.ref) for m in self.messages]

    def row(self, sid: str) -> Row:
        """What it keeps of a message; a test may change it."""
        with self._changed:
            return self._rows[sid]

    def plant(self, to: str, **changes: object) -> Row:
        """Lists a message that nobody sent through this door."""
        row = Row("SM" + secrets.token_hex(16), to, "+15005550006", None, "Hello", now())
        for name, value in changes.items():
            assert hasattr(row, name), name
            setattr(row, name, value)
        with self._changed:
            self._rows[row.sid] = row
        return row

    def callback(self, sid: str, word: str, error_code: int | None = None, **more: str) -> Signed:
        """The status report of a message, which takes on the status."""
        with self._changed:
            row = self._rows[sid]
            row.word, row.error_code = word, error_code
            if word in ("sent", "delivered", "undelivered") and row.sent is None:
                row.sent = now()
        message = next(m for m in self.messages if m.sid == sid)
        assert message.status_callback is not None, "this message asked for no reports"
        form = {
            "SmsSid": sid,
            "SmsStatus": word,
            "MessageStatus": word,
            "To": row.to,
            "MessageSid": sid,
            "AccountSid": self.account_sid,
            "From": row.sender or "",
            "ApiVersion": "2010-04-01",
        }
        if row.service:
            form["MessagingServiceSid"] = row.service
        if error_code is not None:
            form["ErrorCode"] = str(error_code)
        return self.signed(message.status_callback, list({**form, **more}.items()))

    def inbound(self, url: str, sender: str, to: str, body: str, **more: str) -> Signed:
        """A message from a patient, for the webhook at `url`."""
        sid = "SM" + secrets.token_hex(16)
        form = {
            "ToCountry": "GR",
            "MessageSid": sid,
            "SmsMessageSid": sid,
            "SmsSid": sid,
            "SmsStatus": "received",
            "NumMedia": "0",
            "NumSegments": "1",
            "Body": body,
            "From": sender,
            "To": to,
            "AccountSid": self.account_sid,
            "ApiVersion": "2010-04-01",
        }
        return self.signed(url, list({**form, **more}.items()))

    def signed(self, url: str, pairs: list[tuple[str, str]]) -> Signed:
        """Any report, a form, with the signature that Twilio's own library gives it."""
        form: dict[str, list[str]] = {}
        for name, value in pairs:
            form.setdefault(name, []).append(value)
        signature = RequestValidator(self.auth_token).compute_signature(url, _Values(form))
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
            "X-Twilio-Signature": signature,
        }
        return Signed(url, headers, urlencode(pairs).encode())

    # What Twilio says

    def name_of(self, request: Request) -> str:
        form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
        ref = parse_qs(urlsplit(form.get("StatusCallback", "")).query).get("ref")
        return f"{request.method} {ref[0] if ref else request.path + form.get('To', '')}"

    def read(self, request: Request) -> Reply | None:
        if request.method != "GET":
            return None
        about = self._about(request)
        if about is not None:
            return about
        self._check_door(request)
        with self._changed:
            return listing(self.account_sid, list(self._rows.values()), urlsplit(request.path).query)

    def _about(self, request: Request) -> Reply | None:
        """The account itself, and its numbers: `IncomingPhoneNumbers.json?PhoneNumber=…`."""
        path, _, query = request.path.partition("?")
        account, _, rest = path.removeprefix("/2010-04-01/Accounts/").partition("/")
        if path == request.path and rest == "" and account.endswith(".json"):
            account = account.removesuffix(".json")
        elif rest != "IncomingPhoneNumbers.json":
            return None
        if _login(request) != f"{self.account_sid}:{self.auth_token}":
            raise Refused(self.error(20003))
        if account != self.account_sid:
            raise Refused(self.error(20404))
        if rest == "":
            return Reply.json(200, {"sid": account, "status": self.status, "type": "Full"})
        asked = dict(parse_qsl(query))
        if set(asked) - {"PhoneNumber", "PageSize"}:
            raise Refused(_error(20001, "A parameter that this list does not know"))
        found = [number for number in sorted(self.numbers) if asked.get("PhoneNumber", "") in number]
        return Reply.json(
            200, {"incoming_phone_numbers": [{"phone_number": number} for number in found], "page": 0}
        )

    def _check_door(self, request: Request) -> None:
        path, _, query = request.path.partition("?")
        if path != f"/2010-04-01/Accounts/{self.account_sid}/Messages.json":
            raise Refused(self.error(20404))
        if query and request.method != "GET":
            raise Refused(_error(20001, "Parameters belong into the body"))
        if _login(request) != f"{self.account_sid}:{self.auth_token}":
            raise Refused(self.error(20003))

    def check(self, request: Request) -> Sms:
        if request.method != "POST":
            raise Refused(self.error(20404))
        self._check_door(request)
        params = _form(request)
        to, body, callback = params.get("To", ""), params.get("Body", ""), params.get("StatusCallback")
        sender, service = params.get("From", ""), params.get("MessagingServiceSid", "")
        if not to:
            raise Refused(_error(21604, "A 'To' phone number is required."))
        if not _E164.fullmatch(to):
            raise Refused(_error(21211, f"The 'To' number {to} is not a valid phone number."))
        if not sender and not service:
            raise Refused(_error(21603, "A 'From' phone number is required."))
        if sender and service:
            raise Refused(_error(21603, "Give 'From' or 'MessagingServiceSid', not both."))
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
        row = Row(
            message.sid,
            message.to,
            message.params.get("From"),
            service,
            message.body,
            message.received_at,
            word="scheduled" if "SendAt" in message.params else "accepted" if service else "queued",
        )
        with self._changed:
            self._rows[message.sid] = row
        return Reply.json(201, content(self.account_sid, row))

    def error(self, code: int) -> Reply:
        if code < 1000:
            code = {429: 20429, 401: 20003, 404: 20404, 500: 20500}.get(code, code)
        if code < 1000:
            return Reply(code, b"<html>upstream</html>", {"Content-Type": "text/html"})
        seen = self.requests
        to = dict(parse_qsl(seen[-1].body.decode("utf-8", "replace"))).get("To", "") if seen else ""
        reply = _error(code, _WORDS.get(code, "Error for {to}").format(to=to))
        if reply.status == 429:
            return replace(reply, headers={**reply.headers, "Retry-After": str(self.retry_after)})
        return reply


class _Values(dict[str, list[str]]):
    def getlist(self, name: str) -> list[str]:
        return self[name]


def _error(code: int, words: str) -> Reply:
    return error_reply(code, words, _HTTP_STATUS.get(code, 400))


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
    if not _INTEGER.fullmatch(period) or not 1 <= int(period) <= 36000:
        raise Refused(_error(21620, "ValidityPeriod must be 1 to 36000 seconds"))
    for name in ("SmartEncoded", "ProvideFeedback", "ForceDelivery", "ShortenUrls", "SendAsMms"):
        if params.get(name, "true") not in _TRUTH:
            raise Refused(_error(20001, f"{name} must be true or false"))
    for name, words in _ENUMS.items():
        if name in params and params[name] not in words:
            raise Refused(_error(20001, f"{name} must be one of {', '.join(sorted(words))}"))
    for name, pattern in (("Attempt", _INTEGER), ("MaxPrice", _NUMBER)):
        if name in params and not pattern.fullmatch(params[name]):
            raise Refused(_error(20001, f"{name} must be a number"))
    for name, prefix in (("ApplicationSid", "AP"), ("ContentSid", "HX")):
        if name in params and not re.fullmatch(f"{prefix}[0-9a-fA-F]{{32}}", params[name]):
            raise Refused(_error(20001, f"{name} must be {prefix} and 32 hexadecimal digits"))
    _check_schedule(params)


def _check_schedule(params: dict[str, str]) -> None:
    if "ScheduleType" not in params and "SendAt" not in params:
        return
    if "MessagingServiceSid" not in params:
        raise Refused(_error(35118, "MessagingServiceSid is required to schedule a message"))
    if "ScheduleType" not in params or "SendAt" not in params:
        raise Refused(_error(35114, "ScheduleType and SendAt are required together"))
    try:
        ahead = datetime.fromisoformat(params["SendAt"]) - datetime.now(UTC)
    except (ValueError, TypeError):
        raise Refused(_error(35114, "SendAt must be a time in ISO 8601, with its zone")) from None
    if not timedelta(seconds=300) < ahead <= timedelta(days=35):
        raise Refused(_error(35114, "SendAt must be more than 300 seconds and at most 35 days ahead"))

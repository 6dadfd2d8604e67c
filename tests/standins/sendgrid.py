"""A stand-in for SendGrid's v3 mail send, after the constraints of tsg_mail_v3.json and its page of errors.

Stricter than SendGrid in what would hurt us: custom arguments belong under a personalization, no list may be
bypassed, and no property may be unknown.

It makes the events that SendGrid would post, signed with a key of its own: `event`, `events`.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.standins.hooks import Signed
from tests.standins.server import Received, Refused, Reply, Request, Standin, now

API_KEY = "SG.standin.0123456789"

_ADDRESS = re.compile(r"[^\s@<>,;\"]+@[^\s@<>,;\"]+\.[^\s@<>,;\"]+")
_TOP = frozenset(
    "personalizations from reply_to reply_to_list subject content attachments template_id headers "
    "categories custom_args send_at batch_id asm ip_pool_name mail_settings tracking_settings".split()
)
_PERSONAL = frozenset(
    "from to cc bcc subject headers substitutions dynamic_template_data custom_args send_at".split()
)
_RESERVED = frozenset(
    "x-sg-id x-sg-eid received dkim-signature content-type content-transfer-encoding to from subject "
    "reply-to cc bcc".split()
)
_LONGEST_WAIT = 72 * 3600
_MAIL_SETTINGS = frozenset("footer sandbox_mode".split())
_TRACKING: dict[str, dict[str, type]] = {
    "click_tracking": {"enable": bool, "enable_text": bool},
    "open_tracking": {"enable": bool, "substitution_tag": str},
    "subscription_tracking": {"enable": bool, "text": str, "html": str, "substitution_tag": str},
    "ganalytics": {},
}
_WORDS = {
    401: "The provided authorization grant is invalid, expired, or revoked",
    403: "The from address does not match a verified Sender Identity.",
    404: "not found",
    413: "payload too large",
    415: "Content-Type should be application/json.",
    429: "too many requests",
    500: "internal server error",
}


@dataclass(frozen=True)
class Email:
    """A message that SendGrid has accepted."""

    message_id: str
    to: str
    sender: str
    sender_name: str
    subject: str
    text: str
    html: str | None
    headers: dict[str, str]
    ref: str | None  # the custom argument of that name
    custom_args: dict[str, str]
    categories: list[str]
    received_at: float  # Unix seconds
    payload: dict[str, Any] = field(repr=False)


class SendGridStandin(Standin[Email]):
    """`reset_after`: seconds from the answer's date to a rate limit's reset; `scopes`, `domains` (None: the key may not read them) and `senders` are the account's."""

    def __init__(self, api_key: str = API_KEY, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls)
        self.api_key = api_key
        self.reset_after = 7
        self.scopes = ["mail.send", "sender_verification_eligible"]
        self.domains: list[dict[str, Any]] | None = [{"domain": "example.com", "valid": True}]
        self.senders: list[dict[str, Any]] = []
        self._key = ec.generate_private_key(ec.SECP256R1())

    # What a test uses

    @property
    def received(self) -> list[Received]:
        """What it accepted, in order."""
        return [Received(m.to, m.text, m.message_id, m.ref) for m in self.messages]

    @property
    def public_key(self) -> str:
        """The verification key, as SendGrid's settings page shows it."""
        der = self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return base64.b64encode(der).decode()

    def event(self, message: Email, word: str, **more: Any) -> dict[str, Any]:
        """One event of a message, its custom arguments flattened into it."""
        return {
            "email": message.to,
            "timestamp": int(now()),
            "smtp-id": f"<{message.message_id}@geopod-ismtpd-3>",
            "category": message.categories,
            "event": word,
            "sg_event_id": secrets.token_urlsafe(24),
            "sg_message_id": f"{message.message_id}.recvd-5f54b5d587-pczjm-1-67BADEEA-6.0",
            **message.custom_args,
            **more,
        }

    def events(self, url: str, events: Sequence[Any], signed_at: float | None = None) -> Signed:
        """A report of these events for the webhook at `url`, signed at a time (Unix seconds; now)."""
        body = json.dumps(events, separators=(",", ":")).encode() + b"\r\n"
        timestamp = str(int(now() if signed_at is None else signed_at))
        signature = self._key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        headers = {
            "Content-Type": "application/json",
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
        }
        return Signed(url, headers, body)

    # What SendGrid says

    def name_of(self, request: Request) -> str:
        try:
            args = json.loads(request.body)["personalizations"][0]["custom_args"]
            return f"{request.method} {args['ref']}"
        except (ValueError, KeyError, IndexError, TypeError):
            return super().name_of(request)

    def read(self, request: Request) -> Reply | None:
        path = request.path.partition("?")[0]
        if request.method != "GET" or path not in (
            "/v3/scopes",
            "/v3/whitelabel/domains",
            "/v3/verified_senders",
        ):
            return None
        if request.headers.get("Authorization") != f"Bearer {self.api_key}":
            raise Refused(_errors(401, _WORDS[401]))
        if path == "/v3/scopes":
            return Reply.json(200, {"scopes": self.scopes})
        if self.domains is None:
            raise Refused(_errors(403, "access forbidden"))
        return Reply.json(
            200, self.domains if path == "/v3/whitelabel/domains" else {"results": self.senders}
        )

    def check(self, request: Request) -> Email:
        if request.path != "/v3/mail/send":
            raise Refused(_errors(404, _WORDS[404]))
        if request.method != "POST":
            raise Refused(_errors(405, "method not allowed"))
        if request.headers.get("Authorization") != f"Bearer {self.api_key}":
            raise Refused(_errors(401, _WORDS[401]))
        if request.headers.get("Content-Type", "").partition(";")[0].strip() != "application/json":
            raise Refused(_errors(415, _WORDS[415]))
        try:
            payload = json.loads(request.body)
        except ValueError:
            raise Refused(_errors(400, "Bad Request")) from None
        _check_top(payload)
        person = payload["personalizations"][0]
        parts = {part["type"]: part["value"] for part in payload["content"]}
        args = person.get("custom_args", {})
        return Email(
            message_id=secrets.token_urlsafe(16),
            to=person["to"][0]["email"],
            sender=payload["from"]["email"],
            sender_name=payload["from"].get("name", ""),
            subject=person.get("subject", payload.get("subject")),
            text=parts["text/plain"],
            html=parts.get("text/html"),
            headers={**payload.get("headers", {}), **person.get("headers", {})},
            ref=args.get("ref"),
            custom_args=args,
            categories=payload.get("categories", []),
            received_at=now(),
            payload=payload,
        )

    def accepted(self, message: Email) -> Reply:
        return Reply(202, b"", {"X-Message-Id": message.message_id})

    def error(self, code: int) -> Reply:
        if code == 429:
            headers = {
                "X-RateLimit-Limit": "600",
                "X-RateLimit-Remaining": "0",
                "X-RateLimit-Reset": str(int(now()) + self.reset_after),
            }
            body = json.dumps({"errors": [{"field": None, "message": _WORDS[429]}]}).encode()
            return Reply(429, body, {"Content-Type": "application/json", **headers})
        return _errors(code, _WORDS.get(code, "Bad Request"), "from" if code == 403 else None)


def _errors(status: int, words: str, where: str | None = None) -> Reply:
    help_page = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html"
    error = {"message": words, "field": where, "help": f"{help_page}#message.{where}" if where else None}
    return Reply.json(status, {"errors": [error]})


def _bad(where: str, words: str) -> Refused:
    return Refused(_errors(400, words, where))


def _need(holds: object, where: str, words: str) -> None:
    if not holds:
        raise _bad(where, words)


def _check_top(payload: Any) -> None:
    _need(isinstance(payload, dict), "", "Bad Request")
    for key in payload.keys() - _TOP:
        raise _bad(key, "Invalid/extra property")
    people = payload.get("personalizations")
    _need(isinstance(people, list) and people, "personalizations", "The personalizations field is required.")
    _need(len(people) <= 1000, "personalizations", "There may be at most 1000 personalizations.")
    for i, person in enumerate(people):
        _check_person(person, f"personalizations.{i}")
    everyone = [each for person in people for kind in ("to", "cc", "bcc") for each in person.get(kind, [])]
    _need(len(everyone) <= 1000, "personalizations", "There may be at most 1000 recipients.")
    _check_address(payload.get("from"), "from")
    _check_replies(payload)
    _check_sending(payload, "")
    everyone_has_subject = all(person.get("subject") for person in people)
    subject = payload.get("subject")
    _need(
        everyone_has_subject or (isinstance(subject, str) and subject),
        "subject",
        "The subject is required. You can get around this requirement if every personalization has one.",
    )
    _check_content(payload.get("content"))
    _check_headers(payload.get("headers", {}), "headers")
    _check_categories(payload.get("categories", []))
    _need("custom_args" not in payload, "custom_args", "custom_args belong under a personalization.")
    _check_mail_settings(payload.get("mail_settings", {}))
    _check_tracking(payload.get("tracking_settings", {}))


def _check_person(person: Any, where: str) -> None:
    _need(isinstance(person, dict), where, "Each personalization must be an object.")
    for key in person.keys() - _PERSONAL:
        raise _bad(f"{where}.{key}", "Invalid/extra property")
    _need(isinstance(person.get("to"), list) and person["to"], f"{where}.to", "The to array is required.")
    seen: set[str] = set()
    for field_name in ("to", "cc", "bcc"):
        for i, address in enumerate(person.get(field_name, [])):
            spot = f"{where}.{field_name}.{i}"
            _check_address(address, spot)
            email = address["email"].lower()
            _need(
                email not in seen,
                f"{spot}.email",
                "Each email address must be unique within a personalization.",
            )
            seen.add(email)
    _check_headers(person.get("headers", {}), f"{where}.headers")
    _check_sending(person, f"{where}.")
    args = person.get("custom_args", {})
    strings = isinstance(args, dict) and all(isinstance(value, str) for value in args.values())
    _need(strings, f"{where}.custom_args", "custom_args must be an object of strings.")
    _need(
        len(json.dumps(args).encode()) < 10_000,
        f"{where}.custom_args",
        "custom_args may not exceed 10000 bytes.",
    )


def _check_replies(payload: dict[str, Any]) -> None:
    _need(
        not {"reply_to", "reply_to_list"} <= payload.keys(),
        "reply_to",
        "reply_to and reply_to_list must not be used together.",
    )
    if "reply_to" in payload:
        _check_address(payload["reply_to"], "reply_to")
    replies = payload.get("reply_to_list", [])
    _need(isinstance(replies, list) and len(replies) <= 1000, "reply_to_list", "At most 1000 addresses.")
    for i, address in enumerate(replies):
        _check_address(address, f"reply_to_list.{i}")


def _check_sending(part: dict[str, Any], where: str) -> None:
    at = part.get("send_at", 0)
    soon = isinstance(at, int) and not isinstance(at, bool) and at <= now() + _LONGEST_WAIT
    _need(soon, f"{where}send_at", "send_at must be a Unix time at most 72 hours ahead.")
    for name, longest in (("batch_id", 200), ("template_id", 200), ("ip_pool_name", 64)):
        value = part.get(name, "xx")
        good = isinstance(value, str) and 2 <= len(value) <= longest
        _need(good, f"{where}{name}", f"{name} must be a string.")
    asm = part.get("asm", {"group_id": 1})
    group = asm.get("group_id") if isinstance(asm, dict) else None
    _need(isinstance(group, int), f"{where}asm.group_id", "asm needs a whole number as group_id.")
    shown = asm.get("groups_to_display", [])
    right = isinstance(shown, list) and len(shown) <= 25 and all(isinstance(n, int) for n in shown)
    _need(right, f"{where}asm.groups_to_display", "At most 25 groups, each a whole number.")


def _check_mail_settings(settings: Any) -> None:
    _need(isinstance(settings, dict), "mail_settings", "mail_settings must be an object.")
    for name, values in settings.items():
        _need(not name.startswith("bypass"), f"mail_settings.{name}", "Lists must not be bypassed.")
        known = name in _MAIL_SETTINGS and isinstance(values, dict)
        _need(known, f"mail_settings.{name}", "Invalid/extra property")
        enabled = values.get("enable", False)
        _need(isinstance(enabled, bool), f"mail_settings.{name}.enable", "Invalid type.")


def _check_address(address: Any, where: str) -> None:
    _need(
        isinstance(address, dict) and not address.keys() - {"email", "name"},
        where,
        "Must be an email object.",
    )
    email = address.get("email")
    if not isinstance(email, str) or not _ADDRESS.fullmatch(email) or len(email) > 320:
        raise _bad(f"{where}.email", f"The address {email} does not contain a valid address.")
    _need(isinstance(address.get("name", ""), str), f"{where}.name", "The name must be a string.")


def _check_content(content: Any) -> None:
    _need(isinstance(content, list) and content, "content", "The content field is required.")
    for i, part in enumerate(content):
        _need(
            isinstance(part, dict) and part.keys() == {"type", "value"},
            f"content.{i}",
            "Needs type and value.",
        )
        filled = isinstance(part["value"], str) and part["value"]
        _need(
            filled,
            f"content.{i}.value",
            "The content value must be a string at least one character in length.",
        )
    kinds = [part["type"] for part in content]
    right = kinds in (["text/plain"], ["text/plain", "text/html"])
    _need(right, "content", "If present, text/plain must be first, followed by text/html.")


def _check_headers(headers: Any, where: str) -> None:
    strings = isinstance(headers, dict) and all(isinstance(value, str) for value in headers.values())
    _need(strings, where, "Header values must be strings.")
    for name, value in headers.items():
        _need(name.lower() not in _RESERVED, f"{where}.{name}", "This header is reserved.")
        _need((name + value).isascii(), f"{where}.{name}", "Headers must be encoded.")
        _need(not set(name + value) & {"\r", "\n"}, f"{where}.{name}", "Headers must not hold line breaks.")


def _check_categories(categories: Any) -> None:
    _need(isinstance(categories, list) and len(categories) <= 10, "categories", "At most 10 categories.")
    short = all(isinstance(c, str) and 0 < len(c) <= 255 for c in categories)
    _need(short, "categories", "Each category may not exceed 255 characters.")
    _need(len(set(categories)) == len(categories), "categories", "Categories must be unique.")


def _check_tracking(settings: Any) -> None:
    _need(isinstance(settings, dict), "tracking_settings", "tracking_settings must be an object.")
    for name, values in settings.items():
        where = f"tracking_settings.{name}"
        _need(name in _TRACKING and isinstance(values, dict), where, "Invalid/extra property")
        for key, value in values.items():
            kind = _TRACKING[name].get(key)
            _need(kind is not None and isinstance(value, kind), f"{where}.{key}", "Invalid type.")

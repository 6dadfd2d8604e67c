"""E-mail through SendGrid's v3 mail send.

1. The body is built by SendGrid's SDK and travels through our own kept connections: the SDK's client opens a
   new one for every message and has no time-out.
2. SendGrid has no idempotency key either: 5xx, silence and unexpected 2xx are `Unknown` until one of its
   events arrives.
3. Our ref goes into the custom arguments of the personalization, which come back with each event.
4. SendGrid's own tracking and unsubscribe footer are off, whatever the account's defaults: links and
   unsubscribing are ours. No list is ever bypassed.

Sources: tsg_mail_v3.json (OpenAPI); https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors
"""

from __future__ import annotations

import json
import re
from typing import Any

from sendgrid.helpers.mail import (  # type: ignore[import-untyped]
    Category,
    ClickTracking,
    Content,
    CustomArg,
    From,
    Header,
    Mail,
    OpenTracking,
    Personalization,
    Subject,
    SubscriptionTracking,
    To,
    TrackingSettings,
)

from channels.base import Accepted, Blame, EmailOut, Outcome, Permanent, Temporary, Unknown
from channels.codes import Remedy, remedy
from channels.http import Answer, Http, NoAnswer, NotSent
from channels.scrub import scrub

REF_ARG = "ref"
"""The name of the custom argument that carries our ref."""

_PATH = "/v3/mail/send"
_NOT_A_REFUSAL = frozenset({408, 499})  # something on the way gave up waiting: no word of what SendGrid did
_KEY = re.compile(r"[\x21-\x7e]+")
_FIELD = re.compile(r"[A-Za-z0-9_.\[\]-]{1,80}")


class SendGridEmail:
    """`timeout` is seconds for the whole call. Raises ValueError for a key or a base URL that cannot be
    right.
    """

    def __init__(
        self,
        api_key: str,
        base_url: str = "https://api.sendgrid.com",
        *,
        timeout: float = 10.0,
        track_clicks: bool = False,
        track_opens: bool = False,
    ) -> None:
        if not _KEY.fullmatch(api_key):
            raise ValueError("SENDGRID_API_KEY must be an API key, without spaces")
        self._http = Http(base_url, timeout)
        self._headers = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"}
        self._clicks, self._opens = track_clicks, track_opens

    def send(self, out: EmailOut, /) -> Outcome:
        """One attempt. Outcome as in `base`."""
        try:
            body = json.dumps(self.payload(out), ensure_ascii=False).encode()
        except Exception:  # noqa: BLE001  the SDK's own checks, and characters that cannot be encoded
            return Permanent("unsendable", "the message holds something that cannot be sent", "content")
        try:
            return outcome_of(self._http.post(_PATH, body, self._headers, before=out.before), out)
        except NotSent as error:
            return Temporary(error.code, error.why, None)
        except NoAnswer as error:
            return Unknown(error.code, error.why)

    def payload(self, out: EmailOut) -> dict[str, Any]:
        """The JSON body of the request, as the SDK builds it."""
        whom = Personalization()
        whom.add_to(_address(To(), out.to))
        whom.add_custom_arg(CustomArg(REF_ARG, out.ref))
        mail = Mail()
        mail.add_personalization(whom)
        mail.from_email = _address(From(), out.sender, out.sender_name)
        mail.subject = Subject(out.subject)
        mail.add_content(Content("text/plain", out.text))
        if out.html:
            mail.add_content(Content("text/html", out.html))
        for name, value in out.headers.items():
            mail.add_header(Header(name, value))
        if out.category is not None:
            mail.add_category(Category(out.category))
        mail.tracking_settings = TrackingSettings(
            click_tracking=ClickTracking(self._clicks, False),
            open_tracking=OpenTracking(self._opens),
            subscription_tracking=SubscriptionTracking(False),
        )
        body: dict[str, Any] = mail.get()
        return body

    def close(self) -> None:
        """Closes the idle connections."""
        self._http.close()


def _address(of: Any, email: str, name: str = "") -> Any:
    # Set one by one: the SDK's constructor would parse "a@x, b@y" and quietly write to the first.
    of.email = email
    if name:
        of.name = name
    return of


def outcome_of(answer: Answer, out: EmailOut) -> Outcome:
    """What an answer proves. `out` is only there to keep its words out of the reason."""
    status = answer.status
    if status == 202:
        return Accepted(answer.headers.get("X-Message-Id") or None, "accepted")
    if not 300 <= status < 500 or status in _NOT_A_REFUSAL:
        return Unknown(
            f"http_{status}", f"SendGrid answered {status}, which does not say whether it took the message"
        )
    code = f"http_{status}"
    if status == 429:
        wait = answer.seconds_until("X-RateLimit-Reset")
        wait = answer.retry_after() if wait is None else wait
        return Temporary(code, "SendGrid: too many requests at once", wait)
    field, words = _first_error(answer.body)
    where = f" (field {field})" if field else ""
    said = scrub(words, (out.to, out.sender, out.sender_name, out.subject, out.text, out.html))
    return Permanent(
        code, f"SendGrid refused it with {status}{where}: {said or 'no reason given'}", _blame(status, field)
    )


def _blame(status: int, field: str) -> Blame:
    of_the_sender = remedy("sendgrid", f"http_{status}") is Remedy.SENDER
    if status < 400 or of_the_sender or field.partition(".")[0] in ("from", "from_email"):
        return "sender"
    return "address" if re.search(r"(^|\.)to(\.|$)", field) else "content"


def _first_error(body: bytes) -> tuple[str, str]:
    try:
        error = json.loads(body)["errors"][0]
        field, words = error.get("field"), error.get("message")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return "", ""
    plain = isinstance(field, str) and _FIELD.fullmatch(field)
    return str(field) if plain else "", words if isinstance(words, str) else ""

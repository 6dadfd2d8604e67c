"""SMS through Twilio's Messages resource.

1. The request is built, and an accepted answer read, by Twilio's SDK; it travels through our own kept
   connections.
2. Twilio has no idempotency key for messages, and says itself that a retry after a 500 may send twice. So
   only an answer that refuses (4xx) or a connection that was never made is proof; 5xx, silence and unreadable
   answers are `Unknown`.
3. `why` never quotes Twilio: its error messages hold the recipient's number. It names the error and its
   documentation page.

Sources: twilio_api_v2010.json (OpenAPI); https://www.twilio.com/docs/api/errors and its pages for each code.
"""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from twilio.http import HttpClient  # type: ignore[import-untyped]
from twilio.http.response import Response  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]
from urllib3.util import make_headers

from channels.base import Accepted, Blame, Outcome, Permanent, SmsOut, Temporary, Unknown
from channels.http import Answer, Http, NoAnswer, NotSent

REFUSED: dict[int, tuple[Blame, str]] = {
    21211: ("address", "the recipient's number is not a valid phone number"),
    21612: ("address", "this number cannot be reached from our sender"),
    21614: ("address", "the recipient's number cannot receive SMS"),
    21635: ("address", "the recipient's number is a landline"),
    30005: ("address", "the recipient's number is unknown or no longer in use"),
    30006: ("address", "the recipient's number is a landline or cannot be reached"),
    21610: ("opted_out", "the recipient has opted out by replying STOP"),
    20003: ("sender", "Twilio did not accept the account SID and auth token: check them"),
    20005: ("sender", "the Twilio account is not active"),
    20008: ("sender", "this is not allowed with Twilio's test credentials"),
    20404: ("sender", "Twilio does not know this account or address: check the account SID and the base URL"),
    21212: ("sender", "the sender is not a valid number or name"),
    21408: (
        "sender",
        "the account may not send to this country: allow it in Twilio's geographic permissions",
    ),
    21603: ("sender", "no sender is set: set `from` in channels.yaml"),
    21606: ("sender", "the sender's number does not belong to the account or cannot send SMS"),
    21608: ("sender", "a trial account can only write to numbers that were verified at Twilio"),
    21609: ("sender", "Twilio refused the address for status callbacks: check the public URL"),
    21659: ("sender", "the sender's number does not belong to Twilio"),
    21660: ("sender", "the sender's number belongs to another account"),
    21701: ("sender", "the Messaging Service does not exist"),
    21703: ("sender", "the Messaging Service has no sender"),
    30002: ("sender", "the Twilio account is suspended"),
    30004: ("sender", "the message was blocked"),
    30007: ("sender", "the carrier filtered the message as spam"),
    30034: ("sender", "the sender's number is not registered for business messages (A2P 10DLC)"),
    21602: ("content", "the message has no text"),
    21617: ("content", "the message is longer than 1600 characters"),
    21619: ("content", "the message has no text"),
}
"""Error codes of a refusal for good: whose fault, and what to tell people."""

LATER: dict[int, str] = {
    20429: "too many requests at once",
    21611: "the sender's queue is full",
    30001: "the sender's queue is full",
    30003: "the recipient's phone is off or out of reach",
    30008: "the carrier did not say why it refused",
    30036: "the message had waited too long in the queue",
    30450: "the message could not be passed on for now",
    30500: "Twilio had a fault of its own",
}
"""Error codes of a refusal for now."""

_SENDER_STATUS = frozenset({401, 402, 403, 404, 405, 410})
_NOT_A_REFUSAL = frozenset({408, 499})  # something on the way gave up waiting: no word of what Twilio did
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")


class TwilioSms:
    """`timeout` is seconds for the whole call. Raises ValueError for credentials or a base URL that cannot be
    right.
    """

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        base_url: str = "https://api.twilio.com",
        *,
        timeout: float = 10.0,
    ) -> None:
        if not _PLAIN.fullmatch(account_sid):
            raise ValueError("TWILIO_ACCOUNT_SID must be the account's SID (AC and 32 hexadecimal digits)")
        if not _PLAIN.fullmatch(auth_token):
            raise ValueError("TWILIO_AUTH_TOKEN must be the account's auth token, without spaces")
        self._post = _Post(Http(base_url, timeout))
        self._messages = Client(account_sid, auth_token, http_client=self._post).messages

    def send(self, out: SmsOut, /) -> Outcome:
        """One attempt. Outcome as in `base`."""
        sender = "messaging_service_sid" if _SERVICE.fullmatch(out.sender) else "from_"
        fields = {"to": out.to, "body": out.body, sender: out.sender}
        if out.status_callback is not None:
            fields["status_callback"] = _with_ref(out.status_callback, out.ref)
        self._post.begin()
        try:
            message = self._messages.create(**fields)
            if not isinstance(message.sid, str) or not message.sid:
                raise ValueError("no sid")
            return Accepted(message.sid, str(message.status or "accepted"))
        except _NotTaken as told:
            return told.outcome
        except Exception:  # noqa: BLE001  the SDK may raise anything over an answer that it does not expect
            if self._post.answered():
                return Unknown(
                    "unreadable_answer", "Twilio took the request, but its answer could not be read"
                )
            return Permanent("unsendable", "the message holds characters that cannot be sent", "content")

    def close(self) -> None:
        """Closes the idle connections."""
        self._post.http.close()


class _NotTaken(Exception):
    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)
        self.outcome = outcome


@dataclass
class _Attempt(threading.local):
    answered: bool = False


class _Post(HttpClient):  # type: ignore[misc]
    """Takes the place of the SDK's HTTP client: same request, our connections, and to our base URL."""

    def __init__(self, http: Http) -> None:
        super().__init__(None, False)
        self.http = http
        self._attempt = _Attempt()

    def begin(self) -> None:
        self._attempt.answered = False

    def answered(self) -> bool:
        """Whether this thread's attempt got a 2xx."""
        return self._attempt.answered

    def request(
        self,
        method: str,
        uri: str,
        params: dict[str, object] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Any:
        """Raises _NotTaken for everything but a 2xx."""
        login = make_headers(basic_auth=":".join(auth)) if auth else {}
        body = urlencode(data or {}, doseq=True).encode()
        try:
            answer = self.http.post(urlsplit(uri).path, body, {**(headers or {}), **login})
        except NotSent as error:
            raise _NotTaken(Temporary(error.code, error.why, None)) from error
        except NoAnswer as error:
            raise _NotTaken(Unknown(error.code, error.why)) from error
        if not 200 <= answer.status < 300:
            raise _NotTaken(outcome_of(answer))
        self._attempt.answered = True
        return Response(answer.status, answer.body.decode(), answer.headers)


def outcome_of(answer: Answer) -> Outcome:
    """What an answer other than 2xx proves.

    A refusal whose code is in neither table is the sender's fault where its status speaks of the account or
    the address of the API (401 to 405, 410, redirects), else this message's: neither the recipient nor the
    sender is known to be bad.
    """
    status = answer.status
    if not 300 <= status < 500 or status in _NOT_A_REFUSAL:
        return Unknown(
            f"http_{status}", f"Twilio answered {status}, which does not say whether it took the message"
        )
    number = _error_code(answer.body)
    code = str(number) if number is not None else f"http_{status}"
    if status == 429 or number in LATER:
        return Temporary(code, f"Twilio: {LATER.get(number or 20429, LATER[20429])}", answer.retry_after())
    if number in REFUSED:
        blame, why = REFUSED[number]
        return Permanent(code, f"Twilio: {why}", blame)
    blame = "sender" if status < 400 or status in _SENDER_STATUS else "content"
    if number is None:
        return Permanent(
            code, f"Twilio refused the request with HTTP status {status} and no error code", blame
        )
    return Permanent(code, f"Twilio refused it, see https://www.twilio.com/docs/api/errors/{number}", blame)


def _error_code(body: bytes) -> int | None:
    try:
        said = json.loads(body)
    except ValueError:
        return None
    code = said.get("code") if isinstance(said, dict) else None
    return code if isinstance(code, int) and not isinstance(code, bool) else None


def _with_ref(url: str, ref: str) -> str:
    parts = urlsplit(url)
    query = f"{parts.query}&" if parts.query else ""
    return urlunsplit(parts._replace(query=f"{query}{urlencode({'ref': ref})}"))

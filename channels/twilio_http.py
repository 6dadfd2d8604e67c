"""Twilio's SDK over our own kept connections, and what an answer other than 2xx proves."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from twilio.http import HttpClient  # type: ignore[import-untyped]
from twilio.http.response import Response  # type: ignore[import-untyped]
from urllib3.util import make_headers

from channels.base import Blame, Permanent, Temporary, Unknown
from channels.codes import Remedy, rule
from channels.http import Answer, Http, NoAnswer, NotSent

_BLAME: dict[Remedy, Blame] = {
    Remedy.ADDRESS_DEAD: "address",
    Remedy.OPTED_OUT: "opted_out",
    Remedy.SENDER: "sender",
    Remedy.CONTENT: "content",
}
_LATER = frozenset({Remedy.LATER, Remedy.SPACED})
_SENDER_STATUS = frozenset({401, 402, 403, 404, 405, 410})
_NOT_A_REFUSAL = frozenset({408, 499})  # something on the way gave up waiting: no word of what Twilio did


class NotTaken(Exception):
    """The call ended without a 2xx."""

    def __init__(self, outcome: Permanent | Temporary | Unknown) -> None:
        super().__init__(outcome)
        self.outcome = outcome


@dataclass
class _Attempt(threading.local):
    answered: bool = False
    before: float | None = None


class KeptClient(HttpClient):  # type: ignore[misc]
    """Takes the place of the SDK's HTTP client: same request, our connections, and to our base URL."""

    def __init__(self, http: Http) -> None:
        super().__init__(None, False)
        self.http = http
        self._attempt = _Attempt()

    def begin(self, before: float | None = None) -> None:
        """This thread begins an attempt; it must not begin to write after `before`, in Unix seconds."""
        self._attempt.answered = False
        self._attempt.before = before

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
        """Raises NotTaken for everything but a 2xx."""
        login = make_headers(basic_auth=":".join(auth)) if auth else {}
        said, parts = {**(headers or {}), **login}, urlsplit(uri)
        query = "&".join(filter(None, (parts.query, urlencode(params or {}, doseq=True))))
        path = f"{parts.path}?{query}" if query else parts.path
        try:
            if method == "GET":
                answer = self.http.get(path, said)
            else:
                body = urlencode(data or {}, doseq=True).encode()
                answer = self.http.post(path, body, said, before=self._attempt.before)
        except NotSent as error:
            raise NotTaken(Temporary(error.code, error.why, None)) from error
        except NoAnswer as error:
            raise NotTaken(Unknown(error.code, error.why)) from error
        if not 200 <= answer.status < 300:
            raise NotTaken(outcome_of(answer))
        self._attempt.answered = True
        return Response(answer.status, answer.body.decode(), answer.headers)


def outcome_of(answer: Answer) -> Permanent | Temporary | Unknown:
    """What an answer other than 2xx proves.

    A refusal whose code is not in `codes` is the sender's fault where its status speaks of the account or the
    address of the API (401 to 405, 410, redirects), else this message's: neither the recipient nor the sender
    is known to be bad.
    """
    status = answer.status
    if not 300 <= status < 500 or status in _NOT_A_REFUSAL:
        return Unknown(
            f"http_{status}", f"Twilio answered {status}, which does not say whether it took the message"
        )
    number = _error_code(answer.body)
    code = str(number) if number is not None else f"http_{status}"
    known = rule("twilio", code)
    if status == 429 and (known is None or known.remedy not in _LATER):
        known = rule("twilio", "20429")
    if known and known.remedy in _LATER:
        return Temporary(code, f"Twilio: {known.words}", answer.retry_after())
    if known:
        return Permanent(code, f"Twilio: {known.words}", _BLAME[known.remedy])
    blame: Blame = "sender" if status < 400 or status in _SENDER_STATUS else "content"
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

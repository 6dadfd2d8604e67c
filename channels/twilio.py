"""SMS through Twilio's Messages resource.

1. The request is built, and an accepted answer read, by Twilio's SDK; it travels through our own kept
   connections.
2. Twilio has no idempotency key for messages, and says itself that a retry after a 500 may send twice. So
   only an answer that refuses (4xx) or a connection that was never made is proof; 5xx, silence and unreadable
   answers are `Unknown`.
3. `why` never quotes Twilio: its error messages hold the recipient's number. It names the error and its
   documentation page. The codes and their remedies stand in `codes`.

Source: twilio_api_v2010.json (OpenAPI).
"""

from __future__ import annotations

import re
from datetime import datetime
from urllib.parse import urlencode, urlsplit, urlunsplit

from twilio.rest import Client  # type: ignore[import-untyped]

from channels.base import Accepted, Lookup, Outcome, Permanent, SmsOut, Unknown
from channels.http import Http
from channels.twilio_http import KeptClient, NotTaken
from channels.twilio_lookup import look_up

_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
LONGEST_VALIDITY = 36_000  # seconds; the parameter's own limit
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
        self._client = KeptClient(Http(base_url, timeout))
        self._messages = Client(account_sid, auth_token, http_client=self._client).messages

    def send(self, out: SmsOut, /) -> Outcome:
        """One attempt. Outcome as in `base`."""
        sender = "messaging_service_sid" if _SERVICE.fullmatch(out.sender) else "from_"
        fields: dict[str, object] = {"to": out.to, "body": out.body, sender: out.sender}
        if out.validity is not None:
            fields["validity_period"] = min(max(out.validity, 1), LONGEST_VALIDITY)
        if out.status_callback is not None:
            fields["status_callback"] = _with_ref(out.status_callback, out.ref)
        self._client.begin(out.before)
        try:
            message = self._messages.create(**fields)
            if not isinstance(message.sid, str) or not message.sid:
                raise ValueError("no sid")
            return Accepted(message.sid, str(message.status or "accepted"))
        except NotTaken as told:
            return told.outcome
        except Exception:  # noqa: BLE001  the SDK may raise anything over an answer that it does not expect
            if self._client.answered():
                return Unknown(
                    "unreadable_answer", "Twilio took the request, but its answer could not be read"
                )
            return Permanent("unsendable", "the message holds characters that cannot be sent", "content")

    def lookup(self, to: str, sender: str, since: datetime) -> Lookup:
        """Messages to an address as Twilio lists them, see `twilio_lookup`. Each page is a call of its own."""
        return look_up(self._messages, to, sender, since)

    def close(self) -> None:
        """Closes the idle connections."""
        self._client.http.close()


def _with_ref(url: str, ref: str) -> str:
    parts = urlsplit(url)
    query = f"{parts.query}&" if parts.query else ""
    return urlunsplit(parts._replace(query=f"{query}{urlencode({'ref': ref})}"))

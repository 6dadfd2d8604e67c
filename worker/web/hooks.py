"""The providers' webhooks: what became of our messages, and what patients write back.

Rules
0. A clinic with an account of its own is reported of at its own address, and what is signed with its key moves its own messages only.
1. Nothing is parsed before it is known to come from the provider: 403 for a signature that is missing, wrong or too old, and where we have no key to check it with.
2. 200 and 204 mean that everything it said is on disk. What cannot be read is 400, since it would be no better the next time; a fault of ours is 5xx, and the provider sends it again.
3. The bytes are checked as they came. Behind a proxy the URL that was called is put together again (`channels/twilio_webhooks.urls_behind`).
4. What became due is queued after the commit.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

import structlog
from anyio import CapacityLimiter, to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from twilio.twiml.messaging_response import MessagingResponse  # type: ignore[import-untyped]

from channels import sendgrid_events, twilio_webhooks
from channels.base import Unreadable
from worker.service.clinics import own_accounts
from worker.service.hearing import hear_sms
from worker.service.jobs import Job
from worker.service.receiving import take
from worker.store.engine import read
from worker.web.body import Refusal, TooLong, TooSlow, body_of
from worker.web.seldom import Seldom
from worker.workspace.config_channels import Own
from worker.workspace.house import House, NoRooms

log = structlog.get_logger(__name__)
MOST: Final = 1024 * 1024
"""Bytes of one call. SendGrid posts at most 768 kB, Twilio a few."""
AT_ONCE: Final = 4
"""Calls that are worked off at a time; more would only wait for each other in the database."""
REPLAY_WINDOW: Final = timedelta(hours=25)
"""How old a report of SendGrid's may be. It tries again for 24 hours, and does not say whether a further try is signed anew. A recording within that time changes nothing, since
each event counts once; a narrower window could lose a complaint after an outage."""

_TWILIO_KEY: Final = "TWILIO_AUTH_TOKEN"
_SENDGRID_KEY: Final = "SENDGRID_WEBHOOK_PUBLIC_KEY"


@dataclass(frozen=True, slots=True)
class ProviderKeys:
    """What the providers' calls are checked with; None where it is not set: their calls are refused then."""

    twilio_auth_token: str | None = field(default=None, repr=False)
    sendgrid_public_key: str | None = None
    sources: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The secrets of the clinic's own systems, by the names of their environment variables."""
    named: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What clinics name for their own accounts with the providers, by the names of their variables."""

    def of(self, own: Own) -> ProviderKeys:
        """Those that a clinic's reports are checked with: of each provider its own, where it has an account of its own, and then no other."""
        twilio = self.named.get(own.auth_token) if own.auth_token else self.twilio_auth_token
        grid = self.named.get(own.webhook_public_key) if own.webhook_public_key else self.sendgrid_public_key
        if own.api_key and not own.webhook_public_key:
            grid = None
        return replace(self, twilio_auth_token=twilio, sendgrid_public_key=grid)


@dataclass(frozen=True, slots=True)
class _Call:
    """A call as it came. `path` is still percent-encoded."""

    clinic: str | None
    path: str
    query: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Hooks:
    """The routes of the providers' webhooks. `queue` takes what became due; it must not raise."""

    def __init__(self, house: House, keys: ProviderKeys, queue: Callable[[Sequence[Job]], None]) -> None:
        self._house, self._keys, self._queue = house, keys, queue
        self._at_once = CapacityLimiter(AT_ONCE)
        self._seldom = Seldom(house)

    def routes(self) -> list[Route]:
        """Each webhook, and the same under a clinic's name."""
        work = {
            "twilio/status": self._twilio_status,
            "twilio/inbound": self._twilio_inbound,
            "sendgrid/events": self._sendgrid_events,
        }
        return [
            Route(f"/webhooks/{clinic}{path}", self._answering(do), methods=["POST"])
            for path, do in work.items()
            for clinic in ("", "{clinic}/")
        ]

    def _answering(self, do: Callable[[_Call], Response]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            try:
                body = await body_of(request, MOST)
            except TooLong:
                return Refusal(f"the body is longer than {MOST // 1024} kB", 413)
            except TooSlow:
                return Refusal("the body came in too slowly; send it again", 408)
            except ClientDisconnect:
                return Response(status_code=400)
            path = request.scope.get("raw_path") or request.url.path.encode()
            call = _Call(
                request.path_params.get("clinic"),
                path.decode("latin-1"),
                request.scope["query_string"].decode("latin-1"),
                joined_headers(request),
                body,
            )
            return await to_thread.run_sync(self._guarded, do, call, limiter=self._at_once)

        return answer

    def _guarded(self, do: Callable[[_Call], Response], call: _Call) -> Response:
        try:
            return do(call)
        except Unreadable:
            log.warning("report unreadable", provider="twilio" if "/twilio/" in call.path else "sendgrid")
            return Response(status_code=400)
        except NoRooms:
            # Nothing is published yet, so there is nobody whom it could be about; it may be soon.
            return Response(status_code=503, headers={"Retry-After": "30"})

    # -- Twilio ---------------------------------------------------------------------------------------------------------------

    def _twilio_status(self, call: _Call) -> Response:
        if not self._from_twilio(call):
            return _refusal()
        receipt = twilio_webhooks.parse_status(call.body, call.query)
        self._queue(take(self._house, call.clinic, [receipt], only=bool(self._own(call).auth_token)))
        return _done()

    def _twilio_inbound(self, call: _Call) -> Response:
        if not self._from_twilio(call):
            return _refusal()
        answer, jobs = hear_sms(self._house, call.clinic, twilio_webhooks.parse_inbound(call.body))
        self._queue(jobs)
        said = MessagingResponse()
        if answer.text is not None:
            said.message(answer.text)
        return Response(str(said), media_type="text/xml")

    def _own(self, call: _Call) -> Own:
        """The names of the credentials of the clinic that was called; everybody's where the address names none."""
        with read(self._house.engine) as conn:
            return own_accounts(self._house, conn, call.clinic)

    def _from_twilio(self, call: _Call) -> bool:
        own = self._own(call)
        token = self._keys.of(own).twilio_auth_token
        if not token:
            return self._no_key(own.auth_token or _TWILIO_KEY)
        urls = twilio_webhooks.urls_behind(
            self._house.public_url, call.path, call.query, call.headers.get("host"), call.headers
        )
        return twilio_webhooks.verify(token, urls, call.headers, call.body) or self._unsigned("twilio")

    # -- SendGrid -------------------------------------------------------------------------------------------------------------

    def _sendgrid_events(self, call: _Call) -> Response:
        own = self._own(call)
        key, variable = self._keys.of(own).sendgrid_public_key, own.webhook_public_key or _SENDGRID_KEY
        if not key:
            self._no_key(variable)
            return _refusal()
        try:
            sendgrid_events.verifier(key)
        except ValueError:
            if self._seldom.may_tell(variable):
                log.error("webhook refused: this is not the verification key of SendGrid", set=variable)
            return _refusal()
        # The clock on the wall: the clinic's own stands still in a demo.
        now = self._house.wall()
        if not sendgrid_events.verify(key, call.headers, call.body, now, REPLAY_WINDOW):
            self._unsigned("sendgrid")
            return _refusal()
        receipts = sendgrid_events.parse(call.body)
        self._queue(take(self._house, call.clinic, receipts, only=bool(own.webhook_public_key)))
        return _done()

    # -- refusals -------------------------------------------------------------------------------------------------------------

    def _no_key(self, variable: str) -> bool:
        if self._seldom.may_tell(variable):
            log.error("webhook refused: there is no key to check it with", set=variable)
        return False

    def _unsigned(self, provider: str) -> bool:
        if self._seldom.may_tell(provider):
            log.warning("webhook refused: the signature does not fit", provider=provider)
        return False


def joined_headers(request: Request) -> dict[str, str]:
    """The headers by their small names; one that comes several times is one, as HTTP reads it."""
    found: dict[str, str] = {}
    for name, value in request.headers.items():
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _refusal() -> Response:
    return Response(status_code=403)


def _done() -> Response:
    return Response(status_code=204)

"""The webhooks of a clinic's systems: bookings, visits and patients as they post them, by config/sources/NAME.yaml.

Rules
1. Nothing is read before it is known to come from the system: 403 for a signature that is missing, wrong or too old, and where its secret is not set.
2. With `signature: none` an API token with the scope `events` is asked for, of that clinic.
3. 202 means that all of it is on disk: stored, known already, or put aside with its reasons. What is no JSON is 400, since it would be no better the next time.
4. What became due is queued after the commit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import structlog
from anyio import CapacityLimiter, to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from channels.twilio_webhooks import urls_behind
from worker.intake.json_text import BrokenJson, decode
from worker.intake.sources.signatures import fits
from worker.service.accepting import RETRY_AFTER, full
from worker.service.calling import source_called, take_messages
from worker.service.jobs import Job
from worker.service.overview import the_clinic
from worker.web.body import LIMIT, Refusal, TooLong, TooSlow, body_of
from worker.web.door import Door
from worker.web.hooks import joined_headers
from worker.web.seldom import Seldom
from worker.workspace.house import House, NoRooms
from worker.workspace.sources import Signature, Source

log = structlog.get_logger(__name__)
AT_ONCE: Final = 4
"""Calls that are worked off at a time; more would only wait for each other in the database."""
MOST: Final = 10_000
"""Lines of one call."""
LINES: Final = frozenset({"application/fhir+ndjson", "application/ndjson", "application/x-ndjson"})


class SourceHooks:
    """The routes. `secrets` are the environment variables that mappings may name; `queue` takes what became due, it must not raise."""

    def __init__(
        self, house: House, door: Door, secrets: Mapping[str, str], queue: Callable[[Sequence[Job]], None]
    ) -> None:
        self._house, self._door, self._secrets, self._queue = house, door, secrets, queue
        self._at_once = CapacityLimiter(AT_ONCE)
        self._seldom = Seldom(house)

    def routes(self) -> list[Route]:
        """The webhook of each source, and the same under a clinic's name."""
        paths = ("/webhooks/source/{source}", "/webhooks/{clinic}/source/{source}")
        return [Route(path, self._answer, methods=["POST"]) for path in paths]

    async def _answer(self, request: Request) -> Response:
        try:
            body = await body_of(request, LIMIT)
        except TooLong:
            return Refusal(f"the body is longer than {LIMIT // 1024 // 1024} MB; send it in smaller parts", 413)  # fmt: skip
        except TooSlow:
            return Refusal("the body came in too slowly; send it again", 408)
        except ClientDisconnect:
            return Response(status_code=400)
        return await to_thread.run_sync(self._guarded, request, body, limiter=self._at_once)

    def _guarded(self, request: Request, body: bytes) -> Response:
        asked, name = request.path_params.get("clinic"), request.path_params["source"]
        try:
            found = source_called(self._house, asked, name)
            if found is None:
                return _error(404, "there is no such webhook: config/sources has no mapping of this name with `webhook`")  # fmt: skip
            clinic, source = found
            refusal = self._from_elsewhere(request, clinic, source, body)
            return refusal if refusal is not None else self._take(request, clinic, source, body)
        except NoRooms:
            return _error(503, "nothing is published for this clinic yet", {"Retry-After": "30"})

    def _take(self, request: Request, clinic: str, source: Source, body: bytes) -> Response:
        try:
            said = _decoded(request, body)
        except BrokenJson as error:
            log.warning("message unreadable", source=source.name)
            return _error(400, f"the body {error}")
        if isinstance(said, list) and len(said) > MOST:
            return _error(413, f"the body holds {len(said)} messages; send at most {MOST} at a time")
        if full(self._house):
            wait = int(RETRY_AFTER.total_seconds())
            return _error(429, f"too many events are waiting; send it again in {wait} seconds", {"Retry-After": str(wait)})  # fmt: skip
        taken = take_messages(self._house, clinic, source, said, joined_headers(request))
        self._queue(taken.jobs)
        rejected = [{"index": index, "errors": list(errors)} for index, errors in taken.rejected]
        log.info("messages", clinic=clinic, source=source.name, new=taken.accepted, count=taken.accepted + taken.duplicates + len(rejected))  # fmt: skip
        return JSONResponse({"accepted": taken.accepted, "duplicates": taken.duplicates, "rejected": rejected}, 202)  # fmt: skip

    # -- whether it comes from the system ---------------------------------------------------------------------------------------

    def _from_elsewhere(self, request: Request, clinic: str, source: Source, body: bytes) -> Response | None:
        """The refusal of a call that does not come from the system; None for one that does."""
        signature = source.webhook.signature if source.webhook is not None else Signature("none")
        if signature.kind == "none":
            return self._without_token(request, clinic)
        secrets = [value for name in signature.secrets if (value := self._secrets.get(name))]
        if not secrets:
            if self._seldom.may_tell(source.name):
                log.error("webhook refused: there is no key to check it with", set=signature.secrets[0])
            return Response(status_code=403)
        path = (request.scope.get("raw_path") or request.url.path.encode()).decode("latin-1")
        query, headers = request.scope["query_string"].decode("latin-1"), joined_headers(request)
        urls = urls_behind(self._house.public_url, path, query, headers.get("host"), headers)
        # The clock on the wall: the clinic's own stands still in a demo.
        if fits(signature, secrets, headers, body, urls, self._house.wall()):
            return None
        if self._seldom.may_tell(source.name):
            log.warning("webhook refused: the signature does not fit", source=source.name)
        return Response(status_code=403)

    def _without_token(self, request: Request, clinic: str) -> Response | None:
        who = self._door.let_in(request, "bearer", "events")
        if isinstance(who, Response):
            return who
        mine = who.clinic if who.clinic is not None else the_clinic(self._house)
        return None if mine == clinic else _error(403, "this token is another clinic's")


def _decoded(request: Request, body: bytes) -> Any:
    """The JSON of a body; of one in lines a list. Raises BrokenJson."""
    if not body.strip():
        raise BrokenJson("is empty")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in LINES:
        return decode(body)
    return [decode(line) for line in body.splitlines() if line.strip()]


def _error(status: int, words: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": words}, status, headers)

"""The application: events in, the pages, the unsubscribe links, and whether it lives.

Rules
1. An event answered 202 is durable. What became due is queued after the commit; a queue that is away costs time, never an event.
2. A body that is no JSON, or no event or list of events, is refused as a whole and nothing of it is kept. An event that is read and found wrong is kept in
   quarantine, while the rest of its batch is accepted.
3. The page shows health data, so it asks for the API token as a password, unless it was opened on purpose (the demo, on loopback).
4. An unsubscribe link needs no password and sets no cookie; looking at it changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog
from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from worker.intake.batch import Unparsable, parse_body
from worker.service.accepting import RETRY_AFTER, Taken, accept, full
from worker.service.jobs import Job
from worker.service.overview import overview, the_clinic
from worker.service.readiness import readiness
from worker.service.unsubscribing import look_up, unsubscribe
from worker.web import page
from worker.web.body import LIMIT, Refusal, TooLong, TooSlow, body_of
from worker.web.guard import Guard, basic, bearer
from worker.workspace.house import House, NoRooms

log = structlog.get_logger(__name__)
MOST_EVENTS = 10_000
"""In one batch."""
AT_ONCE = 4
"""Batches that are read and written at a time; more would only wait for each other in the database."""
SMALL_BODY = 64 * 1024

NOTHING_PUBLISHED = (
    "nothing is published for this clinic yet; start “revisit run”, which publishes the workspace"
)


def make_app(
    house: House,
    *,
    token: str,
    enqueue: Callable[[Sequence[Job]], object],
    open_page: bool = False,
    redis_ok: Callable[[], bool],
) -> Starlette:
    """The application. `token` opens the API and, as a password, the page; `open_page` leaves the page open to all; `enqueue` queues jobs; `redis_ok` asks the queue.

    Raises ValueError for an empty token.
    """
    if not token:
        raise ValueError("the API token is empty; set REVISIT_API_TOKEN, or leave it out to have one made")
    site = _Site(house, token, enqueue, open_page, redis_ok)
    routes = [
        Route("/events", site.events, methods=["POST"]),
        Route("/healthz", site.healthz),
        Route("/readyz", site.readyz),
        Route("/u/{token}", site.unsubscribe_page, methods=["GET"]),
        Route("/u/{token}", site.unsubscribe, methods=["POST"]),
        Route("/", site.front),
    ]
    return Starlette(routes=routes, middleware=[Middleware(Guard)])


class _Site:
    def __init__(
        self,
        house: House,
        token: str,
        enqueue: Callable[[Sequence[Job]], object],
        open_page: bool,
        redis_ok: Callable[[], bool],
    ) -> None:
        self._house, self._token, self._enqueue, self._open, self._redis_ok = (
            house,
            token,
            enqueue,
            open_page,
            redis_ok,
        )
        self._batches = CapacityLimiter(AT_ONCE)

    # -- events ---------------------------------------------------------------------------------------------------------------

    async def events(self, request: Request) -> Response:
        if not bearer(request, self._token):
            missing = "authorization" not in request.headers
            said = "send the API token: “Authorization: Bearer …”" if missing else "this is not the API token"
            answer: Response = Refusal(said, 401)
            answer.headers["WWW-Authenticate"] = 'Bearer realm="Revisit"'
            return answer
        try:
            body = await body_of(request)
        except TooLong:
            return Refusal(
                f"the body is longer than {LIMIT // 1024 // 1024} MB; send it in smaller batches", 413
            )
        except TooSlow:
            return Refusal("the body came in too slowly; send it again", 408)
        except ClientDisconnect:
            return Response(status_code=400)
        return await to_thread.run_sync(
            self._take, request.headers.get("content-type", ""), body, limiter=self._batches
        )

    def _take(self, content_type: str, body: bytes) -> Response:
        raws = parse_body(content_type, body)
        if isinstance(raws, Unparsable):
            return _error(400, raws.why)
        if len(raws) > MOST_EVENTS:
            return _error(413, f"the batch holds {len(raws)} events; send at most {MOST_EVENTS} at a time")
        if full(self._house):
            wait = int(RETRY_AFTER.total_seconds())
            return _error(
                429,
                f"too many events are waiting; send it again in {wait} seconds",
                {"Retry-After": str(wait)},
            )
        try:
            taken: Taken = accept(self._house, the_clinic(self._house), raws, "http")
        except NoRooms:
            return _error(503, NOTHING_PUBLISHED, {"Retry-After": "30"})
        self._queue(taken.jobs)
        rejected = [{"index": index, "errors": list(errors)} for index, errors in taken.rejected]
        return JSONResponse(
            {"accepted": taken.accepted, "duplicates": taken.duplicates, "rejected": rejected}, 202
        )

    def _queue(self, jobs: Sequence[Job]) -> None:
        if not jobs:
            return
        try:
            self._enqueue(jobs)
        except Exception as error:  # noqa: BLE001 (what is committed is accepted, whatever the queue says; the sweeper finds it)
            log.warning("queue away; the sweeper will queue again", error=type(error).__name__)

    # -- whether it lives -----------------------------------------------------------------------------------------------------

    async def healthz(self, _: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(self, _: Request) -> Response:
        found = await run_in_threadpool(readiness, self._house, self._redis_ok)
        ready = all(said == "ok" for said in found.values())
        return JSONResponse({"ready": ready, **found}, 200 if ready else 503)

    # -- the page -------------------------------------------------------------------------------------------------------------

    async def front(self, request: Request) -> Response:
        if not self._open and not basic(request, self._token):
            headers = {"WWW-Authenticate": 'Basic realm="Revisit", charset="UTF-8"'}
            return HTMLResponse(page.locked(), 401, headers)
        try:
            html = await run_in_threadpool(self._draw)
        except NoRooms:
            return HTMLResponse(page.empty(), 503)
        return HTMLResponse(html)

    def _draw(self) -> str:
        return page.front(overview(self._house, the_clinic(self._house)))

    # -- unsubscribe ----------------------------------------------------------------------------------------------------------

    async def unsubscribe_page(self, request: Request) -> Response:
        link = await run_in_threadpool(look_up, self._house, request.path_params["token"])
        return HTMLResponse(page.ask_unsubscribe(link)) if link else HTMLResponse(page.no_such_link(), 404)

    async def unsubscribe(self, request: Request) -> Response:
        # RFC 8058 names what the body holds; the link alone says what to do, so a body of another form is as good.
        try:
            await body_of(request, SMALL_BODY)
        except (TooLong, TooSlow):
            return Refusal("the body is too long", 413)
        except ClientDisconnect:
            return Response(status_code=400)
        done = await run_in_threadpool(unsubscribe, self._house, request.path_params["token"])
        if done is None:
            return HTMLResponse(page.no_such_link(), 404)
        link, jobs = done
        await run_in_threadpool(self._queue, jobs)
        return HTMLResponse(page.unsubscribed(link))


def _error(status: int, words: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": words}, status, headers)

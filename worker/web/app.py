"""The application: events in, the pages, the links of messages, and whether it lives.

Rules
1. An event answered 202 is durable. What became due is queued after the commit; a queue that is away costs time, never an event.
2. A body that is no JSON, or no event or list of events, is refused as a whole and nothing of it is kept. An event that is read and found wrong is kept in
   quarantine, while the rest of its batch is accepted.
3. The page shows health data, so it asks for a token as a password, unless it was opened on purpose (the demo, on loopback).
4. The links of messages need no password and set no cookie; what is behind them is in public.py.
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

from worker import tracing
from worker.intake.batch import Unparsable, parse_body
from worker.service.accepting import RETRY_AFTER, Taken, accept, full
from worker.service.figures import Figure
from worker.service.jobs import Job
from worker.service.overview import overview, the_clinic
from worker.service.readiness import Vitals
from worker.web import page
from worker.web.body import LIMIT, Refusal, TooLong, TooSlow, body_of
from worker.web.door import Door
from worker.web.guard import Guard
from worker.web.hooks import Hooks, ProviderKeys
from worker.web.metrics import CONTENT_TYPE, Counted, Metrics
from worker.web.public import public_routes
from worker.web.source_hooks import SourceHooks
from worker.workspace.house import House, NoRooms

log = structlog.get_logger(__name__)
MOST_EVENTS = 10_000
"""In one batch."""
AT_ONCE = 4
"""Batches that are read and written at a time; more would only wait for each other in the database."""

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
    keys: ProviderKeys | None = None,
    figures: Callable[[], Sequence[Figure]] = tuple,
    pulse: Callable[[], float | None] | None = None,
) -> Starlette:
    """The application. `token` opens the API and, as a password, the page; `open_page` leaves the page open to all; `enqueue` queues jobs; `redis_ok` asks the queue; `keys` check
    what claims to come from a provider; `figures` are the house's for `/metrics`; `pulse` says how many seconds ago a ticker swept, None for none, and is not asked where the clock
    is a demo's.

    Raises ValueError for an empty token.
    """
    if not token:
        raise ValueError("the API token is empty; set REVISIT_API_TOKEN, or leave it out to have one made")
    metrics = Metrics(figures)
    site = _Site(house, token, enqueue, open_page, Vitals(house, redis_ok, pulse), metrics)
    routes = [
        Route("/events", site.events, methods=["POST"]),
        Route("/healthz", site.healthz),
        Route("/readyz", site.readyz),
        Route("/metrics", site.metrics),
        *public_routes(house, site._queue),
        *SourceHooks(house, site._door, (keys or ProviderKeys()).sources, site._queue).routes(),
        *Hooks(house, keys or ProviderKeys(), site._queue).routes(),
        Route("/", site.front),
    ]
    return Starlette(routes=routes, middleware=[Middleware(Counted, metrics=metrics), Middleware(Guard)])


class _Site:
    def __init__(
        self,
        house: House,
        token: str,
        enqueue: Callable[[Sequence[Job]], object],
        open_page: bool,
        vitals: Vitals,
        metrics: Metrics,
    ) -> None:
        self._house, self._enqueue, self._open = house, enqueue, open_page
        self._vitals, self._metrics = vitals, metrics
        self._door = Door(house, token)
        self._batches = CapacityLimiter(AT_ONCE)

    # -- events ---------------------------------------------------------------------------------------------------------------

    async def events(self, request: Request) -> Response:
        who = await run_in_threadpool(self._door.let_in, request, "bearer", "events")
        if isinstance(who, Response):
            return who
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
            self._take, who.clinic, request.headers.get("content-type", ""), body, limiter=self._batches
        )

    def _take(self, clinic: str | None, content_type: str, body: bytes) -> Response:
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
            with tracing.span("POST /events", events=len(raws)):
                taken: Taken = accept(self._house, clinic or the_clinic(self._house), raws, "http")
                self._queue(taken.jobs)
        except NoRooms:
            return _error(503, NOTHING_PUBLISHED, {"Retry-After": "30"})
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
        found = await run_in_threadpool(self._vitals)
        ready = all(said == "ok" for said in found.values())
        return JSONResponse({"ready": ready, **found}, 200 if ready else 503)

    async def metrics(self, _: Request) -> Response:
        return Response(await run_in_threadpool(self._metrics.text), headers={"Content-Type": CONTENT_TYPE})

    # -- the page -------------------------------------------------------------------------------------------------------------

    async def front(self, request: Request) -> Response:
        clinic = None
        if not self._open:
            who = await run_in_threadpool(self._door.let_in, request, "basic", "page")
            if isinstance(who, Response):
                locked = {"WWW-Authenticate": who.headers.get("WWW-Authenticate", "")}
                return HTMLResponse(page.locked(), 401, locked) if who.status_code == 401 else who
            clinic = who.clinic
        try:
            html = await run_in_threadpool(self._draw, clinic)
        except NoRooms:
            return HTMLResponse(page.empty(), 503)
        return HTMLResponse(html)

    def _draw(self, clinic: str | None) -> str:
        return page.front(overview(self._house, clinic or the_clinic(self._house)))


def _error(status: int, words: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": words}, status, headers)

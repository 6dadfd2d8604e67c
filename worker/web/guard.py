"""What every answer has in common: its security headers, and that an error inside tells nobody a patient's data.

Rules
1. Nothing is loaded from anywhere: pages are one file, without scripts. What a page frames is text of its own.
2. A page is kept by no cache and tells no other site where its reader came from.
3. What fails inside is logged by its kind and place; its words may quote a patient.
"""

from __future__ import annotations

from typing import Final

import structlog
from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from worker.service.whereabouts import place_of
from worker.store.engine import AWAY

log = structlog.get_logger(__name__)

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
}


class Guard:
    """Wraps the application: headers on every answer, and an answer for every failure."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def guarded(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, guarded)
        except Exception as error:  # noqa: BLE001 (rule 3: nothing of it may reach the server's own log)
            log.error("request failed", path=_route(scope), error=type(error).__name__, where=place_of(error))
            if begun:
                return
            if isinstance(error, AWAY):
                text, status, wait = (
                    "the database can't be reached just now; send it again later",
                    503,
                    {"Retry-After": "10"},
                )
            else:
                text, status, wait = (
                    "something went wrong here; send it again, and tell us if it stays so",
                    500,
                    {},
                )
            await JSONResponse({"error": text}, status, wait)(scope, receive, guarded)


def _route(scope: Scope) -> str:
    # A link's token is a key, so only the beginning of a path is told.
    return "/" + str(scope.get("path", "")).lstrip("/").partition("/")[0]

"""The body of a request, up to a limit. What is longer is answered before it has all come in."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

LIMIT: Final = 5 * 1024 * 1024
"""Bytes."""
PATIENCE: Final = 30
"""Seconds for a whole body to come in."""
LINGER_BYTES: Final = 32 * 1024 * 1024
LINGER: Final = 5
"""How much, and for how many seconds, a sender that was refused may go on sending before the connection is closed."""


class TooLong(Exception):
    """The body is longer than the limit."""


class TooSlow(Exception):
    """The body did not come in within `PATIENCE`."""


async def body_of(request: Request, limit: int = LIMIT) -> bytes:
    """The whole body. Raises TooLong (at once where Content-Length says so), TooSlow, ClientDisconnect."""
    said = request.headers.get("content-length", "")
    if said.isdigit() and int(said) > limit:
        raise TooLong
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(PATIENCE):
            async for part in request.stream():
                size += len(part)
                if size > limit:
                    raise TooLong
                parts.append(part)
    except TimeoutError:
        raise TooSlow from None
    return b"".join(parts)


class Refusal(JSONResponse):
    """An answer to a request whose body has not been read. What still comes in is thrown away for a while: a connection that is closed at once
    is reset, and the sender would never see the answer.
    """

    def __init__(self, error: str, status: int) -> None:
        super().__init__({"error": error}, status, {"Connection": "close"})

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, then let the sender finish."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": bytes(self.body), "more_body": True})
        thrown = 0
        try:
            async with asyncio.timeout(LINGER):
                while thrown < LINGER_BYTES:
                    message = await receive()
                    thrown += len(message.get("body", b""))
                    if message["type"] == "http.disconnect" or not message.get("more_body", False):
                        break
        except (TimeoutError, ClientDisconnect):
            pass
        await send({"type": "http.response.body", "body": b"", "more_body": False})

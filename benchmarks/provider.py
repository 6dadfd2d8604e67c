"""A provider that takes everything, in a process of its own: HTTP/1.1 on a loopback port, answers without Nagle's delay, after a given latency.

It checks nothing (the tests' stand-ins do) and keeps nothing but a count, so that hardly any of the machine goes to it.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

_SMS: Final = b'{"sid":"SM%032x","status":"queued","error_code":null}'


@dataclass(frozen=True)
class Provider:
    """A running one. `url` is the base URL of both, Twilio and SendGrid."""

    url: str
    _count: Any

    @property
    def accepted(self) -> int:
        """How many messages it has taken."""
        found: int = self._count.value
        return found


class _Connection(asyncio.Protocol):
    def __init__(self, latency: float, count: Any) -> None:
        self._latency, self._count, self._seen = latency, count, b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        self._seen += data
        while (end := self._seen.find(b"\r\n\r\n")) >= 0:
            head = self._seen[:end].lower()
            at = head.find(b"content-length:")
            size = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._seen) < end + 4 + size:
                return
            self._seen = self._seen[end + 4 + size :]
            self._count.value += 1
            body, status = b"", b"202 Accepted\r\nX-Message-Id: m-%d" % self._count.value
            if b"/messages.json" in head:
                body, status = (
                    _SMS % self._count.value,
                    b"201 Created\r\nContent-Type: application/json",
                )
            answer = b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)
            if self._latency:
                asyncio.get_running_loop().call_later(self._latency, self._transport.write, answer)
            else:
                self._transport.write(answer)


def _serve(latency: float, count: Any, told: Any) -> None:
    async def serve() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Connection(latency, count), "127.0.0.1", 0, backlog=512)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())


@contextmanager
def provider(latency: float = 0.0) -> Iterator[Provider]:
    """A provider that answers after `latency` seconds."""
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    count = context.Value("q", 0, lock=False)
    process = context.Process(target=_serve, args=(latency, count, theirs), daemon=True)
    process.start()
    try:
        yield Provider(f"http://127.0.0.1:{mine.recv()}", count)
    finally:
        process.terminate()
        process.join(10)

"""Serving: uvicorn on one socket, quiet, until it is told to stop.

It returns when it has stopped; a signal asks it to finish what it is answering first. Access is not logged: paths hold keys.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

STOP_SECONDS = 10
"""How long requests under way may take when it stops."""


class PortTaken(OSError):
    """It cannot listen there; the message says why, and the way out."""


class WebServer(uvicorn.Server):
    """A server on a port that it has already taken. `stop` may be called from any thread."""

    def __init__(
        self, app: ASGIApp, host: str, port: int, on_ready: Callable[[str], None] | None = None
    ) -> None:
        """`port` 0 takes any; `on_ready` is told the URL once requests are answered. Raises PortTaken."""
        self._socket = _listen(host, port)
        self._host, self._on_ready = host, on_ready
        super().__init__(
            uvicorn.Config(
                app, http="h11", ws="none", lifespan="off", log_config=None, access_log=False, log_level="warning", proxy_headers=False,
                server_header=False, timeout_graceful_shutdown=STOP_SECONDS, backlog=256,
            )
        )  # fmt: skip

    @property
    def url(self) -> str:
        """Where it is reached from this machine."""
        port = self._socket.getsockname()[1]
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}.get(self._host, self._host)
        return f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{port}"

    def serve_until_stopped(self) -> None:
        """Answer requests; returns when stopped."""
        try:
            self.run(sockets=[self._socket])
        finally:
            self._socket.close()

    def stop(self) -> None:
        """Finish what is being answered, then return from `serve_until_stopped`."""
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        if self._on_ready is not None:
            self._on_ready(self.url)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGINT and SIGTERM, and give the handlers back afterwards. Unlike uvicorn's own, the signal is not raised again: the caller ends by itself."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._heard) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _heard(self, _number: int, _frame: FrameType | None) -> None:
        # The second time is meant in earnest.
        self.force_exit = self.should_exit
        self.should_exit = True


def serve(app: ASGIApp, host: str, port: int, *, on_ready: Callable[[str], None] | None = None) -> None:
    """Serve until SIGINT or SIGTERM; returns then. `on_ready` is told the URL once requests are answered. Raises PortTaken."""
    WebServer(app, host, port, on_ready).serve_until_stopped()


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host or "0.0.0.0", port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise PortTaken(
            f"there is no address {host!r} on this machine; choose another with --host"
        ) from error
    listener = socket.socket(family, kind, protocol)
    try:
        if os.name != "nt":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(256)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(f"port {port} is in use; choose another with --port") from error
        if error.errno == errno.EACCES:
            raise PortTaken(f"port {port} is not for everybody; choose one above 1023 with --port") from error
        raise PortTaken(
            f"it can't serve on {host} port {port}: {error.strerror}; choose another with --host or --port"
        ) from error
    return listener

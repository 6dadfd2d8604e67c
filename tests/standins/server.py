"""What the stand-ins share: an HTTP/1.1 server on a loopback port, a script of misbehaviour, a record.

`script([...])` says what happens to the next requests, one entry each; after that the stand-in behaves again:

    "ok"                 behaves
    "429", "500", …      refuses with this status, without accepting
    ("error", CODE)      refuses with the provider's own error CODE
    "500_after"          accepts, then answers 500
    "hangup_before"      reads the request and closes the connection without accepting
    "hangup_after"       accepts and closes the connection without an answer
    "reset_after"        accepts and resets the connection
    "slow"               accepts and does not answer before the stand-in is closed
    ("drip", SECONDS)    accepts and answers one byte at a time, SECONDS apart
    "half_answer"        accepts, sends the status and the headers, and breaks off before the body
    "garbage"            accepts and answers 2xx with a body that nobody can read
    "redirect"           answers 307 to another address

`faults(Faults(...))` does the same by chance, see `faults.py`; what is scripted goes first.
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Generic, NamedTuple, Self, TypeVar

from tests.standins import faults as chance
from tests.standins.faults import Faults

Step = chance.Step
M = TypeVar("M")


class Received(NamedTuple):
    """What both providers' stand-ins tell of a message that they accepted."""

    to: str
    body: str
    sid: str  # the provider's id
    ref: str | None  # ours


@dataclass(frozen=True)
class Reply:
    """An HTTP answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, status: int, content: Any, **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return cls(status, json.dumps(content).encode(), {"Content-Type": "application/json", **named})


class Refused(Exception):
    """The request breaks one of the provider's rules."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.body.decode())
        self.reply = reply


@dataclass(frozen=True)
class Request:
    """A request as it came in."""

    method: str
    path: str
    headers: Message  # looked up without regard to case
    body: bytes


class Standin(Generic[M]):
    """Serves from `start()` to `close()`, or as a context manager. `M`: its record of an accepted message."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._changed = threading.Condition()
        self._messages: list[M] = []
        self._requests: list[Request] = []
        self._script: deque[Step] = deque()
        self._faults: Faults | None = None
        self._asked: Counter[str] = Counter()
        self._connections = 0
        self._open: set[socket.socket] = set()
        self._closing = threading.Event()
        self._tls = tls
        self._server: _Server | None = None

    # What a provider's stand-in says

    def check(self, request: Request) -> M:
        """The message of a request that the provider would accept. Raises Refused."""
        raise Refused(Reply(404))

    def read(self, request: Request) -> Reply | None:
        """The answer to a request that only reads; None for any other. Raises Refused."""
        return None

    def accepted(self, message: M) -> Reply:
        """The provider's answer to it."""
        return Reply(200)

    def name_of(self, request: Request) -> str:
        """What tells a request from others in whatever order they come; the same for a repetition."""
        return f"{request.method} {request.path}"

    def error(self, code: int) -> Reply:
        """The provider's answer for one of its error codes or an HTTP status."""
        return Reply(code)

    # What a test uses

    def start(self) -> Self:
        self._server = _Server(self, self._tls)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def close(self) -> None:
        self._closing.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
        with self._changed:
            left = list(self._open)
        for connection in left:
            _shut(connection)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        assert self._server is not None, "start() the stand-in first"
        scheme = "https" if self._tls else "http"
        return f"{scheme}://{'localhost' if self._tls else '127.0.0.1'}:{self._server.server_address[1]}"

    @property
    def messages(self) -> list[M]:
        """What it accepted, in order."""
        with self._changed:
            return list(self._messages)

    @property
    def requests(self) -> list[Request]:
        """Every request that was read, accepted or not."""
        with self._changed:
            return list(self._requests)

    @property
    def connections(self) -> int:
        """How many connections were opened to it so far."""
        with self._changed:
            return self._connections

    def script(self, steps: Iterable[Step]) -> None:
        """What happens to the next requests, one step each."""
        with self._changed:
            self._script.extend(steps)

    def faults(self, faults: Faults | None) -> None:
        """What goes wrong by chance from now on; None: nothing."""
        with self._changed:
            self._faults = faults

    def await_messages(self, n: int, timeout: float = 10.0) -> list[M]:
        """At least `n` accepted messages; fails when `timeout` seconds pass first."""
        with self._changed:
            enough = self._changed.wait_for(lambda: len(self._messages) >= n, timeout)
            assert enough, f"{len(self._messages)} of {n} messages came within {timeout:g} s"
            return list(self._messages)

    def await_requests(self, n: int, timeout: float = 10.0) -> list[Request]:
        """At least `n` requests, accepted or not; fails when `timeout` seconds pass first."""
        with self._changed:
            enough = self._changed.wait_for(lambda: len(self._requests) >= n, timeout)
            assert enough, f"{len(self._requests)} of {n} requests came within {timeout:g} s"
            return list(self._requests)

    # How it serves

    def _came(self, connection: socket.socket) -> None:
        with self._changed:
            self._connections += 1
            self._open.add(connection)

    def _went(self, connection: socket.socket) -> None:
        with self._changed:
            self._open.discard(connection)

    def _next_step(self, request: Request) -> tuple[Step, float]:
        name = self.name_of(request)
        with self._changed:
            self._asked[name] += 1
            step, delay = self._faults.roll(name, self._asked[name]) if self._faults else ("ok", 0.0)
            step = self._script.popleft() if self._script else step
            self._requests.append(request)
            self._changed.notify_all()
            return step, delay

    def _accept(self, request: Request) -> Reply:
        listed = self.read(request)
        if listed is not None:
            return listed
        message = self.check(request)
        reply = self.accepted(message)
        with self._changed:
            self._messages.append(message)
            self._changed.notify_all()
        return reply

    def _handle(self, request: Request, handler: _Handler) -> None:
        step, delay = self._next_step(request)
        if delay:
            self._closing.wait(delay)
        name, *more = step if isinstance(step, tuple) else (step,)
        try:
            if name == "error":
                return handler.say(self.error(more[0]))
            if name.isdigit():
                return handler.say(self.error(int(name)))
            if name == "redirect":
                return handler.say(Reply(307, headers={"Location": "/elsewhere"}))
            if name == "hangup_before":
                return handler.hang_up()
            reply = self._accept(request)
        except Refused as refused:
            return handler.say(refused.reply)
        if name == "ok":
            handler.say(reply)
        elif name.endswith("_after") and name[:3].isdigit():
            handler.say(self.error(int(name[:3])))
        elif name == "hangup_after":
            handler.hang_up()
        elif name == "reset_after":
            handler.reset()
        elif name == "slow":
            self._closing.wait(60)
            handler.hang_up()
        elif name == "drip":
            handler.drip(reply, more[0], self._closing)
        elif name == "half_answer":
            handler.wfile.write(_wire(reply)[: -len(reply.body) or None])
            handler.hang_up()
        elif name == "garbage":
            handler.say(Reply(reply.status, b"<html>\xff", reply.headers))
        else:
            raise ValueError(f"the script of a stand-in holds {step!r}, which is not a step")


def _wire(reply: Reply) -> bytes:
    headers = {"Date": formatdate(usegmt=True), **reply.headers, "Content-Length": str(len(reply.body))}
    lines = [
        f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}",
        *(f"{k}: {v}" for k, v in headers.items()),
    ]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + reply.body


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    standin: Standin[Any]

    def setup(self) -> None:
        self.standin._came(self.request)
        super().setup()

    def finish(self) -> None:
        self.standin._went(self.request)
        super().finish()

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "0" if self.command == "GET" else "")
        if not length.isdigit():
            return self.say(Reply(411))
        body = self.rfile.read(int(length))
        self.standin._handle(Request(self.command, self.path, self.headers, body), self)

    do_GET = do_PUT = do_DELETE = do_PATCH = do_POST

    def say(self, reply: Reply) -> None:
        self.wfile.write(_wire(reply))

    def hang_up(self) -> None:
        self.close_connection = True
        _shut(self.request)

    def reset(self) -> None:
        self.close_connection = True
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.rfile.close()
        self.request.close()

    def drip(self, reply: Reply, seconds: float, closing: threading.Event) -> None:
        for byte in _wire(reply):
            self.wfile.write(bytes([byte]))
            if closing.wait(seconds):
                break

    def log_message(self, format: str, *args: Any) -> None:
        """A stand-in records; it does not log."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, standin: Standin[Any], tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), type("Handler", (_Handler,), {"standin": standin}))
        self._tls = tls

    def get_request(self) -> tuple[Any, Any]:
        connection, address = super().get_request()
        if self._tls is not None:
            connection = self._tls.wrap_socket(connection, server_side=True)
        return connection, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is part of the play."""


def now() -> float:
    """When something was received, in Unix seconds."""
    return time.time()

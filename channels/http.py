"""One kept connection pool to one provider, and the split all else rests on: did the request leave?

1. Every failure is either `NotSent` (no byte of the request was written: trying again is safe) or `NoAnswer`
   (it may have been). The connection itself notes the first write, so the split does not hang on which
   exception a library chose.
2. The whole call has one deadline. No request begins after it: a claim that has run out must not still
   produce a message. (Name resolution alone cannot be interrupted; it may delay the failure, and then nothing
   is written.)
3. Nothing is retried and no redirect is followed. An answer, whatever its status, is an `Answer`.
4. A connection that has rested for `REST_SECONDS` is replaced before use: a server that closes an idle
   connection at the very moment we write would turn a harmless message into one that nobody can account for.
5. TLS is verified: SSL_CERT_FILE and SSL_CERT_DIR, else REQUESTS_CA_BUNDLE, else the system's authorities.
6. Safe to share between threads.
"""

from __future__ import annotations

import http.client
import io
import os
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, SSLError

REST_SECONDS = 4.0  # the most impatient servers in common use keep an idle connection for 5 s
_MAX_BODY = 256 * 1024  # no provider's answer to a send is near this; more is cut off
_MAX_LIST = 8 * 1024 * 1024  # a page of a provider's list
CONNECTIONS = 32
"""How many connections to a provider are kept open."""


class NotSent(Exception):
    """No byte of the request left this machine."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code, self.why = code, why


class NoAnswer(Exception):
    """The request may have arrived; no answer came back."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code, self.why = code, why


@dataclass(frozen=True, slots=True)
class Answer:
    """A provider's answer. The body may be cut short: where the status decides, it is not needed."""

    status: int
    headers: Mapping[str, str]  # looked up without regard to case
    body: bytes

    def retry_after(self) -> float | None:
        """Seconds asked for by Retry-After: a number, or a date (measured from the answer's own Date)."""
        said = self.headers.get("Retry-After", "").strip()
        if said.isascii() and said.isdigit():
            return float(said)
        until, sent = _http_date(said), _http_date(self.headers.get("Date", ""))
        return max(0.0, until - sent) if until is not None and sent is not None else None

    def seconds_until(self, header: str) -> float | None:
        """Seconds from the answer's Date until the Unix time in `header`; None where either is missing."""
        said, sent = self.headers.get(header, "").strip(), _http_date(self.headers.get("Date", ""))
        return (
            max(0.0, float(said) - sent) if said.isascii() and said.isdigit() and sent is not None else None
        )


def _http_date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError):
        return None


class Http:
    """Asks one base URL. `timeout`: seconds for the whole call. Raises ValueError for an unusable URL."""

    def __init__(self, base_url: str, timeout: float = 10.0) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("a provider's base URL must look like https://host or https://host/path")
        if timeout <= 0:
            raise ValueError("the time-out of a provider call must be above 0 seconds")
        self._base = base_url.rstrip("/")
        self._timeout = timeout
        tls = _tls_context() if parts.scheme == "https" else None
        self._pools = urllib3.PoolManager(maxsize=CONNECTIONS, ssl_context=tls)
        self._pools.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def post(
        self, path: str, body: bytes, headers: Mapping[str, str], *, before: float | None = None
    ) -> Answer:
        """Posts once. Raises NotSent or NoAnswer. `before`: Unix seconds after which no byte is written, however
        long the machine slept in between.
        """
        return self._once("POST", path, body, headers, _MAX_BODY, before)

    def get(self, path: str, headers: Mapping[str, str]) -> Answer:
        """Gets once; `path` may hold a query. Raises NotSent or NoAnswer."""
        return self._once("GET", path, None, headers, _MAX_LIST)

    def _once(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
        most: int,
        before: float | None = None,
    ) -> Answer:
        call = _threads.call = _Call(time.monotonic() + self._timeout, before)
        try:
            response = self._pools.request(
                method,
                self._base + path,
                body=body,
                headers=headers,
                timeout=urllib3.Timeout(connect=self._timeout / 2, read=self._timeout),
                retries=False,
                redirect=False,
                preload_content=False,
            )
        except (HTTPError, http.client.HTTPException, OSError) as error:
            raise _failure(error, call) from error
        finally:
            del _threads.call
        return Answer(response.status, response.headers, _read(response, most))

    def close(self) -> None:
        """Closes the idle connections."""
        self._pools.clear()


def _failure(error: Exception, call: _Call) -> NotSent | NoAnswer:
    if call.written:
        if call.left() <= 0:
            return NoAnswer("no_answer", "the provider did not answer in time")
        return NoAnswer("cut_off", "the connection broke off before the provider answered")
    if call.late():
        return NotSent("late", "the moment until which it might leave had passed")
    if isinstance(error, NameResolutionError):
        return NotSent("no_such_host", "the provider's host was not found: check the base URL and the DNS")
    if isinstance(error, SSLError):
        return NotSent(
            "tls", "no trusted TLS connection: check clock, base URL and authorities (SSL_CERT_FILE)"
        )
    if call.left() <= 0 or (isinstance(error, ConnectTimeoutError) and "timed out" in str(error)):
        return NotSent("connect_timeout", "the provider could not be reached in time")
    return NotSent("no_connection", "the provider could not be reached: check the network and the base URL")


def _read(response: urllib3.BaseHTTPResponse, most: int) -> bytes:
    body = b""
    try:
        for piece in response.stream(16 * 1024, decode_content=False):
            body += piece
            if len(body) > most:
                response.close()
                break
    except (HTTPError, http.client.HTTPException, OSError):
        response.close()  # the status is known; what there is of the body has to do
    response.release_conn()
    return body


def _tls_context() -> ssl.SSLContext:
    bundle = os.environ.get("REQUESTS_CA_BUNDLE")
    if not bundle or os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR"):
        return ssl.create_default_context()
    if Path(bundle).is_dir():
        return ssl.create_default_context(capath=bundle)
    return ssl.create_default_context(cafile=bundle)


class _Call:
    """One call under way in this thread: until when, and whether anything has been written."""

    def __init__(self, deadline: float, before: float | None = None) -> None:
        self.deadline = deadline
        self.before = before
        self.written = False

    def late(self) -> bool:
        """By the clock on the wall, which goes on while a process is stopped or a machine sleeps."""
        return self.before is not None and time.time() > self.before

    def left(self) -> float:
        return self.deadline - time.monotonic()


class _Threads(threading.local):
    call: _Call


_threads = _Threads()


class _TimedReads(io.RawIOBase):
    """Reads from a socket until the call's deadline, however slowly the bytes drip."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase, call: _Call) -> None:
        super().__init__()
        self._sock, self._raw, self._call = sock, raw, call

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        left = self._call.left()
        if left <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(left)
        got: int | None = self._raw.readinto(buffer)
        return got

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_TimedReads(sock, self.fp.detach(), _threads.call))


class _NotesWrites(HTTPConnection):
    """Notes in the thread's call that bytes of the request are about to be written."""

    response_class = _TimedResponse
    rested_since = 0.0

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        call = _threads.call
        if call.late() or (not call.written and call.left() <= 0):
            raise ConnectTimeoutError(self, "timed out before the request could be written")
        call.written = True
        self.sock.settimeout(max(call.left(), 0.001))
        super().send(data)


class _NotesWritesTls(_NotesWrites, HTTPSConnection):
    pass


class _Fresh(HTTPConnectionPool):
    """Closes a connection that has rested too long before handing it out; it opens again by itself."""

    def _get_conn(self, timeout: float | None = None) -> Any:
        conn: Any = super()._get_conn(timeout)
        if time.monotonic() - conn.rested_since > REST_SECONDS:
            conn.close()
        return conn

    def _put_conn(self, conn: Any) -> None:
        if conn is not None:
            conn.rested_since = time.monotonic()
        super()._put_conn(conn)


class _Pool(_Fresh):
    ConnectionCls = _NotesWrites


class _TlsPool(_Fresh, HTTPSConnectionPool):
    ConnectionCls = _NotesWritesTls

"""The door: whose request it is, what that token opens, and how often somebody may try.

Rules
1. A request brings `Authorization: Bearer TOKEN`; a browser brings HTTP Basic with the token for a password, whoever the user is.
2. From an address that has failed `FAILURES` times within a minute nothing is taken for a while, the right token neither: else it could be found by trying. A token that was
   right from there before still is: one program with an old token does not shut out its neighbours.
3. One token may ask `RATE` times a second for long, and `BURST` times at once.
4. What is counted is kept for at most `MOST` addresses and tokens, the latest: whoever comes from many addresses costs memory that is bounded.
5. The address is that of the connection; where that is a proxy's (loopback or a private network), the last one in `X-Forwarded-For`, which the proxy wrote itself.
   Names of IPv6 networks are shortened to their /64, since one household has as many addresses as it likes.
6. Each process counts for itself.
"""

from __future__ import annotations

import hashlib
import threading
import time
from base64 import b64decode
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final, Literal

from starlette.requests import Request
from starlette.responses import Response

from worker.service.tokens import Caller, caller
from worker.web.body import Refusal
from worker.workspace.house import House

FAILURES: Final = 20
WINDOW: Final = 60.0
"""Seconds in which so many failures are too many."""
RATE: Final = 200.0
BURST: Final = 2_000.0
MOST: Final = 10_000
INSIDE: Final = tuple(
    map(ip_network, ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7"))
)
"""Where a proxy may be (RFC 1918, RFC 4193)."""

Scheme = Literal["bearer", "basic"]


@dataclass(slots=True)
class _Count:
    """How much of a budget is left, as of a moment."""

    left: float
    at: float


class Budget:
    """So much at once, and so much a second again, for each key. Keeps the `most` keys that were used last."""

    def __init__(
        self, size: float, a_second: float, most: int = MOST, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._size, self._speed, self._most, self._clock = size, a_second, most, clock
        self._counts: OrderedDict[str, _Count] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, key: str) -> float:
        """Seconds until there is something left; 0 where there is."""
        with self._lock:
            return self._wait(key)

    def spend(self, key: str) -> float:
        """Take one, if there is one: 0 then, else the seconds until there is."""
        with self._lock:
            wait = self._wait(key)
            if wait:
                return wait
            found = self._counts.setdefault(key, _Count(self._size, self._clock()))
            found.left -= 1
            self._counts.move_to_end(key)
            while len(self._counts) > self._most:
                self._counts.popitem(last=False)
            return 0.0

    def __len__(self) -> int:
        return len(self._counts)

    def _wait(self, key: str) -> float:
        found = self._counts.get(key)
        if found is None:
            return 0.0
        now = self._clock()
        found.left = min(self._size, found.left + (now - found.at) * self._speed)
        found.at = now
        return 0.0 if found.left >= 1 else (1 - found.left) / self._speed


class Door:
    """Asks for a token, and limits who asks. Safe for threads; `let_in` asks the database, so it belongs off the event loop."""

    def __init__(self, house: House, token: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._house, self._token = house, token
        self._failed = Budget(FAILURES, FAILURES / WINDOW, clock=clock)
        self._asked = Budget(BURST, RATE, clock=clock)

        self._proven: OrderedDict[tuple[str, bytes], None] = OrderedDict()
        self._lock = threading.Lock()

    def let_in(self, request: Request, scheme: Scheme, scope: str) -> Caller | Response:
        """Who asks, where the token opens `scope`; else the answer: 401, 403, or 429 with Retry-After. Raises what the database raises."""
        address, given = address_of(request), token_in(request, scheme)
        wait = self._failed.wait(address)
        if wait and not self._was_right(address, given):
            return _later("too many wrong tokens came from this address", wait)
        found = caller(self._house, self._token, given) if given else None
        if found is None:
            if given:
                self._failed.spend(address)
            return _locked(scheme, missing=given is None)
        self._is_right(address, given)
        wait = self._asked.spend(found.name)
        if wait:
            return _later("too many requests came with this token", wait)
        if scope not in found.scopes:
            return Refusal(
                f"this token opens {' and '.join(sorted(found.scopes))} only; make another with: revisit token create NAME --scope {scope}",
                403,
            )
        return found

    def _is_right(self, address: str, given: str | None) -> None:
        key = (address, _digest(given))
        with self._lock:
            self._proven[key] = None
            self._proven.move_to_end(key)
            while len(self._proven) > MOST:
                self._proven.popitem(last=False)

    def _was_right(self, address: str, given: str | None) -> bool:
        with self._lock:
            return given is not None and (address, _digest(given)) in self._proven


def _digest(given: str | None) -> bytes:
    # What is remembered is no token: memory is dumped where a process crashes.
    return hashlib.sha256((given or "").encode("utf-8", "surrogateescape")).digest()


def token_in(request: Request, scheme: Scheme) -> str | None:
    """The token that a request brings in this way; None where it brings none."""
    said, _, given = request.headers.get("authorization", "").partition(" ")
    if said.lower() != scheme:
        return None
    if scheme == "bearer":
        return given.strip()
    try:
        _, _, password = b64decode(given.strip(), validate=True).partition(b":")
    except ValueError:
        return ""
    return password.decode("utf-8", "surrogateescape")


def address_of(request: Request) -> str:
    """Where a request comes from (rule 5)."""
    direct = request.client.host if request.client else ""
    if _is_inside(direct):
        forwarded = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
        return _network(forwarded) or direct
    return _network(direct) or direct


def _is_inside(address: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in INSIDE)


def _network(address: str) -> str:
    try:
        found = ip_address(address)
    except ValueError:
        return ""
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped or IPv6Address(int(found) >> 64 << 64))
    return str(found)


def _later(why: str, seconds: float) -> Response:
    whole = max(1, int(seconds + 0.999))
    answer = Refusal(f"{why}; try again in {whole} seconds", 429)
    answer.headers["Retry-After"] = str(whole)
    return answer


def _locked(scheme: Scheme, *, missing: bool) -> Response:
    said = "send the API token: “Authorization: Bearer …”" if missing else "this is not the API token"
    answer = Refusal(said, 401)
    kind = 'Bearer realm="Revisit"' if scheme == "bearer" else 'Basic realm="Revisit", charset="UTF-8"'
    answer.headers["WWW-Authenticate"] = kind
    return answer

"""One leader among several processes: whoever holds a short lease on the Redis server, renewed at every beat.

Two leaders for a moment are possible (a pause longer than the lease), so what a leader does must be safe to do twice. A leader that dies
is replaced within one lease and one beat.
"""

from __future__ import annotations

import threading
from typing import Final

import redis
from redis.exceptions import LockError, RedisError
from redis.lock import Lock

LEASE_SECONDS: Final = 3.5


class Leader:
    """A candidate. Call `is_leader()` about once a second: it takes, or renews, the lease."""

    def __init__(
        self, client: redis.Redis, name: str, *, namespace: str = "revisit", lease: float = LEASE_SECONDS
    ) -> None:
        self._lease = lease
        self._lock = Lock(
            client, f"{namespace}:leader:{name}", timeout=lease, blocking=False, thread_local=False
        )
        self._held = False
        self._one = threading.Lock()

    def is_leader(self) -> bool:
        """Whether this process leads for one lease from now; from any thread. False, never an error, when the server is away."""
        with self._one:
            return self._ask()

    def _ask(self) -> bool:
        try:
            if self._held:
                try:
                    self._lock.extend(self._lease, replace_ttl=True)
                    return True
                except LockError:
                    self._held = False
            self._held = bool(self._lock.acquire(blocking=False))
            return self._held
        except RedisError:
            # Whether we still hold it is not known: `_held` stays, and the next beat asks the server.
            return False

    def release(self) -> None:
        """Hand the lease back, so that another takes over at once. Harmless when it is not held or the server is away."""
        with self._one:
            if not self._held:
                return
            self._held = False
            try:
                self._lock.release()
            except (LockError, RedisError):
                return

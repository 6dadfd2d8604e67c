"""Counters that all processes share: kept on the queue's server, so that one look tells what every process did.

Rules
1. Counting never waits and never fails: it adds up in memory, and a thread hands it on about once a second. A process that counts nothing wakes for nothing.
2. A process that is killed loses the last second of its counting; a server that loses everything begins at 0, as counters may.
3. Labels are few and known. What comes on top of `MOST` different counters of a process is counted under the name `other`.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from dataclasses import dataclass
from typing import Final

import redis

EVERY_SECONDS: Final = 1.0
MOST: Final = 500


@dataclass(frozen=True)
class Counter:
    """A counter's name and its labels, sorted."""

    name: str
    labels: tuple[tuple[str, str], ...] = ()


class Tally:
    """Counts for one process; safe to share between its threads. `close` hands on what is left."""

    def __init__(
        self, client: redis.Redis, *, namespace: str = "revisit", every: float = EVERY_SECONDS
    ) -> None:
        self._client, self._key, self._every = client, f"{namespace}:tally", every
        self._lock = threading.Lock()
        self._kept: defaultdict[Counter, float] = defaultdict(float)
        self._known: set[Counter] = set()
        self._something, self._closed = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def __call__(self, name: str, amount: float = 1, **labels: str) -> None:
        """Count; what the labels say must be a bounded set of words."""
        counter = Counter(name, tuple(sorted(labels.items())))
        with self._lock:
            if counter not in self._known and len(self._known) >= MOST:
                counter = Counter("other")
            self._known.add(counter)
            self._kept[counter] += amount
            if self._thread is None and not self._closed.is_set():
                self._thread = threading.Thread(target=self._run, name="tally", daemon=True)
                self._thread.start()
        self._something.set()

    def flush(self) -> bool:
        """Hand on what was counted; False where the server is away: it is kept for the next time."""
        with self._lock:
            kept, self._kept = self._kept, defaultdict(float)
        if not kept:
            return True
        try:
            with self._client.pipeline(transaction=True) as pipe:
                for counter, amount in kept.items():
                    pipe.hincrbyfloat(self._key, _field(counter), amount)
                pipe.execute()
        except redis.RedisError:
            with self._lock:
                for counter, amount in kept.items():
                    self._kept[counter] += amount
            return False
        return True

    def close(self) -> None:
        """End the thread and hand on what is left."""
        self._closed.set()
        self._something.set()
        if self._thread is not None:
            self._thread.join(self._every + 1)
        self.flush()

    def _run(self) -> None:
        while not self._closed.is_set():
            self._something.wait()
            if self._closed.wait(self._every):
                return
            self._something.clear()
            if not self.flush():
                self._something.set()


def counted(client: redis.Redis, *, namespace: str = "revisit") -> dict[Counter, float]:
    """What all processes have counted. Raises `redis.RedisError` when the server is away."""
    found = client.hgetall(f"{namespace}:tally")
    return {_counter(field): float(amount) for field, amount in found.items()}


def _field(counter: Counter) -> str:
    return json.dumps([counter.name, dict(counter.labels)], separators=(",", ":"))


def _counter(field: bytes | str) -> Counter:
    name, labels = json.loads(field)
    return Counter(name, tuple(sorted(labels.items())))

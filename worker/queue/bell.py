"""A bell for idle workers: whoever queues a message rings, and a worker that waits looks at once instead of at its next turn.

Rules
1. The bell is a courtesy. A ring that nobody hears costs one turn and no message: idle workers look by themselves all the same.
2. Who queues much rings once in `APART`. Whoever was rung for looks again within that time, so what came without a ring is found.
3. Ringing never fails. A server that is away is told of by the command that had something to say.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import redis
from dramatiq.broker import MessageProxy
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer
from dramatiq.message import Message

log = logging.getLogger(__name__)

APART: Final = 0.005
IDLE_MS: Final = 1_000
"""How long an idle worker for whom nobody rings goes without a look. Well below the time after which a silent worker counts as dead."""
BUSY_MS: Final = 20
"""How long at most a worker that has fetched all it may waits until it looks whether there is room."""
HEARING: Final = 5.0
AGAIN: Final = 1.0
HURRIED: Final = 0.02


class Bell:
    """One process' end of it: `ring` to be heard everywhere, `wait` to hear. Safe to share between threads."""

    def __init__(self, client: redis.Redis, namespace: str) -> None:
        self._client, self._channel = client, f"{namespace}:bell"
        self._rung: dict[str, float] = {}
        self._heard: dict[str, threading.Event] = {}
        self._stop = threading.Event()
        self._listener: threading.Thread | None = None

    def ring(self, queue: str) -> None:
        """There is a message on this queue."""
        now = time.monotonic()
        if now - self._rung.get(queue, 0.0) < APART:
            return
        self._rung[queue] = now
        try:
            self._client.publish(self._channel, queue)
        except redis.RedisError:
            return

    def wait(self, queue: str, seconds: float) -> None:
        """Until it rings for this queue, at most so long."""
        heard = self._heard.setdefault(queue, threading.Event())
        heard.wait(min(seconds, HURRIED) if self._stop.is_set() else seconds)
        heard.clear()

    def listen(self) -> None:
        """Hear from now on, until `hush`."""
        self._stop.clear()
        self._listener = threading.Thread(target=self._listen, name="bell", daemon=True)
        self._listener.start()

    def hush(self) -> None:
        """Hear no more; nobody waits long from now on."""
        self._stop.set()
        self._all()

    def close(self) -> None:
        """End the thread that hears."""
        if self._listener is not None and self._listener.is_alive():
            self._rung.clear()
            self.ring("")
            self._listener.join(AGAIN)
        self._listener = None

    def _listen(self) -> None:
        while not self._stop.is_set():
            try:
                self._hear()
            except (redis.RedisError, OSError):
                # Whether somebody rang meanwhile nobody knows; who waits looks by itself.
                self._stop.wait(AGAIN)

    def _hear(self) -> None:
        with self._client.pubsub(ignore_subscribe_messages=True) as ear:  # type: ignore[no-untyped-call]
            ear.subscribe(self._channel)
            self._all()
            while not self._stop.is_set():
                told = ear.get_message(timeout=HEARING)
                if told is not None:
                    heard = self._heard.get(told["data"].decode())
                    if heard is not None:
                        heard.set()

    def _all(self) -> None:
        for heard in list(self._heard.values()):
            heard.set()


class RungBroker(RedisBroker):
    """dramatiq's broker, with a bell. `idle_ms` is how long its consumers wait where nobody rings."""

    bell: Bell
    idle_ms: int = IDLE_MS
    at_hand: Mapping[str, int] = MappingProxyType({})
    """How many messages of a queue are fetched at most, where it is fewer than the worker would."""

    @property
    def consumer_class(self) -> type[_RedisConsumer]:
        """What looks at a queue."""
        return _Consumer

    def enqueue(self, message: Message[object], *, delay: int | None = None) -> Message[object]:
        """As dramatiq's; then ring."""
        queued: Message[object] = super().enqueue(message, delay=delay)
        self.bell.ring(message.queue_name)
        return queued


class _Consumer(_RedisConsumer):
    """dramatiq's consumer; where it would sleep after it found nothing, this one waits for the bell, first shortly, then for longer and longer."""

    def __init__(self, broker: RungBroker, queue_name: str, prefetch: int, timeout: int) -> None:
        most = min(prefetch, broker.at_hand.get(queue_name) or prefetch)
        super().__init__(broker, queue_name, most, timeout)  # type: ignore[no-untyped-call]
        self._pause = 0.0

    def __next__(self) -> MessageProxy | None:
        full = self.outstanding_message_count >= self.prefetch
        if self._pause and not self.message_cache and not full:
            self.broker.bell.wait(self.queue_name, self._pause)
        # What is left of dramatiq's own sleep.
        self.timeout = BUSY_MS if full else 1
        message: MessageProxy | None = super().__next__()  # type: ignore[no-untyped-call]
        if message is not None:
            self._pause = 0.0
        elif not full:
            self._pause = min(self.broker.idle_ms / 1000, max(APART, self._pause * 2))
        return message

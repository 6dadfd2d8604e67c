"""Signs of life on the queue's server: when a ticker swept last, and how long the oldest message waits.

Rules
1. The server's clock alone measures how old a sign is, so machines whose clocks differ agree.
2. A server that has lost everything has lost the sign as well; it is there again with the next sweep.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import redis
from dramatiq import Message
from dramatiq.brokers.redis import RedisBroker

KEPT_MS: Final = 24 * 3600 * 1000
_KEY: Final = "pulse:ticker"


@dataclass(frozen=True)
class Pulse:
    """The last sweep: how long ago it ended, how long it took, both in seconds, and how much was due."""

    age: float
    seconds: float
    due: int


def beat(client: redis.Redis, seconds: float, due: int, *, namespace: str = "revisit") -> None:
    """Note that a sweep has ended. Raises `redis.RedisError` when the server is away."""
    client.set(f"{namespace}:{_KEY}", f"{seconds:.6f} {due}", px=KEPT_MS)


def last_beat(client: redis.Redis, *, namespace: str = "revisit") -> Pulse | None:
    """The last sweep of any ticker; None where none was heard of for a day. Raises `redis.RedisError` when the server is away."""
    with client.pipeline(transaction=True) as pipe:
        pipe.get(f"{namespace}:{_KEY}")
        pipe.pttl(f"{namespace}:{_KEY}")
        told, left = pipe.execute()
    if told is None or left < 0:
        return None
    seconds, _, due = told.decode().partition(" ")
    return Pulse((KEPT_MS - left) / 1000, float(seconds), int(due))


def heard(client: redis.Redis, *, namespace: str = "revisit") -> float | None:
    """Seconds since the last sweep; None where none was heard of. Raises as `last_beat`."""
    pulse = last_beat(client, namespace=namespace)
    return pulse.age if pulse is not None else None


def oldest(broker: RedisBroker, queues: Collection[str]) -> dict[str, float]:
    """Seconds since the message at the head of each queue was put there; 0 where none waits. Raises `redis.RedisError` when the server is away."""
    client, names = broker.client, sorted(queues)
    with client.pipeline(transaction=False) as pipe:
        pipe.time()
        for name in names:
            pipe.lindex(f"{broker.namespace}:{name}", 0)
        (whole, micro), *heads = pipe.execute()
    now = whole + micro / 1_000_000
    found = dict.fromkeys(names, 0.0)
    for name, head in zip(names, heads, strict=True):
        raw: Any = client.hget(f"{broker.namespace}:{name}.msgs", head) if head is not None else None
        if raw is not None:
            found[name] = max(0.0, now - Message.decode(raw).message_timestamp / 1000)
    return found

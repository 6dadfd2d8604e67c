"""Connections to a Redis or Valkey server: by TCP, TLS or unix socket, with time-outs, and without retries of their own.

A repeated `fetch` would strand the messages of the first one, so a command is never sent twice: it fails, and whoever called decides.
"""

from __future__ import annotations

from typing import Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

CONNECT_SECONDS: Final = 2.0
REPLY_SECONDS: Final = 5.0
HEALTH_CHECK_SECONDS: Final = 15


def connect(url: str, *, reply_seconds: float = REPLY_SECONDS) -> redis.Redis:
    """A thread-safe client for `redis://`, `rediss://` or `unix://`; connects on first use.

    Raises ValueError for any other scheme. Its commands raise `redis.RedisError` when the server is away.
    """
    pool = redis.ConnectionPool.from_url(
        url,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=reply_seconds,
        health_check_interval=HEALTH_CHECK_SECONDS,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
    )
    # It owns the pool: who closes it closes the connections.
    return redis.Redis.from_pool(pool)

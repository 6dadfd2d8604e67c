"""Places under a rate that all processes share: who asks is given the next free ones, each at its own moment, so that nobody asks twice.

Kept on the queue's server as the moment up to which places are given out (the generic cell rate algorithm, without a burst but for one second's worth). A server that is
away gives a place at once: a rate is courtesy, the provider itself refuses what is too much, and no cap hangs on it.
"""

from __future__ import annotations

import redis
import structlog
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

_RESERVE = """
local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
local step = tonumber(ARGV[1])
local burst = tonumber(ARGV[2])
local given = tonumber(redis.call('GET', KEYS[1]) or '0')
local free = math.max(given, now - burst)
local waits = {}
for one = 1, tonumber(ARGV[3]) do
  waits[one] = math.max(free - now, 0)
  free = free + step
end
redis.call('SET', KEYS[1], free, 'PX', math.ceil(math.max(free - now, 0) + burst + 1000))
return waits
"""


class Places:
    """Gives out places; safe to share between threads and processes."""

    def __init__(self, client: redis.Redis, namespace: str = "revisit") -> None:
        self._namespace = namespace
        self._reserve = client.register_script(_RESERVE)

    def __call__(self, name: str, per_second: float, number: int = 1) -> list[float]:
        """Take the next places, so many; the seconds until each. Raises ValueError for a rate of nothing."""
        if per_second <= 0:
            raise ValueError("a rate must be above nothing")
        step = 1000.0 / per_second
        burst = 1000.0 - step if per_second > 1 else 0.0
        try:
            waits = self._reserve(
                keys=[f"{self._namespace}:rate:{name}"], args=[round(step, 3), round(burst, 3), number]
            )
        except RedisError as error:
            log.warning("rate not known; the queue's server is away", error=type(error).__name__)
            return [0.0] * number
        return [float(wait) / 1000.0 for wait in waits]

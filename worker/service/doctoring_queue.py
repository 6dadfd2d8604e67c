"""The doctor's look at the queue's server: does it answer, does it keep what it is given, does a ticker live."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import redis
from redis.exceptions import RedisError, ResponseError

from worker.queue.client import connect
from worker.queue.pulse import heard
from worker.service.doctoring_words import Finding, error, skew, warning
from worker.service.readiness import LATE_SECONDS
from worker.settings import Settings, masked


def of_queue(settings: Settings, url: str | None, clock: Callable[[], float]) -> Iterator[Finding]:
    """What is wrong; `url` is None where the embedded queue does not run."""
    if url is None:
        yield error(
            "not-running", "the embedded queue does not run, so nothing is worked off", "Start it all: revisit run"
        )  # fmt: skip
        return
    client = connect(url)
    try:
        yield from _kept(client, given=settings.redis_url is not None)
        whole, micro = client.time()
        yield from skew("the queue's server", whole + micro / 1_000_000 - clock())
        age = heard(client)
        if age is None or age > LATE_SECONDS:
            since = "none was heard of" if age is None else f"the last was heard of {age:.0f} seconds ago"
            yield error(
                "ticker-silent", f"no ticker sweeps ({since}), so nothing that falls due is woken",
                "Start “revisit ticker” (“revisit run” has one); where one runs, see what it logs.",
            )  # fmt: skip
    except RedisError:
        yield error(
            "queue-away", f"the queue {masked(settings.redis_url or 'embedded')} can't be reached",
            "See whether its server runs and lets this machine in, and whether REVISIT_REDIS_URL names it rightly.",
        )  # fmt: skip
    finally:
        client.close()


def _kept(client: redis.Redis, *, given: bool) -> Iterator[Finding]:
    try:
        policy, append = _setting(client, "maxmemory-policy"), _setting(client, "appendonly")
    except ResponseError:
        # A managed server may not tell its settings.
        return
    if policy not in ("noeviction", ""):
        yield error(
            "queue-evicts", f"the queue's server throws data away when its memory is full (maxmemory-policy {policy})",
            "Set `maxmemory-policy noeviction`, and use a server of its own for the queue.",
        )  # fmt: skip
    if given and append == "no":
        yield warning(
            "queue-forgets", "the queue's server forgets everything when it restarts (appendonly no): the sweeper finds it again, half a minute later",
            "Set `appendonly yes`.",
        )  # fmt: skip


def _setting(client: redis.Redis, name: str) -> str:
    found: Any = client.config_get(name)
    return str(found.get(name, ""))

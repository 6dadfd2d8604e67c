"""The provider's rate: asked last, when the message has its claim, since a place that is taken and not used is lost to the others."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from worker.domain.gate.question import Defer

MAX_WAIT: Final = timedelta(seconds=5)
"""A place that comes sooner is waited for with the claim in hand; it fits into the claim's lease."""


def rate(now: datetime, wait: timedelta) -> Defer | None:
    """Give the claim back until the place that was reserved; None where it comes soon enough to wait for."""
    return Defer(now + wait, "rate", "the provider takes only so many at once") if wait > MAX_WAIT else None

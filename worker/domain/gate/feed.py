"""The feed: a clinic that heard nothing from its systems for too long writes no marketing, since patients may have booked or stopped meanwhile."""

from __future__ import annotations

from worker.domain.calendar import add_span
from worker.domain.gate.question import PATIENCE, Defer, Question


def feed(q: Question) -> Defer | None:
    """Wait for the systems to be heard again."""
    limit, seen = q.rules.policy.feed_max_age, q.outside.feed_seen_at
    if not q.marketing or limit is None or seen is None:
        return None
    if add_span(seen, limit, q.rules.clinic.tz) >= q.now:
        return None
    return Defer(
        q.now + PATIENCE, "feed_stale", f"nothing was heard from the clinic's systems since {q.local(seen)}"
    )

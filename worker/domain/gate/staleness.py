"""Too late: `expires` counts all lateness but that of caps and holds, which is excused for up to seven days. And an offer that is over is not made."""

from __future__ import annotations

from worker.domain.calendar import local_day
from worker.domain.gate.question import Drop, Question
from worker.domain.journey import Send


def staleness(q: Question) -> Drop | None:
    """What was due longer ago than it may be."""
    if q.now <= q.limit:
        return None
    due, limit = q.local(q.message.step_due_at), q.local(q.limit)
    return Drop("expired", f"too late: it was due on {due} and may leave until {limit}")


def offer(q: Question) -> Drop | None:
    """An offer that is over, or no longer made."""
    step = q.journey.step(q.message.step)
    name = step.action.offer if step is not None and isinstance(step.action, Send) else None
    if name is None:
        return None
    found = q.rules.offers.get(name)
    if found is None:
        return Drop("offer_over", f"the offer {name} is no longer made")
    if found.until is not None and local_day(q.now, q.rules.clinic.tz) > found.until:
        return Drop("offer_over", f"the offer {name} ended on {found.until}")
    return None

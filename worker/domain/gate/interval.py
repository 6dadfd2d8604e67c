"""The medical interval: what a journey is `about` is not offered sooner than its services may be repeated (`min_interval` in services.yaml)."""

from __future__ import annotations

from datetime import date

from worker.domain.calendar import add_days, midnight
from worker.domain.gate.question import Defer, Drop, Question


def interval(q: Question) -> Defer | Drop | None:
    """Wait until the last of the intervals is over, where that is in time; else it is too soon for good."""
    first, last = _free_from(q), q.look.today
    if first is None or first <= last:
        return None
    until = midnight(first, q.rules.clinic.tz)
    why = f"medically too soon: not again before {first}"
    return Defer(until, "interval", why) if until <= q.limit else Drop("interval", why)


def _free_from(q: Question) -> date | None:
    """The first clinic-local day on which every family that the journey is about may be treated again."""
    return max(
        (
            add_days(visit.day, service.min_interval)
            for visit in q.facts.completed
            for service in visit.services
            if visit.day is not None
            and service.family in q.journey.families
            and service.min_interval is not None
        ),
        default=None,
    )

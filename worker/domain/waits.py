"""When a step is due: a wait counted from the step before it, until a time of day, or around a fact of the patient.

Rules
1. Wall-clock times are those where the patient is. `until 10:00` at ten is now; a weekday is always the next one, strictly later.
2. A fact's time of day is kept unless the wait names one. None: there is no such fact, so there is nothing to count from.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta

from worker.domain.calendar import add_span, at_local, local_day, sub_span
from worker.domain.facts import Appointment, Facts
from worker.domain.journey import UntilClock, UntilFact, Wait


def due_of(
    wait: Wait, base: datetime, facts: Facts, now: datetime, this: Appointment | None
) -> datetime | None:
    """The UTC instant at which a step with this wait is due, counted from `base`."""
    if isinstance(wait, UntilClock):
        return _clock(wait, base, facts)
    if isinstance(wait, UntilFact):
        return _fact(wait, facts, now, this)
    return add_span(base, wait, facts.tz)


def _clock(wait: UntilClock, base: datetime, facts: Facts) -> datetime:
    day, clock = local_day(base, facts.tz), time(wait.minute // 60, wait.minute % 60)
    for offset in range(9):
        found = day + timedelta(days=offset)
        moment = at_local(found, clock, facts.tz)
        if wait.weekday is None and moment >= base:
            return moment
        if found.weekday() == wait.weekday and moment > base:
            return moment
    raise AssertionError("a week holds every weekday")


def _fact(wait: UntilFact, facts: Facts, now: datetime, this: Appointment | None) -> datetime | None:
    anchor = _anchor(wait, facts, now, this)
    if anchor is None:
        return None
    moment = (sub_span if wait.before else add_span)(anchor, wait.span, facts.tz)
    if wait.minute is None:
        return moment
    return at_local(local_day(moment, facts.tz), time(wait.minute // 60, wait.minute % 60), facts.tz)


def _anchor(wait: UntilFact, facts: Facts, now: datetime, this: Appointment | None) -> datetime | None:
    if wait.fact == "this":
        return this.starts_at if this is not None else None
    if wait.fact == "next_booking":
        ahead = facts.bookings_from(local_day(now, facts.clinic.tz))
        return next((booking.starts_at for booking in ahead if wait.of.fits(booking)), None)
    came = [visit for visit in facts.completed if wait.of.fits(visit)]
    if not came:
        return None
    return (came[0] if wait.fact == "first_visit" else came[-1]).starts_at

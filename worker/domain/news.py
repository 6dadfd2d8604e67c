"""What of an event is new: it may be told late, twice, or corrected, and only what it changes starts anything."""

from __future__ import annotations

from datetime import datetime

from worker.domain.events import APPOINTMENT_STATUS, Event
from worker.domain.facts import Appointment
from worker.domain.journey import Journey
from worker.domain.ledger import parse_instant


def fact_time(event: Event) -> datetime:
    """When what an event tells was so: the older of its time and, for a completed visit, its start."""
    if event.type == "visit.completed" and event.data.get("starts_at"):
        return min(event.time, parse_instant(event.data["starts_at"]))
    return event.time


def is_news(event: Event, before: Appointment | None, after: Appointment | None) -> bool:
    """Whether it changed its appointment's status or, for a reschedule, its start; an event of no appointment always is."""
    if event.type not in APPOINTMENT_STATUS:
        return True
    if after is None:
        return event.type == "visit.voided" and before is not None
    if event.type == "booking.rescheduled":
        return after.status == "booked" and (before is None or before.starts_at != after.starts_at)
    return after.status == APPOINTMENT_STATUS[event.type] and (
        before is None or before.status != after.status
    )


def fits_now(journey: Journey, news: bool, before: Appointment | None, after: Appointment | None) -> bool:
    """Whether an event is news to a journey: of the appointment, or because a correction made the appointment one that it is about."""
    of = journey.start.of
    if after is None:
        return news
    return of.fits(after) and (
        news or (before is not None and before.status == after.status and not of.fits(before))
    )


def touched(fact_at: datetime, before: Appointment | None, after: Appointment | None) -> datetime:
    """From when on what was known is different: a correction that takes a visit away reaches back to that visit."""
    if (
        before is None
        or before.status != "completed"
        or before.starts_at is None
        or (after is not None and after.status == "completed" and after.day == before.day)
    ):
        return fact_at
    return min(fact_at, before.starts_at)

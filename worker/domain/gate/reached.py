"""The goal: a message whose aim was reached, or that a booking makes pointless, is not sent."""

from __future__ import annotations

from worker.domain.gate.question import Drop, Question


def reached(q: Question) -> Drop | None:
    """The run has reached its goal; or the patient has a booking that the goal asks for, other than the one that started the run."""
    if q.run is not None and q.run.outcome in ("goal", "goal_late"):
        return Drop("goal", f"its goal is reached: {q.run.reason}")
    goal = q.journey.goal
    if goal is None:
        return None
    this = q.look.this.id if q.look.this else None
    for heard in goal.heard:
        if heard.type not in ("booking.created", "visit.completed"):
            continue
        for booking in q.facts.bookings_from(q.look.today):
            if booking.id != this and heard.of.fits(booking):
                return Drop("rebooked", f"the patient has a booking on {booking.day}")
    return None

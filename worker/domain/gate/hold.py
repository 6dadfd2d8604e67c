"""A hold: do not write to this patient for now. The wait is excused; what a hold outlasts by more than a week is too late, and told so by staleness."""

from __future__ import annotations

from datetime import timedelta

from worker.domain.gate.question import Defer, Question


def hold(q: Question) -> Defer | None:
    """Wait for the hold's end, and ask again at least daily, since it may be lifted."""
    found = q.facts.hold_at(q.now)
    if found is None or q.now > q.limit:
        return None
    tomorrow = q.now + timedelta(days=1)
    until = tomorrow if found.until is None else min(found.until, tomorrow)
    return Defer(until, "hold", f"on hold: {found.reason}", excused=True)

"""Quiet hours where the patient is: the policy's, the journey's own, and for marketing the law's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

from worker.domain.calendar import Window, next_closed, next_open
from worker.domain.facts import Facts
from worker.domain.gate.question import Defer, Drop, Question
from worker.domain.journey import Journey
from worker.domain.rules import Rules


def hours(q: Question) -> Defer | Drop | None:
    """Wait for the next open moment; where there is none, it never leaves."""
    opening = first_moment(q.rules, q.facts, q.journey, q.now)
    if opening > q.now:
        return Defer(opening, "quiet_hours", f"quiet hours until {q.local(opening)}")
    if next_open(q.now, q.facts.tz, _closed(q.rules, q.facts, q.journey)) is None:
        return Drop("never_open", "quiet hours leave no moment open within 40 days")
    return None


def first_moment(rules: Rules, facts: Facts, journey: Journey, due: datetime) -> datetime:
    """The first moment at or after `due` that quiet hours and the journey's own hours leave open; `due` where there is none within 40 days."""
    return next_open(due, facts.tz, _closed(rules, facts, journey)) or due


def stays_open(q: Question, within: timedelta) -> timedelta | None:
    """How long what leaves now may be under way: until quiet hours begin or it is too late; None where neither comes `within`.

    A provider may keep a message in its queue for hours, and would deliver it at night.
    """
    closing = next_closed(q.now, q.facts.tz, _closed(q.rules, q.facts, q.journey), within=within)
    end = min(filter(None, (closing, q.limit)))
    return end - q.now if end - q.now < within else None


def _closed(rules: Rules, facts: Facts, journey: Journey) -> Callable[[date], list[Window]]:
    own = rules.policy.closed(journey.purpose, rules.clinic.closed, journey.send_between, journey.send_on)
    if journey.purpose != "marketing":
        return own
    law = rules.law(facts)
    return lambda day: [*own(day), *law.closed(day)]

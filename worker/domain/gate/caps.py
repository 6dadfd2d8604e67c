"""Frequency caps, per patient and per address; and who goes first where only one of several messages fits under them.

Both are asked over the same places. A message for which there is no place once those of more urgent journeys have left waits as if they had: so two journeys that want
one patient are decided alike in whatever order they are asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from worker.domain.calendar import local_day, midnight
from worker.domain.gate.hours import first_moment
from worker.domain.gate.question import Defer, DeferCode, Go, Question
from worker.domain.history import Contact


def priority(q: Question, go: Go) -> Defer | None:
    """Another message of this patient goes first, and leaves no place."""
    if not q.ahead or _full(q, go, q.contacts) is not None:
        return None
    return _wait(
        q, _full(q, go, (*q.contacts, *q.ahead)), "priority", f"{q.ahead[0].journey} goes first, and "
    )


def caps(q: Question, go: Go) -> Defer | None:
    """The patient, or the address, has had as many as may be."""
    return _wait(q, _full(q, go, q.contacts), "cap", "")


def _full(q: Question, go: Go, contacts: Sequence[Contact]) -> tuple[date, str] | None:
    """The first patient-local day with a place, and the cap that says so; None where there is a place today."""
    limits = (
        *q.rules.policy.caps.get(q.message.purpose, ()),
        *(q.rules.law(q.facts).caps if q.marketing else ()),
    )
    if go.rehearsal or not limits:
        return None
    tz = q.facts.tz
    today = local_day(q.now, tz)
    mine = [c for c in contacts if c.purpose == q.message.purpose]
    # What was sent to a record that has become part of this one was sent to this patient.
    same = {q.message.patient, *q.facts.ledger["merged"]}
    groups = (
        ("patient", [local_day(c.at, tz) for c in mine if c.patient in same]),
        (
            "address",
            [local_day(c.at, tz) for c in mine if (c.channel, c.address) == (go.channel, go.address)],
        ),
    )
    latest, said = today, ""
    for who, days in groups:
        for cap in limits:
            free = cap.free_from(days, today)
            if free > latest:
                latest, said = free, f"no more than {cap} to one {who}"
    return (latest, said) if said else None


def _wait(q: Question, full: tuple[date, str] | None, code: DeferCode, before: str) -> Defer | None:
    if full is None:
        return None
    day, said = full
    # The whole wait is the cap's doing, so the hours until the next open moment are excused with it.
    opening = first_moment(q.rules, q.facts, q.journey, midnight(day, q.facts.tz))
    return Defer(opening, code, f"{before}{said}", excused=True)

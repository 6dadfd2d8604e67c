"""The blast limit: more marketing in a day than the policy expects is a mistake until a person says that it is none."""

from __future__ import annotations

from datetime import datetime

from worker.domain.gate.question import PATIENCE, Defer, Go, Question


def blast(q: Question, go: Go) -> Defer | None:
    """Wait, where as many left today as may; who acts on it pauses the journey and tells the staff."""
    found = q.outside.blast
    if found is None or go.rehearsal or found.sent < found.limit:
        return None
    return over(q.now, q.message.purpose, found.limit)


def over(now: datetime, purpose: str, limit: int) -> Defer:
    """The answer where the limit is reached."""
    why = f"{limit} {purpose} messages have left today, and no more may without a person's word"
    return Defer(now + PATIENCE, "blast_limit", why)

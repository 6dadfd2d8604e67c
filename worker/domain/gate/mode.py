"""The mode: rehearsal keeps everything in, an allow list all but a few addresses; and live marketing waits until patients can open our links."""

from __future__ import annotations

from worker.domain.clinic import Clinic
from worker.domain.gate.question import PATIENCE, Defer, Question


def kept_in(clinic: Clinic, address: str) -> bool:
    """Whether the mode lets nothing leave for that address: it is rendered and shown, and counts nowhere."""
    return clinic.mode == "rehearsal" or (clinic.mode == "allow_list" and address not in clinic.allow_list)


def door(q: Question) -> Defer | None:
    """Whoever is written to must be able to unsubscribe: no live marketing while our public address does not answer."""
    if not q.marketing or q.rules.clinic.mode != "live" or not q.outside.door or q.now > q.limit:
        return None
    return Defer(q.now + PATIENCE, "no_public_url", q.outside.door)

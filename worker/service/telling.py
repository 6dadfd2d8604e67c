"""Events that Revisit raises itself about a patient, because a provider or the patient told it something.

Rules
1. An event's id is a digest of what told it and of whom, so that whatever is told twice is one event for ever.
2. Leave that is taken back counts at once: the event is never older than the leave, whatever the clock of the system that told of it said. In the same way leave that is
   given anew is younger than what took it back, and a hold is younger than the release before it.
3. Of a patient who asked to be forgotten nothing is told any more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from worker.domain.events import Event
from worker.domain.ledger import parse_instant
from worker.domain.patient import Patient
from worker.store.outbox import Row

JUST_AFTER: Final = timedelta(microseconds=1)


def event_of(
    kind: str, source: str, clinic: str, patient: str, told_by: str, at: datetime, data: Mapping[str, Any]
) -> Event:
    """An event about a patient. `told_by` names what told it, such as a provider's key of its report."""
    named = f"{clinic}\n{source}\n{kind}\n{patient}\n{told_by}"
    digest = hashlib.sha256(named.encode()).hexdigest()[:32]
    return Event(digest, source, kind, patient, at, data)


def link_event(
    kind: Literal["link.clicked", "link.answered"],
    source: str,
    row: Row,
    what: str,
    at: datetime,
    **said: str,
) -> Event:
    """What was done with a link of a message; `what` names it among those of the same message, which raise each one event for ever."""
    message = row.message
    data = {
        "enrollment": message.enrollment, "journey": message.journey, "step": message.step, "message": row.id, "channel": message.channel, **said,
    }  # fmt: skip
    digest = hashlib.sha256(f"{row.clinic} {row.id} {what}".encode()).hexdigest()[:32]
    return Event(digest, source, kind, message.patient, at, data)


def consent_event(
    action: Literal["granted", "revoked"],
    source: str,
    clinic: str,
    patient: Patient,
    told_by: str,
    now: datetime,
    *,
    channel: str,
    said_by: str,
    text_hash: str | None = None,
) -> Event:
    """Leave for marketing on a channel, given or taken back explicitly. `said_by` is where it was said, `told_by` the evidence."""
    data = {
        "channel": channel, "purpose": "marketing", "basis": "explicit", "source": said_by, "evidence": told_by,
        **({"text_hash": text_hash} if text_hash is not None else {}),
    }  # fmt: skip
    before = ("granted",) if action == "revoked" else ("revoked", "unlisted")
    last = last_told(patient.ledger["consent"], channel, "marketing", before)
    at = (
        now
        if not last
        else max(now, parse_instant(last) + (timedelta() if action == "revoked" else JUST_AFTER))
    )
    return event_of(f"consent.{action}", source, clinic, patient.id, told_by, at, data)


def hold_event(source: str, clinic: str, patient: Patient, told_by: str, now: datetime, reason: str) -> Event:
    """A hold without an end: nothing is written to the patient until somebody releases it."""
    released = patient.ledger["holds"].get("patient.released")
    at = max(now, parse_instant(released["stamp"][0]) + JUST_AFTER) if released else now
    return event_of("patient.held", source, clinic, patient.id, told_by, at, {"reason": reason})


def forgotten(patient: Patient) -> bool:
    """Whether the patient asked to be forgotten."""
    return bool(patient.ledger.get("erased"))


def last_told(consent: Mapping[str, Any], channel: str, purpose: str, kinds: Collection[str]) -> str:
    """When evidence of one of these kinds was last given, as the ledger spells moments; "" where there was none."""
    prefixes = tuple(f"{channel} {purpose} {kind} " for kind in kinds)
    return max((entry["stamp"][0] for key, entry in consent.items() if key.startswith(prefixes)), default="")

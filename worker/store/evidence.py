"""Evidence of consent and of holds: one row for each thing that an event told, kept for ever and never changed.

It proves; it does not decide. What a patient allows is computed from the ledger.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Connection

from worker.domain.events import CHANNELS, PURPOSES, Event
from worker.store.schema import consents, holds
from worker.store.sql import add


def evidence(conn: Connection, clinic: str, told: Iterable[tuple[str, Event]]) -> None:
    """Keep what these events, each told of a patient, say of consent and holds; a whole batch at once."""
    pairs = list(told)
    add(conn, consents, [row for patient, event in pairs for row in _consents(clinic, patient, event)])
    add(
        conn,
        holds,
        [
            _hold(clinic, patient, event)
            for patient, event in pairs
            if event.type in ("patient.held", "patient.released")
        ],
    )


def _consents(clinic: str, patient: str, event: Event) -> Iterator[dict[str, Any]]:
    whole = {
        "clinic_id": clinic,
        "patient_id": patient,
        "at": event.time,
        "event_source": event.source,
        "event_id": event.id,
    }
    if event.type in ("consent.granted", "consent.revoked"):
        given = {
            name: event.data.get(name)
            for name in ("channel", "purpose", "basis", "source", "text_hash", "evidence")
        }
        yield {**whole, **given, "action": event.type.removeprefix("consent.")}
    record = (event.data.get("patient") or {}).get("consent") or {}
    for channel in CHANNELS:
        listed = record.get(channel)
        if listed is None:
            continue
        for purpose in PURPOSES:
            action = "listed" if purpose in listed else "unlisted"
            nothing = dict.fromkeys(("source", "text_hash", "evidence"))
            yield {
                **whole,
                **nothing,
                "channel": channel,
                "purpose": purpose,
                "action": action,
                "basis": "record",
            }


def _hold(clinic: str, patient: str, event: Event) -> dict[str, Any]:
    return {
        "clinic_id": clinic, "patient_id": patient, "action": event.type.removeprefix("patient."), "reason": event.data.get("reason") or "",
        "until": event.data.get("until"), "at": event.time,
    }  # fmt: skip

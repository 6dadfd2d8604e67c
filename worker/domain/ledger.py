"""The ledger: what a patient's events last told, in a form that does not depend on the order in which they came.

Rules
1. Every entry carries the stamp of the event that told it; the greatest stamp wins. Folding is therefore commutative, associative and idempotent.
2. An appointment is what its greatest `(version, time, id)` says; a missing version is 0. A field that this event leaves out is what the greatest event says that gives it.
3. `told` keeps when an appointment was first told to be completed, booked, cancelled…: what once happened stays so, whatever it became later.
4. A profile field is what the latest `(time, id)` says that gives it. Tags of a vendor are one such field; tags of Revisit's own stand apart (`own_tags`).
5. Consent keeps, per channel and purpose and per origin, the latest of each kind of evidence (`facts.consent` weighs them).
6. An erased patient's ledger is a tombstone: nothing that comes later, or comes late, is kept.
7. Merging is the union; evidence keeps the patient that it came from.

The ledger is plain JSON, so that what is stored is what is computed with.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from worker.domain.events import APPOINTMENT_STATUS, CHANNELS, PURPOSES, Event

Ledger = dict[str, Any]
Stamp = list[Any]

_APPOINTMENT_FIELDS = (
    "starts_at",
    "services",
    "location",
    "practitioner",
    "net",
    "cancelled_by",
    "referred_by",
)
PROFILE_FIELDS = (
    "first_name",
    "last_name",
    "phone",
    "email",
    "date_of_birth",
    "language",
    "timezone",
    "tags",
)


def empty() -> Ledger:
    """The ledger of a patient of whom nothing is known."""
    return {
        "appointments": {},
        "told": {},
        "refunds": {},
        "profile": {},
        "consent": {},
        "holds": {},
        "own_tags": {},
        "merged": {},
    }


def instant(value: datetime) -> str:
    """An instant as the ledger keeps it: UTC, fixed width, so that text order is time order."""
    return value.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def parse_instant(text: str) -> datetime:
    """The instant of any ISO 8601 text with offset."""
    return datetime.fromisoformat(text)


def fold(ledger: Ledger, event: Event) -> Ledger:
    """The ledger after one more event; the argument is not changed. An event that adds nothing gives an equal ledger."""
    told = instant(event.time)
    if ledger.get("erased"):
        return {**ledger, "erased": min(told, ledger["erased"])} if event.type == "patient.erased" else ledger
    stamp: Stamp = [told, event.id, event.source]
    if event.type == "patient.erased":
        return {**empty(), "erased": told}
    new = {key: dict(value) if isinstance(value, dict) else value for key, value in ledger.items()}
    if event.type in APPOINTMENT_STATUS:
        _appointment(new, event, stamp)
    elif event.type == "payment.refunded":
        key = f"{event.source} {event.id}"
        new["refunds"][key] = {
            "appointment": event.data["appointment_id"],
            "net": event.data["net"],
            "at": told,
        }
    elif event.type == "patient.deceased":
        new["deceased"] = min(told, str(new.get("deceased", told)))
    elif event.type in ("patient.held", "patient.released"):
        _greatest(
            new["holds"],
            event.type,
            {"stamp": stamp, **{k: event.data[k] for k in ("reason", "until") if event.data.get(k)}},
        )
    elif event.type in ("consent.granted", "consent.revoked"):
        kind = event.type.removeprefix("consent.")
        _evidence(
            new,
            event.subject,
            event.data["channel"],
            event.data["purpose"],
            kind,
            stamp,
            event.data.get("basis"),
        )
    patient = event.data.get("patient")
    if patient:
        _profile(new, event.subject, patient, stamp)
    return new


def union(survivor: Ledger, other: Ledger, *, alias: str, at: datetime) -> Ledger:
    """The ledger of two patients who are one. `alias` is the id that gives way, `at` the time of the merge."""
    if survivor.get("erased") or other.get("erased"):
        return {**empty(), "erased": min(filter(None, (survivor.get("erased"), other.get("erased"))))}
    new = {key: dict(value) if isinstance(value, dict) else value for key, value in survivor.items()}
    for key, records in other["appointments"].items():
        new["appointments"][key] = _compact([*new["appointments"].get(key, []), *records])
    for key, told in other["told"].items():
        mine = new["told"].get(key, {})
        new["told"][key] = {
            kind: min(mine.get(kind, stamp), stamp) for kind, stamp in {**mine, **told}.items()
        }
    new["refunds"].update(other["refunds"])
    for part in ("profile", "holds", "consent", "own_tags"):
        for key, entry in other[part].items():
            _greatest(new[part], key, entry)
    new["merged"] = {**other["merged"], **new["merged"], alias: instant(at)}
    if other.get("deceased"):
        new["deceased"] = min(other["deceased"], new.get("deceased", other["deceased"]))
    return new


def tag(ledger: Ledger, name: str, on: bool, at: datetime, by: str) -> Ledger:
    """The ledger after one of Revisit's own tags was set or taken away."""
    new = {**ledger, "own_tags": dict(ledger["own_tags"])}
    _greatest(new["own_tags"], name, {"stamp": [instant(at), by, ""], "on": on})
    return new


def changed(before: Ledger, after: Ledger) -> frozenset[str]:
    """The parts that differ: the statuses (old and new) of appointments of which something else is told, `refunds`, `profile` (own tags included), `consent` (merges included)."""
    if before is after:
        return frozenset()
    found: set[str] = set()
    old, new = before["appointments"], after["appointments"]
    for key, records in new.items():
        known = old.get(key)
        if known is not records and known != records:
            found.update(each[0]["status"] for each in (known, records) if each)
    found.update(old[key][0]["status"] for key in old.keys() - new.keys())
    for part, names in _PARTS.items():
        if any(before[name] != after[name] for name in names):
            found.add(part)
    return frozenset(found)


_PARTS = {"refunds": ("refunds",), "profile": ("profile", "own_tags"), "consent": ("consent", "merged")}


def _appointment(ledger: Ledger, event: Event, stamp: Stamp) -> None:
    data = event.data
    record: dict[str, Any] = {
        "stamp": [int(data.get("version") or 0), *stamp],
        "status": APPOINTMENT_STATUS[event.type],
        "since": stamp[0],
    }
    for name in _APPOINTMENT_FIELDS:
        if data.get(name) is not None:
            record[name] = data[name]
    if event.type == "visit.completed":
        record.setdefault("starts_at", event.time.isoformat())
    key = data["appointment_id"]
    ledger["appointments"][key] = _compact([*ledger["appointments"].get(key, []), record])
    told = dict(ledger["told"].get(key, {}))
    told[event.type] = min(stamp, told.get(event.type, stamp))
    ledger["told"][key] = told


def _compact(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Greatest first; a record that adds no field is dropped, its `since` is kept. So a vendor's thousandth update costs nothing."""
    if len(records) == 1:
        return records
    ordered = sorted(records, key=lambda record: record["stamp"], reverse=True)
    since = min(record["since"] for record in ordered)
    kept: list[dict[str, Any]] = []
    given: set[str] = set()
    for record in ordered:
        fields = {name for name in _APPOINTMENT_FIELDS if name in record}
        if not kept or fields - given:
            kept.append({**record, "since": since})
            given |= fields
    return kept


def _profile(ledger: Ledger, subject: str, patient: Mapping[str, Any], stamp: Stamp) -> None:
    for name in PROFILE_FIELDS:
        if name in patient:
            _greatest(ledger["profile"], name, {"stamp": stamp, "value": patient[name]})
    for channel, purposes in (patient.get("consent") or {}).items():
        if channel not in CHANNELS or purposes is None:
            continue
        for purpose in PURPOSES:
            _evidence(
                ledger,
                subject,
                channel,
                purpose,
                "listed" if purpose in purposes else "unlisted",
                stamp,
                "record",
            )


def _evidence(
    ledger: Ledger, origin: str, channel: str, purpose: str, kind: str, stamp: Stamp, basis: str | None
) -> None:
    _greatest(
        ledger["consent"],
        f"{channel} {purpose} {kind} {origin}",
        {"stamp": stamp, "basis": basis, "origin": origin},
    )


def _greatest(entries: dict[str, Any], key: str, entry: dict[str, Any]) -> None:
    held = entries.get(key)
    if held is None or entry["stamp"] > held["stamp"]:
        entries[key] = entry

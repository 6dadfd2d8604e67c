"""Rows of appointments as events.

Rules
1. What happened is said by a flag's column, else by the status, else the appointment is booked. A status that the mapping does not know refuses its row.
2. A booking whose day was over when the export was made, and that nobody closed, is what `past_booked_means` says.
3. A treatment is a service by the mapping's table, else by the code or name of services.yaml; else it is kept as it is written, without a family, and told in the report.
4. What came about when: a visit and a missed booking at the appointment's end (its start, where there is none), a cancellation and a booking when they were made, if a column says when.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from worker.domain.calendar import local_day
from worker.intake.sources.amounts import NotAnAmount, amount_of
from worker.intake.sources.moments import NotAMoment, moment_on
from worker.intake.sources.people import made_id, patient_of, person_of
from worker.intake.sources.reading import Fields, Refused, Told, digest_of, hashed
from worker.workspace.sources import FLAGS, folded

EVENTS: Final[Mapping[str, str]] = {
    "completed": "visit.completed",
    "booked": "booking.created",
    "cancelled": "booking.cancelled",
    "no_show": "booking.no_show",
    "voided": "visit.voided",
}
LONGEST: Final = timedelta(hours=24)


def appointment_told(row: Fields) -> Told | None:
    """What a row says of an appointment; None where it is none of a patient's. Raises Refused."""
    sheet = row.context.sheet
    means, by = _meaning(row)
    if means == "left_out":
        row.context.notes.counts["left out by status"] += 1
        return None
    starts = _starts(row, means)
    subject = patient_of(row, "patient", sheet.patient_from)
    key = row.text("id") or (made_id(row, sheet.id_from, subject) if sheet.id_from else row.needed("id"))
    exported = row.moment("exported_at") or row.context.exported
    if means == "booked" and starts is not None and _over(row, starts, exported):
        row.context.notes.counts[f"never closed, {sheet.past_booked_means}"] += 1
        means = {"unknown": "booked"}.get(sheet.past_booked_means, sheet.past_booked_means)
    kind = EVENTS[means]
    data: dict[str, Any] = {"appointment_id": key}
    if starts is not None:
        data["starts_at"] = starts.isoformat()
    services = _services(row)
    if services:
        data["services"] = services
    data |= _amount(row)
    for name in ("location", "practitioner", "referred_by"):
        if row.text(name):
            data[name] = row.text(name)
    if by:
        data["cancelled_by"] = by
    data |= _version(row)
    person = person_of(row)
    if person:
        data["patient"] = person
    own = row.moment("updated_at")
    return Told(
        thing=hashed("appointment", key),
        digest=digest_of(kind, subject, {**data, "own": own}),
        type=kind,
        subject=subject,
        data=data,
        own=own,
        natural=_natural(row, means, starts),
        starts=starts,
    )


def joined(told: Sequence[Told]) -> Told:
    """Rows of one appointment as one: all its services, its amounts added."""
    first = told[0]
    if len(told) == 1:
        return first
    data = dict(first.data)
    services = [service for one in told for service in one.data.get("services", ())]
    if services:
        data["services"] = list({service["code"]: service for service in services}.values())
    amounts = [one.data["net"] for one in told if "net" in one.data]
    if amounts and len({amount["currency"] for amount in amounts}) == 1:
        data["net"] = {
            "minor": sum(amount["minor"] for amount in amounts),
            "currency": amounts[0]["currency"],
        }
    own = max((one.own for one in told if one.own is not None), default=None)
    digest = digest_of(first.type, first.subject, {**data, "own": own})
    return replace(first, data=data, digest=digest, own=own)


def same_appointment(one: Told, other: Told) -> bool:
    """Whether two rows are services of one appointment: same appointment, patient, start and status."""
    return (one.thing, one.subject, one.type, one.starts) == (
        other.thing,
        other.subject,
        other.type,
        other.starts,
    )


def _meaning(row: Fields) -> tuple[str, str]:
    """What a row means, and who cancelled."""
    if row.means is not None:
        return _by_whom(row.means)
    for flag in FLAGS["appointments"]:
        if row.flag(flag):
            return flag, ""
    sheet = row.context.sheet
    if not row.has("status"):
        return "booked", ""
    said = folded(row.text("status"))
    means = sheet.statuses.get(said) if said else sheet.empty
    means = means or sheet.otherwise
    if means is None:
        row.context.notes.counts["unknown status"] += 1
        raise Refused(
            f"{row.column('status')}: `{row.text('status')[:40]}` is not in the mapping's `statuses`"
            if said
            else f"{row.column('status')} is empty, and the mapping's `statuses` has no `empty`"
        )
    return _by_whom(means)


def _by_whom(means: str) -> tuple[str, str]:
    if means.startswith("cancelled_by_"):
        return "cancelled", means.removeprefix("cancelled_by_")
    return means, ""


def _starts(row: Fields, means: str) -> datetime | None:
    """The start; None where none is told of, and what the row tells has one already."""
    if (
        row.spoken
        and means not in ("booked", "completed")
        and not (row.text("starts_at") or row.text("date"))
    ):
        return None
    if row.text("starts_at") or (not row.text("date") and (row.has("starts_at") or not row.has("date"))):
        row.needed("starts_at")
        found = row.moment("starts_at")
    else:
        row.needed("date")
        try:
            found = moment_on(
                row.text("date"), row.text("time"), row.context.sheet.form.date_order, row.context.zone
            )
        except NotAMoment as error:
            raise Refused(f"{row.column('date')} with {row.column('time')}: {error}") from error
    if found is None:
        raise Refused(f"{row.column('starts_at')} is empty")
    return found


def _over(row: Fields, starts: datetime, exported: datetime) -> bool:
    tz = row.context.clinic.tz
    return local_day(starts, tz) < local_day(exported, tz)


def _natural(row: Fields, means: str, starts: datetime | None) -> datetime | None:
    if means in ("completed", "no_show"):
        if starts is None:
            return None
        ends = row.moment("ends_at")
        return ends if ends is not None and starts <= ends <= starts + LONGEST else starts
    if means == "cancelled":
        return row.moment("cancelled_at")
    return row.moment("created_at")


def _services(row: Fields) -> list[dict[str, str]]:
    text, sheet = row.text("service"), row.context.sheet
    if not text:
        return []
    between = sheet.services_between
    names = [name.strip() for name in text.split(between)] if between else [text]
    codes = [_code(row, name) for name in names if name]
    return [{"code": code} for code in dict.fromkeys(codes)]


def _code(row: Fields, name: str) -> str:
    known = row.context.codes.get(folded(name))
    if known is not None:
        return known
    plain = " ".join(name.split())[:200]
    row.context.notes.services[plain] += 1
    return plain


def _amount(row: Fields) -> dict[str, Any]:
    text = row.text("net")
    if not text:
        return {}
    currency = row.text("currency").upper() or row.context.clinic.currency
    try:
        minor, found = amount_of(text, row.context.sheet.form.decimal, currency)
    except NotAnAmount as error:
        raise Refused(f"{row.column('net')}: {error}") from error
    return {"net": {"minor": minor, "currency": found}}


def _version(row: Fields) -> dict[str, int]:
    text = row.text("version")
    if not text:
        return {}
    if not text.isdigit() or len(text) > 18:
        raise Refused(f"{row.column('version')}: `{text[:40]}` is not a whole number")
    return {"version": int(text)}

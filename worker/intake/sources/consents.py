"""A row of consents as an event: `consent.granted` or `consent.revoked`. Words of the system are translated by the mapping's `words`; what no column says is in `always`."""

from __future__ import annotations

from typing import Any, Final

from worker.intake.sources.people import patient_of, person_of
from worker.intake.sources.reading import NO, YES, Fields, Refused, Told, digest_of, hashed
from worker.workspace.sources import folded
from worker.workspace.sources_table import WORDS

_COMMON: Final = {
    "channel": {"text": "sms", "text message": "sms", "mobile": "sms", "mail": "email", "e-mail": "email"},
    "decision": {
        "given": "granted", "opted in": "granted", "opt in": "granted", "withdrawn": "revoked", "opted out": "revoked", "opt out": "revoked",
    },
}  # fmt: skip


def consent_told(row: Fields) -> Told:
    """What a row says of a consent. Raises Refused."""
    subject = patient_of(row, "patient", row.context.sheet.patient_from)
    channel = _word(row, "channel")
    purpose = _word(row, "purpose", "marketing")
    decision = row.means or _word(row, "decision")
    data: dict[str, Any] = {"channel": channel, "purpose": purpose}
    basis = _word(row, "basis", "")
    if basis:
        data["basis"] = basis
    for field, name in (("origin", "source"), ("text", "text"), ("evidence", "evidence")):
        if row.text(field):
            data[name] = row.text(field)
    person = person_of(row)
    if person:
        data["patient"] = person
    at = row.moment("at")
    kind = f"consent.{decision}"
    return Told(
        thing=hashed("consent", subject, channel, purpose),
        digest=digest_of(kind, subject, {**data, "own": at}),
        type=kind,
        subject=subject,
        data=data,
        own=at,
        natural=None,
    )


def _word(row: Fields, name: str, default: str | None = None) -> str:
    sheet, known = row.context.sheet, WORDS[name]
    said = folded(row.text(name))
    if not said:
        found = sheet.always.get(name, default)
        if found is None:
            raise Refused(f"{row.column(name)} is empty")
        return found
    found = sheet.words.get(name, {}).get(said) or _COMMON.get(name, {}).get(said)
    if found is None and name == "decision":
        found = "granted" if said in YES | sheet.yes else "revoked" if said in NO | sheet.no else None
    if found is None and said in known:
        found = said
    if found is None:
        raise Refused(f"{row.column(name)}: `{row.text(name)[:40]}` is not in the mapping's `words`")
    return found

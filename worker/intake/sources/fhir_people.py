"""A Patient of FHIR R4 as fields of a person; the rules are in `fhir`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from worker.intake.sources.messages import text_of
from worker.intake.sources.moments import NotAMoment, moment_of
from worker.intake.sources.reading import Refused
from worker.workspace.paths import found_at

_NAMES: Final = ("usual", "official", "", "nickname", "anonymous", "temp")
"""Uses of a name, the likeliest to be called by first. Others are past."""
_LAST: Final = 2**31
_PARTIAL: Final = frozenset({len("2026"), len("2026-11"), len("2026-11-23")})


def person_cells(patient: Mapping[str, Any], now: datetime) -> dict[str, tuple[str, str]]:
    """The fields of a patient: for each a path within the resource, and a text."""
    phone = _telecom(patient, ("phone", "sms"), now)
    email = _telecom(patient, ("email",), now)
    name = _name(patient, now)
    cells = {
        "id": ("id", text_of(patient.get("id"), "id")),
        "first_name": ("name.given", _text(name, "given[]") or _text(name, "text")),
        "last_name": ("name.family", _text(name, "family")),
        "phone": ("telecom", phone),
        "email": ("telecom", email),
        "date_of_birth": ("birthDate", _text(patient, "birthDate")),
        "language": ("communication", _language(patient)),
        "flag:deceased": ("deceased", _deceased(patient)),
        "flag:gone": ("active", "yes" if patient.get("active") is False else ""),
    }
    return {field: cell for field, cell in cells.items() if cell[1] or field == "id"}


def replaced_by(patient: Mapping[str, Any], ids: Mapping[str, str]) -> str:
    """The id of the patient who this one is, by a link `replaced-by`; "" where there is none. Raises Refused for a link that leads nowhere."""
    for link in _items(patient, "link"):
        if link.get("type") == "replaced-by":
            found = next((into for one in found_at(link, "other.reference") if (into := referred(one, "Patient", ids))), "")  # fmt: skip
            if not found:
                raise Refused("field `Patient.link` is `replaced-by`, and names no Patient by its id")
            return found
    return ""


def referred(value: Any, kind: str, ids: Mapping[str, str]) -> str:
    """The id that a reference leads to: `Patient/7`, an address that ends so, or what a Bundle calls it; "" where it is of another kind."""
    if not isinstance(value, str):
        return ""
    if value.startswith("urn:"):
        return ids.get(value, "")
    parts = value.partition("/_history/")[0].split("/")
    return parts[-1] if len(parts) > 1 and parts[-2] == kind else ""


def _telecom(patient: Mapping[str, Any], systems: Sequence[str], now: datetime) -> str:
    """The first address of these systems that is in use."""
    told = [
        one
        for one in _items(patient, "telecom")
        if one.get("system") in systems and one.get("use") != "old" and one.get("value") and _in_use(one, now)
    ]
    found = min(told, key=_order, default=None)
    return text_of(found["value"], "telecom.value") if found is not None else ""


def _order(telecom: Mapping[str, Any]) -> tuple[bool, int]:
    mobile = telecom.get("use") == "mobile" or telecom.get("system") == "sms"
    rank = telecom.get("rank")
    return not mobile, rank if isinstance(rank, int) and rank > 0 else _LAST


def _name(patient: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
    names = [one for one in _items(patient, "name") if one.get("use", "") in _NAMES and _in_use(one, now)]
    return min(names, key=lambda one: _NAMES.index(one.get("use", "")), default={})


def _language(patient: Mapping[str, Any]) -> str:
    spoken = sorted(_items(patient, "communication"), key=lambda one: one.get("preferred") is not True)
    found = spoken[0] if spoken else {}
    return _text(found, "language.coding[].code") or _text(found, "language.text")


def _deceased(patient: Mapping[str, Any]) -> str:
    return "yes" if patient.get("deceasedBoolean") is True or patient.get("deceasedDateTime") else ""


def _in_use(one: Mapping[str, Any], now: datetime) -> bool:
    return not _passed(_text(one, "period.end"), now) and not _ahead(_text(one, "period.start"), now)


def _passed(text: str, now: datetime) -> bool:
    """Whether a year, month, day or moment is over; the first three count to their end. What cannot be read has no end."""
    if len(text) in _PARTIAL:
        return text < now.date().isoformat()[: len(text)]
    moment = _moment(text)
    return moment is not None and moment < now


def _ahead(text: str, now: datetime) -> bool:
    if len(text) in _PARTIAL:
        return text > now.date().isoformat()[: len(text)]
    moment = _moment(text)
    return moment is not None and moment > now


def _moment(text: str) -> datetime | None:
    try:
        return moment_of(text, "ymd", UTC) if text else None
    except NotAMoment:
        return None


def _items(resource: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    return (one for one in found_at(resource, f"{name}[]") if isinstance(one, dict))


def _text(resource: Mapping[str, Any], path: str) -> str:
    return next((text for value in found_at(resource, path) if (text := text_of(value, path))), "")

"""The person of a row: names, addresses, consent. And the id of a patient where the system has none.

Rules
1. A name in one column: after a comma the first name stands (`Papadopoulou, Eleni`); else the last word is the last name, or the first where the mapping says `last_first`. A form of address
   before it is left out.
2. A consent column that is empty, or says neither yes nor no, is no consent. Without such a column nothing is said of consent, which is no consent either.
3. An id made of fields is a hash over them in a form without case, spaces and ways of writing a number: the same person in two files is the same patient.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any, Final

from worker.intake.phones import e164
from worker.intake.sources.moments import NotAMoment, day_of
from worker.intake.sources.reading import Fields, Refused, hashed
from worker.intake.values import email as checked_email
from worker.workspace.sources import folded

TITLES: Final = frozenset(
    [
        "mr",
        "mr.",
        "mrs",
        "mrs.",
        "ms",
        "ms.",
        "miss",
        "mx",
        "dr",
        "dr.",
        "prof",
        "prof.",
        "κ",
        "κ.",
        "κα",
        "κα.",
        "κος",
        "κος.",
        "κυρια",
        "κυρία",
        "κυριος",
        "κύριος",
        "δρ",
        "δρ.",
    ]
)
NAMES: Final = ("first_name", "last_name")
AGE_YEARS: Final = 120
_ROUNDED: Final = re.compile(r"\d[.,]\d+E\+?\d+", re.IGNORECASE)
"""A number as Excel rounds it, `3.06912E+11`: many have it, so nobody is known by it."""


def person_of(row: Fields) -> dict[str, Any]:
    """`data.patient`: what the row says of the person. What it leaves empty is not in it, but for consent."""
    named = zip(NAMES, names_of(row), strict=True)
    found: dict[str, Any] = {name: value for name, value in named if value}
    country = row.context.clinic.country
    values = {
        "phone": row.kept("phone", lambda text: e164(text, country)),
        "email": row.kept("email", _email),
        "date_of_birth": row.kept("date_of_birth", lambda text: _born(row, text)),
        "language": row.kept("language", _language),
    }
    found |= {name: value for name, value in values.items() if value is not None}
    tags = [tag.strip() for tag in row.text("tags").replace(";", ",").split(",") if tag.strip()]
    if row.has("tags"):
        found["tags"] = list(dict.fromkeys(tags))[:100]
    consent = {
        channel: ["marketing", "care"] if row.agreed(f"consent_{channel}") else ["care"]
        for channel in ("sms", "email")
        if row.has(f"consent_{channel}")
    }
    if consent:
        found["consent"] = consent
    return found


def names_of(row: Fields) -> tuple[str, str]:
    """First and last name, "" where there is none."""
    first, last = row.text("first_name"), row.text("last_name")
    if first or last or not row.has("name"):
        return first, last
    return split_name(row.text("name"), row.context.sheet.name_order)


def split_name(text: str, order: str) -> tuple[str, str]:
    """A whole name as first and last name (rule 1)."""
    before, comma, after = text.partition(",")
    if comma and after.strip():
        return _untitled(after.split()), " ".join(before.split())
    words = _untitled(before.split()).split()
    if len(words) < 2:
        return " ".join(words), ""
    if order == "last_first":
        return " ".join(words[1:]), words[0]
    return " ".join(words[:-1]), words[-1]


def _untitled(words: list[str]) -> str:
    kept = words[1:] if len(words) > 1 and words[0].casefold() in TITLES else words
    return " ".join(kept)


def patient_of(row: Fields, name: str, made_of: tuple[str, ...]) -> str:
    """The patient's id: the cell of the field `name`, else a hash over other fields (rule 3). Refuses a row that has neither."""
    if row.text(name):
        return row.text(name)
    if not made_of:
        return row.needed(name)
    parts = [_known_by(row, part) for part in made_of]
    if not any(parts):
        columns = ", ".join(row.column(part) for part in made_of)
        raise Refused(f"there is nothing to know the patient by: {columns} are empty")
    return f"h-{hashed('patient', *parts)}"


def made_id(row: Fields, made_of: tuple[str, ...], subject: str) -> str:
    """The id of an appointment that has none: a hash over its patient and other fields."""
    return f"h-{hashed('appointment', subject, *(_known_by(row, part) for part in made_of))}"


def _known_by(row: Fields, name: str) -> str:
    if name == "name":
        return folded(" ".join(part for part in names_of(row) if part))
    text = row.text(name)
    if name == "starts_at" and not text:
        text = f"{row.text('date')} {row.text('time')}"
    if name == "phone" and text:
        if _ROUNDED.fullmatch(text):
            return ""
        return e164(text, row.context.clinic.country) or folded(text)
    if name == "date_of_birth" and text:
        return _born(row, text) or folded(text)
    return folded(text)


def _email(text: str) -> str | None:
    text = text.strip("<>").removeprefix("mailto:")
    try:
        return checked_email(text) or None
    except ValueError:
        return None


def _born(row: Fields, text: str) -> str | None:
    exported = row.context.exported
    try:
        born = day_of(text, row.context.sheet.form.date_order, latest=exported.year)
    except NotAMoment:
        return None
    today = exported.astimezone(row.context.clinic.tz).date()
    return born.isoformat() if date(today.year - AGE_YEARS + 1, 1, 1) <= born <= today else None


_LANGUAGES: Final = {
    "greek": "el", "ελληνικά": "el", "ελληνικα": "el", "gr": "el", "english": "en", "αγγλικά": "en", "french": "fr", "german": "de", "italian": "it", "spanish": "es",
}  # fmt: skip


def _language(text: str) -> str | None:
    said = folded(text)
    if said in _LANGUAGES:
        return _LANGUAGES[said]
    first = said.replace("_", "-").partition("-")[0]
    return first if len(first) == 2 and first.isascii() and first.isalpha() else None

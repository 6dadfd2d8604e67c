"""Errors of an event as sentences for a person: `path: what is wrong; the way out`.

A sentence may quote the value it complains of (a phone number, an address): it goes back to the sender and
into quarantine, never into a log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError

from worker.intake.checks import nearest, shown

MOST: Final = 20
"""How many errors of one event are told; the rest is a number."""

_ID = "text in quotes of at most 256 characters"
_INSTANT = "an instant with its offset, such as 2026-03-29T10:00:00+03:00"

GIVE: Final[Mapping[str, str]] = {
    "specversion": '"1.0"',
    "id": f"the event's own id, {_ID}",
    "source": f"where it comes from, such as /clinic/athens/book, {_ID}",
    "type": "the event's type, such as visit.completed",
    "subject": f"the clinic's id of the patient, {_ID}",
    "time": _INSTANT,
    "data": "an object",
    "data.appointment_id": f"the appointment's id in the clinic's book, {_ID}",
    "data.version": "a whole number from 0 up, such as 7, without quotes, or leave it out",
    "data.starts_at": _INSTANT,
    "data.historical": "true or false without quotes, or leave it out",
    "data.services": 'a list such as [{"code": "LHR"}], or leave it out',
    "data.services[]": 'an object such as {"code": "LHR"}',
    "data.services[].code": f"the code of the service in the catalogue, {_ID}",
    "data.net": 'an object such as {"minor": 15000, "currency": "EUR"}',
    "data.net.minor": "a whole number of minor units, such as 15000 for 150.00, without quotes",
    "data.net.currency": "three capital letters, such as EUR",
    "data.into": f"the id of the patient that remains, {_ID}",
    "data.until": f"a date such as 2026-12-31 or {_INSTANT}, or leave it out",
    "data.text_hash": "the SHA-256 of the text as 64 lower-case hexadecimal digits, or give the text itself",
    "data.patient": "an object of what is known, or leave it out",
    "data.patient.phone": "text with the country code, such as +30 690 000 0000, or leave it out",
    "data.patient.tags": "a list of words, or leave it out",
    "data.patient.tags[]": "a word",
    "data.patient.consent": 'an object such as {"sms": ["marketing", "care"]}, or leave it out',
    "data.patient.consent.sms": 'a list such as ["marketing", "care"]',
    "data.patient.consent.email": 'a list such as ["marketing", "care"]',
}
"""What belongs at a path; anything else is text that may be left out."""

CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "specversion": ("1.0",),
    "data.services[].area": ("face", "body", "none"),
    "data.cancelled_by": ("patient", "clinic"),
    "data.channel": ("sms", "email"),
    "data.purpose": ("marketing", "care", "health_profiling"),
    "data.basis": ("explicit", "soft_opt_in", "written", "verbal"),
    "data.patient.consent.sms[]": ("marketing", "care", "health_profiling"),
    "data.patient.consent.email[]": ("marketing", "care", "health_profiling"),
}


def sentences(error: ValidationError, root: str = "") -> list[str]:
    """One sentence per error, in the order of the fields; `root` is where the checked value lies."""
    told = []
    for one in error.errors(include_url=False):
        path = _path((root, *one["loc"]) if root else one["loc"])
        rule = _path((root, *one["loc"]) if root else one["loc"], numbered=False)
        told.append(f"{path}: {_why(rule, one['type'], one['input'], one.get('ctx', {}))}")
    return told


def capped(told: Sequence[str]) -> tuple[str, ...]:
    """At most `MOST` of the sentences, and how many there are besides."""
    if len(told) <= MOST:
        return tuple(told)
    return (*told[:MOST], f"and {len(told) - MOST} more errors in this event")


def one_of(word: object, known: Sequence[str]) -> str:
    """The way out of an unknown word: the one that was probably meant, or all there are."""
    if isinstance(word, str) and (near := nearest(word, known)):
        return f"did you mean '{near}'?"
    return f"give {', '.join(known[:-1])} or {known[-1]}" if len(known) > 1 else f'give "{known[0]}"'


def _path(loc: Sequence[int | str], *, numbered: bool = True) -> str:
    path = ""
    for step in loc:
        if isinstance(step, int):
            path += f"[{step}]" if numbered else "[]"
        else:
            path += f".{step}" if path else step
    return path


def _why(rule: str, kind: str, value: object, context: Mapping[str, Any]) -> str:
    if kind == "told":
        return str(context["why"])
    choices = CHOICES.get(rule)
    way_out = (
        one_of(None, choices) if choices else "give " + GIVE.get(rule, "text in quotes, or leave it out")
    )
    if kind == "missing":
        return f"is missing; {way_out}"
    if value is None:
        return f"is null; {way_out}"
    if value == "" or kind == "string_too_short":
        return f"is empty; {way_out}"
    if kind == "string_too_long":
        return f"is longer than {context['max_length']} characters; shorten it"
    if kind == "string_unicode":
        return "holds a broken character (half of a surrogate pair); send valid UTF-8"
    if kind == "too_long":
        return f"holds more than {context['max_length']} entries; send fewer"
    if kind == "string_pattern_mismatch" and rule not in ("data.net.currency", "data.text_hash"):
        return "holds a control character, such as a line break; remove it"
    if kind.startswith(("greater_than", "less_than")):
        side = "small" if kind.startswith("greater_than") else "large"
        return f"{shown(value)} is too {side}; {'give more than 0' if kind == 'greater_than' else way_out}"
    if choices and isinstance(value, str):
        return f"{shown(value)} is not known; {one_of(value, choices)}"
    return f"{shown(value)} does not belong here; {way_out}"
